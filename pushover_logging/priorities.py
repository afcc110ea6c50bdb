"""Decides how urgent a push is by the level of its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from .client.constants import Priority
from .converters import deep_plain, kind_of, to_level, to_priority
from .defaults import PRIORITIES, ByLevel

__all__ = ["PriorityTable", "priority_table"]

_DEFAULTS: Final[Mapping[int, Priority | None]] = {
    level: Priority(priority) for level, priority in PRIORITIES
}


@dataclass(frozen=True)
class PriorityTable:
    """Which priority each logging level has; None is a level that is not pushed.

    A level takes the entry of the nearest threshold at or below it; a level under the lowest
    threshold takes the lowest threshold's.
    """

    thresholds: tuple[tuple[int, Priority | None], ...] = tuple(_DEFAULTS.items())
    """Levels in rising order, each with what holds from it on; at least one."""
    by_level: ByLevel = field(init=False, repr=False, compare=False)
    """The answer for any level, at the price of one dict lookup: ``by_level[levelno]``."""

    def __post_init__(self) -> None:
        # Plain numbers: as an index into the lanes, a member of an enum takes three times as long.
        numbers = ((level, None if p is None else int(p)) for level, p in self.thresholds)
        object.__setattr__(self, "by_level", ByLevel(tuple(numbers)))

    def for_level(self, levelno: int) -> Priority | None:
        """Return the priority of records of this level, None if they are not pushed."""
        priority = self.by_level[levelno]
        return None if priority is None else Priority(priority)


def priority_table(priorities: object = None) -> PriorityTable:
    """Return the table for the option ``priorities``: its entries laid over the defaults.

    The defaults are DEBUG LOWEST, INFO LOW, WARNING NORMAL, and from ERROR on EMERGENCY.
    """
    if isinstance(priorities, PriorityTable):
        return priorities
    entries = deep_plain({} if priorities is None else priorities)
    if not isinstance(entries, Mapping):
        raise TypeError(
            f"priorities is {kind_of(priorities)}; expected a mapping of levels to priorities"
        )
    return PriorityTable(tuple(sorted(({**_DEFAULTS, **_thresholds(entries)}).items())))


def _thresholds(entries: Mapping[object, object]) -> dict[int, Priority | None]:
    thresholds: dict[int, Priority | None] = {}
    for name, entry in entries.items():
        level = to_level(name, "a level in priorities")
        if level in thresholds:
            raise ValueError(f"priorities names level {level} twice; expected one entry for it")
        thresholds[level] = to_priority(entry, f"priorities[{name}]")
    return thresholds
