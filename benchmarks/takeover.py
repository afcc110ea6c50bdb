"""Measures what a store costs while nothing happens, and how long a takeover takes."""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from pushover_logging.devserver import DevServer

IDLE = """
import logging, os, resource, sys, time
from pushover_logging import PushoverHandler
phone = PushoverHandler(store=os.environ["STORE"])
log = logging.getLogger("shop")
log.addHandler(phone)
if sys.argv[1] == "logged":
    log.warning("the process %s has started", os.getpid())
time.sleep(2)
print("ready", flush=True)
sys.stdin.readline()
def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
cpu, began = used(), time.monotonic()
time.sleep(float(sys.argv[2]))
print(100 * (used() - cpu) / (time.monotonic() - began), flush=True)
sys.stdin.readline()
"""

LOGS = """
import logging, os, sys, time
from pushover_logging import PushoverHandler
log = logging.getLogger("shop")
log.addHandler(PushoverHandler(store=os.environ["STORE"], grouping={"max_per_minute": 100_000}))
print("ready", flush=True)
for line in sys.stdin:
    log.error("%s %s" % (line.strip(), "x" * int(line)))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--redis", help="address of a redis server, such as redis://127.0.0.1/0")
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, DevServer() as server:
        stores = {"sqlite": f"sqlite://{folder}/store.db"}
        if given.redis:
            stores["redis"] = f"{given.redis}?namespace={Path(folder).name}"
        for name, url in stores.items():
            environment = {
                **os.environ,
                "STORE": url,
                "PUSHOVER_API_URL": server.url,
                "PUSHOVER_TOKEN": server.token,
                "PUSHOVER_USER": server.user,
            }
            for what in ("silent", "logged"):
                for role, percent in idle(environment, what, given.seconds).items():
                    print(f"{name}: idle {role}, {what}: {percent:.2f} % of a core")
            print(f"{name}: log call to server: {1000 * latency(environment, server):.0f} ms")
            print(f"{name}: takeover after kill -9: {takeover(environment, server):.2f} s")


def idle(environment: Mapping[str, str], what: str, seconds: float) -> dict[str, float]:
    """Percent of a core that the sender and another process use."""
    running = [_start(environment, IDLE, what, seconds) for _ in range(2)]
    for process in running:
        _line(process)
    for process in running:
        _say(process, "go")
    measured = dict(zip(("sender", "other"), [float(_line(p)) for p in running], strict=True))
    for process in running:
        process.communicate("end\n")
    return measured


def latency(environment: Mapping[str, str], server: DevServer) -> float:
    """The median of 20 calls in a process that sends for itself."""
    process = _start(environment, LOGS)
    _line(process)
    taken = []
    for number in range(22):
        seen = len(server.messages)
        began = time.monotonic()
        _say(process, str(number + 1))
        server.wait_for(seen + 1)
        taken.append(time.monotonic() - began)
    process.communicate()
    return statistics.median(taken[2:])


def takeover(environment: Mapping[str, str], server: DevServer) -> float:
    """Seconds from the end of the sender to the first push of another process."""
    sender, other = _start(environment, LOGS), None
    _line(sender)
    seen = len(server.messages)
    _say(sender, "30")
    server.wait_for(seen + 1)
    other = _start(environment, LOGS)
    _line(other)
    time.sleep(2)
    seen = len(server.messages)
    os.kill(sender.pid, signal.SIGKILL)
    began = time.monotonic()
    _say(other, "40")
    server.wait_for(seen + 1, 30)
    taken = time.monotonic() - began
    other.communicate()
    sender.communicate()
    return taken


def _start(environment: Mapping[str, str], program: str, *given: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, given)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


if __name__ == "__main__":
    main()
