"""The outbox: alerts and summaries that wait to be sent, and which of them goes next.

Alone, or together with others as a digest. The caller holds the lock of the sender.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from ..client.constants import Priority
from ..notice import Snapshot
from ..render.alert import Alert
from .grouping import Group
from .incidents import Incident
from .limits import Verdict
from .retry import Backoff

__all__ = ["Entry", "Outbox", "Part"]

_URGENT_FIRST = tuple(sorted(Priority, reverse=True))
_TIME_FOR_A_DIGEST = 3
"""With time for fewer pushes than this before the end, what is left goes as a digest."""


@dataclass(slots=True)
class Part:
    """What a push says of one group."""

    group: Group
    records: int
    """How many records of the group the push stands for."""
    alert: Snapshot | None = None
    """The group's first record; None where all of them are repeats."""


@dataclass(eq=False, slots=True)
class Entry:
    """A push to be: an alert, a summary, a digest of many groups, or a report.

    A report has no parts: it stands for no record and says something about the handler itself.
    """

    parts: list[Part]
    priority: Priority
    since: float
    """When it was made, in ``time.monotonic()`` seconds."""
    text: Alert | None = None
    """Written at the first try, the same for all others."""
    tries: int = 0
    not_before: float = 0.0
    backoff: Backoff | None = field(default=None, repr=False)
    id: str = ""
    """Names it in a durable store."""
    is_in_flight: bool = False
    """A send of it has begun, and its outcome is not stored."""
    doubtful: tuple[str, ...] = ()
    """Names of pushes that another process had in flight with the same records: they may have been
    sent before. A blank where the name is not known."""
    is_drained: bool = False
    """A drain notice waits until it is sent."""
    is_held: bool = field(default=False, repr=False)
    """It waits or is being sent."""
    escalates: Incident | None = None
    """The emergency that nobody acknowledged; this one rings ``escalate_to`` for it."""

    @property
    def records(self) -> int:
        return sum([part.records for part in self.parts])

    @property
    def alerts(self) -> int:
        """How many of its parts hold a group's first record."""
        return sum([part.alert is not None for part in self.parts])


