"""Makes the records of one file of its bytes, and notes whether it understands them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Final

from .entry import Entry
from .envelopes import Unwrapper
from .joining import Joiner
from .reading import Reader, read_known, read_text
from .skipping import Skipper, may_be_alert

_SOURCES: Final = 64
"""Programs of one file whose records are put together at the same time."""
_FIRST_LINES: Final = 100
_SAMPLED: Final = 16
"""Of the lines that are passed over, one in so many is read all the same."""
_STRETCH: Final = 500
"""Read lines in a row without a level that are a long stretch."""
_SHOWN: Final = 80


class RecordReader:
    """Gives out the records of ``least`` level and above, from chunks of whole lines."""

    def __init__(
        self,
        reader: Reader = read_text,
        least: int = logging.WARNING,
        say: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``say`` is told once if there are no levels to be found."""
        self._reader = reader
        self._least = least
        self._clock = clock
        self._unwrapper = Unwrapper()
        self._joiners: dict[str, Joiner] = {}
        self._plain = Joiner(reader, least, clock)
        self._skipper = Skipper()
        self._in_bulk = reader is read_text and least > logging.INFO
        self._seen = 0
        self._passed = 0
        self._part_at: int | None = None
        self.position: int = 0
        """The place behind the last line that was read."""
        self._understanding = _Understanding(say)

    @property
    def holds(self) -> bool:
        """Whether a record, or the rest of one, is in hand."""
        return bool(self._joiners) or self._unwrapper.holds

    def owed_from(self) -> int:
        """The place of the first line that is not given out, and not known to be no alert."""
        places = [each.at for each in self._joiners.values() if each.owes]
        if self._part_at is not None:
            places.append(self._part_at)
        return min([self.position, *places])

    def read(self, data: bytes, at: int = 0) -> Iterator[Entry]:
        """The records that are whole by these lines; ``at`` is the first one's place."""
        if not data:
            return
        at -= 1
        data = b"\n" + data if data.endswith(b"\n") else b"\n" + data + b"\n"
        size = len(data)
        pos = 1
        while pos < size:
            self.position = at + pos
            quick = self._is_quick
            holds = bool(self._joiners)
            if quick and (ahead := self._skipper.next(data, pos, unwrapped=holds)) > pos:
                pos = ahead
                self.position = at + pos
                if self._joiners:
                    yield from self.finish()
                if pos >= size:
                    break
            end = data.find(b"\n", pos)
            line = data[pos:end]
            if quick and (entry := self._read_quickly(text := line.decode("utf-8", "replace"))):
                if self._joiners:
                    yield from self.finish()
                ahead = self._skipper.next(data, end + 1, unwrapped=True)
                if ahead > end + 1 and entry.message:
                    # The next line is below WARNING: this one is all of its record.
                    pos = ahead
                    self.position = at + pos
                    if (entry.level or 0) >= self._least:
                        yield entry
                    continue
                self._plain.begin(entry, text, at + pos)
                if self._plain.holds:
                    self._joiners[""] = self._plain
            elif self._joiners or self._needs_reading(line):
                yield from self.feed(line.decode("utf-8", "replace"), at + pos)
            pos = end + 1
        self.position = at + size

    def _read_quickly(self, line: str) -> Entry | None:
        """A line that begins like one before it, as ``read_text`` reads it."""
        if self._plain.is_open or "\x1b" in line:
            return None
        entry = self._skipper.read(line)
        if entry is None or (known := read_known(line)) is None:
            return entry
        return None if known.is_more else known

    def feed(self, line: str, at: int = 0) -> Iterator[Entry]:
        """The records that are whole by one more line."""
        self._seen += 1
        known = self._unwrapper.unwrap(line)
        if known is None:
            self._part_at = at if self._part_at is None else self._part_at
            return
        if not self._unwrapper.holds:
            self._part_at = None
        joiner = self._joiners.get(known.source)
        if joiner is None:
            joiner = Joiner(self._reader, self._least, self._clock) if known.source else self._plain
        yield from joiner.feed(known, at)
        if joiner.holds:
            if known.source not in self._joiners and len(self._joiners) >= _SOURCES:
                yield from self._joiners.pop(next(iter(self._joiners))).finish()
            self._joiners[known.source] = joiner
        else:
            self._joiners.pop(known.source, None)
        if self._in_bulk and joiner.last is not None:
            self._skipper.learn(line, known, joiner.last)
        if line.strip():
            self._understanding.note(line, joiner.last, joiner.was_more)

    def expired(self) -> Iterator[Entry]:
        """The records whose time is over: they leave, whatever is still to come of them."""
        for joiner in self._joiners.values():
            yield from joiner.expired()

    def finish(self) -> Iterator[Entry]:
        """The records in hand, as they are."""
        while self._joiners:
            yield from self._joiners.pop(next(iter(self._joiners))).finish()

    def end(self) -> Iterator[Entry]:
        """The records in hand at the end of the file; also says if there was no level in it."""
        yield from self.finish()
        self._understanding.end()

    @property
    def _is_quick(self) -> bool:
        """Whether a line below WARNING changes nothing but to end the record in hand."""
        if not self._in_bulk or self._seen < _FIRST_LINES or self._plain.awaits_text:
            return False
        return not self._joiners or (len(self._joiners) == 1 and "" in self._joiners)

    def _needs_reading(self, line: bytes) -> bool:
        if not self._in_bulk or self._seen < _FIRST_LINES or self._unwrapper.holds:
            return True
        if may_be_alert(line):
            return True
        self._passed += 1
        return self._passed % _SAMPLED == 0


class _Understanding:
    """Counts the lines that have a level, and says so if there are too few of them."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said = False
        self._lines = 0
        self._unknown = 0
        self._ever = False
        self._sample = ""

    def note(self, line: str, entry: Entry | None, was_more: bool) -> None:
        if self._said:
            return
        self._lines += 1
        if entry is not None and (entry.level is not None or not entry.format.startswith("time")):
            self._ever, self._unknown, self._sample = True, 0, ""
            return
        if was_more and self._ever:
            return
        self._unknown += 1
        self._sample = self._sample or line
        if not self._ever and self._lines == _FIRST_LINES:
            self._tell(f"none of the first {_FIRST_LINES} lines has a level that it knows")
        elif self._ever and self._unknown == _STRETCH:
            self._tell(f"{_STRETCH} lines in a row have no level that it knows")

    def end(self) -> None:
        if self._lines and not self._ever and not self._said:
            self._tell("no line has a level that it knows")

    def _tell(self, what: str) -> None:
        self._said = True
        line = self._sample.strip()
        shown = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."
        self._say(
            f"{what}, such as {shown!r}. Say how records begin with --pattern, or name the format "
            "with --format; --explain shows how lines are read"
        )
