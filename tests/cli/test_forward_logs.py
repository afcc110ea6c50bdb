"""``pushover-logging forward`` on all kinds of logs: pipes, rotated and compressed files."""

from __future__ import annotations

import gzip
import json
import os
import resource
import select
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pushover_logging.devserver import DevServer
from pushover_logging.forward import explain

from .forward_program import DEADLINE, EACH_ONE, FORWARD, append, environment, marks, once

Start = Callable[..., "subprocess.Popen[bytes]"]


def forward(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*FORWARD, *words],
        env=environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=DEADLINE,
        check=False,
        **options,  # type: ignore[call-overload]
    )


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([*FORWARD, *words], env=environment(), stderr=subprocess.PIPE)
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
    _, said = process.communicate(timeout=DEADLINE)
    return said


def test_explain_shows_each_line_and_sends_nothing(server: DevServer, log: Path) -> None:
    log.write_text(
        "2026-11-23 03:40:46,123 ERROR shop.pay: no card\n"
        "Traceback (most recent call last):\n"
        "ValueError: no card\n"
        "tick\n"
        "[2026-11-23 03:40:47 +0000] [71] [INFO] Booting worker\n"
    )

    run = forward("--explain", str(log))

    title, heading, *rows, summary = run.stdout.splitlines()[:8]
    assert (run.returncode, run.stderr, server.requests) == (0, "", [])
    assert title == f"{log}:"
    assert heading.split() == ["LINE", "LEVEL", "TIME", "LOGGER", "TEXT", "FORMAT"]
    assert rows[0].split()[:5] == ["1", "ERROR", "2026-11-23", "03:40:46", "shop.pay"]
    assert rows[2].endswith("  continues")
    assert rows[3].endswith("  not known")
    assert rows[4].endswith("  gunicorn")
    assert summary == "5 lines, 2 with a level, 1 of them WARNING or above"


def test_explain_numbers_the_lines_of_a_log_whose_last_line_has_no_end(log: Path) -> None:
    log.write_text("INFO:shop:a\n\nERROR:shop:b\nERROR:shop:c")

    rows = list(explain(log))

    assert [row.number for row in rows] == [1, 3, 4]


