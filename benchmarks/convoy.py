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
    """For each round: eight threads through one, and the p99 of ours through that of `Pass`."""
    contender, nothing = ours(), Pass()
    scaling, tails = [], []
    for _ in range(rounds):
        alone, _ = _round(contender.handler, 1, calls * THREADS)
        together, tail = _round(contender.handler, THREADS, calls)
        _, tail_of_pass = _round(nothing, THREADS, calls)
        scaling.append(together / alone)
        tails.append(tail / tail_of_pass)
    contender.close()
    return {"scaling": scaling, "tails": tails}


def _round(handler: logging.Handler, threads: int, calls: int) -> tuple[float, float]:
    """Seconds for all calls of all threads, and the 99th percentile of a single call."""
    logger.handlers = [handler]
    barrier = threading.Barrier(threads + 1)
    durations: list[int] = []
    workers = [
        threading.Thread(target=_log, args=(barrier, calls, durations)) for _ in range(threads)
    ]
    for worker in workers:
        worker.start()
    barrier.wait()
    started = time.perf_counter()
    for worker in workers:
        worker.join()
    total = time.perf_counter() - started
    return total, statistics.quantiles(durations, n=100)[98]


def _log(barrier: threading.Barrier, calls: int, durations: list[int]) -> None:
    error, clock, own = logger.error, time.perf_counter_ns, []
    barrier.wait()
    for number in range(calls):
        started = clock()
        error("order %d could not be shipped", number)
        own.append(clock() - started)
    durations.extend(own)


if __name__ == "__main__":
    print(json.dumps(measured(int(sys.argv[1]), int(sys.argv[2]))), flush=True)
