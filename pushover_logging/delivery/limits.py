"""Whether a push may go now: the pace, outages, the month's quota, a refused token; pure.

Two clocks are passed in: ``now`` is ``time.monotonic()`` seconds, for everything that is waited
for; ``today`` is the wall clock, for the end of the month alone.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from ..client.constants import Priority
from ..client.errors import PushoverError
from .retry import Backoff, RetryPolicy

__all__ = ["Limits", "Quota", "Verdict", "next_month"]

_MINUTE = 60.0
_WALL_CLOCK_LOOK = 60.0
"""Seconds between two looks at the wall clock, which may be set, while the month is waited out."""
_CLOCKS_DIFFER = timedelta(days=1)
"""A month said to have ended this lately, and refused nevertheless, ends soon by another clock."""
_REFUSED_PAUSES = (60.0, 300.0, 1800.0, 21600.0)
"""Seconds until a refused token is tried again, the first time, the second time and so on."""
_US_CENTRAL = timezone(timedelta(hours=-6))
"""Where the service's month ends; in summer an hour late, which only waits a little longer."""


class Quota(NamedTuple):
    """The account's messages of the month; None where the service said nothing yet."""

    limit: int | None = None
    remaining: int | None = None
    reset: datetime | None = None
    """When the month ends and ``remaining`` starts at ``limit`` again."""

    def updated(self, limit: int | None, remaining: int | None, reset: datetime | None) -> Quota:
        """This quota with what a newer answer says; what the answer leaves out stays as known."""
        return Quota(
            self.limit if limit is None else limit,
            self.remaining if remaining is None else remaining,
            self.reset if reset is None else reset,
        )

    def reset_after(self, today: datetime) -> datetime:
        """When the service takes messages again, once it said that the month's are used up."""
        if self.reset is not None and self.reset > today:
            return self.reset
        return next_month(today)


class Verdict(NamedTuple):
    """What may go to the service at this moment."""

    least: Priority | None
    """The least urgent priority that may go; None while nothing may."""
    slots: int
    """Pushes of any kind that fit into this minute."""
    has_emergency_slot: bool
    """Whether an emergency may go although the minute is full."""
    opens_at: float
    """When to ask again, if less than everything may go now."""


