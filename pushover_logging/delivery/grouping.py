"""The sender's groups: what is known of each problem, and when its repeats are summed up; pure.

Made from notices alone. No clock is read here: ``now`` is ``time.monotonic()`` seconds.
"""

from __future__ import annotations

import functools
import hashlib
import heapq
import itertools
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..client.constants import Priority
from ..notice import Notice, Snapshot

if TYPE_CHECKING:
    from ..config import Grouping
    from ..notice import Identity
    from .incidents import Incident

__all__ = ["TAG_PREFIX", "Group", "Groups", "tag_of"]

TAG_PREFIX = "key-"
"""Begins the tags of emergencies that have an explicit key; a receipt never begins so."""

_EPOCHS_KEPT = 16
"""Running totals of a process and group that may still grow: late repeats of its closed groups."""
_FORGOTTEN_KEPT = 10_000
_CLOSED_GROUPS_KEPT = 0.5
"""The part of ``max_groups`` that closed groups may take; then the longest closed are forgotten."""
_MOST_TOTALS = 1000
"""Processes whose running totals a group knows. A process begins them anew after each interval, so
that those of a process that has counted nothing for long are not missed."""


@dataclass(eq=False, slots=True)
class Group:
    """One problem, for all processes that share a store."""

    identity: Identity
    priority: Priority
    key: str | None
    first: Snapshot
    """The record that the latest alert of this group shows."""
    style: Mapping[str, Any]
    shown: Snapshot
    """The record that the next summary shows."""
    shown_is_last: bool = False
    """``shown`` is the latest repeat; otherwise it is ``first``."""
    last_at: float = 0.0
    """When the latest repeat was logged, in Unix seconds."""
    is_open: bool = False
    """Repeats count; the next new notice of a closed group is an alert."""
    pending: int = 0
    """Repeats that no push stands for."""
    claimed: int = 0
    """Repeats that a push stands for, or that were dropped."""
    until: float | None = None
    """When the interval ends; None while an alert of it waits to be sent."""
    incident: Incident | None = None
    """The emergency that was last raised for it."""
    totals: dict[str, dict[int, int]] = field(default_factory=dict)
    """By process and epoch: the value of the running total, the longest unchanged first."""
    occurrences: tuple[float, ...] = ()
    """When the records came that are too few for an alert, where ``after`` asks for several."""

    @property
    def tag(self) -> str | None:
        """The tag of its emergencies, by which they can be cancelled."""
        return None if self.key is None else tag_of(self.key)

    def claim(self) -> int:
        """Take the repeats counted so far for a push, or to drop them."""
        repeats, self.pending = self.pending, 0
        self.claimed += repeats
        return repeats


