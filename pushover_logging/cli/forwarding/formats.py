"""Reads a line of a log in whatever format it is in; pure, and never raises.

Python's own formats, JSON lines, journald's JSON, logfmt, syslog; what fits none has no level.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from pushover_logging.config.parsing import nearest

from .entries import LEVELS, Entry, level_of, severity, time_of

Reader = Callable[[str, float], "Entry | None"]
"""Reads a line at a time of day; None for one that begins no record."""

_LEVEL: Final = "levelname", "level", "severity", "lvl", "loglevel", "log.level", "levelno"
_MESSAGE: Final = "message", "msg", "event", "short_message", "text", "log"
_LOGGER: Final = "logger", "name", "logger_name", "log.logger", "module", "service"
_TIME: Final = "timestamp", "time", "@timestamp", "ts", "asctime", "datetime", "created"
_TRACEBACK: Final = (
    *("exc_info", "exception", "traceback", "exc_text", "stack_trace", "stack"),
    *("error.stack_trace", "full_message"),
)
_ERROR: Final = "error", "err"
GROUPS: Final = ("level", "logger", "message", "time")
"""The named groups that a pattern may have."""

_CAPITALS = "|".join(sorted((name.upper() for name in LEVELS), key=len, reverse=True))
_BRACKETED = "|".join(sorted(LEVELS, key=len, reverse=True))
_WORD = rf"(?P<level>(?:{_CAPITALS})(?!\w)|(?:{_BRACKETED})(?=\]))"
_STAMP = (
    r"\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?"
    r"|\d\d/[A-Z][a-z]{2}/\d{4}[ :]\d\d:\d\d:\d\d(?: [+-]\d{4})?|\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
    r"|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})? \d{4}"
)
_BASIC = re.compile(rf"{_WORD}:(?P<logger>[\w.\-]+):(?P<message>.*)", re.DOTALL)
_TIMED = re.compile(
    rf"\[?(?P<time>{_STAMP})(?P<between>(?:[\s\-|:,\[\]()]+[\w.\-/<>@#$]+){{0,3}}?)"
    rf"[\s\-|:,\[\](){{}}]+{_WORD}(?P<rest>.*)",
    re.DOTALL,
)
_LEVEL_FIRST = re.compile(rf"\[?{_WORD}(?P<rest>[\]:|\s-]+(?:(?P<time>{_STAMP})\W)?.*)", re.DOTALL)
_NAME = re.compile(r"(?!Main(?:Thread|Process)\Z|Thread-)[A-Za-z_][\w.\-]*\Z")
_AFTER_LEVEL = re.compile(r"(?:/[\w-]+)?[\]\s\-|:)}]*")
_LOGGER_FIRST = re.compile(
    r"\[?(?P<logger>[A-Za-z_][\w.\-]*)(?::[\w<>.]+){0,3}(?:\]:?|:| -| \|)\s+(?P<message>\S.*)",
    re.DOTALL,
)
_OLD_SYSLOG = re.compile(
    r"(?:<(?P<pri>\d{1,3})>)?(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) "
    r"\S+ (?P<logger>[^\s\[:]+)(?:\[\d*\])?: ?(?P<message>.*)",
    re.DOTALL,
)
_NEW_SYSLOG = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<time>\S+) \S+ (?P<logger>\S+) \S+ \S+ "
    r"(?:-|(?:\[(?:[^\]\"\\]|\\.|\"(?:[^\"\\]|\\.)*\")*\])+)(?: (?P<message>.*))?",
    re.DOTALL,
)
_PAIR = re.compile(r"([A-Za-z_@][\w.@/-]*)=(\"(?:[^\"\\]|\\.)*\"|\S*)")


def read_line(line: str, now: float) -> Entry | None:
    """What the line says in the first format it fits; None for one that fits none."""
    for reader in (_json, _syslog, _logfmt, _plain):
        entry = reader(line, now)
        if entry is not None:
            return entry
    return None


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

    def read(line: str, now: float) -> Entry | None:
        found = compiled.search(line)
        if not found:
            return None
        said = found.groupdict()
        return Entry(
            (said.get("message") or "").strip() or line,
            level_of(said.get("level") or ""),
            said.get("logger"),
            time_of(said.get("time"), now),
        )

    return read


def _json(line: str, now: float) -> Entry | None:
    if not line.startswith("{"):
        return None
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None  # it only looked like JSON
    if not isinstance(fields, dict):
        return None
    if "__REALTIME_TIMESTAMP" in fields or "_BOOT_ID" in fields:
        return _journal(fields, now)
    message = _text(_first(fields, _MESSAGE)) or line
    cause = _text(_first(fields, _ERROR))
    return Entry(
        f"{message}: {cause}" if cause and cause not in message else message,
        _json_level(fields),
        _text(_first(fields, _LOGGER)) or None,
        time_of(_first(fields, _TIME), now),
        _text(_first(fields, _TRACEBACK)) or None,
    )


def _json_level(fields: Mapping[str, object]) -> int | None:
    level = _first(fields, _LEVEL)
    if isinstance(level, int) and level >= 10 and {"pid", "hostname"} <= fields.keys():
        return max(level - 10, 10)  # pino and bunyan: 30 is info, 40 a warning, 60 fatal
    return level_of(level)


def _journal(fields: Mapping[str, object], now: float) -> Entry:
    message = _text(fields.get("MESSAGE"))
    name = _text(fields.get("SYSLOG_IDENTIFIER") or fields.get("_SYSTEMD_UNIT"))
    inner = read_line(message, now) if not message.startswith("{") else _json(message, now)
    given = level_of(fields.get("PRIORITY"))
    time = time_of(fields.get("__REALTIME_TIMESTAMP"), now)
    if inner is None or inner.level is None:
        return Entry(message, given, name or None, time)
    # What a service prints has the journal's INFO whatever it says; what it says is nearer.
    return replace(inner, logger=inner.logger or name or None, time=time)


def _first(fields: Mapping[str, object], names: tuple[str, ...]) -> object:
    for name in names:
        value = fields.get(name)
        if value is None and "." in name:
            outer, _, key = name.partition(".")
            inside = fields.get(outer)
            value = inside.get(key) if isinstance(inside, Mapping) else None
        if value not in (None, "", False, True):
            return value
    return None


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        # The journal shows bytes that are no UTF-8 as numbers; others give a stack's lines.
        if all(isinstance(each, int) and 0 <= each < 256 for each in value):
            return bytes(value).decode("utf-8", "replace")
        return "\n".join(map(str, value))
    if isinstance(value, Mapping):
        return _text(value.get("message") or value.get("msg") or json.dumps(value))
    return "" if value is None else str(value)


def _logfmt(line: str, now: float) -> Entry | None:
    if not _PAIR.match(line):
        return None
    fields = {name: _unquoted(value) for name, value in _PAIR.findall(line)}
    level = level_of(_first(fields, _LEVEL))
    if level is None:
        return None
    message = _text(_first(fields, _MESSAGE)) or line
    cause = _text(_first(fields, _ERROR))
    return Entry(
        f"{message}: {cause}" if cause and cause not in message else message,
        level,
        _text(_first(fields, _LOGGER)) or None,
        time_of(_first(fields, _TIME), now),
    )


def _unquoted(value: str) -> str:
    if len(value) < 2 or not value.startswith('"') or not value.endswith('"'):
        return value
    return re.sub(
        r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), value[1:-1]
    )


def _syslog(line: str, now: float) -> Entry | None:
    found = _NEW_SYSLOG.match(line) or _OLD_SYSLOG.match(line)
    if not found:
        return None
    message = (found["message"] or "").removeprefix("\ufeff")
    inner = read_line(message, now)
    given = severity(int(found["pri"]) & 7) if found["pri"] else None
    time = time_of(found["time"], now)
    if inner is None or inner.level is None:
        return Entry(message or line, given, found["logger"], time)
    return replace(inner, logger=inner.logger or found["logger"], time=time)


def _plain(line: str, now: float) -> Entry | None:
    if found := _BASIC.match(line):
        return Entry(found["message"], level_of(found["level"]), found["logger"])
    found = _TIMED.match(line)
    between = found["between"] if found else ""
    found = found or _LEVEL_FIRST.match(line)
    if not found:
        return None
    names = [name for name in re.split(r"[\s|:,\[\]()]+", between) if _NAME.match(name)]
    rest = found["rest"]
    if found["time"] and found.re is _LEVEL_FIRST:
        rest = rest.partition(found["time"])[2]
    rest = rest[len(match[0]) if (match := _AFTER_LEVEL.match(rest)) else 0 :]
    named = None if names or found["rest"].startswith(":") else _LOGGER_FIRST.match(rest)
    return Entry(
        (named["message"] if named else rest) or line,
        level_of(found["level"]),
        names[-1] if names else named["logger"] if named else None,
        time_of(found["time"], now),
    )
