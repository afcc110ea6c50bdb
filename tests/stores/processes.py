"""Real processes for the tests of stores: Python programs that are killed and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

DEADLINE = 60.0


@contextmanager
def running(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process that runs the program; it is killed at the end of the with block."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.communicate()


def output_of(program: str, *arguments: object) -> str:
    """What the program prints; it must end well."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        timeout=DEADLINE,
    ).stdout


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line that the process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def say(process: subprocess.Popen[str], line: str) -> None:
    """Gives the process a line to read."""
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def eventually(
    condition: Callable[[], object], seconds: float = DEADLINE, pause: float = 0.02
) -> float:
    """Waits until the condition holds and returns how long that took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() < started + seconds, "it did not happen in time"
        time.sleep(pause)
    return time.monotonic() - started


def kill(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def stop(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """Stop a process; under load its other threads may run on for a while after the signal."""
    os.kill(process.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
