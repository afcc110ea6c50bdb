"""A delivery on the bench: a service made of a list, a clock that moves when told, no threads."""

from __future__ import annotations

import logging
import re
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from pushover_logging.alerts import Alert, Priority
from pushover_logging.books import Stats
from pushover_logging.defaults import ByLevel, Terms
from pushover_logging.grouping import Grouping
from pushover_logging.intake import Intake
from pushover_logging.noting import Early
from pushover_logging.parcels import Share
from pushover_logging.quota import Allowance
from pushover_logging.retrying import RetryPolicy

from pushover_logging.client.errors import (
    APIError,
    PushoverError,
    RateLimitError,
    ServerError,
    TransportError,
)
from pushover_logging.delivery import Delivery

TODAY = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)
LEVELS = {
    Priority.LOWEST: logging.DEBUG,
    Priority.LOW: logging.INFO,
    Priority.NORMAL: logging.WARNING,
    Priority.HIGH: logging.ERROR,
    Priority.EMERGENCY: logging.CRITICAL,
}
_MOST_STEPS = 3000


def record(
    msg: object = "hello",
    *args: object,
    name: str = "shop",
    level: int = logging.ERROR,
    exc_info: object = None,
    **extra: object,
) -> logging.LogRecord:
    return logging.getLogger(name).makeRecord(
        name,
        level,
        "/srv/shop/cart.py",
        7,
        msg,
        args,
        exc_info,
        "add",
        extra or None,  # type: ignore[arg-type]
    )


def refusal(status: int = 400, **response: object) -> APIError:
    """An answer that repeating would not change."""
    body = {"status": 0, "request": "5042853c", "errors": ["no"], **response}
    return APIError("https://service/1/messages.json", {}, body, TODAY, http_status=status)


def server_error() -> ServerError:
    return ServerError("https://service/1/messages.json", {}, {}, TODAY, http_status=502)


def quota_error(reset: datetime | None = None) -> RateLimitError:
    body = {"token": "invalid", "status": 0, "errors": ["over the limit"]}
    return RateLimitError("https://service/1/messages.json", {}, body, TODAY, reset=reset)


class Clock:
    """Seconds and a date that pass only when told."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.date = TODAY

    def __call__(self) -> float:
        return self.now

    def today(self) -> datetime:
        return self.date

    def pass_to(self, moment: float) -> None:
        self.date += timedelta(seconds=max(0.0, moment - self.now))
        self.now = max(self.now, moment)


@dataclass(frozen=True)
class Answer:
    receipt: str | None = None
    info: str | None = None
    limit: int | None = None
    remaining: int | None = None
    reset: datetime | None = None


@dataclass(frozen=True)
class News:
    acknowledged: bool = False
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    expired: bool = False
    gone: bool = False


@dataclass(frozen=True)
class Push:
    """A push that the service accepted."""

    title: str
    priority: Priority
    texts: tuple[str | None, ...]
    at: float
    receipt: str | None
    tags: tuple[str, ...] = ()
    records: int = 1


def _text(item: tuple[Any, ...] | logging.LogRecord | None) -> str | None:
    """Of what was noted: a plain record, or one that was frozen, which is itself here."""
    return item.msg if isinstance(item, logging.LogRecord) else item and item[0]


def records_in(title: str) -> int:
    """The records that a push's title says it stands for."""
    times = re.search(r" \N{MULTIPLICATION SIGN}(\d+)$", title)
    return int(times.group(1)) if times else 1


