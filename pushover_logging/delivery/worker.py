"""The worker: the background thread of a process, for all handlers; its start, forks and its end.

For each handler it steps through a `Pipeline`, which hands notices to the store and, where this
process is the sender, lets the sender take its step. Whatever delivers is loaded on the worker
thread, with the first record. A logging call hands its pipeline over only while nobody looks at it
(``quiet``), so most records cost no more than the pipeline's own queue. Nothing that runs in a
logging call waits for a lock, because signal handlers and finalisers log too.
"""

from __future__ import annotations

import _thread
import atexit
import logging
import os
import queue
import sys
import threading
import time
import weakref
from _thread import get_ident
from collections import deque

from ..ingest.queue import MOST_RESOLVED, values_of
from ..notice import Notice, is_plain
from .diagnostics import DIAGNOSTICS, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..config import HandlerConfig
    from ..ingest.groups import Group, Groups
    from ..ingest.queue import Queue
    from ..stores.base import DurableStore
    from .sender import Sender
    from .shared import SharedSender
    from .stats import Stats

    _New = tuple[Notice, bool, int]

__all__ = ["WORKER", "Pipeline", "Worker", "is_configuring_logging"]

_FORK_PATIENCE = 10.0
"""Seconds a fork waits until nothing is being loaded."""
_MOST_AT_A_TIME = 20
"""New alerts that one step reads while the rate limit leaves time for more pushes."""
_NOTICES_AT_ONCE = 50
"""Notices that are made before they are handed over; each takes a kilobyte until then."""
_AFTER_A_DEFECT = 1.0
"""Seconds until a step that ended by an exception is tried again."""
_SAME_TURN = 1.0
"""Seconds within which one flush after another counts as one."""
_MADV_WIPEONFORK = 18
_LOGGING_AGAIN = 0.01
"""Seconds until it is seen again whether logging is being configured."""
_OPEN_AGAIN = 2.0
"""Seconds until modules that could not be loaded are tried again."""
_STANDS_BY = 0.5
"""Seconds until a process that has logged nothing is ready to send for a shared store."""
_COUNT_AGAIN = 0.1
"""Seconds between two looks at repeats that go to a shared store."""
_STATS_TRIES = 20
_STATS_AGAIN = 0.001


class _ProcessId:
    """Stands in where the kernel cannot wipe a page: item 0 is false in a forked child."""

    def __init__(self) -> None:
        self._pid = os.getpid()

    def __getitem__(self, index: int) -> bool:
        return os.getpid() == self._pid

    def __setitem__(self, index: int, value: int) -> None:
        self._pid = os.getpid()


def _page_wiped_by_forks() -> memoryview | _ProcessId:
    try:
        import mmap  # on the worker thread, because most programs log nothing

        page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        page.madvise(_MADV_WIPEONFORK)
    except (AttributeError, OSError, ValueError):
        return _ProcessId()  # not Linux, or older than 4.14
    view = memoryview(page)
    view[0] = 1
    return view


def _is_subinterpreter() -> bool:
    try:
        if sys.version_info >= (3, 13):
            import _interpreters as interpreters  # type: ignore[import-not-found, unused-ignore]
        else:
            import _xxsubinterpreters as interpreters  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return False
    return bool(interpreters.get_current() != interpreters.get_main())


_IN_SUBINTERPRETER = _is_subinterpreter()  # now, because a logging call imports nothing


