"""Open emergencies: which ring, whether somebody acknowledged, when to ask the service; pure.

No clock is read here: ``now`` is ``time.monotonic()`` seconds.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from .grouping import Group

__all__ = ["Incident", "IncidentReport", "IncidentState", "Incidents", "ReceiptStatus"]

_POLL_INTERVAL = 10.0
"""Seconds between two questions about a receipt; Pushover asks for 5 at least
(https://pushover.net/api/receipts), and within 30 an acknowledgement should be noticed."""
_REMEMBERED = 100


class IncidentState(enum.Enum):
    """What became of an emergency."""

    RINGING = "ringing"
    ACKNOWLEDGED = "acknowledged"
    EXPIRED = "expired"
    RESOLVED = "resolved"


@dataclass(frozen=True)
class IncidentReport:
    """One emergency, as it stands."""

    receipt: str
    title: str
    state: IncidentState
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    """The key of the user who acknowledged, if the service named one."""

    def __repr__(self) -> str:
        return f"IncidentReport({self.title!r}, {self.state.value}, {self.acknowledged_at})"


class ReceiptStatus(Protocol):
    """What the service says of a receipt."""

    @property
    def acknowledged(self) -> bool: ...
    @property
    def acknowledged_at(self) -> datetime | None: ...
    @property
    def acknowledged_by(self) -> str | None: ...
    @property
    def expired(self) -> bool: ...
    @property
    def gone(self) -> bool: ...


@dataclass(eq=False)
class Incident:
    """One emergency push and the groups it rings for."""

    receipt: str
    title: str
    groups: tuple[Group, ...]
    expires_at: float
    polled_at: float
    """When it was last considered whether to ask the service about it."""
    state: IncidentState = IncidentState.RINGING
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    counted_before: dict[Group, int] = field(default_factory=dict)
    """Repeats that each group ever had when the acknowledgement came; any more came after it."""
    escalates_at: float | None = None
    """When other users are to be rung too, unless somebody has acknowledged by then."""
    is_escalating: bool = False
    """The push to those users waits or is being sent."""
    is_escalation_in_doubt: bool = False
    """Another process was about to send that push."""
    counterpart: Incident | None = None
    """The emergency that rings other users for the same groups."""

    def rings(self, now: float) -> bool:
        """Whether nobody has acknowledged it yet, and it has not expired."""
        if self.state is IncidentState.RINGING and now >= self.expires_at:
            self.state = IncidentState.EXPIRED
        return self.state is IncidentState.RINGING

    def learn(self, status: ReceiptStatus) -> None:
        """Take in what the service says of the receipt."""
        if status.acknowledged:
            self.state = IncidentState.ACKNOWLEDGED
            self.acknowledged_at = status.acknowledged_at
            self.acknowledged_by = status.acknowledged_by
            self.counted_before = {g: g.claimed + g.pending for g in self.groups}
        elif status.expired or status.gone:
            self.state = IncidentState.EXPIRED

    def is_still_happening(self, group: Group) -> bool:
        """Whether the group had a repeat after somebody acknowledged, or none did."""
        return group.claimed + group.pending > self.counted_before.get(group, 0)

    def report(self) -> IncidentReport:
        return IncidentReport(
            self.receipt, self.title, self.state, self.acknowledged_at, self.acknowledged_by
        )


class Incidents:
    """The emergencies of one store: those that ring, and the latest others."""

    def __init__(self) -> None:
        self._latest: list[Incident] = []
        self.to_cancel: dict[str, float] = {}
        """Receipts and tags of emergencies that are to end, and when to tell the service."""
        self.ringing: deque[Incident] = deque()
        """Those that may still ring."""
        self.changed: set[Incident] = set()
        """Incidents that differ from what the last commit stored."""

    def open(
        self, receipt: str, title: str, groups: Iterable[Group], expire: float, now: float
    ) -> Incident:
        """An emergency was accepted and rings from now on."""
        incident = Incident(receipt, title, tuple(groups), now + expire, polled_at=now)
        self._latest.append(incident)
        self.ringing.append(incident)
        self.changed.add(incident)
        # Incidents that ended are forgotten, from the oldest on.
        while len(self._latest) > _REMEMBERED and not self._latest[0].rings(now):
            self.changed.add(self._latest.pop(0))
        return incident

    def restore(self, incident: Incident) -> None:
        """Know an emergency that another sender has left."""
        self._latest.append(incident)
        if incident.state is IncidentState.RINGING:
            self.ringing.append(incident)

    def __iter__(self) -> Iterator[Incident]:
        return iter(list(self._latest))

    def remembers(self, incident: Incident) -> bool:
        return incident in self._latest

    def to_poll(self, now: float, *, someone_listens: bool) -> Incident | None:
        """An incident whose answer could change what happens next, and is due to be asked about."""
        for _ in range(len(self.ringing)):
            incident = self.ringing[0]
            if not incident.rings(now):
                self.changed.add(self.ringing.popleft())
            elif now >= incident.polled_at + _POLL_INTERVAL:
                incident.polled_at = now
                self.ringing.rotate(-1)
                other = incident.counterpart
                matters = incident.is_escalating or (other is not None and other.rings(now))
                if someone_listens or matters or any(g.pending for g in incident.groups):
                    return incident
            else:
                self.ringing.rotate(-1)
        return None

    def next_due(self) -> float | None:
        """When to look again whether there is something to ask or to cancel."""
        polls = (
            incident.polled_at + _POLL_INTERVAL
            for incident in self.ringing
            if incident.state is IncidentState.RINGING
        )
        escalations = (
            incident.escalates_at
            for incident in self.ringing
            if incident.escalates_at is not None
            and incident.state is IncidentState.RINGING
            and not incident.is_escalating
        )
        return min((*polls, *escalations), default=None)

    def cancel_due(self) -> float | None:
        """When the next ringing is to be ended."""
        return min(self.to_cancel.values(), default=None)

    def to_escalate(self, now: float) -> Incident | None:
        """An emergency that nobody may have acknowledged in the time for it."""
        for incident in self.ringing:
            if (
                incident.escalates_at is not None
                and now >= incident.escalates_at
                and not incident.is_escalating
                and incident.rings(now)
            ):
                return incident
        return None

    def escalated(self, incident: Incident, rings: Incident | None) -> None:
        """The push to the other users was sent, or is not to be; ``rings`` is its emergency."""
        incident.escalates_at, incident.is_escalating = None, False
        self.changed.add(incident)
        if rings is not None:
            incident.counterpart, rings.counterpart = rings, incident
            rings.groups = incident.groups
            self.changed.add(rings)

    def resolve(self, groups: Collection[Group], now: float) -> None:
        """The problems of these groups are over: cancel what rings for them."""
        for incident in self.ringing:
            over = [group for group in incident.groups if group in groups]
            if over and incident.rings(now):
                incident.state = IncidentState.RESOLVED
                self.changed.add(incident)
                # A tag cancels all emergencies of a key at once.
                self.to_cancel[over[0].tag or incident.receipt] = now

    def stop(self) -> None:
        """Ask about no emergency any more."""
        self.ringing.clear()
        self.to_cancel.clear()

    def reports(self) -> tuple[IncidentReport, ...]:
        return tuple(incident.report() for incident in list(self._latest))
