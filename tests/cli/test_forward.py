"""``pushover-logging forward``, run as a program: existing logs become pushes, each mark once."""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pushover_logging.devserver import DevServer

from .forward_program import DEADLINE, EACH_ONE, FORWARD, append, environment, marks, once

Start = Callable[..., subprocess.Popen[bytes]]


def forward(*words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*FORWARD, *words],
        env=environment(),
        input=text,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=DEADLINE,
        check=False,
    )


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [*FORWARD, *words],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=DEADLINE)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


def stop(process: subprocess.Popen[bytes]) -> bytes:
    process.terminate()
    _, complaints = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, complaints
    return complaints


def begin(server: DevServer, log: Path, process: subprocess.Popen[bytes]) -> None:
    """Let a follower that waits for its log find it; a mark that arrives shows that it did."""
    assert process.stderr
    assert b"not there yet" in process.stderr.readline()
    append(log, "first")
    server.wait_for(1, DEADLINE)


def test_records_of_a_log_arrive_as_their_levels_say(server: DevServer, log: Path) -> None:
    log.write_text(
        "2026-11-23 03:40:46,123 ERROR shop.pay: Payment failed\n"
        "Traceback (most recent call last):\n"
        '  File "pay.py", line 3, in pay\n'
        "ValueError: no card\n"
        "2026-11-23 03:40:47,123 INFO shop: all is well\n"
        "2026-11-23 03:40:48,123 WARNING shop.disk: Disk is slow\n"
    )

    run = forward(str(log), "--once", "--json")

    error, warning = (message.params for message in server.messages)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == {"accepted": 2, "delivered": 2, "pushes": 2, "dropped": {}}
    assert (error["title"], error["priority"]) == ("ERROR shop.pay", "2")
    assert error["message"].startswith("Payment failed\nTraceback")
    assert error["message"].endswith("ValueError: no card")
    assert (warning["title"], warning["message"]) == ("WARNING shop.disk", "Disk is slow")
    assert int(warning["timestamp"]) - int(error["timestamp"]) == 2


def test_repeats_are_counted_as_by_the_handler(server: DevServer, log: Path) -> None:
    log.write_text("ERROR:shop:Payment failed\n" * 5000)

    run = forward(str(log), "--once", "--json")

    first, summary = (message.params for message in server.messages)
    assert json.loads(run.stdout)["delivered"] == 5000
    assert first["title"] == "ERROR shop"
    assert summary["title"] == "ERROR shop \N{MULTIPLICATION SIGN}4999"


def test_level_and_options_are_the_handlers(server: DevServer, log: Path) -> None:
    log.write_text("INFO:shop:quiet\nWARNING:shop:loud\nERROR:shop:louder\n")

    run = forward(
        *(str(log), "--once", "--level", "ERROR"),
        *("--option", "priorities.ERROR=HIGH", "--option", "title={name}!"),
    )

    [message] = server.messages
    assert run.returncode == 0, run.stderr
    assert (message.params["title"], message.params["priority"]) == ("shop!", "1")


def test_pattern_says_how_records_begin(server: DevServer, log: Path) -> None:
    log.write_text("!! oven | too hot\n   300 degrees\nok door | closed\n")

    run = forward(
        str(log), "--once", "--pattern", r"(?P<level>\S+) (?P<logger>\w+) \| (?P<message>.*)",
        "--level", "INFO",
    )  # fmt: skip

    assert run.returncode == 0, run.stderr
    assert [message.params["message"] for message in server.messages] == [
        "too hot\n   300 degrees",
        "closed",
    ]


def test_journal_comes_through_a_pipe(server: DevServer) -> None:
    records = [
        {"MESSAGE": f"mark {n}.", "PRIORITY": "3", "SYSLOG_IDENTIFIER": "sshd", "_BOOT_ID": "x"}
        for n in range(3)
    ]

    run = forward("-", *EACH_ONE, text="".join(json.dumps(each) + "\n" for each in records))

    assert run.returncode == 0, run.stderr
    assert marks(server) == once(0, 1, 2)
    assert {message.params["title"] for message in server.messages} == {"ERROR sshd"}


