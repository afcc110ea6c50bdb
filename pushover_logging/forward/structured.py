"""Reads lines that name their fields: JSON, logfmt, and PostgreSQL's csvlog; pure."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from .entry import Entry
from .levels import from_fields, from_word
from .times import TIME

PLAIN_LEVEL: Final = frozenset(
    {
        *("levelname", "level_name", "level", "severity", "error_severity", "lvl", "log.level"),
        *("loglevel", "logLevel", "log_level", "severity_text", "severityText", "SeverityText"),
        *("@l", "Level", "LEVEL", "LogLevel", "Severity", "SEVERITY"),
    }
)
"""Keys that hold a level wherever they stand; the first in the line counts."""
_LEVEL: Final = (
    *("log.level", "levelno", "level_value", "PRIORITY", "priority", "record.level"),
    *("severityNumber", "SeverityNumber", "severity_number", "log.severity"),
    *("@fields.levelname", "@fields.level", "@fields.lvl", "at"),
)
"""Keys that hold one if there is none of the others."""
_MESSAGE: Final = (
    *(
        "message",
        "msg",
        "event",
        "short_message",
        "@m",
        "@mt",
        "text",
        "log",
        "jsonPayload.message",
    ),
    *(
        "textPayload",
        "fields.message",
        "record.message",
        "Message",
        "RenderedMessage",
        "body",
        "Body",
    ),
    *("MessageTemplate", "MESSAGE", "jsonPayload.msg", "protoPayload.status.message"),
    *("State.Message", "errorMessage", "short_msg", "content", "@message", "@fields.msg"),
)
_LOGGER: Final = (
    *("logger", "logger_name", "loggerName", "log.logger", "channel", "record.name", "target"),
    *("SourceContext", "Properties.SourceContext", "category", "Category", "logName", "name"),
    *("component", "module", "service", "c", "log_name", "caller", "facility", "context"),
)
_TIME: Final = (
    *("timestamp", "@timestamp", "time", "ts", "@t", "t.$date", "asctime", "datetime", "created"),
    *("timeMillis", "record.time.timestamp", "Timestamp", "date", "eventTime", "_timestamp"),
    *("receiveTimestamp", "timestamp_ms", "instant.epochSecond", "t"),
)
_TRACEBACK: Final = (
    *("exc_info", "exception", "traceback", "exc_text", "stack_trace", "stacktrace", "stack"),
    *("stackTrace", "error.stack_trace", "err.stack", "error.stack", "full_message", "@x"),
    *("thrown.extendedStackTrace", "Exception", "exc", "errorVerbose", "exception.stacktrace"),
)
_ERROR: Final = "error", "err", "err.message", "error.message", "cause"
_KEY: Final = re.compile(r"([A-Za-z_@][\w.@/-]{0,80})=")
_VALUE: Final = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"?|\'([^\']*)\'?|([^\s]*)', re.DOTALL)
_BEFORE_PAIRS: Final = re.compile(rf"(?:{TIME}|\[[^\]\s]{{1,40}}\])\s+(?=[\w.@/-]{{1,80}}=)")
_PAIRS: Final = 200
_CSV: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})? \w{1,6},")
_CSV_LEVEL, _CSV_MESSAGE, _CSV_FIELDS = 11, 13, 23


def read_structured(line: str) -> Entry | None:
    """A line in one of these; None for any other."""
    first = line[:1]
    if first == "{":
        return _read_json(line)
    if first.isdigit() and _CSV.match(line):
        return _read_csv(line)
    if "=" in line[:200]:
        return _read_logfmt(line)
    return None


def _read_json(line: str) -> Entry | None:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None  # it only begins like JSON
    if not isinstance(fields, dict) or not fields:
        return None
    key, value, level = _level(fields)
    if level is None and "@t" in fields and ("@m" in fields or "@mt" in fields):
        level = 20  # Serilog leaves Information out
    if isinstance(value, Mapping) and key in ("level", "record.level"):
        level = from_word(str(value.get("name", ""))) or from_fields("levelno", value.get("no"), {})
    return _entry(fields, line, level, "json", key)


def _entry(
    fields: Mapping[str, object], line: str, level: int | None, name: str, key: str = ""
) -> Entry:
    message = _text(_first(fields, _MESSAGE)[1])
    cause = _text(_first(fields, _ERROR)[1])
    if not message and key:
        message = cause
    if cause and cause not in message and len(cause) < 2000:
        message = f"{message}: {cause}" if message else cause
    named = _first(fields, _LOGGER)[1]
    time = _first(fields, _TIME)[1]
    traceback = _stack(_first(fields, _TRACEBACK)[1])
    return Entry(
        message or line,
        level,
        named if isinstance(named, str) else None,
        time if isinstance(time, str | int | float) else None,
        traceback if traceback and traceback != message else None,
        name,
        _level_span(line, key) if name == "json" and level is not None else None,
    )


def _level(fields: Mapping[str, object]) -> tuple[str, object, int | None]:
    """The key that names the level, what it says, and the level."""
    for key in fields:
        if key in PLAIN_LEVEL:
            level = from_fields(key, fields[key], fields)
            if level is not None:
                return key, fields[key], level
    key, value = _first(fields, ("level", *_LEVEL))
    if not key and "s" in fields and "c" in fields:
        key, value = "s", fields["s"]  # MongoDB
    return key, value, from_fields(key, value, fields) if key else None


def _level_span(line: str, key: str) -> tuple[int, int] | None:
    """Where the level's value stands, if the line shows it plainly."""
    found = re.search(rf'"{re.escape(key)}"\s?:\s?"?([\w.]+)', line[:2000])
    return found.span(1) if found else None


