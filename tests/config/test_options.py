"""Every spelling of the handler's options is understood; every mistake is explained in one line."""

from __future__ import annotations

import copy
import logging
import logging.config
import pickle
import re
import traceback
from types import SimpleNamespace
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.client.constants import API_URL, HIGH
from pushover_logging.config import DEFAULTS, Grouping, HandlerConfig, Style, read_config
from pushover_logging.config.fields import (
    FIELDS,
    OPTIONS,
    POLITE_WAIT,
    RETRY_POLICY,
    STYLE_OPTIONS,
)
from pushover_logging.config.parsing import _OWNED_PARAMETERS, reject_unknown

SECRET = "azGDORePK8gMaC0QOYAMyEEuzJnyUi"
KEYS = {"token": "t" * 30, "user": "u" * 30}
OTHER = "o" * 30


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOKEN", "TOKEN_FILE", "USER", "USER_FILE", "API_URL"):
        monkeypatch.delenv(f"PUSHOVER_{name}", raising=False)


def read(**options: object) -> HandlerConfig:
    return read_config({**KEYS, **options})


def failed(error: BaseException) -> None:
    """Stand for a user's on_error."""


def test_without_options_every_field_has_its_default() -> None:
    config = read()

    assert config == HandlerConfig(token="t" * 30, users=("u" * 30,))
    assert config.style == Style()
    assert config.grouping == Grouping()
    assert config.api_url == API_URL


def test_none_leaves_an_option_at_its_default() -> None:
    assert read_config({**dict.fromkeys(OPTIONS), **KEYS}) == read()


def test_the_defaults_may_be_given() -> None:
    """PushoverHandler passes all of its arguments on, and their defaults come from DEFAULTS."""
    given = {name: copy.copy(default) for name, default in DEFAULTS.items()}

    assert read_config({**given, **KEYS}) == read()


def test_every_default_is_one_that_its_reader_takes() -> None:
    for name, field in FIELDS.items():
        if field.default is not None:
            assert field.read(field.default, name) == field.default


@pytest.mark.parametrize(
    ("name", "spelled", "value"),
    [
        ("level", "warning", 30),
        ("capacity", "2_000", 2000),
        ("quota_reserve", "0", 0),
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
        ("encryption_key", "00ff" * 16, b"\0\xff" * 16),
        ("redact", "a+", (re.compile("a+"),)),
        ("redact", ["a", re.compile("b")], (re.compile("a"), re.compile("b"))),
        ("enabled", "yes", True),
        ("store", "local", "local"),
        ("store", "local?spool=/run/x", "local?spool=/run/x"),
        ("store", " sqlite:///alerts.db ", "sqlite:///alerts.db"),
        ("store", "redis://:pw@cache/0", "redis://:pw@cache/0"),
        ("store", "rediss://cache", "rediss://cache"),
    ],
)
def test_options_are_understood_in_every_spelling(
    name: str, spelled: object, value: object
) -> None:
    assert getattr(read(**{name: spelled}), name) == value


