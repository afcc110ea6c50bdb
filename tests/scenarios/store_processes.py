"""Processes that share a store, and the store itself, for the scenarios with a durable store."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import Scenario, stands_for

DEADLINE = 90.0


@dataclass
class Processes:
    """Starts programs on one store, ends those that are left, and tells what the server got."""

    scenario: Scenario
    server: Any
    url: str
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(
        self, program: str, *arguments: object, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """A process that runs the program; STORE in its environment is the address of the store."""
        number = len(self.started)
        folder = self.scenario.folder
        environment = {
            **self.scenario.environment(),
            "STORE": self.url,
            "SCENARIO_NOTES": str(folder / "notes"),
            "SCENARIO_DUMP": str(folder / "dump"),
            **(env or {}),
        }
        with self._stderr(number).open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-c", program, *map(str, arguments)],
                env=environment,
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def run(self, program: str, *arguments: object, env: Mapping[str, str] | None = None) -> str:
        """Run a program to its end, which must be good; what it wrote to stderr."""
        process = self.start(program, *arguments, env=env)
        return self.wait(process)

    def wait(self, process: subprocess.Popen[bytes], exit_code: int = 0) -> str:
        """Wait for the end of a process; what it wrote to stderr."""
        process.communicate(timeout=DEADLINE)
        stderr = self.stderr(process)
        assert process.returncode == exit_code, stderr
        return stderr

    def stderr(self, process: subprocess.Popen[bytes]) -> str:
        return self._stderr(self.started.index(process)).read_text(errors="replace")

    def everything_said(self) -> str:
        return "".join(self.stderr(process) for process in self.started)

    def say(self, process: subprocess.Popen[bytes], line: str = "") -> None:
        """Give the process a line to read."""
        assert process.stdin is not None
        process.stdin.write(line.encode() + b"\n")
        process.stdin.flush()

    def line(self, process: subprocess.Popen[bytes]) -> str:
        """The next line that the process prints."""
        assert process.stdout is not None
        line = process.stdout.readline().decode().strip()
        assert line, self.stderr(process)
        return line

    @property
    def records(self) -> int:
        """How many records the accepted messages stand for."""
        return sum(stands_for(message) for message in self.server.messages)

    @property
    def emergencies(self) -> list[Any]:
        return [m for m in self.server.messages if m.params.get("priority") == "2"]

    @property
    def texts(self) -> str:
        """All accepted messages, titles too."""
        return "\n".join(f"{m.params.get('title')}\n{m.params['message']}" for m in self.messages)

    @property
    def messages(self) -> list[Any]:
        return list(self.server.messages)

    def end(self) -> None:
        for process in self.started:
            if process.poll() is None:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass  # it ended by itself meanwhile
            process.communicate()

    def _stderr(self, number: int) -> Path:
        return self.scenario.folder / f"stderr{number}"


def eventually(condition: Callable[[], object], seconds: float = DEADLINE) -> None:
    """Wait until the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder on a tmpfs."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@dataclass
class RedisServer:
    """A redis-server that a test may end and start again; what it holds is kept."""

    program: str
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self.process = subprocess.Popen(
            [self.program, *options, "--appendonly", "yes", "--appendfsync", "always"],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        eventually(self._answers, 20)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"
        except OSError:
            return False


def redis_program() -> str | None:
    return shutil.which("redis-server") or shutil.which("valkey-server")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
