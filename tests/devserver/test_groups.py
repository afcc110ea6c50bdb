"""Groups: made, listed, filled, silenced, emptied and renamed."""

from __future__ import annotations

import pytest

from pushover_logging.devserver.account import Person
from pushover_logging.devserver.answers import Answer

from .conftest import USER, Service

OTHER = "u" * 30
VERBS = ["add_user", "remove_user", "disable_user", "enable_user", "rename"]


@pytest.fixture
def group(service: Service) -> str:
    service.account.people[OTHER] = Person(OTHER)
    return str(service.ask("POST", "groups.json", {"name": "Ops"}).body["group"])


def do(service: Service, group: str, verb: str, **fields: object) -> Answer:
    return service.ask("POST", f"groups/{{group}}/{verb}.json", fields, path={"group": group})


def users(service: Service, group: str) -> list[dict[str, object]]:
    return service.ask("GET", "groups/{group}.json", path={"group": group}).body["users"]


def test_a_new_group_has_a_key_and_is_listed(service: Service, group: str) -> None:
    listed = service.ask("GET", "groups.json").body["groups"]
    shown = service.ask("GET", "groups/{group}.json", path={"group": group}).body

    assert len(group) == 30
    assert listed == [{"group": group, "name": "Ops"}]
    assert (shown["name"], shown["users"]) == ("Ops", [])


def test_members_have_device_memo_and_may_be_disabled(service: Service, group: str) -> None:
    do(service, group, "add_user", user=USER, device="desk", memo="nights")
    do(service, group, "add_user", user=OTHER)
    do(service, group, "disable_user", user=OTHER)

    assert users(service, group) == [
        {"user": USER, "device": "desk", "memo": "nights", "disabled": False},
        {"user": OTHER, "device": None, "memo": "", "disabled": True},
    ]


def test_a_message_reaches_the_members_that_are_enabled(service: Service, group: str) -> None:
    do(service, group, "add_user", user=USER, device="desk")
    do(service, group, "add_user", user=OTHER)
    do(service, group, "disable_user", user=OTHER)
    service.send(user=group)
    do(service, group, "enable_user", user=OTHER)
    service.send(user=group)

    reached = [message.recipients for message in service.account.messages]

    assert reached == [{USER: ("desk",)}, {USER: ("desk",), OTHER: ("phone",)}]


def test_an_empty_group_has_nobody_to_send_to(service: Service, group: str) -> None:
    assert service.send(user=group).body["info"] == "no active devices to send to"


def test_removing_one_device_leaves_the_other(service: Service, group: str) -> None:
    for device in ("phone", "desk"):
        do(service, group, "add_user", user=USER, device=device)

    do(service, group, "remove_user", user=USER, device="phone")

    assert [each["device"] for each in users(service, group)] == ["desk"]


def test_removing_a_user_removes_all_their_devices(service: Service, group: str) -> None:
    for device in ("phone", "desk"):
        do(service, group, "add_user", user=USER, device=device)

    do(service, group, "remove_user", user=USER)

    assert users(service, group) == []


def test_a_group_can_be_renamed(service: Service, group: str) -> None:
    do(service, group, "rename", name="Night shift")

    assert service.account.groups[group].name == "Night shift"


def test_renaming_to_its_own_name_is_no_conflict(service: Service, group: str) -> None:
    assert do(service, group, "rename", name="Ops").http_status == 200


@pytest.mark.parametrize(
    ("name", "reason"), [("", "cannot be blank"), ("Ops", "has already been taken")]
)
def test_a_bad_name_is_refused_with_an_object_of_lists(
    service: Service, group: str, name: str, reason: str
) -> None:
    answer = service.ask("POST", "groups.json", {"name": name})

    assert answer.http_status == 400
    assert answer.body["errors"] == {"name": [reason]}
    assert answer.body["name"] == reason


@pytest.mark.parametrize("verb", VERBS)
def test_an_unknown_group_is_not_found(service: Service, verb: str) -> None:
    answer = do(service, "g" * 30, verb, user=USER, name="x")

    assert answer.http_status == 400
    assert answer.body["group"] == "not found"


@pytest.mark.parametrize("verb", ["remove_user", "disable_user", "enable_user"])
def test_who_is_no_member_cannot_be_changed(service: Service, group: str, verb: str) -> None:
    assert do(service, group, verb, user=USER).body["user"] == "is not a member of this group"


@pytest.mark.parametrize(
    ("fields", "parameter", "reason"),
    [
        ({"user": "nobody"}, "user", "invalid"),
        ({"user": USER, "device": "toaster"}, "device", "invalid for this user"),
        ({"user": USER, "memo": "x" * 201}, "memo", "is too long (maximum is 200 characters)"),
        ({"user": OTHER}, "user", "is already a member of this group"),
    ],
)
def test_a_wrong_member_is_refused(
    service: Service, group: str, fields: dict[str, object], parameter: str, reason: str
) -> None:
    do(service, group, "add_user", user=OTHER)

    assert do(service, group, "add_user", **fields).body[parameter] == reason
    assert len(users(service, group)) == 1


def test_a_group_validates_as_a_group(service: Service, group: str) -> None:
    assert service.ask("POST", "users/validate.json", {"user": group}).body["group"] == 1
