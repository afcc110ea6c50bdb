"""Joins the lines that make up one record: a traceback belongs to what was said before it; pure."""

from __future__ import annotations

import logging
import re
from collections import deque
from dataclasses import dataclass

from .entries import Entry
from .formats import Reader

_TRACEBACK = "Traceback (most recent call last):"
_CHAINED = (
    "During handling of the above exception",
    "The above exception was the direct cause",
)
_LAST_OF_TRACEBACK = re.compile(r"[A-Za-z_][\w.]*(?::|\Z)")
_HEAD, _TAIL = 200, 200
"""Lines kept of the beginning and the end of a record; a push shows fewer by far."""


@dataclass(frozen=True)
class Joined:
    """A whole record, and where its last line ends in what was read."""

    entry: Entry
    end: int


class Joiner:
    """Puts the lines of one file together; a record is whole once the next begins.

    ``reader`` says what a line says, and None of one that begins no record.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._entry: Entry | None = None
        self._head: list[str] = []
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._left_out = 0
        self._end = 0
        self._in_traceback = False
        self._formatted = False

    @property
    def holds(self) -> bool:
        """Whether a record waits for its last line."""
        return self._entry is not None

    def feed(self, line: str, end: int, now: float) -> Joined | None:
        """Take the next line; returns the record that it shows to be whole."""
        entry = self._reader(line, now)
        if entry is None and self._goes_on(line):
            self._append(line, end)
            return None
        if not line.strip() and not self.holds:
            return None
        whole = self.finish()
        if entry is None and line.startswith(_TRACEBACK):
            entry = Entry("", logging.ERROR)  # nobody caught it, and nobody logged it
        self._formatted = entry is not None and not line.startswith(_TRACEBACK)
        self._entry = entry or Entry(line)
        self._end = end
        if line.startswith(_TRACEBACK):
            self._append(line, end)
        return whole

    def finish(self) -> Joined | None:
        """The record in hand, as it is."""
        entry = self._entry
        if entry is None:
            return None
        omitted = [f"... {self._left_out} lines ..."] * bool(self._left_out)
        more = "\n".join([*self._head, *omitted, *self._tail]).rstrip()
        joined = Joined(_with_lines(entry, more), self._end)
        self._entry, self._head, self._left_out = None, [], 0
        self._tail.clear()
        self._in_traceback = False
        return joined

    def _goes_on(self, line: str) -> bool:
        if self._entry is None:
            return False
        if line.startswith(_TRACEBACK):
            # After an INFO it is not that record's: the program crashed, and nobody logged it.
            return self._in_traceback or (self._entry.level or 0) >= logging.WARNING
        if not line.strip() or line[0].isspace() or line.startswith(_CHAINED):
            return True
        if self._in_traceback:
            return True
        return self._formatted

    def _append(self, line: str, end: int) -> None:
        self._end = end
        if line.startswith(_TRACEBACK):
            self._in_traceback = True
        elif self._in_traceback and _LAST_OF_TRACEBACK.match(line):
            self._in_traceback = False
        if len(self._head) < _HEAD:
            self._head.append(line)
            return
        self._left_out += len(self._tail) == _TAIL
        self._tail.append(line)


def _with_lines(entry: Entry, more: str) -> Entry:
    """The entry with the lines that followed: a traceback apart, as logging has it."""
    said, mark, trace = more.partition(_TRACEBACK)
    message = "\n".join(part for part in (entry.message, said.rstrip()) if part)
    traceback = "\n".join(part for part in (entry.traceback, mark + trace) if part) or None
    if not message and traceback:
        message = traceback.rstrip().rpartition("\n")[2]
    return Entry(message, entry.level, entry.logger, entry.time, traceback)