def test_explain_needs_no_account_and_goes_on_after_an_unreadable_file(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PUSHOVER_TOKEN", raising=False)
    append(log, 1)

    run = forward("--explain", "--json", str(log.parent), str(log))

    assert run.returncode == 2
    assert "cannot be read: Is a directory" in run.stderr
    assert json.loads(run.stdout)["lines"][0]["level"] == "ERROR"


def test_format_is_the_only_one_that_is_read(server: DevServer, log: Path) -> None:
    log.write_text("ERROR:shop:other\nE0105 10:00:00.123456 1 a.go:1] mark 1.\n")

    run = forward(str(log), "--once", "--format", "klog", *EACH_ONE)

    assert run.returncode == 0, run.stderr
    assert marks(server) == once(1)


def test_log_that_is_not_understood_is_said(server: DevServer, log: Path) -> None:
    log.write_text("tick\n" * 300)

    run = forward(str(log), "--once")

    assert run.stderr.count("\n") == 1
    assert (
        "app.log: none of the first 100 lines has a level that it knows, such as 'tick'"
        in run.stderr
    )


def test_alert_leaves_within_a_second_though_other_lines_keep_coming(
    server: DevServer, log: Path, start: Start
) -> None:
    log.touch()
    process = start(str(log), "--from-start", *EACH_ONE)
    append(log, "first")
    server.wait_for(1, DEADLINE)

    with log.open("a", buffering=1) as file:
        file.write("ERROR:shop:mark 1.\nTraceback (most recent call last):\n")
        began = time.monotonic()
        while len(server.messages) < 2 and time.monotonic() - began < 30:
            file.write('  File "a.py", line 1, in f\n')
            select.select([], [], [], 0.01)
        taken = time.monotonic() - began
    stop(process)

    assert marks(server) == once("first", 1)
    assert taken < 3  # a second, and what a busy machine adds


def test_fifo_is_read_and_opened_again_for_the_next_writer(
    server: DevServer, log: Path, start: Start
) -> None:
    os.mkfifo(log)
    process = start(str(log), *EACH_ONE)

    append(log, 1)
    server.wait_for(1, DEADLINE)
    append(log, 2)
    server.wait_for(2, DEADLINE)
    stop(process)

    assert process.returncode == 0
    assert marks(server) == once(1, 2)


@pytest.mark.parametrize("name", ["-", "/dev/stdin", "/dev/fd/0"])
def test_standard_input_is_read_by_any_of_its_names(server: DevServer, name: str) -> None:
    run = forward(name, *EACH_ONE, input="ERROR:shop:mark 1.\nERROR:shop:mark 2.")

    assert run.returncode == 0, run.stderr
    assert marks(server) == once(1, 2)


def test_standard_input_may_be_a_file(server: DevServer, log: Path) -> None:
    append(log, 1)

    with log.open() as file:
        run = forward("/dev/stdin", *EACH_ONE, stdin=file)

    assert run.returncode == 0, run.stderr
    assert marks(server) == once(1)


def test_pipe_has_no_places(server: DevServer, log: Path) -> None:
    os.mkfifo(log)

    run = forward(str(log), "--state", str(log.with_name("state")))

    assert run.returncode == 2
    assert "--state remembers places in files, and app.log has none" in run.stderr


def test_log_and_its_rotated_files_are_each_read_once(
    server: DevServer, log: Path, start: Start
) -> None:
    append(log.with_name("app.log.1"), "old")
    append(log, "new")
    (log.with_name("app.log.latest")).symlink_to(log)
    names = sorted(str(path) for path in log.parent.glob("app.log*"))
    process = start(*names, "--from-start", *EACH_ONE)
    server.wait_for(2, DEADLINE)

    log.with_name("app.log.1").rename(log.with_name("app.log.2"))
    log.rename(log.with_name("app.log.1"))
    append(log, "newest")
    server.wait_for(3, DEADLINE)
    select.select([], [], [], 1.0)
    said = stop(process)

    assert marks(server) == once("old", "new", "newest")
    assert b"is the same file as" in said


def test_compressed_logs_are_left_out_with_a_word_or_read(server: DevServer, log: Path) -> None:
    packed = log.with_name("app.log.2.gz")
    with gzip.open(packed, "wt") as file:
        file.write("ERROR:shop:mark 1.\n" * 3 + "ERROR:shop:mark 2.")
    append(log, 3)
    state = ("--state", str(log.with_name("state")))

    left_out = forward(str(log), str(packed), "--once", *state, *EACH_ONE)
    before = marks(server)
    read = [
        forward(str(log), str(packed), "--once", "--from-start", *state, *EACH_ONE)
        for _ in range(2)
    ]

    assert left_out.returncode == 0
    assert "app.log.2.gz is compressed and left out; --from-start reads it" in left_out.stderr
    assert before == Counter()
    assert [run.returncode for run in read] == [0, 0]
    assert marks(server)["2"] == 1


def test_damaged_log_does_not_end_the_others(server: DevServer, log: Path) -> None:
    packed = log.with_name("app.log.2.gz")
    packed.write_bytes(gzip.compress(b"ERROR:shop:mark 1.\n" * 1000)[:40])
    append(log, 3)

    run = forward(str(packed), str(log), str(log.parent), "--once", *EACH_ONE)

    assert run.returncode == 2
    assert "app.log.2.gz cannot be read: it is damaged" in run.stderr
    assert "cannot be read: Is a directory" in run.stderr
    assert marks(server)["3"] == 1


def small_files() -> None:
    """No file may get longer than nothing: what a full disk does to a state."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_state_that_cannot_be_saved_is_said_and_the_next_run_misses_nothing(
    server: DevServer, log: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "states"
    folder.mkdir()
    words = (str(log), "--once", "--from-start", "--state", str(folder / "state"), *EACH_ONE)
    append(log, 1)

    full = forward(*words, preexec_fn=small_files)
    left = sorted(os.listdir(folder))
    append(log, 2)
    again = forward(*words)

    assert full.returncode == 75
    assert full.stderr.count("--state could not be saved: File too large") == 1
    assert left == ["state.lock"]
    assert again.returncode == 0
    assert marks(server) == once(1, 1, 2)


def test_signal_is_heeded_in_the_middle_of_a_long_log(
    server: DevServer, log: Path, start: Start
) -> None:
    line = f"2026-11-23 03:40:46,123 INFO shop: {'x' * 80}\n"
    with log.open("w") as file:
        file.write("ERROR:shop:mark 1.\n")
        for _ in range(200):
            file.write(line.replace("INFO", "tick") * 5000)
    process = start(str(log), "--from-start", *EACH_ONE)
    server.wait_for(1, DEADLINE)

    began = time.monotonic()
    process.terminate()
    process.wait(DEADLINE)

    assert process.returncode == 0
    assert time.monotonic() - began < 5


@pytest.mark.slow
def test_signal_ends_the_wait_for_a_service_that_is_away(
    server: DevServer, log: Path, start: Start
) -> None:
    server.fault("status", None, path="messages.json", status=503)
    append(log, 1)
    process = start(str(log), "--from-start", *EACH_ONE, "--option", "exit_timeout=3s")
    poll_until(lambda: len(server.requests) > 0)

    began = time.monotonic()
    process.terminate()
    process.wait(DEADLINE)

    assert process.returncode == 75
    assert 3 <= time.monotonic() - began < 15


def poll_until(done: Callable[[], bool]) -> None:
    until = time.monotonic() + DEADLINE
    while not done() and time.monotonic() < until:
        select.select([], [], [], 0.02)


@pytest.mark.slow
def test_kill_at_full_speed_repeats_less_than_a_second_of_it(
    server: DevServer, log: Path, tmp_path: Path, start: Start
) -> None:
    numbers = range(15_000)
    with log.open("w") as file:
        for number in numbers:
            level = "WARNING" if number % 20 == 0 else "INFO"
            file.write(f"2026-11-23 03:40:46,123 {level} shop: mark n{number}.\n" * 3)
    words = (str(log), "--from-start", "--state", str(tmp_path / "state"), *EACH_ONE)
    server.set_quota(remaining=100_000)
    process = start(*words)
    server.wait_for(600, DEADLINE)

    process.kill()
    process.wait(DEADLINE)
    seen = len(server.messages)
    run = forward(*words, "--once")

    assert run.returncode == 0, run.stderr
    assert marks(server).keys() == {f"n{number}" for number in numbers if number % 20 == 0}
    assert len(server.messages) - 2250 < seen
