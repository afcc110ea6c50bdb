"""Everything that waits, runs or is kept has a bound, and ends."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Scenario, quickest, stands_for


@pytest.mark.scenario("B1")
@pytest.mark.parametrize("levels", [(40,), (20,), (20, 30, 40)], ids=["ERROR", "INFO", "mixed"])
@pytest.mark.parametrize("timeout", [30, 0.05], ids=["first try", "later tries"])
def test_capacity_holds_to_within_the_number_of_threads(
    mute_scenario: Scenario, timeout: float, levels: tuple[int, ...]
) -> None:
    """B1: eight threads log into a black hole; never do more wait than there is room for."""
    program = f"""
import logging, stage, sys, threading
sys.setswitchinterval(1e-5)
handler = stage.attach("shop", capacity=200, exit_timeout=0.2, timeout=(1, {timeout}),
                       grouping={{"max_groups": 100_000}})
log, start = logging.getLogger("shop"), threading.Barrier(8)
log.log({levels[0]}, stage.mark(40_000))
stage.until(lambda: handler.stats().pending == 1)
most, done = 0, []

def work(first):
    start.wait()
    for number in range(first, first + 1000):
        log.log({levels}[number % {len(levels)}], stage.mark(number))
    done.append(first)

threads = [threading.Thread(target=work, args=[first]) for first in range(0, 8000, 1000)]
for thread in threads: thread.start()
while len(done) < 8:
    most = max(most, handler.stats().pending)
for thread in threads: thread.join()
stage.accounts(handler)
stage.note(most=max(most, handler.stats().pending))
"""

    outcome = mute_scenario.run(program)

    notes = outcome.notes
    assert notes["accepted"] == 8001
    assert notes["accepted"] == notes["pending"] + sum(notes["dropped"].values())
    assert 200 <= notes["pending"] <= 200 + 8 + 1  # a push is in hand
    assert notes["most"] <= 200 + 8 + 1


@pytest.mark.scenario("B1")
def test_capacity_holds_while_the_worker_waits_for_an_answer(
    scenario: Scenario, server: Any
) -> None:
    """B1: what the worker has taken over counts as much as what it has not seen yet."""
    program = """
import logging, stage
handler = stage.attach("shop", capacity=100)
log = logging.getLogger("shop")
log.error(stage.mark(0))
stage.until(lambda: stage.requests_begun() == 1)
for number in range(1, 101):
    log.error(stage.mark(number))
stage.until(lambda: stage.requests_begun() == 2)
for number in range(101, 401):
    log.error(stage.mark(number))
stage.accounts(handler)
stage.clear_faults()
"""

    server.fault("delay", count=2, seconds=1)
    outcome = scenario.run(program)

    assert outcome.notes["pending"] <= 100 + 2  # a push is in hand
    assert outcome.notes["dropped"]["full"] >= 298


@pytest.mark.scenario("B1")
def test_accepted_is_counted_on_its_own(scenario: Scenario) -> None:
    """The balance of the counts is a fact that can fail: where a count is broken, it does."""
    program = """
import logging, stage
from pushover_logging.delivery import sender
settle = sender.Sender._delivered

def forgetful(self, entry, outcome, now):
    settle(self, entry, outcome, now)
    self.delivered -= 1
    self.delivered_here -= 1

sender.Sender._delivered = forgetful
handler = stage.attach("shop")
for number in range(5):
    logging.getLogger("shop").error(stage.mark(number))
handler.flush(10)
stage.accounts(handler)
"""

    outcome = scenario.run(program)

    assert outcome.notes["accepted"] == 5
    assert outcome.notes["delivered"] + outcome.notes["pending"] == 0


IDLE = """
import logging, stage, threading
from pushover_logging.delivery.worker import WORKER, Pipeline
rounds, steps = [], []
one_pass, one_step = WORKER._run_pass, Pipeline.step
WORKER._run_pass = lambda: (rounds.append(1), one_pass())[1]
Pipeline.step = lambda self, deadline: (steps.append(1), one_step(self, deadline))[1]
handler = stage.attach("shop", grouping={{"interval": {interval}}}, priorities={priorities})
log = logging.getLogger("shop")
for number in range(3):
    log.error(stage.mark(number))
    log.warning("item %d is sold out", number)
{then}
stage.until(lambda: not handler.stats().pending, 5)
threading.Event().wait(1)  # closed groups are read twice more
before = len(rounds), len(steps)
threading.Event().wait(2)
stage.note(rounds=len(rounds) - before[0], steps=len(steps) - before[1], all=len(steps))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("interval", "priorities", "then"),
    [
        (300, '{"ERROR": "HIGH"}', "handler.drain(5)"),
        (300, "None", "handler.drain(5)"),
        (300, '{"ERROR": "HIGH"}', "handler.close()"),
        (0, '{"ERROR": "HIGH"}', ""),
    ],
    ids=["drained", "an emergency rings", "closed", "no groups"],
)
def test_an_idle_second_wakes_nobody(
    scenario: Scenario, interval: float, priorities: str, then: str
) -> None:
    """What waits for nothing takes no step, though groups are open."""
    outcome = scenario.run(IDLE.format(interval=interval, priorities=priorities, then=then))

    assert outcome.notes["all"] > 0
    assert outcome.notes["rounds"] == outcome.notes["steps"] == 0


