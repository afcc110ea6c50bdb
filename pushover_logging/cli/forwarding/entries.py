"""What one line of a log says, and the words and numbers it may say it in; pure."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final


@dataclass(frozen=True)
class Entry:
    """What the first line of a record says; None for what it doesn't."""

    message: str
    level: int | None = None
    logger: str | None = None
    time: float | None = None
    """Unix seconds."""
    traceback: str | None = None


_NAMES: Final = {
    logging.DEBUG: ("trace", "debug", "dbg", "verbose", "fine"),
    logging.INFO: ("info", "inf", "information", "informational", "notice"),
    logging.WARNING: ("warn", "warning", "wrn"),
    logging.ERROR: ("err", "error", "severe", "exception"),
    logging.CRITICAL: ("crit", "critical", "fatal", "alert", "emerg", "emergency", "panic"),
}
LEVELS: Final = {name: level for level, names in _NAMES.items() for name in names}
"""Python's levels by the names that programs give them, in lower case."""
_BY_SEVERITY: Final = (
    *(logging.CRITICAL,) * 3,
    logging.ERROR,
    logging.WARNING,
    *(logging.INFO,) * 2,
    logging.DEBUG,
)
_ISO = re.compile(
    r"(\d{4})[-/](\d\d)[-/](\d\d)[ T](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?"
    r" ?(Z|UTC|GMT|[+-]\d\d:?\d\d)?"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SYSLOG_TIME = re.compile(r"([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)")
_SLASHED = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4})[ :](\d\d):(\d\d):(\d\d)(?: ([+-]\d{4}))?")
_LARGEST = 253_402_300_799.0
"""The last second of the year 9999."""


def level_of(value: object) -> int | None:
    """The level that a name or a number of Python's stands for."""
    if isinstance(value, str):
        name = value.strip().lower()
        if name in LEVELS:
            return LEVELS[name]
        value = int(name) if name.isascii() and name.isdigit() and len(name) < 4 else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return severity(int(value)) if value < len(_BY_SEVERITY) else int(value)


def severity(number: int) -> int | None:
    """The level for one of syslog's severities, 0 (emergency) to 7 (debug)."""
    return _BY_SEVERITY[number] if 0 <= number < len(_BY_SEVERITY) else None


def time_of(value: object, now: float) -> float | None:
    """The Unix seconds that a text or a number stands for; ``now`` gives syslog's lines a year."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _seconds(float(value))
    if not isinstance(value, str):
        return None
    text = value.strip()
    if re.fullmatch(r"\d{9,19}(\.\d+)?", text, re.ASCII):
        return _seconds(float(text))
    try:
        return _iso(text) or _slashed(text) or _syslog(text, now)
    except (ValueError, OverflowError, OSError):
        return None  # the 31st of February, or a year before the clock began


def _seconds(number: float) -> float | None:
    """Seconds, or what is so large that it must be milli-, micro- or nanoseconds."""
    if not number > 0:
        return None
    while number > _LARGEST:
        number /= 1000
    return number


def _iso(text: str) -> float | None:
    found = _ISO.match(text)
    if not found:
        return None
    *fields, fraction, zone = found.groups()
    year, month, day, hour, minute, second = map(int, fields)
    micro = int(((fraction or "") + "000000")[:6])
    return _stamp(datetime(year, month, day, hour, minute, second, micro), zone)


def _slashed(text: str) -> float | None:
    found = _SLASHED.match(text)
    if not found:
        return None
    day, month, year, hour, minute, second, zone = found.groups()
    number = _MONTHS.index(month) + 1
    return _stamp(datetime(int(year), number, int(day), int(hour), int(minute), int(second)), zone)


def _syslog(text: str, now: float) -> float | None:
    found = _SYSLOG_TIME.match(text)
    if not found:
        return None
    month, *fields = found.groups()
    day, hour, minute, second = map(int, fields)
    today = datetime.fromtimestamp(now)
    number = _MONTHS.index(month) + 1
    year = today.year - (number > (today + timedelta(days=1)).month)
    return datetime(year, number, day, hour, minute, second).timestamp()


def _stamp(moment: datetime, zone: str | None) -> float:
    """Without a zone it is the machine's own time, as in Python's and most programs' logs."""
    if zone is None:
        return moment.timestamp()
    if zone in ("Z", "UTC", "GMT"):
        return moment.replace(tzinfo=timezone.utc).timestamp()
    ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return moment.replace(tzinfo=timezone(-ahead if zone[0] == "-" else ahead)).timestamp()
