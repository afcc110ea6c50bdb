"""The pace: how many pushes leave in a minute, what a digest says, and what the end still sends."""

from __future__ import annotations

from typing import Any

import pytest
from harness import OWN_REPORT, Outcome, Scenario, mark, stands_for

RAISED = """
import logging, stage
handler = stage.attach("shop", grouping={{"max_per_minute": {most}}})
log = logging.getLogger("shop")

class A(Exception): pass
class B(Exception): pass
class C(Exception): pass
class D(Exception): pass
class E(Exception): pass
class F(Exception): pass

for number, kind in enumerate(({kinds})):
    try:
        raise kind("reason " + stage.mark(number))
    except Exception:
        log.exception("task %d failed", number)
{end}
"""


def raised(scenario: Scenario, most: int, kinds: str, end: str = "") -> Outcome:
    return scenario.run(RAISED.format(most=most, kinds=kinds, end=end))


@pytest.mark.scenario("U5")
@pytest.mark.parametrize("end", ["", "handler.close()", "logging.shutdown()", "handler.drain()"])
def test_four_exceptions_and_the_end_are_four_pushes(scenario: Scenario, end: str) -> None:
    """U5: each of them tells its own exception; nothing is summed up."""
    outcome = raised(scenario, 10, "A, B, C, D", end)

    assert len(outcome.messages) == outcome.records == 4
    for number, kind in enumerate("ABCD"):
        text = outcome.text(f"task {number} failed")
        assert f"{kind}: reason {mark(number)}" in text
        assert "program0.py" in text


@pytest.mark.scenario("U5")
@pytest.mark.parametrize("end", ["", "handler.close()", "logging.shutdown()"])
def test_more_than_the_pace_at_the_end_is_singles_and_one_digest(
    scenario: Scenario, end: str
) -> None:
    """U5: the digest names every group that is left, once, with its exception."""
    outcome = raised(scenario, 3, "A, B, C, D, E, F", end)

    *singles, digest = outcome.messages
    assert [stands_for(push) for push in singles] in ([1, 1], [1, 1, 1])
    rest = range(len(singles), 6)
    lines = digest.params["message"].splitlines()
    assert stands_for(digest) == len(rest)
    assert outcome.records == 6
    for number in rest:
        shown = [line for line in lines if f"{'ABCDEF'[number]}: reason {mark(number)}" in line]
        assert len(shown) == 1, lines
        assert digest.params["message"].count(mark(number)) == 1
        assert sum(f"task {number} failed" in line for line in lines) == 1


@pytest.mark.scenario("I4")
def test_a_digest_gives_a_group_one_line_however_often_it_was_repeated(
    scenario: Scenario, server: Any
) -> None:
    """I4: repeats that came while the digest was due are counted in its line."""
    program = """
import logging, stage
handler = stage.attach("shop", grouping={"max_per_minute": 2})
log = logging.getLogger("shop")
log.error(stage.mark(0))
stage.until(lambda: stage.requests_begun() == 1)
for round in range(10):
    for number in range(1, 6):
        log.error(stage.mark(number))
handler.flush(10)
stage.accounts(handler)
"""

    server.fault("delay", seconds=0.5)
    outcome = scenario.run(program)

    digest = outcome.messages[1]
    assert stands_for(digest) == 50
    assert all(digest.params["message"].count(mark(number)) == 1 for number in range(1, 6))
    assert outcome.records == 51


FIRST_MINUTE = """
import logging, stage, threading, time
handler = stage.attach("shop", capacity=5000, grouping={{"interval": 1, "max_per_minute": {most}}})
log, end, number = logging.getLogger("shop"), time.monotonic() + 2.5, 0
# On a busy machine the first pushes come late.
while time.monotonic() < end or stage.requests_begun() < {most}:
    log.log({levels}[number % {count}], stage.mark(number % 500))
    number += 1
    if not number % 50:
        time.sleep(0.01)
stage.accounts(handler)
stage.note(sent=stage.requests_begun())
"""


@pytest.mark.scenario("I4")
@pytest.mark.slow
@pytest.mark.parametrize("most", [1, 10])
@pytest.mark.parametrize(
    ("levels", "extra"), [((30,), 0), ((40,), 1), ((20, 30, 40), 1)], ids=["low", "urgent", "both"]
)
def test_a_flood_gets_no_more_than_the_pace_in_its_first_minute(
    scenario: Scenario, most: int, levels: tuple[int, ...], extra: int
) -> None:
    """I4: intervals end, groups come back, and there are more than max_groups; all are counted."""
    outcome = scenario.run(FIRST_MINUTE.format(most=most, levels=levels, count=len(levels)))

    own = [push for push in outcome.messages if OWN_REPORT.search(push.params["title"])]
    assert not own
    assert most <= outcome.notes["sent"] <= most + extra
    assert len(outcome.messages) <= most + extra + 1  # the end may send one digest more
    assert outcome.records == outcome.notes["accepted"]


