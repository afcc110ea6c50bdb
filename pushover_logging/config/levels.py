"""Logging levels and the Pushover priority of each."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping

from ..client.constants import Priority
from .parsing import deep_plain, kind_of, masked, nearest, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    Thresholds = tuple[tuple[int, int | None], ...]
    """Levels in rising order, each with the priority from there on; None is not pushed."""

__all__ = ["PRIORITIES", "PriorityByLevel", "read_priorities", "to_level", "to_priority"]

PRIORITIES = ((10, -2), (20, -1), (30, 0), (40, 2))
"""The default: DEBUG is LOWEST, INFO LOW, WARNING NORMAL, ERROR and above EMERGENCY."""
_REMEMBERED_LEVELS = 256
_EXPECTED_PRIORITY = f"{', '.join(Priority.__members__)}, a number from -2 to 2, or None"


class PriorityByLevel(dict[int, "int | None"]):
    """The priority of any level at the cost of a dict lookup; None is a level that is not pushed.

    A level takes the entry of the nearest threshold at or below it. A level below all thresholds
    takes the entry of the lowest. At most 256 levels are remembered.
    """

    def __init__(self, thresholds: Thresholds = PRIORITIES) -> None:
        """``thresholds`` holds at least one level."""
        super().__init__(thresholds)
        self._thresholds = thresholds

    def __missing__(self, levelno: int) -> int | None:
        reached = [priority for level, priority in self._thresholds if level <= levelno]
        priority = reached[-1] if reached else self._thresholds[0][1]
        if len(self) < _REMEMBERED_LEVELS:
            self[levelno] = priority
        return priority


def read_priorities(value: object, option: str) -> Thresholds:
    """Return the thresholds in a mapping of levels to priorities, merged over the default."""
    entries = deep_plain(value)
    if not isinstance(entries, Mapping):
        raise TypeError(f"{option} is {kind_of(value)}; expected a mapping of levels to priorities")
    thresholds: dict[int, int | None] = {}
    for name, entry in entries.items():
        level = to_level(name, f"a level in {option}")
        if level in thresholds:
            raise ValueError(f"{option} names level {level} twice; expected a single entry")
        priority = to_priority(entry, f"{option}[{masked(str(name))}]")
        # Plain numbers: a member of an enum takes three times as long as an index.
        thresholds[level] = None if priority is None else int(priority)
    return tuple(sorted({**dict(PRIORITIES), **thresholds}.items()))


def to_level(value: object, option: str) -> int:
    """Return a logging level given by number, digits or name; custom names work too."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"{option} is {kind_of(value)}; expected the name or number of a level")
    try:
        return int(value)
    except ValueError:
        pass  # not digits, so it must be a name
    if sys.version_info >= (3, 11):
        levels: Mapping[str, int] = logging.getLevelNamesMapping()
    else:
        levels = logging._nameToLevel  # Python 3.10 has no public name for it
    name = str(value).strip()
    by_lower = {known.lower(): level for known, level in levels.items()}
    found = levels.get(name, by_lower.get(name.lower()))
    if found is None:
        hint = nearest(name, levels)
        raise ValueError(f"{option} is {shown(name)}; expected the name or number of a level{hint}")
    return found


def to_priority(value: object, option: str) -> Priority | None:
    """Return the priority that a member, number or name stands for; None means "not pushed"."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"{option} is {kind_of(value)}; expected {_EXPECTED_PRIORITY}")
    name = value.strip().upper() if isinstance(value, str) else ""
    if name == "NONE":
        return None
    try:
        return Priority[name] if name in Priority.__members__ else Priority(int(value))
    except ValueError:
        hint = nearest(name, Priority.__members__) if name else ""
        raise ValueError(
            f"{option} is {shown(value)}; expected {_EXPECTED_PRIORITY}{hint}"
        ) from None
