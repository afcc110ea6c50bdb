"""A handler on the bench: a service made of a list, a clock that moves when told, no threads.

Records pass through the handler's own queue and groups, the pipeline and the sender. Only the
target and the clocks are fakes.
"""

from __future__ import annotations

import logging
import math
import re
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from records import record

from pushover_logging import Grouping, PushoverHandler, RetryPolicy
from pushover_logging.client.constants import Priority
from pushover_logging.client.errors import (
    APIError,
    PushoverError,
    RateLimitError,
    ServerError,
    TransportError,
)
from pushover_logging.delivery import worker
from pushover_logging.delivery.diagnostics import DIAGNOSTICS
from pushover_logging.delivery.sender import Hooks, Sender
from pushover_logging.delivery.stats import Stats
from pushover_logging.delivery.target import (
    Delivered,
    Outcome,
    QuotaSpent,
    Rejected,
    RetryLater,
)
from pushover_logging.notice import Snapshot
from pushover_logging.render.alert import Alert
from pushover_logging.render.record import Renderer
from pushover_logging.render.redact import Redactor
from pushover_logging.stores.memory import MemoryStore

TODAY = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)
LEVELS = {
    Priority.LOWEST: logging.DEBUG,
    Priority.LOW: logging.INFO,
    Priority.NORMAL: logging.WARNING,
    Priority.HIGH: logging.ERROR,
    Priority.EMERGENCY: logging.CRITICAL,
}
_MOST_STEPS = 3000
_REPORTS = ("dropped", "run low")


def no_answer() -> RetryLater:
    return RetryLater(TransportError("no answer"))


def server_error() -> RetryLater:
    return RetryLater(
        ServerError("https://service/1/messages.json", {}, {}, TODAY, http_status=502)
    )


def refusal(**response: object) -> Rejected:
    """An answer to the push alone: the same push is never accepted, others are."""
    body = {"status": 0, "request": "5042853c", "errors": ["no"], **response}
    error = APIError("https://service/1/messages.json", {}, body, TODAY, http_status=400)
    return Rejected(error, is_credential=bool({"token", "user"} & response.keys()))


def quota_spent(reset: datetime | None = None) -> QuotaSpent:
    body = {"token": "invalid", "status": 0, "errors": ["over the limit"]}
    url = "https://service/1/messages.json"
    return QuotaSpent(RateLimitError(url, {}, body, TODAY, reset=reset), reset)


class Clock:
    """Seconds and a date that pass only when told."""

    def __init__(self) -> None:
        self.started = self.now = float(math.ceil(time.monotonic()))
        self.date = TODAY

    def __call__(self) -> float:
        return self.now

    def today(self) -> datetime:
        return self.date

    def pass_to(self, moment: float) -> None:
        self.date += timedelta(seconds=max(0.0, moment - self.now))
        self.now = max(self.now, moment)


@dataclass(frozen=True)
class Status:
    """What the service says of a receipt."""

    acknowledged: bool = False
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    expired: bool = False
    gone: bool = False


@dataclass(frozen=True)
class Push:
    """A push that the service accepted."""

    title: str
    message: str
    priority: Priority
    at: float
    """Seconds since the bench began."""
    receipt: str | None
    tags: tuple[str, ...]

    @property
    def records(self) -> int:
        """The records that it stands for; reports of the handler itself stand for none."""
        return 0 if self.title.endswith(_REPORTS) else records_in(self.title)

    @property
    def text(self) -> str:
        """The text of the record that it shows."""
        return self.message.rpartition("\n")[2]


def records_in(title: str) -> int:
    """The records that a push's title says it stands for."""
    times = re.search(r" \N{MULTIPLICATION SIGN}(\d+)$", title)
    return int(times.group(1)) if times else 1


@dataclass
class FakeTarget:
    """Takes everything, except for the outcomes that it was given."""

    clock: Clock
    outcomes: deque[Outcome | BaseException] = field(default_factory=deque)
    """Returned in turn, one a send; exceptions are raised."""
    pushes: list[Push] = field(default_factory=list)
    tried: list[tuple[float, Priority]] = field(default_factory=list)
    polled: list[float] = field(default_factory=list)
    statuses: dict[str, Status | None] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    cancel_errors: deque[PushoverError] = field(default_factory=deque)
    timeouts: list[float | None] = field(default_factory=list)
    resets: int = 0
    limit: int | None = None
    remaining: int | None = None
    reset: datetime | None = None

    @property
    def elapsed(self) -> float:
        return self.clock.now - self.clock.started

    def deliver(
        self, alert: Alert, timeout: float | None = None, *, escalates: bool = False
    ) -> Outcome:
        self.tried.append((self.elapsed, alert.priority))
        self.timeouts.append(timeout)
        if self.outcomes:
            outcome = self.outcomes.popleft()
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome
        if self.remaining is not None:
            if self.remaining == 0:
                return quota_spent(self.reset)
            self.remaining -= 1
        emergency = alert.priority is Priority.EMERGENCY
        receipt = f"receipt {len(self.pushes)}" if emergency else None
        self.pushes.append(
            Push(alert.title, alert.message, alert.priority, self.elapsed, receipt, alert.tags)
        )
        return Delivered(receipt, None, self.limit, self.remaining, self.reset)

    def receipt(self, receipt: str, timeout: float | None = None) -> Status | None:
        self.polled.append(self.elapsed)
        return self.statuses.get(receipt, Status())

    def cancel(self, receipt: str, timeout: float | None = None) -> PushoverError | None:
        self.cancelled.append(receipt)
        return self.cancel_errors.popleft() if self.cancel_errors else None

    def cancel_by_tag(self, tag: str, timeout: float | None = None) -> PushoverError | None:
        return self.cancel(tag)

    def reset_users(self) -> None:
        self.resets += 1


