"""Configured again, closed again: no deadlock, no crowd of threads, nothing lost."""

from __future__ import annotations

from typing import Any

import pytest
from harness import BUSY, Scenario, mark


@pytest.mark.scenario("E1")
@pytest.mark.slow
def test_dict_config_returns_while_a_request_is_in_hand(scenario: Scenario, server: Any) -> None:
    """E1: dictConfig closes the old handler under a lock that urllib3's debug call needs."""
    program = """
import logging.config, time, stage
logging.config.dictConfig(stage.config(root_level="DEBUG"))
log = logging.getLogger("shop")
for number in range(3):
    log.error(stage.mark(number))
stage.until(lambda: stage.requests_begun() == 1)
start = time.monotonic()
logging.config.dictConfig(stage.config(root_level="DEBUG"))
stage.note(seconds=time.monotonic() - start)
log.error(stage.mark(3))
"""

    server.fault("delay", seconds=4)
    outcome = scenario.run(program)

    assert outcome.notes["seconds"] < BUSY
    assert all(outcome.marks[mark(number)] == 1 for number in range(4))
    assert outcome.records == 4


@pytest.mark.scenario("E2")
@pytest.mark.slow
def test_configured_a_hundred_times_under_fire_leaves_one_courier(scenario: Scenario) -> None:
    """E2: dictConfig 100 times while 8 threads log: no deadlock, at most one courier."""
    # The first record goes before the fire: sending imports charset_normalizer, which makes a
    # StreamHandler, and logging.shutdown, called by dictConfig, fails on one that is half made.
    program = """
import logging.config, threading, stage
logging.config.dictConfig(stage.config())
log = logging.getLogger("shop")
log.error("ready")
logging.root.handlers[0].flush(10)
stop = threading.Event()

def work(number):
    while not stop.is_set():
        log.error("order of %s", object())
        log.warning(stage.mark(number))

threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
for thread in threads: thread.start()
for _ in range(100):
    logging.config.dictConfig(stage.config())
stop.set()
for thread in threads: thread.join()
stage.until(lambda: stage.threads_beside_main() <= 1)  # a joined thread may still be dying
stage.note(couriers=stage.threads_beside_main())
"""

    outcome = scenario.run(program)

    assert outcome.notes["couriers"] <= 1


@pytest.mark.scenario("E3")
def test_closing_is_never_an_error_and_never_loses_count(scenario: Scenario, server: Any) -> None:
    """E3: closed during a send, closed twice, and logged to after: delivered or counted."""
    program = """
import logging, stage
phone = stage.attach("shop")
log = logging.getLogger("shop")
log.error(stage.mark(0))
stage.until(lambda: stage.requests_begun() == 1)
log.error(stage.mark(1))
phone.close()
phone.close()
log.error(stage.mark(2))
phone.flush(10)
phone.close()
phone.flush(10)
stage.accounts(phone)
"""

    server.fault("delay", seconds=1)
    outcome = scenario.run(program)

    notes = outcome.notes
    assert notes["accepted"] + notes["dropped"].get("closed", 0) >= 3
    assert notes["accepted"] == notes["delivered"] + sum(notes["dropped"].values())
    assert notes["pending"] == 0
    assert outcome.records == notes["delivered"] >= 2
