"""What one push says: the Alert, and how a text is cut to the service's limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .client.constants import Priority

__all__ = ["Alert", "Priority"]


@dataclass(frozen=True)
class Alert:
    """One push, ready to be sent: every text is clean and within its limit."""

    message: str
    title: str
    priority: Priority
    timestamp: int
    """Unix seconds; what the phone shows and sorts by."""
    levelno: int = 0
    """The logging level it came from: alerts that are lost are counted by level."""
    html: bool = False
    monospace: bool = False
    url: str | None = None
    url_title: str | None = None
    device: str | None = None
    sound: str | None = None
    ttl: int | None = None
    retry: int = 60
    expire: int = 3600
    callback: str | None = None
    tags: tuple[str, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    """Parameters passed through untouched, for what the service adds next."""
