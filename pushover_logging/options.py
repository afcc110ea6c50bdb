"""Reads the handler's options, strictly: what it accepts works, what it refuses it explains."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypedDict, cast

from . import defaults
from .client.address import resolve_api_url
from .client.constants import (
    API_URL,
    DEVICE_PATTERN,
    EXPIRE_MAXIMUM,
    RETRY_MINIMUM,
    URL_LIMIT,
)
from .converters import (
    deep_plain,
    kind_of,
    masked,
    nearest,
    shown,
    to_bool,
    to_callable,
    to_int,
    to_name,
    to_names,
    to_patterns,
    to_seconds,
    to_text,
    to_whole_seconds,
)
from .priorities import PriorityTable, priority_table
from .templates import Template

_DAY: Final = 86_400.0
_MILLISECOND: Final = 0.001


@dataclass(frozen=True)
class Settings:
    """The options that steer the handler itself rather than what a push says."""

    priorities: PriorityTable = field(default_factory=priority_table)
    quota_reserve: int = defaults.QUOTA_RESERVE
    """Messages of the month's allowance that are kept for HIGH and EMERGENCY."""
    capacity: int = defaults.CAPACITY
    """Alerts that may wait to be sent."""
    exit_timeout: float = defaults.EXIT_TIMEOUT
    """Seconds that the end of the process may take to deliver what is pending."""
    timeout: tuple[float, float] = defaults.TIMEOUT
    """Seconds to wait for a connection, and for an answer."""
    fallback: logging.Handler | str | None = None
    """Gets what could not be delivered; a name stands for the handler that has it by then."""
    ignore: tuple[str, ...] = defaults.IGNORE
    """Loggers, with all below them, whose records are not pushed: sending would feed on itself."""
    redact: tuple[re.Pattern[str], ...] = field(default=(), repr=False)  # may spell out a secret
    on_error: Callable[..., object] | None = None
    """Called on the background thread with each error of the service or the network."""
    on_acknowledged: Callable[..., object] | None = None
    """Called on the background thread with the receipt of each emergency someone acknowledged."""
    api_url: str = API_URL


class SettingsOptions(TypedDict, total=False):
    """Keyword arguments of ``Settings``, checked; the address is found apart from them."""

    priorities: PriorityTable
    quota_reserve: int
    capacity: int
    exit_timeout: float
    timeout: tuple[float, float]
    fallback: logging.Handler | str
    ignore: tuple[str, ...]
    redact: tuple[re.Pattern[str], ...]
    on_error: Callable[..., object]
    on_acknowledged: Callable[..., object]


class StyleOptions(TypedDict, total=False):
    """Keyword arguments of ``Style``, checked."""

    title: str
    device: str
    sound: str
    url: str
    url_title: str
    html: bool
    monospace: bool
    ttl: int
    retry: int
    expire: int
    callback: str
    tags: tuple[str, ...]
    params: Mapping[str, str]


class RetryPolicyOptions(TypedDict, total=False):
    """Keyword arguments of ``RetryPolicy``, of the right types."""

    attempts: int | None
    wait_initial: float
    wait_max: float
    give_up_after: float


class GroupingOptions(TypedDict, total=False):
    """Keyword arguments of ``Grouping``, of the right types."""

    interval: float
    max_per_minute: int
    max_groups: int
    key: str | Callable[..., object] | None


def reject_unknown(
    unknown: Mapping[str, object], known: Iterable[str], owner: str = "PushoverHandler"
) -> None:
    """Raise TypeError if there is an option that ``owner`` does not have, naming the nearest.

    Only names are printed, for a misspelt ``token`` has a secret as its value.
    """
    known = sorted(known)
    for name in unknown:
        # No single quotes: dictConfig takes a TypeError with 'stream' in quotes for its own.
        hint = nearest(str(name), known) or f"; its options are {', '.join(known)}"
        raise TypeError(f"{owner} has no option {masked(str(name))}{hint}")


_Converter = Callable[[object, str], object]


def _converted(
    options: Mapping[str, object], converters: Mapping[str, _Converter], owner: str = ""
) -> dict[str, object]:
    """Return the options that were given, converted; None leaves an option at its default."""
    prefix = f"{owner}." if owner else ""
    return {
        name: converters[name](options[name], f"{prefix}{name}")
        for name in options
        if name in converters and options[name] is not None
    }


def read_settings(options: Mapping[str, object]) -> Settings:
    """Return the settings for the handler's options as given; names it doesn't know are skipped."""
    given = cast(SettingsOptions, _converted(options, _SETTINGS))
    return Settings(api_url=resolve_api_url(options.get("api_url")), **given)


def _timeout(value: object, option: str) -> tuple[float, float]:
    parts = value.split(",") if isinstance(value, str) else deep_plain(value)
    pair = list(parts) if isinstance(parts, list | tuple) else [parts]
    if len(pair) not in (1, 2):
        raise ValueError(f"{option} holds {len(pair)} values; expected one or two")
    seconds = [to_seconds(part, option, at_least=_MILLISECOND, at_most=_DAY) for part in pair]
    return seconds[0], seconds[-1]


def _fallback(value: object, option: str) -> logging.Handler | str:
    if isinstance(value, logging.Handler):
        return value
    if isinstance(value, Mapping):
        raise TypeError(f"{option} is a handler not yet made; expected its name instead of cfg://")
    if not isinstance(value, str):
        raise TypeError(f"{option} is {kind_of(value)}; expected a handler or its name")
    return to_name(value, option)


