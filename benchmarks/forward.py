"""What ``forward --once`` costs, beside a Python loop that tests each line for two substrings.

The log is written by ``logging``'s usual format; 1 line in 20 is a WARNING or worse. Both read it
in a process that does nothing else. ``python -m benchmarks.forward`` prints the figures.
"""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .report import Row, at_most
from .server import serving

__all__ = ["forward_ratio", "peak_megabytes", "rows", "write_log"]

_TOKEN, _USER = "a" * 30, "u" * 30
_LOOP = """
import sys, time
start = time.perf_counter()
found = 0
with open(sys.argv[1], encoding="utf-8") as log:
    for line in log:
        if "ERROR" in line or "WARNING" in line:
            found += 1
print(found, time.perf_counter() - start)
"""


def write_log(path: Path, lines: int, *, alert_every: int = 20, seed: int = 1) -> int:
    """Write a log of so many lines; returns its size in bytes."""
    words = [
        "request",
        "served",
        "customer",
        "order",
        "payment",
        "stock",
        "item",
        "user",
        "session",
        "queue",
        "pool",
        "reply",
    ]
    chosen = random.Random(seed)
    block = []
    for number in range(10_000):
        is_alert = number % alert_every == 0
        level = chosen.choice(("WARNING", "ERROR")) if is_alert else "INFO"
        # Few different alerts, or the pace would hold the last digest back for a minute.
        text = " ".join(words[:8] if is_alert else (chosen.choice(words) for _ in range(8)))
        second = f"{number // 60 % 60:02}:{number % 60:02}"
        name = "shop.payment" if is_alert else f"shop.{chosen.choice(words)}"
        block.append(f"2026-01-05 10:{second},{number % 1000:03} {level} {name}: {text} {number}\n")
    with path.open("w") as log:
        for start in range(0, lines, len(block)):
            log.writelines(block[: lines - start])
    return path.stat().st_size


def forward_ratio(lines: int = 1_000_000, rounds: int = 3) -> list[float]:
    """The time of ``forward --once`` by that of the loop, for each round; start of Python included.

    The time of the loop is that of its reading alone.
    """
    with tempfile.TemporaryDirectory() as folder, serving() as url:
        log = Path(folder, "app.log")
        write_log(log, lines)
        return [_forward(log, url)[0] / _loop(log) for _ in range(rounds)]


def peak_megabytes(megabytes: int = 500) -> float:
    """The most memory that ``forward --once`` uses while it reads so large a log."""
    with tempfile.TemporaryDirectory() as folder, serving() as url:
        log = Path(folder, "app.log")
        size = write_log(log, 10_000)
        write_log(log, megabytes * 1_000_000 // (size // 10_000))
        return _forward(log, url)[1]


def _loop(log: Path) -> float:
    command = [sys.executable, "-c", _LOOP, str(log)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(run.stdout.split()[1])


def _forward(log: Path, url: str) -> tuple[float, float]:
    """The seconds that it takes, and the megabytes at its peak."""
    command = [sys.executable, "-m", "pushover_logging", "forward", "--once", str(log)]
    account = {"PUSHOVER_TOKEN": _TOKEN, "PUSHOVER_USER": _USER, "PUSHOVER_API_URL": url}
    start = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **account})
    _, status, usage = os.wait4(process.pid, 0)
    taken = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ChildProcessError(f"forward ended with {process.returncode}")
    return taken, _megabytes(usage)


def _megabytes(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def rows(quick: bool = False) -> Iterator[Row]:
    """All rows, as they are measured."""
    lines, rounds, megabytes = (20_000, 1, 5) if quick else (1_000_000, 3, 500)
    yield Row("forward --once, one line in 20 an alert", "")
    yield at_most("  beside a loop of two substring tests", forward_ratio(lines, rounds), 6.0)
    yield at_most(f"  memory at the peak, {megabytes} MB", [peak_megabytes(megabytes)], 50.0, "MB")


if __name__ == "__main__":
    print("time, beside the loop:", *(f"{ratio:.2f}" for ratio in forward_ratio()))
    print(f"memory at the peak of 500 MB: {peak_megabytes():.0f} MB")
