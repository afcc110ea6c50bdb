"""The table of the handler's options, and the immutable values that are read from them.

``FIELDS`` states every option once, with its default, its reader and its bounds. The signature of
``PushoverHandler``, ``HandlerConfig`` and ``Style`` take their defaults from it.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..client.constants import API_URL, EXPIRE_MAXIMUM, RETRY_MINIMUM
from . import parsing
from .levels import PRIORITIES, read_priorities, to_level
from .parsing import DAY, MILLISECOND, kind_of, masked, reject_unknown, to_int, to_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    import re
    from collections.abc import Callable
    from datetime import timedelta
    from typing import Any, TypeVar

    from typing_extensions import dataclass_transform

    from .levels import Thresholds
    from .templates import Placeholder

    Seconds = float | str | timedelta
    GroupKey = str | Callable[[logging.LogRecord], object]
    AnyValues = TypeVar("AnyValues", bound="Values")
else:

    def dataclass_transform(**_options):
        return lambda base: base


__all__ = [
    "DEFAULTS",
    "FIELDS",
    "OPTIONS",
    "RETRY_POLICY",
    "STYLE_OPTIONS",
    "Field",
    "Grouping",
    "HandlerConfig",
    "LoggerRule",
    "Style",
]

POLITE_WAIT = 5.0
"""Seconds that Pushover asks clients to leave between two tries: https://pushover.net/api#friendly."""
RETRY_POLICY: Mapping[str, float | None] = {
    "attempts": None,
    "wait_initial": POLITE_WAIT,
    "wait_max": 30.0,
    "give_up_after": DAY,
}
"""The fields of a retry policy and their defaults; durations in seconds."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Values:
    """Immutable values with names; a class states their names and defaults.

    It stands in for dataclasses and named tuples, which take ten times as long to define.
    """

    _defaults: Mapping[str, object]

    def __init_subclass__(cls) -> None:
        cls._defaults = {name: cls.__dict__[name] for name in cls.__annotations__}

    def __init__(self, **values: object) -> None:
        unknown = values.keys() - self._defaults.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no field {', '.join(sorted(unknown))}")
        self.__dict__.update(self._defaults)
        self.__dict__.update(values)

    def _replace(self: AnyValues, **values: object) -> AnyValues:
        return type(self)(**{**self.__dict__, **values})

    def _changed(self) -> dict[str, Any]:
        """The values that differ from their defaults."""
        return {n: v for n, v in self.__dict__.items() if v != self._defaults[n]}

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable; use _replace")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable; use _replace")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash(tuple(self.__dict__.items()))

    def __repr__(self) -> str:
        fields = (f"{n}=***" if n in _SECRET else f"{n}={v!r}" for n, v in self._changed().items())
        return f"{type(self).__name__}({', '.join(fields)})"


class Grouping(Values):
    """How often repeats of a problem are pushed.

    ``interval``: after a push, repeats of the same problem are only counted for this long, and
    then summed up in a single push; 0 pushes every record by itself. ``max_per_minute``: further
    pushes within a minute wait and go out together as a digest. ``max_groups``: problems known at
    a time, and as many of HIGH and above; further ones are counted together by level. ``key``:
    identifies a problem in place of the stack trace and text: a template such as
    ``"{name} {funcName}"``, or a function of the record. ``after`` and ``within``: a problem is
    pushed from its ``after``-th record within this time on; without ``within`` there is no limit
    to the time.

    Durations are seconds, a ``timedelta`` or a text such as ``"5m"``.
    """

    interval: float = 300.0
    max_per_minute: int = 10
    max_groups: int = 1000
    key: GroupKey | None = None
    after: int = 1
    within: float | None = None

    def __init__(
        self,
        interval: Seconds = interval,
        max_per_minute: int | str = max_per_minute,
        max_groups: int | str = max_groups,
        key: GroupKey | None = key,
        after: int | str = after,
        within: Seconds | None = within,
    ) -> None:
        seconds = to_seconds(interval, "grouping.interval")
        occurrences, period = read_threshold("grouping", after, within)
        if occurrences > 1 and not seconds:
            raise ValueError(
                f"grouping.after is {occurrences} and grouping.interval 0; expected an interval"
                " above 0, because 0 groups no records"
            )
        if isinstance(key, str) and not key.startswith("ext://"):
            key = parsing.to_template(key, "grouping.key")
        elif key is not None:
            key = parsing.to_callable(key, "grouping.key")
        super().__init__(
            interval=seconds,
            max_per_minute=to_int(max_per_minute, "grouping.max_per_minute", at_least=1),
            max_groups=to_int(max_groups, "grouping.max_groups", at_least=1),
            key=key,
            after=occurrences,
            within=period,
        )


def read_threshold(
    owner: str, after: object, within: object, default: tuple[int, float | None] = (1, None)
) -> tuple[int, float | None]:
    """Return ``after`` and ``within`` of a grouping or logger, which belong together."""
    count = default[0] if after is None else to_int(after, f"{owner}.after", at_least=1)
    if within is None:
        return count, (default[1] if count > 1 else None)
    seconds = to_seconds(within, f"{owner}.within", at_least=MILLISECOND, at_most=DAY)
    if count == 1:
        raise ValueError(
            f"{owner}.within is {seconds:g} seconds and {owner}.after 1; expected after to be at"
            " least 2, because the first record needs no time"
        )
    return count, seconds


def _nested(value: object, option: str, known: Mapping[str, object]) -> dict[str, object]:
    """Return the options in a mapping that are given, by key, which resolves ext:// and cfg://."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{option} is {kind_of(value)}; expected a mapping of its options")
    reject_unknown(value, known, option)
    return {name: value[name] for name in value if value[name] is not None}


