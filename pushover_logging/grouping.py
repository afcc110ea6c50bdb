"""The policy of grouping, and the courier's side of it: when what was counted is summed up; pure.

No clock is read here.
"""

from __future__ import annotations

import heapq
import itertools
import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from . import defaults
from .groups import Group
from .intake import Intake
from .notices import NOTICES
from .templates import by_template

__all__ = ["Group", "Grouping", "Groups", "keyed_by"]

_REST = 60.0
"""Seconds a closed group is kept: a thread may still be about to count in it."""


@dataclass(frozen=True)
class Grouping:
    """How repeats are kept from ringing; seconds throughout."""

    interval: float = defaults.INTERVAL
    """After a push of a group its repeats are only counted for so long, then summed up in one push.

    0 makes no groups: every record is a push of its own, within ``max_per_minute``."""
    max_per_minute: int = defaults.MAX_PER_MINUTE
    """Pushes a minute; what is more waits, and goes out together in one digest."""
    max_groups: int = defaults.MAX_GROUPS
    """Groups known at a time; further different messages are counted together, by level."""
    key: str | Callable[[logging.LogRecord], object] | None = None
    """What makes records the same trouble, in place of the fingerprint: a template with the fields
    of a title, such as ``"{name} {funcName}"``, or a function of the record."""

    def __post_init__(self) -> None:
        if not self.interval >= 0:
            raise ValueError(f"grouping.interval is {self.interval}; expected 0 or more seconds")
        if self.max_per_minute < 1:
            raise ValueError(
                f"grouping.max_per_minute is {self.max_per_minute}; expected 1 or more"
            )
        if self.max_groups < 1:
            raise ValueError(f"grouping.max_groups is {self.max_groups}; expected 1 or more")
        if isinstance(self.key, str):
            by_template("grouping.key", self.key)  # which refuses what is none

    @property
    def most_groups(self) -> int:
        """Groups that logging calls may find; 0 if each record is one of its own."""
        return self.max_groups if self.interval else 0


class Groups:
    """Keeps the time of one handler's groups, which its logging calls make and find."""

    def __init__(self, policy: Grouping, intake: Intake) -> None:
        self._policy = policy
        self._intake = intake
        self._timers: list[tuple[float, int, Group]] = []
        self._sequence = itertools.count()
        self._idle: dict[Group, float] = {}
        """Closed groups and when they were closed, the longest closed first."""

    def rest(self, group: Group, now: float) -> None:
        """A push of it is out, or lost: count until the interval, or sooner the ringing, ends."""
        until = now + self._policy.interval
        if group.incident is not None and group.incident.rings(now):
            until = min(until, group.incident.expires_at)
        self.wait(group, until)

    def wait(self, group: Group, until: float) -> None:
        """Look at it again then."""
        if self._policy.interval:
            group.until = until
            heapq.heappush(self._timers, (until, next(self._sequence), group))

    def due(self, now: float) -> list[Group]:
        """The groups whose interval has ended, once each."""
        due = []
        while self._timers and self._timers[0][0] <= now:
            until, _, group = heapq.heappop(self._timers)
            if group.until == until:
                group.until = None
                due.append(group)
        return due

    def next_due(self) -> float | None:
        """When the next interval ends."""
        return self._timers[0][0] if self._timers else None

    def close(self, group: Group, now: float) -> None:
        """Its interval passed without a repeat; the next record is a first one."""
        group.close()
        self._idle.pop(group, None)
        self._idle[group] = now

    def let_idle(self, group: Group, now: float) -> None:
        """It was closed by whoever turned out its first record: it may be forgotten in its time."""
        if not group.counting:
            self._idle.setdefault(group, now)

    def forget_idle(self, now: float) -> None:
        """Forget groups closed for long, once half the room is taken.

        Not at once: a thread that was stopped before it could count one more may still go on.
        """
        while self._idle and len(self.everyone()) * 2 > self._policy.max_groups:
            group = next(iter(self._idle))
            if self._idle[group] + _REST > now:
                return
            del self._idle[group]
            if not group.counting:
                self._forget_or_keep(group, now)

    def _forget_or_keep(self, group: Group, now: float) -> None:
        if group.unclaimed():
            self.wait(group, now)
        else:
            self._intake.forget(group)

    def unclaimed(self) -> int:
        """Repeats that no push stands for."""
        return sum(group.unclaimed() for group in self.everyone())

    def unfinished(self) -> list[Group]:
        """The groups that count, or have counted what no push stands for."""
        return [group for group in self.everyone() if group.counting or group.unclaimed()]

    def everyone(self) -> list[Group]:
        """All groups that are known, open or closed."""
        return self._intake.groups()


def keyed_by(policy: Grouping) -> Callable[[logging.LogRecord], Hashable | None] | None:
    """What the policy's ``key`` says of a record, and None where it fails; None without a key."""
    if policy.key is None:
        return None
    find = by_template("grouping.key", policy.key) if isinstance(policy.key, str) else policy.key

    def own_key(record: logging.LogRecord) -> Hashable | None:
        try:
            return str(find(record))
        except Exception as error:  # noqa: BLE001 - the user's; the fingerprint is as good
            NOTICES.leave("key", f"grouping.key failed: {type(error).__name__}")
            return None

    return own_key
