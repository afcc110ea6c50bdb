"""Every spelling of an option becomes a typed value; every mistake gets a sentence that helps."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from logging.config import BaseConfigurator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.client.constants import Priority
from pushover_logging.config import levels
from pushover_logging.config.levels import to_level, to_priority
from pushover_logging.config.parsing import (
    deep_plain,
    reject_unknown,
    to_bool,
    to_callable,
    to_enabled,
    to_int,
    to_names,
    to_seconds,
    to_text,
    to_whole_seconds,
)

SECRET = "azGDORePK8gMaC0QOYAMyEEuzJnyUi"


@pytest.fixture
def custom_level() -> Iterator[None]:
    logging.addLevelName(25, "Notice")
    yield
    logging._levelToName.pop(25)
    logging._nameToLevel.pop("Notice")


@pytest.mark.parametrize(
    ("spelled", "seconds"),
    [
        (30, 30.0),
        (30.5, 30.5),
        ("30", 30.0),
        (" 30.0 ", 30.0),
        ("30s", 30.0),
        ("5m", 300.0),
        ("5M", 300.0),
        ("1h", 3600.0),
        ("1h30m", 5400.0),
        ("1h 30m", 5400.0),
        ("1d", 86400.0),
        ("1d12h", 129600.0),
        ("1.5h", 5400.0),
        ("250ms", 0.25),
        ("1s500ms", 1.5),
        (timedelta(minutes=2), 120.0),
    ],
)
def test_durations_are_understood_in_every_spelling(spelled: object, seconds: float) -> None:
    assert to_seconds(spelled, "ttl") == seconds


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=1000)))
def test_a_duration_spelled_out_is_the_same_as_its_timedelta(span: timedelta) -> None:
    whole = timedelta(days=span.days, seconds=span.seconds)
    hours, rest = divmod(span.seconds, 3600)

    spelled = f"{span.days}d{hours}h{rest // 60}m{rest % 60}s"

    assert to_seconds(spelled, "ttl") == to_seconds(whole, "ttl") == whole.total_seconds()


@pytest.mark.parametrize(
    "text",
    ["", "soon", "5 parsecs", "s", "30m1h", "1h1h", "1h-5m", "1.m", "nan", "inf", "9" * 400],
)
def test_a_text_that_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"^ttl is .*; expected seconds or a duration such as 30s"):
        to_seconds(text, "ttl")


@pytest.mark.parametrize("value", [True, None, [30], object(), b"30"])
def test_durations_of_another_type_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match=r"^ttl is .*; expected seconds"):
        to_seconds(value, "ttl")


@given(st.text())
def test_no_text_breaks_the_reading_of_durations(text: str) -> None:
    complaint = ""
    seconds = 0.0

    try:
        seconds = to_seconds(text, "ttl")
    except ValueError as error:
        complaint = str(error)

    assert seconds >= 0
    assert not complaint or complaint.startswith("ttl is ")


def test_a_duration_out_of_bounds_is_refused_with_the_bound() -> None:
    with pytest.raises(ValueError, match=r"^retry is 10 seconds; expected at least 30$"):
        to_seconds("10s", "retry", at_least=30)
    with pytest.raises(ValueError, match=r"^expire is 86400 seconds; expected at most 10800$"):
        to_seconds("1d", "expire", at_most=10800)
    with pytest.raises(ValueError, match=r"^ttl is -1 seconds; expected at least 0$"):
        to_seconds(-1, "ttl")


def test_whole_seconds_refuse_a_fraction() -> None:
    assert to_whole_seconds("1m", "ttl") == 60
    with pytest.raises(ValueError, match=r"^ttl is 1.5 seconds; expected whole seconds$"):
        to_whole_seconds(1.5, "ttl")


@pytest.mark.parametrize("spelled", [True, 1, "1", "true", "True", " YES ", "on"])
def test_yes_is_understood_in_every_spelling(spelled: object) -> None:
    assert to_bool(spelled, "html") is True


@pytest.mark.parametrize("spelled", [False, 0, "0", "false", "no", "OFF"])
def test_no_is_understood_in_every_spelling(spelled: object) -> None:
    assert to_bool(spelled, "html") is False


def test_a_word_that_is_neither_yes_nor_no_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^html is 'maybe'; expected true, yes, on, 1, false"):
        to_bool("maybe", "html")
    with pytest.raises(ValueError, match=r"^html is 2; "):
        to_bool(2, "html")
    with pytest.raises(TypeError, match=r"^html is of type list; expected true or false$"):
        to_bool([], "html")


@given(st.integers())
def test_whole_numbers_are_understood_as_numbers_and_as_digits(number: int) -> None:
    assert to_int(number, "capacity") == to_int(f" {number:_} ", "capacity") == number


@pytest.mark.parametrize("value", [True, 1.0, None, [1]])
def test_whole_numbers_of_another_type_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match=r"^capacity is .*; expected a whole number$"):
        to_int(value, "capacity")


def test_whole_numbers_out_of_bounds_are_refused_with_the_bound() -> None:
    with pytest.raises(ValueError, match=r"^capacity is 0; expected at least 1$"):
        to_int("0", "capacity", at_least=1)
    with pytest.raises(ValueError, match=r"^capacity is 'many'; expected a whole number$"):
        to_int("many", "capacity")


@pytest.mark.parametrize(
    ("spelled", "priority"),
    [
        ("HIGH", Priority.HIGH),
        ("high", Priority.HIGH),
        (" Emergency ", Priority.EMERGENCY),
        (1, Priority.HIGH),
        ("-2", Priority.LOWEST),
        (Priority.LOW, Priority.LOW),
        (None, None),
        ("none", None),
        ("None", None),
    ],
)
def test_priorities_are_understood_in_every_spelling(spelled: object, priority: object) -> None:
    assert to_priority(spelled, "priority") is priority


def test_a_misspelt_priority_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match=r"^priority is 'hihg'; expected .*; did you mean HIGH\?$"):
        to_priority("hihg", "priority")


@pytest.mark.parametrize("value", [3, -3, "7", "", "1.0"])
def test_a_number_that_is_no_priority_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"a number from -2 to 2, or None"):
        to_priority(value, "priority")


@pytest.mark.parametrize("value", [True, 1.0, ["HIGH"]])
def test_priorities_of_another_type_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match=r"^priority is of type"):
        to_priority(value, "priority")


@pytest.mark.parametrize(
    ("spelled", "level"),
    [("WARNING", 30), ("warning", 30), ("WARN", 30), (" Error ", 40), (35, 35), ("35", 35)],
)
def test_levels_are_understood_in_every_spelling(spelled: object, level: int) -> None:
    assert to_level(spelled, "level") == level


@pytest.mark.usefixtures("custom_level")
@pytest.mark.parametrize("spelled", ["Notice", "NOTICE", "notice"])
def test_levels_that_users_add_are_understood_by_name(spelled: str) -> None:
    assert to_level(spelled, "level") == 25


def test_a_misspelt_level_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match=r"^level is 'WARNNIG'; .*; did you mean WARNING\?$"):
        to_level("WARNNIG", "level")
    with pytest.raises(TypeError, match=r"^level is of type float; expected the name"):
        to_level(30.0, "level")


@pytest.mark.parametrize(
    ("spelled", "names"),
    [
        ("a, b,,a", ("a", "b")),
        (["a", " b "], ("a", "b")),
        (("a",), ("a",)),
        ({"a"}, ("a",)),
        ("", ()),
        ([], ()),
    ],
)
def test_names_are_understood_as_a_list_or_with_commas(spelled: object, names: object) -> None:
    assert to_names(spelled, "tags") == names


def test_a_wrong_name_in_a_list_is_reported_with_its_index() -> None:
    with pytest.raises(TypeError, match=r"^tags\[1\] is of type int; expected a string$"):
        to_names(["a", 2], "tags")
    with pytest.raises(ValueError, match=r"^tags\[0\] is blank; expected a name$"):
        to_names([" "], "tags")
    with pytest.raises(TypeError, match=r"^tags is of type int; expected a list"):
        to_names(1, "tags")


@pytest.mark.parametrize("spelled", [re.escape, "re.escape", "ext://re.escape", "re:escape"])
def test_callables_are_understood_by_themselves_and_by_name(spelled: object) -> None:
    assert to_callable(spelled, "on_error") is re.escape


@pytest.mark.parametrize("name", ["no_such_module.f", "re.no_such_function", "", "a b"])
def test_a_callable_that_cannot_be_imported_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^on_error is .*, which cannot be imported: "):
        to_callable(name, "on_error")


@pytest.mark.parametrize("value", [1, "logging.INFO"])
def test_a_value_that_cannot_be_called_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match=r"^on_error is of type int; expected a callable"):
        to_callable(value, "on_error")


@pytest.mark.parametrize(
    "convert", [to_bool, to_int, to_seconds, to_priority, to_level, to_callable]
)
def test_no_error_quotes_a_text_that_looks_like_a_key(
    convert: Callable[[str, str], object],
) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        convert(f"{{{SECRET}", "option")

    assert SECRET not in str(caught.value)


def test_long_values_are_quoted_short() -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        to_int("a b " * 1000, "capacity")

    assert len(str(caught.value)) < 200


def test_references_of_dictconfig_are_resolved_at_any_depth() -> None:
    """L1: items() and iteration of the containers that dictConfig passes give raw strings."""
    configurator = BaseConfigurator({"shared": {"deep": ["cfg://secret"]}, "secret": "found"})
    raw = {"a": [{"b": ("ext://re.escape", ["cfg://shared"])}], "plain": {"x": 1}}
    given_by_dictconfig = configurator.convert(raw)

    assert dict(given_by_dictconfig)["a"] == raw["a"]
    assert deep_plain(given_by_dictconfig) == {
        "a": [{"b": (re.escape, [{"deep": ["found"]}])}],
        "plain": {"x": 1},
    }


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
)


@given(plain_values)
def test_plain_values_are_left_as_they_are(value: object) -> None:
    assert deep_plain(value) == value


def test_level_names_of_python_310_are_read_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels.sys, "version_info", (3, 10))

    assert to_level("warning", "level") == 30


def test_enabled_is_a_switch_or_auto() -> None:
    assert [to_enabled(v, "enabled") for v in ("Auto ", True, "off", 1)] == [
        *("auto", True, False, True)
    ]
    with pytest.raises(
        ValueError, match=r"^enabled is 'never'; expected true, .*, off or 0, or auto$"
    ):
        to_enabled("never", "enabled")
    with pytest.raises(
        TypeError, match=r"^enabled is of type float; expected true or false, or auto$"
    ):
        to_enabled(1.0, "enabled")


class Markup(str):
    """Stands for the strings of a template engine."""

    def __str__(self) -> str:
        return "changed"


def test_a_kind_of_string_becomes_a_plain_string() -> None:
    text = to_text(Markup("<b>"), "title")

    assert type(text) is str
    assert text == "<b>"


@pytest.mark.parametrize("value", [10**5000, -(10**5000)], ids=["large", "small"])
def test_a_number_too_long_to_print_is_refused_in_a_sentence(value: int) -> None:
    with pytest.raises(ValueError, match=r"^ttl is a value of type int; expected seconds"):
        to_seconds(value, "ttl")
    with pytest.raises(ValueError, match=r"^priority is a value of type int; expected LOWEST"):
        to_priority(value, "priority")


def test_an_unknown_option_with_line_breaks_gives_one_line() -> None:
    with pytest.raises(TypeError, match=r"^PushoverHandler has no option a b; ") as caught:
        reject_unknown({"a\nb": 1}, ["token"])

    assert "\n" not in str(caught.value)