def _first(fields: Mapping[str, object], names: Sequence[str]) -> tuple[str, object]:
    """The first of these fields that says something, and its name; a dot leads inside."""
    for name in names:
        value = fields.get(name)
        if value is None and "." in name:
            value = fields
            for part in name.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
        if value is None or isinstance(value, bool) or value in ("", {}, []):
            continue
        return name, value
    return "", None


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        said = value.get("message") or value.get("msg") or value.get("stringValue")
        return said if isinstance(said, str) else json.dumps(value)
    if isinstance(value, list):
        return "\n".join(each if isinstance(each, str) else json.dumps(each) for each in value)
    return "" if value is None else str(value)


def _stack(value: object) -> str | None:
    """A stack trace that is text, or lines, or structlog's and loguru's description of one."""
    if isinstance(value, Mapping):
        stack = value.get("stacktrace") or value.get("stack") or value.get("traceback")
        if isinstance(stack, str) and stack:
            return stack
        kind = value.get("type") or value.get("class") or value.get("name")
        said = value.get("value") or value.get("message") or ""
        return f"{kind}: {said}" if isinstance(kind, str) else None
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        lines = [
            f"{each.get('exc_type')}: {each.get('exc_value')}"
            for each in value
            if isinstance(each, Mapping) and each.get("exc_type")
        ]
        return "\n".join(lines) or None
    return _text(value) or None


def _read_logfmt(line: str) -> Entry | None:
    """Pairs of a name and a value, from the first on; no more than a fair number of them."""
    before = _BEFORE_PAIRS.match(line)
    pos = before.end() if before else 0
    fields: dict[str, object] = {}
    for _ in range(_PAIRS):
        found = _KEY.match(line, pos)
        if found is None:
            if not fields:
                return None
            pos = line.find(" ", pos) + 1
        else:
            value = _VALUE.match(line, found.end())
            if value is None:
                break
            fields.setdefault(found[1], _unquoted(value))
            pos = value.end() + 1
        if pos <= 0 or pos >= len(line):
            break
    key, _, level = _level(fields)
    if level is None:
        return None
    if before and _first(fields, _TIME)[1] is None:
        fields["time"] = before.group().strip(" []")
    return _entry(fields, line, level, "logfmt", key)


def _unquoted(value: re.Match[str]) -> str:
    if value[1] is None:
        return value[2] or value[3] or ""
    if "\\" not in value[1]:
        return value[1]
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), value[1])


def _read_csv(line: str) -> Entry | None:
    """A line of PostgreSQL's csvlog."""
    try:
        row = next(csv.reader([line]))
    except (csv.Error, StopIteration):
        return None
    if len(row) < _CSV_FIELDS:
        return None
    level = from_word(row[_CSV_LEVEL])
    if level is None:
        return None
    more = [f"{name}:  {row[at]}" for name, at in (("DETAIL", 14), ("HINT", 15)) if row[at]]
    more += [f"STATEMENT:  {row[19]}"] if row[19] else []
    message = "\n".join([row[_CSV_MESSAGE], *more])
    return Entry(message, level, row[2] or None, row[0], format="postgresql, csvlog")