class _Handler(PushoverHandler):
    """Nothing of it happens at the end of the test process."""

    def flush(self, timeout: float | None = None) -> bool:
        return True

    def close(self) -> None:
        pass


class Bench:
    """A handler, its target and its clock; stepped until nothing is due, as the worker would."""

    def __init__(
        self,
        *,
        capacity: int = 1000,
        grouping: Grouping | None = None,
        retry_policy: RetryPolicy | None = None,
        quota_reserve: int = 0,
        someone_listens: bool = False,
        **options: Any,
    ) -> None:
        self.clock = Clock()
        self.target = FakeTarget(self.clock)
        self.errors: list[Exception] = []
        self.acknowledged: list[Status] = []
        self.lost: list[tuple[str, int]] = []
        """What was handed over as lost: the record's text, and the repeats lost with it."""
        policy = retry_policy or RetryPolicy()
        self.handler = _Handler(
            "a" * 30,
            "u" * 30,
            api_url="http://127.0.0.1:9/1/",
            priorities={level: int(priority) for priority, level in LEVELS.items()},
            capacity=capacity,
            grouping=grouping,
            retry_policy=policy,
            quota_reserve=quota_reserve,
            **options,
        )
        self.queue = self.handler._queue
        self.pipeline = self.handler._pipeline
        self.pipeline._clock = self.clock
        self.pipeline.quiet = False  # nobody is to wake the worker for it
        worker.WORKER._known.pop(id(self.pipeline), None)
        config = self.pipeline.config
        self.sender = Sender(
            MemoryStore(),
            config,
            self.target,  # type: ignore[arg-type]
            Renderer(Redactor(config.redact)),
            policy,
            Hooks(
                self.errors.append,
                self.acknowledged.append if someone_listens else None,
                self._keep_lost,
            ),
            clock=self.clock,
            today=self.clock.today,
        )
        self.opened: Callable[[], Sender] = lambda: self.sender
        self.pipeline._open = lambda: self.opened()  # type: ignore[method-assign]
        self.logged = 0
        self.steps: Counter[float] = Counter()

    def _keep_lost(self, snapshot: Snapshot, repeats: int) -> None:
        self.lost.append((snapshot.text, repeats))

    @property
    def pushes(self) -> list[Push]:
        return self.target.pushes

    @property
    def texts(self) -> list[str]:
        return [push.text for push in self.pushes]

    @property
    def stats(self) -> Stats:
        return self.pipeline.stats()

    def log(
        self,
        text: str = "disk is full",
        priority: Priority = Priority.HIGH,
        *,
        key: str | None = None,
        times: int = 1,
        **overrides: object,
    ) -> None:
        if key is not None:
            overrides["key"] = key
        extra = {"pushover": overrides} if overrides else {}
        for _ in range(times):
            self.handler.handle(record(text, level=LEVELS[priority], **extra))
            self.logged += 1

    def resolve(self, key: str) -> None:
        self.handler.handle(record("it is over", pushover={"resolve": key}))

    def run(self, seconds: float = 0.0, *, deadline: float | None = None) -> None:
        """Let time pass; whatever falls due meanwhile is done at its moment."""
        end = self.clock.now + seconds
        while (due := self.step(deadline)) is not None and due <= end:
            self.clock.pass_to(due)
        self.clock.pass_to(end)

    def step(self, deadline: float | None = None) -> float | None:
        self.steps[self.clock.now] += 1
        assert self.steps[self.clock.now] < _MOST_STEPS, "the sender says 'now' for ever"
        due = self.pipeline.step(deadline)
        return self.clock.now if self.pipeline.news else due

    def drain(self) -> None:
        """Call as ``handler.drain`` does."""
        self.pipeline.draining = self.pipeline.news = True

    def close(self) -> None:
        """Call as ``handler.close`` does."""
        self.pipeline._closed = True
        self.drain()

    def end(self, budget: float = 5.0) -> None:
        """Deliver as the end of the process does, with so much time for it."""
        self.pipeline.news = True
        self.run(budget, deadline=self.clock.now + budget)
        self.pipeline.abandon()

    def acknowledge(self, push: Push, by: str = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG") -> None:
        assert push.receipt is not None
        self.target.statuses[push.receipt] = Status(True, self.clock.date, by)

    def balances(self) -> bool:
        """Whether every record is in one place, and the pushes say so."""
        stats = self.stats
        accounted = stats.delivered + stats.pending + sum(stats.dropped.values())
        came_in = self.logged - len(self.queue.set_aside)  # which are accepted once they are read
        shown = sum(push.records for push in self.pushes)
        return stats.accepted == accounted == came_in and shown == stats.delivered


def say_everything() -> None:
    """Let no line on stderr be withheld because an earlier test said its like."""
    DIAGNOSTICS._last.clear()
    DIAGNOSTICS._withheld.clear()


__all__ = [
    "LEVELS",
    "TODAY",
    "Bench",
    "Clock",
    "FakeTarget",
    "Push",
    "Status",
    "no_answer",
    "quota_spent",
    "record",
    "records_in",
    "refusal",
    "say_everything",
    "server_error",
]
