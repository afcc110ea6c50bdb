"""Hands records to the handler, no faster than they can be delivered."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from .entries import Entry

if TYPE_CHECKING:
    from pushover_logging.handler import PushoverHandler

_BATCH = 500
"""Records handed over before the next look at what became of them; the handler's room is larger."""
_LOOK = 0.5


class Stopped(Exception):  # noqa: N818 - no error: somebody asked for it
    """Somebody wants this to end, or the service refuses the token or the user."""


class Sender:
    """Makes records of entries; ``wait`` is asked between looks, and may raise Stopped."""

    def __init__(
        self, handler: PushoverHandler, least: int, quota_reserve: int, wait: Callable[[], None]
    ) -> None:
        self.handled = 0
        self._handler = handler
        self._least = least
        self._quota_reserve = quota_reserve
        self._wait = wait
        self._since_look = 0

    def send(self, entry: Entry, source: str, now: float) -> None:
        """Hand an entry over, if it is urgent enough. Waits while nothing can be delivered."""
        level = logging.INFO if entry.level is None else entry.level
        if level < self._least:
            return
        self._handler.handle(_record(entry, level, source, now))
        self.handled += 1
        self._since_look += 1
        if self._since_look >= _BATCH:
            self._since_look = 0
            while not self.settled(_LOOK) and not self._is_short():
                self._wait()

    def settled(self, timeout: float = 0.0) -> bool:
        """Whether all that was handed over is delivered, but for repeats that are counted."""
        return self._handler.flush(timeout) and not self.refused

    @property
    def refused(self) -> bool:
        """Whether the service refused the token or the user, so that nothing more is sent."""
        return "stopped" in self._handler.stats().dropped

    def _is_short(self) -> bool:
        """Whether the rest of the month is kept for the urgent: they may be further down."""
        remaining = self._handler.stats().remaining
        return remaining is not None and remaining <= self._quota_reserve


def _record(entry: Entry, level: int, source: str, now: float) -> logging.LogRecord:
    name = entry.logger or source
    return logging.makeLogRecord(
        {
            "name": name,
            "levelno": level,
            "levelname": logging.getLevelName(level),
            "msg": entry.message,
            "created": entry.time or now,
            "exc_text": entry.traceback,
            "pathname": source,
            "filename": source,
            "module": name,
        }
    )
