"""The queue between logging calls and the worker: bounded, and the most urgent alerts stay.

Logging calls come from any thread, and a signal handler may interrupt any of them and log as well,
so every step is one atomic operation of ``deque`` or ``itertools.count``.

To find the group of a record that nothing is known of takes longest. So most records are queued
unread, and their groups are found when they leave the queue.
"""

from __future__ import annotations

import itertools
import logging
from collections import deque

from ..notice import Notice, Snapshot, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, TypeGuard, TypeVar

    from .groups import Group, Groups
    from .spool import Spool

    V = TypeVar("V")

    Entry = tuple[Group, Snapshot, int, bool]
    """A new alert: its group, the record, and with a durable store the number of its notice and
    whether that is in the spool already."""
    Unread = tuple[Any, ...]
    """A record whose group is still to be found: None in its place, then what ``_KEPT`` names."""

__all__ = ["MOST_RESOLVED", "MOST_URGENT_FIRST", "Queue", "Tally", "values_of"]

MOST_URGENT_FIRST = (2, 1, 0, -1, -2)
_KEPT = (
    *("created", "name", "levelno", "levelname", "msg", "args", "pathname", "lineno", "funcName"),
    "thread",
)
"""What is kept of a plain record, in the order of the fields of a snapshot."""
_NOTHING_MORE = tuple(Snapshot(0.0, "", 0, "", ""))[9:]
"""The other fields of its snapshot, from ``exceptions`` on."""
MOST_RESOLVED = 1000
"""Problems whose end may wait for the worker."""
_MOST_SET_ASIDE = 100


class Tally:
    """A count that any thread raises without a lock, exact on free-threaded builds too."""

    __slots__ = ("_reads", "add", "ticks")

    def __init__(self) -> None:
        self.ticks: Iterator[int] = itertools.count()
        """Advanced by each one; `next` of it is faster than `add`."""
        self.add: Callable[[], int] = self.ticks.__next__
        """Count one more."""
        self._reads = 0

    def value(self) -> int:
        """The count so far; only one thread may read at a time."""
        ticks = self.add()  # reading an itertools.count advances it
        self._reads += 1
        return ticks - (self._reads - 1)


def values_of(*collections: dict[Any, V] | deque[V]) -> list[V]:
    """The values of collections that any thread, or a finaliser during this call, may change."""
    while True:
        try:
            parts = (each.values() if isinstance(each, dict) else each for each in collections)
            return list(itertools.chain.from_iterable(parts))
        except RuntimeError:  # one of them changed while it was copied
            continue


def _is_unread(entry: Entry | Unread) -> TypeGuard[Unread]:
    return entry[0] is None


def _record_of(entry: Unread) -> logging.LogRecord:
    """The record that was queued unread, as far as it was kept."""
    record = logging.LogRecord.__new__(logging.LogRecord)
    record.__dict__.update(zip(_KEPT, entry[1:], strict=True), exc_info=None)
    return record


def _snapshot_of(entry: Unread) -> Snapshot:
    return tuple.__new__(Snapshot, entry[1:10] + _NOTHING_MORE)