def test_what_comes_through_a_pipe_does_not_wait_for_its_end(
    server: DevServer, start: Start
) -> None:
    process = start("-", *EACH_ONE)
    assert process.stdin
    process.stdin.write(b"ERROR:shop:mark 1.\n")
    process.stdin.flush()

    server.wait_for(1)

    assert process.poll() is None
    stop(process)


def test_marks_written_in_pieces_arrive_once(server: DevServer, log: Path, start: Start) -> None:
    process = start(str(log), *EACH_ONE)
    begin(server, log, process)
    content = "".join(f"ERROR:shop:mark {n}.\n  more of it\n" for n in range(40)).encode()

    with log.open("ab", buffering=0) as file:
        for offset in range(0, len(content), 7):
            file.write(content[offset : offset + 7])
            select.select([], [], [], 0.005)
    server.wait_for(41, DEADLINE)
    stop(process)

    assert marks(server) == once("first", *range(40))
    assert all(m.params["message"].endswith("more of it") for m in server.messages[1:])


@pytest.mark.slow
def test_marks_arrive_once_while_the_log_is_rotated(
    server: DevServer, log: Path, start: Start
) -> None:
    process = start(str(log), *EACH_ONE)
    begin(server, log, process)
    handler = logging.handlers.RotatingFileHandler(log, maxBytes=300, backupCount=100)
    handler.setFormatter(logging.Formatter(logging.BASIC_FORMAT))
    logger = logging.Logger("shop")
    logger.addHandler(handler)

    for number in range(400):
        logger.error("mark %d.", number)
        if number % 8 == 0:
            select.select([], [], [], 0.02)
    server.wait_for(401, DEADLINE)
    stop(process)
    handler.close()

    assert marks(server) == once("first", *range(400))


@pytest.mark.slow
def test_marks_arrive_once_after_truncation_and_replacement(
    server: DevServer, log: Path, start: Start
) -> None:
    process = start(str(log), *EACH_ONE)
    begin(server, log, process)

    os.truncate(log, 0)
    append(log, "truncated")
    server.wait_for(2, DEADLINE)
    fresh = log.with_name("fresh")
    append(fresh, "replaced")
    fresh.replace(log)
    server.wait_for(3, DEADLINE)
    log.unlink()
    append(log, "deleted")
    server.wait_for(4, DEADLINE)
    stop(process)

    assert marks(server) == once("first", "truncated", "replaced", "deleted")


@pytest.mark.slow
def test_restart_neither_loses_nor_repeats(
    server: DevServer, log: Path, tmp_path: Path, start: Start
) -> None:
    state = ("--state", str(tmp_path / "state"))
    for turn in range(5):
        append(log, *(f"{turn}while_away{n}" for n in range(3)))
        if turn == 2:
            log.rename(log.with_name("app.log.1"))
            append(log, "rotated")
        process = start(str(log), "--from-start", *state, *EACH_ONE)
        append(log, f"{turn}running")
        server.wait_for(4 * (turn + 1) + (turn >= 2), DEADLINE)
        stop(process)

    names = [f"{turn}while_away{n}" for turn in range(5) for n in range(3)]
    assert marks(server) == once(*names, "rotated", *(f"{turn}running" for turn in range(5)))


def test_kill_loses_nothing(server: DevServer, log: Path, tmp_path: Path, start: Start) -> None:
    words = (str(log), "--from-start", "--state", str(tmp_path / "state"), *EACH_ONE)
    for turn in range(4):
        process = start(*words)
        append(log, *(f"{turn}x{n}" for n in range(30)))
        server.wait_for(len(server.messages) + 5 + turn, DEADLINE)
        process.kill()
        process.wait(DEADLINE)

    run = forward(*words, "--once")

    assert run.returncode == 0, run.stderr
    assert marks(server).keys() == {f"{turn}x{n}" for turn in range(4) for n in range(30)}


def test_cron_gets_what_is_new_since_the_last_time(
    server: DevServer, log: Path, tmp_path: Path
) -> None:
    words = (str(log), "--once", "--state", str(tmp_path / "state"), *EACH_ONE)
    append(log, "before")

    for turn in range(3):
        assert forward(*words).returncode == 0
        append(log, turn)
    forward(*words)

    assert marks(server) == once(0, 1, 2)


