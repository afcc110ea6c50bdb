"""The same trouble again and again: it is pushed once, then counted, and the counts are exact."""

from __future__ import annotations

import pytest
from harness import BUSY, Outcome, Scenario, stands_for

EMERGENCY, NORMAL = "2", "0"


def pushed(outcome: Outcome) -> list[tuple[str, int]]:
    """Each push's priority and how many records it stands for."""
    return [(push.params["priority"], stands_for(push)) for push in outcome.messages]


@pytest.mark.scenario("I1")
@pytest.mark.parametrize(
    "call",
    [
        'log.error("the disk is full")',
        'log.error("order %d is not paid", number)',
        'log.error("the disk is full", exc_info=trouble)',
    ],
    ids=["the same text", "other arguments", "with a traceback"],
)
def test_a_loop_of_errors_rings_once(scenario: Scenario, call: str) -> None:
    """I1: one ERROR 100,000 times: one emergency, then one summary that counts all others."""
    program = f"""
import logging, stage
phone = stage.attach("shop", grouping={{}})
log, trouble = logging.getLogger("shop"), OSError(28, "no space left")
for number in range(100_000):
    {call}
phone.flush(10)
stage.accounts(phone)
"""

    outcome = scenario.run(program)

    assert pushed(outcome) == [(EMERGENCY, 1), (NORMAL, 99_999)]
    assert outcome.messages[1].params["message"].startswith("99999 more times, ")
    assert outcome.notes["accepted"] == 100_000
    assert outcome.notes["delivered"] + outcome.notes["pending"] == 100_000


@pytest.mark.scenario("I2")
def test_a_loop_in_eight_threads_rings_once(scenario: Scenario) -> None:
    """I2: the same from eight threads at once; no count is lost between them."""
    program = """
import logging, stage, sys, threading
sys.setswitchinterval(1e-5)
phone = stage.attach("shop", grouping={})
log, start = logging.getLogger("shop"), threading.Barrier(8)

def work():
    start.wait()
    for number in range(12_500):
        log.error("order %d is not paid", number)

threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
stage.accounts(phone)
"""

    outcome = scenario.run(program)

    assert pushed(outcome) == [(EMERGENCY, 1), (NORMAL, 99_999)]
    assert outcome.notes["accepted"] == 100_000


@pytest.mark.scenario("I3")
@pytest.mark.parametrize(
    "text",
    [
        "order {number} is not paid",
        "request {uuid.UUID(int=number << 64)} failed",
        "job {number:06x} of user-{number} at 10.0.{number // 256}.{number % 256} is stuck",
        "took {number / 7:.3f} s at 0x{number:08x}",
    ],
    ids=["a number", "a UUID", "hexadecimals and addresses", "fractions"],
)
def test_a_text_with_its_ids_written_into_it_is_one_trouble(scenario: Scenario, text: str) -> None:
    """I3: an f-string in a loop has another text each time, and rings once."""
    program = f"""
import logging, stage, uuid
phone = stage.attach("shop", grouping={{}})
for number in range(1000):
    logging.getLogger("shop").error(f"{text}")
"""

    outcome = scenario.run(program)

    assert pushed(outcome) == [(EMERGENCY, 1), (NORMAL, 999)]


@pytest.mark.scenario("I3")
def test_two_troubles_through_one_line_of_code_are_two(scenario: Scenario) -> None:
    """I3: what differs in more than its ids is another trouble, wherever it was logged."""
    program = """
import logging, stage
phone = stage.attach("shop", grouping={})
for number in range(100):
    for trouble in (f"order {number} is not paid", f"order {number} is not packed"):
        logging.getLogger("shop").error(trouble)
    phone.flush(10)
"""

    outcome = scenario.run(program)

    rings = [push for push in outcome.messages if push.params["priority"] == EMERGENCY]
    assert sorted(push.params["message"] for push in rings) == [
        "order 0 is not packed",
        "order 0 is not paid",
    ]
    assert outcome.records == 200


@pytest.mark.slow
@pytest.mark.scenario("I5")
def test_a_summary_goes_out_by_itself_when_its_interval_ends(scenario: Scenario) -> None:
    """I5: nothing is logged any more; the counts are said nevertheless, not before their time."""
    program = """
import logging, stage
phone = stage.attach("shop", grouping={"interval": 1.5})
for number in range(10):
    logging.getLogger("shop").warning("item %d is sold out", number)
stage.note(arrived=stage.until(lambda: phone.stats().delivered == 10))
stage.accounts(phone)
stage.until(lambda: stage.requests_begun() > 2, 2)
"""

    outcome = scenario.run(program)

    assert outcome.notes["arrived"]
    assert outcome.notes["pending"] == 0
    assert pushed(outcome) == [(NORMAL, 1), (NORMAL, 9)]
    assert outcome.messages[1].params["message"].endswith("item 9 is sold out")
    first, summary = outcome.sends
    assert 1.5 <= summary.started_at - first.ended_at < 3


@pytest.mark.scenario("I5")
@pytest.mark.parametrize("end", ["", "phone.close()", "logging.shutdown()"])
def test_the_end_sends_the_summaries_before_their_interval_is_over(
    scenario: Scenario, end: str
) -> None:
    """I5: at exit nobody would come back to say the counts later."""
    program = f"""
import logging, stage
phone = stage.attach("shop", grouping={{"interval": 3600}})
for number in range(10):
    logging.getLogger("shop").warning("item %d is sold out", number)
    logging.getLogger("shop").error("order %d is not paid", number)
    phone.flush(10)
{end}
stage.main_ends()
"""

    outcome = scenario.run(program)

    assert sorted(pushed(outcome)) == [(NORMAL, 1), (NORMAL, 9), (NORMAL, 9), (EMERGENCY, 1)]
    assert outcome.ending < 2 + BUSY


DIFFERENT = """
import logging, stage

def memory():
    (line,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024

DIGITS = str.maketrans("0123456789", "ghjkmnpqrs")
phone = stage.attach("shop", grouping={"interval": 2})
log = logging.getLogger("shop")
log.error("the database is gone")
phone.flush(10)
for number in range(COUNT):
    log.info("nothing like " + str(number).translate(DIGITS))
    if number == 20_000:
        before = memory()
stage.note(grown=memory() - before)
log.error("the database is gone")
phone.flush(10)
stage.accounts(phone)
"""


@pytest.mark.slow
@pytest.mark.scenario("I6")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("count", [200_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_different_messages_take_bounded_memory_and_ring_nothing_anew(
    scenario: Scenario, count: int
) -> None:
    """I6: what is not remembered is counted; an emergency that still rings is remembered."""
    outcome = scenario.run(DIFFERENT.replace("COUNT", str(count)), deadline=240)

    assert outcome.notes["grown"] < 16  # MiB; 200,000 short texts in a list are as much
    rings = [push for push in outcome.messages if push.params["priority"] == EMERGENCY]
    assert [push.params["message"] for push in rings] == ["the database is gone"]
    assert outcome.notes["accepted"] == count + 2
    assert outcome.records + sum(outcome.notes["dropped"].values()) == count + 2
