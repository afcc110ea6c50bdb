"""Watches over emergencies that ring: asks for acknowledgements, cancels what is resolved."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Hashable
from typing import Any

from .alerts import Alert, Priority
from .client.errors import PushoverError
from .grouping import Groups
from .groups import tag_of
from .incidents import Incident, IncidentReport, Incidents, IncidentState
from .notices import NOTICES
from .parcels import Parcel, Post
from .stores import Store

__all__ = ["Watch"]

_MOST_TO_CANCEL = 1000


class Watch:
    """The emergencies of one handler; runs on the courier's thread."""

    def __init__(
        self,
        post: Post[Any],
        store: Store[Any],
        resolved: deque[Hashable],
        groups: Groups,
        lock: threading.RLock,
        *,
        someone_listens: bool,
        patience: float,
    ) -> None:
        """``resolved`` are the keys of troubles that are over, as logging calls leave them.

        ``patience`` is how many seconds to wait before a cancel is repeated.
        """
        self._post = post
        self._groups = groups
        self._lock = lock
        self._patience = patience
        self._incidents = Incidents(store.incidents, someone_listens=someone_listens)
        self._resolved = resolved
        self._to_cancel: dict[str, float] = {}
        """Tags whose ringing is to end, and when to tell the service, which may be in trouble."""

    def reports(self) -> tuple[IncidentReport, ...]:
        return self._incidents.reports()

    def next_due(self) -> float | None:
        """When to look again whether there is something to ask or to cancel."""
        due = [*self._to_cancel.values(), self._incidents.next_question()]
        return min((at for at in due if at is not None), default=None)

    def rings(self, parcel: Parcel[Any], alert: Alert, receipt: str, now: float) -> None:
        """An emergency was accepted; the caller holds the lock."""
        groups = [s.group for s in parcel.shares if s.group.priority == Priority.EMERGENCY]
        incident = self._incidents.open(receipt, alert.title, groups, alert.expire, now)
        for group in groups:
            group.incident = incident

    def ask(self, now: float) -> bool:
        """Ask the service about one emergency, if it is time; whether it did."""
        with self._lock:
            incident = self._incidents.to_ask(now)
        if incident is None:
            return False
        try:
            news = self._post.ask(incident.receipt)
        except PushoverError:
            # It is asked again in its time; trouble that stops sending is met by the next push.
            return True
        with self._lock:
            incident.heed(news)
            if not incident.rings(now):
                self._wait_out(incident, now)
        if news.acknowledged:
            self._post.acknowledged(news)
        return True

    def take_resolved(self, now: float) -> list[str]:
        """The tags of troubles that are over since the last look."""
        tags = []
        while self._resolved:
            tag = tag_of(self._resolved.popleft())
            tags.append(tag)
            with self._lock:
                if self._incidents.resolve(tag, now) and len(self._to_cancel) < _MOST_TO_CANCEL:
                    self._to_cancel[tag] = now
        return tags

    def cancel_the_resolved(self, now: float) -> None:
        """Tell the service to end the ringing of what is over."""
        for tag, at in list(self._to_cancel.items()):
            if at <= now:
                self._cancel(tag, now)

    def _wait_out(self, incident: Incident, now: float) -> None:
        """If the trouble goes on, it may ring again: answered, after an interval, else at once."""
        answered = incident.state is IncidentState.ACKNOWLEDGED
        for group in incident.groups:
            if answered:
                incident.counted_then[group] = group.claimed + group.unclaimed()
            if group.incident is incident and group.until is not None:
                (self._groups.rest if answered else self._groups.wait)(group, now)

    def _cancel(self, tag: str, now: float) -> None:
        del self._to_cancel[tag]
        try:
            self._post.cancel(tag)
        except PushoverError as error:
            NOTICES.say("cancel", f"an emergency could not be cancelled: {error}")
            if error.retryable:
                self._to_cancel[tag] = now + self._patience
            self._post.failed(error)
