"""Follows a log file by its name, as ``tail -F`` does, and loses nothing when it is rotated."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from .entry import Entry
from .files import LONGEST, OpenFile, Place, find, next_file
from .records import RecordReader

_LINGER = 10.0
"""Seconds after the last line in which a rotated file may still be written to."""
Records = Callable[[], RecordReader]


def _nothing() -> None:
    """What happens between two chunks where the caller wants nothing to happen."""


class _Part:
    """One of the files that have the name, or had it: who reads it, and how far."""

    def __init__(self, file: OpenFile, records: RecordReader) -> None:
        self.file = file
        self.records = records
        self.records.position = file.offset
        self.written_to = time.monotonic()
        self._end = file.offset
        """Where the lines end that were read last; those of UTF-16 are longer than they look."""

    def read(self, between: Callable[[], None]) -> Iterator[Entry]:
        if self.file.started_over():
            yield from self.records.finish()
            self.records.position = self._end = 0
        while pieces := self.file.read():
            self.written_to = time.monotonic()
            for piece in pieces:
                self._end = piece.end
                yield from self.records.read(piece.data, piece.at)
                self.records.position = piece.end
            yield from self.records.expired()
            between()
        yield from self.records.expired()

    def take_last_line(self) -> Iterator[Entry]:
        for piece in self.file.last_line():
            self._end = piece.end
            yield from self.records.read(piece.data, piece.at)

    def place(self) -> Place:
        return self.file.place(min(self.records.owed_from(), self._end))


class Follower:
    """The records of one log, in the order in which they were written."""

    def __init__(
        self,
        path: Path,
        places: Sequence[Place] = (),
        *,
        records: Records = RecordReader,
        say: Callable[[str], None] = lambda _: None,
        at_end: bool = False,
        is_static: bool = False,
    ) -> None:
        """Go on from the places, where their files are found; else from the end or the start.

        ``is_static`` is for a rotated file that was named beside the log it comes from: the files
        that have its name later are the log's own.
        """
        self.path: Path = path.absolute()
        self.behind: bool = False
        """Whether a file of the last run is missing, so that some of its lines may be lost."""
        self._records = records
        self._say = say
        self._is_static = is_static
        self._at_end = at_end
        self._unreadable = ""
        self._long_lines = 0
        self._parts: list[_Part] = []
        for place in places:
            file = self._tried(functools.partial(find, path, place))
            if file is not None:
                self._parts.append(_Part(file, records()))
        self.behind = len(self._parts) < len(places)
        if not places:
            self._open_first()

    @property
    def is_unread(self) -> bool:
        """Whether no file could be opened so far."""
        return not self._parts

    @property
    def size(self) -> int:
        return sum(part.file.size for part in self._parts)

    @property
    def offset(self) -> int:
        return sum(part.file.offset for part in self._parts)

    def read(self, between: Callable[[], None] = _nothing) -> Iterator[Entry]:
        """The records that are whole by now; ``between`` is called between two chunks."""
        for part in list(self._parts):
            yield from self._read_part(part, between)
        while self._take_up_next():
            yield from self._read_part(self._parts[-1], between)
        yield from self._let_go()

    def finish(self, *, last_line: bool) -> Iterator[Entry]:
        """The records in hand; and a last line without an end, if wanted."""
        for part in self._parts:
            if last_line or part is not self._parts[-1]:
                yield from part.take_last_line()
            yield from part.records.end()

    def places(self) -> list[Place]:
        """How far it was read, up to the last record that was given out."""
        return [part.place() for part in self._parts]

    def close(self) -> None:
        """Close the files."""
        for part in self._parts:
            part.file.close()

    def _read_part(self, part: _Part, between: Callable[[], None]) -> Iterator[Entry]:
        try:
            yield from part.read(between)
        except OSError as error:
            self._complain(error)
        if part.file.long_lines > self._long_lines:
            self._long_lines = part.file.long_lines
            self._say(
                f"{self.path.name} has a line longer than {LONGEST:,} bytes; its beginning is read"
            )

    def _open_first(self) -> None:
        offset = -1 if self._at_end else 0
        file = self._tried(lambda: OpenFile(self.path, offset))
        if file is not None:
            self._parts.append(_Part(file, self._records()))

    def _take_up_next(self) -> bool:
        """Open the file that came after the last; False if that is the one at the path."""
        if not self._parts:
            # A log that could not be opened before: all of it that is there now is new.
            self._at_end = False
            self._open_first()
            return bool(self._parts)
        if self._is_static:
            return False
        known = {part.file.identity for part in self._parts}
        file = self._tried(lambda: next_file(self.path, self._parts[-1].file, known))
        if file is not None:
            self._parts.append(_Part(file, self._records()))
        return file is not None

    def _let_go(self) -> Iterator[Entry]:
        """Close rotated files that nobody has written to for a while."""
        for part in self._parts[:-1]:
            if time.monotonic() - part.written_to > _LINGER:
                yield from part.take_last_line()
                yield from part.records.finish()
                part.file.close()
                self._parts.remove(part)

    def _tried(self, opened: Callable[[], OpenFile | None]) -> OpenFile | None:
        """A file, or None if it is not there, or cannot be read, which is said once."""
        try:
            file = opened()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._complain(error)
            return None
        if file is not None and self._unreadable:
            self._unreadable = ""
            self._say(f"{self.path} can be read again")
        return file

    def _complain(self, error: OSError) -> None:
        reason = error.strerror or str(error)
        if reason != self._unreadable:
            self._unreadable = reason
            self._say(f"{self.path} cannot be read: {reason}; waiting for it")
