"""Turns one option as people spell it, in Python, JSON, YAML or an ini file, into one typed value.

Every function takes the value and the option's name for its complaint: ``TypeError`` for a value of
the wrong type, ``ValueError`` for a wrong value. What looks like a key is never printed.
"""

from __future__ import annotations

import logging
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from .client.constants import Priority

_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})

_NUMBER = r"(\d+(?:\.\d+)?)"
_DURATION: Final = re.compile(
    rf"(?:{_NUMBER}d)?(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?(?:{_NUMBER}ms)?",
    re.ASCII | re.IGNORECASE,
)
_UNITS: Final = (86_400.0, 3_600.0, 60.0, 1.0, 0.001)

_LOOKS_SECRET: Final = re.compile(r"[A-Za-z0-9]{24,}", re.ASCII)
_SHOWN_LIMIT: Final = 60


def deep_plain(value: object) -> object:
    """Return ``value`` with its mappings, lists and tuples made plain, at any depth.

    What ``dictConfig`` hands over answers ``items()`` and iteration with raw ``ext://`` and
    ``cfg://`` strings; only access by key or index resolves them.
    """
    if isinstance(value, Mapping):
        return {key: deep_plain(value[key]) for key in value}
    if isinstance(value, list):
        return [deep_plain(value[index]) for index in range(len(value))]
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple(deep_plain(value[index]) for index in range(len(value)))
    return value


def masked(text: str) -> str:
    """Return ``text`` with ``***`` in place of anything like a key."""
    return _LOOKS_SECRET.sub("***", text)


def shown(value: object) -> str:
    """Return how an error may quote ``value``: masked and short."""
    text = masked(repr(value))
    return text if len(text) <= _SHOWN_LIMIT else f"{text[:_SHOWN_LIMIT]}..."


def kind_of(value: object) -> str:
    """Return what sort of thing ``value`` is, for a sentence."""
    return "None" if value is None else f"of type {type(value).__name__}"


def nearest(name: str, names: Iterable[str]) -> str:
    """Return ``; did you mean ...?`` for the one of ``names`` most like ``name``, or nothing."""
    from difflib import get_close_matches  # only mistakes pay for its import

    by_lower = {candidate.lower(): candidate for candidate in names}
    match = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean {by_lower[match[0]]}?" if match else ""


def to_text(value: object, option: str) -> str:
    """Return a string as it is."""
    if not isinstance(value, str):
        raise TypeError(f"{option} is {kind_of(value)}; expected a string")
    return value


def to_name(value: object, option: str) -> str:
    """Return a string without the blanks around it, refusing one that holds nothing else."""
    text = to_text(value, option).strip()
    if not text:
        raise ValueError(f"{option} is blank; expected a name")
    return text


