"""Promises of the handler's options: every spelling is understood, every mistake is explained."""

from __future__ import annotations

import dataclasses
import inspect
import logging
import logging.config
import re
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging import PushoverHandler
from pushover_logging.client.constants import HIGH
from pushover_logging.options import (
    KNOWN_OPTIONS,
    Settings,
    read_grouping,
    read_retry_policy,
    read_settings,
    read_style,
    reject_unknown,
)
from pushover_logging.priorities import priority_table

SECRET = "azGDORePK8gMaC0QOYAMyEEuzJnyUi"


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUSHOVER_API_URL", raising=False)


def failed(error: BaseException) -> None:
    """Stand for a user's on_error."""


def test_without_options_every_setting_has_its_default() -> None:
    assert read_settings({}) == Settings()


def test_none_leaves_a_setting_at_its_default() -> None:
    names = [field.name for field in dataclasses.fields(Settings)]

    assert read_settings(dict.fromkeys(names)) == Settings()


@pytest.mark.parametrize(
    ("name", "spelled", "value"),
    [
        ("priorities", {"WARNING": "HIGH"}, priority_table({30: HIGH})),
        ("capacity", "2_000", 2000),
        ("exit_timeout", "250ms", 0.25),
        ("exit_timeout", 0, 0.0),
        ("timeout", 3, (3.0, 3.0)),
        ("timeout", "3s", (3.0, 3.0)),
        ("timeout", "3, 1m", (3.0, 60.0)),
        ("timeout", ["3", 10.5], (3.0, 10.5)),
        ("timeout", (1,), (1.0, 1.0)),
        ("fallback", "mail", "mail"),
        ("ignore", "noisy, chatty", ("noisy", "chatty")),
        ("ignore", [], ()),
        ("on_error", failed, failed),
        ("on_error", "re.escape", re.escape),
        ("api_url", "http://localhost:1/1", "http://localhost:1/1/"),
    ],
)
def test_settings_are_understood_in_every_spelling(
    name: str, spelled: object, value: object
) -> None:
    assert getattr(read_settings({name: spelled}), name) == value


def test_a_handler_may_be_the_fallback_itself() -> None:
    fallback = logging.NullHandler()

    assert read_settings({"fallback": fallback}).fallback is fallback


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("capacity", 0, "capacity is 0; expected at least 1"),
        ("exit_timeout", "-1", "exit_timeout is -1 seconds; expected at least 0"),
        ("exit_timeout", "2d", "exit_timeout is 172800 seconds; expected at most 86400"),
        ("timeout", 0, "timeout is 0 seconds; expected at least 0.001"),
        ("timeout", [1, 2, 3], "timeout holds 3 values; expected one or two"),
        ("timeout", [], "timeout holds 0 values; expected one or two"),
        ("fallback", " ", "fallback is blank; expected a name"),
        ("ignore", [""], "ignore[0] is blank; expected a name"),
        ("on_error", "no.such", "on_error is 'no.such', which cannot be imported: "),
    ],
)
def test_a_wrong_setting_is_refused_with_the_bound(
    name: str, value: object, complaint: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(complaint)}"):
        read_settings({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("priorities", "HIGH"),
        ("capacity", True),
        ("exit_timeout", []),
        ("timeout", {"read": 3}),
        ("fallback", 1),
        ("ignore", 1),
        ("on_error", 1),
        ("api_url", 1),
    ],
)
def test_a_setting_of_another_type_is_refused(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=rf"^{name} is of type \w+; expected "):
        read_settings({name: value})


def test_a_fallback_that_is_not_made_yet_is_asked_for_by_name() -> None:
    with pytest.raises(TypeError, match=r"^fallback is a handler not yet made; expected its name"):
        read_settings({"fallback": {"class": "logging.NullHandler"}})


def test_a_store_other_than_memory_is_refused_unprinted() -> None:
    assert read_settings({"store": None}) == Settings()

    with pytest.raises(ValueError, match=r"^store is given; expected none") as caught:
        read_settings({"store": f"redis://:{SECRET}@localhost/0"})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "spelled", "value"),
    [
        ("title", "{levelname} on {hostname}", "{levelname} on {hostname}"),
        ("title", "", ""),
        ("device", "phone", "phone"),
        ("device", ["phone", "tablet"], "phone,tablet"),
        ("device", "phone, tablet", "phone,tablet"),
        ("sound", "my_own_sound", "my_own_sound"),
        ("sound", "none", "none"),
        ("url", "https://example.com/{name}", "https://example.com/{name}"),
        ("url_title", "see {name}", "see {name}"),
        ("html", "yes", True),
        ("monospace", 0, False),
        ("ttl", "1h", 3600),
        ("retry", "30s", 30),
        ("expire", "3h", 10800),
        ("callback", "https://example.com/ack", "https://example.com/ack"),
        ("tags", "web, db", ("web", "db")),
        ("tags", ["web"], ("web",)),
        ("params", {"a": "b", "n": 1, "f": 1.5}, {"a": "b", "n": "1", "f": "1.5"}),
    ],
)
def test_styles_are_understood_in_every_spelling(name: str, spelled: object, value: object) -> None:
    assert read_style({name: spelled}) == {name: value}


