"""Between the logging call and the network: bounded, fair to the urgent, and never deserted."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Scenario, each_once, mark


@pytest.mark.scenario("B1")
def test_a_full_room_keeps_the_error(scenario: Scenario, server: Any) -> None:
    """B1: full of INFO, an ERROR comes: it is kept, the least important goes and is counted."""
    program = """
import logging, stage
phone = stage.attach("shop", capacity=10)
log = logging.getLogger("shop")
log.info(stage.mark(0))
stage.until(lambda: stage.requests_begun() == 1)
for number in range(1, 31):
    log.info(stage.mark(number))
log.error(stage.mark(31))
stage.note(flushed=phone.flush(15))
stage.accounts(phone)
"""

    server.fault("delay", seconds=1)
    outcome = scenario.run(program)

    assert outcome.marks[mark(31)] == 1
    lost = sum(outcome.notes["dropped"].values())
    assert lost >= 20
    assert outcome.notes["delivered"] + lost == outcome.notes["accepted"] == 32
    assert outcome.records == 32 - lost
    assert f"{lost} INFO" in outcome.text("not pushed")


@pytest.mark.scenario("B1")
def test_capacity_bounds_what_waits_in_an_outage(scenario: Scenario, server: Any) -> None:
    """B1: what was tried in vain waits too, and counts as much as what was never tried."""
    program = """
import logging, stage
phone = stage.attach("shop", capacity=5, exit_timeout=0.2,
                     retry_policy={"wait_initial": 0.01, "wait_max": 0.02})
for number in range(100):
    logging.getLogger("shop").error(stage.mark(number))
    phone.flush(0.02)
stage.accounts(phone)
"""

    server.fault("status", count=None, status=503)
    outcome = scenario.run(program)

    assert outcome.notes["pending"] <= 5 + 1  # one may be in hand
    assert outcome.notes["pending"] + outcome.notes["dropped"]["full"] == 100


DEATHS = {
    "an exception in the middle of a send": """
phone = stage.attach("shop")
log.error(stage.mark(0))
stage.until(lambda: stage.requests_begun() == 1)
(courier,) = (t for t in threading.enumerate() if t is not threading.main_thread())
kill = ctypes.pythonapi.PyThreadState_SetAsyncExc
kill(ctypes.c_ulong(courier.ident), ctypes.py_object(GeneratorExit))
""",
}


@pytest.mark.scenario("B3")
@pytest.mark.parametrize(
    ("death", "fault"),
    [
        ("an exception in the middle of a send", {"kind": "delay", "seconds": 0.5}),
    ],
)
def test_a_dead_courier_is_replaced_by_the_next_record(
    scenario: Scenario, server: Any, death: str, fault: dict[str, Any]
) -> None:
    """B3: the thread ends; the next record starts another, and what was in hand isn't lost."""
    program = f"""
import ctypes, logging, threading, stage
log = logging.getLogger("shop")
{DEATHS[death]}
died = stage.until(lambda: stage.threads_beside_main() == 0)
log.error(stage.mark(1))
stage.note(died=died, flushed=phone.flush(10))
stage.accounts(phone)
"""

    server.fault(**fault)
    outcome = scenario.run(program)

    notes = outcome.notes
    assert notes["died"]
    assert outcome.marks[mark(1)] == 1
    assert outcome.marks[mark(0)] >= 1
    assert notes["delivered"] == notes["accepted"] == 2


@pytest.mark.scenario("U7")
def test_delivery_goes_on_after_a_callback_that_exits(scenario: Scenario, server: Any) -> None:
    """U7: SystemExit raised by `on_error` is said once and ends neither the thread nor an alert."""
    program = """
import logging, stage
def on_error(*args):
    raise SystemExit("the user's own mistake")

handler = stage.attach(
    "shop", on_error=on_error, retry_policy={"wait_initial": 0.05, "wait_max": 0.1}
)
log = logging.getLogger("shop")
log.error(stage.mark(0))
stage.note(flushed=handler.flush(10), threads=stage.threads_beside_main())
stage.accounts(handler)
"""

    server.fault("status", status=500)
    outcome = scenario.run(program)

    assert outcome.marks == each_once(1)
    assert outcome.notes["flushed"]
    assert outcome.notes["threads"] == 1
    assert sum("on_error failed: SystemExit" in line for line in outcome.complaints) == 1
