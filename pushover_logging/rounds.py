"""What the courier does: one step after another for all handlers, and the waiting for it.

Runs on the courier's thread; what waits, and what delivers where no thread can start, says so.
"""

from __future__ import annotations

import atexit
import queue
import threading
import time
from _thread import get_ident
from collections.abc import Callable
from typing import TYPE_CHECKING

from .notices import NOTICES

if TYPE_CHECKING:
    from .courier import Courier, Work

__all__ = ["Rounds"]

_SAME_TURN = 1.0
"""Seconds within which one flush after another counts as one."""


class Rounds:
    """The rounds of one courier."""

    def __init__(self, courier: Courier) -> None:
        self._courier = courier
        self._tokens = courier.tokens
        self._active: list[Work] = []
        self._settled = threading.Condition()
        """Guards the three numbers below; taken by the courier and by those who wait for it."""
        self._asked = 0
        self._answered = 0
        self._next_due: float | None = None
        self._inline = threading.Lock()
        """Held by whoever delivers because no thread can start; tried, never waited for."""
        self._waited_in_vain_at = float("-inf")
        self._exit_spent = 0.0
        self._deadline: float | None = None
        self._comes_first = False

    def go(self) -> None:
        """Round after round, until something ends the thread."""
        while True:
            self._rest(self._round())

    def _round(self) -> float | None:
        """One step for each Work; when the next is due (None: not before news)."""
        asked = self._asked
        NOTICES.say_what_was_left()
        self._collect()
        dues = {work: self._step(work) for work in self._active}
        self._come_first_at_exit()
        due = min((at for at in dues.values() if at is not None), default=None)
        for work in dues:
            work.quiet = True
        self._active = [work for work, at in dues.items() if at is not None or work.has_news()]
        if any(work.has_news() for work in self._active):
            due = time.monotonic()
        with self._settled:
            self._answered = asked
            self._next_due = due
            self._settled.notify_all()
        return due

    def _step(self, work: Work) -> float | None:
        with self._courier.loading:
            work.prepare()
        return work.step(self._deadline)

    def _collect(self) -> None:
        while True:
            try:
                self._admit(self._tokens.get_nowait())
            except queue.Empty:
                return

    def _admit(self, work: Work | None) -> None:
        if work is not None and work not in self._active:
            self._active.append(work)

    def _rest(self, due: float | None) -> None:
        timeout = None if due is None else due - time.monotonic()
        if timeout is not None and timeout <= 0:
            return
        try:
            self._admit(self._tokens.get(timeout=timeout))
        except queue.Empty:
            return

    def _come_first_at_exit(self) -> None:
        """Have exit hooks run before those of what the first send loaded.

        urllib3 empties its pools in one; what we sent after it would open another connection.
        """
        if not self._comes_first:
            self._comes_first = True
            atexit.register(self._courier.finish)

    # Any thread.

    def wait_for(self, done: Callable[[], bool], timeout: float) -> None:
        """Wait until ``done``, which is asked after each round, or until the time is over."""
        with self._settled:
            self._settled.wait_for(lambda: done() or not self._courier.alive, timeout)

    def tell_who_waits(self) -> None:
        """Have them ask again: the thread is gone."""
        with self._settled:
            self._settled.notify_all()

    def others_waited_in_vain(self) -> bool:
        """Whether somebody has just waited for all the time there was."""
        return time.monotonic() < self._waited_in_vain_at + _SAME_TURN

    def note_waited_in_vain(self) -> None:
        """Spare the next one the same."""
        self._waited_in_vain_at = time.monotonic()

    # The end of the process, and places without a thread.

    def finish(self, waiting: list[Work]) -> None:
        """Deliver what waits within the time that is left for it, and give up the rest."""
        for work in waiting:
            self._tokens.put(work)  # it may hold counts that nobody would look at for long
        started = time.monotonic()
        budget = max(work.exit_timeout for work in waiting) - self._exit_spent
        self._deadline = started + max(0.0, budget)
        if self._courier.alive:
            self._wait_for_thread(self._deadline)
        if not self._courier.alive:
            self.deliver_inline(self._deadline)
        self._exit_spent += time.monotonic() - started
        _abandon(waiting)

    def deliver_inline(self, deadline: float | None = None) -> None:
        """Deliver on this thread: until nothing can go any more before the deadline."""
        if not self._inline.acquire(blocking=False):
            return  # the thread, or the interrupted call, that holds it takes ours along
        deadline = time.monotonic() if deadline is None else deadline
        ident, speaking = get_ident(), self._courier.speaking
        speaking.add(ident)
        try:
            while _before(due := self._round(), deadline):
                self._rest(due)
        finally:
            speaking.discard(ident)
            self._inline.release()

    def _wait_for_thread(self, deadline: float) -> None:
        with self._settled:
            self._asked += 1
            asked = self._asked
            self._tokens.put(None)
            self._settled.wait_for(
                lambda: (
                    not self._courier.alive
                    or (self._answered >= asked and not _before(self._next_due, deadline))
                ),
                deadline - time.monotonic(),
            )


def _before(due: float | None, deadline: float) -> bool:
    return due is not None and due <= max(deadline, time.monotonic())


def _abandon(works: list[Work]) -> None:
    """Give up what no time is left for, in one line for the whole process."""
    left = sum(work.abandon() for work in works)
    if left:
        records = "1 record was" if left == 1 else f"{left} records were"
        NOTICES.say("exit", f"{records} not delivered before the process ended")
