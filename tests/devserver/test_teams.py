"""The team: listed, joined, left and invited to, with the team's own token."""

from __future__ import annotations

import pytest
import requests

from pushover_logging.devserver import DevServer
from pushover_logging.devserver.account import Person
from pushover_logging.devserver.answers import Answer

from .conftest import TEAM_TOKEN, TOKEN, USER, Service

ALICE = "alice@example.com"
BOB = "bob@example.com"


def do(service: Service, verb: str, **fields: object) -> Answer:
    return service.ask("POST", f"teams/{verb}.json", {"token": TEAM_TOKEN, **fields})


def users(service: Service) -> list[dict[str, object]]:
    return list(service.ask("GET", "teams.json", {"token": TEAM_TOKEN}).body["users"])


def test_a_new_server_has_a_team_of_its_user() -> None:
    with DevServer() as server:
        query = {"token": server.team_token}
        body = requests.get(f"{server.url}teams.json", params=query, timeout=10).json()

    [user] = body["users"]
    assert (body["status"], body["name"]) == (1, "Team")
    assert (user["id"], user["email"]) == (server.user, "user@example.com")
    assert user["administrator"] is True
    assert user["devices"] == [
        {
            "name": "phone",
            "os": "Android",
            "os_version": "16",
            "enabled": True,
            "administratively_disabled": False,
        }
    ]


def test_the_team_token_can_be_chosen() -> None:
    assert DevServer(team_token="t" * 30).team_token == "t" * 30
    with pytest.raises(ValueError, match="team_token has 5 characters"):
        DevServer(team_token="short")


@pytest.mark.parametrize("token", [TOKEN, "x" * 30, ""])
@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("GET", "teams.json"),
        ("POST", "teams/add_user.json"),
        ("POST", "teams/remove_user.json"),
        ("POST", "teams/revoke_invitation.json"),
    ],
)
def test_any_other_token_is_refused(service: Service, method: str, call: str, token: str) -> None:
    answer = service.ask(method, call, {"token": token, "email": ALICE})

    assert answer.http_status == 400
    assert answer.body["errors"] == ["team token is invalid"]


def test_the_team_token_is_no_application_token(service: Service) -> None:
    assert service.send(token=TEAM_TOKEN).body["token"] == "invalid"


def test_a_user_is_added_with_a_group_and_removed_from_both(service: Service) -> None:
    added = do(service, "add_user", email=ALICE, name="Alice", admin="true", group="Ops")
    do(service, "add_user", email=BOB, group="Ops", instant="true", password="secret")
    [alice, bob] = users(service)
    [group] = service.account.groups.values()
    members = [each.user for each in group.members]

    removed = do(service, "remove_user", email=ALICE.upper())

    assert (added.http_status, removed.http_status) == (200, 200)
    assert (alice["name"], alice["email"], alice["administrator"]) == ("Alice", ALICE, True)
    assert (bob["administrator"], bob["devices"]) == (False, [])
    assert (group.name, members) == ("Ops", [alice["id"], bob["id"]])
    assert [each["email"] for each in users(service)] == [BOB]
    assert [each.user for each in group.members] == [bob["id"]]
    assert service.send(user=group.key).http_status == 200


def test_an_address_that_has_an_account_is_invited(service: Service) -> None:
    service.account.people[USER] = Person(USER, email=ALICE)

    invited = do(service, "add_user", email=ALICE)
    listed = users(service)
    revoked = do(service, "revoke_invitation", email=ALICE)
    again = do(service, "revoke_invitation", email=ALICE)

    assert (invited.http_status, revoked.http_status, again.http_status) == (200, 200, 400)
    assert listed == []
    assert again.body["errors"] == ["email has no invitation"]


@pytest.mark.parametrize(
    ("verb", "fields", "error"),
    [
        ("add_user", {}, "email cannot be blank"),
        ("add_user", {"email": "alice"}, "email is invalid"),
        ("add_user", {"email": BOB}, "email is already on the team"),
        ("add_user", {"email": ALICE, "admin": "yes"}, "admin must be true or false"),
        (
            "add_user",
            {"email": ALICE, "name": "x" * 251},
            "Name is too long (maximum is 250 characters)",
        ),
        ("remove_user", {"email": ALICE}, "email is not on the team"),
        ("revoke_invitation", {"email": BOB}, "email has no invitation"),
    ],
)
def test_a_wrong_call_is_refused(
    service: Service, verb: str, fields: dict[str, object], error: str
) -> None:
    do(service, "add_user", email=BOB)

    answer = do(service, verb, **fields)

    assert answer.http_status == 400
    assert answer.body["errors"] == [error]
    assert [each["email"] for each in users(service)] == [BOB]
