"""The queue between logging calls and the worker: bounded, and the most urgent alerts stay.

Logging calls come from any thread, and a signal handler may interrupt any of them and log as well,
so every step is one atomic operation of ``deque`` or ``itertools.count``.
"""

from __future__ import annotations

import itertools
from collections import deque

from ..notice import Notice, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, TypeVar

    from ..notice import Snapshot
    from .groups import Group
    from .spool import Spool

    V = TypeVar("V")

    Entry = tuple[Group, Snapshot, int, bool]
    """A new alert: its group, the record, and with a durable store the number of its notice and
    whether that is in the spool already."""

__all__ = ["MOST_URGENT_FIRST", "Queue", "Tally", "values_of"]

MOST_URGENT_FIRST = (2, 1, 0, -1, -2)
_MOST_SET_ASIDE = 100
_MOST_RESOLVED = 1000


class Tally:
    """A count that any thread raises without a lock, exact on free-threaded builds too."""

    __slots__ = ("_reads", "add")

    def __init__(self) -> None:
        ticks = itertools.count()
        self.add: Callable[[], int] = ticks.__next__
        """Count one more."""
        self._reads = 0

    def value(self) -> int:
        """The count so far; only one thread may read at a time."""
        ticks = self.add()  # reading an itertools.count advances it
        self._reads += 1
        return ticks - (self._reads - 1)


def values_of(collection: dict[Any, V] | deque[V]) -> list[V]:
    """The values of a collection that any thread, or a finaliser during this call, may change."""
    while True:
        try:
            return list(collection.values() if isinstance(collection, dict) else collection)
        except RuntimeError:  # it changed while it was copied
            continue


class Queue:
    """New alerts of one handler, in a lane for each priority."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        """Alerts that may wait, here and in the outbox together."""
        # Indexed by priority, -2 to 2: lanes[-2] and lanes[-1] are the last two.
        self.lanes: tuple[deque[Entry], ...] = tuple(deque() for _ in MOST_URGENT_FIRST)
        self.evicted: deque[Entry] = deque()
        """The latest alerts that found no room, for the fallback handler."""
        self.resolved: deque[tuple[str, float]] = deque(maxlen=_MOST_RESOLVED)
        """Keys of problems that are over, and when that was logged."""
        self.set_aside: deque[logging.LogRecord] = deque(maxlen=_MOST_SET_ASIDE)
        """Records that could not be read where the stack was full; the worker reads them."""
        self.spool: Spool | None = None
        """Where alerts are safe against the end of the process; with a durable store only."""
        self.seq: Iterator[int] = itertools.count(1)
        """Numbers the notices of this process and store."""
        self.style: Mapping[str, Any] = {}
        """The handler's options that shape a push, as they stand in each notice."""
        self.clear()

    def clear(self) -> None:
        """Start empty, all counts at zero: a forked child must not send its parent's alerts."""
        for lane in self.lanes:
            lane.clear()
        self.evicted.clear()
        self.resolved.clear()
        self.set_aside.clear()
        self.accepted: Tally = Tally()
        """Records that were to be pushed, repeats too."""
        self.unreadable: Tally = Tally()
        """Records that nothing could read."""
        self.left_in_spool: Tally = Tally()
        """Records that found no room here, and that the spool of a durable store has."""
        self.turned_away: dict[int, Tally] = {}
        """Records that found no room, by level."""
        self.outbox_size = 0
        """Alerts that have left the queue and wait to be sent; set by the worker."""
        self.outbox_least = 3
        """The priority of the least urgent of them."""

    def put(self, group: Group, snapshot: Snapshot) -> None:
        """Let an alert wait; where that is too many, the newest of the least urgent goes."""
        lanes = self.lanes
        if self.spool is None:
            lanes[group.priority].append((group, snapshot, 0, False))
        else:
            lanes[group.priority].append((group, snapshot, *self._write(group, snapshot)))
        size = len(lanes[0]) + len(lanes[1]) + len(lanes[2]) + len(lanes[3]) + len(lanes[4])
        if size + self.outbox_size > self.capacity:
            self._make_room(size)

    def _write(self, group: Group, snapshot: Snapshot) -> tuple[int, bool]:
        """Make an alert safe against the end of the process, without a system call."""
        assert self.spool is not None
        seq = next(self.seq)
        fields = (
            *("new", seq, snapshot.created, group.identity, group.priority, group.key, snapshot),
            *(self.style if group.style is None else group.style, 0, 0, False, 0.0),
        )
        payload = encode(tuple.__new__(Notice, fields))
        return seq, self.spool.write(seq, payload, group.priority > 0) is not None

    def set_record_aside(self, record: logging.LogRecord) -> None:
        """Keep a record for the worker, which has a stack of its own."""
        if len(self.set_aside) == self.set_aside.maxlen:
            self.unreadable.add()
            self.accepted.add()
        else:
            self.set_aside.append(record)

    def _make_room(self, size: int) -> None:
        for priority in reversed(MOST_URGENT_FIRST):
            if not self.lanes[priority]:
                continue
            if priority > self.outbox_least and size <= self.capacity:
                return  # the outbox holds a less urgent alert, which the worker takes out
            try:
                entry = self.lanes[priority].pop()
            except IndexError:
                continue  # the worker took it meanwhile
            self.turn_away(entry)
            return

    def turn_away(self, entry: Entry) -> None:
        """Count an alert that found no room.

        Its group goes on counting until the worker takes notice, or until that is too much to keep.
        """
        group, snapshot, _, is_kept = entry
        group.snapshot = snapshot
        if is_kept:
            self.left_in_spool.add()
        else:
            self.turned_away.setdefault(snapshot.levelno, Tally()).add()
        if len(self.evicted) >= self.capacity:
            try:
                self.evicted.popleft()[0].close()
            except IndexError:
                pass  # the worker took all of them meanwhile
        self.evicted.append(entry)

    def take(self) -> Entry | None:
        """The most urgent alert, the oldest of equals."""
        for priority in MOST_URGENT_FIRST:
            try:
                return self.lanes[priority].popleft()
            except IndexError:
                continue
        return None

    def __len__(self) -> int:
        return sum(map(len, self.lanes))
