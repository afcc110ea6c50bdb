"""The sum over the pushes that the server got is what the handler says it delivered."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Iterator

import pytest

from pushover_logging import PushoverHandler
from pushover_logging.devserver import DevServer

from .bench import records_in

THREADS = 8
TEXTS = ["disk is full", "payment failed", "slow", "cache is cold", "mail is down"]
LEVELS = [logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR]


@pytest.fixture
def server() -> Iterator[DevServer]:
    with DevServer(port=0) as server:
        yield server


def new_handler(server: DevServer, **options: object) -> PushoverHandler:
    return PushoverHandler(
        server.token,
        server.user,
        api_url=server.url,
        retry_policy={"wait_initial": 0.02, "wait_max": 0.1},
        priorities={"DEBUG": -2, "ERROR": 1, 45: 2},
        fallback=logging.NullHandler(),
        exit_timeout=60,
        **options,  # type: ignore[arg-type]
    )


def shown(server: DevServer) -> int:
    """The records that all pushes stand for; the handler's own reports stand for none."""
    titles = [message.params.get("title", "") for message in server.messages]
    return sum(records_in(title) for title in titles if not title.endswith("dropped"))


def log_a_random_stream(logger: logging.Logger, seed: int, count: int) -> None:
    stream = random.Random(seed)
    for number in range(count):
        kind = stream.random()
        level = stream.choice(LEVELS)
        if kind < 0.90:
            logger.log(level, stream.choice(TEXTS))
        elif kind < 0.95:
            logger.log(level, f"order {number} failed")
        elif kind < 0.97:
            logger.log(level, "user %s failed", seed)
        elif kind < 0.98:
            logger.log(level, "kind " + "x" * stream.randrange(40))
        elif kind < 0.985:
            logger.log(level, "tagged", extra={"pushover": {"key": stream.choice("abc")}})
        elif kind < 0.99:
            logger.log(level, "over", extra={"pushover": {"resolve": stream.choice("abc")}})
        else:
            try:
                int("order " + str(number))
            except ValueError:
                logger.exception("it failed")


@pytest.mark.parametrize("seed", range(3))
def test_a_random_storm_through_eight_threads_and_faults_adds_up(
    server: DevServer, seed: int
) -> None:
    handler = new_handler(
        server,
        capacity=50,
        grouping={"interval": 0.2, "max_per_minute": 1000, "max_groups": 30},
    )
    logger = logging.Logger("shop")
    logger.addHandler(handler)
    faults = random.Random(seed)
    for _ in range(6):
        # No fault here may lose an answer: what the service took and did not say it took is
        # rightly sent again.
        server.fault("status", count=faults.randint(1, 3), status=faults.choice([500, 502, 400]))
    threads = [
        threading.Thread(target=log_a_random_stream, args=(logger, seed * 100 + number, 2000))
        for number in range(THREADS)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    handler.close()

    stats = handler.stats()
    assert stats.accepted > THREADS * 1800  # a resolve is no record
    assert stats.accepted == stats.delivered + stats.pending + sum(stats.dropped.values())
    assert stats.pending == 0
    assert stats.delivered > 0
    assert shown(server) == stats.delivered


def test_a_hundred_thousand_errors_are_one_ring_and_one_summary(server: DevServer) -> None:
    handler = new_handler(server)
    logger = logging.Logger("shop")
    logger.addHandler(handler)

    def storm(_: int) -> None:
        for _ in range(100_000 // THREADS):
            logger.critical("disk is full")

    threads = [threading.Thread(target=storm, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    server.wait_for(1)
    assert handler.drain(60)

    first, second = (message.params for message in server.messages)
    assert (first["priority"], second["priority"]) == ("2", "0")
    assert shown(server) == handler.stats().delivered == 100_000
    assert handler.stats().pending == 0
    handler.close()
