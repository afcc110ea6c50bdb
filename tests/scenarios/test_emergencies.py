"""An emergency rings once: what becomes of it decides whether the same trouble rings again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from harness import Outcome, Scenario, stands_for

EMERGENCY, NORMAL = "2", "0"

GOES_ON = """
import logging, stage, time
log = logging.getLogger("shop")
phone = stage.attach("shop", {options})
count = 0

def goes_on():
    global count
    count += 1
    log.error("the database is gone")

def pushes():
    return phone.stats().pushes

def heard(news):
    stage.note(heard=time.monotonic(), by=news.acknowledged_by)

stage.until(lambda: goes_on() or pushes() == 2, 40)
for _ in range(50):
    goes_on()
stage.note(count=count, states=[report.state.value for report in phone.stats().incidents])
stage.accounts(phone)
"""


def run(
    scenario: Scenario, program: str, then: Callable[[str], object] = lambda receipt: None
) -> Outcome:
    """Run the program; once its first emergency rings, do something with the receipt."""
    script = scenario.folder / "emergency.py"
    script.write_text(program, encoding="utf-8")

    def someone_does_something(process: object) -> None:
        (message, *_) = scenario.server.wait_for(1)
        then(message.receipt)

    return scenario.run_command(
        [sys.executable, str(script)], deadline=60, meanwhile=someone_does_something
    )


def rings(outcome: Outcome) -> list[Any]:
    """The sends that made the phone ring."""
    return [send for send in outcome.sends if send.params["priority"] == EMERGENCY]


def adds_up(outcome: Outcome) -> bool:
    return bool(outcome.records == outcome.notes["count"] == outcome.notes["accepted"])


@pytest.mark.scenario("I7")
@pytest.mark.slow
def test_acknowledged_and_going_on_rings_again_after_the_interval(
    scenario: Scenario, server: Any
) -> None:
    """I7: noticed within 30 seconds, and then left in peace for one interval."""
    program = GOES_ON.format(options='grouping={"interval": 3}, on_acknowledged=lambda n: heard(n)')

    outcome = run(scenario, program, server.acknowledge)

    first, second = rings(outcome)
    assert outcome.notes["by"] == server.user
    assert outcome.notes["heard"] - first.ended_at < 30
    assert 2.9 < second.started_at - outcome.notes["heard"] < 6  # it was heard a little late
    assert outcome.notes["states"] == ["acknowledged", "ringing"]
    assert stands_for(outcome.messages[-1]) >= 50
    assert adds_up(outcome)


@pytest.mark.scenario("I7")
@pytest.mark.parametrize("interval", [1, 300])
def test_expired_and_going_on_rings_again_at_once(
    scenario: Scenario, server: Any, interval: int
) -> None:
    """I7: nobody answered; the next ring needs no interval, whichever of the two is longer."""
    program = GOES_ON.format(options=f'expire=2, grouping={{"interval": {interval}}}')

    outcome = run(scenario, program)

    first, second = rings(outcome)
    assert 2 <= second.started_at - first.started_at < 4
    assert outcome.notes["states"] == ["expired", "ringing"]
    assert adds_up(outcome)


@pytest.mark.scenario("I7")
@pytest.mark.slow
def test_expired_by_the_service_and_going_on_rings_again_at_once(
    scenario: Scenario, server: Any
) -> None:
    """I7: the service gave up ringing sooner than it was asked to, and is taken at its word."""
    program = GOES_ON.format(options='grouping={"interval": 300}')

    outcome = run(scenario, program, server.expire)

    first, second = rings(outcome)
    asked = [request for request in outcome.requests if "/receipts/" in request.path]
    assert len(asked) == 1
    assert second.started_at - asked[0].ended_at < 2
    assert second.started_at - first.ended_at < 30
    assert adds_up(outcome)


RESOLVED = """
import logging, stage
log = logging.getLogger("shop")
phone = stage.attach("shop", grouping={"interval": 300})

def gone():
    log.error("the database is gone", extra={"pushover": {"key": "database"}})

def states():
    return [report.state.value for report in phone.stats().incidents]

for _ in range(100):
    gone()
stage.until(lambda: phone.stats().pushes == 1)
for _ in range(3):
    log.info("it is back", extra={"pushover": {"resolve": "database"}})
stage.until(lambda: states() == ["resolved"] and stage.requests_begun() == 2)
stage.note(states=states())
for _ in range(2 * REPEATS):
    gone()
phone.flush(1)
stage.accounts(phone)
"""


@pytest.mark.scenario("I7")
def test_resolved_is_cancelled_once_and_the_next_rings_anew(
    scenario: Scenario, server: Any
) -> None:
    """I7: a record that says it is over ends the ringing, by tag, and is no push itself."""
    outcome = run(scenario, RESOLVED.replace("REPEATS", "25"))

    cancels = [request for request in outcome.requests if "/cancel" in request.path]
    receipts = [push.receipt for push in outcome.messages if push.receipt]
    assert len(cancels) == 1
    assert "/receipts/cancel_by_tag/" in cancels[0].path
    assert outcome.notes["states"] == ["resolved"]
    assert [server.emergency(receipt).canceled for receipt in receipts] == [True, False]
    assert {push.params["priority"] for push in outcome.messages[2:]} == {NORMAL}
    assert outcome.records == outcome.notes["accepted"] == 150


@pytest.mark.scenario("I7")
def test_resolved_and_at_its_end_says_what_was_counted(scenario: Scenario) -> None:
    """I7: the repeats of what is over are said at exit, without a ring."""
    outcome = run(scenario, RESOLVED.replace("REPEATS", "0"))

    said = [(push.params["priority"], stands_for(push)) for push in outcome.messages]
    assert said == [(EMERGENCY, 1), (NORMAL, 99)]
