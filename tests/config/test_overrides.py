"""Overrides of a record that are right are applied; those that are wrong are reported."""

from __future__ import annotations

import marshal
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.client.constants import Priority
from pushover_logging.config.fields import STYLE_OPTIONS
from pushover_logging.config.overrides import (
    asked_priority,
    own_key,
    read_overrides,
    resolved_key,
)

JUNK = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
JUNK = JUNK | st.lists(JUNK, max_size=3) | st.dictionaries(st.text(), JUNK, max_size=3)
NAMES = st.sampled_from([*STYLE_OPTIONS, "message", "priority", "timestamp", "key", "token", "new"])


class Hostile(Mapping[str, object]):
    def __getitem__(self, name: str) -> object:
        raise RuntimeError("secret")

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("secret")

    def __len__(self) -> int:
        raise RuntimeError("secret")


def test_every_parameter_of_the_service_can_be_given():
    overrides, complaints = read_overrides(
        {
            "message": "m",
            "title": "{t}",
            "url": "https://x/{y}",
            "url_title": "X",
            "sound": "siren",
            "device": ["phone", "tablet"],
            "priority": "high",
            "ttl": 60,
            "html": True,
            "retry": 45,
            "expire": 600,
            "callback": "https://c",
            "tags": ["a", "b"],
            "timestamp": 1_700_000_000.9,
            "params": {"one": 1},
            "two": "2",
        }
    )

    assert overrides == {
        "message": "m",
        "title": "{t}",
        "url": "https://x/{y}",
        "url_title": "X",
        "sound": "siren",
        "device": "phone,tablet",
        "ttl": 60,
        "html": True,
        "retry": 45,
        "expire": 600,
        "callback": "https://c",
        "tags": ("a", "b"),
        "timestamp": 1_700_000_000,
        "params": {"one": "1", "two": "2"},
    }
    assert complaints == ()


def test_a_datetime_is_a_timestamp():
    moment = datetime(2024, 1, 1, tzinfo=timezone.utc)

    assert read_overrides({"timestamp": moment}) == ({"timestamp": 1_704_067_200}, ())


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("priority", "urgent", "priority is 'urgent'"),
        ("ttl", -1, "ttl is -1 seconds"),
        ("html", "perhaps", "html is 'perhaps'"),
        ("device", "my phone", "device is 'my phone'"),
        ("callback", "nowhere", "callback is no address"),
        ("tags", ["a,b"], "tags holds 'a,b'"),
        ("title", 7, "title is of type int"),
        ("timestamp", float("nan"), "timestamp is nan"),
        ("timestamp", "now", "timestamp is of type str"),
        ("token", "x" * 30, "params holds token"),
        ("new", object(), "params.new is of type object"),
    ],
)
def test_a_wrong_override_is_left_out_and_the_others_are_kept(name, value, reason):
    overrides, complaints = read_overrides({name: value, "sound": "siren"})

    assert overrides == {"sound": "siren"}
    [complaint] = complaints
    assert complaint.startswith(reason)
    assert "x" * 30 not in complaint


@pytest.mark.parametrize(
    ("name", "asked", "sent"),
    [("retry", 5, 30), ("retry", 20_000, 10_800), ("expire", 86_400, 10_800)],
)
def test_retry_and_expire_out_of_bounds_become_the_nearest_bound(name, asked, sent):
    overrides, complaints = read_overrides({name: asked})

    assert overrides == {name: sent}
    assert f"{name} is {asked} seconds" in complaints[0]


def test_html_and_monospace_together_are_html():
    overrides, complaints = read_overrides({"monospace": True, "html": True})

    assert overrides == {"html": True}
    assert complaints


@pytest.mark.parametrize("nothing", [None, True, False, {}, {"sound": None}, {"key": 1}])
def test_no_override_is_no_mistake(nothing):
    assert read_overrides(nothing) == ({}, ())


@pytest.mark.parametrize("given", ["siren", 7, ["sound"], Hostile(), {7: "x"}, object()])
def test_a_value_that_is_no_mapping_is_reported(given):
    _, complaints = read_overrides(given)

    assert complaints
    assert "secret" not in complaints[0]


def test_nothing_is_kept_by_reference():
    tags, params = ["a"], {"new": "1"}
    overrides, _ = read_overrides({"tags": tags, "params": params})

    tags.append("b")
    params["new"] = "2"

    assert overrides == {"tags": ("a",), "params": {"new": "1"}}


@given(st.dictionaries(NAMES, JUNK) | JUNK)
def test_no_override_raises(given):
    overrides, complaints = read_overrides(given)

    assert marshal.loads(marshal.dumps(overrides)) == overrides
    assert all("\n" not in complaint for complaint in complaints)
    assert asked_priority(given) in (None, *Priority)
    assert isinstance(own_key(given), str | None)
    assert isinstance(resolved_key(given), str | None)


@pytest.mark.parametrize("priority", Priority)
def test_a_priority_is_given_by_name_or_number(priority):
    spelled = [priority.name, priority.name.lower(), int(priority), str(int(priority)), priority]

    assert [asked_priority({"priority": asked}) for asked in spelled] == [priority] * 5


@pytest.mark.parametrize(
    "given", [None, False, True, {}, "priority", 7, Hostile(), {"priority": "urgent"},
              {"priority": 3}, {"priority": True}, {"priority": None}],
)  # fmt: skip
def test_a_wrong_priority_is_no_priority(given):
    assert asked_priority(given) is None


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("secret")


@pytest.mark.parametrize(
    "given", [None, False, "key", {}, {"key": None}, {"key": Broken()}, Hostile()]
)
def test_no_key_is_none(given):
    assert own_key(given) is None


def test_a_key_is_a_text():
    assert own_key({"key": 7}) == resolved_key({"resolve": 7}) == "7"


class Text(str):
    pass


def test_overrides_are_of_plain_types():
    """They wait in files that only plain types can be written to."""
    given = {"title": Text("t"), "sound": Text("siren"), "params": {Text("a"): Text("b")}}

    overrides, _ = read_overrides({**given, "retry": Priority.EMERGENCY + 58, "html": 1})

    assert {type(value) for value in overrides.values()} == {str, dict, int, bool}
    assert {type(text) for pair in overrides["params"].items() for text in pair} == {str}
