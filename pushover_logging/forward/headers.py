"""Reads the header of a line, with time, level, logger and thread in whatever order; pure.

It goes from token to token and never back, and looks no further than the first part of a line.
"""

from __future__ import annotations

import functools
import re
from typing import Final, NamedTuple

from .entry import Entry
from .levels import AMBIGUOUS, COMMON, COMMON_IN_CAPITALS, NOT_IN_HEADERS, WORDS
from .times import TIME

WINDOW: Final = 400
"""Characters in which a header ends."""
_TOKENS: Final = 14
_WORD: Final = "|".join(sorted(WORDS.keys() - NOT_IN_HEADERS, key=len, reverse=True))
LEVEL: Final = re.compile(rf"(?:{_WORD})(?![\w.!?']|-\w)|(?:{_WORD})(?=\.(?:\s|$))", re.IGNORECASE)
_LEVEL_FIRST_LETTERS: Final = frozenset({word[0] for word in WORDS})
_AT_TIME: Final = re.compile(TIME)
_GAP: Final = re.compile(r"[^\w/$@~.\"'+-]*(?:-(?=[\s\]\[])[^\w/$@~.\"'+-]*)*")
_TOKEN: Final = re.compile(r"[\w/$@~.+-][\w/$@~.+%#=&*-]{0,120}(?::{1,2}[\w/$@~.<>*+-]{1,80}){0,6}")
_INNER_LEVEL: Final = re.compile(r"::?(?=(?:DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL|FATAL)(?::|\Z))")
_CLOSING: Final = re.compile(
    r"(?:/[\w.-]{1,60})?[^\S\n]{0,40}[\])}>]{0,2}[\s:|;,]{0,40}(?:[-\u2013\u2014](?=\s)\s*)?"
)
_NAME: Final = re.compile(r"[A-Za-z_$][\w.$:/<>@~*-]*")
_GROUP: Final = re.compile(r"[\[({]([^\])}\n]{0,120})[\])}](?:\s*(?::|-(?=\s)|\|))?\s*")
_NAMED: Final = re.compile(
    r"([A-Za-z_$][\w.$/@~#-]{0,120}(?:::[\w.<>$-]{1,60}){0,8}(?:\[[^\]\s]{0,40}\]){0,2})"
    r"(?::[\w<>.]{1,60}){0,3}(?:(?:\]:?|\s*:|\s+-|\s*\|)\s+|[|;\t])(?=\S)"
)
_DOTTED: Final = re.compile(
    r"([A-Za-z_$][\w$]{0,60}(?:(?:\.|::)[A-Za-z_$][\w$]{0,60}){1,10})\s+(?=\S)"
)
_PID: Final = re.compile(r"(?:\[?\d{1,10}\]?(?:#\d+)?:? +)(?:--- +)?")
_COUNT: Final = re.compile(r"\[[\dT:.+Z-]{1,40}\]")
_AT_END: Final = re.compile(r"\(([A-Za-z_]\w{0,60}(?:\.[A-Za-z_$][\w$]{0,60}){1,10})\)\s*\Z")
_NO_LOGGER: Final = re.compile(
    r"main\Z|MainThread|MainProcess|Thread-|Dummy-|pool-|[\w-]*(?:exec|worker|thread)[\w-]*-\d"
    r"|.*-exec-|Worker|ForkPool|.*(?:Error|Exception|Warning)\Z|[0-9a-f-]{8,}\Z|req-|[\w.-]*=|https?\Z",
    re.IGNORECASE,
)
_PLAIN: Final = re.compile(r"[A-Za-z]?[a-z']+\Z|[A-Z]\Z")


class Before(NamedTuple):
    """A token that stands before the level."""

    text: str
    is_delimited: bool
    """Something other than blanks follows it."""
    start: int


class Header(NamedTuple):
    """Where the level stands in a line, and what stands before it."""

    level: re.Match[str]
    time: re.Match[str] | None
    before: list[Before]
    since_time: int
    """How many tokens stand before the last time."""


def read_header(line: str) -> Entry | None:
    """The line as a record's first; None for one without a time and a level at their places."""
    found = find_header(line)
    if isinstance(found, Header):
        names = [each.text for each in found.before]
        time = found.time.group() if found.time else None
        return entry_at(line, *found.level.span(), time, names, found.since_time)
    # A line that begins with a time begins a record, whatever else it says.
    if found is None or not line.lstrip("[(<\"'").startswith(found):
        return None
    return Entry(line, time=found, format="time")


def find_header(line: str) -> Header | str | None:
    """The header of a line; only its time, or None, if there is no level."""
    end = min(len(line), WINDOW)
    pos = 0
    time: re.Match[str] | None = None
    before: list[Before] = []
    since_time = 0
    for _ in range(_TOKENS):
        gap = _GAP.match(line, pos, end)
        pos = gap.end() if gap else pos
        if pos >= end:
            break
        if line[pos].lower() in _LEVEL_FIRST_LETTERS:
            level = LEVEL.match(line, pos, end)
            if level and _stands_out(line, level, time is not None, before[since_time:]):
                return Header(level, time, before, since_time)
        if line[pos].isalnum() and (found := _AT_TIME.match(line, pos, end)):
            time = time or found
            since_time = len(before)
            pos = found.end()
            continue
        token = _TOKEN.match(line, pos, end)
        if token is None:
            break
        text = token.group()
        if ":" in text and (inner := _INNER_LEVEL.search(text)):
            text = text[: inner.start()]
        start, pos = pos, pos + len(text)
        before.append(Before(text, pos < end and not line[pos].isspace(), start))
    return time.group() if time else None


