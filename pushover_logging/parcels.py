"""What the courier carries: pushes to be, and the records they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from .alerts import Alert, Priority
from .groups import Group
from .incidents import ReceiptNews
from .noting import Early
from .quota import Allowance
from .retrying import Outage

__all__ = ["Parcel", "Post", "Receipt", "Share"]

Item = TypeVar("Item")


@dataclass
class Share(Generic[Item]):
    """A group's part of a push."""

    group: Group
    records: int
    item: Item | None = None
    """The group's first record as it was noted; None where all were repeats."""


@dataclass(eq=False)
class Parcel(Generic[Item]):
    """A push on its way: a group's first record or its summary, a digest of many groups, a report.

    A report, which has no shares, stands for no record: it says something of the handler itself.
    """

    shares: Sequence[Share[Item]]
    priority: Priority
    since: float
    """`time.monotonic` seconds; from here on the retry policy's patience counts."""
    alert: Alert | None = None
    """Written at the first try, the same for all others."""
    tries: int = 0
    not_before: float = 0.0
    failures: Outage | None = field(default=None, repr=False)

    @property
    def records(self) -> int:
        return sum(share.records for share in self.shares)


class Receipt(Protocol):
    """What delivery needs of the service's answer to an accepted push."""

    @property
    def receipt(self) -> str | None: ...
    @property
    def info(self) -> str | None: ...
    @property
    def limit(self) -> int | None: ...
    @property
    def remaining(self) -> int | None: ...
    @property
    def reset(self) -> datetime | None: ...


class Post(Protocol[Item]):
    """What delivery leaves to others; every method runs on the courier's thread."""

    def open(self) -> None:
        """Make ready to send, which may import; once in each process."""

    def freeze(self, early: Early) -> None:
        """Freeze what came before it could be frozen in the logging call."""

    def write(self, shares: Sequence[Share[Item]], priority: Priority) -> Alert:
        """The alert for one record, for a group's repeats, or for many groups."""

    def report_losses(self, by_level: Mapping[int, int], capacity: int) -> Alert:
        """The alert that says how many records found no room."""

    def report_allowance(self, allowance: Allowance, reserve: int) -> Alert:
        """The alert that says that the month's messages run low."""

    def send(self, alert: Alert, timeout: float | None) -> Receipt:
        """Send it once, within ``timeout`` seconds where given; raises PushoverError."""

    def ask(self, receipt: str) -> ReceiptNews:
        """What became of an emergency; raises PushoverError."""

    def cancel(self, tag: str) -> None:
        """End the ringing of all emergencies with this tag; raises PushoverError."""

    def acknowledged(self, news: ReceiptNews) -> None:
        """Hear that someone acknowledged."""

    def lost(self, share: Share[Item]) -> None:
        """Take what could not be delivered."""

    def failed(self, error: Exception) -> None:
        """Hear of a failure."""