def _store(_: object, option: str) -> None:
    # Not printed: an address may hold a password.
    raise ValueError(
        f"{option} is given; expected none, for there is no other store yet than the process's"
        " own memory"
    )


_SETTINGS: Final[Mapping[str, _Converter]] = {
    "store": _store,
    "priorities": lambda value, _: priority_table(value),
    "quota_reserve": lambda value, option: to_int(value, option, at_least=0),
    "capacity": lambda value, option: to_int(value, option, at_least=1),
    "exit_timeout": lambda value, option: to_seconds(value, option, at_most=_DAY),
    "timeout": _timeout,
    "fallback": _fallback,
    "ignore": to_names,
    "redact": to_patterns,
    "on_error": to_callable,
    "on_acknowledged": to_callable,
}


def read_style(options: Mapping[str, object]) -> StyleOptions:
    """Return the arguments of ``Style`` among the handler's options; other names are skipped."""
    style = cast(StyleOptions, _converted(options, _STYLE))
    if style.get("html") and style.get("monospace"):
        raise ValueError("html and monospace are both on; expected at most one of them")
    return style


def _device(value: object, option: str) -> str:
    names = to_names(value, option)
    for name in names:
        if not DEVICE_PATTERN.fullmatch(name):
            raise ValueError(
                f"{option} is {shown(name)}; expected 1 to 25 letters, digits, _ and -"
            )
    if not names:
        raise ValueError(f"{option} names no device; expected one, or leave it out for all")
    return ",".join(names)


def _template(value: object, option: str) -> str:
    text = to_text(value, option)
    Template(option, text)  # it refuses what it cannot read
    return text


def _url(value: object, option: str) -> str:
    url = to_text(value, option)
    if not Template(option, url, address=True).fields and len(url) > URL_LIMIT:
        raise ValueError(f"{option} is {len(url)} characters; at most {URL_LIMIT} fit")
    return url


def _callback(value: object, option: str) -> str:
    callback = to_name(value, option)
    if not re.match(r"https?://[^/\s]", callback, re.IGNORECASE):
        # Not printed: the address that acknowledges an alert may be a secret.
        raise ValueError(f"{option} is no address; expected one that begins with https://")
    return callback


def _tags(value: object, option: str) -> tuple[str, ...]:
    tags = to_names(value, option)
    for tag in tags:
        if "," in tag:
            raise ValueError(f"{option} holds {shown(tag)}; expected tags without commas")
    return tags


def _params(value: object, option: str) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{option} is {kind_of(value)}; expected a mapping of names to values")
    return {_param_name(name, option): _param(value[name], f"{option}.{name}") for name in value}


def _param_name(value: object, option: str) -> str:
    name = to_name(value, f"a name in {option}")
    if name in _OWNED_PARAMETERS:
        raise ValueError(f"{option} holds {name}, which the handler sets itself")
    return name


def _param(value: object, option: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(f"{option} is {kind_of(value)}; expected a string or a number")
    return str(value)


_STYLE: Final[Mapping[str, _Converter]] = {
    "title": _template,
    "device": _device,
    "sound": to_name,
    "url": _url,
    "url_title": _template,
    "html": to_bool,
    "monospace": to_bool,
    "ttl": to_whole_seconds,
    "retry": lambda value, option: to_whole_seconds(value, option, at_least=RETRY_MINIMUM),
    "expire": lambda value, option: to_whole_seconds(value, option, at_most=EXPIRE_MAXIMUM),
    "callback": _callback,
    "tags": _tags,
    "params": _params,
}
_OWNED_PARAMETERS: Final = frozenset(_STYLE) | {
    "token",
    "user",
    "message",
    "priority",
    "timestamp",
    "encrypted",
}


def read_retry_policy(value: object) -> RetryPolicyOptions:
    """Return the arguments of ``RetryPolicy`` in a mapping; None gives none."""
    return cast(RetryPolicyOptions, _nested(value, "retry_policy", _RETRY_POLICY))


def read_grouping(value: object) -> GroupingOptions:
    """Return the arguments of ``Grouping`` in a mapping; None gives none."""
    return cast(GroupingOptions, _nested(value, "grouping", _GROUPING))


def _nested(value: object, option: str, converters: Mapping[str, _Converter]) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"{option} is {kind_of(value)}; expected a mapping of its options")
    reject_unknown({name: None for name in value if name not in converters}, converters, option)
    return _converted(value, converters, option)


def _group_key(value: object, option: str) -> str | Callable[..., object]:
    if isinstance(value, str) and not value.startswith("ext://"):
        return _template(value, option)
    return to_callable(value, option)


_RETRY_POLICY: Final[Mapping[str, _Converter]] = {
    "attempts": to_int,
    "wait_initial": to_seconds,
    "wait_max": to_seconds,
    "give_up_after": to_seconds,
}
_GROUPING: Final[Mapping[str, _Converter]] = {
    "interval": to_seconds,
    "max_per_minute": to_int,
    "max_groups": to_int,
    "key": _group_key,
}

KNOWN_OPTIONS: Final = (
    frozenset(_SETTINGS)
    | frozenset(_STYLE)
    | {
        "token",
        "user",
        "level",
        "api_url",
        "encryption_key",
        "grouping",
        "retry_policy",
    }
)
"""Every option of the handler, for ``reject_unknown``."""