class Pipeline:
    """One handler's records on their way from the queue to the store, and on to the service."""

    def __init__(
        self,
        config: HandlerConfig,
        queue: Queue,
        groups: Groups,
        read_again: Callable[[logging.LogRecord], object],
    ) -> None:
        """``read_again`` takes in a record that could not be read in its logging call."""
        self.config = config
        self._clock = time.monotonic
        self._queue = queue
        self._groups = groups
        self._read_again = read_again
        self._style = config.style.changed()
        self.has_formatter = False
        self._store: DurableStore | None = None
        if config.store is not None and config.enabled:
            from ..stores.opened import store_for

            self._store, queue.seq = store_for(config.store, config.token, config.users)
            queue.spool, queue.style = self._store.spool, self._style
            WORKER.notice_c_forks()
        self.is_shared: bool = self._store is not None
        """Whether the store is shared with other processes, and outlives this one."""
        self._start_over()
        WORKER.enlist(self)
        if "uwsgi" in sys.modules:
            # uWSGI forks in C while the worker may be loading modules, and a child would wait for
            # the locks of that import for ever. So everything is loaded before the worker starts.
            self._open()

    def _start_over(self) -> None:
        self.quiet = True
        """Nobody looks at it: the next record must hand it over with `Worker.wake`."""
        self.news: bool = False
        """Something came that no step has seen."""
        self.draining: bool = False
        """The summaries are to go before their interval ends."""
        self._closed = False
        """It ends once nothing waits; a later record makes it go on."""
        self._lock = threading.RLock()
        """Guards the way from the groups to the sender: each record is in one place at a time."""
        self._sender: Sender | SharedSender | None = None
        self._opens_at = 0.0
        self._stands_by_until = 0.0
        self._left_over: bool | None = False
        """Whether earlier processes left alerts in the store; None: to be looked for."""
        self._sender_due: float | None = None
        """When the sender wanted to be stepped again."""
        self._closing: deque[tuple[float, Group]] = deque()
        """When each local group ends."""
        self._epoch = 0
        """The sender's, as far as it was seen."""
        self._latest_epoch = 0
        """That of the latest running total that began."""
        self._ended_epoch = 0
        """Running totals up to this epoch do not go on."""
        self._counted_at = 0.0
        self.handed_over: int = 0
        """Records that left this process for a shared store, or for the memory that stands in."""
        self._drain_seq = 0
        """The number of the latest drain notice."""
        self._reported_drops: dict[int, int] = {}
        self._turned_away_said = 0
        self._unresolved_said = 0

    def after_fork(self) -> None:
        """In a forked child: forget everything that the parent will send."""
        self._queue.clear()
        self._groups.clear()
        self._start_over()

    # On the worker thread.

    def step(self, deadline: float | None) -> float | None:
        """Hand over notices and send once at most; when to come again, None: not before news."""
        now = self._clock()
        news, self.news = self.news, False  # first: news that come meanwhile are seen next time
        ending = deadline is not None
        if self._sender is None:
            is_idle = not (news or ending)
            opens_at = max(self._opens_at, self._stands_by_until) if is_idle else self._opens_at
            if now < opens_at:
                return opens_at
            if is_idle and self._closed:
                return None
            # Modules that are imported make loggers. A dictConfig under way may wait for the same
            # imports while it holds logging's lock.
            if _logging_is_locked():
                return now + _LOGGING_AGAIN
            try:
                if is_idle and self._left_over is None and not self._finds_left_over():
                    self._stands_by_until = self._clock() + _STANDS_BY
                    return self._stands_by_until
                with WORKER.loading:
                    self._sender = self._open()
            except Exception as error:  # noqa: BLE001 - a broken installation; it may be mended
                say("open", f"cannot send: {type(error).__name__}: {error}")
                self._left_over = False
                self._opens_at = now + _OPEN_AGAIN
                return self._opens_at
        if self.is_shared and not (ending or news or self.draining):
            # Most steps of an idle process only look for repeats.
            due = self._nothing_due(now)
            if due is not None:
                return due
        drains, self.draining = self.draining, False
        quietly = drains or (ending and not self.is_shared)
        while self._queue.set_aside:
            self._read_again(self._queue.set_aside.popleft())
        sender = self._sender
        with self._lock:
            counts = quietly or ending or sender.needs_counts(now, len(self._queue))
            self._collect(now, counts=counts)
            if drains and self.is_shared:
                self._drain_seq = next(self._queue.seq)
                sender.append([(Notice("drain", self._drain_seq, time.time()), False, 0)])
            sender.begin(now)
            left = len(self._queue)
            sender.trim(left)
        self._hand_over_evicted(sender)
        self._tell_queue(sender)
        due = sender.step(deadline, drains=quietly, may_report=not left)
        self._tell_queue(sender)
        if left and not ending:
            return now
        if self._closed and not self.news and not self.waiting():
            if not self.is_shared and (self._groups.open() or self._closing):
                self._forget_groups(sender)
                return self._groups.next_late_count()
            if not self.is_shared or self._has_successor():
                self._groups.clear()
                self._closing.clear()
                self._closed = False
                return None
        if not ending:
            self._sender_due = due
            # When a group ends, and twice after that: a thread may have found it before, and count.
            ends = self._groups.next_late_count() if self._groups.retired else None
            if self._closing:
                ends = min(self._closing[0][0], ends or self._closing[0][0])
            due = ends if due is None or (ends is not None and ends < due) else due
            if (self.is_shared or sender.active.has_thresholds) and self._groups.open():
                due = now + _COUNT_AGAIN if due is None else min(due, now + _COUNT_AGAIN)
        return due

    def _tell_queue(self, sender: Sender | SharedSender) -> None:
        """Let logging calls know how much waits behind the queue; a send may take long."""
        outbox = sender.outbox
        # Where another process has become the sender, what is known here is for that one to send.
        self._queue.outbox_size = outbox.alerts if sender.decides else 0
        if outbox.alerts:
            self._queue.outbox_least = outbox.least_urgent()

    def _nothing_due(self, now: float) -> float | None:
        """When to come again, if there is no repeat and the sender has nothing to do before."""
        due = self._sender_due
        late = self._groups.retired and self._groups.has_late_counts(now)
        if due is None or due <= now or self._queue.set_aside or late:
            return None
        if self._closing:
            with self._lock:  # another thread may read the counts for stats()
                has_repeats = bool(self._groups.with_unclaimed())
            if has_repeats or self._closing[0][0] <= now:
                return None
            due = min(due, self._closing[0][0], now + _COUNT_AGAIN)
        return due

    def _has_successor(self) -> bool:
        """Whether another handler of this process has the same store and is not closed."""
        return any(
            other is not self and other._sender is self._sender and not other._closed
            for other in WORKER.pipelines()
        )

    def _finds_left_over(self) -> bool:
        from ..stores.opened import needs_a_sender

        assert self._store is not None
        with WORKER.loading:
            self._store.prepare()
        # Without that lock: a fork waits for it while it keeps others away from the database.
        self._left_over = needs_a_sender(self._store)
        return self._left_over

    def _open(self) -> Sender | SharedSender:
        if self.is_shared:
            from .shared import sender_for

            return sender_for(self.config)
        from .sender import open_sender  # loads everything that delivers

        return open_sender(self.config)

    def _forget_groups(self, sender: Sender | SharedSender) -> None:
        """A closed handler ends: nothing is counted, and nobody is asked any more."""
        with self._lock:
            for group in self._groups.open():
                self._groups.forget(group)
            self._closing.clear()
            sender.forget_groups()

    def _collect(self, now: float, *, counts: bool) -> None:
        """Make notices of everything that logging calls left, and hand them to the sender."""
        sender = self._sender
        assert sender is not None
        if sender.epoch != self._epoch:
            # A group that another thread is just closing is in no collection, and is not missed so.
            self._epoch, self._ended_epoch = sender.epoch, self._latest_epoch
        new: list[_New] = []
        seqs = self._queue.seq
        interval = self.config.grouping.interval
        # The first alerts of a burst are sent before the rest is read: a long step would hold the
        # GIL while the program goes on logging. A count follows the first record of its group.
        ends = bool(self._closing) and self._closing[0][0] <= now
        late = bool(self._groups.retired) and self._groups.has_late_counts(now)
        counts = counts or ends or late or bool(self._queue.resolved)
        most = None if counts or self.is_shared else _MOST_AT_A_TIME
        while most is None or len(new) < most:
            entry = self._queue.take()
            if entry is None:
                break
            group, snapshot, seq, is_kept = entry
            group.snapshot = snapshot
            style = self._style if group.style is None else group.style
            fields = ("new", seq or next(seqs), snapshot.created, group.identity, group.priority)
            more = (group.key, snapshot, style, 0, 0, False, 0.0)
            new.append((Notice._make(fields + more), is_kept, 1))
            if interval:
                self._closing.append((now + interval, group))
            if len(new) >= _NOTICES_AT_ONCE and not self._queue.resolved:
                new = self._append_part(new, now)
        while self._closing and self._closing[0][0] <= now:
            self._groups.forget(self._closing.popleft()[1])
        # A resolve ends what was logged before it, and so comes after the repeats.
        resolved: list[_New] = []
        while counts and self._queue.resolved:
            key, at = self._queue.resolved.popitem()
            resolved.append((Notice("resolved", 0, at, key=key), False, 0))
        if counts:
            for group, repeats in self._groups.with_unclaimed():
                if (counted := self._counted(group, repeats)) is not None:
                    new.append((counted, False, repeats))
                if len(new) >= _NOTICES_AT_ONCE and not resolved:
                    new = self._append_part(new, now)
            self._groups.read(now)
        if resolved:
            new = sorted([*new, *resolved], key=lambda item: item[0].at)
            new = [(n if kept else n._replace(seq=next(seqs)), kept, r) for n, kept, r in new]
        for level, tally in self._queue.turned_away.copy().items():
            total = tally.value()
            if total != self._reported_drops.get(level):
                self._reported_drops[level] = total
                identity = ("dropped", level)
                notice = Notice("dropped", next(seqs), time.time(), identity, total=total)
                new.append((notice, False, 0))
        if new:
            self._append(new)

    def _append(self, new: list[_New]) -> None:
        assert self._sender is not None
        self._sender.append(new)
        if self.is_shared:
            self.handed_over += sum(records for _, _, records in new)

    def _append_part(self, new: list[_New], now: float) -> list[_New]:
        """Hand over the first of many notices; returns a list for further ones."""
        assert self._sender is not None
        self._append(new)
        if not self.is_shared:
            self._sender.begin(now)
        return []

    def _counted(self, group: Group, repeats: int) -> Notice | None:
        """The repeats of a group, with the record that a summary shows.

        For a shared store as a running total, because a notice may reach it twice.
        """
        first = group.snapshot
        if first is None:
            if group.is_unreadable:
                group.claimed += repeats
                for _ in range(repeats):
                    self._queue.unreadable.add()
            return None  # otherwise its first record is in the queue, or about to be
        group.claimed += repeats
        total = repeats
        if self.is_shared:
            if group.epoch <= self._ended_epoch:
                group.epoch = self._latest_epoch = next(self._queue.seq)
                group.total = 0
            group.total = total = group.total + repeats
        # A summary shows text and exception of the same record. Of a repeat only the message is
        # kept, so that a push that shows more shows the first record.
        msg, args, created = group.last
        is_last = not (
            first.exceptions or first.fields or first.overrides or self.has_formatter
        ) and is_plain(msg, args)
        text, args = (msg, args or None) if is_last else (first.text, first.args)
        shown = first._replace(created=created, text=text, args=args)
        return Notice(
            "counted",
            next(self._queue.seq),
            created,
            group.identity,
            group.priority,
            group.key,
            shown,
            self._style if group.style is None else group.style,
            group.epoch,
            total,
            is_last,
        )

    def _hand_over_evicted(self, sender: Sender | SharedSender) -> None:
        """Report the alerts that the full queue refused, and give them to the fallback handler."""
        turned_away = sum(self._reported_drops.values())
        if turned_away > self._turned_away_said:
            news, self._turned_away_said = turned_away - self._turned_away_said, turned_away
            capacity = self._queue.capacity
            say("full", f"{news} of the least urgent records dropped: {capacity} wait already")
        if self._queue.resolves_too_many:
            self._queue.resolves_too_many = False
            unresolved = self._queue.unresolved.value()
            news, self._unresolved_said = unresolved - self._unresolved_said, unresolved
            say(
                "resolve",
                f"{news} resolves dropped: {MOST_RESOLVED} wait already; the emergencies of these"
                " problems go on ringing",
            )
        while self._queue.evicted:
            group, snapshot, _, is_kept = self._queue.evicted.popleft()
            self._groups.forget(group)  # its next record is a new alert, and may fit
            if not is_kept:
                sender.lost(snapshot)

    # On any thread.

    def stand_by(self) -> None:
        """Be there for a shared store, so that it has a sender although only children log.

        What earlier processes left is sent at once. Otherwise a process that logs nothing, and
        ends soon, need not load all that delivers.
        """
        self._left_over = None
        WORKER.wake(self)

    def load_for_children(self) -> None:
        """Load what delivers for a shared store; each forked child would load it for itself."""
        if self._store is None or self._sender is not None:
            return
        try:
            from . import shared  # noqa: F401

            self._store.prepare()
        except Exception:  # noqa: BLE001 - a broken installation, which the child's worker reports
            return

    def stand_down(self) -> None:
        """The handler is closed, and nothing came: leave the store to others."""
        self._closed = True

    def drain(self, *, close: bool = False) -> None:
        """Send the summaries that wait for their interval.

        ``close``: and then end. A shared store keeps what is counted, and sends it in its time.
        """
        self._closed = self._closed or close
        self.draining = self.draining or not (close and self.is_shared)
        self.news = True
        WORKER.wake(self)

    def is_used(self) -> bool:
        """Whether any record has come since the process began, or since it was forked."""
        return self._sender is not None or self.news or bool(self.unsent())

    def settled(self) -> bool:
        """Whether nothing that is due waits, and nothing is being sent."""
        if self.news or len(self._queue) or self._queue.set_aside:
            return False
        if not self._lock.acquire(blocking=False):
            return False  # a step is moving them
        try:
            if len(self._queue):
                return False  # another thread was reading it
            return self._sender is None or self._sender.settled()
        finally:
            self._lock.release()

    def is_drained(self) -> bool:
        """Whether everything that came before the latest `drain` is sent."""
        if self.draining or self.waiting():
            return False
        return self._sender is None or self._sender.drain_is_done(self._drain_seq)

    def unsent(self) -> int:
        """How many records no push stands for yet."""
        with self._lock:
            return self._uncollected() + (0 if self._sender is None else self._sender.unsent())

    def waiting(self) -> int:
        """The same without records that the sender knows to be too few for an alert."""
        with self._lock:
            return self._uncollected() + (0 if self._sender is None else self._sender.waiting())

    def _uncollected(self) -> int:
        """Records that the sender has not been told of."""
        self._queue.read()
        counted = sum(repeats for _, repeats in self._groups.with_unclaimed())
        return len(self._queue) + len(self._queue.set_aside) + counted

    def _pending(self) -> int:
        """How many records of this process are neither handed over, nor delivered or dropped."""
        if self._sender is None or not self.is_shared:
            return self.unsent()
        return self.unsent() - self._sender.unsent()

    def is_unfinished(self) -> bool:
        """Whether a record waits, a push without records, or others rely on this process."""
        if self.waiting() or self._queue.resolved:
            return True
        if self._sender is None:
            return bool(self._left_over)
        if self.is_shared:
            return self._sender.leads()
        sender = self._sender.active
        return bool(sender.incidents.to_cancel) or sender.has_reports()

    def abandon(self) -> int:
        """Give up what waits, because the process ends; how many records that were.

        With a shared store it stays there, and another process may become the sender at once.
        """
        with self._lock:
            if self._sender is None and self.is_shared and self.unsent():
                try:
                    self._sender = self._open()  # what was counted must reach the store
                except Exception as error:  # noqa: BLE001 - a broken installation
                    say("open", f"cannot hand over: {type(error).__name__}: {error}")
            if self._sender is None:
                if self._queue.spool is not None:
                    self._queue.spool.leave()
                return self.unsent()
            if self.unsent():
                self._collect(self._clock(), counts=True)
                self._sender.begin(self._clock())
            elif not self.is_shared:
                return 0
            return self._sender.abandon()

    def stats(self) -> Stats:
        """The counts of this moment."""
        from dataclasses import replace

        from .stats import Stats

        for _ in range(_STATS_TRIES):
            with self._lock:
                before = self._queue.accepted_so_far()
                stats = self._count(Stats)
                after = self._queue.accepted_so_far()
            arrived = stats.handed_over if self.is_shared else stats.delivered
            accounted = arrived + stats.pending + sum(stats.dropped.values())
            if before <= accounted <= after:
                after = accounted  # records came in meanwhile
                break
            time.sleep(_STATS_AGAIN)  # a thread is inside a logging call
        return replace(stats, accepted=after)

    def _count(self, stats: type[Stats]) -> Stats:
        sender = None if self._sender is None else self._sender.active
        # A delivery, which takes its records from one count to another, happens before or after.
        with self._lock if sender is None else sender.lock:
            dropped: dict[str, int] = {}
            pending = self._pending() - len(self._queue.set_aside)  # which are not accepted yet
            if sender is not None and not self.is_shared:
                dropped.update(sender.dropped)
            for reason, count in (
                ("full", sum(tally.value() for tally in values_of(self._queue.turned_away))),
                ("error", self._queue.unreadable.value()),
            ):
                if count:
                    dropped[reason] = dropped.get(reason, 0) + count
            left = self._queue.left_in_spool.value()
            if sender is None:
                return stats(0, 0, pending, dropped, 0, None, None, None, handed_over=left)
            quota = sender.limits.quota
            return stats(
                0,
                sender.delivered_here,
                pending,
                dropped,
                sender.pushes_here,
                quota.limit,
                quota.remaining,
                quota.reset,
                sender.incidents.reports(),
                handed_over=self.handed_over + left,
                refused=sender.refused,
            )