class Groups:
    """All groups of one store, and their timers."""

    def __init__(self, policy: Grouping) -> None:
        self._policy = policy
        self._known: dict[Identity, Group] = {}
        self._timers: list[tuple[float, int, Group]] = []
        self._sequence = itertools.count()
        self._closed: OrderedDict[Identity, Group] = OrderedDict()
        """Closed groups, the longest closed first."""
        self._urgent: dict[Identity, Group] = {}
        """Known groups of HIGH or EMERGENCY that are not closed."""
        self.pending: int = 0
        """Repeats of all groups that no push stands for."""
        self.changed: set[Group] = set()
        """Groups that differ from what the last commit stored."""
        self._forgotten: dict[tuple[str, int], int] = {}
        """Running totals that no group knows any more, by process and epoch: the process may go on
        counting in them."""
        self.observed: dict[Group, None] = {}
        """Groups that have had too few records for an alert so far."""

    def __iter__(self) -> Iterator[Group]:
        return iter(list(self._known.values()))

    def find(self, identity: Identity) -> Group | None:
        return self._known.get(identity)

    def take_in(self, notice: Notice) -> tuple[Group, bool]:
        """The group of a new notice, and whether the notice is an alert rather than a repeat."""
        snapshot = notice.snapshot
        assert snapshot is not None
        group = self._group_for(notice, snapshot)
        group.last_at = snapshot.created
        self.changed.add(group)
        if group.is_open:
            group.shown, group.shown_is_last = snapshot, True
            group.pending += 1
            self.pending += 1
            return group, False
        group.first = group.shown = snapshot
        group.style, group.shown_is_last = notice.style, False
        # Without an interval every notice is an alert, whatever else is known of its group.
        group.is_open, group.until = self._policy.interval > 0, None
        self._take_place(group)
        return group, True

    def count(self, notice: Notice, source: str) -> tuple[Group, int]:
        """The group of counted repeats, and how many of them are new."""
        snapshot = notice.snapshot
        assert snapshot is not None
        group = self._group_for(notice, snapshot, has_total=True)
        repeats = self._new_in_total(group, notice, source) if notice.epoch else notice.total
        if repeats <= 0:
            return group, 0
        self.put_back(group, repeats)
        group.last_at = max(group.last_at, notice.at)
        if notice.is_last:
            group.shown, group.shown_is_last = snapshot, True
        return group, repeats

    def _new_in_total(self, group: Group, notice: Notice, source: str) -> int:
        """How many repeats of a running total are not counted yet."""
        totals = group.totals[source] = group.totals.pop(source, {})
        if len(group.totals) > _MOST_TOTALS:
            silent = next(iter(group.totals))
            self._remember_totals(silent, group.totals.pop(silent))
        known = totals.pop(notice.epoch, None)
        if known is None:
            known = self._counted_elsewhere(group, notice, source)
        totals[notice.epoch] = max(known, notice.total)
        if len(totals) > _EPOCHS_KEPT + (group.identity[0] == "other") * self._policy.max_groups:
            oldest = next(iter(totals))
            self._remember_totals(source, {oldest: totals.pop(oldest)})
        return notice.total - known  # a notice that arrives twice, or late, says nothing new

    def _counted_elsewhere(self, group: Group, notice: Notice, source: str) -> int:
        """What is known of a running total that this group does not know."""
        assert notice.snapshot is not None
        # Its group was not known for a while, and others were counted in its place.
        other = self._known.get(("other", notice.snapshot.levelno, notice.priority))
        if other is not None and other is not group:
            known = other.totals.get(source, {}).pop(notice.epoch, None)
            if known is not None:
                self.changed.add(other)
                return known
        return self._forgotten.pop((source, notice.epoch), 0)

    def _remember_totals(self, source: str, totals: Mapping[int, int]) -> None:
        self._forgotten.update({(source, epoch): total for epoch, total in totals.items()})
        while len(self._forgotten) > _FORGOTTEN_KEPT:
            del self._forgotten[next(iter(self._forgotten))]

    def _group_for(self, notice: Notice, snapshot: Snapshot, *, has_total: bool = False) -> Group:
        """The group that a notice belongs to, made of the notice if it is not known.

        Without an interval a group is known only if repeats are counted in it: by a process that
        has an interval.
        """
        identity, key = notice.identity, notice.key
        group = self._known.get(identity)
        if group is not None:
            return group
        is_kept = has_total or self._policy.interval > 0
        if is_kept and self._is_full(notice.priority):
            # Further different problems are counted together, by level and priority.
            identity, key = ("other", snapshot.levelno, notice.priority), None
            group = self._known.get(identity)
            if group is not None:
                return group
        priority = Priority(notice.priority)
        group = Group(identity, priority, key, snapshot, notice.style, snapshot)
        if is_kept:
            self._known[identity] = group
            self._take_place(group)
        return group

    def _take_place(self, group: Group) -> None:
        """Count a group as one that is not closed."""
        if self._known.get(group.identity) is group:
            self._closed.pop(group.identity, None)
            if group.priority > 0:
                self._urgent[group.identity] = group

    def _is_full(self, priority: int) -> bool:
        """Whether no further group may be open; lesser ones take no room from the urgent."""
        urgent = len(self._urgent)
        lesser = len(self._known) - len(self._closed) - urgent
        return (urgent if priority > 0 else lesser) >= self._policy.max_groups

    def claim(self, group: Group) -> int:
        """Take a group's repeats for a push, or to drop them."""
        repeats = group.claim()
        self.pending -= repeats
        self.changed.add(group)
        return repeats

    def put_back(self, group: Group, records: int) -> None:
        """Count records as repeats that were to be an alert of their own."""
        group.pending += records
        self.pending += records
        self.changed.add(group)

    def restore(self, group: Group, until: float | None) -> None:
        """Know a group that another sender has left."""
        self._known[group.identity] = group
        self.pending += group.pending
        if group.occurrences:
            self.observed[group] = None
        if not self._policy.interval and not group.pending:
            group.is_open, until = False, None  # its interval is over at once
        if until is None and not group.is_open:
            self._closed[group.identity] = group
        else:
            self._take_place(group)
        if until is not None:
            self.wait(group, until)

    def remember(self, notice: Notice, until: float) -> Group:
        """Know a group whose alert another process has delivered."""
        group = self._known.get(notice.identity)
        if group is None or not group.is_open:
            group, _ = self.take_in(notice)
            self.wait(group, until)
        return group

    def observe(self, group: Group) -> None:
        """Count its records from now on until they are enough for an alert."""
        group.is_open = True
        self._closed.pop(group.identity, None)
        self.observed[group] = None
        self.changed.add(group)

    def observed_records(self) -> int:
        """Records of groups that have had too few for an alert so far."""
        return sum(group.pending for group in self.observed)

    # Timers.

    def pushed(self, group: Group, now: float) -> None:
        """A push of it is out, or lost: count until the interval, or sooner the ringing, ends."""
        until = now + self._policy.interval
        if group.incident is not None and group.incident.rings(now):
            until = min(until, group.incident.expires_at)
        self.wait(group, until)

    def wait(self, group: Group, until: float) -> None:
        """Look at it again then. Without an interval only a group with repeats waits."""
        self.changed.add(group)
        if not self._policy.interval:
            if not group.pending:
                self.close(group)
                return
            group.is_open = True
            self._known.setdefault(group.identity, group)
            self._take_place(group)
        group.until = until
        heapq.heappush(self._timers, (until, next(self._sequence), group))

    def due(self, now: float) -> list[Group]:
        """The groups whose interval has ended, each of them once."""
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

    def reopen(self, group: Group, now: float) -> None:
        """Sum up what was counted as a repeat although the group is over for the sender."""
        self._take_place(group)
        group.is_open = True
        self.wait(group, now)

    def close(self, group: Group) -> None:
        """Let its next record be an alert."""
        group.is_open, group.until = False, None
        group.occurrences = ()
        self.observed.pop(group, None)
        self.changed.add(group)
        if self._known.get(group.identity) is not group:
            return
        self._closed[group.identity] = group
        self._closed.move_to_end(group.identity)
        self._urgent.pop(group.identity, None)
        allowed = max(1, int(self._policy.max_groups * _CLOSED_GROUPS_KEPT))
        while len(self._closed) > allowed or len(self._known) > self._policy.max_groups:
            if not self._closed:
                return
            identity, oldest = self._closed.popitem(last=False)
            if oldest.pending:
                self._closed[identity] = oldest
                return
            self._known.pop(identity, None)
            self.changed.add(oldest)
            for source, totals in oldest.totals.items():
                self._remember_totals(source, totals)

    def unfinished(self) -> list[Group]:
        """The groups with repeats that no push stands for and that a push is to stand for."""
        return [g for g in self._known.values() if g.pending and g not in self.observed]

    def with_key(self, key: str) -> list[Group]:
        """The groups of an explicit key."""
        found = (self._known.get(("key", key, int(priority))) for priority in Priority)
        return [group for group in found if group is not None]


@functools.lru_cache(maxsize=10_000)
def tag_of(key: str) -> str:
    """The tag of the emergencies of an explicit key, in characters that any tag may have."""
    return TAG_PREFIX + hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:20]
