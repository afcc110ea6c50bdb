"""Says in plain words why a connection failed; loaded only when a connection has failed.

The words of requests, urllib3 and the system differ from version to version, and may quote
addresses with passwords in them. These sentences never quote an address.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Sequence

__all__ = ["bundle_problem", "is_missing_bundle", "reason"]

_CERTIFICATE = {
    9: "its certificate is not valid yet; check the clock of this machine",
    10: "its certificate has expired; or the clock of this machine is wrong",
    18: "its certificate is not trusted: it is signed by itself",
    19: "its certificate is not trusted: no authority that this machine knows has issued it",
    20: "its certificate is not trusted: no authority that this machine knows has issued it",
    21: "its certificate is not trusted: no authority that this machine knows has issued it",
    62: "its certificate is for another name",
    64: "its certificate is for another address",
}
"""By OpenSSL's number (openssl-verification-options, X509_V_ERR)."""

_TLS = {
    "WRONG_VERSION_NUMBER": "the other end does not speak TLS",
    "RECORD_LAYER_FAILURE": "the other end does not speak TLS",
    "HTTP_REQUEST": "the other end does not speak TLS",
    "UNEXPECTED_EOF_WHILE_READING": "the other end closed the connection",
    "UNSUPPORTED_PROTOCOL": "the other end speaks only versions of TLS that are too old",
}
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")


def reason(chain: Sequence[BaseException]) -> str:
    """Say why, for an error and its causes, the innermost last; a clause without a full stop."""
    for error in reversed(chain):
        said = _words(error)
        if said:
            return said
    return type(chain[-1]).__name__


def is_missing_bundle(error: BaseException) -> bool:
    """Whether requests found no file of trusted certificates, for which it has no error class."""
    return type(error) is OSError and "certificate bundle" in str(error)


def bundle_problem(path: str, variable: str, error: BaseException) -> str | None:
    """Say what is wrong with a file or folder of trusted certificates; None if it can be read."""
    named = f"the certificates {path!r} that {variable} names"
    if isinstance(error, ssl.SSLError) and error.reason in (
        "NO_CERTIFICATE_OR_CRL_FOUND",
        "NO_START_LINE",
    ):
        return f"{named} cannot be used: the file holds no certificate"
    try:
        with open(path, "rb"):
            return None
    except IsADirectoryError:
        return None
    except (OSError, ValueError) as unreadable:
        why = getattr(unreadable, "strerror", None) or "the path is not valid"
        return f"{named} cannot be read: {why}"


def _words(error: BaseException) -> str | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATE.get(error.verify_code, f"its certificate: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        code = error.reason or "TLS_FAILED"
        return _TLS.get(code, code.lower().replace("_", " "))
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return "the name could not be resolved"
    if isinstance(error, http.client.RemoteDisconnected):
        return "it was closed before an answer came"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, TimeoutError):
        return "it took too long"
    text, kind = str(error), type(error).__name__
    tunnel = _TUNNEL.search(text) if isinstance(error, OSError) else None
    if tunnel:
        wanted = "it wants a user name and a password" if tunnel[1] == "407" else "it refused"
        return f"{wanted} (HTTP {tunnel[1]})"
    if is_missing_bundle(error):
        return "the file of trusted certificates is missing"
    if "SOCKS support" in text:
        return "a SOCKS proxy needs the PySocks package; install it with: pip install PySocks"
    if kind == "SOCKS5AuthError":
        return "it refused the user name and password"
    if kind == "IncompleteRead":
        return "the answer broke off"
    if kind == "DecodeError":
        return "the answer could not be decompressed"
    if kind == "CertificateError":  # urllib3 1.26
        return "its certificate is for another name"
    if kind in ("InvalidURL", "InvalidProxyURL", "ProxySchemeUnknown", "LocationParseError"):
        return "its address is not valid"
    if isinstance(error, http.client.HTTPException):
        return "the answer is not HTTP"
    said = getattr(error, "strerror", None)
    return said if isinstance(said, str) and said else None
