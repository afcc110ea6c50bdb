"""The month's messages run out: what is urgent gets the last of them, the rest waits."""

from __future__ import annotations

import time
from typing import Any

import pytest
from harness import BUSY, Scenario, each_once, mark

BURST = """
import logging, stage
priorities = {"WARNING": "HIGH", "ERROR": "EMERGENCY"}
phone = stage.attach("shop", quota_reserve=10, priorities=priorities)
log = logging.getLogger("shop")

for number in range(20):
    log.info(stage.mark(number))
stage.until(lambda: phone.stats().remaining == 9)
stage.note(when_low=phone.stats().delivered)

for number in range(20, 40):
    log.error(stage.mark(number))
stage.until(lambda: phone.stats().remaining == 0)
stage.accounts(phone)

stage.note(arrived=stage.until(lambda: phone.stats().pending == 0, 20))
"""


@pytest.mark.scenario("H8")
@pytest.mark.slow
def test_the_reserve_is_kept_for_what_is_urgent_and_all_else_waits_for_the_reset(
    scenario: Scenario, server: Any
) -> None:
    """H8: INFO stops at the reserve, emergencies go on to 0, and after the reset all arrives."""
    reset = int(time.time()) + 8
    server.set_quota(limit=100, remaining=20, reset=reset)

    outcome = scenario.run(BURST)

    month, next_month = outcome.messages[:20], outcome.messages[20:]
    priorities = [message.params["priority"] for message in month]
    assert priorities == ["-1"] * 10 + ["1"] + ["2"] * 9
    assert outcome.notes["when_low"] == 10
    assert "The month's pushes run low" in month[10].params["title"]
    assert "9 of 100" not in month[10].params["message"]  # as it was when that was written
    assert outcome.notes["delivered"] == 19
    assert outcome.notes["pending"] == 21
    assert [send.status for send in outcome.sends].count(429) <= 1
    assert all(message.received_at >= reset for message in next_month)
    assert outcome.notes["arrived"]
    assert outcome.marks == each_once(40)
    assert outcome.records == 40


@pytest.mark.scenario("H8")
def test_below_the_reserve_high_goes_and_what_waits_is_counted_at_exit(
    scenario: Scenario, server: Any
) -> None:
    """H8: the process ends before the month does: what had to wait is said to be lost, once."""
    program = """
import logging, stage
phone = stage.attach("shop", quota_reserve=10, priorities={"WARNING": "HIGH"}, exit_timeout=1)
log = logging.getLogger("shop")
log.warning(stage.mark(0))
phone.flush(5)
for number in range(1, 6):
    log.info(stage.mark(number))
log.warning(stage.mark(6))
stage.until(lambda: phone.stats().delivered == 2)
stage.accounts(phone)
stage.main_ends()
"""

    server.set_quota(limit=100, remaining=10, reset=int(time.time()) + 3600)
    outcome = scenario.run(program)

    assert outcome.marks == {mark(0): 1, mark(6): 1}
    assert outcome.records == outcome.notes["delivered"] == 2
    assert outcome.notes["pending"] == 5
    assert "5 records were not delivered" in outcome.stderr
    assert outcome.ending < 1 + BUSY
