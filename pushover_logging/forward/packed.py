"""A compressed log, as rotation leaves behind: read once, from its start to its end."""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from .entry import Entry
from .files import OpenFile, Place
from .records import RecordReader

_CHUNK = 262_144
_ZSTD = ("compression.zstd", "zstandard", "pyzstd")
"""The module of Python 3.14, and packages that do the same."""


class PackedLog:
    """The records of a compressed file; it has a place once all of it was read."""

    def __init__(self, path: Path, records: RecordReader) -> None:
        """Raises OSError, or ValueError where a module for its format is missing."""
        self.path: Path = path.absolute()
        self._records = records
        self._file: io.BufferedIOBase = _opened(self.path)
        opened = OpenFile(self.path)
        self._start, self._end = opened.place(0), opened.place(opened.size)
        opened.close()
        self.ended: bool = False

    def read(self, between: Callable[[], None] = lambda: None) -> Iterator[Entry]:
        """All its records; raises OSError, also for a file that is damaged."""
        rest = b""
        while not self.ended:
            try:
                chunk = self._file.read(_CHUNK)
            except (EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
                raise OSError(f"it is damaged: {error}") from error
            data = rest + chunk
            end = data.rfind(b"\n") + 1 if chunk else len(data)
            rest = data[end:] if len(data) - end < 4 * _CHUNK else b""
            yield from self._records.read(data[:end])
            self.ended = not chunk
            between()
        yield from self._records.finish()

    def finish(self) -> Iterator[Entry]:
        """The records in hand."""
        yield from self._records.end()

    def places(self) -> list[Place]:
        """Its end, once it was read, else its start."""
        return [self._end if self.ended else self._start]

    def close(self) -> None:
        self._file.close()


def was_read(path: Path, places: list[Place]) -> bool:
    """Whether a compressed file is the one that was read to its end before."""
    file = OpenFile(path)
    try:
        return any(file.begins_as(place) and place.offset == file.size for place in places)
    finally:
        file.close()


def _opened(path: Path) -> io.BufferedIOBase:
    if path.suffix == ".gz":
        return gzip.GzipFile(path)
    if path.suffix == ".bz2":
        return bz2.BZ2File(path)
    return lzma.LZMAFile(path) if path.suffix == ".xz" else _opened_zstd(path)


def _opened_zstd(path: Path) -> io.BufferedIOBase:
    for name in _ZSTD:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        opened: io.BufferedIOBase = module.open(path, "rb")
        return opened
    raise ValueError(f"{path} needs Python 3.14, or the package zstandard, to be read")
