"""The waiting room: what waits to be pushed, and what of it goes next, alone or as a digest.

The caller holds the lock of the delivery that owns the room.
"""

from __future__ import annotations

from collections.abc import MutableSequence
from typing import Generic, TypeVar

from .alerts import Priority
from .gate import Gate
from .intake import Intake
from .parcels import Parcel, Share

__all__ = ["Room"]

Item = TypeVar("Item")

_FAREWELLS = 3
"""So many pushes go one by one when the process ends; more go as one digest, in one round trip."""


class Room(Generic[Item]):
    """First records in the intake, and parcels made up of counts or put off."""

    def __init__(self, intake: Intake, parcels: MutableSequence[Parcel[Item]]) -> None:
        self.in_hand: Parcel[Item] | None = None
        """What is being sent."""
        self._intake = intake
        self._parcels = parcels

    def put(self, parcel: Parcel[Item]) -> None:
        """Let a parcel wait."""
        self._parcels.append(parcel)
        if self.in_hand is parcel:
            self.in_hand = None

    def make_room(self) -> list[Parcel[Item]]:
        """Turn out the least urgent, as far as more wait than there is room for.

        First records are weighed with what was tried in vain, of which the latest has a place of
        its own: it was in hand. Summaries need none: what they count waits anyway, in its group.
        Returns the parcels; records are counted.
        """
        victims = []
        tried = [parcel for parcel in self._parcels if parcel.tries]
        while len(tried) - 1 + len(self._intake) > self._intake.capacity:
            arrived = self._intake.least_urgent()
            parcel = min(tried, key=lambda p: (p.priority, -p.since), default=None)
            if parcel is not None and (arrived is None or parcel.priority < arrived):
                tried.remove(parcel)
                self._parcels.remove(parcel)
                victims.append(parcel)
            else:
                self._intake.evict()
        return victims

    def quieten(self, tag: str, now: float) -> None:
        """Let what waits with this tag go without ringing: its trouble is over."""
        for parcel in self._parcels:
            if parcel.shares and all(share.group.tag == tag for share in parcel.shares):
                parcel.priority, parcel.alert = min(parcel.priority, Priority.NORMAL), None
        others = []
        while (taken := self._intake.take(Priority.EMERGENCY)) is not None:
            group, item = taken[1]
            if group.tag == tag:
                self.put(Parcel([Share(group, 1, item)], Priority.NORMAL, since=now))
            else:
                others.append((group, item))
        self._intake.put_back(Priority.EMERGENCY, others)

    def has_arrivals(self) -> bool:
        return len(self._intake) > 0

    def is_empty(self) -> bool:
        return not (self.has_arrivals() or self._parcels or self.in_hand)

    def records(self) -> int:
        """Records of all that waits or is being sent; not those that are only counted."""
        in_hand = self.in_hand.records if self.in_hand else 0
        return len(self._intake) + sum(parcel.records for parcel in self._parcels) + in_hand

    def take_next(
        self, gate: Gate, least: Priority, now: float, *, ending: bool
    ) -> Parcel[Item] | None:
        """What goes next, of all that is as urgent as ``least``; it is in hand then.

        With more waiting than the minute has room for, everything goes as one digest.
        """
        slots = gate.slots(now, urgent=False)
        if slots > 1 and not (ending or self._parcels):
            self.in_hand = self._first(least, now)
            return self.in_hand
        if not slots and not ending:
            # One is left for an emergency that comes after a flood of lesser things.
            slots, least = gate.slots(now, urgent=True), Priority.EMERGENCY
        ready = [p for p in self._parcels if _is_ready(p, least, now, ending=ending)]
        # A report has no shares; it can be in no digest, and goes by itself.
        waiting = self._intake.count(least) + sum(bool(parcel.shares) for parcel in ready)
        if not (waiting or ready) or (not slots and not ending):
            return None
        # The end has one more than the minute: the gate keeps it back for just that.
        left = gate.slots(now, urgent=True) + 1
        crowded = waiting > min(_FAREWELLS, left) if ending else slots == 1 < waiting
        if crowded:
            self.in_hand = self._digest(least, [p for p in ready if p.shares], now)
        else:
            self.in_hand = self._single(least, ready, now, untried_first=gate.in_outage)
        return self.in_hand

    def has_emergencies(self) -> bool:
        """Whether one waits that is not put off."""
        waits = self._intake.count(Priority.EMERGENCY) > 0
        return waits or any(p.priority is Priority.EMERGENCY for p in self._parcels)

    def next_try(self) -> float | None:
        """When something in it may go, if the service takes it; None when nothing waits."""
        if self.has_arrivals():
            return 0.0
        return min((parcel.not_before for parcel in self._parcels), default=None)

    def clear(self) -> list[Share[Item]]:
        """Take out everything but what is in hand."""
        shares = [share for parcel in self._parcels for share in parcel.shares]
        self._parcels.clear()
        return shares + self._first_records(Priority.LOWEST)[0]

    def _single(
        self, least: Priority, ready: list[Parcel[Item]], now: float, *, untried_first: bool
    ) -> Parcel[Item] | None:
        best = max(ready, key=lambda parcel: parcel.priority, default=None)
        arrived = self._intake.most_urgent(least)
        # One alert that the service chokes on must not block all others.
        if best and (arrived is None or (best.priority > arrived and not untried_first)):
            self._parcels.remove(best)
            return best
        return self._first(least, now)

    def _first(self, least: Priority, now: float) -> Parcel[Item] | None:
        taken = self._intake.take(least)
        if taken is None:
            return None
        priority, (group, item) = taken
        return Parcel([Share(group, 1, item)], Priority(priority), since=now)

    def _digest(self, least: Priority, ready: list[Parcel[Item]], now: float) -> Parcel[Item]:
        """All that may go, as one push, which is as urgent as the most urgent in it."""
        first, priorities = self._first_records(least)
        shares = [share for parcel in ready for share in parcel.shares] + first
        priorities += [parcel.priority for parcel in ready]
        for parcel in ready:
            self._parcels.remove(parcel)
        for share in shares:
            share.records += share.group.claim()
        since = min((parcel.since for parcel in ready), default=now)
        return Parcel(shares, max(priorities), since)

    def _first_records(self, least: Priority) -> tuple[list[Share[Item]], list[Priority]]:
        shares, priorities = [], []
        while (taken := self._intake.take(least)) is not None:
            priority, (group, item) = taken
            shares.append(Share(group, 1, item))
            priorities.append(Priority(priority))
        return shares, priorities


def _is_ready(parcel: Parcel[Item], least: Priority, now: float, *, ending: bool) -> bool:
    """Whether it may go; at the end nothing is put off any more but what has failed already."""
    in_time = parcel.not_before <= now or (ending and not parcel.tries)
    return parcel.priority >= least and in_time
