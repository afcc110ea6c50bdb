"""The end of the process: what waits goes out, in bounded time, and the exit code stays its own."""

from __future__ import annotations

from typing import Any

import pytest
from harness import BUSY, Scenario, each_once, mark, quickest


@pytest.mark.scenario("C1")
def test_three_records_arrive_though_main_ends_at_once(scenario: Scenario) -> None:
    """C1: all three arrive, and the process is gone soon, as nothing is to be waited for."""
    program = """
import logging, stage
stage.attach("shop")
for number in range(3):
    logging.getLogger("shop").error(stage.mark(number))
stage.main_ends()
"""

    outcome = quickest(lambda: scenario.run(program), 1.0 + BUSY)

    assert outcome.ending < 1.0 + BUSY
    assert outcome.records % 3 == 0
    assert set(outcome.marks) == set(each_once(3))


@pytest.mark.scenario("C2")
def test_a_black_hole_at_exit_costs_the_budget_and_one_line(mute_scenario: Scenario) -> None:
    """C2: the exit takes exit_timeout at most, says so in one line, and keeps the exit code."""
    program = """
import logging, sys, stage
stage.attach("shop", exit_timeout=0.5)
for number in range(20):
    logging.getLogger("shop").error(stage.mark(number))
stage.main_ends()
sys.exit(7)
"""

    outcome = quickest(lambda: mute_scenario.run(program, exit_code=7), 0.5 + BUSY)

    assert outcome.ending < 0.5 + BUSY
    assert len(outcome.complaints) == 1
    assert "20" in outcome.stderr


@pytest.mark.scenario("C3")
@pytest.mark.parametrize("registered", ["before logging", "before", "after"])
def test_the_first_record_may_come_from_an_atexit_callback(
    scenario: Scenario, registered: str
) -> None:
    """C3: 3.12 and later start no thread by then, so that it has to go out inline."""
    program = f"""
import atexit
last_words = lambda: logging.getLogger("shop").error(stage.mark(0))
if {registered == "before logging"}:
    atexit.register(last_words)  # so that it runs after logging.shutdown
import logging, stage
if {registered == "before"}:
    atexit.register(last_words)
stage.attach("shop")
if {registered == "after"}:
    atexit.register(last_words)
"""

    outcome = scenario.run(program)

    assert outcome.marks == each_once(1)


@pytest.mark.scenario("C4")
@pytest.mark.parametrize(
    ("ending", "exit_code"),
    [
        ("raise RuntimeError('nobody catches this')", 1),
        ("sys.exit(3)", 3),
        ("os.kill(os.getpid(), signal.SIGTERM); signal.pause()", 5),
        # First the courier has to load what it needs: any eval() that runs after an interrupt (and
        # imports do so) makes CPython forget the interrupt, and exit with 1.
        ("begun(); os.kill(os.getpid(), signal.SIGINT); signal.pause()", -2),
    ],
    ids=["uncaught exception", "sys.exit(3)", "SIGTERM with a handler", "Ctrl-C"],
)
def test_what_was_logged_arrives_however_main_ends(
    scenario: Scenario, server: Any, ending: str, exit_code: int
) -> None:
    """C4: the record arrives, and the exit code is the program's own."""
    program = f"""
import logging, os, signal, sys, stage
stage.attach("shop")
begun = lambda: stage.until(lambda: stage.requests_begun() == 1)
signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(5))
logging.getLogger("shop").error(stage.mark(0))
{ending}
"""

    server.fault("delay", seconds=0.5)
    outcome = scenario.run(program, exit_code=exit_code)

    assert outcome.marks == each_once(1)


@pytest.mark.scenario("C5")
def test_twenty_handlers_share_one_budget_at_exit(mute_scenario: Scenario) -> None:
    """C5: the exit takes exit_timeout once, not twenty times, and one line says what stayed."""
    program = """
import logging, stage
for number in range(20):
    name = stage.mark(number)
    stage.attach(name, title=name, exit_timeout=0.5)
    logging.getLogger(name).error("lost")
stage.main_ends()
"""

    outcome = quickest(lambda: mute_scenario.run(program), 0.5 + BUSY)

    assert outcome.ending < 0.5 + BUSY
    assert len(outcome.complaints) == 1


@pytest.mark.slow
@pytest.mark.scenario("C5")
def test_what_a_slow_service_leaves_no_time_for_goes_as_a_digest(
    scenario: Scenario, server: Any
) -> None:
    """C5: the first go one by one, and the rest before the time is over rather than not at all."""
    program = """
import logging, stage
stage.attach("shop", exit_timeout=4)
for number in range(9):
    logging.getLogger("shop").error(stage.mark(number))
"""

    server.fault("delay", count=None, seconds=0.8)
    outcome = scenario.run(program)

    assert outcome.marks == each_once(9)
    assert outcome.records == 9
    assert 2 <= len(outcome.messages) <= 5
    assert not outcome.complaints


@pytest.mark.scenario("C6")
def test_flush_in_a_loop_answers_in_time(scenario: Scenario, server: Any) -> None:
    """C6: as on Lambda: True or False within its timeout, and the handler goes on working."""
    program = """
import logging, time, stage
phone = stage.attach("shop")

def invoke(number, timeout):
    logging.getLogger("shop").error(stage.mark(number))
    start = time.monotonic()
    answer = phone.flush(timeout)
    return answer, time.monotonic() - start

held_up = invoke(0, 0.5)
later = [invoke(number, 20) for number in range(1, 6)]
stage.note(held_up=held_up, later=later)
"""

    server.fault("delay", seconds=5)
    outcome = scenario.run(program)

    answer, seconds = outcome.notes["held_up"]
    assert answer is False
    assert 0.4 < seconds < 0.5 + BUSY
    assert all(answer is True and seconds < 20 for answer, seconds in outcome.notes["later"])
    assert outcome.marks == each_once(6)


@pytest.mark.scenario("C7")
def test_logging_after_logging_shutdown_still_arrives(scenario: Scenario) -> None:
    """C7: a handler is never shut down for ever."""
    program = """
import logging, stage
phone = stage.attach("shop")
logging.getLogger("shop").error(stage.mark(0))
logging.shutdown()
logging.getLogger("shop").error(stage.mark(1))
logging.shutdown()
logging.getLogger("shop").error(stage.mark(2))
phone.flush(10)
stage.accounts(phone)
"""

    outcome = scenario.run(program)

    notes = outcome.notes
    assert outcome.marks[mark(0)] == 1
    assert notes["accepted"] == 3
    assert notes["delivered"] + sum(notes["dropped"].values()) == 3
    assert outcome.records == notes["delivered"]
