"""The counts of a handler: what became of every record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from .incidents import IncidentReport

__all__ = ["Stats"]


@dataclass(frozen=True)
class Stats:
    """The counts of one handler in this process, in records.

    With the memory store ``accepted == delivered + pending + sum(dropped.values())``; with a shared
    store ``accepted == handed_over + pending + sum(dropped.values())``. ``accepted`` is counted by
    itself, when a record comes in. A record whose logging call has not returned yet may be missing
    on one side.
    """

    accepted: int
    """Records that were to be pushed."""
    delivered: int
    """Records that an accepted push stands for; with a shared store, as far as this process sent
    the push."""
    pending: int
    """Records that wait, are being sent, or are counted until their group is summed up."""
    dropped: Mapping[str, int]
    """Records that will not be delivered, by reason:

    ``full``: more than ``capacity`` alerts waited. ``refused``: by the service. ``gave_up``: a
    limit of the retry policy. ``exit``: no time was left when the process ended. ``stopped``: the
    service still refused the token when the process ended. ``below_after``: too few records
    for ``after`` of ``grouping`` or ``loggers``. ``error``: a defect, or an unreadable record.
    """
    pushes: int
    """Pushes of this process that the service has accepted."""
    limit: int | None
    """Messages a month, by the latest answer; None before the first answer."""
    remaining: int | None
    """Messages left of them."""
    reset: datetime | None
    """When the month ends."""
    incidents: tuple[IncidentReport, ...] = ()
    """The latest emergencies: which ring, which were acknowledged, when and by whom."""
    handed_over: int = 0
    """Records that a shared store has taken over, or that this process delivers from memory while
    the store fails; 0 with the memory store."""
    refused: str | None = None
    """The words of the service while it refuses the token or the only user key, else None."""
