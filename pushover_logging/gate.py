"""Whether anything may go to the service just now: outages, the pace, the month's allowance; pure.

Two clocks are passed in: ``now`` is `time.monotonic` seconds, for all that is waited for; ``today``
is the wall clock, for the end of the month alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from .alerts import Priority
from .client.errors import PushoverError, RateLimitError
from .quota import Allowance, next_month
from .retrying import Outage, RetryPolicy
from .stores import Store

__all__ = ["Gate"]

_MINUTE = 60.0
_WALL_CLOCK_LOOK = 60.0
"""Seconds between two looks at the wall clock, which may be set, while the month is waited out."""
_CLOCKS_DIFFER = timedelta(days=1)
"""A month said to have ended this lately, and refused nevertheless, ends soon by another clock."""


class Gate:
    """What the service, as far as it is known, will take now."""

    def __init__(
        self, store: Store[Any], policy: RetryPolicy, *, max_per_minute: int, quota_reserve: int
    ) -> None:
        self._store = store
        self._policy = policy
        self._reserve = quota_reserve
        self._most = max_per_minute
        self._outage: Outage | None = None
        self._outage_priority = Priority.LOWEST
        self._hold_until = 0.0
        self._month_ends: datetime | None = None
        self._warned_for: datetime | None = None

    @property
    def allowance(self) -> Allowance:
        """What the service last said of the month."""
        return self._store.allowance

    @property
    def in_outage(self) -> bool:
        """Whether the last send failed."""
        return self._outage is not None

    def least(self, now: float, today: datetime) -> Priority | None:
        """The least priority that may go now; None while nothing may."""
        if self._month_is_spent(today):
            return None
        if now < self._hold_until:
            # Only what is more urgent than what met the trouble may ask again before its end.
            urgent = self._outage_priority + 1
            return Priority(urgent) if urgent <= Priority.EMERGENCY else None
        return Priority.HIGH if self.is_low(today) else Priority.LOWEST

    def opens_at(self, now: float, today: datetime) -> float:
        """When to ask again, if what waits may not go now."""
        if self._month_ends is None and now < self._hold_until:
            return self._hold_until
        if self._month_ends is not None or self.is_low(today):
            ends = self._month_ends or self.allowance.reset_after(today)
            return now + min(max((ends - today).total_seconds(), 0.0), _WALL_CLOCK_LOOK)
        return self._hold_until

    def slots(self, now: float, *, urgent: bool) -> int:
        """Pushes that may still go within this minute.

        One is kept back for what is left when the process ends, and one more for an emergency.
        """
        pushes = self._store.pushes
        while pushes and pushes[0] + _MINUTE <= now:
            del pushes[0]
        return max(0, self._open_to(urgent=urgent) - len(pushes))

    def slot_opens_at(self, now: float, *, urgent: bool) -> float:
        """When the minute has room for another push."""
        if self.slots(now, urgent=urgent):
            return now
        pushes = self._store.pushes
        return pushes[len(pushes) - self._open_to(urgent=urgent)] + _MINUTE

    def _open_to(self, *, urgent: bool) -> int:
        return max(1, self._most - (1 if urgent else 2))

    def is_low(self, today: datetime) -> bool:
        """Whether so little of the month is left that it is kept for what is urgent."""
        remaining, reset = self.allowance.remaining, self.allowance.reset
        if remaining is None or (reset is not None and reset <= today):
            return False
        return remaining <= min(self._reserve, self.allowance.limit or self._reserve)

    def should_warn(self, today: datetime) -> bool:
        """Whether to say that the month runs low: True once a month."""
        if self._month_ends or not self.is_low(today):
            return False
        month = self.allowance.reset_after(today)
        if self._warned_for == month:
            return False
        self._warned_for = month
        return True

    # What became of a send.

    def succeeded(self, allowance: Allowance, now: float, today: datetime) -> None:
        """The service took a push: it has used a slot, and the outage is over."""
        self._store.pushes.append(now)
        self._outage = None
        self._hold_until = 0.0
        if allowance.remaining is not None and allowance.reset is None:
            # Without a date what is held back for the month's end would never go.
            allowance = allowance.updated(None, None, next_month(today))
        self._store.allowance = allowance

    def refused(self, now: float) -> None:
        """The service refused a push: it has used a slot too, for many refusals get us blocked."""
        self._store.pushes.append(now)

    def failed(self, error: PushoverError, own: Outage, priority: Priority, now: float) -> float:
        """The service could not take it; until when to leave the service alone."""
        self._outage = self._outage or Outage(self._policy)
        self._outage_priority = priority
        self._hold_until = now + max(self._outage.wait_after(error), own.wait_after(error))
        return self._hold_until

    def spent(self, error: RateLimitError, today: datetime) -> datetime:
        """The month's messages are used up; when it ends."""
        known = self.allowance.updated(None, 0, error.reset)
        ends = known.reset_after(today)
        if known.reset is not None and today - _CLOCKS_DIFFER < known.reset <= today:
            ends = today + timedelta(seconds=self._policy.wait_max)
        soonest = today + timedelta(seconds=self._policy.wait_initial)
        self._month_ends = max(ends, soonest)
        self._store.allowance = known.updated(None, None, self._month_ends)
        return self._month_ends

    def _month_is_spent(self, today: datetime) -> bool:
        if self._month_ends is not None and today >= self._month_ends:
            self._month_ends = None
        return self._month_ends is not None
