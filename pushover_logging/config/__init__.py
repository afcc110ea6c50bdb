"""Reads the handler's options into one immutable ``HandlerConfig``, strictly and at once.

An option that is accepted works; an option that is refused is explained in one line.
"""

from __future__ import annotations

import os

from ..client.constants import API_URL, KEY_PATTERN
from .fields import DEFAULTS as DEFAULTS
from .fields import FIELDS, POLITE_WAIT, STYLE_OPTIONS, LoggerRule, read_threshold
from .fields import Grouping as Grouping
from .fields import HandlerConfig as HandlerConfig
from .fields import Style as Style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from .templates import Placeholder

__all__ = ["DEFAULTS", "Grouping", "HandlerConfig", "Style", "read_config"]


def read_config(options: Mapping[str, object]) -> HandlerConfig:
    """Return the configuration that the options of ``PushoverHandler`` describe.

    None leaves an option at its default. Raises TypeError for an unknown option or a wrong type,
    and ValueError for a wrong value; no error shows a secret.
    """
    if options.keys() - FIELDS.keys():
        from .parsing import reject_unknown

        reject_unknown(options, FIELDS)
    read: dict[str, Any] = {}
    for name in options:
        value = options[name]
        if (
            value is not None
            and value is not FIELDS[name].default
            and name not in ("token", "user")
        ):
            read[name] = FIELDS[name].read(value, name)
    if "api_url" not in read and os.environ.get("PUSHOVER_API_URL"):
        read["api_url"] = FIELDS["api_url"].read(None, "api_url")
    if "retry_policy" in read:
        _check_wait(read["retry_policy"], read.get("api_url", API_URL))
    if ("escalate_to" in read) is not ("escalate_after" in read):
        given, missing = ("to", "after") if "escalate_to" in read else ("after", "to")
        raise ValueError(
            f"escalate_{given} is given without escalate_{missing}; expected both or neither"
        )
    keys = _keys(options.get("token"), options.get("user"), read.pop("enabled", True))

    style = Style()
    if any(FIELDS[name].is_style for name in read):
        shaping = {name: read.pop(name) for name in STYLE_OPTIONS if name in read}
        patterns = tuple((p.pattern, p.flags) for p in read.get("redact", ()))
        style = _checked_style("", Style(**shaping, redact=patterns))
    if "priorities" in read:
        read["thresholds"] = read.pop("priorities")
    if "loggers" in read:
        grouping = read.get("grouping", Grouping())
        read["loggers"] = {
            name: _rule(f"loggers[{name}]", rule, style, grouping)
            for name, rule in read["loggers"].items()
        }
    styles = [style, *(style._replace(**r.overrides) for r in read.get("loggers", {}).values())]
    if "escalate_after" in read and read["escalate_after"] >= style.expire:
        raise ValueError(
            f"escalate_after is {read['escalate_after']:g} seconds and expire {style.expire};"
            " expected escalate_after to be below expire, because an expired emergency is over"
        )
    return HandlerConfig(**keys, style=style, **read, placeholders=_placeholders(styles))


def _keys(token: object, user: object, enabled: bool | str) -> dict[str, Any]:
    """Return the token and users, or the reason why the handler is not enabled."""
    if enabled is False:
        return {"enabled": False, "disabled_reason": "enabled is False"}
    application = os.environ.get("PUSHOVER_TOKEN") if token is None else token
    person = os.environ.get("PUSHOVER_USER") if user is None else user
    if (
        isinstance(application, str)
        and isinstance(person, str)
        and KEY_PATTERN.fullmatch(application)
        and KEY_PATTERN.fullmatch(person)
    ):
        return {"token": application, "users": (person,)}
    from .secrets import MissingSecretError

    try:
        key = FIELDS["token"].read(token, "token")
    except MissingSecretError as error:
        if enabled != "auto":
            raise
        return {"enabled": False, "disabled_reason": str(error)}
    return {"token": key, "users": FIELDS["user"].read(user, "user")}


def _check_wait(policy: Any, api_url: str) -> None:
    wait = policy["wait_initial"] if isinstance(policy, dict) else policy.wait_initial
    if wait >= POLITE_WAIT:
        return
    from ..client.address import is_loopback

    if not is_loopback(api_url):
        raise ValueError(
            f"retry_policy.wait_initial is {wait:g} seconds; expected at least {POLITE_WAIT:g},"
            " except for a server on this machine"
        )


def _checked_style(owner: str, style: Style) -> Style:
    if style.html and style.monospace:
        raise ValueError(f"{owner}html and monospace are both on; expected at most one of them")
    return style


def _rule(owner: str, given: dict[str, Any], style: Style, grouping: Grouping) -> LoggerRule:
    """Return the rule of a logger; what its options leave open is as the handler has it."""
    from .levels import to_priority
    from .parsing import masked

    owner = masked(owner)
    priority = None
    if "priority" in given:
        priority = to_priority(given["priority"], f"{owner}.priority")
        if priority is None:
            raise ValueError(
                f"{owner}.priority is None; expected a priority, or the logger in the option ignore"
            )
    default = grouping.after, grouping.within
    after, within = read_threshold(owner, given.get("after"), given.get("within"), default)
    if after > 1 and not grouping.interval:
        raise ValueError(
            f"{owner}.after is {after} and grouping.interval 0; expected an interval above 0,"
            " because 0 groups no records"
        )
    overrides = {name: given[name] for name in STYLE_OPTIONS if name in given}
    if "params" in overrides:
        overrides["params"] = {**style.params, **overrides["params"]}
    _checked_style(f"{owner}: ", style._replace(**overrides))
    number = None if priority is None else int(priority)
    return LoggerRule(priority=number, after=after, within=within, overrides=overrides)


def _placeholders(styles: Iterable[Style]) -> tuple[Placeholder, ...]:
    """Return the placeholders of titles and links that a Snapshot has no field of its own for."""
    default = Style()
    texts = {
        (name, text)
        for style in styles
        for name in ("title", "url", "url_title")
        if (text := getattr(style, name)) != getattr(default, name)
    }
    if not texts:
        return ()
    from .templates import STANDARD, Template

    found = (p for name, text in sorted(texts) for p in Template(name, text).placeholders)
    return tuple(dict.fromkeys(p for p in found if p.field not in STANDARD))
