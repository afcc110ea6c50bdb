"""``pushover-logging teams``, against a service that requests-mock plays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import requests_mock

from pushover_logging.cli import main

API = "https://api.pushover.net/1/"
TOKEN = "tQiRzpo4DXghDmr9QzzfQu27cmVRsG"
DONE = {"status": 1, "request": "id"}
LISTED = {
    **DONE,
    "name": "Operations",
    "users": [
        {
            "id": 17,
            "name": "Ada Lovelace",
            "email": "ada@example.org",
            "administrator": True,
            "devices": [
                {"name": "phone", "os": "Android", "os_version": "15", "enabled": True},
                {"name": "old", "enabled": False},
            ],
        },
        {"id": 18, "name": "Bob", "email": "bob@example.org", "administrator": False},
    ],
}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[requests_mock.Mocker]:
    monkeypatch.delenv("PUSHOVER_API_URL", raising=False)
    monkeypatch.setenv("PUSHOVER_TOKEN", TOKEN)
    with requests_mock.Mocker() as service:
        service.get(f"{API}teams.json", json=LISTED)
        for call in ("add_user", "remove_user", "revoke_invitation"):
            service.post(f"{API}teams/{call}.json", json=DONE)
        yield service


def sent(service: requests_mock.Mocker) -> tuple[str, dict[str, str]]:
    request = service.request_history[-1]
    return request.path, {name: texts[0] for name, texts in parse_qs(request.text).items()}


def test_list_shows_members_and_devices(
    service: requests_mock.Mocker, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["teams", "list"]) == 0

    assert capsys.readouterr().out == (
        "Operations: 2 members\n"
        "ada@example.org  Ada Lovelace  administrator  phone, old (disabled)\n"
        "bob@example.org  Bob  no devices\n"
    )
    assert service.call_count == 1


def test_list_as_json_holds_everything(
    service: requests_mock.Mocker, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["teams", "list", "--json"]) == 0

    facts = json.loads(capsys.readouterr().out)
    assert facts["name"] == "Operations"
    assert [user["email"] for user in facts["users"]] == ["ada@example.org", "bob@example.org"]
    assert facts["users"][0]["devices"][0]["os_version"] == "15"


def test_add_passes_every_option_on(
    service: requests_mock.Mocker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    password = tmp_path / "password"
    password.write_text("s3cret\n")
    options = ["--name", "Ada", "--instant", "--admin", "--group", "on call"]

    code = main(["teams", "add", "ada@example.org", *options, "--password", f"file:{password}"])

    assert code == 0
    assert capsys.readouterr().out == "added ada@example.org\n"
    assert sent(service) == (
        "/1/teams/add_user.json",
        {
            "email": "ada@example.org",
            "name": "Ada",
            "password": "s3cret",
            "instant": "true",
            "admin": "true",
            "group": "on call",
            "token": TOKEN,
        },
    )


@pytest.mark.parametrize(
    ("action", "call", "line"),
    [
        ("remove", "remove_user", "removed ada@example.org\n"),
        ("revoke", "revoke_invitation", "withdrew the invitation of ada@example.org\n"),
    ],
)
def test_members_are_removed_and_invitations_withdrawn(
    service: requests_mock.Mocker,
    capsys: pytest.CaptureFixture[str],
    action: str,
    call: str,
    line: str,
) -> None:
    assert main(["teams", action, "ada@example.org"]) == 0

    assert capsys.readouterr().out == line
    assert sent(service) == (
        f"/1/teams/{call}.json",
        {"email": "ada@example.org", "token": TOKEN},
    )


def test_a_password_on_the_command_line_is_refused_and_not_printed(
    service: requests_mock.Mocker, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["teams", "add", "ada@example.org", "--password", "s3cret"]) == 2

    printed = capsys.readouterr()
    assert "give env:NAME or file:PATH" in printed.err
    assert "s3cret" not in printed.out + printed.err
    assert not service.called


def test_a_refusal_is_a_line_and_exit_code_1(
    service: requests_mock.Mocker, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = {"status": 0, "request": "id", "errors": ["team token is invalid"]}
    service.get(f"{API}teams.json", status_code=400, json=refusal)

    assert main(["teams", "list", "--token", "n" * 30]) == 1

    assert capsys.readouterr().err == "pushover-logging teams: (id) team token is invalid\n"