def test_nothing_is_remembered_that_did_not_arrive(
    server: DevServer, log: Path, tmp_path: Path
) -> None:
    words = (str(log), "--once", "--from-start", "--state", str(tmp_path / "state"), *EACH_ONE)
    append(log, 1)
    server.fault("status", None, path="messages.json", status=503)

    vain = forward(*words, "--option", "exit_timeout=0.5")
    server.clear_faults()
    again = forward(*words)

    assert vain.returncode == 75
    assert "1 record was not delivered" in vain.stderr
    assert again.returncode == 0
    assert marks(server) == once(1)


def test_refused_token_ends_it_and_forgets_nothing(
    server: DevServer, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (str(log), "--from-start", "--state", str(tmp_path / "state"), *EACH_ONE)
    append(log, 1)
    monkeypatch.setenv("PUSHOVER_TOKEN", "w" * 30)

    refused = forward(*words)
    monkeypatch.setenv("PUSHOVER_TOKEN", server.token)
    forward(*words, "--once")

    assert refused.returncode == 1
    assert "application token is invalid" in refused.stderr
    assert "w" * 30 not in refused.stderr
    assert marks(server) == once(1)


@pytest.mark.slow
def test_more_than_fits_into_the_handler_waits_in_the_log(server: DevServer, log: Path) -> None:
    append(log, *range(1500))
    server.set_quota(remaining=10_000)

    run = forward(str(log), "--once", "--json", *EACH_ONE, "--option", "capacity=600")

    assert json.loads(run.stdout)["dropped"] == {}
    assert marks(server) == once(*range(1500))


def test_two_on_one_state_are_refused(
    server: DevServer, log: Path, tmp_path: Path, start: Start
) -> None:
    words = (str(log), "--state", str(tmp_path / "state"), *EACH_ONE)
    process = start(*words)
    begin(server, log, process)

    second = forward(*words, "--once")

    assert second.returncode == 75
    assert "in use by another forward" in second.stderr
    stop(process)


def test_log_that_is_not_there_is_waited_for(server: DevServer, log: Path, start: Start) -> None:
    process = start(str(log), *EACH_ONE)
    assert process.stderr
    said = process.stderr.readline()

    append(log, 1)
    server.wait_for(1)
    stop(process)

    assert said.endswith(b"app.log is not there yet; waiting for it\n")
    assert marks(server) == once(1)


def test_progress_is_shown_on_a_terminal_only(server: DevServer, log: Path) -> None:
    log.write_text("INFO:shop:fine\n" * 20_000 + "ERROR:shop:mark 1.\n")
    words = [*FORWARD, str(log), "--from-start", "--once", *EACH_ONE]
    terminal, other = pty.openpty()

    watched = subprocess.run(words, env=environment(), stderr=other, timeout=DEADLINE, check=True)
    unwatched = forward(*words[len(FORWARD) :])

    os.close(other)
    shown = os.read(terminal, 65_536).decode()
    assert watched.returncode == 0
    assert shown.rstrip().endswith("100 % of 0.3 MB read, 1 records to push\033[K")
    assert unwatched.stderr == ""


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["-", "--state", "s"], "standard input has none"),
        (["/nowhere.log", "--once"], "/nowhere.log is not there"),
        (["x.log", "--option", "prioritys.ERROR=HIGH"], "did you mean priorities?"),
        (["x.log", "--option", "title"], "it is title; expected NAME=VALUE"),
        (["x.log", "--option", "capacity=many"], "capacity is 'many'"),
        (["x.log", "--pattern", "(?P<lvl>.)"], "--pattern has a group lvl"),
        (["x.log", "--level", "LOUD"], "LOUD"),
    ],
)
def test_wrong_usage_says_what_is_wrong(
    server: DevServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    reason: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    run = forward(*words)

    assert run.returncode == 2
    assert reason in run.stderr.splitlines()[-1]
    assert server.requests == []


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_end_is_quick_and_delivers_what_is_counted(
    server: DevServer, log: Path, start: Start, name: str
) -> None:
    process = start(str(log))
    begin(server, log, process)
    log.open("a").write("ERROR:shop:mark first.\n" * 10)
    select.select([], [], [], 1.5)
    started = time.monotonic()

    process.send_signal(signal.Signals[name])

    assert process.wait(DEADLINE) == 0
    assert time.monotonic() - started < 10
    assert server.messages[-1].params["title"] == "ERROR shop \N{MULTIPLICATION SIGN}10"
