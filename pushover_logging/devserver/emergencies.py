"""The life of an emergency: it rings until acknowledged, cancelled or expired."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

ALERTS_MAXIMUM = 50
"""The service rings no more often than this, whatever ``expire`` says."""
KEPT_SECONDS = 7 * 24 * 3600
"""A receipt can be asked for during one week."""
POLL_SECONDS = 5.0
"""A receipt may be asked for once in this time."""


@dataclass
class Emergency:
    """One message of priority 2 and what became of it. All times are Unix seconds."""

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
        """Whether it still asks for an acknowledgement."""
        return self.acknowledged_at is None and now < self.expires_at

    @property
    def fate(self) -> tuple[object, ...]:
        """All that may change about it; equal as long as nothing did."""
        return (
            self.expires_at,
            self.acknowledged_at,
            self.acknowledged_by_device,
            self.canceled,
            self.called_back_at,
        )

    def is_settled(self, now: float) -> bool:
        """Whether nothing will become of it any more."""
        if self.is_ringing(now):
            return False
        unheard = self.callback is not None and self.called_back_at is None
        return self.acknowledged_at is None or not unheard

    def is_kept(self, now: float) -> bool:
        """Whether the service still knows the receipt."""
        return now < self.sent_at + KEPT_SECONDS

    def deliveries(self, now: float) -> list[float]:
        """When it has rung so far."""
        if not self.rings:
            return []
        last = now if self.acknowledged_at is None else min(now, self.acknowledged_at)
        times = (self.sent_at + number * self.retry for number in range(ALERTS_MAXIMUM))
        # The first alert is the message itself: it rings whatever happens at the same moment.
        return [
            time
            for time in times
            if time <= last and (time < self.expires_at or time == self.sent_at)
        ]

    def acknowledge(self, now: float, user: str | None = None, device: str | None = None) -> bool:
        """Stop the ringing as a person would; False where it didn't ring any more."""
        if not self.is_ringing(now):
            return False
        self.acknowledged_at = now
        self.acknowledged_by = self.user if user is None else user
        self.acknowledged_by_device = self.device if device is None else device
        return True

    def end(self, now: float) -> bool:
        """Let it expire now; False where it didn't ring any more."""
        if not self.is_ringing(now):
            return False
        self.expires_at = now
        return True

    def cancel(self, now: float) -> bool:
        """Stop the ringing as the application may; False where it didn't ring any more."""
        ended = self.end(now)
        self.canceled = self.canceled or ended
        return ended

    def note_poll(self, now: float) -> bool:
        """Remember that the receipt was asked for; False where that was too soon."""
        polite = now - self.polled_at >= POLL_SECONDS
        self.polled_at = now
        return polite

    def as_answer(self, now: float) -> dict[str, object]:
        """What the service says about the receipt."""
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
        """The form that the service posts to ``callback`` once it is acknowledged."""
        return {
            "receipt": self.receipt,
            "acknowledged": "1",
            "acknowledged_at": str(int(self.acknowledged_at or 0)),
            "acknowledged_by": self.acknowledged_by,
            "acknowledged_by_device": self.acknowledged_by_device,
        }
