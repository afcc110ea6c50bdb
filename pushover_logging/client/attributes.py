"""The attributes of a message, and the check that each value passes when it is set."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from typing import Generic, TypeVar, overload

from .constants import DEVICE_PATTERN, EXPIRE_ACCEPTED, RETRY_MINIMUM, Priority
from .parameters import Value

_Given = TypeVar("_Given")
_Kept = TypeVar("_Kept")

_OURS = __name__.partition(".")[0]
_OF_THE_MESSAGE = ("token", "user")


class Attribute(Generic[_Given, _Kept]):
    """An attribute whose values pass a check; the check gets the attribute's name for its errors.

    Setting an attribute sends no request. Raises TypeError for a value of the wrong type and
    ValueError for a value that the service would refuse.
    """

    def __init__(self, check: Callable[[_Given, str], _Kept]) -> None:
        self._check = check
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Attribute[_Given, _Kept]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> _Kept: ...
    def __get__(self, instance: object, owner: type) -> Attribute[_Given, _Kept] | _Kept:
        if instance is None:
            return self
        try:
            value: _Kept = instance.__dict__[self._name]
        except KeyError:
            raise AttributeError(f"{owner.__name__} has no {self._name} yet") from None
        return value

    def __set__(self, instance: object, value: _Given) -> None:
        instance.__dict__[self._name] = self._check(value, self._name)


def text(limit: int | None = None) -> Callable[[str | None, str], str | None]:
    """A check for an optional text of at most ``limit`` characters."""

    def check(value: str | None, name: str) -> str | None:
        return None if value is None else _text(value, name, limit)

    return check


def body(limit: int) -> Callable[[str, str], str]:
    """A check for the text of a message, which must not be blank."""

    def check(value: str, name: str) -> str:
        if not _text(value, name, limit).strip():
            raise ValueError(f"{name} is blank; the service needs at least one visible character")
        return value

    return check


def flag(value: bool | int | str, name: str) -> bool:
    """True or False, or 1 or 0."""
    if value not in (True, False, "0", "1"):
        raise TypeError(f"{name} must be True or False, not {value!r}")
    return bool(int(value))


def whole(value: int | str, name: str) -> int:
    """A whole number, or a text that spells one."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    try:
        return int(value)
    except ValueError:
        raise TypeError(f"{name} must be a whole number, not {value!r}") from None


def priority(value: int | str, name: str) -> Priority:
    """One of the five priorities."""
    number = whole(value, name)
    if number not in list(Priority):
        raise ValueError(f"{name} is {number}; it must be between -2 (lowest) and 2 (emergency)")
    return Priority(number)


def ordinary_priority(value: int | str, name: str) -> Priority:
    """A priority other than emergency."""
    found = priority(value, name)
    if found == Priority.EMERGENCY:
        raise ValueError(f"{name} is 2 (emergency); that takes an EmergencyMessage")
    return found


def emergency_priority(value: int | str, name: str) -> Priority:
    """The priority of an emergency."""
    found = priority(value, name)
    if found != Priority.EMERGENCY:
        raise ValueError(f"{name} is {int(found)}; an EmergencyMessage has 2, others are a Message")
    return found


def retry(value: int | str, name: str) -> int:
    """Seconds between two rings of an emergency."""
    seconds = whole(value, name)
    if seconds < RETRY_MINIMUM:
        raise ValueError(f"{name} is {seconds} seconds; the service allows {RETRY_MINIMUM} or more")
    return seconds


def expire(value: int | str, name: str) -> int:
    """Seconds until an emergency stops ringing."""
    seconds = whole(value, name)
    if not 0 < seconds <= EXPIRE_ACCEPTED:
        raise ValueError(f"{name} is {seconds} seconds; it must be 1 to {EXPIRE_ACCEPTED}")
    return seconds


def ttl(value: int | str | None, name: str) -> int | None:
    """Seconds after which the devices remove the message."""
    if value is None:
        return None
    seconds = whole(value, name)
    if seconds <= 0:
        raise ValueError(f"{name} is {seconds} seconds; it must be above 0")
    return seconds


def names(value: str | Iterable[str] | None, name: str) -> tuple[str, ...]:
    """Several names, as a list or as a comma list."""
    if value is None:
        return ()
    parts = value.split(",") if isinstance(value, str) else list(value)
    return tuple(part.strip() for part in parts if _text(part, name).strip())


def device(value: str | Iterable[str] | None, name: str) -> str | None:
    """A device or several devices, kept as a comma list."""
    if value is None:
        return None
    devices = names(value, name)
    for each in devices:
        if not DEVICE_PATTERN.fullmatch(each):
            raise ValueError(f"{name} {each!r} is not 1 to 25 letters, digits, - and _")
    return ",".join(devices)


def timestamp(value: datetime | float | str | None, name: str) -> datetime | None:
    """A time with its zone. A number is Unix seconds; a naive datetime is UTC, with a warning."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value if value.tzinfo else _assumed_utc(value, name)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError(f"{name} must be a datetime or Unix seconds, not {value!r}")
    try:
        seconds = float(value)
    except ValueError:
        raise TypeError(f"{name} must be a datetime or Unix seconds, not {value!r}") from None
    return _from_unix(seconds, name)


def encryption_key(value: str | bytes | None, _name: str) -> str | bytes | None:
    """A key that can encrypt now, so that no text leaves in clear because encryption fails."""
    if value is not None:
        from .encryption import Cipher  # cryptography is an extra, and slow to import

        Cipher(value)
    return value


def params(value: Mapping[str, Value] | None, name: str) -> dict[str, Value]:
    """Parameters that are passed through unchanged."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping, not {type(value).__name__}")
    for taken in _OF_THE_MESSAGE:
        if taken in value:
            raise ValueError(f"{name} must not hold {taken!r}; the message has one")
    return dict(value)


def _text(value: str, name: str, limit: int | None = None) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a text, not {type(value).__name__}")
    if limit is not None and len(value) > limit:
        raise ValueError(f"{name} is {len(value)} characters; at most {limit} fit")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name} holds half of a surrogate pair, which is no character") from None
    return value


def _from_unix(seconds: float, name: str) -> datetime:
    try:
        if seconds >= 0:
            return datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        # Not a number, or a year that datetime does not have; the error below says so.
        pass
    raise ValueError(f"{name} is {seconds!r}; it must be Unix seconds from 0 to the year 9999")


def _assumed_utc(value: datetime, name: str) -> datetime:
    sentence = f"{name} {value} has no time zone and is read as UTC"
    warnings.warn(sentence, RuntimeWarning, stacklevel=_callers_level())
    return value.replace(tzinfo=timezone.utc)


def _callers_level() -> int:
    """The ``stacklevel`` of the nearest caller outside this package, for ``_assumed_utc``."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and str(frame.f_globals.get("__name__")).partition(".")[0] == _OURS:
        frame, level = frame.f_back, level + 1
    return level
