"""One handler's alerts on their way: what waits, what goes next, what became of it, and the books.

`submit` runs in the logging call and takes no lock; everything else runs on the courier's thread,
but for `stats`, `settled`, `unsent` and `abandon`, which any thread may call.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from types import MappingProxyType
from typing import Generic, Protocol, TypeVar

from .alerts import Alert, Priority
from .client.errors import APIError, PushoverError, RateLimitError
from .intake import Intake, Tally
from .notices import NOTICES
from .quota import Allowance
from .retrying import Outage, RetryPolicy

__all__ = ["Delivery", "Post", "Stats"]

Item = TypeVar("Item")

_QUOTA_LOOK = 60.0
"""Seconds between two looks at the wall clock while waiting for the month to end."""


class Receipt(Protocol):
    """What delivery needs of the service's answer to an accepted push."""

    @property
    def id(self) -> str | None: ...
    @property
    def info(self) -> str | None: ...
    @property
    def limit(self) -> int | None: ...
    @property
    def remaining(self) -> int | None: ...
    @property
    def reset(self) -> datetime | None: ...


class Post(Generic[Item]):
    """What delivery needs done by others: each method runs on the courier's thread."""

    def open(self) -> None:
        """Make ready to send, which may import; called once in each process."""

    def render(self, item: Item, priority: Priority) -> Alert:
        """Write the alert for what was submitted."""
        raise NotImplementedError

    def send(self, alert: Alert, timeout: float | None) -> Receipt:
        """Send it once, within ``timeout`` seconds where given; raises PushoverError."""
        raise NotImplementedError

    def lost(self, item: Item) -> None:
        """Take what could not be delivered."""

    def failed(self, error: Exception) -> None:
        """Hear of a failure."""


@dataclass(frozen=True)
class Stats:
    """A snapshot of a handler's books, in records: ``accepted == delivered + pending + dropped``."""

    accepted: int
    """Records that were to be pushed."""
    delivered: int
    """Records that a push stands for which the service has accepted."""
    pending: int
    """Records that wait, or are being sent just now."""
    dropped: Mapping[str, int]
    """Records that will not be delivered, by reason: ``full`` (no room), ``refused`` (by the service),
    ``stopped`` (token or user refused), ``gave_up`` (the retry policy's bound), ``exit`` (no time
    left when the process ended), ``error`` (a defect)."""
    pushes: int
    """Pushes that the service has accepted."""
    limit: int | None
    """Messages a month, as the service last said; None before it said so."""
    remaining: int | None
    """Messages left of them."""
    reset: datetime | None
    """When the month ends."""


@dataclass(eq=False)
class _Parcel(Generic[Item]):
    """An alert that is being sent, or will be tried again."""

    item: Item
    priority: Priority
    since: float
    alert: Alert | None = None
    tries: int = 0
    not_before: float = 0.0
    failures: Outage | None = None


@dataclass
class _Books:
    """What became of the records that a step has seen."""

    delivered: int = 0
    pushes: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    allowance: Allowance = field(default_factory=Allowance)


