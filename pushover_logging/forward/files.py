"""One log file while it is open: its lines with their places, truncated or not, and its past."""

from __future__ import annotations

import codecs
import hashlib
import os
import re
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_CHUNK = 262_144
LONGEST = 1_048_576
"""Bytes of a line that are read; the rest of a longer one is read past."""
_HEAD = 256
_LISTINGS = 50
"""Listings of a folder before giving up for now: somebody is renaming files in it."""
Identity = tuple[int, int]
"""The numbers of a device and of a file on it."""
PACKED = re.compile(r"\.(?:gz|zst|bz2|xz)\Z")
"""How the name of a compressed file ends."""


class Piece(NamedTuple):
    """Whole lines in UTF-8, and where they begin and end in the file."""

    data: bytes
    at: int
    end: int


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
        self.identity: tuple[int, int] = (state.st_dev, state.st_ino)
        self._next = state.st_size if offset < 0 else offset
        self._rest = b""
        self._skipping = False
        self.long_lines: int = 0
        """Lines that were longer than is read."""
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
        """Whether it was truncated or written anew since the last call; it is then read anew."""
        size = self.size
        anew = size < self._next or self._read_head(len(self._head)) != self._head
        if anew:
            self._next, self._rest, self._skipping = 0, b"", False
            self._head = b""
        if len(self._head) < _HEAD:
            self._head = self._read_head(min(size, _HEAD))
        return anew

    def read(self) -> list[Piece]:
        """The next whole lines; none at the end, or while the last is still being written."""
        while chunk := os.pread(self._file.fileno(), _CHUNK, self._next):
            at = self.offset
            self._next += len(chunk)
            data = self._rest + chunk
            end = self._end_of_lines(data, len(self._rest))
            self._rest = data[end:]
            pieces = self._pieces(data[:end], at)
            if len(self._rest) > LONGEST:
                pieces += self._cut()
            if pieces:
                return pieces
        return []

    def last_line(self) -> list[Piece]:
        """The line without an end, taken for whole."""
        line, at, self._rest = self._rest, self.offset, b""
        return self._pieces(line, at) if line else []

    def close(self) -> None:
        self._file.close()

    @property
    def _encoding(self) -> str | None:
        """UTF-16, if its first bytes say so; else it is read as UTF-8."""
        if self._head.startswith(codecs.BOM_UTF16_LE):
            return "utf-16-le"
        return "utf-16-be" if self._head.startswith(codecs.BOM_UTF16_BE) else None

    def _end_of_lines(self, data: bytes, searched: int) -> int:
        encoding = self._encoding
        if encoding is None:
            return data.rfind(b"\n", searched) + 1
        newline = "\n".encode(encoding)
        found = data.rfind(newline)
        while found >= 0 and found % 2:
            found = data.rfind(newline, 0, found + 1)
        return found + 2 if found >= 0 else 0

    def _pieces(self, data: bytes, at: int) -> list[Piece]:
        if self._skipping and data:
            end = data.find(b"\n") + 1
            data, at = data[end:], at + end
            self._skipping = False
        encoding = self._encoding
        if encoding is None:
            return [Piece(data, at, at + len(data))] if data else []
        pieces = []
        for line in data.decode(encoding, "replace").split("\n")[: data.count(b"\n") or 1]:
            start, at = at, at + len(line.encode(encoding, "surrogatepass")) + 2
            if line:
                pieces.append(Piece(f"{line}\n".encode("utf-8", "replace"), start, at))
        return pieces

    def _cut(self) -> list[Piece]:
        line, at, self._rest = self._rest, self.offset, b""
        if self._skipping:
            return []
        self.long_lines += 1
        pieces = self._pieces(line[:LONGEST], at)
        self._skipping = True
        return pieces

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
    """Open a file, if it is still the one that was seen under that name.

    Raises OSError for a file that is there and cannot be read.
    """
    try:
        file = OpenFile(path, offset)
    except FileNotFoundError:
        return None  # rotated away: the next listing will tell
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


_SUFFIX = r"[.\-_]\d[\d.\-_T:]*"
"""What rotation adds to a name: a number or a date."""
_Known = tuple[Path, Identity, int]


def is_rotated(path: Path, of: Path) -> bool:
    """Whether a path is that of a file which was rotated, and had another name before."""
    named = re.compile(re.escape(of.name) + _SUFFIX + r"(?:\.(?:gz|zst|bz2|xz))?")
    return path != of and path.parent == of.parent and named.fullmatch(path.name) is not None


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
    names = re.compile(re.escape(path.name) + f"(?:{_SUFFIX})?")
    found: list[_Known] = []
    try:
        entries = list(os.scandir(path.parent))
    except FileNotFoundError:
        return []  # its folder is not there, or not yet
    for entry in entries:
        if names.fullmatch(entry.name):
            try:
                state = os.stat(entry.path)
            except OSError:
                continue  # renamed or deleted since the listing
            identity = (state.st_dev, state.st_ino)
            found.append((path.parent / entry.name, identity, state.st_mtime_ns))
    return found


def _age(path: Path, known: _Known) -> tuple[bool, int, int]:
    """The larger the older: by the time of writing, or by the number in the name if that is even.

    What has the name itself is the newest, even if a rotated file is still being written to.
    """
    number = re.search(r"\.(\d{1,6})\Z", known[0].name)
    return known[0] != path, -known[2], int(number[1]) if number else 0
