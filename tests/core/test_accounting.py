"""Every record is accounted for, after every step of whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pushover_logging.alerts import Priority
from pushover_logging.grouping import Grouping
from pushover_logging.retrying import RetryPolicy

from .bench import Bench, News, TransportError, quota_error, refusal, server_error

TEXTS = st.sampled_from(["disk is full", "payment failed", "slow", *"abcdefghijklmnopqrstuvwxyz"])
KEYS = st.none() | st.sampled_from(["payments", "mail"])
TROUBLES: dict[str, Callable[[], BaseException]] = {
    "no answer": lambda: TransportError("no answer"),
    "server error": server_error,
    "refused": refusal,
    "bad expire": lambda: refusal(expire="is invalid"),
    "defect": lambda: ZeroDivisionError("a defect"),
    "thread ends": lambda: SystemExit(1),
}


class AnyStream(RuleBasedStateMachine):
    """Records of all kinds, a service in all moods, and time that passes."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(
            capacity=8,
            grouping=Grouping(interval=60, max_per_minute=4, max_groups=12),
            retry_policy=RetryPolicy(attempts=3, give_up_after=1000),
            quota_reserve=3,
            someone_listens=True,
        )

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

    @rule(kind=st.sampled_from(sorted(TROUBLES)), count=st.integers(1, 4))
    def have_trouble(self, kind: str, count: int) -> None:
        self.bench.service.troubles.extend(TROUBLES[kind]() for _ in range(count))

    @rule(hours=st.none() | st.integers(-1, 2))
    def have_spent_the_month(self, hours: int | None) -> None:
        reset = None if hours is None else self.bench.clock.date + timedelta(hours=hours)
        self.bench.service.troubles.append(quota_error(reset))

    @rule(remaining=st.integers(0, 6) | st.just(9000))
    def have_so_many_left(self, remaining: int) -> None:
        service = self.bench.service
        service.limit, service.remaining = 10_000, remaining
        service.reset = self.bench.clock.date + timedelta(hours=1)

    @precondition(lambda self: self.bench.service.remaining is not None)
    @rule()
    def begin_a_month(self) -> None:
        self.bench.clock.date += timedelta(days=32)
        self.bench.service.remaining = 9000
        self.bench.service.reset = self.bench.clock.date + timedelta(days=30)

    @rule(seconds=st.sampled_from([0, 1, 5, 30, 60, 61, 400, 4000]))
    def let_time_pass(self, seconds: float) -> None:
        end = self.bench.clock.now + seconds
        while self.bench.clock.now < end or seconds == 0:
            try:
                self.bench.run(end - self.bench.clock.now)
            except SystemExit:
                continue  # the next record starts another thread
            return

    @precondition(lambda self: any(push.receipt for push in self.bench.pushes))
    @rule(
        news=st.sampled_from([News(True), News(expired=True), News(gone=True), server_error()]),
        data=st.data(),
    )
    def answer(self, news: News, data: st.DataObject) -> None:
        receipts = [push.receipt for push in self.bench.pushes if push.receipt]
        self.bench.service.news[data.draw(st.sampled_from(receipts))] = news

    @rule(key=st.sampled_from(["payments", "mail"]))
    def resolve(self, key: str) -> None:
        self.bench.intake.resolve(key)

    @rule()
    def close(self) -> None:
        self.bench.intake.wrapping_up = self.bench.intake.news = True

    @rule()
    def miss_one(self) -> None:
        self.bench.intake.missed.add()
        self.bench.logged += 1

    @invariant()
    def every_record_is_accounted_for(self) -> None:
        assert self.bench.the_books_balance(), self.bench.stats

    @invariant()
    def the_room_is_bounded(self) -> None:
        assert self.bench.delivery._room.records() <= self.bench.logged
        room = self.bench.delivery._room
        tried = [parcel for parcel in room._parcels if parcel.tries]
        assert len(room._intake) <= 8
        assert len(tried) <= 8 + 1

    def teardown(self) -> None:
        """When all is well again, everything goes out by itself; what comes then, at the end."""
        self.bench.service.troubles.clear()
        self.bench.service.remaining = None
        self.bench.clock.date += timedelta(days=40)
        self.bench.run(10_000)
        assert self.bench.stats.pending == 0, self.bench.stats

        self.bench.log("the last", times=3)
        self.bench.end()
        assert self.bench.stats.pending == 0, self.bench.stats
        assert self.bench.the_books_balance(), self.bench.stats


TestAnyStream = AnyStream.TestCase
TestAnyStream.settings = settings(max_examples=150, stateful_step_count=30)


@pytest.fixture(autouse=True)
def _no_lines_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """The troubles are meant."""
