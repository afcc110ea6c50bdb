"""Decides how urgent a push is by the level of its record."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from .client.constants import Priority
from .converters import deep_plain, kind_of, to_level, to_priority

__all__ = ["PriorityTable", "priority_table"]

_DEFAULTS: Final[Mapping[int, Priority | None]] = {
    logging.DEBUG: Priority.LOWEST,
    logging.INFO: Priority.LOW,
    logging.WARNING: Priority.NORMAL,
    logging.ERROR: Priority.EMERGENCY,
}
_REMEMBERED_LEVELS: Final = 256


class _ByLevel(dict[int, Priority | None]):
    """A dict that works out a level it has not met, and remembers a bounded number of them."""

    def __init__(self, thresholds: tuple[tuple[int, Priority | None], ...]) -> None:
        super().__init__(thresholds)
        self._thresholds = thresholds

    def __missing__(self, levelno: int) -> Priority | None:
        reached = [priority for level, priority in self._thresholds if level <= levelno]
        priority = reached[-1] if reached else self._thresholds[0][1]
        if len(self) < _REMEMBERED_LEVELS:
            self[levelno] = priority
        return priority


@dataclass(frozen=True)
class PriorityTable:
    """Which priority each logging level has; None is a level that is not pushed.

    A level takes the entry of the nearest threshold at or below it; a level under the lowest
    threshold takes the lowest threshold's.
    """

    thresholds: tuple[tuple[int, Priority | None], ...] = tuple(_DEFAULTS.items())
    """Levels in rising order, each with what holds from it on; at least one."""
    by_level: Mapping[int, Priority | None] = field(init=False, repr=False, compare=False)
    """The answer for any level, at the price of one dict lookup: ``by_level[levelno]``."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_level", _ByLevel(self.thresholds))

    def for_level(self, levelno: int) -> Priority | None:
        """Return the priority of records of this level, None if they are not pushed."""
        return self.by_level[levelno]


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