@dataclass
class Service:
    """The `Post` and all behind it: takes everything, but for the troubles it was given."""

    clock: Clock
    troubles: deque[BaseException] = field(default_factory=deque)
    """Raised in turn, one a send."""
    pushes: list[Push] = field(default_factory=list)
    tried: list[tuple[float, Priority]] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)
    news: dict[str, News | PushoverError] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    heard: list[News] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    fallback: list[tuple[str | None, int]] = field(default_factory=list)
    """What was handed over as lost: the first record's text, and the records of the share."""
    timeouts: list[float | None] = field(default_factory=list)
    limit: int | None = None
    remaining: int | None = None
    reset: datetime | None = None
    no_installation: Exception | None = None

    def open(self) -> None:
        if self.no_installation:
            raise self.no_installation

    def freeze(self, early: Early) -> None:
        raise AssertionError("nothing comes too early here")

    def write(self, shares: Sequence[Share[Any]], priority: Priority) -> Alert:
        records = sum(share.records for share in shares)
        texts = "\n".join(str(_text(share.item)) for share in shares)
        tags = tuple(share.group.tag for share in shares if share.group.tag)
        alert = Alert(texts, "a push", priority, timestamp=0, tags=tags, expire=3600)
        return alert.counted(records)

    def report_losses(self, by_level: Mapping[int, int], capacity: int) -> Alert:
        return Alert(repr(dict(by_level)), "report of losses", Priority.NORMAL, timestamp=0)

    def report_allowance(self, allowance: Allowance, reserve: int) -> Alert:
        return Alert(f"{allowance.remaining}", "report of the month", Priority.HIGH, timestamp=0)

    def send(self, alert: Alert, timeout: float | None) -> Answer:
        self.tried.append((self.clock.now, alert.priority))
        self.timeouts.append(timeout)
        if self.troubles:
            trouble = self.troubles.popleft()
            raise trouble
        if self.remaining is not None:
            if self.remaining == 0:
                raise quota_error(self.reset)
            self.remaining -= 1
        emergency = alert.priority is Priority.EMERGENCY
        receipt = f"receipt {len(self.pushes)}" if emergency else None
        self._accept(alert, receipt)
        return Answer(receipt, None, self.limit, self.remaining, self.reset)

    def _accept(self, alert: Alert, receipt: str | None) -> None:
        is_report = alert.title.startswith("report")
        self.pushes.append(
            Push(
                alert.title,
                alert.priority,
                tuple(alert.message.split("\n")),
                self.clock.now,
                receipt,
                alert.tags,
                0 if is_report else records_in(alert.title),
            )
        )

    def ask(self, receipt: str) -> News:
        self.asked.append(self.clock.now)
        news = self.news.get(receipt, News())
        if isinstance(news, PushoverError):
            raise news
        return news

    def cancel(self, tag: str) -> None:
        self.cancelled.append(tag)

    def acknowledged(self, news: object) -> None:
        assert isinstance(news, News)
        self.heard.append(news)

    def lost(self, share: Share[Any]) -> None:
        self.fallback.append((_text(share.item), share.records))

    def failed(self, error: Exception) -> None:
        self.failures.append(error)


class Bench:
    """A delivery, its service and its clock; stepped until nothing is due, as the courier would."""

    def __init__(
        self,
        *,
        capacity: int = 1000,
        grouping: Grouping | None = None,
        retry_policy: RetryPolicy | None = None,
        quota_reserve: int = 0,
        someone_listens: bool = False,
    ) -> None:
        self.clock = Clock()
        self.service = Service(self.clock)
        grouping = grouping or Grouping()
        by_level = ByLevel(tuple((level, int(priority)) for priority, level in LEVELS.items()))
        terms = Terms(priorities=by_level, capacity=capacity, most_groups=grouping.most_groups)
        self.intake = Intake(terms, freeze=lambda made: made)
        self.intake.plain_names.add("shop")
        self.delivery: Delivery[Any] = Delivery(
            self.service,
            self.intake,
            grouping=grouping,
            retry_policy=retry_policy or RetryPolicy(),
            quota_reserve=quota_reserve,
            someone_listens=someone_listens,
            clock=self.clock,
            today=self.clock.today,
        )
        self.logged = 0
        self.steps: Counter[float] = Counter()

    @property
    def pushes(self) -> list[Push]:
        return self.service.pushes

    @property
    def stats(self) -> Stats:
        return self.delivery.stats()

    def log(
        self,
        text: str = "disk is full",
        priority: Priority = Priority.HIGH,
        *,
        key: str | None = None,
        times: int = 1,
    ) -> None:
        """What the handler does with a record, and again with its repeats."""
        made = record(text, level=LEVELS[priority])
        for _ in range(times):
            if key is not None or self.intake.note(made) is None:
                self.intake.sort(made, priority, key)
            self.logged += 1

    def run(self, seconds: float = 0.0, *, deadline: float | None = None) -> None:
        """Let time pass; whatever falls due meanwhile is done at its moment."""
        end = self.clock.now + seconds
        while (due := self.step(deadline)) is not None and due <= end:
            self.clock.pass_to(due)
        self.clock.pass_to(end)

    def step(self, deadline: float | None = None) -> float | None:
        self.steps[self.clock.now] += 1
        assert self.steps[self.clock.now] < _MOST_STEPS, "it goes round and round"
        self.delivery.prepare()
        due = self.delivery.step(deadline)
        return self.clock.now if self.intake.news else due

    def end(self, budget: float = 5.0) -> None:
        """What the end of the process does, with so much time for it."""
        deadline = self.clock.now + budget
        self.run(budget, deadline=deadline)
        self.delivery.abandon()

    def acknowledge(self, push: Push, by: str = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG") -> None:
        assert push.receipt is not None
        self.service.news[push.receipt] = News(True, self.clock.date, by)

    def the_books_balance(self) -> bool:
        stats = self.stats
        accounted = stats.delivered + stats.pending + sum(stats.dropped.values())
        shown = sum(push.records for push in self.pushes)
        return stats.accepted == accounted == self.logged and shown == stats.delivered


__all__ = [
    "Bench",
    "Clock",
    "News",
    "Push",
    "Service",
    "TransportError",
    "quota_error",
    "record",
    "records_in",
    "refusal",
    "server_error",
]
