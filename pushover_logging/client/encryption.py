"""Encrypts messages for the recipient's devices; the only user of cryptography.

Source: Pushover's documentation, "End-to-End Encryption", https://pushover.net/api#e2ee.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import hmac
import os
import re
import zlib
from collections.abc import Mapping

from .parameters import Value

try:
    from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC
    from cryptography.hazmat.primitives.padding import PKCS7
except ImportError as _missing:
    raise ImportError(
        "encryption_key needs the cryptography library; "
        "install it with: pip install 'pushover-logging[encryption]'"
    ) from _missing

SEALED = ("message", "title", "url", "url_title")
"""The parameters that are encrypted; all others stay clear, attachments too."""

_KEY = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
_IV_BYTES = 16
_MAC_BYTES = 32


class Cipher:
    """Encrypts with an account's key: AES-256-CBC and HMAC-SHA256 over gzipped text."""

    def __init__(self, key: str | bytes) -> None:
        self._key = _checked(key)

    def seal(self, parameters: Mapping[str, Value]) -> dict[str, Value]:
        """Return the parameters of a message with all texts encrypted.

        They always hold a title: without a title the service adds the application's name in
        clear, and the phone fails to decrypt it.
        """
        texts = {"title": "", **{n: parameters[n] for n in SEALED if parameters.get(n)}}
        sealed = {name: self.encrypt(str(value)) for name, value in texts.items()}
        return {**parameters, **sealed, "encrypted": 1}

    def encrypt(self, text: str) -> str:
        """Encrypt a text."""
        iv = os.urandom(_IV_BYTES)
        padder = PKCS7(AES.block_size).padder()
        clear = padder.update(gzip.compress(text.encode(), mtime=0)) + padder.finalize()
        encryptor = BlockCipher(AES(self._key), CBC(iv)).encryptor()
        sealed = iv + encryptor.update(clear) + encryptor.finalize()
        return base64.b64encode(sealed + self._mac(sealed)).decode("ascii")

    def decrypt(self, text: str) -> str:
        """Decrypt a text. Raises ValueError if it was altered or encrypted with another key."""
        sealed, mac = _parts(text)
        if not hmac.compare_digest(mac, self._mac(sealed)):
            raise ValueError("the text was altered, or encrypted with another key")
        try:
            return gzip.decompress(self._opened(sealed)).decode()
        except (OSError, EOFError, zlib.error, ValueError):
            raise ValueError("the text was not encrypted for Pushover") from None

    def _opened(self, sealed: bytes) -> bytes:
        decryptor = BlockCipher(AES(self._key), CBC(sealed[:_IV_BYTES])).decryptor()
        clear = decryptor.update(sealed[_IV_BYTES:]) + decryptor.finalize()
        unpadder = PKCS7(AES.block_size).unpadder()
        return unpadder.update(clear) + unpadder.finalize()

    def _mac(self, sealed: bytes) -> bytes:
        return hmac.digest(self._key, sealed, hashlib.sha256)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(key='…')"


def _parts(text: str) -> tuple[bytes, bytes]:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("the text is not base64, so it is not encrypted") from None
    return raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]


def _checked(key: str | bytes) -> bytes:
    if isinstance(key, bytes) and len(key) == 32:
        return key
    if isinstance(key, str) and _KEY.fullmatch(key):
        return bytes.fromhex(key)
    # The value is not quoted: it may be a secret of another kind.
    raise ValueError("encryption_key must be 64 hex digits (or the 32 bytes they stand for)")
