"""The commands for operators of a store, with processes that log, end and are killed."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from stores.processes import eventually, kill, line_of, output_of, say

from pushover_logging.cli import main
from pushover_logging.cli.handler_options import handler_options
from pushover_logging.devserver import DevServer

from .in_process import command

PROJECT = Path(__file__).parents[2]
DEADLINE = 60.0
APPLICATION = """
    import logging, sys
    from pushover_logging import PushoverHandler

    handler = PushoverHandler(store=sys.argv[1], exit_timeout=float(sys.argv[2]))
    logger = logging.getLogger("shop")
    logger.addHandler(handler)
    logger.propagate = False
    print("ready", flush=True)
    for line in sys.stdin:
        times, key, text = line.strip().split(" ", 2)
        for _ in range(int(times)):
            logger.error(text, extra=None if key == "-" else {"pushover": {"key": key}})
        print("logged", flush=True)
"""


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path, memory_folder: Path) -> str:
    """The URL of a fresh store."""
    spool = f"spool={memory_folder}"
    if request.param == "sqlite":
        return f"sqlite://{tmp_path}/alerts.sqlite?{spool}"
    return f"{request.getfixturevalue('redis_url')}?{spool}&namespace={uuid.uuid4().hex}"


@pytest.fixture
def sqlite_store(tmp_path: Path, memory_folder: Path) -> str:
    return f"sqlite://{tmp_path}/alerts.sqlite?spool={memory_folder}"


def arguments_of(*words: str) -> list[str]:
    """The command as a program that hears SIGTERM and SIGINT, although the tests may not."""
    start = (
        "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_DFL);"
        "signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from pushover_logging.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    return [sys.executable, "-c", start, *words]


def facts(*words: str) -> Any:
    run = command(*words, "--json")
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("\n") == 1
    return json.loads(run.stdout)


@contextmanager
def started(*words: str, ready: str, stream: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        words,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if stream == "stderr" else None,
        text=True,
    )
    try:
        line = getattr(process, stream).readline()
        assert ready in line
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@contextmanager
def application(store: str, exit_timeout: float = 5.0) -> Iterator[subprocess.Popen[str]]:
    """A process that logs what it is told: how often, the key or "-", and the text."""
    words = (sys.executable, "-c", textwrap.dedent(APPLICATION), store, str(exit_timeout))
    with started(*words, ready="ready", stream="stdout") as process:
        yield process


@contextmanager
def relay(store: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    words = ("relay", "--store", store, *words)
    with started(*arguments_of(*words), ready="no callbacks", stream="stderr") as process:
        eventually(lambda: sender_of(store) == process.pid)
        yield process


def log(process: subprocess.Popen[str], text: str, *, times: int = 1, key: str = "-") -> None:
    say(process, f"{times} {key} {text}")
    assert line_of(process) == "logged"


def sender_of(store: str) -> int | None:
    run = command("status", "--store", store, "--json")
    sender = json.loads(run.stdout)["sender"] if run.returncode == 0 else None
    return sender["pid"] if sender else None


def end(process: subprocess.Popen[str]) -> float:
    """Let the application end by itself; how long that took."""
    started_at = time.monotonic()
    process.communicate(timeout=DEADLINE)
    return time.monotonic() - started_at


# What a store holds.


def test_status_shows_groups_counts_and_who_sends(server: DevServer, store: str) -> None:
    with application(store) as process:
        log(process, "the disk is full", times=5, key="disk")
        log(process, "the database is away")
        server.wait_for(2)
        eventually(lambda: facts("status", "--store", store)["pending"] == 4)

        found = facts("status", "--store", store)
        text = command("status", "--store", store).stdout

    disk = next(group for group in found["groups"] if group["key"] == "disk")
    assert found["sender"]["pid"] == process.pid
    assert (found["taken"], found["delivered"], found["pushes"]) == (6, 2, 2)
    assert (disk["repeats"], disk["pending"], disk["level"]) == (4, 4, "ERROR")
    assert disk["receipt"] == server.messages[0].receipt
    assert [each["state"] for each in found["incidents"]] == ["ringing", "ringing"]
    assert found["quota"]["limit"] == 10_000
    assert [spool["pid"] for spool in found["spools"]] == [process.pid]
    assert f"process {process.pid} on " in text
    assert f"{disk['id']}        4        4  " in text
    assert "[disk] ERROR shop: the disk is full" in text


@pytest.mark.slow
def test_status_says_who_acknowledged(server: DevServer, store: str) -> None:
    with application(store) as process:
        log(process, "the disk is full", key="disk")
        receipt = server.wait_for(1)[0].receipt
        assert receipt is not None
        server.acknowledge(receipt)
        # The service is asked every 5 seconds.
        eventually(
            lambda: (
                [each["state"] for each in facts("status", "--store", store)["incidents"]]
                == ["acknowledged"]
            ),
            pause=0.3,
        )

        incident = facts("status", "--store", store)["incidents"][0]

    assert incident["acknowledged_at"]
    assert incident["acknowledged_by"] == f"{server.user[:3]}…"


def test_status_shows_no_token_no_key_and_no_credential(server: DevServer, store: str) -> None:
    with application(store) as process:
        log(process, f"login failed: password=hunter2hunter2 {server.token}")
        server.wait_for(1)
        eventually(lambda: facts("status", "--store", store)["groups"])

        run = command("status", "--store", store, "--json")

    assert not [secret for secret in ("hunter2", server.token, server.user) if secret in run.stdout]


def test_store_that_nobody_has_used_is_named_and_not_made(
    server: DevServer, sqlite_store: str, tmp_path: Path
) -> None:
    for words in (("status",), ("resolve", "disk"), ("silence", "disk", "1h"), ("store", "check")):
        run = command(*words, "--store", sqlite_store)

        assert run.returncode == 2
        assert "no process with this token and user has used it" in run.stderr
    assert not (tmp_path / "alerts.sqlite").exists()


# Resolve and silence.


def test_resolve_by_another_process_ends_the_ringing(server: DevServer, store: str) -> None:
    with application(store) as process:
        log(process, "the disk is full", key="disk")
        receipt = server.wait_for(1)[0].receipt
        assert receipt is not None

        done = facts("resolve", "disk", "--store", store)

        eventually(lambda: server.emergency(receipt).canceled)
    assert done["taken"]
    assert done["names"] == ["disk"]


def test_resolve_waits_in_the_store_for_the_next_sender(server: DevServer, store: str) -> None:
    with application(store) as process:
        log(process, "the disk is full", key="disk")
        receipt = server.wait_for(1)[0].receipt
        assert receipt is not None
        eventually(lambda: facts("status", "--store", store)["incidents"])
        end(process)

    run = command("resolve", "disk", "--store", store)
    with application(store):
        eventually(lambda: server.emergency(receipt).canceled)

    assert run.returncode == 0
    assert "no process sends now" in run.stdout


@pytest.mark.slow
def test_silence_holds_counts_and_ends_by_itself_with_a_summary(
    server: DevServer, store: str
) -> None:
    with application(store) as process:
        log(process, "the disk is full", key="disk")
        log(process, "the database is away")
        server.wait_for(2)
        eventually(lambda: len(facts("status", "--store", store)["groups"]) == 2)
        group = next(g for g in facts("status", "--store", store)["groups"] if not g["key"])

        done = facts("silence", group["id"][:4], "6s", "--store", store)
        log(process, "the database is away", times=3)
        log(process, "the disk is full", times=2, key="disk")
        silenced = facts("status", "--store", store)["silenced"]
        summary = server.wait_for(3, DEADLINE)[2]

    until = datetime.fromisoformat(done["until"]).timestamp()
    assert done["names"] == list(silenced) == [group["id"]]
    assert summary.received_at >= until
    assert summary.params["title"] == "ERROR shop \N{MULTIPLICATION SIGN}3"
    assert summary.params.get("priority", "0") == "0"
    assert server.emergency(server.messages[1].receipt or "").canceled
    assert not server.emergency(server.messages[0].receipt or "").canceled


def test_unsilence_ends_a_silence_at_once(server: DevServer, store: str) -> None:
    with application(store) as process:
        log(process, "the disk is full", key="disk")
        server.wait_for(1)
        command("silence", "disk", "2h", "--store", store)
        log(process, "the disk is full", times=3, key="disk")
        eventually(lambda: facts("status", "--store", store)["pending"] == 3)
        group = facts("status", "--store", store)["groups"][0]

        facts("unsilence", group["id"][:6], "--store", store)
        summary = server.wait_for(2, DEADLINE)[1]

    assert summary.params["title"] == "ERROR shop \N{MULTIPLICATION SIGN}3"


def test_unsilence_of_what_is_not_silenced_is_refused(server: DevServer, sqlite_store: str) -> None:
    with application(sqlite_store):
        eventually(lambda: sender_of(sqlite_store))

        run = command("unsilence", "disk", "--store", sqlite_store)

    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert "no silence holds for disk" in run.stderr


@pytest.mark.parametrize("duration", ["soon", "0s", "9999d"])
def test_bad_duration_is_named(capsys: pytest.CaptureFixture[str], duration: str) -> None:
    with pytest.raises(SystemExit):
        main(["silence", "disk", duration, "--store", "local"])

    assert "TIME" in capsys.readouterr().err


# The relay.


def test_relay_delivers_what_killed_processes_logged(server: DevServer, store: str) -> None:
    with relay(store) as sender:
        for number in range(4):
            with application(store) as process:
                log(process, f"error of process {number}", key=f"key-{number}")
                kill(process)

        texts = {each.params["message"] for each in server.wait_for(4, DEADLINE)}
        found = facts("status", "--store", store)

    assert texts == {f"error of process {number}" for number in range(4)}
    assert found["sender"]["pid"] == sender.pid


def test_with_a_relay_applications_end_at_once_while_the_service_hangs(
    server: DevServer, store: str
) -> None:
    server.fault("hang", None)
    with relay(store), application(store, exit_timeout=30.0) as process:
        log(process, "the disk is full", key="disk")
        log(process, "the database is away")

        seconds = end(process)
        server.clear_faults()

        assert seconds < 15.0  # half of exit_timeout
        assert len(server.wait_for(2, DEADLINE)) == 2


def test_relay_takes_over_from_a_process_that_sends(server: DevServer, store: str) -> None:
    with application(store) as process:
        log(process, "the disk is full", key="disk")
        server.wait_for(1)
        eventually(lambda: sender_of(store) == process.pid)

        with relay(store):
            log(process, "the disk is full", key="disk")
            log(process, "the database is away")
            server.wait_for(2, DEADLINE)
            eventually(lambda: facts("status", "--store", store)["pending"] == 1)

    assert [each.params["message"] for each in server.messages] == [
        "the disk is full",
        "the database is away",
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_relay_ends_at_once_and_releases_its_lease(
    server: DevServer, store: str, number: int
) -> None:
    with relay(store) as process:
        started_at = time.monotonic()
        process.send_signal(number)
        output, errors = process.communicate(timeout=DEADLINE)
        seconds = time.monotonic() - started_at

        assert sender_of(store) is None
    assert (process.returncode, errors) == (0, "")
    assert output == "records delivered: 0, pushes: 0\n"
    assert seconds < 4.0


def test_relay_does_not_wait_for_a_service_that_hangs(server: DevServer, store: str) -> None:
    server.fault("hang", None)
    with relay(store, "--option", "exit_timeout=0.5s") as process, application(store) as logging:
        log(logging, "the disk is full", key="disk")
        server.wait_for_requests(1, DEADLINE)
        kill(logging)
        started_at = time.monotonic()
        process.terminate()
        process.communicate(timeout=DEADLINE)

        assert time.monotonic() - started_at < 4.0
        assert sender_of(store) is None
    server.clear_faults()
    with relay(store):
        assert "may have been sent before" in server.wait_for(1, DEADLINE)[-1].params["message"]


def test_relay_that_ends_begins_no_further_push(server: DevServer, sqlite_store: str) -> None:
    patient = ("--option", "exit_timeout=30s")
    with relay(sqlite_store, *patient) as process, application(sqlite_store) as logging:
        server.fault("delay", None, seconds=1.0)
        for number in range(6):
            log(logging, "the disk is full", key=f"disk-{number}")
        server.wait_for_requests(1, DEADLINE)
        process.terminate()
        process.communicate(timeout=DEADLINE)
        sent = len(server.messages)

    assert 1 <= sent < 6


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--option", "on_error=shop.failed"], "relay has no callbacks"),
        (["--option", "token=env:X"], "use --token"),
        (["--option", "colour=red"], "colour"),
        (["--option", "interval"], "expected NAME=VALUE"),
    ],
)
def test_relay_refuses_options_that_it_cannot_use(
    server: DevServer, sqlite_store: str, words: list[str], reason: str
) -> None:
    run = command("relay", "--store", sqlite_store, *words)

    assert run.returncode == 2
    assert reason in run.stderr


def test_relay_takes_the_options_of_the_handler() -> None:
    from pushover_logging.cli import build_parser

    words = ["--option", "grouping.interval=10m", "--option", "grouping.after=3"]
    arguments = build_parser().parse_args(["relay", "--store", "local", *words])

    options = handler_options(arguments, {"quota_reserve": "5"})

    assert options == {"quota_reserve": "5", "grouping": {"interval": "10m", "after": "3"}}


# Check and clear.


def fill(store: str, server: DevServer) -> None:
    """A store that a process has used, whose last alert no sender has taken."""
    with application(store) as process:
        log(process, "the disk is full", times=3, key="disk")
        server.wait_for(1)
        eventually(lambda: facts("status", "--store", store)["pending"] == 2)
        end(process)


def test_check_finds_no_damage_in_a_store_that_has_none(server: DevServer, store: str) -> None:
    fill(store, server)
    command("resolve", "disk", "--store", store)

    found = facts("store", "check", "--store", store)

    assert found["problems"] == []
    assert found["notices"] == {"resolved": 1}
    assert found["keys"] >= 3


def test_check_names_what_is_damaged(
    server: DevServer, sqlite_store: str, tmp_path: Path, memory_folder: Path
) -> None:
    fill(sqlite_store, server)
    with sqlite3.connect(tmp_path / "alerts.sqlite") as connection:
        connection.execute("UPDATE state SET value = x'00' WHERE key LIKE 'group:%'")
    folder = next(memory_folder.iterdir())
    (folder / "0123456789abcdef.spool").write_bytes(b"no spool" * 1000)
    (folder / "0123456789abcdef.spool").chmod(0o600)

    run = command("store", "check", "--store", sqlite_store)
    status = command("status", "--store", sqlite_store)

    assert run.returncode == 1
    assert (status.returncode, status.stderr.count("\n")) == (2, 1)
    assert re.search(r"The state group:\w{16} cannot be read", run.stdout)
    assert re.search(r"0123456789abcdef\.spool is skipped: it is no spool", run.stdout)


def test_status_names_a_file_that_is_no_spool(
    server: DevServer, sqlite_store: str, memory_folder: Path
) -> None:
    fill(sqlite_store, server)
    folder = next(memory_folder.iterdir())
    (folder / "shopping-list").write_text("milk")
    (folder / "0123456789abcdef.spool").symlink_to("/etc/passwd")

    problems = facts("status", "--store", sqlite_store)["problems"]

    assert len(problems) == 2
    assert any("shopping-list is skipped: it is no spool" in problem for problem in problems)


def test_clear_wants_to_be_told_and_then_leaves_nothing(server: DevServer, store: str) -> None:
    fill(store, server)
    command("silence", "disk", "1h", "--store", store)

    refused = command("store", "clear", "--store", store)
    cleared = facts("store", "clear", "--store", store, "--yes")
    found = facts("status", "--store", store)

    assert refused.returncode == 2
    assert "say --yes" in refused.stderr
    assert (cleared["notices"], cleared["records"]) == (1, 2)
    assert cleared["ringing"] == [server.messages[0].receipt]
    assert (found["groups"], found["waiting"], found["taken"]) == ([], 0, 0)


def test_process_goes_on_after_its_store_was_cleared(server: DevServer, store: str) -> None:
    with application(store) as process:
        log(process, "the disk is full", times=3, key="disk")
        server.wait_for(1)
        eventually(lambda: facts("status", "--store", store)["pending"] == 2)

        command("store", "clear", "--store", store, "--yes")
        log(process, "the database is away")

        assert server.wait_for(2, DEADLINE)[1].params["message"] == "the database is away"


def test_state_of_a_redis_store_is_read_with_the_encryption_key(
    server: DevServer, redis_url: str, memory_folder: Path
) -> None:
    store = f"{redis_url}?spool={memory_folder}&namespace={uuid.uuid4().hex}"
    key = "0123456789abcdef" * 4
    program = f"""
        import logging, sys
        from pushover_logging import PushoverHandler
        handler = PushoverHandler(store=sys.argv[1], encryption_key="{key}")
        logging.getLogger("shop").addHandler(handler)
        logging.getLogger("shop").error("the disk is full")
        handler.flush(30)
    """
    output_of(program, store)
    server.wait_for(1, DEADLINE)

    without = command("status", "--store", store)
    found = facts("status", "--store", store, "--encryption-key", key)

    assert without.returncode == 2
    assert "encryption_key" in without.stderr
    assert found["groups"][0]["message"] == "the disk is full"


def test_ids_that_begin_alike_are_told_apart() -> None:
    from pushover_logging.delivery.operators import _name_in
    from pushover_logging.delivery.state import StateView

    until = datetime.fromtimestamp(2e9)
    state = StateView(silenced=dict.fromkeys(("abcd111111111111", "abcd222222222222"), until))

    assert _name_in(state, "abcd2") == "abcd222222222222"
    assert _name_in(state, "abc") == "abc"
    with pytest.raises(ValueError, match="begins the ids of 2 groups"):
        _name_in(state, "abcd")
