"""``pushover-logging run``: a command runs as if nobody stood between; failures are pushed."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.cli.run import message_of
from pushover_logging.cli.supervising import Ending
from pushover_logging.devserver import DevServer

PROJECT = Path(__file__).parents[2]
DEADLINE = 60.0
RUN = (sys.executable, "-m", "pushover_logging", "run")


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONUTF8": "1"}


def run(*words: str, text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*RUN, *words],
        env=environment(),
        input=text,
        capture_output=True,
        timeout=DEADLINE,
        check=False,
    )


def start(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*RUN, *words],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def python(code: str) -> tuple[str, ...]:
    return ("--", sys.executable, "-c", code)


def test_failure_is_pushed_with_its_last_lines_and_the_exit_code_is_the_commands(
    server: DevServer,
) -> None:
    ended = run("--", "sh", "-c", "echo first; sleep 0.05; echo last >&2; exit 3")

    params = server.messages[0].params
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, b"first\n", b"last\n")
    assert params["title"] == f"sh failed on {os.uname().nodename}"
    assert params["message"].startswith("exit code 3 after 0.")
    assert params["message"].endswith(" s\n\nfirst\nlast")
    assert (params["priority"], params["monospace"]) == ("1", "1")


def test_success_is_pushed_only_if_asked_for(server: DevServer) -> None:
    quiet = run("--", "true")
    asked = run("--always", "--title", "nightly", "--", "echo", "fine")

    params = server.messages[0].params
    assert (quiet.returncode, asked.returncode) == (0, 0)
    assert len(server.messages) == 1
    assert (params["title"], params["priority"]) == ("nightly", "-1")
    assert params["message"].startswith("exit code 0 after")


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (["--title", "caf\udce9\x07", "--", "false"], "caf\ufffd\\x07"),
        (["--title", " ", "--", "false"], f"false failed on {os.uname().nodename}"),
        (["--", "no-such-\udcff"], f"no-such-\ufffd failed on {os.uname().nodename}"),
        (["--title", "x" * 300, "--", "false"], "x" * 250),
    ],
)
def test_failure_is_pushed_whatever_its_title(
    server: DevServer, words: list[str], title: str
) -> None:
    run(*words)

    assert server.messages[0].params["title"] == title


def test_failure_is_pushed_with_a_closed_standard_input(server: DevServer) -> None:
    code = "import sys; sys.exit(3 if sys.stdin is None or not sys.stdin.read() else 4)"

    ended = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "-", *RUN, *python(code)],
        env=environment(),
        capture_output=True,
        timeout=DEADLINE,
        check=False,
    )

    assert ended.returncode == 3
    assert server.messages[0].params["message"].startswith("exit code 3 ")


def test_emergency_has_what_the_service_demands(server: DevServer) -> None:
    run("--priority", "emergency", "--sound", "siren", "--device", "phone", "--", "false")

    [message] = server.messages
    assert message.receipt
    assert (message.params["sound"], message.params["device"]) == ("siren", "phone")


def test_bytes_pass_unchanged_and_input_is_passed_on(server: DevServer) -> None:
    content = bytes(range(256)) * 2000

    ended = run("--", "cat", text=content)

    assert ended.stdout == content
    assert server.messages == []


def test_words_after_the_dashes_are_the_commands(server: DevServer) -> None:
    ended = run("--", "printf", "%s,", "-p", "--always", "--", "x")

    assert ended.stdout == b"-p,--always,--,x,"


def test_output_passes_at_once() -> None:
    with start(*python("import sys; print('a', flush=True); sys.stdin.read()")) as process:
        assert process.stdin
        assert process.stdout
        first = process.stdout.read(2)

        process.stdin.close()

        assert first == b"a\n"
        assert process.wait(DEADLINE) == 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2"])
def test_signals_reach_the_command(server: DevServer, name: str) -> None:
    code = (
        "import signal, sys, threading\n"
        f"signal.signal(signal.{name}, lambda *_: sys.exit(7))\n"
        "print('ready', flush=True)\n"
        "threading.Event().wait(60)"
    )
    with start(*python(code)) as process:
        assert process.stdout
        process.stdout.read(6)

        process.send_signal(signal.Signals[name])

        assert process.wait(DEADLINE) == 7
    assert server.wait_for(1)[0].params["message"].startswith("exit code 7 ")


def test_end_by_a_signal_is_named_and_is_128_and_more_as_in_a_shell(server: DevServer) -> None:
    ended = run("--", "sh", "-c", "kill -KILL $$")

    assert ended.returncode == 128 + signal.SIGKILL
    assert server.messages[0].params["message"].startswith("ended by SIGKILL after")


def test_ctrl_c_reaches_the_command_once() -> None:
    code = (
        "import signal, time\n"
        "times = []\n"
        "signal.signal(signal.SIGINT, lambda *_: times.append(1))\n"
        "print('ready', flush=True)\n"
        "until = time.monotonic() + 30\n"
        "while not times and time.monotonic() < until: signal.sigtimedwait([], 0.05)\n"
        "signal.sigtimedwait([], 0.5)\n"
        "print('interrupts:', len(times))"
    )
    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, [*RUN, *python(code)], environment())
    seen = read_until(terminal, b"ready")
    os.write(terminal, b"\x03")

    seen += read_until(terminal, b"interrupts: ")
    seen += os.read(terminal, 10)

    assert b"interrupts: 1" in seen
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(terminal)


def read_until(terminal: int, mark: bytes) -> bytes:
    seen = b""
    while mark not in seen:
        seen += os.read(terminal, 1)
    return seen


def test_what_is_ignored_stays_ignored() -> None:
    code = "import signal; print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"

    ended = subprocess.run(
        ["sh", "-c", 'trap "" HUP; exec "$@"', "-", *RUN, *python(code)],
        env=environment(),
        capture_output=True,
        timeout=DEADLINE,
        check=True,
    )

    assert ended.stdout == b"True\n"


@pytest.mark.parametrize(("word", "code"), [("no-such-command", 127), ("/etc/passwd", 126)])
def test_command_that_cannot_start_is_pushed(server: DevServer, word: str, code: int) -> None:
    ended = run("--", word)

    assert ended.returncode == code
    assert server.messages[0].params["message"].startswith("could not be started: ")
    assert ended.stderr.count(b"\n") == 1


def test_what_stays_in_the_background_is_not_waited_for(server: DevServer) -> None:
    started = time.monotonic()

    ended = run("--", "sh", "-c", "sleep 20 & echo started")

    assert ended.stdout == b"started\n"
    assert time.monotonic() - started < 15


def test_reader_that_leaves_ends_the_command_as_without_us(server: DevServer) -> None:
    with start("--", "seq", "10000000") as process:
        assert process.stdout
        process.stdout.readline()

        process.stdout.close()

        assert process.wait(DEADLINE) == 128 + signal.SIGPIPE


@pytest.mark.parametrize("trouble", ["no server", "refused", "no token"])
def test_exit_code_is_the_commands_though_the_push_fails(
    server: DevServer, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    if trouble == "no server":
        monkeypatch.setenv("PUSHOVER_API_URL", "http://127.0.0.1:9/1/")
    elif trouble == "refused":
        monkeypatch.setenv("PUSHOVER_TOKEN", "w" * 30)
    else:
        monkeypatch.delenv("PUSHOVER_TOKEN")

    ended = run("--try-for", "0", "--", "sh", "-c", "echo out; exit 3")

    assert (ended.returncode, ended.stdout) == (3, b"out\n")
    assert ended.stderr.splitlines()[-1].startswith(b"pushover-logging run: not pushed: ")
    assert b"w" * 30 not in ended.stderr


@pytest.mark.slow
def test_push_outlives_a_short_outage(server: DevServer) -> None:
    server.fault("status", status=503)

    ended = run("--", "false")

    assert ended.returncode == 1
    assert [request.status for request in server.requests] == [503, 200]


def test_progress_bars_and_colours_are_shown_as_what_they_came_to() -> None:
    ending = Ending(1, "exit code 1", 3725, b"10%\r50%\r100%\n\x1b[1;31mbroken\x1b[0m\r\n\n")

    assert message_of(ending, 20) == "exit code 1 after 1 h 2 min\n\n100%\nbroken"


@given(st.binary(max_size=5000), st.integers(min_value=0, max_value=50))
def test_message_always_fits_and_says_the_reason(output: bytes, lines: int) -> None:
    message = message_of(Ending(3, "exit code 3", 1.0, output), lines)

    assert len(message) <= 1024
    assert message.startswith("exit code 3 after 1.0 s")


@given(st.lists(st.text("abc", min_size=1, max_size=40), min_size=1, max_size=60))
def test_as_many_of_the_last_lines_as_fit_are_shown(lines: list[str]) -> None:
    output = "\n".join(lines).encode()

    shown = message_of(Ending(3, "exit code 3", 1.0, output), 20).splitlines()[2:]

    assert shown == lines[-len(shown) :]
    assert len(shown) == min(20, len(lines)) or sum(map(len, shown)) > 900
