"""The store of a handler that was given no store: everything ends with the process."""

from __future__ import annotations

import os
import threading
import time
from collections import deque

from .base import Source, Taken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Literal

__all__ = ["MemoryStore"]


class MemoryStore:
    """Keeps notices and state in the memory of one process, which is always the sender."""

    durable: Literal[False] = False
    wire: Literal["marshal"] = "marshal"
    spool = None

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()  # guards everything below: `waiting` comes from any thread
        self._fresh: deque[tuple[int, bytes]] = deque()
        self._uncommitted: dict[int, bytes] = {}
        self._state: dict[str, bytes] = {}
        self.source: Source = os.urandom(8).hex()

    def prepare(self) -> None:
        """Does nothing: memory needs no module."""

    def append(self, notices: Sequence[tuple[int, bytes]]) -> None:
        with self._lock:
            self._fresh.extend(notices)

    def carry(self, transform: Callable[[bytes], bytes]) -> None:
        """Does nothing: memory needs no care."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        """Does nothing: no other process can be the sender."""

    def take(self, limit: int) -> Sequence[Taken]:
        with self._lock:
            taken = sorted(self._fresh.popleft() for _ in range(min(limit, len(self._fresh))))
            self._uncommitted.update(taken)
        return [Taken(self.source, seq, data) for seq, data in taken]

    def load(self) -> Mapping[str, bytes]:
        with self._lock:
            self._fresh.extendleft(reversed(self._uncommitted.items()))
            self._uncommitted.clear()
            return dict(self._state)

    def commit(self, changes: Mapping[str, bytes | None], taken: Mapping[Source, int]) -> None:
        with self._lock:
            for key, value in changes.items():
                if value is None:
                    self._state.pop(key, None)
                else:
                    self._state[key] = value
            last = taken.get(self.source, 0)
            for seq in [seq for seq in self._uncommitted if seq <= last]:
                del self._uncommitted[seq]

    def peek(self) -> Mapping[str, bytes]:
        with self._lock:
            return dict(self._state)

    def waiting(self) -> int:
        with self._lock:
            return len(self._fresh) + len(self._uncommitted)

    def others(self) -> bool:
        return False

    def now(self) -> float:
        return time.time()

    def problems(self) -> Sequence[str]:
        return ()

    def after_fork(self) -> None:
        """Starts empty: the parent delivers its own notices."""
        self._start()

    def close(self) -> None:
        """Does nothing: the worker has decided by now what happens to notices that remain."""
