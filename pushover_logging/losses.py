"""What found no room: counted, said on stderr, handed to the fallback, and reported in a push."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

from .grouping import Groups
from .intake import Intake
from .notices import NOTICES
from .parcels import Parcel, Post, Share
from .room import Room

__all__ = ["Losses"]

Item = TypeVar("Item")


class Losses(Generic[Item]):
    """The losses of one handler; runs on the courier's thread."""

    def __init__(
        self,
        post: Post[Item],
        intake: Intake,
        room: Room[Item],
        groups: Groups,
        lock: threading.RLock,
    ) -> None:
        self._post = post
        self._intake = intake
        self._room = room
        self._groups = groups
        self._lock = lock
        self._given_up: deque[Share[Item]] = deque()
        self._said = 0
        self._reported: dict[int, int] = {}

    def give_up(self, shares: Sequence[Share[Item]]) -> None:
        """Hand these over with the next step; the caller, unlike the fallback, holds the lock."""
        self._given_up.extend(shares)

    def hand_over(self, now: float) -> None:
        """Say what was lost, and give it to whom it may concern."""
        with self._lock:
            turned_away = sum(self._intake.turned_away().values())
        news, self._said = turned_away - self._said, turned_away
        if news:
            capacity = self._intake.capacity
            NOTICES.say(
                "full", f"{news} of the least urgent records dropped: {capacity} wait already"
            )
            self._sum_up_the_evicted(now)
        while self._given_up:
            self._post.lost(self._given_up.popleft())
        while self._intake.evicted:
            group, item = self._intake.evicted.popleft()
            self._groups.let_idle(group, now)
            self._post.lost(Share(group, 1, item))

    def report(self, now: float) -> Parcel[Item] | None:
        """A push that says how many were lost, once all that was not has gone; under the lock."""
        losses = self._intake.turned_away()
        if losses == self._reported or not self._room.is_empty():
            return None
        news = {
            level: count - self._reported.get(level, 0)
            for level, count in losses.items()
            if count != self._reported.get(level)
        }
        self._reported = losses
        alert = self._post.report_losses(news, self._intake.capacity)
        return Parcel((), alert.priority, now, alert)

    def _sum_up_the_evicted(self, now: float) -> None:
        """See that what a group has counted is said, though its first record never will be."""
        with self._lock:
            for group in self._groups.unfinished():
                if not group.counting and group.until is None:
                    self._groups.wait(group, now)
