"""The background thread: one a process, for all handlers; fork and exit.

Knows neither logging nor HTTP.
What it carries is a `Work`, one for each handler. A logging call hands its Work over only while
nobody looks at it (``quiet``), so most records cost no more than the Work's own queue. Nothing that
runs in a logging call waits for a lock: signal handlers and finalisers log too.
"""

from __future__ import annotations

import _thread
import atexit
import os
import queue
import sys
import threading
import time
import weakref
from _thread import get_ident

from .notices import NOTICES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Work(Protocol):
        """What one handler has for the courier; its steps run on the courier's thread."""

        quiet: bool
        """True while nobody looks at it: the next record must hand it over with `Courier.wake`."""
        exit_timeout: float
        """Seconds it may hold up the end of the process."""

        def prepare(self) -> None:
            """Import what a step needs: no fork happens then, and none may happen in an import."""

        def step(self, deadline: float | None) -> float | None:
            """Send once at most; the `time.monotonic` moment of the next step, None: after news.

            A ``deadline`` is set when the process ends: what would be held back longer goes now.
            """

        def has_news(self) -> bool:
            """Whether something was submitted that no step has seen."""

        def unsent(self) -> int:
            """How many records wait; until something was prepared, whether any do."""

        def abandon(self) -> int:
            """Give up what waits, for the process ends; how many records that were."""

        def start_over(self) -> None:
            """In a forked child: forget what the parent will send."""


__all__ = ["COURIER", "Courier"]

_SAME_TURN = 1.0
"""Seconds within which one flush after another counts as one."""


