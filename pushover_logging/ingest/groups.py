"""Which records repeat a known problem: the groups of one handler in this process.

A group's first record becomes an alert; its repeats cost the logging call one lookup and one count.
Groups here only count. Whether an alert rings is decided by the sender.
"""

from __future__ import annotations

import itertools
import time
from collections import deque

from ..notice import is_plain
from . import fingerprint
from .fingerprint import exact_path, has_words, text_key
from .queue import values_of
from .snapshot import message_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator, Mapping
    from typing import Any

    from ..notice import Identity, Snapshot

__all__ = ["Group", "Groups", "text_alias"]

_LONG_TEXT = 256
_PUNCTUATION = b" ,.:;-_()[]!*#+"
"""A text of letters and these has no part that varies."""
CLOSED = -1
"""No record has this level."""
_LATE_COUNTS = 10.0
"""Seconds a closed group is still read: a thread may have found it and not have counted yet."""
_MANY_RETIRED = 1000
_SOON = 0.5
"""Seconds until closed groups are read for the first time."""
_KEPT = ((5 * _MANY_RETIRED, 0.1), (_MANY_RETIRED, _SOON), (0, _LATE_COUNTS))
"""How many closed groups there are, and for how many seconds they are kept then."""


def text_alias(text: str) -> bytes | int:
    """The text with every digit a 0; of a long text its hash, which takes less memory."""
    key = text_key(text)
    return key if len(key) <= _LONG_TEXT else hash(key)


class Group:
    """Records with the same fingerprint; see the module's docstring."""

    # Without a dictionary for each: a thousand of them may be open.
    __slots__ = (
        *("aliases", "claimed", "epoch", "identity", "is_unreadable", "key", "last", "levelno"),
        *("name", "priority", "reads", "snapshot", "style", "ticks", "total"),
    )

    def __init__(self, identity: Identity, record: logging.LogRecord, priority: int) -> None:
        self.identity = identity
        self.name: str = record.name
        self.levelno: int = record.levelno
        """``CLOSED`` once its next record is to be a new alert."""
        self.priority = priority
        self.key: str | None = None
        """What the record itself, or ``grouping.key``, calls the problem."""
        self.snapshot: Snapshot | None = None
        """Its first record, once that has left the queue."""
        self.is_unreadable: bool = False
        """Its first record could not be read, and so no alert shows what it counts."""
        self.style: Mapping[str, Any] | None = None
        """The options of its logger that shape a push, where they differ from the handler's."""
        self.aliases: tuple[Any, ...] = ()
        """The keys of ``Groups.known`` that lead to it, and what they must keep alive: the id of a
        code object is reused once the object is gone."""
        self.reads: int = 0
        self.claimed: int = 0
        """Repeats that were handed over in a notice."""
        self.epoch: int = 0
        """Names its running total; 0 before there is a total."""
        self.total: int = 0
        """Repeats that its notices have reported in this epoch."""
        self.ticks: Iterator[int] = itertools.count()
        """Advanced by each repeat; exact from any number of threads."""
        msg: object = record.msg
        self.last: tuple[Any, Any, float] = (
            msg if type(msg) is str else None,
            None,
            record.created,
        )
        """``msg``, ``args`` and ``created`` of the latest repeat. Without the first two if they are
        not plain: they may keep much alive, such as the frames of an exception."""

    def count(self, record: logging.LogRecord) -> bool:
        """Count a repeat; False for the very record that was counted last, which came twice."""
        if self.is_last(record):
            return False
        msg, args = record.msg, record.args
        if not is_plain(msg, args):
            msg = args = None
        self.last = msg, args, record.created
        next(self.ticks)
        return True

    def is_last(self, record: logging.LogRecord) -> bool:
        """Whether this very record was counted last, and comes again through another logger.

        Each record has a float object of its own as ``created``, even if a coarse clock gives many
        records the same time. Only where a test replaces the clock by a constant is it the same
        object. Then records look like one record if they have the same text and no arguments, or
        if what they have is not kept.
        """
        msg, args, created = self.last
        return (
            created is record.created
            and (msg is None or msg is record.msg)
            and (args is None or args is record.args)
        )

    def close(self) -> None:
        """Let the next record be a new alert."""
        self.levelno = CLOSED

    def give_up(self) -> None:
        """Its first record could not be read: without this its repeats would count for ever."""
        self.is_unreadable = True
        self.close()

    def unclaimed(self) -> int:
        """Repeats that were not handed over; only one thread may read at a time."""
        ticks = next(self.ticks)  # reading an itertools.count advances it
        self.reads += 1
        return ticks - (self.reads - 1) - self.claimed


