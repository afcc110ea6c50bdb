"""What the handler tells its operator: single lines on stderr, at most one a minute of a kind.

Never through ``logging``: a handler that logs its own failures feeds on itself.
"""

from __future__ import annotations

import sys
import time
from collections import deque

__all__ = ["Notices"]

INTERVAL = 60.0
"""Seconds between two lines of the same kind."""


class Notices:
    """The lines one process writes; what comes too soon after its like is counted, not written."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._withheld: dict[str, int] = {}
        self._later: deque[tuple[str, str]] = deque(maxlen=100)

    def leave(self, kind: str, text: str) -> None:
        """Have a line written by the courier: a logging call does no I/O."""
        self._later.append((kind, text))

    def say_what_was_left(self) -> None:
        """Write the lines that were left for the courier."""
        while self._later:
            self.say(*self._later.popleft())

    def say(self, kind: str, text: str) -> None:
        """Write one line, unless one of this kind was written within the last minute."""
        now = time.monotonic()
        if kind in self._last and now - self._last[kind] < INTERVAL:
            self._withheld[kind] = self._withheld.get(kind, 0) + 1
            return
        self._last[kind] = now
        withheld = self._withheld.pop(kind, 0)
        more = f" ({withheld} more like this since the last line)" if withheld else ""
        _write(f"pushover_logging: {text}{more}\n")


def _write(line: str) -> None:
    stream = sys.stderr
    try:
        stream.write(line)
        stream.flush()
    except Exception:  # noqa: BLE001, S110
        # stderr is None under pythonw, closed in daemons, or the user's own object: whoever took it
        # away cannot be told, and no alert may be lost over it.
        pass


NOTICES = Notices()
"""The process's own: a minute is a minute whichever handler speaks."""
