"""How many messages the account may still send this month, counted as the service counts them."""

from __future__ import annotations

import dataclasses
import datetime
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

HeaderMode = Literal["normal", "missing", "garbage"]


@dataclass
class Allowance:
    """The month's messages of one account: the limit, what is left of it, and when it starts anew.

    ``reset`` is in Unix seconds. ``headers`` says whether answers tell the truth about it
    (``"normal"``), nothing (``"missing"``) or nonsense (``"garbage"``).
    """

    limit: int
    remaining: int
    reset: float
    headers: HeaderMode = "normal"

    def change(self, given: Mapping[str, Any]) -> None:
        """Take over the fields that are given. Raises ValueError where one cannot be so."""
        changed = dataclasses.replace(self, **given)
        for name in ("limit", "remaining", "reset"):
            value = getattr(changed, name)
            if not isinstance(value, int | float) or value < 0:
                raise ValueError(f"{name} is {value!r}; it must be a number, 0 or more")
        if changed.headers not in get_args(HeaderMode):
            raise ValueError(f"headers is {changed.headers!r}; choose from {get_args(HeaderMode)}")
        for name, value in given.items():
            setattr(self, name, value)

    def renew(self, now: float) -> None:
        """Start a new month where the old one is over."""
        if now >= self.reset:
            self.remaining = self.limit
            self.reset = next_month(now)

    def spend(self, messages: int) -> bool:
        """Take that many messages, or none and say so where fewer are left."""
        if messages > self.remaining:
            return False
        self.remaining -= messages
        return True

    def as_headers(self) -> dict[str, str]:
        """The ``X-Limit-App-*`` headers of an answer."""
        if self.headers == "missing":
            return {}
        if self.headers == "garbage":
            return {f"X-Limit-App-{name}": "soon" for name in ("Limit", "Remaining", "Reset")}
        return {
            "X-Limit-App-Limit": str(self.limit),
            "X-Limit-App-Remaining": str(self.remaining),
            "X-Limit-App-Reset": str(int(self.reset)),
        }


def next_month(now: float) -> float:
    """When the month after ``now`` begins for the service: midnight US Central on the 1st."""
    central = _us_central()
    today = datetime.datetime.fromtimestamp(now, central)
    first = datetime.datetime(today.year, today.month, 1)
    later = first + datetime.timedelta(days=32)
    return datetime.datetime(later.year, later.month, 1, tzinfo=central).timestamp()


def _us_central() -> datetime.tzinfo:
    try:
        return zoneinfo.ZoneInfo("America/Chicago")
    except zoneinfo.ZoneInfoNotFoundError:
        # No time zone data on this machine: an hour's error twice a year harms no test.
        return datetime.timezone(datetime.timedelta(hours=-6))
