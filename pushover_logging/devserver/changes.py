"""One lock for all that the server holds, and a way to hear of everything that happens to it."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Changes(threading.Condition):
    """A condition whose ``notify_all`` also calls those who follow, with the lock held."""

    def __init__(self) -> None:
        super().__init__()
        self._followers: list[Callable[[], None]] = []

    def follow(self, follower: Callable[[], None]) -> None:
        """Call this at every change; it must be quick and must not raise."""
        self._followers.append(follower)

    def notify_all(self) -> None:
        """Something happened: tell all who wait or follow."""
        super().notify_all()
        for follower in self._followers:
            follower()
