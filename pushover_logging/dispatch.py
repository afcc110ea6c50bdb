"""Stands for one handler before the courier; the delivery behind it is made when it is needed.

So a process that configures the handler and has nothing to say loads next to nothing.
"""

from __future__ import annotations

import logging
import time

from .courier import COURIER
from .notices import NOTICES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .delivery import Delivery
    from .intake import Intake

__all__ = ["Dispatch"]

_RETRY = 5.0
"""Seconds until what could not be loaded is tried again."""
_LOGGING_RETRY = 0.01
"""Seconds until it is seen again whether logging is being configured."""


class Dispatch:
    """One handler's work for the courier."""

    def __init__(
        self, intake: Intake, exit_timeout: float, make: Callable[[], Delivery[Any]]
    ) -> None:
        """``make`` puts the delivery together, which loads it; it takes from the intake."""
        self.quiet = True
        self.exit_timeout = exit_timeout
        self._intake = intake
        self._make = make
        self._delivery: Delivery[Any] | None = None
        self._waits = False
        COURIER.enlist(self)

    def delivery(self) -> Delivery[Any]:
        """The delivery, made at the first call; not for logging calls."""
        if self._delivery is None:
            with COURIER.loading:
                self._delivery = self._delivery or self._make()
        return self._delivery

    def wrap_up(self) -> None:
        """Let the courier send the summaries that wait for their interval."""
        self._intake.wrapping_up = self._intake.news = True
        COURIER.wake(self)

    def settled(self) -> bool:
        """Whether nothing that is due waits, and nothing is in hand."""
        if self._delivery is None:
            return not self._intake.is_touched()
        return self._delivery.settled()

    # The courier's thread.

    def prepare(self) -> None:
        is_open = self._delivery is not None and self._delivery.is_open
        # What is imported makes loggers. A dictConfig that is at it may wait for the same imports.
        self._waits = not is_open and _logging_is_locked()
        if self._waits:
            return
        try:
            delivery = self.delivery()
        except Exception as error:  # noqa: BLE001 - a broken installation; it may be mended
            NOTICES.say("open", f"cannot send: {type(error).__name__}: {error}")
        else:
            delivery.prepare()

    def step(self, deadline: float | None) -> float | None:
        if self._waits:
            return time.monotonic() + _LOGGING_RETRY
        if self._delivery is not None:
            return self._delivery.step(deadline)
        self._intake.news = False
        return time.monotonic() + _RETRY

    def has_news(self) -> bool:
        return self._intake.news

    def unsent(self) -> int:
        if self._delivery is None:  # counting is the delivery's, which is not to be loaded for this
            return int(self._intake.is_touched())
        return self._delivery.unsent()

    def abandon(self) -> int:
        if not self.unsent():
            return 0
        try:
            return self.delivery().abandon()
        except Exception as error:  # noqa: BLE001 - what counts them cannot be loaded
            NOTICES.say("open", f"cannot send: {type(error).__name__}: {error}")
            return max(1, len(self._intake))

    def start_over(self) -> None:
        self.quiet = True
        self._intake.start_over()
        if self._delivery is not None:
            self._delivery.start_over()


def _logging_is_locked() -> bool:
    """Whether a thread holds logging's module lock, as it does while it configures logging."""
    lock = getattr(logging, "_lock", None)
    if lock is None or not lock.acquire(blocking=False):
        return lock is not None
    lock.release()
    return False
