"""Runs the examples as a user does: a copy of their files, the commands of their page, a server."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

PROJECT = Path(__file__).parent.parent.parent
PAGES = PROJECT / "docs" / "howto"
STANDS_FOR = re.compile("\N{MULTIPLICATION SIGN}(\\d+)$")
DEADLINE = 30.0


class Push(NamedTuple):
    """What a user reads on the lock screen."""

    title: str
    text: str
    priority: int

    @property
    def records(self) -> int:
        """How many log records it stands for."""
        counted = STANDS_FOR.search(self.title)
        return int(counted[1]) if counted else 1


class Service:
    """A running command, such as a server or a worker."""

    def __init__(self, process: subprocess.Popen[str], output: Path) -> None:
        self.process = process
        self._output = output

    @property
    def output(self) -> str:
        """Everything it has written so far, on stdout and stderr."""
        return self._output.read_text("utf-8", "replace")

    def until(self, condition: Callable[[], object], timeout: float = DEADLINE) -> None:
        """Wait for something to be true while the command runs."""
        end = time.monotonic() + timeout
        while not condition():
            assert self.process.poll() is None, f"it ended too early:\n{self.output}"
            assert time.monotonic() < end, f"nothing came within {timeout:g} s:\n{self.output}"
            time.sleep(0.02)

    def get(self, address: str) -> tuple[int, str]:
        """Status and text of a page, from a server that may be about to start."""
        end = time.monotonic() + DEADLINE
        while True:
            try:
                with urllib.request.urlopen(address, timeout=DEADLINE) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode("utf-8", "replace")
            except OSError:
                assert self.process.poll() is None, f"it ended too early:\n{self.output}"
                assert time.monotonic() < end, f"{address} does not answer:\n{self.output}"
                time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal and wait for the end; returns the exit code."""
        self.process.send_signal(number)
        try:
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not stop:\n{self.output}") from None


@dataclass
class Example:
    """A copy of ``examples/NAME``, beside a local Pushover server."""

    name: str
    folder: Path
    server: Any
    extra_environment: dict[str, str] = field(default_factory=dict)

    def command(self, start: str) -> str:
        """The only command of the how-to page that begins with these words."""
        return command_of(self.name, start)

    def environment(self) -> dict[str, str]:
        """The environment of a program that finds the local server in place of Pushover."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PUSHOVER")}
        return {
            **inherited,
            "HOME": str(self.folder.parent),
            "PATH": os.pathsep.join([*_commands(), os.environ.get("PATH", os.defpath)]),
            "PYTHONPATH": str(PROJECT),
            "PYTHONUNBUFFERED": "1",
            "PYTHONUTF8": "1",
            "XDG_STATE_HOME": str(self.folder.parent / "state"),
            "PUSHOVER_API_URL": self.server.url,
            "PUSHOVER_TOKEN": self.server.token,
            "PUSHOVER_USER": self.server.user,
            **self.extra_environment,
        }

    def run(
        self,
        command: str | Sequence[str],
        *,
        env: Mapping[str, str | None] = {},
        exit_code: int = 0,
    ) -> str:
        """Run a command to its end, and return its output. ``None`` removes a variable."""
        words = shlex.split(command) if isinstance(command, str) else command
        environment = {
            name: value
            for name, value in {**self.environment(), **env}.items()
            if value is not None
        }
        done = subprocess.run(
            words,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode == exit_code, f"exit code {done.returncode}:\n{done.stdout}"
        return done.stdout

    @contextmanager
    def start(self, command: str | Sequence[str], **env: str) -> Iterator[Service]:
        """Run a command until the ``with`` block ends."""
        words = shlex.split(command) if isinstance(command, str) else command
        output = self.folder.parent / f"output-{time.monotonic_ns()}"
        with output.open("w") as stream:
            process = subprocess.Popen(
                words,
                cwd=self.folder,
                env={**self.environment(), **env},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        try:
            yield Service(process, output)
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # all of it has ended
            process.wait()

    def drain_store(self, store: str = "local") -> None:
        """Send what the processes of a store have counted, as the next process of it does."""
        program = (
            "import logging, pushover_logging\n"
            f"handler = pushover_logging.PushoverHandler(store={store!r})\n"
            "assert handler.drain(10)"
        )
        self.run([sys.executable, "-c", program])

    @property
    def pushes(self) -> list[Push]:
        """What has arrived so far, oldest first."""
        return [
            Push(
                message.params.get("title", ""),
                message.params["message"],
                int(message.params.get("priority", 0)),
            )
            for message in self.server.messages
        ]

    @property
    def rings(self) -> int:
        """How many emergencies have arrived."""
        return sum(push.priority == 2 for push in self.pushes)

    def records(self, title: str = "") -> int:
        """How many log records the pushes stand for, of those whose titles begin like this."""
        return sum(push.records for push in self.pushes if push.title.startswith(title))

    def push(self, words: str) -> Push:
        """The only push whose title or text contains the words."""
        found = [push for push in self.pushes if words in push.title or words in push.text]
        assert len(found) == 1, f"{len(found)} pushes contain {words!r}: {self.pushes}"
        return found[0]


def command_of(page: str, start: str) -> str:
    """The only ``$`` line of the page that begins with these words."""
    lines = (PAGES / f"{page}.rst").read_text("utf-8").splitlines()
    commands = [line.strip()[2:] for line in lines if line.strip().startswith("$ ")]
    found = [command for command in commands if command.startswith(start)]
    assert len(found) == 1, f"{page}.rst has {len(found)} commands {start!r}: {commands}"
    return found[0]


def complaints(output: str) -> list[str]:
    """Lines about anything but alerts that a store keeps for the next process."""
    lines = [line for line in output.splitlines() if "pushover_logging:" in line]
    return [line for line in lines if "in the store; the next process" not in line]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _commands() -> list[str]:
    """The folders of the commands that are installed with this Python and its libraries."""
    libraries = [Path(entry) for entry in sys.path if entry.endswith("site-packages")]
    folders = [Path(sys.executable).parent, *(each.parents[2] / "bin" for each in libraries)]
    return [str(folder) for folder in folders if folder.is_dir()]


def need_command(name: str) -> str:
    """The path of a command; the test is skipped where it is missing."""
    import pytest

    found = shutil.which(name, path=os.pathsep.join([*_commands(), os.environ.get("PATH", "")]))
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found
