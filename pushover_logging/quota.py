"""The month's allowance: what is left of it, and until when sending must wait; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

__all__ = ["Allowance"]

_US_CENTRAL = timezone(timedelta(hours=-6))
"""Where the service's month ends; in summer an hour late, which only waits a little longer."""


@dataclass(frozen=True)
class Allowance:
    """What is known of the account's messages; None where the service said nothing yet.

    The client's class of this name is what one answer says. This is what all of them together
    say, and decides; it can be kept in a store, and loads nothing of the client.
    """

    limit: int | None = None
    """Messages a month."""
    remaining: int | None = None
    reset: datetime | None = None
    """When the month ends and ``remaining`` starts at ``limit`` again."""

    def updated(
        self, limit: int | None, remaining: int | None, reset: datetime | None
    ) -> Allowance:
        """This allowance with what a newer answer says; what it leaves out stays as known."""
        return Allowance(
            self.limit if limit is None else limit,
            self.remaining if remaining is None else remaining,
            self.reset if reset is None else reset,
        )

    def reset_after(self, now: datetime) -> datetime:
        """When the service will take messages again, once it said that the month's are spent."""
        if self.reset is not None and self.reset > now:
            return self.reset
        return next_month(now)


def next_month(now: datetime) -> datetime:
    """The next midnight in US Central time that begins a month, in UTC.

    Source: https://pushover.net/api#limits.
    """
    local = now.astimezone(_US_CENTRAL)
    year, month = divmod(local.year * 12 + local.month, 12)
    return datetime(year, month + 1, 1, tzinfo=_US_CENTRAL).astimezone(timezone.utc)
