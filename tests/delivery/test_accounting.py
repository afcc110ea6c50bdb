"""Every record is accounted for, after every step of whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pushover_logging import Grouping, RetryPolicy, handler
from pushover_logging.client.constants import Priority
from pushover_logging.delivery.target import Outcome
from pushover_logging.delivery.worker import WORKER

from .bench import Bench, Status, no_answer, quota_spent, record, refusal, server_error

CAPACITY = 8
TEXTS = st.sampled_from(["disk is full", "payment failed", "slow", *"ghijklmnopqrstuvwxyz"])
KEYS = st.none() | st.sampled_from(["payments", "mail"])
FAILURES: dict[str, Callable[[], Outcome | BaseException]] = {
    "no answer": no_answer,
    "server error": server_error,
    "refused": refusal,
    "refused expire": lambda: refusal(expire="is invalid"),
    "refused token": lambda: refusal(token="invalid"),
    "defect": lambda: ZeroDivisionError("a defect"),
    "thread ends": lambda: SystemExit(1),
}


@pytest.fixture(autouse=True)
def _failures_are_intended(capsys: pytest.CaptureFixture[str]) -> None:
    """Keep their lines on stderr out of the report."""


class AnyStream(RuleBasedStateMachine):
    """Records of all kinds, a service that fails in all ways, and time that passes."""

    grouping = Grouping(interval=60, max_per_minute=4, max_groups=12)

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(
            capacity=CAPACITY,
            grouping=self.grouping,
            retry_policy=RetryPolicy(attempts=3, give_up_after=1000),
            quota_reserve=3,
            someone_listens=True,
        )
        self.has_ended = False

    @rule(
        text=TEXTS,
        priority=st.sampled_from(Priority),
        key=KEYS,
        times=st.sampled_from([1, 1, 2, 50]),
    )
    def log(self, text: str, priority: Priority, key: str | None, times: int) -> None:
        self.bench.log(text, priority, key=key, times=times)

    @rule(count=st.integers(1, 30), priority=st.sampled_from(Priority))
    def log_many_kinds(self, count: int, priority: Priority) -> None:
        for number in range(count):
            self.bench.log("kind " + "x" * number, priority)

    @rule(text=TEXTS, times=st.integers(1, 3))
    def set_records_aside(self, text: str, times: int) -> None:
        for _ in range(times):
            self.bench.queue.set_record_aside(record(text))
            self.bench.logged += 1

    @precondition(lambda self: not self.has_ended)
    @rule()
    def step_once(self) -> None:
        try:
            self.bench.step()
        except SystemExit:
            pass  # the next record starts another thread

    @rule(kind=st.sampled_from(sorted(FAILURES)), count=st.integers(1, 4))
    def fail(self, kind: str, count: int) -> None:
        self.bench.target.outcomes.extend(FAILURES[kind]() for _ in range(count))

    @rule(hours=st.none() | st.integers(-1, 2))
    def spend_the_month(self, hours: int | None) -> None:
        reset = None if hours is None else self.bench.clock.date + timedelta(hours=hours)
        self.bench.target.outcomes.append(quota_spent(reset))

    @rule(remaining=st.integers(0, 6) | st.just(9000))
    def have_so_many_left(self, remaining: int) -> None:
        target = self.bench.target
        target.limit, target.remaining = 10_000, remaining
        target.reset = self.bench.clock.date + timedelta(hours=1)

    @precondition(lambda self: self.bench.target.remaining is not None)
    @rule()
    def begin_a_month(self) -> None:
        self.bench.clock.date += timedelta(days=32)
        self.bench.target.remaining = 9000
        self.bench.target.reset = self.bench.clock.date + timedelta(days=30)

    @precondition(lambda self: not self.has_ended)
    @rule(seconds=st.sampled_from([0, 1, 5, 30, 60, 61, 400, 4000]))
    def let_time_pass(self, seconds: float) -> None:
        self.whoever_ends_the_thread(self.bench.run, seconds)

    @rule(budget=st.sampled_from([0.0, 0.5, 5.0]))
    def end_of_the_process(self, budget: float) -> None:
        """Records may come after it, from other exit hooks, and end it again."""
        self.has_ended = True
        self.whoever_ends_the_thread(self.bench.end, budget)
        assert self.bench.stats.pending == 0, self.bench.stats

    def whoever_ends_the_thread(self, act: Callable[[float], None], seconds: float) -> None:
        end = self.bench.clock.now + seconds
        while True:
            try:
                return act(max(0.0, end - self.bench.clock.now))
            except SystemExit:
                continue  # the next record starts another thread

    @precondition(lambda self: any(push.receipt for push in self.bench.pushes))
    @rule(
        status=st.sampled_from([Status(True), Status(expired=True), Status(gone=True), None]),
        data=st.data(),
    )
    def answer(self, status: Status | None, data: st.DataObject) -> None:
        receipts = [push.receipt for push in self.bench.pushes if push.receipt]
        self.bench.target.statuses[data.draw(st.sampled_from(receipts))] = status

    @rule(key=st.sampled_from(["payments", "mail"]))
    def resolve(self, key: str) -> None:
        self.bench.resolve(key)

    @rule()
    def drain(self) -> None:
        self.bench.drain()

    @rule()
    def close(self) -> None:
        self.bench.close()

    @invariant()
    def every_record_is_accounted_for(self) -> None:
        assert self.bench.balances(), self.bench.stats

    @invariant()
    def the_queue_and_the_outbox_are_bounded(self) -> None:
        assert len(self.bench.queue) <= CAPACITY
        assert self.bench.sender.outbox.alerts <= CAPACITY + 1

    def teardown(self) -> None:
        """Once the service works, everything goes by itself; what comes then, at the end."""
        self.bench.target.outcomes.clear()
        self.bench.target.remaining = None
        self.bench.clock.date += timedelta(days=40)
        if not self.has_ended:
            self.bench.run(60_000)
            assert self.bench.stats.pending == 0, self.bench.stats

        self.bench.log("the last", times=3)
        self.bench.end()
        assert self.bench.stats.pending == 0, self.bench.stats
        assert self.bench.balances(), self.bench.stats


class OnlyFrequentProblems(AnyStream):
    """A problem is an alert only from its third record within a while on."""

    grouping = Grouping(interval=60, max_per_minute=4, max_groups=12, after=3, within=50)


class NoGroups(AnyStream):
    """Every record is an alert."""

    grouping = Grouping(interval=0, max_per_minute=4)


class OnePushAMinute(AnyStream):
    """Almost everything is a digest."""

    grouping = Grouping(interval=60, max_per_minute=1, max_groups=3)


TestAnyStream = AnyStream.TestCase
TestOnlyFrequentProblems = OnlyFrequentProblems.TestCase
TestNoGroups = NoGroups.TestCase
TestOnePushAMinute = OnePushAMinute.TestCase
for case, examples in [
    (TestAnyStream, 60),
    (TestOnlyFrequentProblems, 30),
    (TestNoGroups, 20),
    (TestOnePushAMinute, 30),
]:
    case.settings = settings(
        max_examples=examples, stateful_step_count=30, report_multiple_bugs=False
    )


def test_a_count_that_is_wrong_does_not_balance() -> None:
    bench = Bench()
    bench.log(times=3)
    bench.run(1)
    assert bench.balances()

    bench.sender.delivered_here += 1
    assert not bench.balances()
    bench.sender.delivered_here -= 1
    bench.queue.accepted.add()

    assert not bench.balances()


def test_accepted_is_not_made_of_the_other_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    monkeypatch.setattr(bench.queue.accepted, "add", lambda: 0)

    bench.log(times=3)
    bench.run(1)

    stats = bench.stats
    assert (stats.delivered, stats.pending) == (1, 2)
    assert stats.accepted < 3
    assert not bench.balances()


def test_reading_the_counts_changes_none_of_them() -> None:
    bench = Bench()
    bench.log(key="payments", times=4)
    bench.run(1)
    bench.resolve("payments")
    bench.log(key="payments")  # a new group; three repeats are still counted in the old one
    bench.run(30)

    readings = [bench.stats for _ in range(3)]

    assert readings[0] == readings[1] == readings[2]
    assert bench.balances()


def test_repeats_of_many_problems_that_are_counted_together_add_up() -> None:
    bench = Bench(grouping=Grouping(interval=60, max_groups=2))
    texts = ["disk is full", "mail is down", "payment failed", "cache is cold", "slow"]

    for _ in range(5):
        for text in texts:
            bench.log(text, times=3)
        bench.run(35)

    assert bench.balances(), bench.stats


def test_what_was_summed_up_is_not_counted_again_when_its_group_was_forgotten() -> None:
    bench = Bench(grouping=Grouping(interval=60, max_groups=2))
    for text in ["disk is full", "mail is down", "payment failed", "cache is cold"]:
        bench.log(text, times=3)
        bench.run(130)
    assert bench.balances()

    bench.log("disk is full", times=3)
    bench.run(130)

    assert bench.stats.pending == 0
    assert bench.balances(), bench.stats


def test_a_handler_that_is_used_after_it_was_closed_counts_nothing_twice() -> None:
    bench = Bench()
    bench.log(times=5)
    bench.close()
    bench.run()

    bench.log(times=5)
    bench.close()
    bench.run()

    assert bench.stats.delivered == 10
    assert bench.balances(), bench.stats


def test_flood_of_lesser_problems_hides_no_emergency() -> None:
    """One that rings stays known, and others ring for themselves, although the table is full."""
    bench = Bench(grouping=Grouping(interval=2, max_groups=3, max_per_minute=100))
    bench.log("the database is gone", Priority.EMERGENCY)
    bench.run(3)

    for number in range(6):
        bench.log("kind " + "x" * number, Priority.LOW)
    bench.run(1)
    for text in ("the database is gone", "the disk is full", "the mail is down"):
        bench.log(text, Priority.EMERGENCY, times=2)
    bench.run(1)

    rings = [push.text for push in bench.pushes if push.priority == Priority.EMERGENCY]
    assert rings == ["the database is gone", "the disk is full", "the mail is down"]
    assert bench.balances(), bench.stats


def test_repeats_that_come_late_to_many_closed_groups_count_once() -> None:
    """Threads that were interrupted between finding a group and counting."""
    bench = Bench(grouping=Grouping(interval=0.1))
    groups = []
    for _ in range(30):
        bench.log(times=3)
        bench.run(0.05)
        groups += bench.handler._groups.open()
        bench.run(0.15)
    assert bench.balances()

    for group in groups:
        next(group.ticks)
        bench.queue.accepted.add()
        bench.logged += 1
    bench.run(60)

    assert bench.stats.delivered == 120
    assert bench.balances(), bench.stats


def test_problems_that_found_no_room_are_forgotten() -> None:
    bench = Bench(grouping=Grouping(interval=60), capacity=CAPACITY)
    for number in range(3 * CAPACITY):
        bench.log("kind " + "x" * number)

    bench.run(100)

    assert bench.handler._groups.open() == []
    assert bench.stats.pending == 0
    assert bench.balances(), bench.stats


def test_repeats_of_a_record_that_could_not_be_read_are_accounted_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench()
    take = handler.take

    def run_out_of_stack(*arguments: Any) -> Any:
        monkeypatch.setattr(handler, "take", take)
        bench.log("disk is full")  # by another thread, which finds the group
        raise RecursionError

    monkeypatch.setattr(handler, "take", run_out_of_stack)
    monkeypatch.setattr(WORKER, "wake", lambda pipeline: None)

    bench.log("disk is full")
    bench.run(1000)

    assert bench.stats.pending == 0
    assert bench.balances(), bench.stats
