"""What became of every record, in numbers that anyone can add up."""

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
    itself, when a record comes in. While other threads are inside a logging call, their records may
    be missing on one side.
    """

    accepted: int
    """Records that were to be pushed."""
    delivered: int
    """Records that an accepted push stands for; with a shared store, as far as this process sent
    the push."""
    pending: int
    """Records that wait, are being sent, or are counted until their group is summed up."""
    dropped: Mapping[str, int]
    """Records that will not be delivered, by reason: ``full`` (more than ``capacity`` waited),
    ``refused`` (by the service), ``gave_up`` (the retry policy's bound), ``exit`` (no time left
    when the process ended), ``stopped`` (the service refused the token until then), ``below_after``
    (too few records for an alert, by ``grouping`` or the rule of a logger), ``error`` (a defect, or
    a record that nothing could read)."""
    pushes: int
    """Pushes of this process that the service has accepted."""
    limit: int | None
    """Messages a month, as the service last said; None before it said so."""
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
    """The service's words as long as it refuses the token or the only user key, else None."""
