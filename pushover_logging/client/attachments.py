"""The image of a message: reads it, and checks its size and type before anything is sent."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from .constants import ATTACHMENT_LIMIT
from .transport import File

Source: TypeAlias = "str | os.PathLike[str] | bytes | BinaryIO"
"""A path, the image's bytes, or a file opened for reading bytes."""

# The first bytes of the formats that phones show: offset, bytes, MIME type.
_SIGNATURES: Final = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"BM", "image/bmp"),
    (4, b"ftyphei", "image/heic"),
    (4, b"ftypavif", "image/avif"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
)


def load(source: Source, content_type: str | None = None) -> File:
    """Read an image. Its type is ``content_type``, else the type that its first bytes show.

    Raises ValueError for an image that is too large or of no known type, and OSError for a file
    that cannot be read.
    """
    content = _read(source)
    found = _image_type(content, content_type)
    return File(_name(source, found), found, content)


def check_base64(text: str, content_type: str | None = None) -> str:
    """Check an image in base64, and return its type. Raises ValueError as ``load`` does."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("attachment_base64 is not base64") from None
    return _image_type(content, content_type)


def _read(source: Source) -> bytes:
    if isinstance(source, (bytes, bytearray)):
        return bytes(source)
    if isinstance(source, (str, os.PathLike)):
        with Path(source).open("rb") as file:
            return _read_some(file)
    return _read_some(source)


def _read_some(file: BinaryIO) -> bytes:
    if not hasattr(file, "read"):
        kind = type(file).__name__
        raise TypeError(f"attachment must be a path, bytes or a file opened for them, not {kind}")
    start = file.tell() if file.seekable() else None
    content = file.read(ATTACHMENT_LIMIT + 1)
    if start is not None:
        # Back to the start, so that the next sending reads the same.
        file.seek(start)
    if not isinstance(content, bytes):
        raise TypeError("attachment is a file opened for text; open it with mode 'rb'")
    return content


def _image_type(content: bytes, content_type: str | None) -> str:
    if len(content) > ATTACHMENT_LIMIT:
        raise ValueError(f"attachment is larger than the {ATTACHMENT_LIMIT} bytes that fit")
    if not content:
        raise ValueError("attachment is empty")
    found = content_type or _sniffed(content)
    if found is None:
        raise ValueError("the first bytes of attachment show no image type; give attachment_type")
    if not found.lower().startswith("image/"):
        raise ValueError(f"attachment is of type {found!r}; only an image can be attached")
    return found


def _sniffed(content: bytes) -> str | None:
    for offset, signature, content_type in _SIGNATURES:
        if content.startswith(signature, offset):
            return content_type
    return None


def _name(source: Source, content_type: str) -> str:
    path = source if isinstance(source, (str, os.PathLike)) else getattr(source, "name", None)
    if isinstance(path, (str, os.PathLike)):
        return Path(path).name
    return "attachment." + content_type.partition("/")[2].partition("+")[0]