def test_a_handler_may_be_the_fallback_itself() -> None:
    fallback = logging.NullHandler()

    assert read(fallback=fallback).fallback is fallback


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("level", "LOUD", "level is 'LOUD'; expected the name or number of a level"),
        ("capacity", 0, "capacity is 0; expected at least 1"),
        ("quota_reserve", -1, "quota_reserve is -1; expected at least 0"),
        ("exit_timeout", "-1", "exit_timeout is -1 seconds; expected at least 0"),
        ("exit_timeout", "2d", "exit_timeout is 172800 seconds; expected at most 86400"),
        ("timeout", 0, "timeout is 0 seconds; expected at least 0.001"),
        ("timeout", [1, 2, 3], "timeout holds 3 values; expected 1 or 2"),
        ("timeout", [], "timeout holds 0 values; expected 1 or 2"),
        ("fallback", " ", "fallback is blank; expected a name"),
        ("ignore", [""], "ignore[0] is blank; expected a name"),
        ("on_error", "no.such", "on_error is 'no.such', which cannot be imported: "),
        ("redact", ["a", "(" + SECRET], "redact[1] is no regular expression: missing ), "),
        ("enabled", "perhaps", "enabled is 'perhaps'; expected true, yes"),
        ("escalate_after", 59, "escalate_after is 59 seconds; expected at least 60"),
        ("escalate_after", "4h", "escalate_after is 14400 seconds; expected at most 10800"),
        ("escalate_to", "short", "escalate_to is of length 5; expected 30 letters"),
        ("escalate_to", [], "escalate_to is an empty list; expected at least one"),
        ("loggers", {"": {}}, "a name in loggers is blank; expected a name"),
    ],
)
def test_a_wrong_value_is_refused_with_the_bound(name: str, value: object, complaint: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(complaint)}"):
        read(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("level", 30.0),
        ("priorities", "HIGH"),
        ("capacity", True),
        ("exit_timeout", []),
        ("timeout", {"read": 3}),
        ("fallback", 1),
        ("ignore", 1),
        ("on_error", 1),
        ("api_url", 1),
        ("redact", 1),
        ("enabled", []),
        ("store", 1),
        ("escalate_to", 1),
        ("escalate_after", []),
        ("loggers", "noisy"),
        ("grouping", 5),
        ("retry_policy", 5),
        ("token", 5),
        ("user", 5),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=rf"^{name} is of type \w+; expected "):
        read(**{name: value})


def test_a_fallback_that_is_not_made_yet_must_be_given_by_name() -> None:
    with pytest.raises(TypeError, match=r"^fallback is a handler that dictConfig has not made yet"):
        read(fallback={"class": "logging.NullHandler"})


@pytest.mark.parametrize(
    "url",
    ["memory", "", "sqlite://", "sqlite:///", "http://a", "localhost", "redis:/x", "redis://a\nb"],
)
def test_a_store_of_another_kind_is_refused_without_its_url(url: str) -> None:
    with pytest.raises(
        ValueError,
        match=r"^store is of an unknown kind; expected local, sqlite:///PATH, redis://HOST or "
        r"rediss://HOST$",
    ):
        read(store=url)


def test_the_url_of_a_store_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE", "redis://:pw@cache/0")
    monkeypatch.setenv("WRONG", f"postgres://:{SECRET}@db")

    assert read(store="env:STORE").store == "redis://:pw@cache/0"
    with pytest.raises(
        ValueError, match=r"^store from the environment variable WRONG is of an unknown kind"
    ) as caught:
        read(store="env:WRONG")
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
    assert read(**{name: spelled}).style == Style(**{name: value})


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
        ("callback", "example.com", "callback is no address; expected an address that begins"),
        ("callback", "ftp://example.com", "callback is no address"),
        ("tags", ["a,b"], "tags holds 'a,b'; expected tags without commas"),
        ("params", {"token": SECRET}, "params holds token, which the handler sets itself"),
        ("params", {"": 1}, "a name in params is blank"),
    ],
)
def test_a_wrong_style_is_refused_with_the_bound(name: str, value: object, complaint: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(complaint)}"):
        read(**{name: value})


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
        read(**{name: value})


def test_no_option_of_a_push_may_be_given_as_a_parameter() -> None:
    assert set(STYLE_OPTIONS) <= _OWNED_PARAMETERS


def test_the_length_of_a_url_with_placeholders_is_left_to_its_records() -> None:
    url = "https://example.com/{name}?" + "x" * 512

    assert read(url=url).style.url == url


def test_html_and_monospace_exclude_each_other() -> None:
    assert read(html=True, monospace="no").style == Style(html=True)
    with pytest.raises(ValueError, match=r"^html and monospace are both on; expected at most one"):
        read(html="yes", monospace="yes")


def test_a_style_tells_what_differs_from_the_defaults_in_plain_types() -> None:
    style = read(sound="siren", tags=["a"], params={"n": 1}, redact=re.compile("x", re.I)).style

    changed = style.changed()

    flags = int(re.compile("x", re.I).flags)
    assert changed == {
        "sound": "siren",
        "tags": ("a",),
        "params": {"n": "1"},
        "redact": (("x", flags),),
    }
    assert type(changed["redact"][0][1]) is int
    assert Style(**changed) == style
    assert Style().changed() == {}


