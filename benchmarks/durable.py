"""What a durable store costs the program that logs, and what eight processes with one push."""

from __future__ import annotations

import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from .calls import BURSTS, logger, timed, words
from .children import PROJECT, environment, measure
from .contenders import Pass
from .report import Row, at_most, fact
from .server import arrivals, serving
from .stores import redis_server
from .storms import stood_for

__all__ = ["rows"]

_NEW = 100
"""New records in a burst: fewer than the slots of a spool."""
_EMPTIED = 0.3
"""Seconds after which a spool is empty again."""
_BUSY = 4
_PROCESSES = 8
_STORM = """
import logging, sys
from pushover_logging import PushoverHandler
logging.getLogger().addHandler(PushoverHandler(store=sys.argv[1], exit_timeout=60))
for number in range(int(sys.argv[2])):
    logging.error("order %d could not be shipped", number)
"""


def rows(rounds: int, calls: int, messages: int, storm: int) -> Iterator[Row]:
    """All rows, as they are measured."""
    with tempfile.TemporaryDirectory() as folder:
        sqlite = f"sqlite://{folder}/latency.sqlite"
        yield Row("with a durable store", "")
        with serving() as url:
            store = f"sqlite://{folder}/call.sqlite"
            samples = measure("durable", "call", store, rounds, api_url=url)
            yield at_most("  a logging call, new text, sqlite; beside emit: pass", samples, 1.6)
            store = f"sqlite://{folder}/busy.sqlite"
            samples = measure("durable", "busy", store, calls, api_url=url)
            yield at_most("  the slowest in 100, beside 4 busy threads", samples, 2.0)
        with redis_server() as address:
            for name, store in (("sqlite", sqlite), ("redis", address)):
                if store is None:
                    yield Row("  redis", "-", "redis-server is not installed")
                    continue
                with serving() as url:
                    waits = measure("durable", "latency", store, messages, api_url=url)
                yield at_most(f"  from the logging call to the server, {name}", waits, 300.0, "ms")
        with serving() as url:
            yield from _storm(f"sqlite://{folder}/storm.sqlite", storm, url)


def _storm(store: str, records: int, url: str) -> Iterator[Row]:
    """Eight processes log the same error at once."""
    command = [sys.executable, "-c", _STORM, store, str(records)]
    programs = [
        subprocess.Popen(command, env=environment(url), cwd=PROJECT, stderr=subprocess.DEVNULL)
        for _ in range(_PROCESSES)
    ]
    for program in programs:
        program.wait()
    measure("durable", "drain", store, api_url=url)
    seen = arrivals(url)
    rings = sum(push["priority"] == "2" for push in seen)
    yield fact(f"  {_PROCESSES} processes, {records:,} records each: emergencies", str(rings), "1")
    missed = _PROCESSES * records - stood_for(seen)
    yield fact("    records no push stands for", str(missed), "0")


def call(store: str, rounds: int) -> list[float]:
    """Bursts of new records through bursts of `Pass`, in turns."""
    handler, nothing, burst = _handler(store), Pass(), BURSTS["new text"]
    found = []
    for number in range(rounds):
        time.sleep(_EMPTIED)
        order: list[logging.Handler] = [handler, nothing]
        if number % 2:
            order.reverse()
        times = {id(each): timed(burst, _NEW, each) for each in order}
        found.append(times[id(handler)] / times[id(nothing)])
    return found


def busy(store: str, calls: int) -> list[float]:
    """Our slowest call in a hundred through that of `Pass`, while other threads compute."""
    handler, nothing = _handler(store), Pass()
    with _busy_threads():
        return [_slowest(handler, calls) / _slowest(nothing, calls) for _ in range(5)]


@contextmanager
def _busy_threads() -> Iterator[None]:
    ended = threading.Event()

    def compute() -> None:
        while not ended.is_set():
            sum(range(1000))

    threads = [threading.Thread(target=compute) for _ in range(_BUSY)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _slowest(handler: logging.Handler, calls: int) -> float:
    logger.handlers = [handler]
    durations: list[int] = []
    for _ in range(max(calls // _NEW, 1)):
        time.sleep(_EMPTIED)
        for word in islice(words(), _NEW):
            text = f"order of {word} could not be shipped"
            started = time.perf_counter_ns()
            logger.error(text)
            durations.append(time.perf_counter_ns() - started)
    return statistics.quantiles(durations, n=100)[-1]


def latency(store: str, count: int) -> list[float]:
    """Milliseconds from the logging call to the arrival at the server, each time from idle."""
    handler, logged = _handler(store, 1_000_000), []
    logger.handlers = [handler]
    logger.warning("the first, which loads everything")
    handler.drain(30)
    arrivals(os.environ["PUSHOVER_API_URL"])
    for word in islice(words(), count):
        logged.append(time.monotonic())
        logger.warning(f"order of {word} could not be shipped")
        handler.drain(30)
    arrived = [seen["at"] for seen in arrivals(os.environ["PUSHOVER_API_URL"])]
    return [(there - here) * 1e3 for here, there in zip(logged, arrived, strict=True)]


def drain(store: str) -> list[float]:
    """Become the sender of a store that others have left, and send everything that is counted."""
    started = time.monotonic()
    if not _handler(store, 1_000_000).drain(120):
        raise RuntimeError("something is still to be sent")
    return [time.monotonic() - started]


def _handler(store: str, pace: int = 20) -> Any:
    from pushover_logging import PushoverHandler

    grouping = {"max_per_minute": pace, "max_groups": 1_000_000}
    return PushoverHandler(store=store, capacity=100_000, grouping=grouping)


if __name__ == "__main__":
    parts: dict[str, Callable[..., list[float]]] = {
        "call": call,
        "busy": busy,
        "latency": latency,
        "drain": drain,
    }
    part, address, *numbers = sys.argv[1:]
    print(json.dumps(parts[part](address, *map(int, numbers))), flush=True)
    os._exit(0)  # what the bursts left to be sent is of no interest
