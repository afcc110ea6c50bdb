"""Eight threads that log at once, beside one: does a call take longer, and how long at worst."""

from __future__ import annotations

import json
import logging
import statistics
import sys
import threading
import time

from .calls import logger
from .contenders import Pass, ours

THREADS = 8


def measured(rounds: int, calls: int) -> dict[str, list[float]]:
    """For each round: eight threads through one, and our slowest calls through those of `Pass`."""
    contender, nothing = ours(), Pass()
    found: dict[str, list[float]] = {"scaling": [], "p99": [], "p99.9": []}
    for _ in range(rounds):
        alone, _ = _round(contender.handler, 1, calls * THREADS)
        together, durations = _round(contender.handler, THREADS, calls)
        _, of_pass = _round(nothing, THREADS, calls)
        found["scaling"].append(together / alone)
        found["p99"].append(_slowest(durations, 100) / _slowest(of_pass, 100))
        found["p99.9"].append(_slowest(durations, 1000) / _slowest(of_pass, 1000))
    contender.close()
    return found


def _slowest(durations: list[int], among: int) -> float:
    """What all but one call in so many stay below."""
    return statistics.quantiles(durations, n=among)[-1]


def _round(handler: logging.Handler, threads: int, calls: int) -> tuple[float, list[int]]:
    """Seconds for all calls of all threads, and the nanoseconds of each."""
    logger.handlers = [handler]
    barrier = threading.Barrier(threads)
    durations: list[int] = []
    moments: list[float] = []
    workers = [
        threading.Thread(target=_log, args=(barrier, calls, durations, moments))
        for _ in range(threads)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return max(moments) - min(moments), durations


def _log(
    barrier: threading.Barrier, calls: int, durations: list[int], moments: list[float]
) -> None:
    error, clock, own = logger.error, time.perf_counter_ns, []
    barrier.wait()
    moments.append(time.perf_counter())
    for number in range(calls):
        started = clock()
        error("order %d could not be shipped", number)
        own.append(clock() - started)
    moments.append(time.perf_counter())
    durations.extend(own)


if __name__ == "__main__":
    print(json.dumps(measured(int(sys.argv[1]), int(sys.argv[2]))), flush=True)
