"""Which records are the same trouble, and how often it happened: fingerprints and groups; pure.

A group's first record is pushed at once; while the group counts, a repeat costs the logging call
one lookup and one count. No clock is read here, and what a logging call runs takes no lock.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import logging
import re
from collections.abc import Callable, Hashable, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .alerts import Priority
from .notices import NOTICES
from .templates import by_template

if TYPE_CHECKING:
    from .incidents import Incident

__all__ = ["COMPARED", "Group", "Grouping", "Groups", "kept_of", "look_of", "tag_of"]

COMPARED = 512
"""So much of a text is compared; longer ones that begin alike are one group."""
_VARIABLE = re.compile(
    r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"  # UUIDs, parts of which may lack one
    r"|\b(?=\w*[0-9])\w+"
)
_has_digits = re.compile("[0-9]").search
_OTHERS = "other messages"
_REST = 60.0
"""Seconds a closed group is kept: a thread may still be about to count in it."""


@dataclass(frozen=True)
class Grouping:
    """How repeats are kept from ringing; seconds throughout."""

    interval: float = 300.0
    """After a push of a group its repeats are only counted for so long, then summed up in one push.

    0 makes no groups: every record is a push of its own, within ``max_per_minute``."""
    max_per_minute: int = 10
    """Pushes a minute; what is more waits, and goes out together in one digest."""
    max_groups: int = 1000
    """Groups known at a time; further different messages are counted together, by level."""
    key: str | Callable[[logging.LogRecord], object] | None = None
    """What makes records the same trouble, in place of the fingerprint: a template with the fields
    of a title, such as ``"{name} {funcName}"``, or a function of the record."""

    def __post_init__(self) -> None:
        if not self.interval >= 0:
            raise ValueError(f"grouping.interval is {self.interval}; expected 0 or more seconds")
        if self.max_per_minute < 1:
            raise ValueError(
                f"grouping.max_per_minute is {self.max_per_minute}; expected 1 or more"
            )
        if self.max_groups < 1:
            raise ValueError(f"grouping.max_groups is {self.max_groups}; expected 1 or more")
        if isinstance(self.key, str):
            by_template("grouping.key", self.key)  # which refuses what is none


Look = tuple[str, int, object, object]
"""What a record shows without being read: name, levelno, msg, and the type of its exception."""
Glimpse = tuple[Look, Any, float]
"""What is kept of a repeat: look, args, created. A whole record keeps alive what hangs on it."""


class Group:
    """One trouble: its first record is pushed, its repeats are counted until they are summed up."""

    __slots__ = (
        "_reads",
        "_ticket",
        "claimed",
        "count",
        "counting",
        "incident",
        "key",
        "last",
        "levelno",
        "noted",
        "priority",
        "tag",
        "until",
    )

    def __init__(
        self, key: Hashable, levelno: int, priority: Priority, tag: str | None = None
    ) -> None:
        self.key = key
        self.levelno = levelno
        self.priority = priority
        self.tag = tag
        """The tag its emergencies carry, by which they can be cancelled."""
        self.counting = False
        """Read in the logging call: a record of this group is a repeat, count it."""
        ticks = itertools.count()
        self.count = ticks.__next__
        """Count a repeat; exact from any number of threads."""
        self.last: Glimpse | None = None
        """The latest repeat."""
        self.noted: Any = None
        """The latest first record, as it was noted, for the summaries of its repeats."""
        self.claimed = 0
        """Repeats that were given to a push, or dropped."""
        self.until: float | None = None
        """When the interval ends; None while a push of it is on its way."""
        self.incident: Incident | None = None
        """The emergency that was last raised for it."""
        self._reads = 0
        self._ticket: list[None] = [None]

    def open(self) -> bool:
        """Whether the caller's record is the first, its repeats being counted from now on."""
        try:
            self._ticket.pop()  # atomic: of many callers one gets it
        except IndexError:
            return False
        self.counting = True
        return True

    def close(self) -> None:
        """The next record is a first one again."""
        if self.counting:
            self.counting = False
            self.until = None
            self._ticket.append(None)

    def unclaimed(self) -> int:
        """Repeats that no push stands for; callers take turns, under the delivery's lock."""
        ticks = self.count()  # an itertools.count is read by advancing it
        self._reads += 1
        return ticks - (self._reads - 1) - self.claimed

    def claim(self) -> int:
        """Take the repeats counted so far; callers take turns, under the delivery's lock."""
        repeats = self.unclaimed()
        self.claimed += repeats
        return repeats


