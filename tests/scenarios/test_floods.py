"""More different messages than a phone, or the waiting room, can take: all of them are counted."""

from __future__ import annotations

import re
from typing import Any

import pytest
from harness import BUSY, OWN_REPORT, Outcome, Scenario, mark

FLOOD = """
import logging, stage, time
phone = stage.attach("shop", grouping={{"max_per_minute": {most}}})
log, began = logging.getLogger("shop"), time.monotonic()
for number in range({errors}):
    log.error(stage.mark(number))
stage.note(seconds=time.monotonic() - began)
{then}
stage.accounts(phone)
"""
SECOND_WAVE = """
phone.flush(10)
for number in range(1000):
    log.error(stage.mark(number))
log.warning(stage.mark(2000))
"""


def flood(scenario: Scenario, *, errors: int, most: int, then: str = "") -> Outcome:
    return scenario.run(FLOOD.format(errors=errors, most=most, then=then))


@pytest.mark.scenario("I4")
@pytest.mark.parametrize("then", ["phone.flush(10)", "", SECOND_WAVE])
@pytest.mark.parametrize("most", [1, 3, 10])
def test_a_thousand_different_errors_are_a_few_pushes_that_count_them_all(
    scenario: Scenario, then: str, most: int
) -> None:
    """I4: within a second, and the end in the same minute: max_per_minute pushes and a digest."""
    outcome = flood(scenario, errors=1000, most=most, then=then)

    records = 2001 if then == SECOND_WAVE else 1000
    assert outcome.notes["seconds"] < 1 + BUSY
    assert len(outcome.messages) <= most + 1
    assert outcome.records == outcome.notes["accepted"] == records
    assert outcome.notes["dropped"] == {}


@pytest.mark.scenario("I4")
@pytest.mark.parametrize("left", range(5))
def test_the_end_of_the_process_is_no_way_around_the_pace(scenario: Scenario, left: int) -> None:
    """I4: the minute is nearly full; the end has the last slot, and one digest for the rest."""
    then = f"""
stage.until(lambda: phone.stats().pushes == 9)
for number in range(9, 9 + {left}):
    log.error(stage.mark(number))
"""

    outcome = flood(scenario, errors=9, most=10, then=then)

    assert len(outcome.messages) <= 9 + min(left, 2)
    assert outcome.records == 9 + left


@pytest.mark.scenario("I4")
def test_a_digest_rings_once_and_names_the_largest_groups(scenario: Scenario, server: Any) -> None:
    """I4: a digest shows its largest group whole, a line for each other, and how many are left."""
    program = """
import logging, stage
phone = stage.attach("shop", grouping={"max_per_minute": 3})
log = logging.getLogger("shop")
log.warning("the first")
stage.until(lambda: stage.requests_begun() == 1)
for number in range(200):
    log.error(stage.mark(number))
for _ in range(5000):
    log.error(stage.mark(123))
phone.flush(10)
"""

    server.fault("delay", seconds=1)
    outcome = scenario.run(program)

    _, _, digest = outcome.messages
    lines = digest.params["message"].splitlines()
    assert digest.params["title"] == "199 different messages \N{MULTIPLICATION SIGN}5199"
    assert digest.params["priority"] == "2"
    assert lines[0] == f"ERROR shop \N{MULTIPLICATION SIGN}5001: {mark(123)}"
    assert lines[-1] == f"… and {199 - len(lines) + 1} more"
    assert outcome.records == 5201


@pytest.mark.scenario("B2")
@pytest.mark.parametrize("end", ["stage.until(lambda: phone.stats().pending == 0)", ""])
def test_when_the_network_returns_all_that_was_kept_arrives_and_the_lost_are_told(
    scenario: Scenario, server: Any, end: str
) -> None:
    """B2: everything kept arrives; one push says how many did not, by level."""
    program = f"""
import logging, stage
phone = stage.attach("shop", capacity=20)
log = logging.getLogger("shop")
log.error(stage.mark(0))
stage.until(lambda: stage.requests_begun() >= 2)
for number in range(1, 101):
    log.info(stage.mark(number))
for number in range(101, 131):
    log.warning(stage.mark(number))
for number in range(131, 136):
    log.error(stage.mark(number))
stage.accounts(phone)
stage.clear_faults()
{end}
"""

    server.fault("status", count=None, status=503)
    outcome = scenario.run(program)

    lost = 136 - outcome.records
    reports = [push for push in outcome.messages if OWN_REPORT.search(push.params["title"])]
    assert [push.params["title"] for push in reports] == [f"{lost} log records were dropped"]
    told = dict(re.findall(r"(\d+) (INFO|WARNING|ERROR)", reports[0].params["message"]))
    assert {level: int(count) for count, level in told.items()} == {
        "WARNING": lost - 100,
        "INFO": 100,
    }
    assert outcome.notes["accepted"] == 136
    # The worker drops what it finds too many in its own time.
    assert sum(outcome.notes["dropped"].values()) <= lost
    assert 20 <= outcome.records <= 21  # one may have been in hand