@pytest.mark.slow
def test_a_closed_interval_takes_few_steps_and_then_none(scenario: Scenario) -> None:
    """Each end of an interval costs a bounded number of steps, and nothing is polled."""
    program = IDLE.format(interval=0.5, priorities='{"ERROR": "HIGH"}', then="handler.flush(5)")

    outcome = scenario.run(program.replace("wait(1)", "wait(12)"), deadline=30)

    assert outcome.notes["rounds"] == outcome.notes["steps"] == 0
    assert outcome.notes["all"] < 60


def test_closed_handlers_leave_no_memory_and_no_steps(scenario: Scenario) -> None:
    """Handlers that were used, closed and dropped are collected; the worker knows none of them."""
    program = """
import gc, logging, stage, weakref
from pushover_logging.delivery.worker import WORKER
log, handlers = logging.getLogger("shop"), []
for number in range(20):
    handler = stage.attach("shop", priorities={"ERROR": "HIGH"})
    log.error(stage.mark(number))
    log.error("the disk is full")
    log.removeHandler(handler)
    handler.close()
    handlers.append(weakref.ref(handler))
del handler

def left():
    gc.collect()
    return sum(handler() is not None for handler in handlers)

stage.note(collected=stage.until(lambda: not left(), 5), left=left())
stage.note(active=len(WORKER._active), pipelines=len(WORKER.pipelines()))
"""

    outcome = scenario.run(program)

    assert outcome.notes["collected"], outcome.notes["left"]
    assert outcome.notes["active"] == outcome.notes["pipelines"] == 0
    assert outcome.records == 40


def test_a_closed_handler_keeps_no_groups(scenario: Scenario) -> None:
    """Once nothing waits, close forgets everything; a later record is an alert of its own."""
    program = """
import logging, stage
handler = stage.attach("shop", priorities={"ERROR": "HIGH"})
log = logging.getLogger("shop")
for number in range(500):
    log.error(stage.mark(number))
handler.close()
groups = handler._groups
stage.until(lambda: not groups.open())
stage.note(kept=len(groups.open()) + len(groups.known))
log.error(stage.mark(0))
stage.note(flushed=handler.flush(10))
"""

    outcome = scenario.run(program)

    assert outcome.notes["kept"] == 0
    assert outcome.notes["flushed"]
    assert outcome.records == 501
    assert outcome.texts[-1].startswith("mark-gggg")


def test_counts_stay_exact_when_a_closed_handler_is_used_again(scenario: Scenario) -> None:
    """Closed, used, drained and closed again: each repeat is counted once."""
    program = """
import logging, stage, threading
handler = stage.attach("shop", priorities={"ERROR": "HIGH"})
log = logging.getLogger("shop")
for round in range(3):
    for _ in range(5):
        log.error("the disk is full")
    handler.drain(10)
    for _ in range(5):
        log.error("the disk is full")
    handler.close()
    threading.Event().wait(0.7)  # the handler forgets its groups meanwhile
stage.accounts(handler)
"""

    outcome = scenario.run(program)

    assert outcome.notes["accepted"] == outcome.notes["delivered"] == outcome.records == 30


LATE = """
import logging, stage, threading
handler = stage.attach("shop", grouping={"interval": 1})
log = logging.getLogger("shop")
log.warning("item %d is sold out", 0)
(group,) = handler._groups.open()
handler.flush(10)
# A thread that was interrupted between finding the group and counting.
stage.until(lambda: group.levelno == -1, 5)
threading.Event().wait(0.3)  # the sender has seen that there were no repeats
next(group.ticks)
handler._queue.accepted.add()
stage.note(sent=stage.until(lambda: handler.stats().delivered == 2, 15))
stage.accounts(handler)
"""


@pytest.mark.slow
def test_a_repeat_that_comes_while_its_group_is_closed_is_sent_by_itself(
    scenario: Scenario,
) -> None:
    """Nothing is logged any more: the repeat does not wait for the next record."""
    outcome = scenario.run(LATE, deadline=30)

    assert outcome.notes["sent"]
    assert outcome.notes["delivered"] == 2
    assert [stands_for(push) for push in outcome.messages] == [1, 1]


