"""The inbox as it happens: a stream of server-sent events for each page that is open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from starlette.types import Receive, Scope, Send

from pushover_logging.devserver import views
from pushover_logging.devserver.page import HEADERS
from pushover_logging.devserver.state import ReceivedMessage

if TYPE_CHECKING:
    from pushover_logging.devserver.server import DevServer

STILL_HERE_SECONDS = 15.0
"""After this long without news a comment goes out, so that nobody on the way gives up."""
BREATH_SECONDS = 0.05
"""Between two looks: a storm of pushes reaches the page in batches."""

_NEVER = -1


class EventStream:
    """The app at ``/inbox/events``.

    ``hello`` tells the figures and the newest push there is, and means that the page starts over;
    ``pushes`` tells of new ones, ``emergencies`` what became of old ones, ``figures`` the rest.
    """

    def __init__(self, server: DevServer) -> None:
        self._server = server
        self._readers: set[asyncio.Event] = set()

    def wake(self) -> None:
        """Let every reader look for news. From any thread."""
        if self._readers:
            self._server.call_soon(self._wake)

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        headers = {**HEADERS, "Content-Type": "text/event-stream"}
        pairs = [(name.lower().encode(), text.encode()) for name, text in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": pairs})
        news = asyncio.Event()
        gone = asyncio.ensure_future(_until_gone(receive))
        self._readers.add(news)
        try:
            await self._tell(News(self._server), news, gone, send)
        finally:
            self._readers.discard(news)
            gone.cancel()

    async def _tell(
        self, reader: News, news: asyncio.Event, gone: asyncio.Future[None], send: Send
    ) -> None:
        while not gone.done():
            news.clear()
            text = "".join(reader.look()) or ": still here\n\n"
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
            await asyncio.wait({gone}, timeout=BREATH_SECONDS)
            await _first(gone, news)

    def _wake(self) -> None:
        for news in self._readers:
            news.set()


class News:
    """What one page has been told, and so what is new to it."""

    def __init__(self, server: DevServer) -> None:
        self._server = server
        self._account = server.account
        self._life = _NEVER
        self._number = 0
        self._figures: views.View = {}
        self._unsettled: dict[int, tuple[str, tuple[object, ...]]] = {}

    def look(self) -> Iterator[str]:
        """Everything that is new, as events."""
        with self._server.changed:
            if self._life != self._account.life:
                yield self._start_over()
            yield from self._pushes()
            yield from self._emergencies()
            yield from self._changed_figures()

    def _start_over(self) -> str:
        self._life = self._account.life
        self._number = self._account.received
        self._figures = self._server.figures()
        self._unsettled = {}
        self._watch(self._account.messages)
        now = self._account.clock()
        return _event("hello", {"newest": self._number, "now": now, **self._figures})

    def _pushes(self) -> Iterator[str]:
        fresh = self._account.messages_since(self._number)
        if fresh:
            self._number = self._account.received
            self._watch(fresh)
            yield _event("pushes", [views.push(self._account, each) for each in reversed(fresh)])

    def _watch(self, messages: list[ReceivedMessage]) -> None:
        now = self._account.clock()
        for message in messages:
            found = self._account.emergencies.get(message.receipt or "")
            if found is not None and not found.is_settled(now):
                self._unsettled[message.number] = (found.receipt, found.fate)

    def _emergencies(self) -> Iterator[str]:
        changed = []
        now = self._account.clock()
        for number, (receipt, told) in list(self._unsettled.items()):
            found = self._account.emergencies.get(receipt)
            if found is not None and found.fate != told:
                changed.append({"number": number, "emergency": views.emergency(found)})
                self._unsettled[number] = (receipt, found.fate)
            if found is None or found.is_settled(now):
                del self._unsettled[number]
        if changed:
            yield _event("emergencies", changed)

    def _changed_figures(self) -> Iterator[str]:
        figures = self._server.figures()
        if figures != self._figures:
            self._figures = figures
            yield _event("figures", figures)


def _event(name: str, data: object) -> str:
    # JSON as Python writes it has no line break, which would end the event.
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


async def _first(gone: asyncio.Future[None], news: asyncio.Event) -> None:
    woken = asyncio.ensure_future(news.wait())
    either: set[asyncio.Future[Any]] = {gone, woken}
    await asyncio.wait(either, timeout=STILL_HERE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    woken.cancel()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass  # a GET has no body; only the end of the connection is news
