"""Teams: requests and results, on a mock and on a server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import pytest

import pushover_logging
from pushover_logging.client import APIError, Team, TeamDevice, TeamUser, TransportError
from pushover_logging.devserver import DevServer

from .conftest import Wire

API = "https://api.pushover.net/1/"
TOKEN = "tQiRzpo4DXghDmr9QzzfQu27cmVRsG"
LISTED = {
    "status": 1,
    "request": "id",
    "name": "Operations",
    "users": [
        {
            "id": 17,
            "name": "Ada Lovelace",
            "email": "ada@example.org",
            "administrator": True,
            "devices": [
                {
                    "name": "phone",
                    "os": "Android",
                    "os_version": "15",
                    "enabled": True,
                    "administratively_disabled": False,
                },
                {"name": "old", "enabled": False, "administratively_disabled": True},
            ],
        },
        {"id": 18, "name": "Bob", "email": "bob@example.org", "administrator": False},
    ],
}


class TeamServer(ThreadingHTTPServer):
    """A team's calls of the service, with the members in a dict by address."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), TeamHandler)
        self.members: dict[str, dict[str, str]] = {}
        self.invited = {"eve@example.org"}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/1/"

    def answer(self, path: str, given: dict[str, str]) -> tuple[int, dict[str, object]]:
        email = given.get("email", "")
        if given.get("token") != TOKEN:
            return refusal("token", "team token is invalid")
        if path == "/1/teams.json":
            users = [
                {"id": n, "email": email, "administrator": "admin" in each, **each}
                for n, (email, each) in enumerate(self.members.items())
            ]
            return 200, {"status": 1, "request": "id", "name": "Operations", "users": users}
        if path == "/1/teams/add_user.json" and email not in self.members:
            self.members[email] = {n: v for n, v in given.items() if n not in ("token", "email")}
        elif path == "/1/teams/remove_user.json" and email in self.members:
            del self.members[email]
        elif path == "/1/teams/revoke_invitation.json" and email in self.invited:
            self.invited.remove(email)
        else:
            return refusal("email", "email cannot be changed so")
        return 200, {"status": 1, "request": "id"}


def refusal(field: str, reason: str) -> tuple[int, dict[str, object]]:
    return 400, {"status": 0, "request": "id", field: "invalid", "errors": [reason]}


class TeamHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: TeamServer

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self._answer(path, query)

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self._answer(self.path, self.rfile.read(length).decode())

    def _answer(self, path: str, form: str) -> None:
        status, body = self.server.answer(path, dict(parse_qsl(form)))
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Print no line for each request."""


@pytest.fixture
def server() -> Iterator[TeamServer]:
    with TeamServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_name_and_users_are_asked_with_the_teams_token(wire: Wire) -> None:
    wire.get(API + "teams.json", json=LISTED)
    team = Team(TOKEN)

    name, users = team.name, team.users

    assert name == "Operations"
    assert users == (
        TeamUser(
            id=17,
            name="Ada Lovelace",
            email="ada@example.org",
            administrator=True,
            devices=(
                TeamDevice("phone", "Android", "15", True, False),
                TeamDevice("old", enabled=False, administratively_disabled=True),
            ),
        ),
        TeamUser(id=18, name="Bob", email="bob@example.org"),
    )
    assert [request.url for request in wire.request_history] == [
        f"{API}teams.json?token={TOKEN}"
    ] * 2


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, {}),
        (
            {"name": "Ada", "password": "s3cret", "instant": True, "admin": True, "group": "ops"},
            {
                "name": "Ada",
                "password": "s3cret",
                "instant": "true",
                "admin": "true",
                "group": "ops",
            },
        ),
    ],
)
def test_a_member_is_added_as_the_options_say(
    wire: Wire, options: dict[str, Any], sent: dict[str, str]
) -> None:
    wire.post(API + "teams/add_user.json", json={"status": 1, "request": "id"})

    Team(TOKEN).add_user("ada@example.org", **options)

    form = {name: values[0] for name, values in parse_qs(wire.request_history[0].text).items()}
    assert form == {"email": "ada@example.org", "token": TOKEN, **sent}


def test_members_come_and_go(server: TeamServer) -> None:
    team = Team(TOKEN, api_url=server.url)

    team.add_user("ada@example.org", name="Ada", admin=True)
    team.add_user("bob@example.org")
    team.remove_user("bob@example.org")
    team.revoke_invitation("eve@example.org")

    assert team.name == "Operations"
    assert [(u.email, u.name, u.administrator) for u in team.users] == [
        ("ada@example.org", "Ada", True)
    ]
    assert server.invited == set()
    team.close()


@pytest.mark.parametrize("call", ["add_user", "remove_user", "revoke_invitation"])
def test_a_refusal_names_the_reason_and_masks_address_and_password(
    server: TeamServer, call: str
) -> None:
    server.members["ada@example.org"] = {}
    email = "ada@example.org" if call == "add_user" else "nobody@example.org"

    with pytest.raises(APIError, match="cannot be changed so") as caught:
        getattr(Team(TOKEN, api_url=server.url), call)(email)

    assert caught.value.bad_inputs == {"email": "invalid"}
    assert email not in repr(caught.value)
    assert TOKEN not in repr(caught.value)


def test_a_wrong_token_is_refused(server: TeamServer) -> None:
    with pytest.raises(APIError, match="team token is invalid"):
        _ = Team("n" * 30, api_url=server.url).users


def test_an_answer_without_a_name_is_no_answer(wire: Wire) -> None:
    wire.get(API + "teams.json", json={"status": 1})

    with pytest.raises(TransportError, match="lacks name"):
        _ = Team(TOKEN).name


@pytest.mark.parametrize(("email", "error"), [("", ValueError), (" ", ValueError), (7, TypeError)])
def test_an_address_must_be_a_text(email: Any, error: type[Exception]) -> None:
    for call in ("add_user", "remove_user", "revoke_invitation"):
        with pytest.raises(error, match=r"^email "):
            getattr(Team(TOKEN), call)(email)


def test_teams_are_equal_by_their_token_and_show_it_masked() -> None:
    team = Team(TOKEN)

    assert team == Team(TOKEN) != Team("n" * 30)
    assert len({team, Team(TOKEN)}) == 1
    assert (str(team), repr(team)) == ("Pushover Team: tQi…", "Team(token='tQi…')")
    assert "ada@example.org" not in repr(TeamUser(1, "Ada", "ada@example.org"))
    assert pushover_logging.Team is Team


def test_members_come_and_go_on_the_local_server() -> None:
    with DevServer(port=0) as server:
        token: str | None = getattr(server, "team_token", None)
        if token is None:
            pytest.skip("this DevServer has no teams")
        team = Team(token, api_url=server.url)
        before = len(team.users)

        team.add_user("ada@example.org", name="Ada", admin=True)
        added = [user for user in team.users if user.email == "ada@example.org"]
        team.remove_user("ada@example.org")

        assert [(user.name, user.administrator) for user in added] == [("Ada", True)]
        assert len(team.users) == before
        with pytest.raises(APIError):
            team.remove_user("nobody@example.org")
        team.close()
