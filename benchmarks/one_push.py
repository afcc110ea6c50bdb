"""The other side of the logging call: how soon a push is under way, and what one costs."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from .calls import logger, words
from .server import arrivals


def _handler() -> Any:
    from pushover_logging import PushoverHandler

    handler = PushoverHandler(grouping={"max_per_minute": 1_000_000, "max_groups": 100_000})
    logger.handlers = [handler]
    logger.setLevel(logging.DEBUG)
    return handler


def latencies(count: int) -> list[float]:
    """Milliseconds from the logging call to the arrival at the server, each time from idle."""
    handler, logged = _handler(), []
    arrivals(os.environ["PUSHOVER_API_URL"])
    for word in islice(words(), count):
        logged.append(time.monotonic())
        logger.warning(f"order of {word} could not be shipped")
        handler.flush(10)
        time.sleep(0.02)  # idle is what we want to start from
    arrived = [seen["at"] for seen in arrivals(os.environ["PUSHOVER_API_URL"])]
    return [(there - here) * 1e3 for here, there in zip(logged, arrived, strict=True)][1:]


def processor_time(rounds: int, count: int) -> list[float]:
    """For each round: the processor's seconds for a delivered record, through a bare POST's."""
    import urllib3

    handler, pool = _handler(), urllib3.PoolManager()
    ratios = []
    _deliver(handler, 1)
    _post(pool, 1)
    for _ in range(rounds):
        ratios.append(_deliver(handler, count) / _post(pool, count))
    return ratios


def _deliver(handler: Any, count: int) -> float:
    started = time.process_time()
    for word in islice(words(), count):
        logger.warning(f"order of {word} could not be shipped")
    while not handler.flush(0):
        time.sleep(0.05)  # who waits in it is woken after each push, and stats look at each group
    return time.process_time() - started


def _post(pool: Any, count: int) -> float:
    form = {"token": "a" * 30, "user": "u" * 30, "title": "WARNING shop.checkout", "priority": "0"}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    address = os.environ["PUSHOVER_API_URL"] + "messages.json"
    started = time.process_time()
    for word in islice(words(), count):
        text = f"order of {word} could not be shipped"
        body = urlencode({**form, "message": text, "timestamp": str(int(time.time()))})
        pool.request("POST", address, body=body, headers=headers).json()
    return time.process_time() - started


if __name__ == "__main__":
    numbers = [int(number) for number in sys.argv[2:]]
    found = latencies(*numbers) if sys.argv[1] == "latency" else processor_time(*numbers)
    print(json.dumps(found), flush=True)
