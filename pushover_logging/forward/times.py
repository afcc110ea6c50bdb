"""Finds and reads the times that log lines carry; pure."""

from __future__ import annotations

import functools
import re
from datetime import datetime, timedelta, timezone
from typing import Final

_MONTH: Final = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DAY: Final = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_CLOCK: Final = r"\d\d:\d\d:\d\d(?:[.,:]\d{1,9})?"
_ZONES: Final = {
    **dict.fromkeys(("Z", "UTC", "GMT", "WET"), 0),
    "CET": 1,
    "CEST": 2,
    "EET": 2,
    "EEST": 3,
    "MSK": 3,
    "BST": 1,
    "WEST": 1,
    "SAST": 2,
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
    "AKST": -9,
    "HST": -10,
    "JST": 9,
    "KST": 9,
    "SGT": 8,
    "HKT": 8,
    "AEST": 10,
    "AEDT": 11,
    "NZST": 12,
    "NZDT": 13,
    "BRT": -3,
    "ART": -3,
    "IST": 5.5,
}
"""Hours ahead of UTC; an ambiguous abbreviation has its most common meaning."""
_ZONE: Final = rf"(?: ?(?:Z(?![\w])|[+-]\d\d:?\d\d|[+-]\d\d(?!\d|:)|(?:{'|'.join(_ZONES)})(?!\w)))?"
TIME: Final = (
    rf"(?:\d{{4}}[-/.]\d\d[-/.]\d\d(?:[T,_]| - |, | {{1,2}})\d{{1,2}}:\d\d"
    rf"(?::\d\d(?:[.,:]\d{{1,9}})?)?"
    rf"(?: [AP]M)?{_ZONE}"
    rf"|\d\d/{_MONTH}/\d{{4}}[ :]{_CLOCK}{_ZONE}"
    rf"|\d{{1,2}}[- ]{_MONTH}[- ]\d{{4}} {_CLOCK}{_ZONE}"
    rf"|(?:{_DAY},? )?{_MONTH} {{1,2}}\d{{1,2}} {_CLOCK}"
    rf"(?: \d{{4}}(?!\d|-)|{_ZONE} \d{{4}}(?!\d|-))?"
    rf"|{_MONTH} {{1,2}}\d{{1,2}}, \d{{4}} \d{{1,2}}:\d\d:\d\d(?:[.,]\d{{1,9}})?(?: [AP]M)?"
    rf"|\d\d[./]\d\d[./]\d{{4}},? {_CLOCK}(?: [AP]M)?{_ZONE}"
    rf"|\d{{1,2}}/\d{{1,2}}/\d{{4}},? \d{{1,2}}:\d\d:\d\d(?: [AP]M)?"
    rf"|\d\d/\d\d/\d\d {_CLOCK}"
    rf"|\d{{8}}[ T-]{_CLOCK}{_ZONE}"
    rf"|\d{{8}}T\d{{6}}(?:[.,]\d{{1,9}})?{_ZONE}"
    rf"|\d{{6}} {{1,2}}\d{{1,2}}:\d\d:\d\d(?:[.,]\d{{1,9}})?"
    rf"|\d{{6}} \d{{6}}(?!\d)"
    rf"|\d\d-\d\d {_CLOCK}"
    rf"|\d{{4}}-\d{{3}}T{_CLOCK}"
    rf"|{_CLOCK}{_ZONE}"
    rf"|\d{{1,2}}:\d\d[AP]M(?!\w)"
    rf"|1\d{{9}}\.\d{{1,9}}(?!\d)|1\d{{9}}(?!\d)|1\d{{12}}(?!\d))"
)
"""The regular expression of a time at the beginning of a text, without a group."""

_DATED = re.compile(
    r"(?P<year>\d{4})[-/.](?P<month>\d\d)[-/.](?P<day>\d\d)(?P<rest>.*)"
    rf"|(?P<day2>\d{{1,2}})[-/ ](?P<name>{_MONTH})[-/ ](?P<year2>\d{{4}})(?P<rest2>.*)"
    rf"|(?:{_DAY},? )?(?P<name3>{_MONTH}) +(?P<day3>\d{{1,2}})"
    r"(?:, (?P<year3>\d{4}))?(?P<rest3>.*)"
    r"|(?P<day4>\d\d)\.(?P<month4>\d\d)\.(?P<year4>\d{4})(?P<rest4>.*)"
    r"|(?P<month5>\d{1,2})/(?P<day5>\d{1,2})/(?P<year5>\d{4})(?P<rest5>.*)"
    r"|(?P<year6>\d{4})(?P<month6>\d\d)(?P<day6>\d\d)(?P<rest6>[ T-].*)"
    r"|(?P<year7>\d\d)(?P<month7>\d\d)(?P<day7>\d\d)(?P<rest7> .*)"
    r"|(?P<year8>\d\d)/(?P<month8>\d\d)/(?P<day8>\d\d)(?P<rest8> .*)"
    r"|(?P<month9>\d\d)-?(?P<day9>\d\d)(?P<rest9> .*)"
    r"|(?P<rest0>\d{1,2}:.*)",
    re.DOTALL,
)
_OF_DAY = re.compile(
    r"[ T:,_-]*(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,:](?P<part>\d{1,9}))?)?"
    r"(?: ?(?P<half>[AP]M))?"
    r"|[ T]*(?P<packed>\d{6})(?:[.,](?P<part2>\d{1,9}))?"
)
_AFTER = re.compile(r"(?: ?(?P<zone>Z|[+-]\d\d:?(?:\d\d)?|[A-Z]{2,4}))?(?: (?P<year>\d{4}))?")
_NUMBERS: Final = {name: n for n, name in enumerate(_MONTH[3:-1].split("|"), start=1)}
_LARGEST = 253_402_300_799.0
"""The last second of the year 9999."""
_LONGEST = 64


