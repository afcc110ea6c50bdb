"""Format: how the lines of one program look, as data."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

from ..entry import Entry
from ..levels import LETTERS, WORDS, from_word
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
        return self.read_hinted(line) if self.hint in line else None

    def read_hinted(self, line: str) -> Entry | None:
        """The same for a line that holds the hint."""
        found = self._compiled.match(line)
        if found is None:
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
            level_at=found.span("level") if said.get("level") else None,
            is_more=self.is_more,
        )

    def quiet(self, entry: Entry) -> str | None:
        """A regular expression for whole lines of this format, below WARNING, among other lines.

        The lines have a time like that of the entry. None for a format that cannot be told so.
        """
        pattern = self.pattern
        if "level" in re.compile(self.pattern).groupindex:
            low = [each for each in _SPELLINGS if (from_word(each) or 99) < logging.WARNING]
            pattern = _replaced(pattern, "level", lambda inside: _matching(inside, low))
        elif self.level is None or self.level >= logging.WARNING:
            return None
        if isinstance(entry.time, str):
            time = re.sub(r"\\?[0-9]", "[0-9]", re.escape(entry.time))
            pattern = _replaced(pattern, "time", lambda _: time)
        return re.sub(r"\(\?P<\w+>", "(?:", _within_a_line(pattern))


_SPELLINGS: Final = tuple(
    style(word)
    for word in (*WORDS, *LETTERS, "Notice", "Deprecated", "Strict Standards")
    for style in (str, str.lower, str.upper, str.capitalize)
)


def _matching(pattern: str, words: list[str]) -> str:
    """Those of the words that a pattern matches, as a pattern."""
    found = [re.escape(each) for each in words if re.fullmatch(pattern, each)]
    return "|".join(sorted(set(found), key=len, reverse=True)) or "(?!)"


def _within_a_line(pattern: str) -> str:
    """The pattern so that it never matches the end of a line, but for its own end."""
    parts = []
    in_class = False
    for token in re.findall(r"\\.|\[\^?\]?|.", pattern):
        if token == r"\s":
            token = r"\t\r\f\v " if in_class else r"[^\S\n]"
        elif token == r"\Z":
            token = r"(?=\n)"
        elif token[0] == "[" and not in_class:
            in_class = True
            token = token.replace("[^", r"[^\n")
        elif token == "]":
            in_class = False
        parts.append(token)
    return "".join(parts)


def _replaced(pattern: str, name: str, new: Callable[[str], str]) -> str:
    """The pattern with other contents of a named group."""
    start = pattern.find(f"(?P<{name}>")
    if start < 0:
        return pattern
    begin = start + len(f"(?P<{name}>")
    depth, position, in_class = 1, begin, False
    while depth:
        char = pattern[position]
        if char == "\\":
            position += 1
        elif in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        else:
            depth += (char == "(") - (char == ")")
        position += 1
    return f"{pattern[:begin]}{new(pattern[begin : position - 1])}{pattern[position - 1 :]}"