class Outbox:
    """Entries by priority, the oldest first; those that are put off apart from them."""

    def __init__(self) -> None:
        self._lanes: dict[Priority, deque[Entry]] = {p: deque() for p in _URGENT_FIRST}
        self._later: list[tuple[float, int, Entry]] = []
        self._sequence = itertools.count()
        self.in_hand: Entry | None = None
        """The entry that is being sent."""
        self.records: int = 0
        """Records of all entries, also of the entry in hand."""
        self.alerts: int = 0
        """Groups' first records that wait; only these use the capacity."""
        self.changed: set[Entry] = set()
        """Entries that differ from what the last commit stored."""

    def __bool__(self) -> bool:
        """Whether anything waits or is being sent."""
        return self.in_hand is not None or self.next_due() is not None

    def __iter__(self) -> Iterator[Entry]:
        for lane in self._lanes.values():
            yield from lane
        yield from (entry for _, _, entry in self._later)

    def put(self, entry: Entry, now: float) -> None:
        """Let an entry wait, or wait again."""
        if self.in_hand is entry:
            self.in_hand = None
        else:
            self.records += entry.records
        entry.is_held = True
        self.alerts += entry.alerts
        self.changed.add(entry)
        if entry.not_before > now:
            heapq.heappush(self._later, (entry.not_before, next(self._sequence), entry))
        else:
            self._lanes[entry.priority].append(entry)

    def finished(self, entry: Entry) -> None:
        """The entry in hand was delivered or dropped."""
        self.in_hand = None
        entry.is_held = False
        self.records -= entry.records
        self.changed.add(entry)

    def least_urgent(self) -> int:
        """The lowest priority of which anything waits; above all priorities if nothing does."""
        return next((p for p in reversed(_URGENT_FIRST) if self._lanes[p]), 3)

    def turn_away(self) -> Entry | None:
        """Take out the newest of the least urgent alerts, if need be out of a digest."""
        for priority in reversed(_URGENT_FIRST):
            lane = self._lanes[priority]
            waiting = itertools.chain(
                reversed(lane), (entry for _, _, entry in self._later if entry.priority == priority)
            )
            for entry in waiting:
                if not entry.alerts:
                    continue
                if len(entry.parts) == 1:
                    self._take_out(entry)
                    return entry
                alerts = [part for part in reversed(entry.parts) if part.alert is not None]
                victim = min(alerts, key=lambda part: part.group.priority)
                entry.parts = [part for part in entry.parts if part is not victim]
                entry.text = None
                self.records -= victim.records
                self.alerts -= 1
                self.changed.add(entry)
                return Entry([victim], entry.priority, entry.since)
        return None

    def lower(self, groups: Collection[Group], now: float) -> None:
        """Let entries of these groups alone go without ringing: their problems are over."""
        put_off = (entry for _, _, entry in self._later)
        for entry in [*self._lanes[Priority.EMERGENCY], *put_off]:
            if (
                entry.priority is Priority.EMERGENCY
                and entry.parts
                and all(part.group in groups for part in entry.parts)
            ):
                self._take_out(entry)
                entry.priority, entry.text = Priority.NORMAL, None
                self.put(entry, now)

    def remove(self, entry: Entry) -> None:
        """Take out an entry that waits."""
        self._take_out(entry)

    def clear(self) -> list[Part]:
        """Take out everything but the entry in hand."""
        parts = [part for entry in self for part in entry.parts]
        for entry in self:
            entry.is_held = False
            self.changed.add(entry)
        for lane in self._lanes.values():
            lane.clear()
        self._later.clear()
        self.records = self.in_hand.records if self.in_hand else 0
        self.alerts = 0
        return parts

    def next_due(self) -> float | None:
        """When something may go, if the limits allow; 0 for at once, None when nothing waits."""
        if any(self._lanes.values()):
            return 0.0
        return self._later[0][0] if self._later else None

    def has_emergency(self) -> bool:
        """Whether an emergency waits that is not put off."""
        return bool(self._lanes[Priority.EMERGENCY])

    def take_next(
        self,
        verdict: Verdict,
        now: float,
        claim: Callable[[Group], int],
        *,
        ending: bool = False,
        untried_first: bool = False,
        most: float = math.inf,
    ) -> Entry | None:
        """The entry that goes next, which is then in hand; None if nothing may go.

        When several entries wait for the last slot of the minute, they go as a digest. ``claim``
        takes the repeats of a group for it. ``ending``: the process ends, so that a digest may go
        without a slot, and only entries that have failed are still put off. ``most``: for so many
        pushes there is time before the end; what would be left over goes as a digest as well.
        """
        for item in [
            item for item in self._later if item[0] <= now or (ending and not item[2].tries)
        ]:
            self._later.remove(item)
            self._lanes[item[2].priority].append(item[2])
        heapq.heapify(self._later)
        slots, least = verdict.slots, verdict.least
        if least is None:
            return None
        if not slots and not ending:
            if not verdict.has_emergency_slot:
                return None
            slots, least = 1, Priority.EMERGENCY
        lanes = [self._lanes[p] for p in _URGENT_FIRST if p >= least and self._lanes[p]]
        if not lanes:
            return None
        entry = lanes[0][0]
        if untried_first and entry.tries:  # the service may fail at this alert alone
            entry = next((e for lane in lanes for e in lane if not e.tries), entry)
        # A report has no parts. It can be in no digest, and goes by itself.
        digestible = sum(len(lane) for lane in lanes)
        is_last = slots == 0 or (digestible > most and most < _TIME_FOR_A_DIGEST)
        if digestible > 1 and (is_last if ending else slots == 1):
            merged = [e for lane in lanes for e in lane if e.parts]
            if len(merged) > 1:
                self.in_hand = self._digest(merged, claim)
                return self.in_hand
        self._lanes[entry.priority].remove(entry)
        self.alerts -= entry.alerts
        self.in_hand = entry
        return entry

    def _digest(self, merged: list[Entry], claim: Callable[[Group], int]) -> Entry:
        """All that may go, as a push that is as urgent as the most urgent part of it."""
        parts: dict[int, Part] = {}
        for entry in merged:
            self.alerts -= entry.alerts
            entry.is_held = False
            self.changed.add(entry)
            for part in entry.parts:
                known = parts.setdefault(id(part.group), part)
                if known is not part:
                    known.records += part.records
                    known.alert = known.alert or part.alert
        for part in parts.values():
            repeats = claim(part.group)
            part.records += repeats
            self.records += repeats
        for priority in {entry.priority for entry in merged}:
            reports = [entry for entry in self._lanes[priority] if not entry.parts]
            self._lanes[priority].clear()
            self._lanes[priority].extend(reports)
        since = min(entry.since for entry in merged)
        digest = Entry(list(parts.values()), merged[0].priority, since)
        digest.doubtful = tuple(name for entry in merged for name in entry.doubtful)
        digest.is_drained = any(entry.is_drained for entry in merged)
        digest.is_held = True
        # It goes on with the failures of its entries, or an outage would never end for it.
        failed = min((e for e in merged if e.tries), key=lambda e: e.since, default=None)
        if failed is not None:
            digest.tries, digest.backoff = failed.tries, failed.backoff
        self.changed.add(digest)
        return digest

    def _take_out(self, entry: Entry) -> None:
        lane = self._lanes[entry.priority]
        if lane and lane[-1] is entry:
            lane.pop()  # the usual case, because the newest are turned away
        elif entry in lane:
            lane.remove(entry)
        else:
            self._later = [item for item in self._later if item[2] is not entry]
            heapq.heapify(self._later)
        self.records -= entry.records
        self.alerts -= entry.alerts
        entry.is_held = False
        self.changed.add(entry)
