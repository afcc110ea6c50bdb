"""Which records are the same trouble, and how often it happened: fingerprints and their groups.

A group's first record is pushed at once; while the group counts, a repeat costs the logging call
one lookup and one count. All of this runs in logging calls: it takes no lock and loads nothing.
"""

from __future__ import annotations

import itertools
import re
from collections import deque
from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Hashable
    from typing import Any

    from .incidents import Incident

    Look = tuple[str, int, Any, object]
    Glimpse = tuple[Any, Any, float, str, int]
    """What is kept of a repeat: msg, args, created, name, levelno. A whole record keeps alive what
    hangs on it."""

__all__ = ["COMPARED", "Group", "glimpse_of", "kind_of_trouble", "look_of", "template_of"]

COMPARED = 512
"""So much of a text is compared; longer ones that begin alike are one group."""
_VARIABLE = (
    r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"  # UUIDs, parts of which may lack one
    r"|\b(?=\w*[0-9])\w+"
)


class Group:
    """One trouble: its first record is pushed, its repeats are counted until they are summed up."""

    # What logging calls read and write has a slot; the rest is made when it first differs from the
    # class's, for a new record should cost the program as little as can be.
    __slots__ = (
        "__dict__",
        "counting",
        "key",
        "last",
        "levelno",
        "name",
        "noted",
        "priority",
        "ticks",
        "trouble",
    )

    ticks: itertools.count[int]
    """Advanced by each repeat, and exact from any number of threads; set by the first one."""
    claimed = 0
    """Repeats that were given to a push, or dropped."""
    until: float | None = None
    """When the interval ends; None while a push of it is on its way."""
    incident: Incident | None = None
    """The emergency that was last raised for it."""
    own_key: Hashable | None = None
    """What the record itself, or ``grouping.key``, says it is."""
    _reads = 0

    def __init__(
        self,
        key: Hashable,
        name: str,
        levelno: int,
        trouble: object,
        priority: int,
        noted: Any = None,
        own_key: Hashable | None = None,
    ) -> None:
        if own_key is not None:
            self.own_key = own_key
        self.key = key
        self.name = name
        self.levelno = levelno
        self.trouble = trouble
        """The type of its exceptions."""
        self.priority = priority
        self.noted = noted
        """The latest first record, as it was noted, for the summaries of its repeats."""
        self.counting = True
        """Read in the logging call: a record of this group is a repeat, count it."""
        self.last: Glimpse | None = None
        """The latest repeat."""

    def is_of(self, name: str, levelno: int, trouble: object, priority: int) -> bool:
        """Whether its records have these in common, besides the message."""
        return (self.name, self.levelno, self.trouble, self.priority) == (
            name,
            levelno,
            trouble,
            priority,
        )

    @property
    def tag(self) -> str | None:
        """The tag its emergencies carry, by which they can be cancelled; not for logging calls."""
        return None if self.own_key is None else tag_of(self.own_key)

    def reopen(self) -> bool:
        """Whether, of a closed group, the caller's record is the first of those to come."""
        try:
            self._ticket().pop()  # atomic: of many callers one gets it
        except IndexError:
            return False
        self.counting = True
        return True

    def close(self) -> None:
        """The next record is a first one again."""
        if self.counting:
            self.counting = False
            self.until = None
            self._ticket().append(None)

    def count(self, glimpse: Glimpse) -> None:
        """Count a repeat."""
        self.last = glimpse
        # Of several threads with the first repeat, setdefault makes all count in one.
        self.ticks = self.__dict__.setdefault("counter", itertools.count())
        next(self.ticks)

    def unclaimed(self) -> int:
        """Repeats that no push stands for; callers take turns, under the delivery's lock."""
        if "counter" not in self.__dict__:
            return 0
        ticks: int = next(self.__dict__["counter"])  # a count is read by advancing it
        self._reads += 1
        return ticks - (self._reads - 1) - self.claimed

    def claim(self) -> int:
        """Take the repeats counted so far; callers take turns, under the delivery's lock."""
        repeats = self.unclaimed()
        self.claimed += repeats
        return repeats

    def _ticket(self) -> deque[None]:
        """Holds the right to be the first; one, though two close it at once."""
        ticket: deque[None] = self.__dict__.setdefault("ticket", deque(maxlen=1))
        return ticket


def tag_of(key: Hashable) -> str:
    """The tag of the emergencies of a record's own key, in characters any tag may have."""
    import hashlib  # only the courier asks, for whom requests has loaded it

    return "key-" + hashlib.sha256(str(key).encode("utf-8", "replace")).hexdigest()[:20]


def has_digits(text: str) -> bool:
    """Whether there is one of 0 to 9 in it: written out, for a pattern or a loop takes longer."""
    return (
        "0" in text
        or "1" in text
        or "2" in text
        or "3" in text
        or "4" in text
        or "5" in text
        or "6" in text
        or "7" in text
        or "8" in text
        or "9" in text
    )


def look_of(record: logging.LogRecord) -> Look:
    """What a record shows without being read."""
    return record.name, record.levelno, record.msg, kind_of_trouble(record)


def glimpse_of(record: logging.LogRecord) -> Glimpse:
    """What is kept of a repeat until it is summed up; a message that is no text is not."""
    msg = record.msg if type(record.msg) is str else None  # an exception keeps its frames alive
    return msg, record.args, record.created, record.name, record.levelno


def kind_of_trouble(record: logging.LogRecord) -> object:
    """The type of the record's exception, as far as ``exc_info`` is what it should be."""
    trouble = record.exc_info or None
    return trouble[0] if isinstance(trouble, tuple) else trouble


def template_of(record: logging.LogRecord) -> Hashable:
    """The message without what differs from one time to the next."""
    msg = record.msg
    if isinstance(msg, str) and record.args:
        return msg[:COMPARED]
    try:
        text = str(msg)[:COMPARED]
    except Exception:  # noqa: BLE001 - the user's object; where it was logged tells it apart
        text = f"{record.pathname}:{record.lineno}"
    # To look for a digit first costs a tenth of what taking out costs.
    if has_digits(text):
        text = _variable().sub("\0", text)
    return text if type(msg) is str else (type(msg), text)


@cache
def _variable() -> re.Pattern[str]:
    """Compiled when the first such text comes: it takes longer than the whole module."""
    return re.compile(_VARIABLE)
