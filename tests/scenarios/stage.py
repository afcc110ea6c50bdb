"""What a scenario's program stands on: a handler with short waits, marks, notes for the test.

Only the programs import this, in their own process. It also leaves a farewell note from the very
last atexit callback, so that the test sees how the process ended.
"""

from __future__ import annotations

import atexit
import faulthandler
import importlib
import json
import logging
import os
import signal
import socket
import threading
import time
import warnings
from typing import Any

DIGITS = "ghjkmnpqrstvwxyz"
SHORT_WAITS: dict[str, Any] = {
    "grouping": {"interval": 300, "max_per_minute": 100_000},
    "retry_policy": {"wait_initial": 0.1, "wait_max": 0.4},
}

# Forking while threads run is what some scenarios are about; 3.12 and later warn of it.
warnings.filterwarnings("ignore", message=".*use of fork.*", category=DeprecationWarning)


def mark(number: int) -> str:
    """A word to count at the server, without digits, so that each one makes its own group."""
    return "mark-" + "".join(DIGITS[number >> shift & 15] for shift in (12, 8, 4, 0))


def handler(**options: Any) -> Any:
    """The handler under test, or the one that SCENARIO_HANDLER names, with waits made short."""
    module, _, name = os.environ.get("SCENARIO_HANDLER", "").rpartition(":")
    home = importlib.import_module(module or "pushover_logging")
    factory = getattr(home, name or "PushoverHandler")
    return factory(**{**SHORT_WAITS, **options})


def attach(name: str | None = None, **options: Any) -> Any:
    """A handler on the logger of that name, which lets everything through."""
    attached = handler(**options)
    logger = logging.getLogger(name)
    logger.addHandler(attached)
    logger.setLevel(logging.DEBUG)
    return attached


def config(*, root_level: str = "INFO", **options: Any) -> dict[str, Any]:
    """A dictConfig with the handler on the root logger."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"phone": {"()": handler, **options}},
        "root": {"level": root_level, "handlers": ["phone"]},
    }


def note(**facts: Any) -> None:
    """Tell the test something; the latest value of a name counts."""
    line = json.dumps({"pid": os.getpid(), **facts}) + "\n"
    descriptor = os.open(os.environ["SCENARIO_NOTES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def main_ends() -> None:
    """The last line of a program whose exit is measured."""
    note(main_ended=time.monotonic())


def accounts(attached: Any) -> None:
    """Tell the test what the handler has counted."""
    stats = attached.stats()
    note(
        accepted=stats.accepted,
        delivered=stats.delivered,
        pending=stats.pending,
        dropped=dict(stats.dropped),
    )


def until(condition: Any, timeout: float = 10.0) -> bool:
    """Wait for the condition, at most so long; returns what it said last."""
    end = time.monotonic() + timeout
    while not (met := condition()) and time.monotonic() < end:
        threading.Event().wait(0.01)
    return bool(met)


def threads_beside_main() -> int:
    """How many threads the system counts: ``threading`` knows those not that it didn't start."""
    return len(os.listdir("/proc/self/task")) - 1


def requests_begun() -> int:
    """How many requests the server has begun to answer."""
    return int(_back_door("requests"))


def clear_faults() -> None:
    """Let the service recover."""
    _back_door("clear_faults")


def _back_door(command: str) -> str:
    address = ("127.0.0.1", int(os.environ["SCENARIO_BACK_DOOR"]))
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(f"{command}\n".encode())
        return connection.makefile().readline()


def _farewell() -> None:
    alive = [t.name for t in threading.enumerate() if t is not threading.main_thread()]
    lasting = [
        t.name for t in threading.enumerate() if t is not threading.main_thread() and not t.daemon
    ]
    note(threads_alive=alive, lasting_threads=lasting)


if "SCENARIO_NOTES" in os.environ:
    atexit.register(_farewell)
    # A signal rather than dump_traceback_later: a forked child that ends well waits for ever for
    # the thread that the latter leaves with the parent.
    _dump = open(os.environ["SCENARIO_DUMP"], "a")  # noqa: SIM115 - faulthandler keeps it
    faulthandler.register(signal.SIGUSR1, file=_dump)
