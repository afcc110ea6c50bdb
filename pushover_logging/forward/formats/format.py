"""Format: how the lines of one program look, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

from ..entry import Entry
from ..levels import from_word
from ..times import TIME

T: Final = rf"(?P<time>{TIME})"
"""A time. The parts of patterns have short names, so that a pattern reads like the line."""
L: Final = r"(?P<level>[A-Za-z]{1,13}\d?)"
"""A level's word."""
N: Final = r"(?P<logger>[A-Za-z_$][\w.$/-]{0,150}(?:::?[\w.$<>{}#-]{1,80}){0,8})"
"""A logger's name."""
M: Final = r"(?P<message>.*)"
"""The rest: the text of the record."""


class Sample(NamedTuple):
    """A line, and what it is to be read as."""

    line: str
    level: int | None
    logger: str | None
    time: str | None
    text: str


@dataclass(frozen=True)
class Format:
    """How one kind of line looks; ``pattern`` has groups time, level, logger and message.

    ``begins`` are the characters that such a line may begin with, in the notation of a character
    class; they put the format before the general header, which reads most lines as well. Without
    them the pattern is there for ``--format``.
    """

    name: str
    pattern: str
    samples: tuple[Sample, ...] = field(repr=False)
    begins: str = ""
    hint: str = ""
    """What is in every line of this format; spares most other lines the pattern."""
    level: int | None = None
    """The level of all lines that match, where they name none."""
    is_more: bool = False
    """Such a line continues the record before it."""

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.DOTALL)

    def may_begin_with(self, char: str) -> bool:
        """Whether a line of this format may begin with a character."""
        return re.match(f"[{self.begins}]", char) is not None

    def read(self, line: str) -> Entry | None:
        """The line, if it has this format."""
        if self.hint not in line or not (found := self._compiled.match(line)):
            return None
        said = found.groupdict()
        level = from_word(said["level"]) if said.get("level") else self.level
        if level is None and "level" in said:
            return None
        logger = (said.get("logger") or "").strip()
        message = said.get("message", line).strip()
        more = (said.get("more") or "").strip()
        return Entry(
            f"{message} {more}" if more else message,
            level,
            logger or None,
            said.get("time"),
            format=self.name,
            is_more=self.is_more,
        )