class Groups:
    """The groups that are open, and how a logging call finds them."""

    def __init__(self, max_groups: int) -> None:
        self.max_groups = max_groups
        """Urgent groups that may be open, and lesser ones; 0: every record is its own alert."""
        self.most_known: int = 4 * max_groups
        self.known: dict[Any, Group] = {}
        """Groups by what a record shows at a glance: its template, its text with every digit a 0,
        or the exact path of its traceback."""
        self.urgent: dict[Identity, Group] = {}
        """The open groups that are HIGH or EMERGENCY, for which lesser ones must leave room."""
        self.lesser: dict[Identity, Group] = {}
        """All other open groups."""
        self.retired: deque[tuple[float, Group]] = deque()
        """Closed groups that may still be counted in, and when they were closed."""
        self._read_at = 0.0

    def clear(self) -> None:
        """Forget everything, for a forked child."""
        self.known.clear()
        self.urgent.clear()
        self.lesser.clear()
        self.retired.clear()

    def of_priority(self, priority: int) -> dict[Identity, Group]:
        """The open groups that are limited together with those of that priority."""
        return self.urgent if priority > 0 else self.lesser

    def open(self) -> list[Group]:
        """All open groups."""
        return values_of(self.urgent, self.lesser)

    def find(
        self,
        record: logging.LogRecord,
        priority: int,
        key: str | None,
        *,
        is_common: bool,
    ) -> tuple[Group, bool]:
        """The group of a record, and whether the record is its first.

        A common record has the priority of its level and no explicit key, so that
        ``PushoverHandler.handle`` may find the group of the next one by itself.
        """
        name, levelno, msg, exc_info = record.name, record.levelno, record.msg, record.exc_info
        alias: Any = None
        if key is not None:
            identity: Identity = ("key", key, priority)
        elif (
            not exc_info
            and record.args
            and type(msg) is str
            and (msg[:2].isalpha() or has_words(msg))
        ):
            # Most new records: a template is compared as it is.
            alias = msg
            identity = ("text", name, levelno, "", msg, priority)
        else:
            text = ""
            if exc_info and type(exc_info) is tuple and exc_info[1:] and exc_info[2] is not None:
                alias = exact_path(exc_info[1], exc_info[2])
            if alias is None:
                text = message_of(record)
                alias = text_alias(text) if type(msg) is str and not exc_info else None
            if is_common and alias is not None:
                group = self.lookup(alias, name, levelno)
                if group is not None:
                    return group, False
            identity = (*fingerprint.identity(record, text, exc_info or None), priority)
        made = Group(identity, record, priority)
        if key is not None:
            made.key = key
        if not self.max_groups:
            return made, True
        alike = self.of_priority(priority)
        if len(alike) >= self.max_groups and identity not in alike:
            group = self._others(made)
        else:
            group = self._opened(made)
        if is_common and alias is not None and len(self.known) < self.most_known:
            self._alias(group, alias, record)
        return group, group is made

    def find_plain(self, record: logging.LogRecord, priority: int) -> tuple[Group, bool]:
        """The same for a common record without exception that has a text, or a template with words.

        With a durable store this is most of what a new record costs the program, and so it is
        written out in one piece.
        """
        msg: Any = record.msg
        alias: Any = msg
        key = b""
        if not record.args:
            key = text_key(msg)
            alias = key if len(key) <= _LONG_TEXT else hash(key)
        known = self.lookup(alias, record.name, record.levelno)
        if known is not None:
            return known, False
        subject = msg
        if key and not key.translate(None, _PUNCTUATION).isalpha():
            subject = fingerprint.normalize(msg)
        identity = ("text", record.name, record.levelno, "", subject, priority)
        made = Group(identity, record, priority)
        alike = self.urgent if priority > 0 else self.lesser
        if len(alike) >= self.max_groups and identity not in alike:
            group = self._others(made) if self.max_groups else made
            return group, group is made
        if alike.setdefault(identity, made) is not made:
            return self.find(record, priority, None, is_common=True)
        if self.known.setdefault(alias, made) is made:
            made.aliases = (alias,)
        else:
            self._alias(made, alias, record)
        return made, True

    def lookup(self, alias: Any, name: str, levelno: int) -> Group | None:
        """The open group of that logger and level that is known by this alias."""
        group = self.known.get(alias)
        if group is not None and (group.levelno != levelno or group.name != name):
            group = self.known.get((name, levelno, alias))
            if group is not None and group.levelno == CLOSED:
                return None
        return group

    def _others(self, made: Group) -> Group:
        """The group that counts further different messages together, by level and priority."""
        made.identity = ("other", made.levelno, made.priority)
        made.key = None
        return self._opened(made)

    def _opened(self, made: Group) -> Group:
        """The open group with the identity of a new one, which is that one if there is none."""
        alike = self.of_priority(made.priority)
        group = alike.setdefault(made.identity, made)  # of several threads the first wins
        if group.levelno == CLOSED:
            self.forget(group)
            group = alike.setdefault(made.identity, made)
        return group

    def _alias(self, group: Group, alias: Any, record: logging.LogRecord) -> None:
        if group.identity[0] == "other":
            return
        found = self.known.setdefault(alias, group)
        if found is not group:
            alias = (group.name, group.levelno, alias)
            self.known[alias] = group
        group.aliases += (alias,)
        if record.exc_info and type(record.exc_info) is tuple:
            group.aliases += (fingerprint.code_objects(*record.exc_info[1:]),)

    def forget(self, group: Group) -> None:
        """Take a closed group out of every lookup; what is still counted in it is read later."""
        group.close()
        if self.of_priority(group.priority).get(group.identity) is group:
            self._retire(group)
        for alias in group.aliases:
            if self.known.get(alias) is group:
                self.known.pop(alias, None)

    def _retire(self, group: Group) -> None:
        # Several threads may come here with the same group. Only ``pop`` decides who takes what.
        alike = self.of_priority(group.priority)
        taken = alike.pop(group.identity, None)
        if taken is None:
            return
        if taken is not group:
            if alike.setdefault(group.identity, taken) is taken:
                return  # another thread took the group out, and one that followed it was put in
            taken.close()
        self.retired.append((time.monotonic(), taken))

    def next_late_count(self) -> float | None:
        """When to read the closed groups again; None if there are none."""
        try:
            soon = self.retired[-1][0] + _SOON
            return soon if self._read_at < soon else self.retired[0][0] + _LATE_COUNTS
        except IndexError:
            return None

    def has_late_counts(self, now: float) -> bool:
        """Whether closed groups are to be read now: in their time, or so as not to fill memory."""
        due = self.next_late_count()
        return due is not None and (due <= now or len(self.retired) > _MANY_RETIRED)

    def with_unclaimed(self) -> list[tuple[Group, int]]:
        """The groups with repeats that were not handed over, and how many; for the worker.

        Closed groups come first: of groups with the same identity they are the earlier ones.
        """
        groups = [*(group for _, group in values_of(self.retired)), *self.open()]
        return [(group, repeats) for group in groups if (repeats := group.unclaimed())]

    def read(self, now: float) -> None:
        """All repeats were handed over, as of ``now``: drop groups that were closed long ago."""
        kept = next(seconds for many, seconds in _KEPT if len(self.retired) >= many)
        while self.retired and self.retired[0][0] + kept <= now:
            self.retired.popleft()
        for group in self.open():
            if group.levelno == CLOSED:  # its first record found no room or could not be read
                self.forget(group)
        self._read_at = now