class Limits:
    """What the service, as far as it is known, will take now."""

    def __init__(self, policy: RetryPolicy, *, max_per_minute: int, quota_reserve: int) -> None:
        self._policy = policy
        self._most = max_per_minute
        self._reserve = quota_reserve
        self.quota: Quota = Quota()
        self.pushes: deque[float] = deque()
        """When the pushes of the last minute went."""
        self._emergency_slot_used = float("-inf")
        self._outage: Backoff | None = None
        self._outage_priority = Priority.LOWEST
        self._hold_until = 0.0
        self._refusals = 0
        self.month_ends: datetime | None = None
        self._warned_for: datetime | None = None

    def verdict(self, now: float, today: datetime) -> Verdict:
        """What may go now, and when to ask again."""
        slots = self.slots(now)
        emergency_slot = self._emergency_slot_used + _MINUTE <= now
        opens_at = self.slot_opens_at(now)
        if self.month_ends is not None:
            if today < self.month_ends:
                wait = (self.month_ends - today).total_seconds()
                return Verdict(None, slots, emergency_slot, now + min(wait, _WALL_CLOCK_LOOK))
            self.month_ends = None
        if now < self._hold_until:
            # Only an alert more urgent than the one that failed may try before the wait is over.
            urgent = self._outage_priority + 1
            may = self._outage is not None and urgent <= Priority.EMERGENCY
            least = Priority(urgent) if may else None
            return Verdict(least, slots, emergency_slot, max(opens_at, self._hold_until))
        if self.quota_is_low(today):
            wait = (self.quota.reset_after(today) - today).total_seconds()
            opens_at = max(opens_at, now + min(max(wait, 0.0), _WALL_CLOCK_LOOK))
            return Verdict(Priority.HIGH, slots, emergency_slot, opens_at)
        return Verdict(Priority.LOWEST, slots, emergency_slot, opens_at)

    def slots(self, now: float) -> int:
        """Pushes of any kind that fit into this minute."""
        while self.pushes and self.pushes[0] + _MINUTE <= now:
            self.pushes.popleft()
        return max(0, self._most - len(self.pushes))

    def slot_opens_at(self, now: float) -> float:
        """When a push of any kind fits into the minute."""
        return now if self.slots(now) else self.pushes[-self._most] + _MINUTE

    def emergency_opens_at(self, now: float) -> float:
        """When an emergency may go although the minute is full."""
        return max(now, self._emergency_slot_used + _MINUTE)

    def holds(self, now: float) -> bool:
        """Whether the service is left alone just now: an outage, a refusal, or no quota."""
        return now < self._hold_until or self.month_ends is not None

    @property
    def refusals(self) -> int:
        """How often the service refused the token or the only user since it took a push."""
        return self._refusals

    @property
    def refused_until(self) -> float:
        """When a refused token is tried again; 0 if nothing waits for that."""
        return self._hold_until if self._refusals and self._outage is None else 0.0

    def quota_is_low(self, today: datetime) -> bool:
        """Whether so little of the month is left that it is kept for HIGH and EMERGENCY.

        An account whose whole limit is below the reserve has no reserve.
        """
        limit, remaining, reset = self.quota.limit, self.quota.remaining, self.quota.reset
        if remaining is None or (reset is not None and reset <= today):
            return False
        if limit is not None and limit <= self._reserve:
            return False
        return remaining <= self._reserve

    def should_warn(self, today: datetime) -> bool:
        """Whether to say that the month runs low: True once a month."""
        if self.month_ends or not self.quota_is_low(today):
            return False
        month = self.quota.reset_after(today)
        if self._warned_for == month:
            return False
        self._warned_for = month
        return True

    @property
    def in_outage(self) -> bool:
        """Whether the last send failed."""
        return self._outage is not None

    # The outcomes of a send.

    def used_slot(self, now: float) -> None:
        """A push went to the service, which took it or refused it: many refusals get us blocked."""
        if len(self.pushes) >= self._most and self.pushes[-self._most] + _MINUTE > now:
            self._emergency_slot_used = now
        else:
            self.pushes.append(now)

    def delivered(self, quota: Quota, now: float, today: datetime) -> None:
        """The service took a push: the outage is over."""
        self.used_slot(now)
        self._outage = None
        self._hold_until = 0.0
        self._refusals = 0
        if quota.remaining is not None and quota.reset is None:
            # Without a date, alerts held back for the end of the month would never go.
            quota = quota._replace(reset=next_month(today))
        self.quota = quota

    def failed(self, error: PushoverError, priority: Priority, now: float) -> float:
        """The service could not take a push; until when to leave it alone."""
        outage = self._outage or Backoff(self._policy, now)
        wait = outage.wait_after(error, now)
        if wait is None:  # the policy's bounds are for alerts; an outage has none
            outage, wait = Backoff(self._policy, now), self._policy.wait_max
        self._outage, self._outage_priority = outage, priority
        self._hold_until = now + wait
        return self._hold_until

    def refused_credentials(self, now: float) -> float:
        """The service refused the token or the only user; seconds until it is asked again."""
        self.used_slot(now)
        self._refusals += 1
        pause = self._refused_pause()
        self._hold_until = now + pause
        self._outage = None
        return pause

    def _refused_pause(self) -> float:
        return _REFUSED_PAUSES[min(self._refusals, len(_REFUSED_PAUSES)) - 1]

    def resume_refusals(self, refusals: int, until: float, now: float) -> None:
        """Go on with the pause of another sender; a clock that was set does not prolong it."""
        self._refusals = refusals
        if refusals:
            self._hold_until = min(until, now + self._refused_pause())

    def end_refused_pause(self) -> None:
        """Let a refused token be tried at once, by another process."""
        self._hold_until = 0.0

    def quota_spent(self, reset: datetime | None, today: datetime) -> datetime:
        """The month's messages are used up; when the month ends."""
        known = self.quota.updated(None, 0, reset)
        ends = known.reset_after(today)
        if known.reset is not None and today - _CLOCKS_DIFFER < known.reset <= today:
            ends = today + timedelta(seconds=self._policy.wait_max)
        soonest = today + timedelta(seconds=self._policy.wait_initial)
        self.month_ends = max(ends, soonest)
        self.quota = known._replace(reset=self.month_ends)
        return self.month_ends


def next_month(now: datetime) -> datetime:
    """The next midnight in US Central time that begins a month, in UTC.

    Source: https://pushover.net/api#limits.
    """
    local = now.astimezone(_US_CENTRAL)
    year, month = divmod(local.year * 12 + local.month, 12)
    return datetime(year, month + 1, 1, tzinfo=_US_CENTRAL).astimezone(timezone.utc)