def _logging_is_locked() -> bool:
    """Whether a thread holds logging's module lock, as it does while it configures logging."""
    lock = getattr(logging, "_lock", None)
    if lock is None or not lock.acquire(blocking=False):
        return lock is not None
    lock.release()
    return False


def is_configuring_logging() -> bool:
    """Whether this thread holds logging's module lock, as dictConfig does while it closes us."""
    lock = getattr(logging, "_lock", None)
    is_owned: Callable[[], bool] = getattr(lock, "_is_owned", lambda: False)
    return is_owned()


class Worker:
    """Steps through every handler's pipeline on one daemon thread, started by the first record."""

    def __init__(self) -> None:
        self._known: dict[int, weakref.ref[Pipeline]] = {}
        self.page: memoryview | _ProcessId | bytes = b"\1"
        """Item 0 is 0 in a forked child until the child's first record, whoever forked: C code does
        not run Python's fork hooks. Reading it costs 0.02 µs. Made with the first record."""
        self._copies: list[Any] = []
        """In a forked child: its ancestors' greenlets, which would run once more if collected."""
        self._start_over()

    def _start_over(self) -> None:
        self.delivering: set[int] = set()
        """Threads that deliver just now: urllib3's records on them must not be pushed."""
        self.alive: bool = False
        """Whether the thread runs, or is about to."""
        self._exiting = False
        self._hooked_pools = False
        self._comes_first_at_exit = False
        # Both from the same moment: gevent replaces both, and a greenlet that waits at a native
        # queue would stop all others.
        self._tokens: queue.SimpleQueue[Pipeline | None] = queue.SimpleQueue()
        """Pipelines with news, and None for a look at all that are active."""
        self._start_thread = _thread.start_new_thread
        self._greenlet: Any = None
        """The thread, where gevent or eventlet has made it a greenlet."""
        self._ends = False
        """The thread is to end, because its interpreter is destroyed."""
        self._starting = threading.Lock()
        """Guards the start of the thread; tried, never waited for."""
        self.loading: threading.RLock = threading.RLock()
        """Held while modules are imported: a child forked then would wait forever for locks."""
        self._unguarded_forks: set[int] = set()
        """Threads that fork although something is being loaded."""
        self._active: list[Pipeline] = []
        self._pass_done = threading.Condition()
        """Guards the three numbers below."""
        self._asked = 0
        self._answered = 0
        self._next_due: float | None = None
        self._inline = threading.Lock()
        """Held by whoever delivers because no thread can start; waited for at the end alone."""
        self._finishing: list[int] = []
        """Threads that deliver what waits before the process ends."""
        self._waited_in_vain_at = float("-inf")
        self._exit_seconds_used = 0.0
        self._deadline: float | None = None

    # Called by handlers, on any thread.

    def enlist(self, pipeline: Pipeline) -> None:
        """Make a pipeline known to the hooks for forks and exit, without keeping it alive."""
        key = id(pipeline)
        self._known[key] = weakref.ref(pipeline, lambda _: self._known.pop(key, None))

    def wake(self, pipeline: Pipeline) -> None:
        """Take over a pipeline that has news; starts the thread if there is none. Never blocks."""
        pipeline.quiet = False
        self._tokens.put(pipeline)
        if self._exiting:
            self.finish()
        elif not self.alive:
            self._start()

    def wait(self, pipeline: Pipeline, done: Callable[[], bool], timeout: float) -> bool:
        """Wait until ``done``, which is asked after each pass, or until the time is over."""
        if get_ident() in self.delivering:
            return done()  # a callback of the user's, on this very thread, would wait for itself
        self.wake(pipeline)
        if not self._exiting:
            with self._pass_done:
                self._pass_done.wait_for(lambda: done() or not self.alive, timeout)
        return done()

    def wait_in_turn(self, pipeline: Pipeline, done: Callable[[], bool], timeout: float) -> bool:
        """Like `wait`, but not if another handler has just waited in vain.

        ``logging.shutdown`` flushes one handler after another; they share one timeout.
        """
        if time.monotonic() < self._waited_in_vain_at + _SAME_TURN:
            self.wake(pipeline)
            return done()
        if self.wait(pipeline, done, timeout):
            return True
        self._waited_in_vain_at = time.monotonic()
        return False

    def drain(self, pipelines: list[Pipeline], timeout: float | None) -> bool:
        """Have all of them send what waits and what was counted, and wait; whether it is sent.

        ``timeout`` is for all together, by default the longest ``exit_timeout``. Does not wait
        while this thread configures logging.
        """
        self.notice_fork()
        waiting = [p for p in pipelines if p.is_shared or not p.is_drained()]
        for pipeline in waiting:
            pipeline.drain()
        if is_configuring_logging() or not waiting:
            return not waiting
        if timeout is None:
            timeout = max(pipeline.config.exit_timeout for pipeline in waiting)
        done = lambda: all(pipeline.is_drained() for pipeline in waiting)  # noqa: E731
        return self.wait(waiting[0], done, timeout)

    def send_signal_later(self, signum: int) -> None:
        """Send this process a signal in a moment, so that the interrupted code goes on until then.

        ``os.kill`` on this thread would call the handler at once.
        """

        pid = os.getpid()

        def send() -> None:
            time.sleep(_LOGGING_AGAIN)
            if os.getpid() == pid:  # gevent's greenlets go on in a forked child
                os.kill(pid, signum)

        self._start_thread(send, ())

    def pipelines(self) -> list[Pipeline]:
        """All that were enlisted and still exist."""
        pipelines = (known() for known in list(self._known.values()))
        return [pipeline for pipeline in pipelines if pipeline is not None]

    # The thread.

    def _start(self) -> None:
        if not self._starting.acquire(blocking=False):
            return  # another thread starts it, or the very code that this call interrupted
        try:
            if self.alive:
                return
            if _is_uwsgi_master() and all(p.is_shared for p in self.pipelines()):
                # Its C-level forks copy the locks that another thread holds, the GIL too. What is
                # logged here is in the store, from which the children send it.
                return
            self._hook_pools()
            _complete_gevent()
            self.alive = True
            try:
                if _IN_SUBINTERPRETER:
                    self._start_in_subinterpreter()
                else:
                    self._start_thread(self._run, (self._tokens,))
            except BaseException:
                self.alive = False
                raise
        except RecursionError:
            raise  # the stack is full, which is no place to deliver; the next record starts it
        except RuntimeError:  # no more threads for this process, or (3.12+) its end has begun
            self._deliver_inline(None)
        finally:
            self._starting.release()

    def _start_in_subinterpreter(self) -> None:
        """A subinterpreter aborts the process if a thread outlives it, and joins no daemon thread.

        It runs the callbacks registered here before it joins its threads, and exit hooks after.
        """

        def end() -> None:
            self.finish()
            self._ends = True
            self._tokens.put(None)

        threading._register_atexit(end)  # type: ignore[attr-defined]
        threading.Thread(target=self._run, args=(self._tokens,), daemon=False).start()

    def notice_c_forks(self) -> None:
        """Be able to tell that the process was forked, also where Python's hooks do not run."""
        if isinstance(self.page, bytes):
            try:
                self.page = _page_wiped_by_forks()
            except ImportError:
                pass  # out of file descriptors; a later pass tries again

    def _run(self, tokens: object) -> None:
        if tokens is not self._tokens:
            return  # a greenlet that a fork has copied before it began
        threading.current_thread().name = "pushover-worker"
        self.delivering.add(get_ident())
        self._greenlet = _current_greenlet()
        try:
            while not self._ends:
                self._rest(self._run_pass())
        except _CopyEndsError as ends:
            ends.forking.switch()  # which never comes back
        except BaseException as error:  # noqa: BLE001 - killed from outside, or the interpreter ends
            say("worker", f"the worker thread ended by {type(error).__name__}")
        finally:
            self.delivering.discard(get_ident())
            # The next record starts another thread, and nobody may wait for this one.
            self.alive = False
            for pipeline in self.pipelines():
                pipeline.quiet = True
            with self._pass_done:
                self._pass_done.notify_all()

    def _run_pass(self) -> float | None:
        """One step of each active pipeline; when the next is due (None: not before news)."""
        asked = self._asked
        self.notice_c_forks()
        if DIAGNOSTICS.waiting:
            DIAGNOSTICS.say_what_waits()
        while True:
            try:
                self._admit(self._tokens.get_nowait())
            except queue.Empty:
                break
        dues = {pipeline: self._step(pipeline) for pipeline in self._active}
        due = min([at for at in dues.values() if at is not None], default=None)
        for pipeline in dues:
            pipeline.quiet = True
        self._active = [
            pipeline for pipeline, at in dues.items() if at is not None or pipeline.news
        ]
        if any(pipeline.news for pipeline in self._active):
            due = time.monotonic()
        with self._pass_done:
            self._answered = asked
            self._next_due = due
            self._pass_done.notify_all()
        return due

    def _step(self, pipeline: Pipeline) -> float | None:
        """One step; an exception costs this step and nothing else."""
        try:
            due = pipeline.step(self._deadline)
            if not self._comes_first_at_exit:
                # urllib3 empties its pools in an exit hook of its own; pushes must go before that.
                self._comes_first_at_exit = True
                atexit.register(self.finish)
        except (GeneratorExit, _CopyEndsError):
            raise  # somebody ends this thread from outside
        except BaseException as error:  # noqa: BLE001 - EMFILE, MemoryError, SystemExit of a callback
            say("step", f"a step of the worker failed, it goes on: {type(error).__name__}: {error}")
            return time.monotonic() + _AFTER_A_DEFECT
        else:
            return due

    def _admit(self, pipeline: Pipeline | None) -> None:
        if pipeline is not None and pipeline not in self._active:
            self._active.append(pipeline)

    def _rest(self, due: float | None) -> None:
        timeout = None if due is None else due - time.monotonic()
        if timeout is not None and timeout <= 0:
            return
        try:
            self._admit(self._tokens.get(timeout=timeout))
        except queue.Empty:
            return

    def _hook_pools(self) -> None:
        """Children of multiprocessing, billiard and Celery run hooks of theirs, then os._exit."""
        if self._hooked_pools:
            return
        self._hooked_pools = True
        process = sys.modules.get("multiprocessing.process")
        util = sys.modules.get("multiprocessing.util")
        if util is not None and process is not None:
            # billiard sets the current process, but not its parent.
            is_child = process.parent_process() is not None
            if is_child or process.current_process().name != "MainProcess":
                util.Finalize(None, self.finish, exitpriority=0)
        signals = sys.modules.get("celery.signals")
        if signals is not None:
            # The children of its pool run no finalizers.
            signals.worker_process_shutdown.connect(
                lambda **_: self.finish(), weak=False, dispatch_uid="pushover_logging"
            )

    # The end of the process, and places without a thread.

    def finish(self) -> None:
        """Deliver what waits before the process ends, within the time that is left for it."""
        if get_ident() in self.delivering:
            return
        self.notice_fork()
        self._exiting = True
        DIAGNOSTICS.say_what_waits()
        waiting = [pipeline for pipeline in self.pipelines() if pipeline.is_unfinished()]
        if not waiting:
            for pipeline in self.pipelines():
                pipeline.abandon()
            return
        for pipeline in waiting:
            pipeline.news = True  # it may hold counts that nobody would look at for long
            self._tokens.put(pipeline)
        started = time.monotonic()
        # Threads that log while another one finishes share its deadline.
        if self._deadline is None or not self._finishing:
            budget = max(p.config.exit_timeout for p in waiting) - self._exit_seconds_used
            self._deadline = started + max(0.0, budget)
        ident = get_ident()
        self._finishing.append(ident)
        try:
            if self.alive:
                self._wait_for_thread(self._deadline)
            if not self.alive:
                self._deliver_inline(self._deadline)
            self._exit_seconds_used += time.monotonic() - started
        except KeyboardInterrupt:
            self._exit_seconds_used = float("inf")  # Ctrl-C ends all waits, and nothing else
        finally:
            self._finishing.remove(ident)
        if self._finishing and threading.current_thread() is not threading.main_thread():
            return  # the other thread's records wait too; it gives up what is left
        left = sum(pipeline.abandon() for pipeline in self.pipelines())
        if left:
            records = "1 record was" if left == 1 else f"{left} records were"
            say("exit", f"{records} not delivered before the process ended")

    def _wait_for_thread(self, deadline: float) -> None:
        with self._pass_done:
            self._asked += 1  # whoever waits already waits for this thread's records too
            self._tokens.put(None)
            self._pass_done.wait_for(
                lambda: (
                    not self.alive
                    or (self._answered >= self._asked and not _before(self._next_due, deadline))
                ),
                deadline - time.monotonic(),
            )

    def _deliver_inline(self, deadline: float | None) -> None:
        """Deliver on this thread: until nothing more can go before the deadline."""
        # Whoever holds it takes ours along. At the end this waits for that, because the process
        # may end with this thread.
        patience = 0.0 if deadline is None else deadline - time.monotonic()
        if not self._inline.acquire(timeout=max(0.0, patience)):
            return
        deadline = time.monotonic() if deadline is None else deadline
        ident = get_ident()
        self.delivering.add(ident)
        try:
            while _before(due := self._run_pass(), deadline):
                self._rest(due)
        finally:
            self.delivering.discard(ident)
            self._inline.release()

    # Forks.

    def before_fork(self) -> None:
        # Not for ever: whoever loads may itself wait for a lock that this thread holds.
        if not self.loading.acquire(timeout=_FORK_PATIENCE):
            self._unguarded_forks.add(get_ident())
            return
        for pipeline in self.pipelines():
            pipeline.load_for_children()

    def after_fork_in_parent(self) -> None:
        ident = get_ident()
        if ident in self._unguarded_forks:
            self._unguarded_forks.discard(ident)
        else:
            self.loading.release()

    def notice_fork(self) -> None:
        """Start afresh if the process was forked by C code, which runs no hook of Python's."""
        if not self.page[0]:
            self.after_fork_in_child()

    def after_fork_in_child(self) -> None:
        """Forget what the parent will send."""
        if not isinstance(self.page, bytes):
            self.page[0] = 1
        copied = self._greenlet
        self._start_over()
        # A thread of the child may get the ident of a thread that was writing in the parent.
        DIAGNOSTICS.writing.clear()
        for name in ("client.transport", "delivery.shared", "stores.opened"):
            if (module := sys.modules.get(f"pushover_logging.{name}")) is not None:
                module.after_fork()
        for pipeline in self.pipelines():
            pipeline.after_fork()
        if copied is not None:
            self._copies.append(copied)
            _end_copy(copied)


