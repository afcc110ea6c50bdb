"""What a record asks for is taken where it is right, and complained of where it is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.client.constants import Priority
from pushover_logging.noting import asked_priority
from pushover_logging.options import StyleOptions
from pushover_logging.overrides import NO_OVERRIDES, read_overrides

JUNK = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
JUNK = JUNK | st.lists(JUNK, max_size=3) | st.dictionaries(st.text(), JUNK, max_size=3)
NAMES = st.sampled_from(
    [*StyleOptions.__annotations__, "message", "priority", "timestamp", "key", "token", "new"]
)


class Hostile(Mapping[str, object]):
    def __getitem__(self, name: str) -> object:
        raise RuntimeError("secret")

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("secret")

    def __len__(self) -> int:
        raise RuntimeError("secret")


def test_everything_the_service_knows_can_be_asked_for():
    overrides = read_overrides(
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

    assert overrides.texts == {
        "message": "m", "title": "{t}", "url": "https://x/{y}", "url_title": "X",
    }  # fmt: skip
    assert overrides.style == {
        "sound": "siren",
        "device": "phone,tablet",
        "ttl": 60,
        "html": True,
        "retry": 45,
        "expire": 600,
        "callback": "https://c",
        "tags": ("a", "b"),
        "params": {"one": "1", "two": "2"},
    }
    assert overrides.timestamp == 1_700_000_000
    assert overrides.complaints == ()


def test_a_datetime_is_a_timestamp():
    moment = datetime(2024, 1, 1, tzinfo=timezone.utc)

    assert read_overrides({"timestamp": moment}).timestamp == 1_704_067_200


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
def test_a_bad_one_is_left_out_and_the_rest_stands(name, value, reason):
    overrides = read_overrides({name: value, "sound": "siren"})

    assert overrides.style == {"sound": "siren"}
    assert overrides.texts == {}
    assert overrides.timestamp is None
    [complaint] = overrides.complaints
    assert complaint.startswith(reason)
    assert "x" * 30 not in complaint


@pytest.mark.parametrize(
    ("name", "asked", "sent"),
    [("retry", 5, 30), ("retry", 20_000, 10_800), ("expire", 86_400, 10_800)],
)
def test_ringing_outside_the_services_bounds_is_brought_to_the_nearest(name, asked, sent):
    overrides = read_overrides({name: asked})

    assert overrides.style == {name: sent}
    assert f"{name} is {asked} seconds" in overrides.complaints[0]


def test_html_and_monospace_together_are_html():
    overrides = read_overrides({"monospace": True, "html": True})

    assert overrides.style == {"html": True}
    assert overrides.complaints


@pytest.mark.parametrize("nothing", [None, True, False, {}, {"sound": None}, {"key": 1}])
def test_nothing_asked_for_is_no_mistake(nothing):
    assert read_overrides(nothing) == NO_OVERRIDES


@pytest.mark.parametrize("given", ["siren", 7, ["sound"], Hostile(), {7: "x"}, object()])
def test_what_is_no_mapping_is_complained_of(given):
    overrides = read_overrides(given)

    assert overrides.complaints
    assert "secret" not in overrides.complaints[0]


def test_nothing_is_kept_by_reference():
    tags, params = ["a"], {"new": "1"}
    overrides = read_overrides({"tags": tags, "params": params})

    tags.append("b")
    params["new"] = "2"

    assert overrides.style == {"tags": ("a",), "params": {"new": "1"}}


@given(st.dictionaries(NAMES, JUNK) | JUNK)
def test_nothing_a_record_asks_for_raises(given):
    read_overrides(given)
    asked_priority(given)


@pytest.mark.parametrize("priority", Priority)
def test_a_priority_is_asked_for_by_name_or_number(priority):
    spelled = [priority.name, priority.name.lower(), int(priority), str(int(priority)), priority]

    assert [asked_priority({"priority": asked}) for asked in spelled] == [priority] * 5


@pytest.mark.parametrize(
    "given", [None, False, True, {}, "priority", 7, Hostile(), {"priority": "urgent"},
              {"priority": 3}, {"priority": True}, {"priority": None}],
)  # fmt: skip
def test_no_priority_is_none(given):
    assert asked_priority(given) is None
