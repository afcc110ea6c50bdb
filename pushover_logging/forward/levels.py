"""Reads the levels that programs write, as words, letters or numbers; pure."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

_WORDS: Final = {
    logging.DEBUG: (
        *("trace", "trce", "trc", "trac", "debug", "dbg", "dbug", "debu", "verbose", "verb"),
        *("vrb", "finest", "finer", "fine", "silly", "sill", "diag"),
    ),
    logging.INFO: (
        *("info", "inf", "information", "informational", "notice", "note", "log", "config"),
        *("system", "success", "http", "status", "default", "audit"),
    ),
    logging.WARNING: ("warn", "warning", "wrn", "deprecation"),
    logging.ERROR: ("err", "error", "erro", "severe", "fail", "failure"),
    logging.CRITICAL: (
        *("crit", "critical", "fatal", "ftl", "fata", "alert", "emerg", "emergency"),
        *("panic", "pani", "pnc", "dpanic"),
    ),
}
WORDS: Final[dict[str, int]] = {
    **{word: level for level, words in _WORDS.items() for word in words},
    **{f"debug{number}": logging.DEBUG for number in range(1, 6)},
    **{f"trace{number}": logging.DEBUG for number in range(1, 9)},
}
"""Python's levels by the words for them, in lower case."""
COMMON: Final = frozenset(
    {
        *("trace", "debug", "dbg", "info", "inf", "information", "warn", "warning", "wrn"),
        *("err", "error", "severe", "crit", "critical", "fatal", "ftl", "emerg", "dpanic"),
    }
)
"""Words that are a level even where nothing but blanks surrounds them."""
COMMON_IN_CAPITALS: Final = COMMON | {
    *("alert", "emergency", "notice", "panic", "verbose", "fine", "finer", "finest", "fail"),
}
"""Words that are so in capitals."""
AMBIGUOUS: Final = frozenset({"config", "success", "note", "failure"})
"""Words that are a level in a header only in capitals, before a colon or a bar."""
NOT_IN_HEADERS: Final = frozenset(
    {"http", "status", "audit", "default", "system", "log", "sill", "deprecation", "diag"}
)
"""Words that are a level only where a format says that a level stands."""
LETTERS: Final = {
    **dict.fromkeys("VTD", logging.DEBUG),
    **dict.fromkeys("IN", logging.INFO),
    "W": logging.WARNING,
    "E": logging.ERROR,
    **dict.fromkeys("FCAX", logging.CRITICAL),
    # Redis: debug, verbose, notice, warning.
    ".": logging.DEBUG,
    "-": logging.DEBUG,
    "*": logging.INFO,
    "#": logging.WARNING,
}
"""The single letters and signs of formats that have them at a fixed place."""
_PHP: Final = {
    **dict.fromkeys(
        ("parse error", "recoverable fatal error", "catchable fatal error"), logging.ERROR
    ),
    **dict.fromkeys(("fatal error", "core error", "compile error"), logging.CRITICAL),
    **dict.fromkeys(("core warning", "compile warning"), logging.WARNING),
    **dict.fromkeys(("deprecated", "strict standards"), logging.INFO),
    "err!": logging.ERROR,
}
_SYSLOG: Final = (
    *(logging.CRITICAL,) * 3,
    logging.ERROR,
    logging.WARNING,
    *(logging.INFO,) * 2,
    logging.DEBUG,
)


def from_word(word: str) -> int | None:
    """The level that a word or a letter stands for, in any case and padding."""
    text = word.strip()
    lower = text.lower()
    return WORDS.get(lower) or LETTERS.get(text) or _PHP.get(lower)


def from_severity(number: int) -> int | None:
    """The level for one of syslog's severities: 0 (emergency) to 7 (debug)."""
    return _SYSLOG[number] if 0 <= number < len(_SYSLOG) else None


def from_fields(key: str, value: object, fields: Mapping[str, object]) -> int | None:
    """The level that ``fields[key]`` gives; the other fields tell the scale of a number."""
    if isinstance(value, str):
        known = from_word(value)
        if known is not None:
            return known
        digits = value.strip()
        if not (digits.isascii() and digits.isdigit() and len(digits) < 6):
            return None
        value = int(digits)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 100_000:
        return None
    return _from_number(key, int(value), fields)


def _from_number(key: str, number: int, fields: Mapping[str, object]) -> int | None:
    if key.lower().replace("_", "") == "severitynumber":
        return _from_steps(number, (1, 9, 13, 17, 21))  # OpenTelemetry
    if key == "level_value" or number >= 5_000:
        return _from_steps(number, (0, 20_000, 30_000, 40_000, 50_000))  # Logback
    if number < 10 and "reqId" in fields:
        return _from_steps(number, (0, 1, 2, 3, 4))  # Nextcloud
    if number < 10 and key in ("LogLevel", "logLevel"):
        return _from_steps(number, (0, 2, 3, 4, 5))  # .NET
    if number < 10:
        is_severity = key.lower() not in ("level", "lvl") or not _OF_SYSLOG.isdisjoint(fields)
        return from_severity(number) if is_severity else None
    if number >= 100 and key == "severity":
        return _from_steps(number, (0, 200, 400, 500, 600))  # Google Cloud
    if number >= 100:
        return _from_steps(number, (0, 200, 300, 400, 500))  # Monolog
    if key == "level" and _is_of_node(fields):
        return _from_steps(number, (0, 30, 40, 50, 60))  # pino, bunyan
    return _from_steps(number, (0, 20, 30, 40, 50))


def _from_steps(number: int, least: tuple[int, int, int, int, int]) -> int:
    """The level by the least numbers of DEBUG, INFO, WARNING, ERROR and CRITICAL."""
    return 10 * max(1, sum(number >= each for each in least))


_OF_SYSLOG: Final = frozenset(
    {
        *("short_message", "facility", "host", "hostname", "ident", "appname", "app_name"),
        *("syslog", "pri", "priority", "procid", "_facility", "syslogtag", "programname"),
    }
)
_OF_PYTHON: Final = frozenset(
    {
        *("levelname", "logger", "lineno", "funcName", "created", "asctime", "levelno"),
        *("pathname", "module", "process", "thread", "threadName", "processName", "filename"),
    }
)


def _is_of_node(fields: Mapping[str, object]) -> bool:
    """Whether the fields beside a level are those of pino or bunyan, whose 30 is INFO."""
    time = fields.get("time")
    if "v" in fields or {"pid", "hostname"} <= fields.keys():
        return True
    if isinstance(time, int) and time > 10**11:  # in milliseconds
        return True
    return "msg" in fields and _OF_PYTHON.isdisjoint(fields)
