"""What one record asks for, ``extra={"pushover": {...}}``, read so that no mistake loses it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, cast

from .client.constants import EXPIRE_MAXIMUM, RETRY_MINIMUM
from .converters import kind_of, masked, to_priority, to_text, to_whole_seconds
from .options import StyleOptions, read_style

__all__ = ["NO_OVERRIDES", "Overrides", "read_overrides"]


class Overrides(NamedTuple):
    """A record's own wishes, checked; what was wrong is left out and complained of."""

    texts: Mapping[str, str]
    """``message``, ``title``, ``url`` and ``url_title`` as given: they are no templates."""
    style: StyleOptions
    """The other parameters, in the place of the handler's."""
    timestamp: int | None
    complaints: tuple[str, ...]


NO_OVERRIDES: Final = Overrides({}, {}, None, ())


def read_overrides(given: object) -> Overrides:
    """Read a record's ``pushover``, whatever it is; nothing of it is kept by reference."""
    if given is None:
        return NO_OVERRIDES
    reader = _Reader()
    reader.attempt(lambda: reader.read(given))
    return Overrides(reader.texts, reader.style, reader.timestamp, tuple(reader.complaints))


class _Reader:
    """Collects what is right among the overrides, and a sentence for each that is wrong."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.style: StyleOptions = {}
        self.timestamp: int | None = None
        self.complaints: list[str] = []

    def attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except (TypeError, ValueError) as error:
            self.complaints.append(f"{error}; left out")
        except Exception as error:  # noqa: BLE001 - the values are the user's objects
            self.complaints.append(f"an override raised {type(error).__name__}; left out")

    def read(self, given: object) -> None:
        if isinstance(given, bool):
            return
        if not isinstance(given, Mapping):
            raise TypeError(f"pushover is {kind_of(given)}; expected a mapping, or False")
        for name in given:
            self._attempt_one(name, given[name])
        if self.style.get("html") and self.style.pop("monospace", False):
            self.complaints.append("html and monospace are both on; monospace left out")

    def _attempt_one(self, name: object, value: object) -> None:
        if value is not None and name not in _NOT_OURS:
            self.attempt(lambda: self._take(to_text(name, "a name in pushover"), value))

    def _take(self, name: str, value: object) -> None:
        if name in _TEXTS:
            self.texts[name] = to_text(value, name)
        elif name == "timestamp":
            self.timestamp = _timestamp(value)
        elif name == "priority":
            to_priority(value, name)  # the handler has read it already; here only its complaint
        elif name in _BOUNDS:
            self._take_seconds(name, value)
        elif name in _PARAMETERS:
            self._take_style(read_style({name: value}))
        else:
            self._take_style(read_style({"params": {name: value}}))

    def _take_style(self, style: StyleOptions) -> None:
        if "params" in style:
            style["params"] = {**self.style.get("params", {}), **style["params"]}
        self.style.update(style)

    def _take_seconds(self, name: str, value: object) -> None:
        least, most = _BOUNDS[name]
        seconds = to_whole_seconds(value, name)
        taken = min(max(seconds, least), most)
        if taken != seconds:
            self.complaints.append(
                f"{name} is {seconds} seconds; it goes from {least} to {most}, so {taken} was sent"
            )
        self.style.update(cast(StyleOptions, {name: taken}))


_TEXTS: Final = frozenset({"message", "title", "url", "url_title"})
_BOUNDS: Final = {"retry": (RETRY_MINIMUM, EXPIRE_MAXIMUM), "expire": (1, EXPIRE_MAXIMUM)}
_PARAMETERS: Final = frozenset(StyleOptions.__annotations__)
_NOT_OURS: Final = frozenset({"key", "resolve"})  # the handler reads them


def _timestamp(value: object) -> int:
    moment = getattr(value, "timestamp", None)  # a datetime, without loading its module
    number = moment() if callable(moment) else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise TypeError(f"timestamp is {kind_of(value)}; expected Unix seconds or a datetime")
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"timestamp is {masked(str(number))}; expected Unix seconds")
    return int(number)