def test_a_retry_policy_is_read_from_a_mapping() -> None:
    spelled = {"attempts": "5", "wait_initial": "6s", "wait_max": "5m", "give_up_after": None}

    assert read(retry_policy=spelled).retry_policy == {
        "attempts": 5, "wait_initial": 6.0, "wait_max": 300.0, "give_up_after": 86400.0,
    }  # fmt: skip
    assert read(retry_policy={}).retry_policy == RETRY_POLICY
    assert read(retry_policy={"wait_initial": "1m", "wait_max": 60}).retry_policy


def test_a_retry_policy_that_is_made_already_is_passed_on() -> None:
    policy = SimpleNamespace(attempts=None, wait_initial=5.0, wait_max=30.0, give_up_after=60.0)

    assert read(retry_policy=policy).retry_policy is policy


@pytest.mark.parametrize(
    ("policy", "complaint"),
    [
        ({"attempts": 0}, "retry_policy.attempts is 0; expected at least 1"),
        ({"wait_initial": 0}, "retry_policy.wait_initial is 0 seconds; expected at least 0.001"),
        ({"give_up_after": 0}, "retry_policy.give_up_after is 0 seconds; expected at least 0.001"),
        (
            {"wait_initial": "1m", "wait_max": 59},
            "retry_policy.wait_max is 59 seconds; expected at least wait_initial, which is 60",
        ),
    ],
)
def test_a_retry_policy_that_makes_no_sense_is_refused(
    policy: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(complaint)}$"):
        read(retry_policy=policy)


@pytest.mark.parametrize(
    "policy",
    [
        {"wait_initial": 4.9},
        SimpleNamespace(attempts=None, wait_initial=4.9, wait_max=30.0, give_up_after=60.0),
    ],
)
def test_only_a_server_on_this_machine_may_be_asked_again_sooner_than_pushover_wants(
    policy: object,
) -> None:
    with pytest.raises(
        ValueError,
        match=rf"^retry_policy.wait_initial is 4.9 seconds; expected at least {POLITE_WAIT:g}, ",
    ):
        read(retry_policy=policy)

    assert read(retry_policy=policy, api_url="http://127.0.0.1:1/1/").retry_policy


def test_the_address_comes_from_the_environment_if_it_is_no_option(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PUSHOVER_API_URL", "http://localhost:1/1/")

    assert read().api_url == "http://localhost:1/1/"
    assert read(api_url="http://localhost:2/1/").api_url == "http://localhost:2/1/"


@pytest.mark.parametrize("option", ["retry_policy", "grouping"])
def test_mistakes_inside_a_mapping_name_the_mapping(option: str) -> None:
    near = {"retry_policy": "wait_max", "grouping": "max_groups"}[option]
    with pytest.raises(
        TypeError, match=rf"^{option} has no option {near}s; did you mean {near}\?$"
    ):
        read(**{option: {f"{near}s": SECRET}})
    with pytest.raises(ValueError, match=rf"^{option}\.{near} is 'x'; expected"):
        read(**{option: {near: "x"}})
    with pytest.raises(TypeError, match=rf"^{option} has no option 5; its options are "):
        read(**{option: {5: 5}})


def test_escalation_is_read_like_users() -> None:
    config = read(escalate_to=[OTHER, "v" * 30], escalate_after="10m")

    assert config.escalate_to == (OTHER, "v" * 30)
    assert config.escalate_after == 600.0


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"escalate_to": OTHER}, "escalate_to is given without escalate_after"),
        ({"escalate_after": "5m"}, "escalate_after is given without escalate_to"),
    ],
)
def test_escalation_needs_both_options(given: dict[str, object], missing: str) -> None:
    with pytest.raises(ValueError, match=f"^{missing}; expected both or neither$"):
        read(**given)


@pytest.mark.parametrize("token", [None, "env:ABSENT", "file:/no/such/file"])
def test_enabled_auto_turns_the_handler_off_without_a_token(token: str | None) -> None:
    config = read_config({"token": token, "enabled": "auto"})

    assert config.enabled is False
    assert config.token == ""
    assert config.users == ()
    assert config.disabled_reason.startswith("token is ")


