"""Runs a program as a real process with a deadline against a real server, and tells the outcome."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from back_door import BackDoor
from invariants import Evidence, violations

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
MARK = re.compile(r"mark-[g-z]{4}(?![a-z])")
STANDS_FOR = re.compile("\N{MULTIPLICATION SIGN}(\\d+)$")
OWN_REPORT = re.compile(r"log records? w(?:as|ere) dropped|month's pushes run low")


@dataclass(frozen=True)
class Outcome:
    """What a program did, as seen from outside."""

    exit_code: int
    stdout: str
    stderr: str
    duration: float
    """Seconds from the start of the process to its end."""
    ending: float
    """Seconds from the program's ``main_ends()`` to its end; infinite if it never said so."""
    notes: Mapping[str, Any]
    messages: Sequence[Any] = ()
    requests: Sequence[Any] = ()

    @property
    def texts(self) -> list[str]:
        """The text of every message that the server accepted."""
        return [message.params["message"] for message in self.messages]

    @property
    def marks(self) -> Counter[str]:
        """How often each mark stands in the texts that the server accepted."""
        return Counter(found for text in self.texts for found in MARK.findall(text))

    @property
    def records(self) -> int:
        """How many records the accepted messages stand for, by the counts in their titles."""
        return sum(stands_for(message) for message in self.messages)

    @property
    def sends(self) -> list[Any]:
        """The requests that wanted to send a message, whatever became of them."""
        return [request for request in self.requests if request.path.endswith("messages.json")]

    @property
    def complaints(self) -> list[str]:
        """The lines on stderr."""
        return self.stderr.splitlines()

    def text(self, words: str) -> str:
        """The one accepted text that contains the words."""
        found = [text for text in self.texts if words in text]
        assert len(found) == 1, f"{len(found)} texts contain {words!r}: {self.texts}"
        return found[0]


def stands_for(message: Any) -> int:
    """How many records one accepted message stands for: none if the handler speaks of itself."""
    title = message.params.get("title", "")
    if OWN_REPORT.search(title):
        return 0
    counted = STANDS_FOR.search(title)
    return int(counted[1]) if counted else 1


def mark(number: int) -> str:
    """The same word as the programs' ``mark(number)``."""
    return "mark-" + "".join("ghjkmnpqrstvwxyz"[number >> shift & 15] for shift in (12, 8, 4, 0))


def each_once(count: int) -> Counter[str]:
    """What ``Outcome.marks`` is when the marks below count arrived exactly once."""
    return Counter(mark(number) for number in range(count))


BUSY = 3.0
"""Seconds that a busy machine may add: a bound is there to tell a wait that should not be, which
takes longer than that."""


def quickest(
    run: Callable[[], Outcome], bound: float, seconds: Callable[[Outcome], float] | None = None
) -> Outcome:
    """The first of three runs within the bound, else the quickest: a busy machine is no defect."""
    measured = seconds or (lambda outcome: outcome.ending)
    outcomes: list[Outcome] = []
    while len(outcomes) < 3:
        outcomes.append(run())
        if measured(outcomes[-1]) < bound:
            break
    return min(outcomes, key=measured)