SHORT_MINUTES = """
import logging, stage, time
from pushover_logging.delivery import limits
limits._MINUTE = 1.0  # so that the test sees many of them
handler = stage.attach("shop", grouping={{"interval": 0.5, "max_per_minute": {most}}})
log, end, number = logging.getLogger("shop"), time.monotonic() + 4, 0
# On a busy machine the first pushes come late.
while time.monotonic() < end or stage.requests_begun() <= 2 * {most}:
    log.log({levels}[number % {count}], stage.mark(number % 300))
    number += 1
    if not number % 20:
        time.sleep(0.01)
stage.note(sent=stage.requests_begun())
stage.accounts(handler)
"""


@pytest.mark.scenario("I4")
@pytest.mark.slow
@pytest.mark.parametrize(("levels", "extra"), [((30,), 0), ((20, 30, 40), 1)], ids=["low", "both"])
@pytest.mark.parametrize("most", [1, 3])
def test_no_stretch_of_a_minute_has_more_pushes_than_the_pace(
    scenario: Scenario, server: Any, most: int, levels: tuple[int, ...], extra: int
) -> None:
    """I4: it holds for every stretch as long as a minute, not only from full minute to minute."""
    server.fault("delay", count=None, seconds=0.05)
    outcome = scenario.run(SHORT_MINUTES.format(most=most, levels=levels, count=len(levels)))

    times = [request.started_at for request in outcome.sends[: outcome.notes["sent"]]]
    assert len(times) > 2 * most
    for index, start in enumerate(times):
        within = [at for at in times[index:] if at < start + 0.99]
        assert len(within) <= most + extra
    assert outcome.records == outcome.notes["accepted"]


@pytest.mark.scenario("I4")
def test_an_emergency_goes_at_once_though_lesser_pushes_have_used_up_the_minute(
    scenario: Scenario,
) -> None:
    """I4: one more for the first emergency; the second waits, as an end would show."""
    program = """
import logging, stage
handler = stage.attach("shop", grouping={"max_per_minute": 2})
log = logging.getLogger("shop")
for number in range(6):
    log.warning(stage.mark(number))
    handler.flush(0.3)
log.error(stage.mark(6))
stage.note(rang=stage.until(lambda: handler.stats().pushes == 3, 5))
log.error(stage.mark(7))
handler.flush(0.5)
stage.note(pushes=handler.stats().pushes)
"""

    outcome = scenario.run(program)

    assert outcome.notes["rang"]
    assert outcome.notes["pushes"] == 3
    assert [p.params["priority"] for p in outcome.messages] == ["0", "0", "2", "2"]
    assert outcome.messages[2].params["message"] == mark(6)
    assert outcome.records == 8


@pytest.mark.scenario("U4")
@pytest.mark.parametrize("wait", ["handler.flush(10)", ""])
def test_a_summary_shows_text_and_exception_of_the_same_record(
    scenario: Scenario, wait: str
) -> None:
    """U4: repeats with other texts and other exceptions never mix in one push."""
    program = f"""
import logging, stage
handler = stage.attach("shop")
log = logging.getLogger("shop")

def charge(number):
    raise ValueError("reason " + stage.mark(number))

for number in range(20):
    try:
        charge(number)
    except ValueError:
        log.exception("order %s is not paid", stage.mark(number))
    {wait}
"""

    outcome = scenario.run(program)

    first, summary = outcome.messages
    assert first.params["message"].count(mark(0)) == 2
    assert stands_for(summary) == 19
    found = [number for number in range(20) if mark(number) in summary.params["message"]]
    assert len(found) == 1, summary.params["message"]
    assert summary.params["message"].count(mark(found[0])) == 2
    named = "The first:" if found == [0] else "The last:"
    assert named in summary.params["message"]


@pytest.mark.scenario("U4")
def test_a_repeat_of_the_same_template_with_an_exception_is_not_the_first_ones(
    scenario: Scenario,
) -> None:
    """U4: with and without a traceback are different problems, whatever the template says."""
    program = """
import logging, stage
handler = stage.attach("shop")
log = logging.getLogger("shop")
log.error("order %s is not paid", "a")
try:
    raise ValueError("no funds")
except ValueError:
    log.exception("order %s is not paid", "b")
log.error("order %s is not paid", "c")
"""

    outcome = scenario.run(program)

    texts = outcome.texts
    assert outcome.records == 3
    assert [text for text in texts if "no funds" in text] == [outcome.text("no funds")]
    assert "order b is not paid" in outcome.text("no funds")
    assert not any("order c" in text and "no funds" in text for text in texts)
