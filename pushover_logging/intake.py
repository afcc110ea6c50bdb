"""The way in: a bounded waiting room, filled by any thread without a lock."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

from .alerts import Priority

__all__ = ["Intake", "Tally"]

Entry = TypeVar("Entry")

_MOST_URGENT_FIRST = sorted(Priority, reverse=True)


class Tally:
    """A count that any thread raises without a lock, exact on every build of Python."""

    __slots__ = ("_reads", "add")

    def __init__(self) -> None:
        ticks = itertools.count()
        self.add = ticks.__next__
        """Count one."""
        self._reads = 0

    def value(self) -> int:
        """The count so far; readers take turns, under a lock of their own."""
        ticks = self.add()  # the only way to read an itertools.count is to advance it
        self._reads += 1
        return ticks - (self._reads - 1)


class Intake(Generic[Entry]):
    """A lane for each priority, bounded together; when they are full the least urgent goes.

    ``put`` runs in the logging call: it takes no lock (a signal handler may interrupt it anywhere
    and call it again), and what it does to a lane is one atomic operation of ``deque``.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._size = 0
        # Indexed by priority, -2 to 2: lanes[-2] and lanes[-1] are the last two.
        self._lanes: list[deque[Entry]] = [deque() for _ in Priority]

    def put(self, priority: int, entry: Entry) -> Entry | None:
        """Let an entry in; returns the one that had to go for it, perhaps itself."""
        self._lanes[priority].append(entry)
        # Threads may lose each other's increments; `_make_room` counts before it turns anyone away.
        self._size += 1
        if self._size > self._capacity:
            return self._make_room()
        return None

    def take(self, least: Priority = Priority.LOWEST) -> tuple[Priority, Entry] | None:
        """The most urgent entry, the oldest of equals; None when none as urgent as that waits."""
        for priority in _MOST_URGENT_FIRST:
            if priority < least:
                break
            try:
                entry = self._lanes[priority].popleft()
            except IndexError:
                continue
            self._size = len(self)
            return priority, entry
        return None

    def put_back(self, priority: Priority, entries: Iterable[Entry]) -> None:
        """Return entries that were taken, in the order in which they were, to where they stood."""
        self._lanes[priority].extendleft(reversed(list(entries)))
        self._size = len(self)

    def least_urgent(self) -> Priority | None:
        """The priority of what ``evict`` would turn out."""
        return next((p for p in reversed(_MOST_URGENT_FIRST) if self._lanes[p]), None)

    def evict(self) -> Entry | None:
        """Turn out the newest of the least urgent: how a trouble began says more."""
        for priority in reversed(_MOST_URGENT_FIRST):
            try:
                return self._lanes[priority].pop()
            except IndexError:
                continue
        return None

    def most_urgent(self, least: Priority) -> Priority | None:
        """The priority that ``take`` would give."""
        return next((p for p in _MOST_URGENT_FIRST if p >= least and self._lanes[p]), None)

    def count(self, least: Priority) -> int:
        """How many wait that are as urgent as that."""
        return sum(len(self._lanes[p]) for p in Priority if p >= least)

    def __len__(self) -> int:
        return sum(map(len, self._lanes))

    def _make_room(self) -> Entry | None:
        self._size = len(self)
        return self.evict() if self._size > self._capacity else None
