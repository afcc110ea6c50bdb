"""The background thread: one a process, for all handlers; when it starts; fork and exit.

Knows neither logging nor HTTP. What it does is `rounds`, loaded when there is something to do.
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
import weakref
from _thread import get_ident

from .notices import NOTICES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from .rounds import Rounds

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

_FORK_PATIENCE = 2.0
"""Seconds a fork waits until nothing is being loaded."""


class Courier:
    """Carries every handler's alerts on one daemon thread, started by the first record."""

    def __init__(self) -> None:
        self._known: dict[int, weakref.ref[Work]] = {}
        self._start_over()

    def _start_over(self) -> None:
        self.speaking: set[int] = set()
        """Threads that deliver just now: what they log (urllib3 does) must not be pushed."""
        self.alive = False
        """Whether the thread runs, or is about to."""
        self._exiting = False
        self._hooked = False
        # From one moment: gevent replaces both, and a greenlet at a native queue would stop all.
        self.tokens: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        """What has news, and None to be looked at once more."""
        self._start_thread = _thread.start_new_thread
        self._starting = threading.Lock()
        """Guards the start of the thread; tried, never waited for."""
        self.loading = threading.RLock()
        """Held while a Work imports: a fork then would leave the child locks without holders."""
        self._forks_unguarded: set[int] = set()
        """Threads that fork though something is being loaded."""
        self._made: Rounds | None = None

    # Called by handlers, on any thread.

    def enlist(self, work: Work) -> None:
        """Make a Work known to the hooks for forks and the end, without keeping it alive."""
        key = id(work)
        self._known[key] = weakref.ref(work, lambda _: self._known.pop(key, None))

    def load(self, what: Callable[[], None]) -> None:
        """Have something imported while no fork can come between."""
        with self.loading:
            what()

    def wake(self, work: Work) -> None:
        """Take over a Work that has news; starts the thread if there is none. Never blocks."""
        work.quiet = False
        self.tokens.put(work)
        if self._exiting:
            self.finish()
        elif not self.alive:
            self._start()

    def wait_for(self, work: Work, done: Callable[[], bool], timeout: float) -> bool:
        """Wait until ``done``, which is asked after each round, or until the time is over."""
        if get_ident() in self.speaking:
            return done()  # a callback of the user's, on our own thread, would wait for itself
        self.wake(work)
        if not self._exiting:
            self._rounds().wait_for(done, timeout)
        return done()

    def wait_in_turn(self, work: Work, done: Callable[[], bool], timeout: float) -> bool:
        """Like `wait_for`, but not if another has just waited in vain.

        `logging.shutdown` flushes one handler after another; they share one patience.
        """
        rounds = self._rounds()
        if rounds.others_waited_in_vain():
            self.wake(work)
            return done()
        if self.wait_for(work, done, timeout):
            return True
        rounds.note_waited_in_vain()
        return False

    def finish(self) -> None:
        """Deliver what waits before the process ends, within the time that is left for it."""
        if get_ident() in self.speaking:
            return
        self._exiting = True
        NOTICES.say_what_was_left()
        waiting = [work for work in self.works() if work.unsent()]
        if waiting:
            self._rounds().finish(waiting)

    # The thread.

    def _start(self) -> None:
        if not self._starting.acquire(blocking=False):
            return  # someone is at it: another thread, or the very code this call interrupted
        try:
            if self.alive:
                return
            self._hook_multiprocessing()
            self.alive = True
            try:
                self._start_thread(self._run, ())
            except BaseException:
                self.alive = False
                raise
        except RecursionError:
            raise  # a full stack, and no place to deliver: whoever comes next starts it
        except RuntimeError:  # no more threads for this process, or (3.12+) its end has begun
            self._rounds().deliver_inline()
        finally:
            self._starting.release()

    def _run(self) -> None:
        threading.current_thread().name = "pushover-courier"
        self.speaking.add(get_ident())
        try:
            self._rounds().go()
        except BaseException as error:  # noqa: BLE001 - SystemExit from a callback ends us as well
            NOTICES.say("courier", f"the courier thread ended by {type(error).__name__}")
        finally:
            self.speaking.discard(get_ident())
            self._mourn()

    def _mourn(self) -> None:
        """The thread is gone: the next record starts another, and who waits for it must not."""
        self.alive = False
        for work in self.works():
            work.quiet = True
        if self._made is not None:
            self._made.tell_who_waits()

    def _rounds(self) -> Rounds:
        if self._made is None:
            with self.loading:
                from .rounds import Rounds

                self._made = self._made or Rounds(self)
        return self._made

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
        # Not for ever: what is loading may itself wait for a lock that this thread holds.
        if not self.loading.acquire(timeout=_FORK_PATIENCE):
            self._forks_unguarded.add(get_ident())

    def after_fork_in_parent(self) -> None:
        ident = get_ident()
        if ident in self._forks_unguarded:
            self._forks_unguarded.discard(ident)
        else:
            self.loading.release()

    def after_fork_in_child(self) -> None:
        self._start_over()
        for work in self.works():
            work.start_over()

    def works(self) -> list[Work]:
        """All that were enlisted and still exist."""
        works = (known() for known in list(self._known.values()))
        return [work for work in works if work is not None]


COURIER = Courier()
"""The process's own."""

atexit.register(COURIER.finish)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=COURIER.before_fork,
        after_in_parent=COURIER.after_fork_in_parent,
        after_in_child=COURIER.after_fork_in_child,
    )
