"""An inbox in a file outlives its server; one in memory is bounded."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from pushover_logging.devserver import DevServer, account, traffic
from pushover_logging.devserver.server import DEFAULT_TOKEN, DEFAULT_USER

from .browser_page import picture, ring, send


def test_what_arrived_is_there_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "inbox.db"
    with DevServer(db=file) as server:
        send(server, "one", title="T", files={"attachment": ("a.png", picture(), "image/png")})
        send(server, "two")
        before = server.messages

    with DevServer(db=file) as again:
        send(again, "three")

        assert again.messages[:2] == before
        assert [each.number for each in again.messages] == [1, 2, 3]
        assert again.state()["messages"] == 3
        assert again.state()["quota"]["remaining"] == 9_997


def test_what_became_of_emergencies_is_there_too(tmp_path: Path) -> None:
    file = tmp_path / "inbox.db"
    with DevServer(db=file) as server:
        done, open_ = ring(server, tags="a,b"), ring(server)
        server.acknowledge(done)
        before = server.emergency(done)

    with DevServer(db=file) as again:
        assert again.emergency(done) == before
        again.acknowledge(open_)

    with DevServer(db=file) as third, pytest.raises(ValueError, match="no longer rings"):
        third.acknowledge(open_)


def test_a_reset_empties_the_file(tmp_path: Path) -> None:
    file = tmp_path / "inbox.db"
    with DevServer(db=file) as server:
        ring(server)
        server.reset()
        send(server, "anew")

    with DevServer(db=file) as again:
        assert [each.params["message"] for each in again.messages] == ["anew"]
        assert again.state()["emergencies"] == {}


def test_a_killed_server_has_kept_what_it_answered(tmp_path: Path) -> None:
    file, copy = tmp_path / "inbox.db", tmp_path / "copy.db"
    with DevServer(db=file) as server:
        send(server, "kept")
        for each in tmp_path.glob("inbox.db*"):
            copy.with_name(each.name.replace("inbox", "copy")).write_bytes(each.read_bytes())

    with DevServer(db=copy) as again:
        assert [each.params["message"] for each in again.messages] == ["kept"]


def test_the_same_server_started_again_goes_on_keeping(tmp_path: Path) -> None:
    file = tmp_path / "inbox.db"
    server = DevServer(db=file)
    with server:
        send(server, "one")
    with server:
        send(server, "two")

    with DevServer(db=file) as again:
        assert [each.params["message"] for each in again.messages] == ["one", "two"]


def test_the_file_holds_no_token_and_is_for_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "inbox.db"
    with DevServer(db=file) as server:
        ring(server)
        rights = file.stat().st_mode & 0o777

    assert server.token.encode() not in file.read_bytes()
    assert rights == 0o600


def test_a_file_in_use_is_said_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "inbox.db"

    with DevServer(db=file), pytest.raises(OSError, match=r"cannot keep the inbox in .*inbox\.db"):
        DevServer(db=file)


def test_a_file_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("buy milk\n" * 100)

    with pytest.raises(OSError, match="cannot keep the inbox"):
        DevServer(db=file)

    assert file.read_text() == "buy milk\n" * 100


def test_the_newest_are_kept_and_the_count_goes_on(
    server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "KEPT", 3)
    monkeypatch.setattr(traffic, "KEPT", 4)
    first = ring(server, "0")
    for number in range(1, 6):
        send(server, str(number))

    kept = server.wait_for(6)

    assert [each.params["message"] for each in kept] == ["3", "4", "5"]
    assert [each.number for each in server.requests] == [3, 4, 5, 6]
    with pytest.raises(LookupError):
        server.emergency(first)


@pytest.mark.parametrize("large", ["image", "unknown parameter", "unknown name"])
def test_messages_and_requests_are_kept_up_to_a_size(
    server: DevServer, monkeypatch: pytest.MonkeyPatch, large: str
) -> None:
    monkeypatch.setattr(account, "KEPT_BYTES", 250_000)
    monkeypatch.setattr(traffic, "KEPT_BYTES", 500_000)
    files = None
    extra = {"x": "y" * 100_000} if large == "unknown parameter" else {"x" * 100_000: "y"}
    if large == "image":
        extra, files = {}, {"attachment": ("a.png", picture() + bytes(100_000), "image/png")}

    for number in range(10):
        send(server, str(number), files=files, **extra)

    kept = [each.params["message"] for each in server.messages]
    assert kept == ["8", "9"]
    assert 1 <= len(server.requests) < 10
    assert sum(len(each.body) for each in server.requests) <= 500_000


def test_old_messages_leave_the_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "KEPT", 2)
    file = tmp_path / "inbox.db"
    with DevServer(db=file) as server:
        for number in range(5):
            ring(server, str(number))

    with sqlite3.connect(file) as database:
        numbers = [number for (number,) in database.execute("SELECT number FROM message")]
        emergencies = database.execute("SELECT count(*) FROM emergency").fetchone()
    database.close()

    assert numbers == [4, 5]
    assert emergencies == (2,)


def test_serve_keeps_its_inbox_where_it_is_told(tmp_path: Path) -> None:
    file = tmp_path / "inbox.db"
    command = [sys.executable, "-m", "pushover_logging", "serve", "--port", "0", "--db", str(file)]

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = iter(process.stdout or ())
        shown = next(line for line in lines if line.startswith("Inbox: "))
        address = shown.split()[1]
        given = {"token": DEFAULT_TOKEN, "user": DEFAULT_USER, "message": "kept"}
        requests.post(f"{address}1/messages.json", data=given, timeout=10)
        process.kill()

    with DevServer(db=file) as again:
        assert [each.params["message"] for each in again.messages] == ["kept"]


def test_the_page_reads_what_was_kept(tmp_path: Path) -> None:
    file = tmp_path / "inbox.db"
    with DevServer(db=file) as server:
        ring(server, "old")

    with DevServer(db=file) as again:
        pushes = requests.get(f"{again.base_url}/inbox/pushes", timeout=10).json()

    assert pushes[0]["text"] == [{"text": "old"}]
    assert pushes[0]["emergency"]["acknowledged_at"] is None


@pytest.mark.skipif(os.name != "posix", reason="other systems have no permission bits")
def test_the_rights_of_an_existing_file_are_tightened(tmp_path: Path) -> None:
    file = tmp_path / "inbox.db"
    file.touch()
    file.chmod(0o644)

    with DevServer(db=file) as server:
        send(server)
        rights = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}

    assert set(rights.values()) == {0o600}


def test_a_disk_that_is_full_costs_the_file_and_not_the_answer(tmp_path: Path) -> None:
    problems: list[str] = []
    file = tmp_path / "inbox.db"
    with DevServer(db=file, on_problem=problems.append) as server:
        send(server, "kept")
        with server.changed:
            pages = server._file._connection.execute("PRAGMA page_count").fetchone()[0]
            server._file._connection.execute(f"PRAGMA max_page_count = {pages}")

        for _ in range(3):
            send(server, "x" * 1_000, unknown="y" * 100_000)

        state = requests.get(f"{server.base_url}/dev/state", timeout=10).json()
        assert len(server.messages) == 4
    with DevServer(db=file) as again:
        assert [each.params["message"] for each in again.messages] == ["kept"]
    assert len(problems) == 1
    assert f"cannot keep the inbox in {file} any more: database or disk is full" in problems[0]
    assert state["problem"] == problems[0]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE message SET params = 'no JSON' WHERE number = 1",
        "UPDATE message SET params = '[]' WHERE number = 1",
        "UPDATE message SET params = '{\"message\": 5}' WHERE number = 1",
        "UPDATE message SET recipients = '{\"u\": 7}' WHERE number = 1",
        "UPDATE message SET received_at = 'soon' WHERE number = 1",
        "UPDATE message SET params = x'ff00' WHERE number = 1",
        "UPDATE emergency SET fields = '{\"receipt\": 1}'",
        "UPDATE emergency SET fields = json_set(fields, '$.expires_at', 'never')",
        "UPDATE allowance SET fields = '{\"limit\": -1}'",
    ],
)
def test_a_damaged_row_is_skipped_and_reported(tmp_path: Path, damage: str) -> None:
    problems: list[str] = []
    file = tmp_path / "inbox.db"
    with DevServer(db=file) as server:
        ring(server, "one")
        send(server, "two")
    with sqlite3.connect(file) as database:
        database.execute(damage)
    database.close()

    with DevServer(db=file, on_problem=problems.append) as again:
        send(again, "three")
        shown = requests.get(f"{again.base_url}/inbox/pushes", timeout=10)
        texts = [each.params["message"] for each in again.messages]

    assert shown.status_code == 200
    assert texts[-2:] == ["two", "three"]
    assert problems == [f"skipped 1 damaged row of the inbox in {file}"]


def test_settled_emergencies_leave_the_file_with_their_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "KEPT", 2)
    file = tmp_path / "inbox.db"
    with DevServer(db=file) as server:
        for number in range(5):
            server.acknowledge(ring(server, str(number)))

    with sqlite3.connect(file) as database:
        emergencies = database.execute("SELECT count(*) FROM emergency").fetchone()
    database.close()

    assert emergencies == (2,)
