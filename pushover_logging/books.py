"""The books of a handler: what became of every record, so that the numbers add up at any moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from .incidents import IncidentReport
from .quota import Allowance

__all__ = ["Books", "Stats"]


@dataclass(frozen=True)
class Stats:
    """A snapshot of a handler's books, in records: ``accepted == delivered + pending + dropped``.

    ``dropped`` is a mapping; its values are what adds up.
    """

    accepted: int
    """Records that were to be pushed."""
    delivered: int
    """Records that an accepted push stands for."""
    pending: int
    """Records that wait, are being sent, or are counted until their group is summed up."""
    dropped: Mapping[str, int]
    """Records that will not be delivered, by reason: ``full`` (no room), ``refused`` (by the
    service), ``stopped`` (token or user refused), ``gave_up`` (the retry policy's bound), ``exit``
    (no time left when the process ended), ``error`` (a defect)."""
    pushes: int
    """Pushes that the service has accepted."""
    limit: int | None
    """Messages a month, as the service last said; None before it said so."""
    remaining: int | None
    """Messages left of them."""
    reset: datetime | None
    """When the month ends."""
    incidents: tuple[IncidentReport, ...] = ()
    """The latest emergencies: which ring, which were acknowledged, when and by whom."""


@dataclass
class Books:
    """What became of the records that the courier has seen; guarded by the delivery's lock."""

    delivered: int = 0
    pushes: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def enter_delivery(self, records: int) -> None:
        """A push that stands for so many records was accepted."""
        self.delivered += records
        self.pushes += 1

    def enter_drop(self, records: int, reason: str) -> None:
        """So many records will not be delivered."""
        self.dropped[reason] += records

    def snapshot(
        self,
        *,
        pending: int,
        turned_away: int,
        missed: int,
        allowance: Allowance,
        incidents: tuple[IncidentReport, ...],
    ) -> Stats:
        """The books with what is not in them: what waits, found no room, or could not be noted."""
        dropped = Counter(self.dropped) + Counter(full=turned_away, error=missed)
        return Stats(
            accepted=self.delivered + pending + sum(dropped.values()),
            delivered=self.delivered,
            pending=pending,
            dropped=MappingProxyType(dict(dropped)),
            pushes=self.pushes,
            limit=allowance.limit,
            remaining=allowance.remaining,
            reset=allowance.reset,
            incidents=incidents,
        )
