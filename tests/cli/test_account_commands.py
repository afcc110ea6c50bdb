"""``limits``, ``sounds``, ``receipt``, ``cancel``, ``glance`` and ``groups``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pushover_logging.client.encryption import Cipher
from pushover_logging.devserver import DevServer

from .in_process import command

PROJECT = Path(__file__).parents[2]
DEADLINE = 60.0
PIXEL = bytes.fromhex("89504e470d0a1a0a0000000d494844520000000100000001")


@pytest.fixture(autouse=True)
def _times_are_in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def facts(*words: str) -> Any:
    run = command(*words, "--json")
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("\n") == 1
    return json.loads(run.stdout)


def ring(server: DevServer, *words: str) -> str:
    receipt = facts("send", "Fire", "-p", "emergency", *words)["receipt"]
    assert isinstance(receipt, str)
    return receipt


COMMANDS = ("send", "check", "limits", "sounds", "receipt", "cancel", "glance", "groups")
BELOW_GROUPS = ("list", "show", "create", "add", "remove", "enable", "disable", "rename")


@pytest.mark.parametrize(
    "words", [(name,) for name in COMMANDS] + [("groups", name) for name in BELOW_GROUPS]
)
def test_help_shows_an_example(words: tuple[str, ...]) -> None:
    run = command(*words, "--help")

    assert run.returncode == 0
    assert f"pushover-logging {' '.join(words)}" in run.stdout.partition("example:\n")[2]


def test_limits_are_said_to_people_and_to_scripts(server: DevServer) -> None:
    server.set_quota(limit=10_000, remaining=1234, reset=1_800_000_000)

    assert command("limits").stdout.startswith("1,234 of 10,000 messages left until 2027-01-15")
    assert facts("limits") == {
        "limit": 10_000,
        "remaining": 1234,
        "reset": "2027-01-15T08:00:00+00:00",
    }


def test_sounds_list_the_users_own_too(server: DevServer) -> None:
    server.add_sound("cuckoo", "Our Clock")

    assert "cuckoo        Our Clock\n" in command("sounds").stdout
    assert facts("sounds")["sounds"]["bike"] == "Bike"


def test_receipt_says_who_acknowledged(server: DevServer) -> None:
    receipt = ring(server)
    before = command("receipt", receipt)
    server.acknowledge(receipt, server.user, "phone")

    after = command("receipt", receipt)

    assert before.stdout.startswith("rings until 20")
    assert after.stdout.startswith("acknowledged at 20")
    assert " on phone\n" in after.stdout
    assert server.user not in after.stdout
    assert facts("receipt", receipt)["acknowledged"] is True


@pytest.mark.slow
def test_receipt_waits_for_somebody(server: DevServer) -> None:
    receipt = ring(server)
    words = [sys.executable, "-m", "pushover_logging", "receipt", receipt, "--wait", "1m"]
    with subprocess.Popen(
        words, env={**os.environ, "PYTHONPATH": str(PROJECT)}, stdout=subprocess.PIPE
    ) as waiting:
        server.wait_for_requests(2)
        server.acknowledge(receipt)

        said, _ = waiting.communicate(timeout=DEADLINE)

    assert waiting.returncode == 0
    assert said.startswith(b"acknowledged")
    assert server.impolite == 0


def test_waiting_in_vain_tells_expired_from_ringing(server: DevServer) -> None:
    expired, ringing = ring(server), ring(server)
    server.expire(expired)

    assert command("receipt", expired, "--wait", "1").returncode == 1
    assert command("receipt", ringing, "--wait", "1").returncode == 75


def test_unknown_receipt_is_refused_in_one_line(server: DevServer) -> None:
    run = command("receipt", "r" * 30)

    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr == ("pushover-logging receipt: the service does not know it, or no longer\n")


def test_cancel_ends_one_emergency(server: DevServer) -> None:
    one, other = ring(server), ring(server)

    assert command("cancel", one).stdout == "cancelled\n"
    assert server.emergency(one).canceled
    assert not server.emergency(other).canceled


def test_cancel_by_tag_counts(server: DevServer) -> None:
    receipts = [ring(server, "--tags", "nas"), ring(server, "--tags", "nas,disk")]

    assert facts("cancel", "--tag", "nas") == {"canceled": 2}
    assert all(server.emergency(receipt).canceled for receipt in receipts)
    assert command("cancel", "--tag", "nas").stdout == "0 emergencies cancelled\n"


@pytest.mark.parametrize("words", [[], ["r" * 30, "--tag", "nas"]])
def test_cancel_wants_one_of_receipt_and_tag(words: list[str]) -> None:
    assert command("cancel", *words).returncode == 2


def test_glance_shows_every_field_on_the_screens_of_all_users(server: DevServer) -> None:
    other = server.add_user()
    words = ["--title", "t", "--text", "x", "--subtext", "s", "--count", "-3", "--percent", "40"]

    run = command("glance", *words, "--user", f"{server.user},{other}")

    assert run.returncode == 0, run.stderr
    assert [dict(each.params) for each in server.glances] == [
        {"user": user, "title": "t", "text": "x", "subtext": "s", "count": "-3", "percent": "40"}
        for user in (server.user, other)
    ]


@pytest.mark.parametrize(
    ("words", "reason"),
    [([], "at least one of title"), (["--percent", "101"], "percent is 101; it must be 0 to 100")],
)
def test_glance_of_nonsense_is_wrong_usage(
    server: DevServer, words: list[str], reason: str
) -> None:
    run = command("glance", *words)

    assert run.returncode == 2
    assert reason in run.stderr
    assert run.stderr.count("\n") == 1
    assert server.requests == []


def test_group_is_made_filled_changed_and_shown(server: DevServer) -> None:
    group = facts("groups", "create", "on call")["group"]
    member = [group, server.user]

    ends = [
        command("groups", "add", *member, "--device", "phone", "--memo", "Alice").stdout,
        command("groups", "disable", *member, "--device", "phone").stdout,
        command("groups", "rename", group, "night shift").stdout,
    ]

    assert ends == [
        "added to on call\n",
        "disabled in on call\n",
        "on call is now called night shift\n",
    ]
    assert command("groups", "list").stdout == f"{group}  night shift\n"
    assert facts("groups", "show", group) == {
        "group": group,
        "name": "night shift",
        "users": [{"user": server.user, "device": "phone", "memo": "Alice", "disabled": True}],
    }
    assert f"{server.user}  phone  Alice  disabled\n" in command("groups", "show", group).stdout


def test_group_lets_members_back_in_and_out(server: DevServer) -> None:
    group = server.add_group("on call", [server.user])
    command("groups", "disable", group, server.user)

    command("groups", "enable", group, server.user)
    enabled = facts("groups", "show", group)["users"]
    command("groups", "remove", group, server.user)

    assert [user["disabled"] for user in enabled] == [False]
    assert facts("groups", "show", group)["users"] == []


def test_unknown_group_is_refused_in_one_line(server: DevServer) -> None:
    run = command("groups", "show", "g" * 30)

    assert run.returncode == 1
    assert run.stderr.count("\n") == 1


def test_check_answers_scripts_in_one_object(server: DevServer) -> None:
    answer = facts("check")

    assert answer["users"] == [{"is_group": False, "devices": ["phone"], "licenses": ["Android"]}]
    assert answer["limit"] == 10_000


def test_send_answers_scripts_with_the_request_and_what_is_left(server: DevServer) -> None:
    answer = facts("send", "x")

    assert answer["remaining"] == 9999
    assert answer["receipt"] is None
    assert len(answer["request"]) == 36


def test_send_attaches_an_image_and_passes_what_it_does_not_know(
    server: DevServer, tmp_path: Path
) -> None:
    image = tmp_path / "camera.png"
    image.write_bytes(PIXEL)

    run = command("send", "Door", "-a", str(image), "--param", "mood=calm", "--param", "a=b=c")

    [message] = server.messages
    assert run.returncode == 0, run.stderr
    assert message.attachment is not None
    assert message.attachment.type == "image/png"
    assert (message.params["mood"], message.params["a"]) == ("calm", "b=c")


def test_send_encrypts_with_a_key_from_the_environment(
    server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOX_KEY", "0" * 64)

    run = command("send", "secret", "--encryption-key", "env:BOX_KEY")

    sent = server.messages[0].params
    assert run.returncode == 0, run.stderr
    assert sent["encrypted"] == "1"
    assert Cipher("0" * 64).decrypt(sent["message"]) == "secret"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--attachment", "/nowhere.png"], "nowhere.png"),
        (["--attachment-type", "image/png"], "--attachment-type belongs to --attachment"),
        (["--param", "mood"], "it is mood; expected NAME=VALUE"),
        (["--encryption-key", "short"], "encryption_key is of length 5; expected 64"),
    ],
)
def test_send_refuses_what_makes_no_sense(server: DevServer, words: list[str], reason: str) -> None:
    run = command("send", "x", *words)

    assert run.returncode == 2
    assert reason in run.stderr
    assert server.requests == []


def test_no_messages_left_is_exit_75(server: DevServer) -> None:
    server.set_quota(remaining=0)

    run = command("send", "x")

    assert run.returncode == 75
    assert run.stderr.count("\n") == 1