def _to_grouping(value: object, option: str) -> Grouping:
    if isinstance(value, Grouping):
        return value
    options: dict[str, Any] = _nested(value, option, Grouping.__annotations__)
    return Grouping(**options)


def _to_retry_policy(value: object, option: str) -> object:
    if all(hasattr(value, name) for name in RETRY_POLICY):
        return value  # a RetryPolicy, which has checked its fields
    given = _nested(value, option, RETRY_POLICY)
    policy: dict[str, float | None] = dict(RETRY_POLICY)
    for name in given:
        if name == "attempts":
            policy[name] = to_int(given[name], f"{option}.{name}", at_least=1)
        else:
            policy[name] = to_seconds(given[name], f"{option}.{name}", at_least=MILLISECOND)
    initial, longest = policy["wait_initial"] or 0.0, policy["wait_max"] or 0.0
    if longest < initial:
        raise ValueError(
            f"{option}.wait_max is {longest:g} seconds; expected at least wait_initial,"
            f" which is {initial:g}"
        )
    return policy


def _to_loggers(value: object, option: str) -> dict[str, dict[str, object]]:
    """Read each logger's options; ``read_config`` combines them with the handler's own."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{option} is {kind_of(value)}; expected a mapping of loggers to options")
    rules = {}
    for key in value:
        name = parsing.to_name(key, f"a name in {option}")
        owner = f"{option}[{masked(name)}]"
        given = _nested(value[key], owner, {"priority": 0, "after": 0, "within": 0, **_OF_A_PUSH})
        rules[name] = {
            item: FIELDS[item].read(given[item], f"{owner}.{item}")
            if item in FIELDS
            else given[item]
            for item in given
        }
    return rules


def _to_token(value: object, _option: str) -> str:
    from .secrets import resolve_token  # a plain key is read without it

    return resolve_token(value)


def _to_users(value: object, option: str) -> tuple[str, ...]:
    from .secrets import resolve_users

    return resolve_users(value, option)


def _to_encryption_key(value: object, option: str) -> bytes | None:
    from importlib.util import find_spec

    from .secrets import resolve_encryption_key

    key = resolve_encryption_key(value, option)
    if key is not None and find_spec("cryptography") is None:
        raise ImportError(
            f"{option} needs the cryptography library; "
            "install it with: pip install 'pushover-logging[encryption]'"
        )
    return key


def _to_api_url(value: object, _option: str) -> str:
    from ..client.address import resolve_api_url

    return resolve_api_url(value)


class Field:
    """An option of the handler."""

    def __init__(
        self,
        default: object,
        reader: Callable[..., object],
        bounds: Mapping[str, float] = {},
        is_style: bool = False,
    ) -> None:
        self.default = default
        """As in the signature of ``PushoverHandler``."""
        self.reader = reader
        """Takes a value, the name of the option and ``bounds``; raises TypeError or ValueError."""
        self.bounds = bounds
        self.is_style = is_style
        """Whether it shapes a push, and so travels with each notice."""

    def read(self, value: object, option: str) -> object:
        """Return the value checked and converted; ``option`` is its name in an error."""
        return self.reader(value, option, **self.bounds)


FIELDS: Mapping[str, Field] = {
    "token": Field(None, _to_token),
    "user": Field(None, _to_users),
    "level": Field(0, to_level),
    "priorities": Field(None, read_priorities),
    "title": Field("{levelname} {name}", parsing.to_template, is_style=True),
    "device": Field(None, parsing.to_device, is_style=True),
    "sound": Field(None, parsing.to_name, is_style=True),
    "url": Field(None, parsing.to_url, is_style=True),
    "url_title": Field(None, parsing.to_template, is_style=True),
    "html": Field(False, parsing.to_bool, is_style=True),
    "monospace": Field(False, parsing.to_bool, is_style=True),
    "ttl": Field(None, parsing.to_whole_seconds, {"at_least": 1}, is_style=True),
    "retry": Field(60, parsing.to_whole_seconds, {"at_least": RETRY_MINIMUM}, is_style=True),
    "expire": Field(
        3600, parsing.to_whole_seconds, {"at_least": 1, "at_most": EXPIRE_MAXIMUM}, is_style=True
    ),
    "callback": Field(None, parsing.to_callback, is_style=True),
    "tags": Field(None, parsing.to_tags, is_style=True),
    "params": Field(None, parsing.to_params, is_style=True),
    "encryption_key": Field(None, _to_encryption_key),
    "grouping": Field(None, _to_grouping),
    "retry_policy": Field(None, _to_retry_policy),
    "quota_reserve": Field(500, to_int, {"at_least": 0}),
    "capacity": Field(1000, to_int, {"at_least": 1}),
    "exit_timeout": Field(5.0, to_seconds, {"at_least": 0, "at_most": DAY}),
    "timeout": Field((5.0, 10.0), parsing.to_timeout, {"at_least": MILLISECOND, "at_most": DAY}),
    "store": Field(None, parsing.to_store),
    "escalate_to": Field(None, _to_users),
    "escalate_after": Field(None, to_seconds, {"at_least": 60, "at_most": EXPIRE_MAXIMUM}),
    "loggers": Field(None, _to_loggers),
    "enabled": Field(True, parsing.to_enabled),
    "fallback": Field(None, parsing.to_handler),
    "redact": Field((), parsing.to_patterns, is_style=True),
    "ignore": Field(
        ("pushover_logging", "requests", "urllib3", "charset_normalizer"), parsing.to_names
    ),
    "on_error": Field(None, parsing.to_callable),
    "on_acknowledged": Field(None, parsing.to_callable),
    "api_url": Field(None, _to_api_url),
}
OPTIONS = tuple(FIELDS)
DEFAULTS: Mapping[str, Any] = {name: field.default for name, field in FIELDS.items()}
"""As in the signature of ``PushoverHandler``."""
_OF_A_PUSH = {name: 0 for name, field in FIELDS.items() if field.is_style and name != "redact"}
STYLE_OPTIONS = tuple(_OF_A_PUSH)
"""The options that a logger, and most of them a single record, may have for itself."""


class Style(Values):
    """The options that shape a push, of plain built-in types."""

    title: str = DEFAULTS["title"]
    device: str | None = DEFAULTS["device"]
    sound: str | None = DEFAULTS["sound"]
    url: str | None = DEFAULTS["url"]
    url_title: str | None = DEFAULTS["url_title"]
    html: bool = DEFAULTS["html"]
    monospace: bool = DEFAULTS["monospace"]
    ttl: int | None = DEFAULTS["ttl"]
    retry: int = DEFAULTS["retry"]
    expire: int = DEFAULTS["expire"]
    callback: str | None = DEFAULTS["callback"]
    tags: tuple[str, ...] = ()
    params: Mapping[str, str] = {}
    redact: tuple[tuple[str, int], ...] = ()
    """The pattern and flags of each of the user's regular expressions."""

    def changed(self) -> dict[str, Any]:
        """The options that differ from their defaults; ``Style(**changed)`` restores the style."""
        return self._changed()