class _CopyEndsError(BaseException):
    """A greenlet that a fork has copied ends."""

    def __init__(self, forking: Any) -> None:
        super().__init__()
        self.forking: Any = forking
        """The greenlet that called fork, which goes on."""


def _current_greenlet() -> Any:
    """The greenlet that runs this code, if it is not a whole thread."""
    module = sys.modules.get("greenlet")
    current = None if module is None else module.getcurrent()
    return None if current is None or current.parent is None else current


def _end_copy(greenlet: Any) -> None:
    """End a greenlet that goes on in a forked child, as no thread does.

    It would send once more what the parent is sending, or take the answer to it from a connection
    that both processes have.
    """
    forking = sys.modules["greenlet"].getcurrent()
    if greenlet is not forking and not greenlet.dead:
        greenlet.throw(_CopyEndsError(forking))


def _complete_gevent() -> None:
    """Load what gevent loads at a thread's first wait.

    Its locks are also the import locks once it has patched them. A thread that meets one that is
    taken loads these modules before it can wait, and that import waits for the same lock.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        config = sys.modules["gevent"].config
        _ = config.loop, config.resolver, config.threadpool


def _is_uwsgi_master() -> bool:
    """Whether uWSGI loads the application here and will fork its workers."""
    worker_id = getattr(sys.modules.get("uwsgi"), "worker_id", None)
    return worker_id is not None and worker_id() == 0


def _before(due: float | None, deadline: float) -> bool:
    return due is not None and due <= max(deadline, time.monotonic())


WORKER = Worker()
"""The process's own."""

atexit.register(WORKER.finish)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=WORKER.before_fork,
        after_in_parent=WORKER.after_fork_in_parent,
        after_in_child=WORKER.after_fork_in_child,
    )