def time_of(value: object, now: float) -> float | None:
    """The Unix seconds that a text or a number stands for; ``now`` gives the date if it has none.

    Without a zone it is the machine's own, as in Python's and most programs' logs.
    """
    if not isinstance(value, str):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return _seconds(float(value)) if is_number else None  # type: ignore[arg-type]
    text = value.strip()[:_LONGEST]
    if text[4:5] == "-":
        second, sign, part = text[:19], text[19:20], text[20:]
        if sign in (",", ".") and len(part) == 3 and part.isdecimal() and part.isascii():
            # As logging writes it. Of the lines of one second only the first takes long.
            begun = _begin_of(second)
            if begun is not None:
                return begun + int(part) / 1000
        try:
            return _known(datetime.fromisoformat(text.replace(",", ".", 1)).timestamp())
        except (ValueError, OverflowError, OSError):
            pass  # it is another of the many ways to write it
    if re.fullmatch(r"\d{9,19}(?:\.\d+)?", text, re.ASCII):
        return _seconds(float(text))
    try:
        return _known(_read(text, now))
    except (ValueError, OverflowError, OSError):
        return None  # the 31st of February, or a year before the clock began


@functools.lru_cache(maxsize=64)
def _begin_of(second: str) -> float | None:
    """The Unix seconds of a local time without fraction; None if it is none."""
    try:
        return _known(datetime.fromisoformat(second).timestamp())
    except (ValueError, OverflowError, OSError):
        return None


def _known(seconds: float | None) -> float | None:
    """Not the year 1, by which Go and .NET say that they know no time."""
    return None if seconds is None or seconds < 0 else seconds


def _seconds(number: float) -> float | None:
    """Seconds from seconds, or from a number so large that it must be milliseconds or finer."""
    if not 0 < number < 1e30:
        return None
    while number > _LARGEST:
        number /= 1000
    return number


def _read(text: str, now: float) -> float | None:
    dated = _DATED.match(text)
    if dated is None:
        return None
    found = {name.rstrip("23456789"): each for name, each in dated.groupdict().items() if each}
    clock = _OF_DAY.match(found.get("rest") or found.get("rest0") or "")
    if clock is None:
        return None
    hour, minute, second, part = _clock(clock)
    after = _AFTER.match(clock.string, clock.end())
    zone, trailing = after.group("zone", "year") if after else (None, None)
    micro = int(((part or "") + "000000")[:6])
    today = datetime.fromtimestamp(now)
    if "day" not in found:
        moment = today.replace(hour=hour, minute=minute, second=second, microsecond=micro)
        if moment > today + timedelta(hours=1):
            moment -= timedelta(days=1)
        return _stamp(moment, zone)
    month = _NUMBERS[found["name"]] if "name" in found else int(found["month"])
    named = found.get("year") or trailing or ""
    year = int(named or 0) + 2000 * (len(named) == 2)
    if not named:
        year = today.year - (month > (today + timedelta(days=1)).month)
    return _stamp(datetime(year, month, int(found["day"]), hour, minute, second, micro), zone)


def _clock(found: re.Match[str]) -> tuple[int, int, int, str | None]:
    if packed := found["packed"]:
        return int(packed[:2]), int(packed[2:4]), int(packed[4:]), found["part2"]
    hour = int(found["hour"])
    if found["half"]:
        hour = hour % 12 + 12 * (found["half"] == "PM")
    return hour, int(found["minute"]), int(found["second"] or 0), found["part"]


def _stamp(moment: datetime, zone: str | None) -> float:
    if zone is None:
        return moment.timestamp()
    if zone[0] in "+-":
        minutes = 60 * int(zone[1:3]) + int(zone[3:].lstrip(":") or 0)
        ahead = timedelta(minutes=-minutes if zone[0] == "-" else minutes)
    elif zone in _ZONES:
        ahead = timedelta(hours=_ZONES[zone])
    else:
        return moment.timestamp()
    return moment.replace(tzinfo=timezone(ahead)).timestamp()