class Groups:
    """The groups of one handler: logging calls find theirs here, the courier keeps their time."""

    def __init__(self, policy: Grouping) -> None:
        self._policy = policy
        key = policy.key
        self._key = by_template("grouping.key", key) if isinstance(key, str) else key
        self.quick: dict[object, Group] = {}
        """By what a record shows without being read; only logging calls look into it."""
        self.start_over({})

    def start_over(self, known: MutableMapping[Hashable, Group]) -> None:
        """Go on with the groups of a store."""
        self.quick.clear()
        self._by_key = known
        self._timers: list[tuple[float, int, Group]] = []
        self._sequence = itertools.count()
        self._idle: dict[Group, float] = {}
        """Closed groups and when they were closed, the longest closed first."""

    # In the logging call.

    def key_of(self, record: logging.LogRecord) -> Hashable | None:
        """What the policy's ``key`` says of a record; None without one, or if it fails."""
        if self._key is None:
            return None
        try:
            return str(self._key(record))
        except Exception as error:  # noqa: BLE001 - the user's; the fingerprint is as good
            NOTICES.leave("key", f"grouping.key failed: {type(error).__name__}")
            return None

    def find(
        self, record: logging.LogRecord, priority: Priority, key: Hashable | None = None
    ) -> Group:
        """The record's group, known or new; ``key`` is what the record itself says it is."""
        policy, known = self._policy, self._by_key
        tag = None if key is None else tag_of(key)
        if policy.interval == 0:
            return Group(None, record.levelno, priority, tag)
        wide = (fingerprint_of(record) if key is None else key), priority
        group = known.get(wide)
        if group is None:
            if len(known) >= policy.max_groups:
                # Many troubles: that one of them is over must not silence the others.
                wide, tag = ((_OTHERS, record.levelno), priority), None
            group = known.setdefault(wide, Group(wide, record.levelno, priority, tag))
        return group

    def remember(self, look: object, group: Group) -> None:
        """Let the next record of this look be found without being read."""
        if self._policy.interval == 0:
            return
        if len(self.quick) >= 4 * self._policy.max_groups:
            # Constant messages are back at once; texts with ids in them never were of use.
            self.quick.clear()
        self.quick[look] = group

    # The courier's thread.

    def rest(self, group: Group, now: float) -> None:
        """A push of it is out, or lost: count until the interval, or sooner the ringing, ends."""
        until = now + self._policy.interval
        if group.incident is not None and group.incident.rings(now):
            until = min(until, group.incident.expires_at)
        self.wait(group, until)

    def wait(self, group: Group, until: float) -> None:
        """Look at it again then."""
        if self._policy.interval:
            group.until = until
            heapq.heappush(self._timers, (until, next(self._sequence), group))

    def due(self, now: float) -> list[Group]:
        """The groups whose interval has ended, once each."""
        due = []
        while self._timers and self._timers[0][0] <= now:
            until, _, group = heapq.heappop(self._timers)
            if group.until == until:
                group.until = None
                due.append(group)
        return due

    def next_due(self) -> float | None:
        """When the next interval ends."""
        return self._timers[0][0] if self._timers else None

    def close(self, group: Group, now: float) -> None:
        """Its interval passed without a repeat; the next record is a first one."""
        group.close()
        self._idle.pop(group, None)
        self._idle[group] = now

    def forget_idle(self, now: float) -> None:
        """Forget groups closed for long, once half the room is taken.

        Not at once: a thread that was stopped before it could count one more may still go on.
        """
        while self._idle and len(self._by_key) * 2 > self._policy.max_groups:
            group = next(iter(self._idle))
            if self._idle[group] + _REST > now:
                return
            del self._idle[group]
            if not group.counting:
                self._forget_or_keep(group, now)

    def _forget_or_keep(self, group: Group, now: float) -> None:
        if group.unclaimed():
            self.wait(group, now)
        elif self._by_key.get(group.key) is group:
            del self._by_key[group.key]

    def unclaimed(self) -> int:
        """Repeats that no push stands for."""
        return sum(group.unclaimed() for group in self.everyone())

    def unfinished(self) -> list[Group]:
        """The groups that count, or have counted what no push stands for."""
        return [group for group in self.everyone() if group.counting or group.unclaimed()]

    def everyone(self) -> list[Group]:
        """All groups that are known, open or closed."""
        return list(self._by_key.values())


def tag_of(key: Hashable) -> str:
    """The tag of the emergencies of a record's own key, in characters any tag may have."""
    return "key-" + hashlib.sha256(str(key).encode("utf-8", "replace")).hexdigest()[:20]


def fingerprint_of(record: logging.LogRecord) -> Hashable:
    """What is the same for records of the same trouble.

    The logger, the level, the type of the exception, and the message template; a message without
    arguments has its digits and ids taken out, so that an f-string in a loop is one group.
    """
    msg, trouble = record.msg, record.exc_info
    if not (record.args and type(msg) is str and len(msg) <= COMPARED):
        msg = _template(record)
    return record.name, record.levelno, msg, trouble and _trouble(record)


def look_of(record: logging.LogRecord) -> Look:
    """What a record shows without being read; of one look is one trouble."""
    return record.name, record.levelno, record.msg, _trouble(record)


def kept_of(record: logging.LogRecord) -> Glimpse:
    """What is kept of a repeat until it is summed up; a message that is no text is not."""
    name, levelno, msg, trouble = look_of(record)
    kept = msg if type(msg) is str else None  # an exception would keep its frames alive
    return (name, levelno, kept, trouble), record.args, record.created


def _trouble(record: logging.LogRecord) -> object:
    trouble = record.exc_info
    return trouble[0] if isinstance(trouble, tuple) else trouble


def _template(record: logging.LogRecord) -> Hashable:
    msg = record.msg
    if isinstance(msg, str) and record.args:
        return msg[:COMPARED]
    try:
        text = str(msg)[:COMPARED]
    except Exception:  # noqa: BLE001 - the user's object; where it was logged tells it apart
        text = f"{record.pathname}:{record.lineno}"
    # To look for a digit first costs a tenth of what taking out costs.
    return type(msg), _VARIABLE.sub("#", text) if _has_digits(text) else text