def test_enabled_auto_leaves_the_handler_on_with_a_token() -> None:
    assert read(enabled="auto") == read()
    with pytest.raises(ValueError, match=r"^user is missing; "):
        read_config({"token": KEYS["token"], "enabled": "auto"})
    with pytest.raises(ValueError, match=r"^token is of length 5; "):
        read_config({"token": "short", "enabled": "auto"})


def test_a_handler_that_is_off_needs_no_keys_but_right_options() -> None:
    config = read_config({"enabled": "no"})

    assert config == HandlerConfig(enabled=False, disabled_reason="enabled is False")
    with pytest.raises(ValueError, match=r"^capacity is 0; "):
        read_config({"enabled": False, "capacity": 0})


def test_a_token_is_needed_unless_enabled_says_otherwise() -> None:
    with pytest.raises(ValueError, match=r"^token is missing; "):
        read_config({})


@pytest.mark.parametrize(
    ("unknown", "near"),
    [("tokn", "token"), ("priority", "priorities"), ("Expire", "expire"), ("apiurl", "api_url"),
     ("escalate", "escalate_to"), ("logger", "loggers")],
)  # fmt: skip
def test_an_unknown_option_is_refused_with_the_nearest(unknown: str, near: str) -> None:
    """L2: it names the option, suggests the nearest and prints no value."""
    with pytest.raises(
        TypeError, match=rf"has no option {unknown}; did you mean {near}\?$"
    ) as caught:
        read(**{unknown: SECRET})

    assert SECRET not in str(caught.value)


def test_an_option_unlike_any_other_is_refused_with_the_list_of_options() -> None:
    with pytest.raises(
        TypeError, match=r"^PushoverHandler has no option xyzzy; its options are api"
    ):
        read(xyzzy=1)


@given(st.dictionaries(st.text(), st.text(), min_size=1))
def test_any_unknown_option_is_refused_with_a_sentence(unknown: dict[str, str]) -> None:
    with pytest.raises(TypeError, match=r"^PushoverHandler has no option "):
        reject_unknown(unknown, ["token", "user"])


JUNK = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
JUNK = JUNK | st.lists(JUNK, max_size=3) | st.dictionaries(st.text(), JUNK, max_size=3)
INNER = ["interval", "key", "after", "within", "attempts", "wait_max", "a", "WARNING", "title"]


@given(
    st.sampled_from(OPTIONS),
    JUNK | st.dictionaries(st.sampled_from(INNER), JUNK) | st.just({"a": {"priority": "x\ny"}}),
)
def test_any_value_is_read_or_refused_in_one_line_that_names_the_option(
    name: str, value: object
) -> None:
    message = ""
    try:
        read(**{name: value})
    except (TypeError, ValueError) as error:
        message = str(error)

    assert len(message.splitlines()) <= 1
    assert not message or name in message


def test_a_config_is_immutable_and_a_value() -> None:
    config = read(loggers={"a": {"sound": "none"}}, title="{x}", redact="a", fallback="mail")

    with pytest.raises(AttributeError, match="HandlerConfig is immutable; use _replace"):
        config.capacity = 5  # type: ignore[misc]
    with pytest.raises(AttributeError, match="Style is immutable"):
        del config.style.title
    assert pickle.loads(pickle.dumps(config)) == copy.deepcopy(config) == config
    assert config._replace(capacity=5).capacity == 5
    assert config._replace(capacity=5) != config
    assert hash(Grouping()) == hash(Grouping())
    with pytest.raises(TypeError, match=r"^Style has no field colour$"):
        Style(colour=1)  # type: ignore[call-arg]


def test_a_repr_shows_no_secret() -> None:
    config = read_config(
        {
            "token": SECRET,
            "user": SECRET,
            "encryption_key": "5ec4e7" * 10 + "5ec4",
            "store": f"redis://:{SECRET}@cache",
            "escalate_to": SECRET,
            "escalate_after": 60,
            "redact": f"{SECRET}+",
            "callback": f"https://example.com/{SECRET}",
            "url": f"https://example.com/?key={SECRET}",
            "params": {"x": SECRET},
            "loggers": {"a": {"callback": f"https://example.com/{SECRET}"}},
            "capacity": 7,
        }
    )

    text = repr(config)

    assert SECRET not in text
    assert "5ec4e7" not in text
    assert "capacity=7" in text
    assert "token=***" in text


