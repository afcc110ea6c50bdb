"""Hands records to the handler, no faster than they can be delivered."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from pushover_logging.delivery.worker import WORKER

from .entry import Entry
from .times import time_of

if TYPE_CHECKING:
    from pushover_logging.handler import PushoverHandler

_BATCH = 500
"""Records handed over before asking what became of them; the handler's queue is longer."""
_WAIT = 0.5
_REFUSED = "stopped"
_LOST = frozenset({"exit", "stopped", "gave_up", "error"})
"""Reasons for which the handler drops a record that is to be read again."""
_FIELDS = dict(logging.makeLogRecord({}).__dict__)


class Stopped(Exception):  # noqa: N818 - not an error: a signal came, or the service refuses us
    """A signal ends the run, or the service refuses the token or the user."""


class Sender:
    """Makes records of entries; ``wait`` is called while it waits, and may raise Stopped."""

    def __init__(
        self, handler: PushoverHandler, quota_reserve: int, wait: Callable[[float], None]
    ) -> None:
        self.handled: int = 0
        self._handler = handler
        self._quota_reserve = quota_reserve
        self._wait = wait
        self._in_batch = 0

    def send(self, entry: Entry, source: str, now: float) -> None:
        """Hand an entry over. Waits while nothing can be delivered."""
        self._handler.handle(_record(entry, source, now))
        self.handled += 1
        self._in_batch += 1
        if self._in_batch >= _BATCH:
            self.settle()

    def settle(self) -> None:
        """Wait until all that was handed over is delivered, or only urgent messages may be sent."""
        self._in_batch = 0
        while not self.settled(_WAIT) and not self._is_short():
            self._wait(0.0)

    def settled(self, timeout: float = 0.0) -> bool:
        """Whether all that was handed over is delivered, but for repeats that are counted."""
        return self._handler.flush(timeout) and not self.refused

    @property
    def refused(self) -> bool:
        """Whether the service refused the token or the user, so that nothing more is sent."""
        return self._handler.stats().refused is not None

    @property
    def lost(self) -> bool:
        """Whether there are records that were not delivered and are to be read again."""
        stats = self._handler.stats()
        return bool(stats.pending or _LOST & stats.dropped.keys())

    def drain(self, timeout: float) -> bool:
        """Send everything that is queued or counted, and wait for it."""
        return self._handler.drain(timeout)

    def finish(self) -> None:
        """Send everything as at the end of the process, when ``max_per_minute`` no longer holds."""
        if self._handler.stats().pending and not self.refused:
            WORKER.finish()

    def _is_short(self) -> bool:
        """Whether the rest of the month is kept for the urgent: they may be further down."""
        remaining = getattr(self._handler.stats(), "remaining", None)
        return remaining is not None and remaining <= self._quota_reserve


def _record(entry: Entry, source: str, now: float) -> logging.LogRecord:
    created = time_of(entry.time, now) if entry.time is not None else None
    created = now if created is None else created
    level = logging.INFO if entry.level is None else entry.level
    name = entry.logger or source
    # makeLogRecord would ask for the calling thread and process, which say nothing here.
    record = logging.LogRecord.__new__(logging.LogRecord)
    record.__dict__ = {
        **_FIELDS,
        "name": name,
        "levelno": level,
        "levelname": logging.getLevelName(level),
        "msg": entry.message,
        "created": created,
        "msecs": created % 1 * 1000,
        "exc_text": entry.traceback,
        "pathname": source,
        "filename": source,
        "module": name,
    }
    return record