class Queue:
    """New alerts of one handler, in a lane for each priority."""

    def __init__(self, capacity: int, groups: Groups) -> None:
        self.capacity = capacity
        """Alerts that may wait, here and in the outbox together."""
        self._groups = groups
        self._most_unread = capacity * 3 // 4
        """While fewer alerts wait, records are queued unread."""
        # Indexed by priority, -2 to 2: lanes[-2] and lanes[-1] are the last two.
        self.lanes: tuple[deque[Entry | Unread], ...] = tuple(deque() for _ in MOST_URGENT_FIRST)
        self.evicted: deque[Entry] = deque()
        """The latest alerts that found no room, for the fallback handler."""
        self.resolved: dict[str, float] = {}
        """Keys of problems that are over, and when that was logged last."""
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
        self._has_unread = False
        self._readers: list[None] = []
        """One for each `read` under way, whose unread records are perhaps not read yet."""
        self.evicted.clear()
        self.resolved.clear()
        self.set_aside.clear()
        self.accepted: Tally = Tally()
        """Records that were to be pushed, repeats too, and those that were `doubled`."""
        self.doubled: Tally = Tally()
        """Unread records that came twice, through two loggers, and count once."""
        self.unreadable: Tally = Tally()
        """Records that nothing could read."""
        self.left_in_spool: Tally = Tally()
        """Records that found no room here, and that the spool of a durable store has."""
        self.unresolved: Tally = Tally()
        """Resolves that found no room."""
        self.resolves_too_many: bool = False
        """Whether any did."""
        self.turned_away: dict[int, Tally] = {}
        """Records that found no room, by level."""
        self.outbox_size = 0
        """Alerts that have left the queue and wait to be sent; set by the worker."""
        self.outbox_least = 3
        """The priority of the least urgent of them."""

    def put_plain(self, record: logging.LogRecord, priority: int) -> bool:
        """Let a record wait that is a text, or a template and plain arguments; False: count it.

        Common, in the words of `Groups.find`. Only a durable store must know its group at once.
        """
        normal, high, emergency, lowest, low = self.lanes
        size = len(emergency) + len(high) + len(normal) + len(low) + len(lowest)
        entry = (
            None,
            record.created,
            record.name,
            record.levelno,
            record.levelname,
            record.msg,
            record.args or None,
            record.pathname,
            record.lineno,
            record.funcName,
            record.thread,
        )
        groups = self._groups
        if (
            size + self.outbox_size < self._most_unread
            and self.spool is None
            and len(groups.of_priority(priority)) < groups.max_groups
            and len(groups.known) < groups.most_known
        ):
            self.lanes[priority].append(entry)
            self.accepted.add()
            self._has_unread = True
            return True
        snapshot = _snapshot_of(entry)
        group, is_new = self._groups.find_plain(record, priority)
        if is_new:
            try:
                self.put(group, snapshot)
            except BaseException:  # the stack is full
                group.give_up()
                raise
        elif not group.count(record):
            return False
        self.accepted.add()
        return is_new

    def put(self, group: Group, snapshot: Snapshot) -> None:
        """Let an alert wait; where that is too many, the newest of the least urgent goes."""
        lanes = self.lanes
        if self.spool is None:
            lanes[group.priority].append((group, snapshot, 0, False))
        else:
            lanes[group.priority].append((group, snapshot, *self._write(group, snapshot)))
        normal, high, emergency, lowest, low = lanes
        size = len(emergency) + len(high) + len(normal) + len(low) + len(lowest)
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

    def resolve(self, key: str, at: float) -> None:
        """Have the worker resolve the problem that records call by this key."""
        resolved = self.resolved
        if len(resolved) < MOST_RESOLVED or key in resolved:
            # The worker may take the key out before this line, which then puts it in again.
            resolved[key] = max(at, resolved.get(key, at))
        else:
            self.unresolved.add()
            self.resolves_too_many = True

    def set_record_aside(self, record: logging.LogRecord) -> None:
        """Keep a record for the worker, which has a stack of its own."""
        if len(self.set_aside) == self.set_aside.maxlen:
            self.unreadable.add()
            self.accepted.add()
        else:
            self.set_aside.append(record)

    def _make_room(self, size: int) -> None:
        if self._has_unread or self._readers:
            self._read_all()  # they may be repeats of one problem, and need no room
            size = len(self)
            if size + self.outbox_size <= self.capacity:
                return
        for priority in reversed(MOST_URGENT_FIRST):
            if not self.lanes[priority]:
                continue
            if priority > self.outbox_least and size <= self.capacity:
                return  # the outbox holds a less urgent alert, which the worker takes out
            lane = self.lanes[priority]
            try:
                entry = lane.pop()
            except IndexError:
                continue  # the worker took it meanwhile
            found = self._found(entry, priority, lane.append)
            if found is not None:
                self.turn_away(found)
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
            lane = self.lanes[priority]
            while lane:
                try:
                    entry = lane.popleft()
                except IndexError:
                    break  # another thread made room
                found = self._found(entry, priority, lane.appendleft)
                if found is not None:
                    return found
        return None

    def read(self) -> None:
        """Find the groups of all unread records, and count repeats there."""
        if self._has_unread:
            self._read_all()

    def _read_all(self) -> None:
        self._has_unread = False
        self._readers.append(None)
        try:
            for priority in MOST_URGENT_FIRST:
                lane = self.lanes[priority]
                for _ in range(len(lane)):
                    try:
                        entry = lane.popleft()
                    except IndexError:
                        break  # another thread took it
                    found = self._found(entry, priority, lane.append)
                    if found is not None:
                        lane.append(found)
        finally:
            self._readers.pop()

    def _found(
        self, entry: Entry | Unread, priority: int, put_back: Callable[[Unread], object]
    ) -> Entry | None:
        """The entry with its group; None for an unread repeat, which is counted there."""
        if not _is_unread(entry):
            return entry
        try:
            snapshot, record = _snapshot_of(entry), _record_of(entry)
            group, is_new = self._groups.find_plain(record, priority)
        except BaseException:  # no memory, or the stack is full
            put_back(entry)
            self._has_unread = True
            raise
        if is_new:
            return group, snapshot, 0, False
        if not group.count(record):
            self.doubled.add()
        return None

    def accepted_so_far(self) -> int:
        """How many records were to be pushed; only one thread may read at a time."""
        self.read()
        return self.accepted.value() - self.doubled.value()

    def __len__(self) -> int:
        return sum(map(len, self.lanes))
