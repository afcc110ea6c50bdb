"""Runs a command as if nobody stood between: output, signals and end pass through, a copy stays.

The command writes into pipes, so that it sees no terminal; what it writes is passed on at once.
"""

from __future__ import annotations

import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from subprocess import PIPE
from typing import IO

from .wakeups import wakeups

_CHUNK = 65_536
_KEPT = 65_536
"""Bytes of output that are remembered."""
_PASSED_ON = ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_OF_THE_TERMINAL = ("SIGINT", "SIGQUIT")
NOT_FOUND, NOT_STARTED = 127, 126
"""Exit codes of a command that could not be started, as shells have them."""


@dataclass(frozen=True)
class Ending:
    """How a command ended."""

    code: int
    """As a shell has it: 128 and the signal's number for one that a signal ended."""
    reason: str
    """In words, such as ``exit code 3`` or ``ended by SIGKILL``."""
    seconds: float | None
    """How long it took; None for one that could not be started."""
    output: bytes
    """The last of what it wrote, stdout and stderr as they came."""


@dataclass(frozen=True)
class _Way:
    """Where one of the command's outputs comes out of its pipe, and where it goes on to."""

    source: IO[bytes]
    target: int

    def is_ready(self) -> bool:
        return bool(select.select([self.source], [], [], 0)[0])


def supervise(command: Sequence[str]) -> Ending:
    """Run a command to its end. What it leaves running in the background is not waited for."""
    started = time.monotonic()
    kept = bytearray()
    with wakeups(signal.SIGCHLD, *(signal.Signals[name] for name in _PASSED_ON)) as news:
        try:
            child = subprocess.Popen(command, stdout=PIPE, stderr=PIPE, bufsize=0)
        except OSError as error:
            return _not_started(command[0], error)
        returned = _pass_on(child, news, kept)
    return Ending(
        returned if returned >= 0 else 128 - returned,
        f"exit code {returned}" if returned >= 0 else f"ended by {_name_of(-returned)}",
        time.monotonic() - started,
        bytes(kept),
    )


def _not_started(name: str, error: OSError) -> Ending:
    reason = f"could not be started: {error.strerror or error}"
    print(f"pushover-logging run: {name} {reason}", file=sys.stderr)
    code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_STARTED
    return Ending(code, reason, None, b"")


def _pass_on(child: subprocess.Popen[bytes], news: socket.socket, kept: bytearray) -> int:
    outputs = ((child.stdout, 1), (child.stderr, 2))
    ways = [_Way(source, target) for source, target in outputs if source is not None]
    with selectors.DefaultSelector() as selector:
        selector.register(news, selectors.EVENT_READ)
        for way in ways:
            selector.register(way.source, selectors.EVENT_READ, way)
        while (returned := child.poll()) is None:
            for key, _ in selector.select():
                if key.data is None:
                    _forward(news, child)
                elif not _copy(key.data, kept):
                    selector.unregister(key.data.source)
                    key.data.source.close()
    for way in ways:
        # What the command itself wrote is all in the pipe by now.
        while not way.source.closed and way.is_ready() and _copy(way, kept):
            pass  # until there is no more
        way.source.close()
    return returned


def _forward(news: socket.socket, child: subprocess.Popen[bytes]) -> None:
    for name in map(_name_of, news.recv(_CHUNK)):
        # The terminal sends Ctrl-C to all of us; once more would mean "at once!" to many programs.
        if name in _PASSED_ON and not (name in _OF_THE_TERMINAL and _in_foreground()):
            child.send_signal(signal.Signals[name])


def _in_foreground() -> bool:
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        try:
            return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
        except (OSError, ValueError, AttributeError):
            continue  # no terminal, or closed: the next one may be one
    return False


def _copy(way: _Way, kept: bytearray) -> bool:
    """Pass on what is there; False at its end, or where nobody is left to read it."""
    chunk = os.read(way.source.fileno(), _CHUNK)
    kept += chunk
    del kept[:-_KEPT]
    try:
        _write(way.target, chunk)
    except OSError:
        return False  # closing our end lets the command learn of it as if it wrote there itself
    return bool(chunk)


def _write(target: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        try:
            rest = rest[os.write(target, rest) :]
        except BlockingIOError:
            select.select([], [target], [])


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"  # a real-time signal has no name here
