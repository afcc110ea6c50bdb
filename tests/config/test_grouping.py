"""A Grouping is read from any spelling, is a value, and refuses rules that make no sense."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from pushover_logging.config import Grouping, HandlerConfig, read_config
from pushover_logging.config.fields import LoggerRule

KEYS = {"token": "t" * 30, "user": "u" * 30}


def read(**options: object) -> HandlerConfig:
    return read_config({**KEYS, **options})


@pytest.mark.parametrize("key", ["{name}:{funcName}", re.escape, "ext://re.escape"])
def test_a_grouping_is_read_from_a_mapping(key: object) -> None:
    spelled = {
        "interval": "10m",
        "max_per_minute": "20",
        "max_groups": 99,
        "key": key,
        "after": "3",
        "within": timedelta(minutes=1),
    }

    grouping = read(grouping=spelled).grouping

    assert grouping.interval == 600.0
    assert grouping.max_per_minute == 20
    assert grouping.max_groups == 99
    assert grouping.key == (re.escape if key == "ext://re.escape" else key)
    assert (grouping.after, grouping.within) == (3, 60.0)
    assert grouping == Grouping(**spelled)  # type: ignore[arg-type]


def test_a_grouping_may_be_given_itself() -> None:
    grouping = Grouping("5m", after=2)

    assert read(grouping=grouping).grouping is grouping
    assert repr(grouping) == "Grouping(after=2)"
    assert grouping == Grouping(interval=300, after=2)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"interval": -1.0}, "grouping.interval is -1 seconds; expected at least 0"),
        ({"interval": float("nan")}, "grouping.interval is nan; expected seconds"),
        ({"max_per_minute": 0}, "grouping.max_per_minute is 0; expected at least 1"),
        ({"max_groups": 0}, "grouping.max_groups is 0; expected at least 1"),
        ({"after": 0}, "grouping.after is 0; expected at least 1"),
        ({"after": 2, "within": 0}, "grouping.within is 0 seconds; expected at least 0.001"),
        ({"after": 2, "within": "2d"}, "grouping.within is 172800 seconds; expected at most 86400"),
        (
            {"within": "5m"},
            "grouping.within is 300 seconds and grouping.after 1; expected after to",
        ),
        ({"after": 2, "interval": 0}, "grouping.after is 2 and grouping.interval 0; expected an"),
        ({"key": "{name"}, "grouping.key is '{name', not a template"),
        ({"key": "{args[0].secret}"}, "grouping.key is '{args[0].secret}': {args[0].secret} is no"),
        ({"key": "{0}"}, "grouping.key is '{0}': {0} is no field"),
    ],
)
def test_a_grouping_that_makes_no_sense_is_refused_however_it_is_given(
    options: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(complaint)}"):
        Grouping(**options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"^{re.escape(complaint)}"):
        read(grouping=options)


def test_a_grouping_is_checked_again_when_it_is_replaced() -> None:
    with pytest.raises(ValueError, match=r"^grouping\.max_groups is 0"):
        Grouping()._replace(max_groups=0)


def test_a_logger_may_have_rules_of_its_own() -> None:
    config = read(
        loggers={
            "noisy.lib": {"priority": "LOW", "after": "10", "within": "5m", "sound": "none"},
            "noisy": {"priority": 1, "retry": None},
        }
    )

    assert config.loggers == {
        "noisy.lib": LoggerRule(priority=-1, after=10, within=300.0, overrides={"sound": "none"}),
        "noisy": LoggerRule(priority=1),
    }


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("a", "a"),
        ("a.b", "a.b"),
        ("a.b.c.d", "a.b"),
        ("a.bc", "a"),
        ("ab", None),
        ("root", None),
        ("", None),
        ("a..b", "a"),
    ],
)
def test_the_rule_of_the_nearest_logger_holds(name: str, rule: str | None) -> None:
    config = read(loggers={"a": {"sound": "a"}, "a.b": {"sound": "b"}})

    assert config.rule_for(name) is (None if rule is None else config.loggers[rule])
    assert read().rule_for(name) is None


def test_a_rule_is_completed_by_the_options_of_the_handler() -> None:
    config = read(
        grouping={"after": 3, "within": "1m"},
        params={"a": "1", "b": "1"},
        loggers={
            "same": {},
            "often": {"after": 20},
            "soon": {"within": "1s"},
            "at_once": {"after": 1},
            "params": {"params": {"b": 2}},
        },
    )

    rules = {name: (rule.after, rule.within) for name, rule in config.loggers.items()}

    assert rules["same"] == rules["params"] == (3, 60.0)
    assert rules["often"] == (20, 60.0)
    assert rules["soon"] == (3, 1.0)
    assert rules["at_once"] == (1, None)
    style = config.style._replace(**config.loggers["params"].overrides)
    assert style.params == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ({"priority": "urgent"}, "loggers[a].priority is 'urgent'; expected LOWEST"),
        (
            {"priority": "none"},
            "loggers[a].priority is None; expected a priority, or the logger in",
        ),
        ({"after": 0}, "loggers[a].after is 0; expected at least 1"),
        ({"within": "5m"}, "loggers[a].within is 300 seconds and loggers[a].after 1; expected"),
        ({"title": "{"}, "loggers[a].title is '{', not a template"),
        ({"retry": 5}, "loggers[a].retry is 5 seconds; expected at least 30"),
        ({"html": True}, "loggers[a]: html and monospace are both on; expected at most one"),
    ],
)
def test_a_wrong_rule_is_refused_by_the_name_of_its_logger(
    rule: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(complaint)}"):
        read(monospace=True, loggers={"a": rule})


def test_a_rule_that_counts_needs_groups() -> None:
    with pytest.raises(ValueError, match=r"^loggers\[a\]\.after is 2 and grouping\.interval 0; "):
        read(grouping={"interval": 0}, loggers={"a": {"after": 2}})


@pytest.mark.parametrize("name", ["level", "redact", "token", "afte"])
def test_an_option_that_is_not_a_loggers_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=rf"^loggers\[a\] has no option {name}; "):
        read(loggers={"a": {name: 1}})
    with pytest.raises(TypeError, match=r"^loggers\[a\] is of type bool; expected a mapping"):
        read(loggers={"a": False})
