"""Open emergencies: which ring, whether someone acknowledged, when to ask the service; pure."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Iterable, MutableSequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from .groups import Group

__all__ = ["Incident", "IncidentReport", "IncidentState", "Incidents", "ReceiptNews"]

_PATIENCE = 10.0
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


class ReceiptNews(Protocol):
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
    """One emergency push and the groups it rings for. Times are `time.monotonic` seconds."""

    receipt: str
    title: str
    groups: tuple[Group, ...]
    expires_at: float
    looked_at: float
    """When it was last considered whether to ask the service about it."""
    state: IncidentState = IncidentState.RINGING
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    counted_then: dict[Group, int] = field(default_factory=dict)
    """Repeats that each group ever had when the acknowledgement came: what is more came after."""

    def rings(self, now: float) -> bool:
        """Whether the phone is still to be answered."""
        if self.state is IncidentState.RINGING and now >= self.expires_at:
            self.state = IncidentState.EXPIRED
        return self.state is IncidentState.RINGING

    def heed(self, news: ReceiptNews) -> None:
        """Take in what the service says of the receipt."""
        if news.acknowledged:
            self.state = IncidentState.ACKNOWLEDGED
            self.acknowledged_at = news.acknowledged_at
            self.acknowledged_by = news.acknowledged_by
        elif news.expired or news.gone:
            self.state = IncidentState.EXPIRED

    def goes_on(self, group: Group, unclaimed: int) -> bool:
        """Whether the group's trouble was seen again after the emergency was dealt with."""
        return group.claimed + unclaimed > self.counted_then.get(group, 0)

    def has_tag(self, tag: str) -> bool:
        return any(group.tag == tag for group in self.groups)

    def report(self) -> IncidentReport:
        return IncidentReport(
            self.receipt, self.title, self.state, self.acknowledged_at, self.acknowledged_by
        )


class Incidents:
    """The emergencies of one handler, the ringing ones and the latest others."""

    def __init__(self, latest: MutableSequence[Incident], *, someone_listens: bool) -> None:
        self._latest = latest
        self._someone_listens = someone_listens
        self._cancelled: deque[str] = deque(maxlen=_REMEMBERED)

    def open(
        self, receipt: str, title: str, groups: Iterable[Group], expire: float, now: float
    ) -> Incident:
        """An emergency was accepted and rings from now on."""
        incident = Incident(receipt, title, tuple(groups), now + expire, looked_at=now)
        self._latest.append(incident)
        self._forget_the_oldest(now)
        return incident

    def to_ask(self, now: float) -> Incident | None:
        """One whose answer could change what happens next, and was not asked for lately."""
        for incident in self._latest:
            if incident.rings(now) and now >= incident.looked_at + _PATIENCE:
                incident.looked_at = now  # whether asked or not: nothing is to be done at once
                if self._matters(incident):
                    return incident
        return None

    def next_question(self) -> float | None:
        """When to look for one to ask again; None when there is none that rings."""
        ringing = (i for i in self._latest if i.state is IncidentState.RINGING)
        return min((incident.looked_at + _PATIENCE for incident in ringing), default=None)

    def resolve(self, tag: str, now: float) -> bool:
        """The trouble with this tag is over; whether there may be something to cancel.

        The first time there may be without our knowing it: an earlier run may have left it ringing.
        """
        ringing = [i for i in self._latest if i.rings(now) and i.has_tag(tag)]
        for incident in ringing:
            incident.state = IncidentState.RESOLVED
        unknown = tag not in self._cancelled
        if unknown:
            self._cancelled.append(tag)
        return bool(ringing) or unknown

    def reports(self) -> tuple[IncidentReport, ...]:
        return tuple(incident.report() for incident in list(self._latest))

    def _forget_the_oldest(self, now: float) -> None:
        """Forget those that ended, from the oldest on; what rings is never forgotten."""
        while len(self._latest) > _REMEMBERED and not self._latest[0].rings(now):
            del self._latest[0]

    def _matters(self, incident: Incident) -> bool:
        return self._someone_listens or any(group.unclaimed() for group in incident.groups)