@dataclass
class Scenario:
    """Runs programs against one server and holds what must be true after each of them."""

    folder: Path
    server: Any
    runs: int = field(default=0, init=False)

    def run(
        self,
        program: str,
        *,
        env: Mapping[str, str] | None = None,
        deadline: float = 20.0,
        exit_code: int = 0,
        processes: int = 1,
    ) -> Outcome:
        """Run the program to its end; fails if that, or what must always hold, doesn't hold."""
        script = self.folder / f"program{self.runs}.py"
        script.write_text(program, encoding="utf-8")
        command = [sys.executable, str(script)]
        return self.run_command(
            command, env=env, deadline=deadline, exit_code=exit_code, processes=processes
        )

    def run_command(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        deadline: float = 20.0,
        exit_code: int = 0,
        processes: int = 1,
        meanwhile: Callable[[subprocess.Popen[bytes]], None] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> Outcome:
        """Run a command the same way; ``meanwhile`` is called once it has started."""
        run = _Run(self.folder / f"run{self.runs}", deadline)
        self.runs += 1
        accepted, asked = len(self.server.messages), len(self.server.requests)
        environment = {**self.environment(), **run.environment(), **(env or {})}
        with BackDoor(self.server) as door:
            environment["SCENARIO_BACK_DOOR"] = str(door.port)
            ended = run.execute(command, environment, meanwhile, pass_fds)
        outcome = run.outcome(ended, self.server.messages[accepted:], self.server.requests[asked:])
        broken = violations(
            Evidence(
                outcome=outcome,
                expected_exit_code=exit_code,
                processes=processes,
                secrets=(environment["PUSHOVER_TOKEN"], environment["PUSHOVER_USER"]),
                max_connections=self.server.max_connections,
                max_in_flight=self.server.max_in_flight,
            )
        )
        assert not broken, run.report(broken)
        return outcome

    def environment(self) -> dict[str, str]:
        """What a program finds in its environment: ours, cleaned, and the way to the server."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PUSHOVER")}
        return {
            **inherited,
            "PYTHONPATH": os.pathsep.join([str(PROJECT), str(HERE), *_inherited_path()]),
            "PYTHONUTF8": "1",
            "PUSHOVER_API_URL": self.server.url,
            "PUSHOVER_TOKEN": self.server.token,
            "PUSHOVER_USER": self.server.user,
        }


@dataclass
class _Run:
    """One process, its files and its deadline."""

    folder: Path
    deadline: float
    started: float = field(default=0.0, init=False)
    ended: float = field(default=0.0, init=False)
    overdue: bool = field(default=False, init=False)

    def environment(self) -> dict[str, str]:
        self.folder.mkdir()
        return {
            "SCENARIO_NOTES": str(self.folder / "notes"),
            "SCENARIO_DUMP": str(self.folder / "dump"),
        }

    def execute(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        meanwhile: Callable[[subprocess.Popen[bytes]], None] | None,
        pass_fds: Sequence[int],
    ) -> subprocess.Popen[bytes]:
        with (self.folder / "stdout").open("wb") as out, (self.folder / "stderr").open("wb") as err:
            self.started = time.monotonic()
            process = subprocess.Popen(
                command,
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                pass_fds=pass_fds,
            )
        watchdog = threading.Timer(self.deadline, self._stop, [process])
        watchdog.start()
        try:
            self._do(meanwhile, process)
            process.wait()  # without a timeout, for that one polls and so ends late
            self.ended = time.monotonic()
        finally:
            watchdog.cancel()
            _signal_group(process.pid, signal.SIGKILL)
            process.wait()
        return process

    def _do(
        self,
        meanwhile: Callable[[subprocess.Popen[bytes]], None] | None,
        process: subprocess.Popen[bytes],
    ) -> None:
        try:
            if meanwhile is not None:
                meanwhile(process)
        except Exception as error:
            raise AssertionError(self.report([f"meanwhile: {error!r}"])) from error

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        self.overdue = True
        _signal_group(process.pid, signal.SIGUSR1)  # the stage dumps its stacks
        time.sleep(0.2)  # nothing tells that all processes have dumped
        _signal_group(process.pid, signal.SIGKILL)

    def outcome(
        self, process: subprocess.Popen[bytes], messages: Sequence[Any], requests: Sequence[Any]
    ) -> Outcome:
        assert not self.overdue, self.report([f"it didn't end within {self.deadline} s"])
        notes = self._notes(process.pid)
        return Outcome(
            exit_code=process.returncode,
            stdout=self._read("stdout"),
            stderr=self._read("stderr"),
            duration=self.ended - self.started,
            ending=self.ended - notes.get("main_ended", float("-inf")),
            notes=notes,
            messages=messages,
            requests=requests,
        )

    def _notes(self, pid: int) -> dict[str, Any]:
        """What the main process noted, and under ``processes`` what all of them did."""
        lines = [json.loads(line) for line in self._read("notes").splitlines()]
        merged: dict[str, Any] = {"processes": lines}
        for line in lines:
            if line["pid"] == pid:
                merged.update(line)
        return merged

    def _read(self, name: str) -> str:
        path = self.folder / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def report(self, broken: Sequence[str]) -> str:
        """What a failing test shows."""
        parts = [f"- {line}" for line in broken]
        for name in ("stdout", "stderr", "notes", "dump"):
            parts.append(f"--- {name} ---\n{self._read(name)[-6000:]}")
        return "\n".join(["the scenario did not end well:", *parts])


def _inherited_path() -> list[str]:
    return [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]


def _signal_group(pgid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pgid, number)
    except ProcessLookupError:
        pass  # all of it has ended, which is what we want