MANY = """
import logging, stage, time
handler = stage.attach("shop", capacity=50_000,
                       grouping={{"max_groups": {groups}, "max_per_minute": 2}})
log = logging.getLogger("shop")
log.warning(stage.mark(60_000))
log.warning(stage.mark(60_001))
handler.flush(10)
handler.drain(1)
began, busy = time.monotonic(), time.process_time()
for number in range({records}):
    log.warning(stage.mark(number))
stage.until(lambda: handler._pipeline.quiet and not len(handler._queue), 60)
stage.note(busy=time.process_time() - busy)
log.error("urgent")
stage.note(rang=stage.until(lambda: handler.stats().pushes >= 3, 5))
stage.accounts(handler)
"""


@pytest.mark.slow
def test_sixteen_thousand_groups_do_not_freeze_the_worker(scenario: Scenario) -> None:
    """Four times the groups take about four times the work, not sixteen times."""

    def busy(groups: int, bound: float = 0.0) -> float:
        program = MANY.format(groups=groups, records=groups * 5 // 4)
        outcome = quickest(
            lambda: scenario.run(program, deadline=60), bound, lambda run: float(run.notes["busy"])
        )
        assert outcome.notes["rang"]
        assert outcome.records == outcome.notes["accepted"] == groups * 5 // 4 + 3
        return float(outcome.notes["busy"])

    few = busy(4000)
    bound = 8 * few + 0.5
    many = busy(16_000, bound)

    assert many < bound, (few, many)


RESOLVED = """
import logging, stage, time
handler = stage.attach("shop", capacity=50_000, priorities={{"WARNING": "LOW"}},
                       grouping={{"max_groups": 50_000, "max_per_minute": 2}})
log = logging.getLogger("shop")
for number in range({groups}):
    log.warning(stage.mark(number), extra={{"pushover": {{"key": f"order {{number}}"}}}})
handler.flush(1)
busy = time.process_time()
for number in range(1000):
    log.warning("solved", extra={{"pushover": {{"resolve": f"order {{number}}"}}}})
stage.until(lambda: handler._pipeline.quiet and not handler._queue.resolved, 15)
stage.note(busy=time.process_time() - busy)
"""


@pytest.mark.slow
@pytest.mark.scenario("U10")
def test_resolving_costs_the_same_among_many_groups(scenario: Scenario) -> None:
    """U10: a thousand problems end, among two thousand and among sixteen thousand groups."""

    def busy(groups: int) -> float:
        outcome = scenario.run(RESOLVED.format(groups=groups), deadline=40)
        assert outcome.records == groups
        return float(outcome.notes["busy"])

    few, many = busy(2000), busy(16_000)

    assert many < 4 * few + 0.3, (few, many)


MIXTURE = """
import logging, random, stage, sys, threading
sys.setswitchinterval(1e-5)
grouping = {{"interval": {interval}, "max_groups": {groups}, "max_per_minute": {pace}}}
handler = stage.attach("shop", capacity={capacity}, grouping=grouping,
                       priorities={{"ERROR": "HIGH"}}, exit_timeout=30)
log = logging.getLogger("shop")

def work(seed):
    chance = random.Random(seed)
    for number in range(500):
        mark = stage.mark(chance.randrange(chance.choice((3, 60, 3000))))
        action = chance.randrange(100)
        if action < 60:
            log.log(chance.choice((20, 30, 40)), mark)
        elif action < 70:
            log.warning("order %d " + mark, number)
        elif action < 80:
            try:
                raise ValueError(mark)
            except ValueError:
                log.exception("order failed")
        elif action < 90:
            log.error(mark, extra={{"pushover": {{"key": f"key {{number % 30}}"}}}})
        elif action < 94:
            log.error("over", extra={{"pushover": {{"resolve": f"key {{number % 30}}"}}}})
        elif action < 96 and seed == 0:
            handler.drain(0.01)
        elif action < 96 and seed == 1:
            handler.close()
        elif action < 98:
            handler.stats()

threads = [threading.Thread(target=work, args=[seed]) for seed in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
handler.drain(1)
stage.accounts(handler)
"""


@pytest.mark.slow
@pytest.mark.parametrize("interval", [0, 0.02, 300])
@pytest.mark.parametrize(
    ("capacity", "groups", "pace"), [(20, 50, 3), (200, 5, 100_000), (5000, 1000, 3)]
)
def test_the_counts_balance_whatever_is_logged(
    scenario: Scenario, interval: float, capacity: int, groups: int, pace: int
) -> None:
    """Eight threads log, resolve, drain and close: at the server and in the counts it adds up."""
    program = MIXTURE.format(interval=interval, capacity=capacity, groups=groups, pace=pace)

    outcome = scenario.run(program, deadline=90)

    notes = outcome.notes
    lost = sum(notes["dropped"].values())
    assert notes["accepted"] == notes["delivered"] + notes["pending"] + lost, outcome.records
    assert outcome.records == notes["accepted"] - lost
