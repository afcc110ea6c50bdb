"""``pushover-logging check``: what is right is said, and what is not in the service's own words."""

from __future__ import annotations

import pytest

from pushover_logging.cli import main
from pushover_logging.devserver import DevServer

Capture = pytest.CaptureFixture[str]


def test_good_account_shows_devices_and_what_is_left(server: DevServer, capsys: Capture) -> None:
    server.set_quota(limit=10_000, remaining=1234, reset=1_800_000_000)

    code = main(["check"])

    said = capsys.readouterr().out
    assert code == 0
    assert "token: valid" in said
    assert "1,234 of 10,000 messages left until 2027-01-15" in said
    assert "user: valid, devices phone" in said


def test_check_sends_nothing(server: DevServer) -> None:
    main(["check"])

    assert server.messages == []


def test_each_of_several_users_is_checked(server: DevServer, capsys: Capture) -> None:
    group = server.add_group("on call", [server.user])

    code = main(["check", "--user", f"{server.user},{group}"])

    said = capsys.readouterr().out
    assert code == 0
    assert "user 1 of 2: valid" in said
    assert "group 2 of 2: valid" in said


@pytest.mark.parametrize("option", ["--token", "--user"])
def test_wrong_key_is_exit_1_and_not_repeated_in_the_complaint(
    server: DevServer, capsys: Capture, option: str
) -> None:
    wrong = "w" * 30

    code = main(["check", option, wrong])

    complaint = capsys.readouterr().err
    assert code == 1
    assert "invalid" in complaint
    assert wrong not in complaint
    assert complaint.count("\n") == 1


def test_missing_keys_are_wrong_usage(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    for name in ("PUSHOVER_TOKEN", "PUSHOVER_TOKEN_FILE", "PUSHOVER_USER", "PUSHOVER_USER_FILE"):
        monkeypatch.delenv(name, raising=False)

    code = main(["check"])

    complaint = capsys.readouterr().err
    assert code == 2
    assert "token and user are missing; give --token and --user, or set PUSHOVER_TOKEN" in complaint


def test_broken_service_is_exit_75(server: DevServer) -> None:
    server.fault("garbage")

    assert main(["check"]) == 75