def _stands_out(line: str, level: re.Match[str], timed: bool, before: list[Before]) -> bool:
    """Whether a word for a level is one here, by what surrounds it."""
    start, end = level.span()
    word = line[start:end]
    lower = word.lower().rstrip("0123456789")
    upper = word.isupper()
    common = lower in (COMMON_IN_CAPITALS if upper else COMMON)
    after = line[end : end + 1]
    rest = line[end : end + 12].lstrip(" ")
    opened = line[:start].endswith(("[", "(", "<", "{", "|", "\t", "| ", "- "))
    closed = rest[:1] in ("]", ")", ">", "}", "|") or after in ("\t", "/") or rest.startswith("- ")
    colon = after == ":" or rest.startswith((": ", ":\t"))
    ends = not after or after.isspace()
    if lower in AMBIGUOUS:
        return upper and (colon or rest.startswith("|"))
    if not before and timed:
        return (colon or (opened and closed) or (ends and common) or upper) and (
            upper or common or closed or colon
        )
    if not before:
        if upper:
            return (common and (ends or after in "[,]|-")) or colon or closed
        return (
            (colon and not word.islower()) or (opened and closed) or (common and (colon or closed))
        )
    if not upper:
        is_behind_sign = line[:start].endswith((": ", "] ", ") ")) and (
            timed or before[-1].is_delimited
        )
        return (opened and closed) or (colon and is_behind_sign and common)
    plain = sum(not each.is_delimited and bool(_PLAIN.match(each.text)) for each in before)
    if timed:
        return plain <= 1 and (common or colon or closed) and (ends or colon or closed)
    loose = sum(not each.is_delimited and not each.text.isdigit() for each in before)
    at_once = line[start - 1] in "[|:- \t(<" and (colon or closed or ends)
    is_part = closed or colon or opened or _is_structural(line, start)
    return at_once and common and not loose and is_part


def _is_structural(line: str, start: int) -> bool:
    return line[:start].rstrip()[-1:] in (":", "]", "|", ")", "-", ">")


def entry_at(
    line: str, start: int, stop: int, time: str | None, before: list[str], since_time: int
) -> Entry:
    """The entry of a line whose level stands at a place; what follows the level is read here."""
    end = min(len(line), WINDOW)
    pos = stop
    direct = line[pos : pos + 1] == ":"
    if line[pos : pos + 1] == "[" and (count := _COUNT.match(line, pos, end)):
        pos = count.end()  # logrus: seconds since its start
    if line[pos : pos + 1] == " " and line[pos + 1 : pos + 2].isalnum():
        pos += 1
    else:
        pos = _skip(_CLOSING, line, pos, end)
    names = before[since_time:]
    if time is None and pos < end and (found := _AT_TIME.match(line, pos, end)):
        time = found.group()
        pos = _skip(_CLOSING, line, found.end(), end)
        direct = False
    if pos < end and (line[pos].isdigit() or line[pos] == "["):
        pos = _skip(_PID, line, pos, end)
    while pos < end and line[pos] in "[({" and (group := _GROUP.match(line, pos, end)):
        inside = group[1].strip()
        if time is None and (found := _AT_TIME.match(inside)):
            time = found.group()
        elif _NAME.fullmatch(inside) or inside.isdigit():
            names.append(inside)
        elif not _is_dotted(_NAMED.match(line, group.end(), end)):
            break
        pos = group.end()
    logger = _chosen(names) if names else None
    if not direct and (logger is None or "." not in logger):
        named = _NAMED.match(line, pos, end) or _DOTTED.match(line, pos, end)
        if named and not _NO_LOGGER.match(named[1]) and (logger is None or _is_dotted(named)):
            logger, pos = _tidied(named[1]), named.end()
    if logger is None and since_time:
        logger = _chosen(before[:since_time])
    message = line[pos:].strip()
    if logger is None and message.endswith(")") and (found := _AT_END.search(message[-120:])):
        logger = found[1]
        message = message[: -len(found[0])].rstrip() or message
    name = "level" if time is None else "time and level"
    level = WORDS[line[start:stop].lower()]
    return Entry(message or line, level, logger, time, None, name, (start, stop))


def _is_dotted(named: re.Match[str] | None) -> bool:
    return named is not None and ("." in named[1] or "::" in named[1])


@functools.lru_cache(1000)
def is_logger(name: str) -> bool:
    """Whether a name is like a logger's, not like that of a thread or an exception."""
    return _NO_LOGGER.match(name) is None and _tidied(name) == name


def _skip(pattern: re.Pattern[str], line: str, pos: int, end: int) -> int:
    found = pattern.match(line, pos, end)
    return found.end() if found else pos


def _chosen(names: list[str]) -> str | None:
    """The name that is most like a logger's: dotted, else the last; threads and ids are not."""
    good = [
        name
        for each in names
        if (name := _tidied(each)) and _NAME.fullmatch(name) and not _NO_LOGGER.match(name)
    ]
    dotted = [name for name in good if "." in name or "::" in name]
    return (dotted or good)[-1] if good else None


def _tidied(name: str) -> str:
    """Without the function and the line that follow a logger's name: ``shop.db:ask:12``."""
    name = name.strip(".:-")
    if "::" in name:
        return name.partition(":<")[0]
    return name.partition("[")[0].partition(":")[0]