class Capturing(logging.Handler):
    """Stands for the handler: reads its options as it would, and keeps them."""

    made: ClassVar[list[Capturing]] = []

    def __init__(self, **options: object) -> None:
        super().__init__()
        self.config = read_config({**KEYS, **options})
        self.made.append(self)


def configured(**options: object) -> HandlerConfig:
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
                "on_call": OTHER,
            },
        }
    )
    return Capturing.made[-1].config


def test_dictconfig_resolves_references_at_any_depth() -> None:
    """L1: options as strings and nested mappings with ext:// and cfg:// are understood."""
    config = configured(
        priorities={
            "WARNING": "ext://pushover_logging.client.constants.HIGH",
            "DEBUG": "cfg://shared.quiet",
        },
        grouping={"interval": "cfg://shared.wait", "key": "cfg://shared.escape", "after": "3"},
        retry_policy={"attempts": "5", "wait_max": "cfg://shared.wait"},
        tags="cfg://shared.tags",
        params={"new": "cfg://shared.tags[1]"},
        timeout=["3s", "cfg://shared.wait"],
        ignore=["noisy", "cfg://shared.tags[0]"],
        on_error="ext://re.escape",
        html="true",
        loggers={"noisy": {"tags": "cfg://shared.tags", "within": "cfg://shared.wait"}},
        escalate_to=["cfg://shared.on_call"],
        escalate_after="cfg://shared.wait",
    )

    assert config.thresholds == ((10, None), (20, -1), (30, int(HIGH)), (40, 2))
    assert config.timeout == (3.0, 300.0)
    assert config.ignore == ("noisy", "db")
    assert config.on_error is re.escape
    assert config.style == Style(tags=("db", "web"), params={"new": "web"}, html=True)
    assert config.grouping == Grouping(interval=300.0, key=re.escape, after=3)
    assert config.retry_policy == {**RETRY_POLICY, "attempts": 5, "wait_max": 300.0}
    assert config.loggers["noisy"].overrides == {"tags": ("db", "web")}
    assert config.loggers["noisy"].within == 300.0
    assert config.escalate_to == (OTHER,)
    assert config.escalate_after == 300.0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"tokn": SECRET}, "PushoverHandler has no option tokn; did you mean token?"),
        ({"stream": "x"}, "PushoverHandler has no option stream; "),
        ({"retry": SECRET}, "retry is '***'; expected seconds or a duration"),
        ({"capacity": SECRET}, "capacity is '***'; expected a whole number"),
        ({"title": f"{{{SECRET}!x}}"}, "title is '{***!x}': "),
        ({"grouping": {"interval": SECRET}}, "grouping.interval is '***'; expected seconds"),
        ({"priorities": {"WARN": SECRET}}, "priorities[WARN] is '***'; expected LOWEST"),
        ({"params": {"token": SECRET}}, "params holds token, which the handler sets itself"),
        ({"api_url": f"http://{SECRET}@example.com"}, "api_url holds a query, fragment or"),
        ({"callback": SECRET}, "callback is no address"),
        ({"store": SECRET}, "store is of an unknown kind; expected local, "),
        ({"escalate_to": f"{SECRET}x"}, "escalate_to is of length 31; expected 30 letters"),
        ({"enabled": SECRET}, "enabled is '***'; expected true"),
        ({"loggers": {SECRET: {"sound": ""}}}, "loggers[***].sound is blank; expected a name"),
        ({"loggers": {"a": {SECRET: 1}}}, "loggers[a] has no option ***; its options are after, "),
    ],
)
def test_dictconfig_shows_the_sentence_and_no_secret(
    options: dict[str, object], sentence: str
) -> None:
    """L2: a wrong or unknown option gives one sentence, with no value of a secret."""
    with pytest.raises(ValueError, match=r"Unable to configure handler 'pushover'") as caught:
        configured(**options)

    reason = caught.value.__cause__
    assert str(reason).startswith(sentence)
    printed = traceback.format_exception(caught.value, chain=True)
    assert SECRET not in "".join(printed)
    assert SECRET.lower() not in "".join(printed)
    # logging writes the last line of the traceback; the reason is the last line of the part above.
    assert f"{type(reason).__name__}: {reason}\n" in printed