def test_none_leaves_the_style_at_its_default() -> None:
    assert read_style({"title": None, "sound": None, "capacity": 5}) == {}


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("title", "{levelname", "title is '{levelname', "),
        ("title", "{}", "title is '{}'"),
        ("url", "https://example.com/{", "url is "),
        ("url_title", "{name!}", "url_title is "),
        ("device", "my phone", "device is 'my phone'; expected 1 to 25 letters, digits, _ and -"),
        ("device", "x" * 26, "device is '***'; expected 1 to 25 letters"),
        ("device", [], "device names no device"),
        ("sound", "", "sound is blank; expected a name"),
        ("url", "https://e.com/" + "x/" * 250, "url is 514 characters; at most 512 fit"),
        ("html", "maybe", "html is 'maybe'; expected true, yes"),
        ("ttl", 0, "ttl is 0 seconds; expected at least 1"),
        ("ttl", 1.5, "ttl is 1.5 seconds; expected whole seconds"),
        ("retry", 29, "retry is 29 seconds; expected at least 30"),
        ("expire", "1d", "expire is 86400 seconds; expected at most 10800"),
        ("callback", "example.com", "callback is no address; expected one that begins with https"),
        ("callback", "ftp://example.com", "callback is no address"),
        ("tags", ["a,b"], "tags holds 'a,b'; expected tags without commas"),
        ("params", {"token": SECRET}, "params holds token, which the handler sets itself"),
        ("params", {"": 1}, "a name in params is blank"),
    ],
)
def test_a_wrong_style_is_refused_with_the_bound(name: str, value: object, complaint: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(complaint)}"):
        read_style({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("title", 1),
        ("device", 1),
        ("sound", ["siren"]),
        ("url", b"https://example.com"),
        ("html", 1.0),
        ("ttl", True),
        ("retry", []),
        ("callback", 1),
        ("tags", 1),
        ("params", "a=b"),
        ("params", {"a": True}),
        ("params", {"a": None}),
        ("params", {1: "a"}),
    ],
)
def test_a_style_of_another_type_is_refused(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=rf"{name}(\.a)? is (None|of type \w+); expected "):
        read_style({name: value})


def test_a_long_url_with_fields_is_judged_by_its_records() -> None:
    url = "https://example.com/{name}?" + "x" * 512

    assert read_style({"url": url}) == {"url": url}


def test_html_and_monospace_exclude_each_other() -> None:
    assert read_style({"html": True, "monospace": "no"}) == {"html": True, "monospace": False}
    with pytest.raises(ValueError, match=r"^html and monospace are both on; expected at most one"):
        read_style({"html": "yes", "monospace": "yes"})


def test_a_retry_policy_is_read_from_a_mapping() -> None:
    spelled = {"attempts": "5", "wait_initial": "5s", "wait_max": "5m", "give_up_after": None}

    assert read_retry_policy(spelled) == {"attempts": 5, "wait_initial": 5.0, "wait_max": 300.0}
    assert read_retry_policy(None) == {}


@pytest.mark.parametrize("key", ["{name}:{funcName}", failed, "ext://re.escape"])
def test_a_grouping_is_read_from_a_mapping(key: object) -> None:
    spelled = {"interval": "5m", "max_per_minute": "10", "max_groups": 1000, "key": key}

    read = read_grouping(spelled)

    expected = re.escape if key == "ext://re.escape" else key
    assert read == {"interval": 300.0, "max_per_minute": 10, "max_groups": 1000, "key": expected}
    assert read_grouping(None) == {}


@pytest.mark.parametrize(
    ("read", "option", "near"),
    [(read_retry_policy, "retry_policy", "wait_max"), (read_grouping, "grouping", "max_groups")],
)
def test_mistakes_inside_a_mapping_name_the_mapping(
    read: Callable[[object], object], option: str, near: str
) -> None:
    with pytest.raises(
        TypeError, match=rf"^{option} has no option {near}s; did you mean {near}\?$"
    ):
        read({f"{near}s": SECRET})
    with pytest.raises(ValueError, match=rf"^{option}\.{near} is 'x'; expected"):
        read({near: "x"})
    with pytest.raises(TypeError, match=rf"^{option} is of type int; expected a mapping"):
        read(5)
    with pytest.raises(TypeError, match=rf"^{option} has no option 5; its options are "):
        read({5: 5})


@pytest.mark.parametrize(
    ("unknown", "near"),
    [("tokn", "token"), ("priority", "priorities"), ("Expire", "expire"), ("apiurl", "api_url")],
)
def test_an_unknown_option_is_refused_with_the_nearest(unknown: str, near: str) -> None:
    """L2: it names the option, suggests the nearest and prints no value."""
    with pytest.raises(
        TypeError, match=rf"has no option {unknown}; did you mean {near}\?$"
    ) as caught:
        reject_unknown({unknown: SECRET}, KNOWN_OPTIONS)

    assert SECRET not in str(caught.value)


