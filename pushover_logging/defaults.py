"""The defaults of the handler's options, in one place that costs nothing to load."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Hashable

__all__ = ["ByLevel", "Terms"]

PRIORITIES = ((10, -2), (20, -1), (30, 0), (40, 2))
"""Levels and the priority from each on: DEBUG LOWEST, INFO LOW, WARNING NORMAL, ERROR EMERGENCY."""
TITLE = "{levelname} {name}"
RETRY = 60
EXPIRE = 3600
QUOTA_RESERVE = 500
CAPACITY = 1000
EXIT_TIMEOUT = 5.0
TIMEOUT = (5.0, 10.0)
IGNORE = ("pushover_logging", "requests", "urllib3", "charset_normalizer")
INTERVAL = 300.0
MAX_PER_MINUTE = 10
MAX_GROUPS = 1000

_REMEMBERED_LEVELS = 256


class ByLevel(dict[int, "int | None"]):
    """The priority for any level at the price of one lookup; None is a level that is not pushed.

    A level takes the entry of the nearest threshold at or below it; a level under the lowest
    threshold takes the lowest threshold's. A bounded number of levels is remembered.
    """

    def __init__(self, thresholds: tuple[tuple[int, int | None], ...] = PRIORITIES) -> None:
        """Levels in rising order, each with what holds from it on; at least one."""
        super().__init__(thresholds)
        self._thresholds = thresholds

    def __missing__(self, levelno: int) -> int | None:
        reached = [priority for level, priority in self._thresholds if level <= levelno]
        priority = reached[-1] if reached else self._thresholds[0][1]
        if len(self) < _REMEMBERED_LEVELS:
            self[levelno] = priority
        return priority


class Terms:
    """What logging calls must know of a handler's options; here, those of a handler without any."""

    def __init__(
        self,
        *,
        priorities: ByLevel | None = None,
        ignore: tuple[str, ...] = IGNORE,
        own_key: Callable[[logging.LogRecord], Hashable | None] | None = None,
        shows_more: bool = False,
        capacity: int = CAPACITY,
        most_groups: int = MAX_GROUPS,
        exit_timeout: float = EXIT_TIMEOUT,
    ) -> None:
        self.priorities = priorities or ByLevel()
        self.ignore = ignore
        self.own_key = own_key
        """What says which trouble a record belongs to, in place of its fingerprint."""
        self.shows_more = shows_more
        """A push shows something of the record that may change after the logging call."""
        self.capacity = capacity
        self.most_groups = most_groups
        """Groups that may be known at a time; 0: each record is one of its own."""
        self.exit_timeout = exit_timeout
