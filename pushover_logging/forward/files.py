"""One log file while it is open: its lines with their places, truncated or not, and its past."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_CHUNK = 262_144
_LONGEST = 1_048_576
"""Bytes of a line that are kept; a push shows fewer by far."""
_HEAD = 256


_LISTINGS = 50
"""Looks at a folder before giving up for now: somebody is renaming files in it."""
Identity = tuple[int, int]
"""The numbers of a device and of a file on it."""


class Line(NamedTuple):
    text: str
    end: int
    """Where the next line begins."""


@dataclass(frozen=True)
class Place:
    """How far a file was read, and what tells it from another file that has its number now."""

    device: int
    inode: int
    offset: int
    head_size: int = 0
    head: str = ""
    """A digest of its first bytes."""


class OpenFile:
    """A file that is read to its end, again and again."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        """Open it at an offset; a negative one is its end. Raises OSError."""
        self.path = path
        self._file = path.open("rb", buffering=0)
        state = os.fstat(self._file.fileno())
        self.identity = (state.st_dev, state.st_ino)
        self._next = state.st_size if offset < 0 else offset
        self._rest = b""
        self._skipping = False
        self._head = self._read_head(min(state.st_size, _HEAD))

    @property
    def offset(self) -> int:
        """Where the first line begins that was not given out."""
        return self._next - len(self._rest)

    @property
    def size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    @property
    def written_at(self) -> int:
        """When it was last written to, in nanoseconds."""
        return os.fstat(self._file.fileno()).st_mtime_ns

    def place(self, offset: int) -> Place:
        """What to remember, to go on from an offset."""
        digest = hashlib.sha256(self._head).hexdigest()
        return Place(*self.identity, offset, len(self._head), digest)

    def begins_as(self, place: Place) -> bool:
        """Whether it is the file that a place was remembered of."""
        head = self._read_head(place.head_size)
        same = hashlib.sha256(head).hexdigest() == place.head or not place.head
        return self.identity == (place.device, place.inode) and same

    def started_over(self) -> bool:
        """Whether it was truncated or written anew since the last look; it is then read anew."""
        size = self.size
        anew = size < self._next or self._read_head(len(self._head)) != self._head
        if anew:
            self._next, self._rest, self._skipping = 0, b"", False
            self._head = b""
        if len(self._head) < _HEAD:
            self._head = self._read_head(min(size, _HEAD))
        return anew

    def read(self) -> list[Line]:
        """The next whole lines; none at the end, or while the last is still being written."""
        chunk = os.pread(self._file.fileno(), _CHUNK, self._next)
        start = self.offset
        self._next += len(chunk)
        lines, self._rest = _split(self._rest + chunk)
        given = []
        for line in lines:
            start += len(line)
            if not self._skipping:
                given.append(Line(_decoded(line), start))
            self._skipping = False
        if len(self._rest) > _LONGEST:
            return [*given, *self._cut()]
        # A chunk may be but a piece of a long line: there may be more without a line in hand.
        return given if given or not chunk else self.read()

    def last_line(self) -> list[Line]:
        """The line without an end, taken for whole."""
        line, self._rest = self._rest, b""
        return [Line(_decoded(line), self._next)] if line and not self._skipping else []

    def close(self) -> None:
        self._file.close()

    def _cut(self) -> list[Line]:
        line, self._rest = self._rest, b""
        was_skipping, self._skipping = self._skipping, True
        return [] if was_skipping else [Line(_decoded(line[:_LONGEST]), self._next)]

    def _read_head(self, size: int) -> bytes:
        return os.pread(self._file.fileno(), size, 0)


def next_file(path: Path, last: OpenFile, known: Container[Identity]) -> OpenFile | None:
    """Open the file that followed another by rotation; None if there is none yet.

    A rotated file keeps its name and gets a number or a date: ``app.log.1``, ``app.log-20260131``.
    """
    listed = sorted(_rotated(path), key=lambda each: _age(path, each), reverse=True)
    identities = [identity for _, identity, _ in listed]
    if last.identity in identities:
        later = listed[identities.index(last.identity) + 1 :]
    else:  # it was deleted; what was written after it is still told by the time
        later = [each for each in listed if each[0] == path or each[2] > last.written_at]
    for candidate, identity, _ in later:
        if identity not in known:
            return opened_as(candidate, identity)
    return None


def opened_as(path: Path, identity: Identity, offset: int = 0) -> OpenFile | None:
    """Open a file, if it is still the one that was seen under that name."""
    try:
        file = OpenFile(path, offset)
    except OSError:
        return None  # rotated away, or not ours to read: the next look will tell
    if file.identity == identity:
        return file
    file.close()
    return None


def find(path: Path, place: Place) -> OpenFile | None:
    """The file a place was remembered of, whatever it is called now."""
    wanted = (place.device, place.inode)
    for candidate, identity, _ in _rotated(path):
        file = opened_as(candidate, wanted, place.offset) if identity == wanted else None
        if file is not None:
            if file.begins_as(place) and file.size >= place.offset:
                return file
            file.close()
    return None


_Known = tuple[Path, Identity, int]


def _rotated(path: Path) -> list[_Known]:
    """The files that have the name or had it; none while they are being renamed."""
    before: set[tuple[Path, Identity]] = set()
    for _ in range(_LISTINGS):
        found = _listed(path)
        names = {each[:2] for each in found}
        # Files renamed in the middle of a listing are in it twice or not at all.
        if names == before:
            return found
        before = names
    return []


def _listed(path: Path) -> list[_Known]:
    names = re.compile(re.escape(path.name) + r"(?:[.\-_]\d[\d.\-_T:]*)?")
    found: list[_Known] = []
    for entry in os.scandir(path.parent):
        if names.fullmatch(entry.name):
            try:
                state = os.stat(entry.path)
            except OSError:
                continue  # gone between the listing and the look
            identity = (state.st_dev, state.st_ino)
            found.append((path.parent / entry.name, identity, state.st_mtime_ns))
    return found


def _age(path: Path, known: _Known) -> tuple[bool, int, int]:
    """The larger the older: by the time of writing, or by the number in the name if that is even.

    What has the name itself is the newest, even if a rotated file is still being written to.
    """
    number = re.search(r"\.(\d{1,6})\Z", known[0].name)
    return known[0] != path, -known[2], int(number[1]) if number else 0


def _split(data: bytes) -> tuple[list[bytes], bytes]:
    *lines, rest = data.split(b"\n")
    return [line + b"\n" for line in lines], rest


def _decoded(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r\n")