class Courier:
    """Carries every handler's alerts on one daemon thread, started by the first record."""

    def __init__(self) -> None:
        self._known: dict[int, weakref.ref[Work]] = {}
        self._start_over()

    def _start_over(self) -> None:
        self.speaking: set[int] = set()
        """Threads that deliver just now: what they log (urllib3 does) must not be pushed."""
        self._alive = False
        self._exiting = False
        self._exit_spent = 0.0
        self._deadline: float | None = None
        self._hooked = False
        self._comes_first = False
        self._active: list[Work] = []
        # From one moment: gevent replaces both, and a greenlet at a native queue would stop all.
        self._tokens: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._start_thread = _thread.start_new_thread
        self._settled = threading.Condition()
        """Guards the three numbers below; taken by the courier and by those who wait for it."""
        self._waited_in_vain_at = float("-inf")
        self._asked = 0
        self._answered = 0
        self._next_due: float | None = None
        self._starting = threading.Lock()
        """Guards the start of the thread; tried, never waited for."""
        self._inline = threading.Lock()
        """Held by whoever delivers because no thread can start; tried, never waited for."""
        self.loading = threading.RLock()
        """Held while a Work imports: a fork then would leave the child locks without holders."""

    # Called by handlers, on any thread.

    def enlist(self, work: Work) -> None:
        """Make a Work known to the hooks for forks and the end, without keeping it alive."""
        key = id(work)
        self._known[key] = weakref.ref(work, lambda _: self._known.pop(key, None))

    def wake(self, work: Work) -> None:
        """Take over a Work that has news; starts the thread if there is none. Never blocks."""
        work.quiet = False
        self._tokens.put(work)
        if self._exiting:
            self.finish()
        elif not self._alive:
            self._start()

    def wait_for(self, work: Work, done: Callable[[], bool], timeout: float) -> bool:
        """Wait until ``done``, which is asked after each round, or until the time is over."""
        if get_ident() in self.speaking:
            return done()  # a callback of the user's, on our own thread, would wait for itself
        self.wake(work)
        if not self._exiting:
            with self._settled:
                self._settled.wait_for(lambda: done() or not self._alive, timeout)
        return done()

    def wait_in_turn(self, work: Work, done: Callable[[], bool], timeout: float) -> bool:
        """Like `wait_for`, but not if another has just waited in vain.

        `logging.shutdown` flushes one handler after another; they share one patience.
        """
        if time.monotonic() < self._waited_in_vain_at + _SAME_TURN:
            self.wake(work)
            return done()
        if self.wait_for(work, done, timeout):
            return True
        self._waited_in_vain_at = time.monotonic()
        return False

    def finish(self) -> None:
        """Deliver what waits before the process ends, within the time that is left for it."""
        if get_ident() in self.speaking:
            return
        self._exiting = True
        NOTICES.say_what_was_left()
        waiting = [work for work in self._works() if work.unsent()]
        if not waiting:
            return
        for work in waiting:
            self._tokens.put(work)  # it may hold counts that nobody would look at for long
        started = time.monotonic()
        budget = max(work.exit_timeout for work in waiting) - self._exit_spent
        self._deadline = started + max(0.0, budget)
        if self._alive:
            self._wait_for_thread(self._deadline)
        if not self._alive:
            self._deliver_inline(self._deadline)
        self._exit_spent += time.monotonic() - started
        _abandon(waiting)

    # The thread.

    def _start(self) -> None:
        if not self._starting.acquire(blocking=False):
            return  # someone is at it: another thread, or the very code this call interrupted
        try:
            if self._alive:
                return
            self._hook_multiprocessing()
            self._alive = True
            try:
                self._start_thread(self._run, ())
            except BaseException:
                self._alive = False
                raise
        except RecursionError:
            raise  # a full stack, and no place to deliver: whoever comes next starts it
        except RuntimeError:  # no more threads for this process, or (3.12+) its end has begun
            self._deliver_inline(time.monotonic())
        finally:
            self._starting.release()

    def _run(self) -> None:
        threading.current_thread().name = "pushover-courier"
        self.speaking.add(get_ident())
        try:
            while True:
                self._rest(self._round())
        except BaseException as error:  # noqa: BLE001 - SystemExit from a callback ends us as well
            NOTICES.say("courier", f"the courier thread ended by {type(error).__name__}")
        finally:
            self.speaking.discard(get_ident())
            self._mourn()

    def _mourn(self) -> None:
        """The thread is gone: the next record starts another, and who waits for it must not."""
        self._alive = False
        for work in self._works():
            work.quiet = True
        with self._settled:
            self._settled.notify_all()

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
        with self.loading:
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

    # The end of the process, and places without a thread.

    def _wait_for_thread(self, deadline: float) -> None:
        with self._settled:
            self._asked += 1
            asked = self._asked
            self._tokens.put(None)
            self._settled.wait_for(
                lambda: (
                    not self._alive
                    or (self._answered >= asked and not _before(self._next_due, deadline))
                ),
                deadline - time.monotonic(),
            )

    def _deliver_inline(self, deadline: float) -> None:
        """Deliver on this thread: until nothing can go any more before the deadline."""
        if not self._inline.acquire(blocking=False):
            return  # the thread, or the interrupted call, that holds it takes ours along
        ident = get_ident()
        self.speaking.add(ident)
        try:
            while _before(due := self._round(), deadline):
                self._rest(due)
        finally:
            self.speaking.discard(ident)
            self._inline.release()

    def _come_first_at_exit(self) -> None:
        """Have exit hooks run before those of what the first send loaded.

        urllib3 empties its pools in one; what we sent after it would open another connection.
        """
        if not self._comes_first:
            self._comes_first = True
            atexit.register(self.finish)

    def _hook_multiprocessing(self) -> None:
        """Children of multiprocessing end by os._exit: of all exit hooks only their own run."""
        process = sys.modules.get("multiprocessing.process")
        util = sys.modules.get("multiprocessing.util")
        if util is None or process is None or self._hooked or process.parent_process() is None:
            return
        self._hooked = True
        util.Finalize(None, self.finish, exitpriority=0)

    # Forks.

    def before_fork(self) -> None:
        self.loading.acquire()

    def after_fork_in_parent(self) -> None:
        self.loading.release()

    def after_fork_in_child(self) -> None:
        self._start_over()
        for work in self._works():
            work.start_over()

    def _works(self) -> list[Work]:
        works = (known() for known in list(self._known.values()))
        return [work for work in works if work is not None]


def _before(due: float | None, deadline: float) -> bool:
    return due is not None and due <= max(deadline, time.monotonic())


def _abandon(works: list[Work]) -> None:
    """Give up what no time is left for, in one line for the whole process."""
    left = sum(work.abandon() for work in works)
    if left:
        records = "1 record was" if left == 1 else f"{left} records were"
        NOTICES.say("exit", f"{records} not delivered before the process ended")


COURIER = Courier()
"""The process's own."""

atexit.register(COURIER.finish)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=COURIER.before_fork,
        after_in_parent=COURIER.after_fork_in_parent,
        after_in_child=COURIER.after_fork_in_child,
    )
