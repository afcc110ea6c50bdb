"""Reads one line in whatever format it is in: unwrap, named fields, known formats, header; pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from pushover_logging.config.parsing import nearest

from .entry import Entry
from .envelopes import Unwrapped, Unwrapper
from .formats import BY_NAME, FIRST, FORMATS, WITHOUT_BRACKETS
from .headers import read_header
from .levels import from_fields, from_word
from .structured import read_structured

Reader = Callable[[str], "Entry | None"]
"""Reads the inside of a line; None for one that begins no record."""
GROUPS: Final = ("level", "logger", "message", "time")
"""The named groups that a pattern may have."""
_STRUCTURED: Final = ("json", "logfmt", "postgresql, csvlog")
_LONGEST_FOR_PATTERN: Final = 4096
"""Characters of a line that a user's own pattern is tried on: it may be of the slow kind."""
_HEADERS: Final = ("time and level", "level")
NAMES: Final = (
    *dict.fromkeys(
        [*_STRUCTURED, *_HEADERS, *BY_NAME, *(each.partition(",")[0] for each in BY_NAME)]
    ),
)
"""The formats that ``--format`` knows."""
_NESTED: Final = 3


def read_text(text: str) -> Entry | None:
    """What an unwrapped line says, in the first format that it fits; None if it fits none."""
    if not text or text[0] == "\t":
        return None
    entry = read_structured(text)
    if entry is not None:
        return _with_inside(entry) if entry.level is None else entry
    entry = read_known(text)
    if entry is not None or text[0] == " ":
        return entry
    return read_header(text)


def read_known(text: str) -> Entry | None:
    """The line in one of the formats that are tried before the general header."""
    formats = FIRST if "[" in text or "]" in text else WITHOUT_BRACKETS
    for known in formats.get(text[0], ()):
        if known.hint in text and (entry := known.read_hinted(text)) is not None:
            return entry
    return None


def read_line(line: str) -> Entry | None:
    """What a whole line says, wrapped or not."""
    known = Unwrapper().unwrap(line)
    return None if known is None else completed(read_text(known.text), known)


def completed(entry: Entry | None, known: Unwrapped) -> Entry | None:
    """The entry with what the wrapping said; what the line itself says is nearer."""
    if not known.format:
        return entry
    if entry is None:
        if known.level is None and known.format not in ("syslog", "journal"):
            return None
        return Entry(known.text, known.level, known.logger, known.time, format=known.format)
    return entry._replace(
        logger=entry.logger or known.logger,
        level=known.level if entry.level is None else entry.level,
        time=known.time if entry.time is None else entry.time,
        format=f"{entry.format} in {known.format}",
    )


def _with_inside(entry: Entry) -> Entry:
    """An object without a level may hold a line that has one, as CloudWatch's events do."""
    inner: Entry | None = entry
    for _ in range(_NESTED):
        if inner is None or inner.level is not None or inner.message[:1] in ("", " "):
            break
        message = inner.message
        inner = read_structured(message) or read_header(message)
        if inner is not None and inner.message == message and inner.level is None:
            break
    if inner is None or inner.level is None:
        return entry
    return inner._replace(
        logger=inner.logger or entry.logger,
        time=entry.time if inner.time is None else inner.time,
        traceback=inner.traceback or entry.traceback,
        format=entry.format,
        level_at=None,
    )


def reader_of(name: str) -> Reader:
    """A reader of lines in one format; raises ValueError, with the nearest name, for no format.

    ``postgresql`` stands for all formats of PostgreSQL, whose names begin so.
    """
    if name not in NAMES:
        raise ValueError(f"--format is {name!r}{nearest(name, NAMES) or '; see --explain'}")
    formats = [each for each in FORMATS if each.name == name or each.name.startswith(f"{name}, ")]
    is_structured = any(each == name or each.startswith(f"{name}, ") for each in _STRUCTURED)
    is_header = name in _HEADERS

    def read(text: str) -> Entry | None:
        if is_structured and (entry := read_structured(text)) is not None:
            return entry
        for known in formats:
            if (entry := known.read(text)) is not None:
                return entry
        return read_header(text) if is_header and not text[:1].isspace() else None

    return read


def name_of(entry: Entry, text: str) -> str:
    """The format of a line by the name that people know it by."""
    inner, within, outer = entry.format.partition(" in ")
    if inner in _HEADERS:
        for each in FORMATS:
            read = None if each.begins else each.read(text)
            if read is not None and read[:3] == entry[:3]:
                return f"{each.name}{within}{outer}"
    return entry.format


def reader_for(pattern: str) -> Reader:
    """A reader of lines that a regular expression with named groups describes.

    Raises ValueError for one that is none, or that has other groups.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"--pattern is no regular expression: {error}") from None
    for name in compiled.groupindex:
        if name not in GROUPS:
            hint = nearest(name, GROUPS) or f"; it may have {', '.join(GROUPS)}"
            raise ValueError(f"--pattern has a group {name}{hint}")
    if not compiled.groupindex:
        raise ValueError(f"--pattern has no named group; it may have {', '.join(GROUPS)}")

    def read(line: str) -> Entry | None:
        found = compiled.search(line, 0, _LONGEST_FOR_PATTERN)
        if not found:
            return None
        said = found.groupdict()
        message = said.get("message") or ""
        if message and found.end("message") == _LONGEST_FOR_PATTERN:
            message += line[_LONGEST_FOR_PATTERN:]
        level = from_word(said.get("level") or "")
        if level is None and (said.get("level") or "").strip().isdigit():
            level = from_fields("levelno", said["level"], {})
        return Entry(
            message.strip() or line, level, said.get("logger"), said.get("time"), format="pattern"
        )

    return read
