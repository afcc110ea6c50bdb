"""The wall clock may jump; what is measured in seconds keeps its seconds."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Scenario, each_once

# Nobody may set the machine's clock for a test, so that here alone time.time is replaced, in the
# program's own process: every reader of the wall clock there sees the jump, the monotonic doesn't.
JUMP = """
import time
real_time, jump = time.time, 0.0
time.time = lambda: real_time() + jump
"""


@pytest.mark.scenario("T1")
@pytest.mark.parametrize("jump", [86_400.0, -86_400.0])
def test_a_clock_that_jumps_a_day_changes_no_interval(
    scenario: Scenario, server: Any, jump: float
) -> None:
    """T1: a group's interval, the pause before a repeat and the giving up go by monotonic time."""
    program = f"""{JUMP}
import logging, stage
phone = stage.attach("shop", priorities={{"ERROR": "HIGH"}}, grouping={{"interval": 3600}})
log = logging.getLogger("shop")
log.error("again " + stage.mark(0))
stage.until(lambda: stage.requests_begun() == 2)
jump = {jump}
log.error("again " + stage.mark(0))
stage.note(flushed=phone.flush(5), delivered=phone.stats().delivered)
log.error("another " + stage.mark(1))
phone.flush(5)
stage.note(before_exit=phone.stats().delivered)
"""

    server.fault("status", count=2, status=503)
    outcome = scenario.run(program)

    assert outcome.notes["flushed"] is True
    assert outcome.notes["delivered"] == 1
    assert outcome.notes["before_exit"] == 2
    assert outcome.records == 3
    assert set(outcome.marks) == set(each_once(2))
    pauses = [
        after.started_at - before.ended_at
        for before, after in zip(outcome.sends, outcome.sends[1:3], strict=False)
    ]
    assert all(0.1 <= pause < 2 for pause in pauses)