class Delivery(Generic[Item]):
    """Takes what a handler submits to the service, the most urgent first, one send at a time."""

    def __init__(
        self, post: Post[Item], *, capacity: int, exit_timeout: float, retry_policy: RetryPolicy
    ) -> None:
        self.exit_timeout = exit_timeout
        self._post = post
        self._capacity = capacity
        self._policy = retry_policy
        self._refusal: APIError | None = None
        self.start_over()

    def start_over(self) -> None:
        """Begin with empty rooms and books; a forked child's parent keeps its own."""
        self.quiet = True
        self._intake: Intake[Item] = Intake(self._capacity)
        self._turned_away = Tally()
        self._turned_away_said = 0
        self._evicted: deque[Item] = deque(maxlen=self._capacity)
        self._lock = threading.Lock()
        """Guards the books, and that each record is in one place at a time."""
        self._books = _Books()
        self._again: list[_Parcel[Item]] = []
        self._in_hand: _Parcel[Item] | None = None
        self._is_open = False
        self._outage: Outage | None = None
        self._outage_priority = Priority.LOWEST
        self._hold_until = 0.0
        self._month_ends: datetime | None = None

    # In the logging call.

    def submit(self, item: Item, priority: Priority) -> None:
        """Let it wait for the courier; when the room is full, the least urgent goes."""
        gone = self._intake.put(priority, item)
        if gone is not None:
            self._turned_away.add()
            self._evicted.append(gone)

    # The courier's thread.

    def has_news(self) -> bool:
        return bool(self._evicted) or len(self._intake) > 0

    def prepare(self) -> None:
        if not self._is_open:
            self._post.open()
            self._is_open = True

    def step(self, deadline: float | None) -> float | None:
        self._account_for_the_evicted()
        if self._refusal is not None:
            self._drop_everything("stopped")
            return None
        now = time.monotonic()
        parcel = self._choose(now)
        if parcel is None:
            return self._next_due(now)
        self._deliver(parcel, deadline)
        return time.monotonic()

    def _account_for_the_evicted(self) -> None:
        with self._lock:
            turned_away = self._turned_away.value()
        news, self._turned_away_said = turned_away - self._turned_away_said, turned_away
        if news:
            NOTICES.say(
                "full", f"{news} of the least urgent records dropped: {self._capacity} wait already"
            )
        while self._evicted:
            self._post.lost(self._evicted.popleft())

    def _choose(self, now: float) -> _Parcel[Item] | None:
        """The next to send, now in hand; None when nothing may go yet."""
        with self._lock:
            if self._month_ends is not None and not self._month_has_ended():
                return None
            waiting = self._intake.most_urgent()
            ready = [parcel for parcel in self._again if parcel.not_before <= now]
            if now < self._hold_until:
                # The service is in trouble. Only what is more urgent than what met it may ask again.
                ready = []
                if waiting is not None and waiting <= self._outage_priority:
                    waiting = None
            return self._take(waiting, max(ready, key=lambda p: p.priority, default=None), now)

    def _take(
        self, waiting: Priority | None, again: _Parcel[Item] | None, now: float
    ) -> _Parcel[Item] | None:
        # In an outage the untried go first: one alert that the service chokes on must not block all.
        if again is not None and (
            waiting is None or (self._outage is None and again.priority >= waiting)
        ):
            self._again.remove(again)
            self._in_hand = again
            return again
        taken = None if waiting is None else self._intake.take()
        if taken is None:
            return None
        priority, item = taken
        self._in_hand = _Parcel(item, priority, since=now)
        return self._in_hand

    def _month_has_ended(self) -> bool:
        ended = self._month_ends is None or _utc_now() >= self._month_ends
        if ended:
            self._month_ends = None
        return ended

    def _next_due(self, now: float) -> float | None:
        if not self.unsent():
            return None
        if self._month_ends is not None:
            left = (self._month_ends - _utc_now()).total_seconds()
            return now + min(max(left, 0.0), _QUOTA_LOOK)
        return max(self._hold_until, min((p.not_before for p in self._again), default=0.0))

    def _deliver(self, parcel: _Parcel[Item], deadline: float | None) -> None:
        timeout = None if deadline is None else max(0.1, deadline - time.monotonic())
        parcel.tries += 1
        try:
            parcel.alert = parcel.alert or self._post.render(parcel.item, parcel.priority)
            receipt = self._post.send(parcel.alert, timeout)
        except RateLimitError as error:
            self._wait_for_the_month(parcel, error)
        except PushoverError as error:
            self._failed(parcel, error, quietly=deadline is not None)
        except Exception as error:  # noqa: BLE001 - a defect must cost one alert, not the courier
            NOTICES.say("error", f"an alert was lost to a defect: {type(error).__name__}")
            self._drop(parcel, "error", error)
        else:
            self._delivered(receipt)
        finally:
            self._keep_if_in_hand(parcel)

    def _keep_if_in_hand(self, parcel: _Parcel[Item]) -> None:
        """Whatever ends the thread in the middle of a send, the alert is tried again."""
        with self._lock:
            if self._in_hand is parcel:
                self._put_off(parcel, self._hold_until)

    def _put_off(self, parcel: _Parcel[Item], until: float) -> None:
        parcel.not_before = until
        self._again.append(parcel)
        self._in_hand = None

    def _delivered(self, receipt: Receipt) -> None:
        with self._lock:
            self._in_hand = None
            self._outage = None
            self._hold_until = 0.0
            books = self._books
            books.delivered += 1
            books.pushes += 1
            books.allowance = books.allowance.updated(
                receipt.limit, receipt.remaining, receipt.reset
            )
        if receipt.info:
            NOTICES.say("info", f"a push was accepted, but the service says: {receipt.info}")

    def _wait_for_the_month(self, parcel: _Parcel[Item], error: RateLimitError) -> None:
        now = _utc_now()
        with self._lock:
            allowance = self._books.allowance.updated(None, 0, error.reset)
            self._books.allowance = allowance
            # A reset that is past and still refused is no reset: do not ask again at once.
            soonest = now + timedelta(seconds=self._policy.wait_initial)
            self._month_ends = max(allowance.reset_after(now), soonest)
            self._put_off(parcel, 0.0)
        NOTICES.say(
            "quota",
            f"{_words(error)}; what waits goes out from {self._month_ends:%Y-%m-%d %H:%M} UTC on",
        )
        self._post.failed(error)

    def _failed(self, parcel: _Parcel[Item], error: PushoverError, *, quietly: bool) -> None:
        if error.retryable:
            self._try_later(parcel, error, quietly=quietly)
        elif isinstance(error, APIError) and {"token", "user"} & error.bad_inputs.keys():
            self._stop(error)
            self._drop(parcel, "stopped", error)
        elif parcel.priority is Priority.EMERGENCY:
            NOTICES.say(
                "emergency", f"an emergency goes out as HIGH, it was refused: {_words(error)}"
            )
            self._post.failed(error)
            parcel.priority, parcel.alert = Priority.HIGH, None
            with self._lock:
                self._put_off(parcel, 0.0)
        else:
            NOTICES.say("refused", f"an alert was refused: {_words(error)}")
            self._drop(parcel, "refused", error)

    def _try_later(self, parcel: _Parcel[Item], error: PushoverError, *, quietly: bool) -> None:
        self._outage = self._outage or Outage(self._policy)
        parcel.failures = parcel.failures or Outage(self._policy)
        wait = max(self._outage.wait_after(error), parcel.failures.wait_after(error))
        now = time.monotonic()
        self._hold_until = now + wait
        self._outage_priority = parcel.priority
        if self._policy.gives_up(parcel.tries, now - parcel.since):
            NOTICES.say("gave_up", f"an alert was given up after {parcel.tries} tries: {error}")
            self._drop(parcel, "gave_up", error)
            return
        with self._lock:
            self._put_off(parcel, self._hold_until)
        if not quietly:
            NOTICES.say("outage", f"cannot deliver now, will try again: {error}")
        self._post.failed(error)

    def _stop(self, error: APIError) -> None:
        self._refusal = error
        NOTICES.say(
            "stopped",
            f"sending stopped, this handler delivers nothing more: {_words(error)}",
        )

    def _drop(self, parcel: _Parcel[Item], reason: str, error: Exception) -> None:
        with self._lock:
            self._in_hand = None
            self._count_dropped(reason)
        self._post.lost(parcel.item)
        self._post.failed(error)

    def _drop_everything(self, reason: str) -> None:
        for item in self._take_everything(reason):
            self._post.lost(item)

    def _take_everything(self, reason: str) -> list[Item]:
        with self._lock:
            items = [parcel.item for parcel in self._again]
            self._again.clear()
            while (taken := self._intake.take()) is not None:
                items.append(taken[1])
            for _ in items:
                self._count_dropped(reason)
        return items

    def _count_dropped(self, reason: str) -> None:
        self._books.dropped[reason] = self._books.dropped.get(reason, 0) + 1

    # Any thread.

    def abandon(self) -> None:
        """Give up what waits, but for what is in hand: its answer may come yet."""
        self._drop_everything("exit")

    def settled(self) -> bool:
        """Whether nothing waits and nothing is in hand."""
        return not self.has_news() and not self.unsent()

    def unsent(self) -> int:
        with self._lock:
            return self._unsent()

    def _unsent(self) -> int:
        return len(self._intake) + len(self._again) + (self._in_hand is not None)

    def stats(self) -> Stats:
        """The books of this moment; the numbers add up whatever happens meanwhile."""
        with self._lock:
            dropped = dict(self._books.dropped)
            if turned_away := self._turned_away.value():
                dropped["full"] = turned_away
            books, pending = self._books, self._unsent()
            return Stats(
                accepted=books.delivered + pending + sum(dropped.values()),
                delivered=books.delivered,
                pending=pending,
                dropped=MappingProxyType(dropped),
                pushes=books.pushes,
                limit=books.allowance.limit,
                remaining=books.allowance.remaining,
                reset=books.allowance.reset,
            )


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


def _words(error: PushoverError) -> str:
    """The service's own words and its id of the request, in one line; keys are masked in it."""
    return " ".join(str(error).split())
