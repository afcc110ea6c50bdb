"""What the handler tells its operator: lines on stderr, the user's callbacks, the fallback handler.

Nothing goes through ``logging``: a handler that logs its own failures feeds on itself.
"""

from __future__ import annotations

import logging
import sys
import time
from _thread import get_ident
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..notice import Snapshot

__all__ = ["DIAGNOSTICS", "Diagnostics", "call_safely", "fallback_for", "say", "say_later"]

INTERVAL = 60.0
"""Seconds between two lines of the same kind."""


class Diagnostics:
    """The lines of one process; a line that comes too soon after its like is counted instead."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._withheld: dict[str, int] = {}
        self.waiting: deque[tuple[str, str]] = deque(maxlen=100)
        """Lines that the worker is to write."""
        self.writing: set[int] = set()
        """Threads that write a line: if stderr leads into logging, what they log is that line."""

    def say_later(self, kind: str, text: str) -> None:
        """Have the worker write a line, because a logging call does no I/O."""
        self.waiting.append((kind, text))

    def say_what_waits(self) -> None:
        """Write the lines that were left for the worker."""
        while self.waiting:
            self.say(*self.waiting.popleft())

    def say(self, kind: str, text: str) -> None:
        """Write one line, unless one of this kind was written within the last minute."""
        now = time.monotonic()
        if kind in self._last and now - self._last[kind] < INTERVAL:
            self._withheld[kind] = self._withheld.get(kind, 0) + 1
            return
        self._last[kind] = now
        withheld = self._withheld.pop(kind, 0)
        more = f" ({withheld} more like this since the last line)" if withheld else ""
        self._write(f"pushover_logging: {' '.join(text.split())}{more}\n")

    def _write(self, line: str) -> None:
        stream = sys.stderr
        ident = get_ident()
        self.writing.add(ident)
        try:
            stream.write(line)
            stream.flush()
        except Exception:  # noqa: BLE001, S110
            # stderr is None under pythonw, closed in daemons, or the user's own object. No alert
            # may be lost over it.
            pass
        finally:
            self.writing.discard(ident)


DIAGNOSTICS = Diagnostics()
"""The process's own: the minute holds for all handlers together."""
say: Callable[[str, str], None] = DIAGNOSTICS.say
say_later: Callable[[str, str], None] = DIAGNOSTICS.say_later


def call_safely(name: str, function: Callable[..., object] | None, argument: object) -> None:
    """Call a function of the user's; delivery goes on whatever it raises, SystemExit too."""
    if function is None:
        return
    try:
        function(argument)
    except BaseException as error:  # noqa: BLE001 - SystemExit in a callback must not end delivery
        say(name, f"{name} failed: {type(error).__name__}")


def fallback_for(fallback: logging.Handler | str | None) -> Callable[[Snapshot, int], None] | None:
    """What gives the user's fallback handler a record that was lost, and a number of repeats."""
    if fallback is None:
        return None

    def hand_over(snapshot: Snapshot, repeats: int) -> None:
        from ..render.record import replay

        handler: logging.Handler | None
        if isinstance(fallback, str):
            # logging.getHandlerByName is new in Python 3.12.
            handler = getattr(logging, "_handlers", {}).get(fallback)
            if handler is None:
                say("fallback", f"fallback: no handler is named {fallback}")
        else:
            handler = fallback
        # A handler's level is checked by the logger, not by ``handle``.
        if handler is None or snapshot.levelno < handler.level:
            return
        record = replay(snapshot)
        if repeats > 0:
            record.msg = f"{record.getMessage()} (and {repeats} more like it)"
        call_safely("fallback", handler.handle, record)

    return hand_over
