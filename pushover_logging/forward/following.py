"""Follows a log file by its name, as ``tail -F`` does, and loses nothing when it is rotated."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from .files import OpenFile, Place, find, next_file
from .formats import Reader
from .joining import Joined, Joiner

_LINGER = 10.0
"""Seconds after the last line in which a rotated file may still be written to."""
_QUIET = 1.0
"""Seconds without a line after which a record is taken for whole."""


class _Part:
    """One of the files that have the name, or had it: who reads it, and how far."""

    def __init__(self, file: OpenFile, reader: Reader) -> None:
        self.file = file
        self.joiner = Joiner(reader)
        self.done = file.offset
        self.heard = time.monotonic()

    def read(self, now: float) -> Iterator[Joined]:
        if self.file.started_over():
            yield from self.finish()
            self.done = 0
        while lines := self.file.read():
            self.heard = time.monotonic()
            for line in lines:
                yield from self._note(self.joiner.feed(line.text, line.end, now))
        if time.monotonic() - self.heard > _QUIET:
            yield from self.finish()

    def finish(self) -> Iterator[Joined]:
        yield from self._note(self.joiner.finish())
        if not self.joiner.holds:
            self.done = self.file.offset  # blank lines, which are no records

    def take_last_line(self, now: float) -> Iterator[Joined]:
        for line in self.file.last_line():
            yield from self._note(self.joiner.feed(line.text, line.end, now))

    def _note(self, joined: Joined | None) -> Iterator[Joined]:
        if joined is not None:
            self.done = joined.end
            yield joined


class Follower:
    """The records of one log, in the order in which they were written."""

    def __init__(self, path: Path, reader: Reader, places: Sequence[Place], at_end: bool) -> None:
        """Go on from the places, where their files are found; else from the end or the start."""
        self.path = path.absolute()
        self.behind = False
        """Whether what was read before has gone, so that something may be missing."""
        self._reader = reader
        self._parts: list[_Part] = []
        for place in places:
            file = find(self.path, place)
            if file is not None:
                self._parts.append(_Part(file, reader))
        self.behind = len(self._parts) < len(places)
        if not places and self.path.exists():
            self._parts.append(_Part(OpenFile(self.path, -1 if at_end else 0), reader))

    @property
    def size(self) -> int:
        return sum(part.file.size for part in self._parts)

    @property
    def offset(self) -> int:
        return sum(part.file.offset for part in self._parts)

    def read(self, now: float) -> Iterator[Joined]:
        """The records that are whole by now."""
        for part in list(self._parts):
            yield from part.read(now)
        while self._take_up_next():
            yield from self._parts[-1].read(now)
        yield from self._let_go(now)

    def finish(self, now: float, *, last_line: bool) -> Iterator[Joined]:
        """The records that only waited for more; and a last line without an end, if wanted."""
        for part in self._parts:
            if last_line or part is not self._parts[-1]:
                yield from part.take_last_line(now)
            yield from part.finish()

    def places(self) -> list[Place]:
        """How far it was read, up to the last record that was given out."""
        return [part.file.place(part.done) for part in self._parts]

    def close(self) -> None:
        """Close the files."""
        for part in self._parts:
            part.file.close()

    def _take_up_next(self) -> bool:
        """Open the file that came after the last; False if that is the one at the path."""
        if self._parts:
            known = {part.file.identity for part in self._parts}
            file = next_file(self.path, self._parts[-1].file, known)
        else:
            file = _if_there(self.path)
        if file is not None:
            self._parts.append(_Part(file, self._reader))
        return file is not None

    def _let_go(self, now: float) -> Iterator[Joined]:
        """Close rotated files that nobody has written to for a while."""
        for part in self._parts[:-1]:
            if time.monotonic() - part.heard > _LINGER:
                yield from part.take_last_line(now)
                yield from part.finish()
                part.file.close()
                self._parts.remove(part)


def _if_there(path: Path) -> OpenFile | None:
    try:
        return OpenFile(path)
    except FileNotFoundError:
        return None
