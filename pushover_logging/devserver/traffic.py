"""What kind of guest a client is: its requests, and how many connections it keeps open."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

KEPT = 20_000
"""So many requests are kept, the newest."""
KEPT_BYTES = 256 * 1024 * 1024
"""So much of their bodies; the oldest requests go where they are larger."""


@dataclass
class SeenRequest:
    """One request to the service, answered or not.

    ``params`` holds the body's fields, or the query's for a GET, with the token. ``status`` stays
    None where no answer went out. ``started_at`` and ``ended_at`` are times of ``time.monotonic``.
    """

    number: int
    method: str
    path: str
    query: str = field(repr=False)
    client_port: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    status: int | None = None
    fault: str | None = None
    started_at: float = field(default_factory=time.monotonic)
    ended_at: float | None = None


class Traffic:
    """All requests, and the most connections and requests there were at once.

    Takes no lock: whoever shares it between threads brings the lock.
    """

    def __init__(self) -> None:
        self.open_connections = 0
        self.in_flight = 0
        self.forget()

    def forget(self) -> None:
        """Forget what was; what is open and in flight counts on."""
        self.requests: list[SeenRequest] = []
        self.seen = 0
        self._bytes = 0
        self.max_connections = self.open_connections
        self.max_in_flight = self.in_flight

    def note_connections(self, now_open: int) -> None:
        """So many connections are open now."""
        self.open_connections = now_open
        self.max_connections = max(self.max_connections, now_open)

    def begin(self, request: SeenRequest) -> None:
        """A request has arrived whole."""
        self.seen += 1
        request.number = self.seen
        self.requests.append(request)
        self._bytes += len(request.body)
        while len(self.requests) > KEPT or self._bytes > KEPT_BYTES:
            self._bytes -= len(self.requests.pop(0).body)
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def end(self, request: SeenRequest, status: int | None) -> None:
        """A request is about to be answered, or will never be; only the first end counts."""
        if request.ended_at is None:
            request.status = status
            request.ended_at = time.monotonic()
            self.in_flight -= 1
