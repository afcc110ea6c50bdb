"""What sending says about itself never becomes something to send."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from harness import Outcome, Scenario


@pytest.mark.scenario("F1")
@pytest.mark.parametrize(
    ("fault", "requests"),
    [
        ({}, 1),
        ({"kind": "status", "status": 400, "body": {"status": 0, "errors": ["no"]}}, 1),
        ({"kind": "status", "status": 500, "body": "oops"}, 2),
        ({"kind": "reset"}, 2),
    ],
    ids=["success", "refusal", "500", "reset"],
)
def test_one_record_causes_one_request_and_its_repeats(
    scenario: Scenario, server: Any, fault: dict[str, Any], requests: int
) -> None:
    """F1: with the root logger at DEBUG nothing that sending logs is sent in turn."""
    program = """
import logging, stage
phone = stage.attach(priorities={"DEBUG": "NORMAL"})
logging.getLogger("shop").debug(stage.mark(0))
phone.flush(10)
stage.accounts(phone)
"""

    if fault:
        server.fault(**fault)
    outcome = scenario.run(program)

    assert len(outcome.requests) == requests
    assert outcome.notes["accepted"] == 1


COMPLAINING = """
import logging, sys, stage
kept = sys.stderr
{stderr}
phone = stage.attach("shop", capacity=5, exit_timeout=0.2, retry_policy={policy})
log = logging.getLogger("shop")
log.error(stage.mark(0))
stage.until(lambda: stage.requests_begun() > 0)
for number in range(1, 300):
    log.error(stage.mark(number))
    if number % 30 == 0:
        phone.flush(0.05)
stage.accounts(phone)
{restore}
"""
GIVES_UP = '{"wait_initial": 0.01, "wait_max": 0.02, "give_up_after": 0.1}'


@pytest.mark.scenario("F2")
def test_long_trouble_is_said_once_a_minute_for_each_kind(scenario: Scenario, server: Any) -> None:
    """F2: delivery fails and the room is full 300 times, and stderr gets one line of each."""
    program = COMPLAINING.format(stderr="", restore="", policy=GIVES_UP)

    server.fault("status", count=10_000, status=503)
    outcome = scenario.run(program)

    assert sum(outcome.notes["dropped"].values()) > 250
    assert 1 <= len(outcome.complaints) <= 4
    assert set(kinds(outcome).values()) == {1}


@pytest.mark.scenario("F2")
@pytest.mark.parametrize(
    ("stderr", "restore"),
    [
        ("sys.stderr = None", ""),
        ("sys.stderr.close()", ""),
        ("sys.stderr = object()", "sys.stderr = kept"),
    ],
    ids=["None", "closed", "no stream at all"],
)
def test_a_missing_stderr_is_survived(
    scenario: Scenario, server: Any, stderr: str, restore: str
) -> None:
    """F2: the trouble is counted, though nobody can be told."""
    program = COMPLAINING.format(stderr=stderr, restore=restore, policy=GIVES_UP)

    server.fault("status", count=10_000, status=503)
    outcome = scenario.run(program)

    assert sum(outcome.notes["dropped"].values()) > 250
    assert len(outcome.complaints) <= (2 if restore else 0)


def kinds(outcome: Outcome) -> Counter[str]:
    """The lines on stderr without what differs from one to the next of a kind."""
    return Counter(re.sub(r"mark-\w+|\d+(\.\d+)?", "#", line) for line in outcome.complaints)


@pytest.mark.scenario("F2")
def test_a_stderr_that_leads_into_logging_pushes_no_line_of_ours(
    scenario: Scenario, server: Any
) -> None:
    """F2: as Celery redirects it: what the handler says of itself is logged, and never pushed."""
    program = """
import logging, stage, sys
kept, lines = sys.stderr, []

class Redirected:
    def write(self, text):
        if text.strip():
            lines.append(text)
            logging.getLogger("stderr").error(text.strip())
    def flush(self):
        pass

handler = stage.attach(retry_policy={"wait_initial": 0.05, "wait_max": 0.1})
sys.stderr = Redirected()
logging.getLogger("shop").error(stage.mark(0))
stage.note(flushed=handler.flush(10))
print("the program's own line", file=sys.stderr)
stage.note(drained=handler.drain(10), lines=len(lines))
sys.stderr = kept
"""

    server.fault("status", status=503)
    outcome = scenario.run(program)

    assert outcome.notes["flushed"]
    assert outcome.notes["drained"]
    assert outcome.notes["lines"] == 2
    assert sorted(outcome.texts) == sorted([outcome.text("mark-gggg"), "the program's own line"])


@pytest.mark.scenario("F2")
def test_what_other_threads_log_while_a_line_is_written_is_pushed(
    scenario: Scenario, server: Any
) -> None:
    """F2: a slow stderr holds up the worker's own line, and costs no record of anybody."""
    program = """
import logging, stage, sys, threading
kept, writes, goes_on = sys.stderr, threading.Event(), threading.Event()

class Slow:
    def write(self, text):
        writes.set()
        goes_on.wait(10)
    def flush(self):
        pass

handler = stage.attach("shop", retry_policy={"wait_initial": 0.05, "wait_max": 0.1})
log = logging.getLogger("shop")
sys.stderr = Slow()
log.error(stage.mark(0))
stage.note(wrote=writes.wait(10))
for number in range(1, 5):
    log.error(stage.mark(number))
    log.error("the disk is full")
goes_on.set()
stage.note(flushed=handler.drain(10))
stage.accounts(handler)
sys.stderr = kept
"""

    server.fault("status", status=503)
    outcome = scenario.run(program)

    assert outcome.notes["wrote"]
    assert outcome.notes["accepted"] == outcome.notes["delivered"] == outcome.records == 9