def to_bool(value: object, option: str) -> bool:
    """Return the truth that a boolean, 0, 1 or a word such as ``"yes"`` or ``"off"`` spells."""
    if not isinstance(value, int | str):
        raise TypeError(f"{option} is {kind_of(value)}; expected true or false")
    word = str(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError(f"{option} is {shown(value)}; expected true, yes, on, 1, false, no, off or 0")


def to_int(value: object, option: str, *, at_least: int | None = None) -> int:
    """Return a whole number given as one or as its digits."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"{option} is {kind_of(value)}; expected a whole number")
    try:
        number = int(value)
    except ValueError:
        raise ValueError(f"{option} is {shown(value)}; expected a whole number") from None
    if at_least is not None and number < at_least:
        raise ValueError(f"{option} is {number}; expected at least {at_least}")
    return number


def to_seconds(
    value: object, option: str, *, at_least: float = 0.0, at_most: float | None = None
) -> float:
    """Return the seconds in a number, ``timedelta``, or a text such as ``"30s"`` or ``"1h30m"``."""
    seconds = _seconds(value, option)
    if seconds < at_least:
        raise ValueError(f"{option} is {seconds:g} seconds; expected at least {at_least:g}")
    if at_most is not None and seconds > at_most:
        raise ValueError(f"{option} is {seconds:g} seconds; expected at most {at_most:g}")
    return seconds


def _seconds(value: object, option: str) -> float:
    total_seconds = getattr(value, "total_seconds", None)  # a timedelta, without loading datetime
    number = total_seconds() if callable(total_seconds) else value
    if isinstance(number, bool) or not isinstance(number, int | float | str):
        raise TypeError(f"{option} is {kind_of(value)}; expected seconds or a text such as 5m")
    seconds = _parsed_seconds(number)
    if seconds is None or not math.isfinite(seconds):
        raise ValueError(
            f"{option} is {shown(value)}; expected seconds or a duration such as 30s, 5m or 1h30m"
        )
    return seconds


def _parsed_seconds(number: float | str) -> float | None:
    try:
        return float(number)
    except OverflowError:
        return math.inf
    except ValueError:
        return _duration(str(number))


def _duration(text: str) -> float | None:
    match = _DURATION.fullmatch("".join(text.split()))
    if match is None or not match.group():
        return None
    return sum(float(n) * unit for n, unit in zip(match.groups(), _UNITS, strict=True) if n)


def to_whole_seconds(
    value: object, option: str, *, at_least: int = 1, at_most: int | None = None
) -> int:
    """Return seconds as ``to_seconds`` reads them, refusing fractions: the service takes none."""
    seconds = to_seconds(value, option, at_least=at_least, at_most=at_most)
    if not seconds.is_integer():
        raise ValueError(f"{option} is {seconds:g} seconds; expected whole seconds")
    return int(seconds)


def to_names(value: object, option: str) -> tuple[str, ...]:
    """Return the names in a list, or in a text where commas separate them, once each."""
    names = deep_plain(value)
    if isinstance(names, str):
        names = [part for part in names.split(",") if part.strip()]
    if not isinstance(names, list | tuple | set | frozenset):
        raise TypeError(f"{option} is {kind_of(value)}; expected a list or a comma-separated text")
    return tuple(dict.fromkeys(to_name(name, f"{option}[{n}]") for n, name in enumerate(names)))


def to_patterns(value: object, option: str) -> tuple[re.Pattern[str], ...]:
    """Return the regular expressions in a list of them, or of their texts, or in a single one."""
    patterns = [value] if isinstance(value, str | re.Pattern) else deep_plain(value)
    if not isinstance(patterns, list | tuple):
        raise TypeError(f"{option} is {kind_of(value)}; expected a list of regular expressions")
    return tuple(_pattern(item, f"{option}[{n}]") for n, item in enumerate(patterns))


def _pattern(value: object, option: str) -> re.Pattern[str]:
    text = value.pattern if isinstance(value, re.Pattern) else value
    if not isinstance(text, str):
        raise TypeError(f"{option} is {kind_of(value)}; expected a regular expression over text")
    try:
        return value if isinstance(value, re.Pattern) else re.compile(text)
    except re.error as error:
        # Neither the pattern nor the error that holds it: it may spell out a secret to redact.
        raise ValueError(f"{option} is no regular expression: {error}") from None


def to_callable(value: object, option: str) -> Callable[..., object]:
    """Return a callable, imported if its dotted name is given."""
    if isinstance(value, str):
        value = _imported(value.strip().removeprefix("ext://"), option)
    if not callable(value):
        raise TypeError(f"{option} is {kind_of(value)}; expected a callable or its dotted name")
    return value


def _imported(name: str, option: str) -> object:
    from pkgutil import resolve_name  # only who gives a dotted name pays for its import

    try:
        return resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        reason = _LOOKS_SECRET.sub("***", str(error))
        raise ValueError(
            f"{option} is {shown(name)}, which cannot be imported: {reason}"
        ) from error


def to_level(value: object, option: str) -> int:
    """Return a logging level given by number, digits or name, custom names included."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"{option} is {kind_of(value)}; expected a level's name or number")
    try:
        return int(value)
    except ValueError:
        return _named_level(str(value).strip(), option)


def _named_level(name: str, option: str) -> int:
    levels = _level_names()
    by_lower = {known.lower(): level for known, level in levels.items()}
    level = levels.get(name, by_lower.get(name.lower()))
    if level is None:
        hint = nearest(name, levels)
        raise ValueError(f"{option} is {shown(name)}; expected a level's name or number{hint}")
    return level


def _level_names() -> Mapping[str, int]:
    if sys.version_info >= (3, 11):
        return logging.getLevelNamesMapping()
    return logging._nameToLevel  # Python 3.10 has no public way


def to_priority(value: object, option: str) -> Priority | None:
    """Return the priority that a member, number or name stands for; None is "not pushed"."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"{option} is {kind_of(value)}; expected {_PRIORITIES}")
    text = str(int(value) if isinstance(value, int) else value).strip()
    if text.upper() == "NONE":
        return None
    return _named_priority(text, option)


_PRIORITIES: Final = f"{', '.join(Priority.__members__)}, a number from -2 to 2, or None"


def _named_priority(text: str, option: str) -> Priority:
    try:
        return (
            Priority[text.upper()] if text.upper() in Priority.__members__ else Priority(int(text))
        )
    except ValueError:
        hint = nearest(text, Priority.__members__)
        raise ValueError(f"{option} is {shown(text)}; expected {_PRIORITIES}{hint}") from None
