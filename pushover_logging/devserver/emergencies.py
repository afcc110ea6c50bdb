"""Messages of priority 2: each alerts again until it is acknowledged, cancelled or expired."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

ALERTS_MAXIMUM = 50
"""The service sends at most this many alerts, whatever ``expire`` says."""
KEPT_SECONDS = 7 * 24 * 3600
"""The service knows a receipt for one week."""
POLL_SECONDS = 5.0
"""A receipt may be polled once in this time."""


@dataclass
class Emergency:
    """One message of priority 2 and its state. All times are Unix seconds."""

    receipt: str
    sent_at: float
    retry: int
    expires_at: float
    user: str = field(repr=False)
    device: str
    rings: bool = True
    callback: str | None = None
    tags: frozenset[str] = frozenset()
    acknowledged_at: float | None = None
    acknowledged_by: str = field(default="", repr=False)
    acknowledged_by_device: str = ""
    called_back_at: float | None = None
    canceled: bool = False
    polled_at: float = field(default=-math.inf, repr=False)

    def is_ringing(self, now: float) -> bool:
        """Whether it still waits for an acknowledgement."""
        return self.acknowledged_at is None and now < self.expires_at

    @property
    def state(self) -> tuple[object, ...]:
        """All that may change about it; equal as long as nothing has changed."""
        return (
            self.expires_at,
            self.acknowledged_at,
            self.acknowledged_by_device,
            self.canceled,
            self.called_back_at,
        )

    def is_settled(self, now: float) -> bool:
        """Whether its state can no longer change."""
        if self.is_ringing(now):
            return False
        callback_due = self.callback is not None and self.called_back_at is None
        return self.acknowledged_at is None or not callback_due

    def is_kept(self, now: float) -> bool:
        """Whether the service still knows the receipt."""
        return now < self.sent_at + KEPT_SECONDS

    def deliveries(self, now: float) -> list[float]:
        """The times of its alerts so far."""
        if not self.rings:
            return []
        last = now if self.acknowledged_at is None else min(now, self.acknowledged_at)
        times = (self.sent_at + number * self.retry for number in range(ALERTS_MAXIMUM))
        # The first alert is the message itself: it is sent whatever happens at the same moment.
        return [
            time
            for time in times
            if time <= last and (time < self.expires_at or time == self.sent_at)
        ]

    def acknowledge(self, now: float, user: str | None = None, device: str | None = None) -> bool:
        """Acknowledge it as a person would; False if it no longer rings."""
        if not self.is_ringing(now):
            return False
        self.acknowledged_at = now
        self.acknowledged_by = self.user if user is None else user
        self.acknowledged_by_device = self.device if device is None else device
        return True

    def end(self, now: float) -> bool:
        """Expire it now; False if it no longer rings."""
        if not self.is_ringing(now):
            return False
        self.expires_at = now
        return True

    def cancel(self, now: float) -> bool:
        """Cancel it as the application may; False if it no longer rings."""
        ended = self.end(now)
        self.canceled = self.canceled or ended
        return ended

    def record_poll(self, now: float) -> bool:
        """Record that the receipt was polled; False if that was too soon."""
        polite = now - self.polled_at >= POLL_SECONDS
        self.polled_at = now
        return polite

    def as_answer(self, now: float) -> dict[str, object]:
        """The fields that the service answers about the receipt."""
        delivered = self.deliveries(now)
        return {
            "acknowledged": int(self.acknowledged_at is not None),
            "acknowledged_at": int(self.acknowledged_at or 0),
            "acknowledged_by": self.acknowledged_by,
            "acknowledged_by_device": self.acknowledged_by_device,
            "last_delivered_at": int(delivered[-1]) if delivered else 0,
            "expired": int(now >= self.expires_at),
            "expires_at": int(self.expires_at),
            "called_back": int(self.called_back_at is not None),
            "called_back_at": int(self.called_back_at or 0),
        }

    def as_callback(self) -> dict[str, str]:
        """The form that the service posts to ``callback`` after the acknowledgement."""
        return {
            "receipt": self.receipt,
            "acknowledged": "1",
            "acknowledged_at": str(int(self.acknowledged_at or 0)),
            "acknowledged_by": self.acknowledged_by,
            "acknowledged_by_device": self.acknowledged_by_device,
        }
