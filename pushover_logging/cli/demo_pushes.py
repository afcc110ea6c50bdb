"""The pushes that the local server gets in the demo; also acknowledges, and causes an outage."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from pushover_logging.client.constants import Priority

from .table import Table

_TIMEOUT = 5.0
_OUTAGE_AFTER = 2
"""Pushes that arrive before the server is made to fail."""
_OUTAGE_REQUESTS = 3
"""Requests that it then answers with 500."""
_RINGS_FOR = 1.0
"""Seconds before somebody acknowledges an emergency."""
_STANDS_FOR = re.compile(" \N{MULTIPLICATION SIGN}(\\d+)\\Z")


class PushDisplay:
    """The pushes of a local server, as lines of a table."""

    def __init__(self, base_url: str, table: Table) -> None:
        self.pushes: int = 0
        self.records: int = 0
        """Records that the pushes stand for, by what their titles say."""
        self._base_url = base_url
        self._table = table
        self._ringing: list[tuple[float, str, str]] = []
        self._outage_begun = self._outage_ended = False
        import urllib.request  # only the demo needs it, and every command loads this module

        # A proxy of the environment does not lead to this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def show_news(self) -> None:
        """Show the pushes since the last call, then acknowledge emergencies that are due."""
        for message in self._call("messages")[self.pushes :]:
            if self._outage_begun and not self._outage_ended:
                self._outage_ended = True
                self._table.event(f"the service is back; {self._refused()} requests failed")
            self._show(message)
        if self.pushes >= _OUTAGE_AFTER and not self._outage_begun:
            self._outage_begun = True
            self._call("faults", kind="status", status=500, count=_OUTAGE_REQUESTS)
            self._table.event("the service fails and answers HTTP 500; the application continues")
        self._acknowledge_what_rang()

    def ring_out(self) -> None:
        """Acknowledge every emergency that still rings."""
        self._acknowledge_what_rang(at_once=True)

    def _show(self, message: dict[str, Any]) -> None:
        fields = message["params"]
        priority = Priority(int(fields.get("priority", 0)))
        self.pushes += 1
        title, lines = fields.get("title", ""), fields["message"].splitlines()
        count = _STANDS_FOR.search(title)
        self.records += int(count[1]) if count else 1
        # The first line of a single record is enough; a summary or digest needs all lines.
        self._table.push(priority, title, lines if count else lines[:1])
        if message["receipt"]:
            due = time.monotonic() + _RINGS_FOR
            self._ringing.append((due, message["receipt"], title))

    def _acknowledge_what_rang(self, *, at_once: bool = False) -> None:
        while self._ringing and (at_once or self._ringing[0][0] <= time.monotonic()):
            _, receipt, title = self._ringing.pop(0)
            self._call(f"acknowledge/{receipt}", device="phone")
            self._table.event(f"somebody acknowledged {title}; it stops ringing")

    def _refused(self) -> int:
        return sum(request["status"] == 500 for request in self._call("requests"))

    def _call(self, control: str, **options: object) -> Any:
        import urllib.request

        request = urllib.request.Request(
            f"{self._base_url}/dev/{control}", json.dumps(options).encode() if options else None
        )
        with self._opener.open(request, timeout=_TIMEOUT) as answer:
            return json.load(answer)
