"""The way in: what logging calls leave for the courier, without a lock, within bounds.

Every method that is not said to be the courier's runs in logging calls: in any thread, and a signal
handler may interrupt it anywhere and call it again. Who comes first is decided by the operations of
``deque`` and by ``dict.setdefault``, which are atomic.
"""

from __future__ import annotations

import itertools
import logging
from collections import deque

from .groups import (
    COMPARED,
    Group,
    glimpse_of,
    has_digits,
    kind_of_trouble,
    look_of,
    template_of,
)
from .noting import PLAIN_TYPES, TEXT_BOUND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable
    from typing import Any, TypeGuard

    from .defaults import Terms
    from .groups import Look
    from .noting import Early, Plain

    FullKey = tuple[str, int, Hashable, object, int]
    """Name, level, message, type of the exception, priority."""
    Entry = tuple[Group, Any]
    """A group and its first record, as it was noted; a plain record alone stands for both."""

__all__ = ["Intake", "Tally"]

_MOST_URGENT_FIRST = (2, 1, 0, -1, -2)
_LogRecord = logging.LogRecord
_OTHERS = "other messages"
_MOST_SET_ASIDE = 100
_MOST_RESOLVED = 1000


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


class Intake:
    """One handler's groups, and a lane for each priority in which their first records wait.

    The lanes are bounded together; when they are full the least urgent goes.
    """

    def __init__(self, terms: Terms, freeze: Callable[[logging.LogRecord], Any]) -> None:
        """``freeze`` makes of a record what can be kept of it; it may raise."""
        self.capacity = terms.capacity
        self._priorities = terms.priorities
        self._most_groups = terms.most_groups
        self._freeze = freeze
        self.plain_names: set[str] = set()
        """Loggers whose records are pushed, and need not be looked at twice."""
        self.known: dict[Hashable, Group | Plain] = {}
        """Each group by its key: its message without what differs, alone where no other group has
        it, else with what tells them apart; and by the latest look of its records, once seen again.

        For a group of which nothing is known but a plain first record, that one stands.
        """
        self._promoted: dict[Hashable, Group] = {}
        """The groups for which a record stood at first; by them, threads agree on one."""
        self._looks: dict[Group, Hashable] = {}
        self._shared: set[Hashable] = set()
        """Messages that several groups have, or had."""
        # Indexed by priority, -2 to 2: lanes[-2] and lanes[-1] are the last two.
        self._lanes: list[deque[Entry | Plain]] = [deque() for _ in _MOST_URGENT_FIRST]
        self.early: deque[Early] = deque(maxlen=self.capacity)
        """To be frozen by the courier, as soon as it can."""
        self.set_aside: deque[Any] = deque(maxlen=_MOST_SET_ASIDE)
        """What could not be noted where the stack was full; the courier has one of its own."""
        self.resolved: deque[Hashable] = deque(maxlen=_MOST_RESOLVED)
        """The keys of troubles that are over."""
        self.evicted: deque[Entry] = deque(maxlen=self.capacity)
        """The latest that found no room, for whom it may concern."""
        self.start_over()

    def start_over(self) -> None:
        """Forget everything; a forked child's parent keeps its own."""
        self.known.clear()
        self._promoted.clear()
        self._looks.clear()
        self._shared.clear()
        lanes: list[deque[Any]] = [*self._lanes, self.early, self.set_aside, self.resolved]
        for lane in (*lanes, self.evicted):
            lane.clear()
        self._size = 0
        self.news = False
        """Something came that the courier has not looked at."""
        self.wrapping_up = False
        """The summaries are to go before their interval ends."""
        self.missed = Tally()
        """Records that could not be noted, nor be set aside."""
        self._turned_away: dict[int, Tally] = {}

    # In the logging call.

    def note(self, record: logging.LogRecord) -> bool | None:
        """Let a plain record wait if it is the first of its group; whether there is one to send.

        None if it is not that simple, and left to `sort`: if anything in the record could change,
        if it was seen before, or if no more may be known. Most new records cost the program just
        this, and so it is written out in one piece.
        """
        msg, args = record.msg, record.args
        if (
            type(msg) is not str
            or msg in self.known
            or msg in self._shared
            or record.name not in self.plain_names
            or record.exc_info
            or record.exc_text
            or record.stack_info
            or type(args) is not tuple
            or type(record) is not _LogRecord
            or hasattr(record, "pushover")
            or len(msg) > COMPARED
            or len(self.known) >= self._most_groups
        ):
            return None
        if args:
            for arg in args:
                if type(arg) not in PLAIN_TYPES and (type(arg) is not str or len(arg) > TEXT_BOUND):
                    return None
        elif has_digits(msg):
            return None
        priority = self._priorities[record.levelno]
        if priority is None:
            return False
        # Another handler may rewrite the record once we have returned.
        plain = (msg, args, record, record.name, record.levelno)
        try:
            if self.known.setdefault(msg, plain) is not plain:
                return None
            self._lanes[priority].append(plain)
            # Threads may lose each other's increments; `_make_room` counts first.
            self._size += 1
            if self._size > self.capacity:
                self._make_room()
        except BaseException:  # a signal handler raised; or its repeats would count for ever
            self.known.pop(msg, None)
            raise
        self.news = True
        return True

    def sort(
        self,
        record: logging.LogRecord,
        priority: int,
        own_key: Hashable | None = None,
        *,
        common: bool = True,
    ) -> bool:
        """Count the record if its group counts, else let it wait; whether there is one to send.

        A ``common`` record has its handler's priority and no key of its own.
        """
        name, levelno = record.name, record.levelno
        trouble = kind_of_trouble(record) if record.exc_info else None
        if own_key is None:
            key = self._key(template_of(record), name, levelno, trouble, priority, common=common)
        else:
            key = own_key, priority
        group = self._group_at(key)
        if group is None:
            made = Group(key, name, levelno, trouble, priority, None, own_key)
            group = self._enter(made)
            if group is made:
                return self._admit(record, group)
            if (
                made.key is key
                and own_key is None
                and not group.is_of(name, levelno, trouble, priority)
            ):
                # Another thread was the first with this message, from elsewhere.
                return self.sort(record, priority, common=common)
        if not group.counting and group.reopen():
            return self._admit(record, group)
        if common and own_key is None and _is_again(group, record.msg):
            self._remember(group, look_of(record))
        group.count(glimpse_of(record))
        return False

    def _key(
        self,
        template: Hashable,
        name: str,
        levelno: int,
        trouble: object,
        priority: int,
        *,
        common: bool,
    ) -> Hashable:
        """What a record's group is known by: its template, unless others have the same."""
        there = self._group_at(template)
        if there is None:
            if common and template not in self._shared:
                return template
        elif there.is_of(name, levelno, trouble, priority):
            return template
        if len(self._shared) >= 4 * self._most_groups:
            self._shared = {key[2] for key in list(self.known) if _is_full(key)}
        self._shared.add(template)
        return name, levelno, template, trouble, priority

    def _enter(self, made: Group) -> Group:
        """The group that its records belong to from now on: this one, or another thread's."""
        if not self._most_groups:
            return made
        if len(self.known) - len(self._looks) >= self._most_groups:
            # That one of many troubles is over must not silence the others: none has a key.
            made.key, made.own_key = ((_OTHERS, made.levelno), made.priority), None
        self.known.setdefault(made.key, made)
        return self._group_at(made.key) or made

    def _group_at(self, key: Hashable) -> Group | None:
        there = self.known.get(key)
        if there is None or isinstance(there, Group):
            return there
        group = self.known[key] = self._promoted.setdefault(key, self._group_for(there))
        return group

    def _group_for(self, plain: Plain) -> Group:
        """The group for which a plain record stands."""
        msg, _, _, name, levelno = plain
        return Group(msg, name, levelno, None, self._priorities[levelno] or 0, plain)

    def _with_group(self, entry: Entry | Plain) -> Entry:
        if len(entry) == 2:
            return entry
        return self._group_at(entry[0]) or self._group_for(entry), entry

    def _admit(self, record: logging.LogRecord, group: Group) -> bool:
        """Let a group's first record wait; when the room is full, the least urgent goes."""
        try:
            group.noted = self._freeze(record)
            self._lanes[group.priority].append((group, group.noted))
        except BaseException:  # the stack is full; or its repeats would count for ever
            group.close()
            raise
        self._size += 1
        if self._size > self.capacity:
            self._make_room()
        self.news = True
        return True

    def _remember(self, group: Group, look: Look) -> None:
        """Let `PushoverHandler.handle` find the group by the latest look of its records.

        By the message alone where it can, else by the whole look.
        """
        msg = look[2]
        if type(msg) is not str or len(msg) > COMPARED:
            return
        there = self.known.get(msg)
        if there is group:
            return
        key = msg if there is None else look
        self._forget_look(group)
        self.known[key] = group
        if self._looks.setdefault(group, key) != key:
            self.known.pop(key, None)  # another thread was at it, and one look is enough

    def _forget_look(self, group: Group) -> None:
        look = self._looks.pop(group, None)
        if look is not None and self.known.get(look) is group:
            self.known.pop(look, None)

    def leave_aside(self, record: logging.LogRecord) -> None:
        """Keep a record that could not be noted here, for the courier to note."""
        if len(self.set_aside) == self.set_aside.maxlen:
            self.missed.add()
        else:
            self.set_aside.append(record)

    def resolve(self, key: Hashable) -> None:
        """The trouble that records call by this key is over."""
        self.resolved.append(key)
        self.news = True

    def _make_room(self) -> None:
        self._size = len(self)
        if self._size > self.capacity:
            self.evict()

    def evict(self) -> None:
        """Turn out the newest of the least urgent: how a trouble began says more."""
        for priority in reversed(_MOST_URGENT_FIRST):
            try:
                entry = self._lanes[priority].pop()
            except IndexError:
                continue
            self._turn_away(self._with_group(entry))
            return

    def _turn_away(self, entry: Entry) -> None:
        loser = entry[0]
        tally = self._turned_away.get(loser.levelno)
        if tally is None:
            tally = self._turned_away.setdefault(loser.levelno, Tally())
        tally.add()
        loser.close()  # its next record is a first one again, and may find room
        self.evicted.append(entry)

    # The courier's.

    def take(self, least: int) -> tuple[int, Entry] | None:
        """The most urgent entry, the oldest of equals; None when none as urgent as that waits."""
        for priority in _MOST_URGENT_FIRST:
            if priority < least:
                break
            try:
                entry = self._lanes[priority].popleft()
            except IndexError:
                continue
            self._size = len(self)
            return priority, self._with_group(entry)
        return None

    def put_back(self, priority: int, entries: Iterable[Entry]) -> None:
        """Return entries that were taken, in the order in which they were, to where they stood."""
        self._lanes[priority].extendleft(reversed(list(entries)))
        self._size = len(self)

    def most_urgent(self, least: int) -> int | None:
        """The priority that ``take`` would give."""
        return next((p for p in _MOST_URGENT_FIRST if p >= least and self._lanes[p]), None)

    def least_urgent(self) -> int | None:
        """The priority of what ``evict`` would turn out."""
        return next((p for p in reversed(_MOST_URGENT_FIRST) if self._lanes[p]), None)

    def count(self, least: int) -> int:
        """How many wait that are as urgent as that."""
        return sum(len(self._lanes[p]) for p in _MOST_URGENT_FIRST if p >= least)

    def groups(self) -> list[Group]:
        """All that are known, open or closed."""
        return [
            group
            for key, group in list(self.known.items())
            if isinstance(group, Group) and group.key is key
        ]

    def forget(self, group: Group) -> None:
        """Let the next record of it found another."""
        if self.known.get(group.key) is group:
            self._promoted.pop(group.key, None)
            del self.known[group.key]
        self._forget_look(group)

    def turned_away(self) -> dict[int, int]:
        """How many records of each level found no room."""
        return {level: tally.value() for level, tally in list(self._turned_away.items())}

    def is_touched(self) -> bool:
        """Whether anything has come that may need the courier."""
        return bool(self.known or len(self) or self.set_aside or self.resolved)

    def __len__(self) -> int:
        return sum(map(len, self._lanes))


def _is_again(group: Group, msg: object) -> bool:
    """Whether the latest repeat had this very message; of objects no one is asked if they equal."""
    return type(msg) is str and group.last is not None and group.last[0] == msg


def _is_full(key: Hashable) -> TypeGuard[FullKey]:
    return isinstance(key, tuple) and len(key) == 5
