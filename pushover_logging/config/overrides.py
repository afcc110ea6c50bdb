"""Reads ``extra={"pushover": {...}}``, the options of a single record, in the logging call.

A mistake is left out and reported in a sentence; it never loses the record. Everything that is
needed here is loaded when the handler is configured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..client.constants import EXPIRE_MAXIMUM, RETRY_MINIMUM, Priority
from .fields import FIELDS, STYLE_OPTIONS
from .levels import to_priority
from .parsing import kind_of, shown, to_params, to_text, to_whole_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["asked_priority", "own_key", "read_overrides", "resolved_key"]

_TEXTS = frozenset({"message", "title", "url", "url_title"})
_SECONDS = {"retry": (RETRY_MINIMUM, EXPIRE_MAXIMUM), "expire": (1, EXPIRE_MAXIMUM)}
_STYLE = frozenset(STYLE_OPTIONS) - _TEXTS
_HANDLED_ELSEWHERE = frozenset({"key", "resolve"})
_PRIORITIES = {name: int(member) for name, member in Priority.__members__.items()}


def read_overrides(given: object) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the overrides of a record, of plain built-in types, and a sentence for each mistake.

    Never raises, whatever ``given`` is, and keeps no reference to it. ``message``, ``title``,
    ``url`` and ``url_title`` are texts, not templates. A name that is no option of the handler is
    a parameter of the request, for parameters that the service adds later.
    """
    overrides: dict[str, Any] = {}
    if given is None or isinstance(given, bool):
        return overrides, ()
    if not isinstance(given, Mapping):
        return overrides, (f"pushover is {kind_of(given)}; expected a mapping, or False; left out",)
    complaints: list[str] = []
    names: list[object] = []
    try:
        names = list(given)
    except Exception as error:  # noqa: BLE001 - a mapping of the application may raise anything
        complaints.append(_complaint(error))
    for name in names:
        try:
            value = given[name]
            if value is not None and name not in _HANDLED_ELSEWHERE:
                complaint = _take(to_text(name, "a name in pushover"), value, overrides)
                if complaint:
                    complaints.append(complaint)
        except Exception as error:  # noqa: BLE001 - the values are objects of the application
            complaints.append(_complaint(error))
    if overrides.get("html") and overrides.pop("monospace", False):
        complaints.append("html and monospace are both on; monospace left out")
    return overrides, tuple(complaints)


def _take(name: str, value: object, overrides: dict[str, Any]) -> str:
    """Add an override; returns a sentence if its value had to be changed."""
    if name in _TEXTS:
        overrides[name] = to_text(value, name)
    elif name == "priority":
        to_priority(value, name)  # asked_priority has read it; this only finds mistakes
    elif name == "timestamp":
        moment = getattr(value, "timestamp", None)  # a datetime, without loading its module
        number = moment() if callable(moment) else value
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise TypeError(f"timestamp is {kind_of(value)}; expected Unix seconds or a datetime")
        if not math.isfinite(number) or number < 0:
            raise ValueError(f"timestamp is {shown(number)}; expected Unix seconds")
        overrides[name] = int(number)
    elif name in _SECONDS:
        least, most = _SECONDS[name]
        seconds = to_whole_seconds(value, name)
        overrides[name] = min(max(seconds, least), most)
        if overrides[name] != seconds:
            return (
                f"{name} is {seconds} seconds; at least {least} and at most {most} are possible,"
                f" so {overrides[name]} was sent"
            )
    elif name in _STYLE and name != "params":
        overrides[name] = FIELDS[name].read(value, name)
    else:
        params = to_params(value if name == "params" else {name: value}, "params")
        overrides["params"] = {**overrides.get("params", {}), **params}
    return ""


def _complaint(error: Exception) -> str:
    if isinstance(error, TypeError | ValueError):
        return f"{error}; left out"
    return f"an override raised {type(error).__name__}; left out"


def asked_priority(overrides: object) -> int | None:
    """The priority that a record asks for, or None without a valid priority."""
    try:
        given = overrides["priority"]  # type: ignore[index]
        if isinstance(given, bool) or not isinstance(given, int | str):
            return None
        text = str(int(given) if isinstance(given, int) else given).strip().upper()
        number = _PRIORITIES[text] if text in _PRIORITIES else int(text)
    except Exception:  # noqa: BLE001 - it may be any object; read_overrides reports the mistake
        return None
    return number if number in _PRIORITIES.values() else None


def own_key(overrides: object) -> str | None:
    """The group that a record names as its own, or None."""
    return _text_at(overrides, "key")


def resolved_key(overrides: object) -> str | None:
    """The key of the problem that a record reports as resolved, or None."""
    return _text_at(overrides, "resolve")


def _text_at(overrides: object, name: str) -> str | None:
    try:
        given = overrides.get(name)  # type: ignore[attr-defined]
        return None if given is None else str(given)
    except Exception:  # noqa: BLE001 - it may be any object; read_overrides reports the mistake
        return None
