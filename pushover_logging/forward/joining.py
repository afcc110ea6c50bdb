"""Joins the lines of one record: a stack trace belongs to the record before it; pure."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from .crashes import Trace, goes_on, headline, is_call, is_exception
from .entry import Entry
from .envelopes import Unwrapped
from .reading import Reader, completed

HOLD: Final = 0.5
"""Seconds after its first line at which a record leaves, whatever follows it."""
_HEAD, _TAIL = 200, 200
"""Lines kept of the beginning and the end of a record; a push shows fewer by far."""
_LINE: Final = 4_096
_SIZE: Final = 65_536
"""Characters kept of a line, and of a record's beginning."""
_OWN_FORMAT_BELOW_BLANKS: Final = "rich"


class Joiner:
    """Puts the lines of one program together, and gives out records of ``least`` level and above.

    A record ends with the next that begins, with a line that does not continue it, or by the clock:
    then it leaves, and the rest of its lines are passed over.
    """

    def __init__(self, reader: Reader, least: int, clock: Callable[[], float]) -> None:
        self._reader = reader
        self._least = least
        self._clock = clock
        self._entry: Entry | None = None
        self._line = ""
        self._sent = False
        self._began = 0.0
        self._now_at = 0
        self.at: int = 0
        """The place that was given with the first line of what is in hand."""
        self._trace = Trace.NONE
        self._maybe: list[str] = []
        self._maybe_of = Unwrapped("")
        self._head: list[str] = []
        self._size = 0
        self._split: int | None = None
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._left_out = 0
        self.last: Entry | None = None
        """What the last line was read as; None for a line that begins no record."""
        self.was_more: bool = False
        """Whether the last line continued the record before it."""

    @property
    def holds(self) -> bool:
        """Whether a record, or the rest of one, is in hand."""
        return self._entry is not None or bool(self._maybe)

    @property
    def owes(self) -> bool:
        """Whether there is something in hand that is still to be given out."""
        if self._entry is None:
            return bool(self._maybe)
        return not self._sent and (self._entry.level or logging.INFO) >= self._least

    def feed(self, known: Unwrapped, at: int = 0) -> list[Entry]:
        """Take the next line, which stands at a place; returns the records that are whole by it."""
        self._now_at = at
        line = known.text
        self.last, self.was_more = None, True
        if not line.strip():
            self._append(line)
            return []
        whole = self.expired()
        if self._maybe:
            if self._is_confirmed(line):
                return whole + self._begin_crash(self._maybe.pop(0), self._maybe_of, line)
            if self._trace is Trace.FILE and line[0].isspace() and len(self._maybe) < 6:
                self._maybe.append(line)
                return whole
            self._maybe = []
            self._trace = Trace.NONE
        return whole + (
            self._feed_indented(known) if line[0].isspace() else self._feed_first(known)
        )

    @property
    def is_open(self) -> bool:
        """Whether the next line may belong to what is in hand, however it looks."""
        return bool(self._maybe) or self._trace in (Trace.PYTHON, Trace.RUST_MESSAGE)

    @property
    def awaits_text(self) -> bool:
        """Whether the next line belongs to what is in hand, whatever it is."""
        return self._trace is Trace.RUST_MESSAGE

    def begin(self, entry: Entry, line: str, at: int) -> list[Entry]:
        """Take a line that is known to begin a record, read already."""
        self._now_at = at
        return self._begin(entry, line)

    def expired(self) -> list[Entry]:
        """The record in hand, if its time is over; the rest of its lines will be passed over."""
        if self._entry is None or self._sent or self._clock() - self._began < HOLD:
            return []
        self._sent = True
        return self._given(self._entry)

    def finish(self) -> list[Entry]:
        """The record in hand, as it is."""
        entry, sent = self._entry, self._sent
        whole = self._given(entry) if entry is not None and not sent else []
        self._entry, self._sent, self._trace, self._maybe = None, False, Trace.NONE, []
        self._head, self._size, self._split, self._left_out = [], 0, None, 0
        self._tail.clear()
        return whole

    @property
    def _is_alert(self) -> bool:
        """Whether the record in hand may go on with a stack trace; one of JSON has it inside."""
        if self._entry is None or self._entry.format.startswith("json"):
            return False
        return (self._entry.level or 0) >= logging.WARNING

    def _feed_indented(self, known: Unwrapped) -> list[Entry]:
        line = known.text
        if line[0] == " " and (entry := self._reader(line)) is not None:
            return self._begin(completed(entry, known), line)
        is_over = self._trace is Trace.PYTHON_DONE and line.startswith('  File "')
        found = headline(line) if is_over or not self._is_alert else None
        if found is not None and found.is_sure:
            return self.finish() + self._begin_crash(line, known)
        if found is not None:
            whole = self.finish()
            self._maybe, self._maybe_of, self._trace = [line], known, found.trace
            self.at = self._now_at
            return whole
        if self._trace is Trace.NONE and is_call(line):
            self._trace = Trace.STACK
            self._split = len(self._head)
        self._append(line)
        return []

    def _feed_first(self, known: Unwrapped) -> list[Entry]:
        """A line at column 0: it continues the record, begins one, or ends one."""
        line = known.text
        if self._entry is not None:
            trace = goes_on(self._trace, line, is_alert=self._is_alert)
            if trace is not None:
                if self._trace is Trace.NONE:
                    self._split = len(self._head)
                self._trace = trace
                self._append(line)
                return []
        found = headline(line)
        if found is not None and found.is_sure:
            return self.finish() + self._begin_crash(line, known)
        entry = completed(self._reader(line), known)
        if entry is not None and entry.is_more:
            self._append(entry.message)
            return []
        if (
            entry is not None
            and not entry.message
            and entry.format.startswith("ruby")
            and self._entry
        ):
            self._append("")  # Rails logs the blank lines around an exception one by one
            return []
        is_said = entry is not None and entry.level is not None
        if found is not None and not is_said:
            whole = self.finish()
            self._maybe, self._maybe_of, self._trace = [line], known, found.trace
            self.at = self._now_at
            self.was_more = False
            return whole
        return self._begin(entry, line)

    def _begin(self, entry: Entry | None, line: str) -> list[Entry]:
        whole = self.finish()
        self.last, self.was_more = entry, False
        if entry is None and self._least > logging.INFO:
            return whole
        entry = entry or Entry(line)
        level = logging.INFO if entry.level is None else entry.level
        if level >= min(self._least, logging.WARNING):
            self._entry, self._line, self._began = entry, line, self._clock()
            self.at = self._now_at
        return whole

    def _is_confirmed(self, line: str) -> bool:
        """Whether a line shows that the one before it was the first of a crash."""
        if self._trace is Trace.FILE:
            return not line[0].isspace() and is_exception(line) and "Error" in line[:80]
        return line[0].isspace() and is_call(line)

    def _begin_crash(self, first: str, known: Unwrapped, second: str | None = None) -> list[Entry]:
        found = headline(first)
        trace = found.trace if found else Trace.STACK
        between = self._maybe
        self.finish()
        self._trace = trace
        python = trace in (Trace.PYTHON, Trace.GROUP, Trace.RICH, Trace.FILE)
        name = f"crash, {found.name}" if found else "crash"
        entry = Entry("" if python else first, logging.ERROR, known.logger, known.time, None, name)
        self._entry, self._line, self._began = entry, first, self._clock()
        self.last, self.was_more = entry, False
        if second is None:
            self.at = self._now_at
        if trace is not Trace.RUST_MESSAGE:
            self._split = 0
        for line in [first] * python + between + ([second] if second else []):
            self._append(line)
        if second and not second[0].isspace():
            self._trace = Trace.PYTHON_DONE
        return []

    def _append(self, line: str) -> None:
        if self._entry is None or self._sent:
            return
        line = line[:_LINE]
        if len(self._head) < _HEAD and self._size < _SIZE:
            self._head.append(line)
            self._size += len(line)
            if self._trace is Trace.RUST and self._split is None:
                self._split = len(self._head)
            return
        self._left_out += len(self._tail) == _TAIL
        self._tail.append(line[: _LINE // 8])

    def _given(self, entry: Entry) -> list[Entry]:
        level = logging.INFO if entry.level is None else entry.level
        return [self._whole(entry)] if level >= self._least else []

    def _whole(self, entry: Entry) -> Entry:
        """The entry with the lines that followed; a stack trace apart, as logging has it."""
        if not self._head and entry.message and len(entry.message) <= _SIZE:
            return entry
        split = len(self._head) if self._split is None else self._split
        omitted = [f"... {self._left_out} lines ..."] * bool(self._left_out)
        rest = [*self._head[split:], *omitted, *self._tail]
        said = self._head[:split]
        if self._split is None:
            said, rest = said + rest, []
        if not entry.message:
            said = [line.strip() for line in said]
        message = "\n".join([entry.message[:_SIZE], *said]).strip("\n").rstrip()
        trace = (
            "\n".join([*([entry.traceback] if entry.traceback else []), *rest]).strip("\n").rstrip()
        )
        return entry._replace(
            message=message or _exception_of(rest) or self._line, traceback=trace or None
        )


def _exception_of(lines: list[str]) -> str:
    """The line of a Python traceback that says what was raised."""
    plain = [line.strip(" |") for line in lines if line.strip(" |")]
    for line in plain:
        if line.partition(":")[0].endswith("ExceptionGroup"):
            return line
    raised = [
        line for line in lines if line.strip() and not line[0].isspace() and is_exception(line)
    ]
    return raised[-1] if raised else (plain[-1] if plain else "")