class LoggerRule(Values):
    """The options of a logger and all loggers below it, completed by those of the handler."""

    priority: int | None = None
    """The priority of its records; None leaves it to their levels."""
    after: int = 1
    within: float | None = None
    overrides: Mapping[str, Any] = {}
    """Fields of ``Style``: ``config.style._replace(**rule.overrides)`` is the logger's style."""


class HandlerConfig(Values):
    """All options of a handler, checked. Immutable; its repr shows no secret."""

    token: str = ""
    """Blank if the handler is not enabled."""
    users: tuple[str, ...] = ()
    level: int = DEFAULTS["level"]
    thresholds: Thresholds = PRIORITIES
    """Levels in rising order, each with the priority from there on; None is not pushed."""
    style: Style = Style()
    grouping: Grouping = Grouping()
    retry_policy: object = RETRY_POLICY
    """A mapping with all fields of ``RETRY_POLICY``, or the RetryPolicy that was given."""
    quota_reserve: int = DEFAULTS["quota_reserve"]
    """Messages of the month's quota that are kept for HIGH and EMERGENCY."""
    capacity: int = DEFAULTS["capacity"]
    """Alerts that may wait to be sent."""
    exit_timeout: float = DEFAULTS["exit_timeout"]
    """Seconds that the end of the process may take to deliver pending alerts."""
    timeout: tuple[float, float] = DEFAULTS["timeout"]
    """Seconds to wait for a connection, and for an answer."""
    store: str | None = None
    """The URL of the store, which may hold a password; None keeps everything in memory."""
    escalate_to: tuple[str, ...] = ()
    escalate_after: float | None = None
    loggers: Mapping[str, LoggerRule] = {}
    enabled: bool = True
    disabled_reason: str = ""
    """Why ``enabled`` is False, as a part of a sentence."""
    fallback: logging.Handler | str | None = None
    """Gets records that could not be delivered; a name is looked up when it is needed."""
    redact: tuple[re.Pattern[str], ...] = ()
    ignore: tuple[str, ...] = DEFAULTS["ignore"]
    """Loggers whose records, and those of loggers below them, are not pushed."""
    on_error: Callable[..., object] | None = None
    """Called on the worker thread with each error of the service or the network."""
    on_acknowledged: Callable[..., object] | None = None
    """Called on the worker thread with the receipt of each emergency that is acknowledged."""
    encryption_key: bytes | None = None
    api_url: str = API_URL
    placeholders: tuple[Placeholder, ...] = ()
    """Placeholders of the title and link that a Snapshot has no field of its own for."""

    def rule_for(self, name: str) -> LoggerRule | None:
        """The rule of the logger of this name or of its nearest ancestor that has a rule."""
        rules = self.loggers
        while rules and name:
            if name in rules:
                return rules[name]
            name = name.rpartition(".")[0]
        return None


_SECRET = frozenset(
    (
        *("token", "users", "escalate_to", "encryption_key", "redact", "callback", "params", "url"),
        *("store", "overrides"),
    )
)
"""Fields that may hold a secret; a repr shows only that they are set."""