def test_an_option_like_no_other_is_refused_with_all_there_are() -> None:
    with pytest.raises(
        TypeError, match=r"^PushoverHandler has no option xyzzy; its options are api"
    ):
        reject_unknown({"xyzzy": 1}, KNOWN_OPTIONS)


def test_no_unknown_option_is_no_error() -> None:
    reject_unknown({}, KNOWN_OPTIONS)


@given(st.dictionaries(st.text(), st.text(), min_size=1))
def test_any_unknown_option_is_refused_with_a_sentence(unknown: dict[str, str]) -> None:
    with pytest.raises(TypeError, match=r"^PushoverHandler has no option "):
        reject_unknown(unknown, ["token", "user"])


class Capturing(logging.Handler):
    """Stands for the handler: reads its options as it would, and keeps them."""

    made: ClassVar[list[Capturing]] = []

    def __init__(self, **options: object) -> None:
        super().__init__()
        reject_unknown({k: v for k, v in options.items() if k not in KNOWN_OPTIONS}, KNOWN_OPTIONS)
        self.settings = read_settings(options)
        self.style = read_style(options)
        self.grouping = read_grouping(options.get("grouping"))
        self.retry_policy = read_retry_policy(options.get("retry_policy"))
        self.made.append(self)


def configured(**options: object) -> Capturing:
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"pushover": {"class": f"{__name__}.Capturing", **options}},
            "shared": {
                "quiet": None,
                "tags": ["db", "web"],
                "wait": "5m",
                "escape": "ext://re.escape",
            },
        }
    )
    return Capturing.made[-1]


def test_dictconfig_resolves_references_at_any_depth() -> None:
    """L1: options as strings and nested mappings with ext:// and cfg:// are understood."""
    handler = configured(
        level="WARNING",
        priorities={
            "WARNING": "ext://pushover_logging.client.constants.HIGH",
            "DEBUG": "cfg://shared.quiet",
        },
        grouping={"interval": "cfg://shared.wait", "key": "cfg://shared.escape"},
        retry_policy={"attempts": "5", "wait_max": "cfg://shared.wait"},
        tags="cfg://shared.tags",
        params={"new": "cfg://shared.tags[1]"},
        timeout=["3s", "cfg://shared.wait"],
        ignore=["noisy", "cfg://shared.tags[0]"],
        on_error="ext://re.escape",
        html="true",
    )

    assert handler.settings == Settings(
        priorities=priority_table({30: HIGH, 10: None}),
        timeout=(3.0, 300.0),
        ignore=("noisy", "db"),
        on_error=re.escape,
    )
    assert handler.style == {"tags": ("db", "web"), "params": {"new": "web"}, "html": True}
    assert handler.grouping == {"interval": 300.0, "key": re.escape}
    assert handler.retry_policy == {"attempts": 5, "wait_max": 300.0}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"tokn": SECRET}, "PushoverHandler has no option tokn; did you mean token?"),
        ({"stream": "x"}, "PushoverHandler has no option stream; "),
        ({"retry": SECRET}, "retry is '***'; expected seconds or a duration"),
        ({"capacity": SECRET}, "capacity is '***'; expected a whole number"),
        ({"grouping": {"interval": SECRET}}, "grouping.interval is '***'; expected seconds"),
        ({"priorities": {"WARN": SECRET}}, "priorities[WARN] is '***'; expected LOWEST"),
        ({"params": {"token": SECRET}}, "params holds token, which the handler sets itself"),
        (
            {"api_url": f"http://{SECRET}@example.com"},
            "api_url holds a query, fragment or password",
        ),
        ({"callback": SECRET}, "callback is no address"),
    ],
)
def test_dictconfig_shows_the_sentence_and_no_secret(
    options: dict[str, object], sentence: str
) -> None:
    """L2: a wrong or unknown option gives one sentence, with no value of a secret."""
    with pytest.raises(ValueError, match=r"Unable to configure handler 'pushover'") as caught:
        configured(**options)

    assert str(caught.value.__cause__).startswith(sentence)
    shown = "".join(traceback.format_exception(caught.value, chain=True))
    assert SECRET not in shown
    assert SECRET.lower() not in shown


PAGE = Path(__file__).parent.parent / "docs" / "configuration.rst"
PARAMETERS = [
    parameter
    for parameter in inspect.signature(PushoverHandler).parameters.values()
    if parameter.kind is not parameter.VAR_KEYWORD
]


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter.name)
def test_every_option_of_the_handler_is_documented_with_its_default(
    parameter: inspect.Parameter,
) -> None:
    rows = PAGE.read_text("utf-8").split("\n   * - ")
    default = parameter.default
    words = [logging.getLevelName(0)] if parameter.name == "level" else [str(default)]
    if parameter.name == "ignore":
        words = list(default)

    row = next((row for row in rows if f"``{parameter.name}``" in row.split("\n")[0]), "")

    assert row, f"{parameter.name} has no row in {PAGE.name}"
    assert default is None or all(f"``{word}``" in row for word in words)
