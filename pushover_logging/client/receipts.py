"""The state of an emergency message: delivered, acknowledged, expired, called back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from .answers import Answer, moment
from .errors import APIError

POLL_INTERVAL = 5.0
"""Seconds that the service demands between two requests for the same receipt."""


@dataclass(frozen=True)
class Receipt:
    """The state of an emergency message at the time of an answer."""

    answered_at: datetime
    """When the service answered."""
    acknowledged: bool = False
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = field(default=None, repr=False)
    """The key of the user who acknowledged first."""
    acknowledged_by_device: str | None = None
    last_delivered_at: datetime | None = None
    expired: bool = False
    expires_at: datetime | None = None
    called_back: bool = False
    called_back_at: datetime | None = None
    gone: bool = False
    """Whether the service does not know the receipt (any more): it keeps receipts for a week."""

    @property
    def is_waiting(self) -> bool:
        """Whether it still rings for an acknowledgement."""
        return not (self.acknowledged or self.expired)


def read_receipt(answer: Answer) -> Receipt:
    """The receipt that an answer describes; a missing event counts as not having happened."""
    body = answer.body
    return Receipt(
        answered_at=answer.answered_at,
        acknowledged=body.get("acknowledged") == 1,
        acknowledged_at=moment(body.get("acknowledged_at")),
        acknowledged_by=_text(body, "acknowledged_by"),
        acknowledged_by_device=_text(body, "acknowledged_by_device"),
        last_delivered_at=moment(body.get("last_delivered_at")),
        expired=body.get("expired") == 1,
        expires_at=moment(body.get("expires_at")),
        called_back=body.get("called_back") == 1,
        called_back_at=moment(body.get("called_back_at")),
    )


def gone(error: APIError) -> Receipt | None:
    """The receipt of an emergency that the service does not know; None for another refusal."""
    unknown = error.http_status in (400, 404) and "receipt" in error.bad_inputs
    return Receipt(error.timestamp, expired=True, gone=True) if unknown else None


def _text(body: Mapping[str, object], name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) and value else None
