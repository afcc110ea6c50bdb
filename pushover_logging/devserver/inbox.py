"""The inbox page: its files, its pushes and images, and the stream of events that keeps it live."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from pushover_logging.devserver import views
from pushover_logging.devserver.account import ReceivedMessage
from pushover_logging.devserver.answers import Refusal
from pushover_logging.devserver.page import HEADERS, read_files
from pushover_logging.devserver.traffic import read_body

if TYPE_CHECKING:
    from pushover_logging.devserver.server import DevServer

Endpoint = Callable[[Request], Awaitable[Response]]

TEXT_LIMIT = 64 * 1024
"""The most bytes of decrypted HTML that are cleaned."""
PING_SECONDS = 15
"""After this long without an event a comment goes out, so that no proxy closes the stream."""
BATCH_SECONDS = 0.05
"""The time between two batches of events: many pushes at once reach the page together."""


def inbox_routes(server: DevServer) -> list[BaseRoute]:
    """The page at ``/`` and all that it requests below ``/inbox/``."""
    files = read_files()

    async def index(_request: Request) -> Response:
        return files["index.html"]

    async def icon(_request: Request) -> Response:
        return files["icon.svg"]

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        return files.get(name) or _refuse(f"the inbox page has no file {name[:100]!r}", 404)

    async def pushes(request: Request) -> Response:
        before = _number(request.query_params.get("before", str(sys.maxsize)))
        if before is None:
            return _refuse("before must be the number of a push")
        with server.changed:
            page = views.page_before(server.account, before)
        return JSONResponse(page, headers=HEADERS)

    async def image(request: Request) -> Response:
        number = _number(request.path_params["number"])
        with server.changed:
            found = next((m for m in server.account.messages if m.number == number), None)
        attachment = found.attachment if found else None
        if attachment is None or (attachment.type or "").lower() not in views.IMAGES:
            return _refuse("there is no push with that number and an image", 404)
        return Response(attachment.data, headers=HEADERS, media_type=attachment.type)

    async def text(request: Request) -> Response:
        """The clean text of HTML that the page has decrypted; the server does not keep it."""
        try:
            body = await read_body(request, TEXT_LIMIT)
        except Refusal as refusal:
            return _refuse(str(refusal.errors[0]), refusal.http_status)  # type: ignore[index]
        return JSONResponse(views.runs(body.decode("utf-8", "replace")), headers=HEADERS)

    return [
        Route("/", index),
        Route("/favicon.ico", icon),
        Route("/inbox/pushes", pushes),
        Route("/inbox/images/{number}", image),
        Route("/inbox/text", text, methods=["POST"]),
        Route("/inbox/events", _events(server)),
        Route("/inbox/{name}", file),
    ]


def _events(server: DevServer) -> Endpoint:
    """The stream of events; each open page has a reader that wakes at every change."""
    readers: set[asyncio.Event] = set()

    def wake_readers() -> None:
        for changed in readers:
            changed.set()

    def wake_readers_soon() -> None:
        if readers:
            server.call_soon(wake_readers)

    server.changed.follow(wake_readers_soon)

    async def events(_request: Request) -> Response:
        async def read() -> AsyncIterator[ServerSentEvent]:
            reader, changed = Reader(server), asyncio.Event()
            readers.add(changed)
            try:
                while True:
                    changed.clear()
                    for event in reader.news():
                        yield event
                    await asyncio.sleep(BATCH_SECONDS)
                    await changed.wait()
            finally:
                readers.discard(changed)

        return EventSourceResponse(read(), headers=HEADERS, ping=PING_SECONDS, sep="\n")

    return events


class Reader:
    """One open page: remembers what it has been told, and finds what is new.

    ``hello`` reports the figures, the rejected requests and the number of the newest push, and
    makes the page start over; ``pushes`` reports new pushes, ``emergencies`` changed ones,
    ``rejections`` new rejected requests, and ``figures`` everything else.
    """

    def __init__(self, server: DevServer) -> None:
        self._server = server
        self._account = server.account
        self._resets: int | None = None
        self._number = 0
        self._rejected = 0
        self._figures: views.View = {}
        self._unsettled: dict[int, tuple[str, tuple[object, ...]]] = {}

    def news(self) -> list[ServerSentEvent]:
        """Everything that is new, as events."""
        with self._server.changed:
            return list(self._news())

    def _news(self) -> Iterator[ServerSentEvent]:
        if self._resets != self._account.resets:
            self._resets = self._account.resets
            self._number = self._account.received
            self._rejected = self._server.traffic.rejected
            self._figures = self._server.figures()
            self._unsettled = {}
            self._follow(self._account.messages)
            hello = {
                "newest": self._number,
                "now": self._account.clock(),
                "rejections": views.rejections(self._server.traffic, 0),
                **self._figures,
            }
            yield _event("hello", hello)
        fresh = self._account.messages_since(self._number)
        if fresh:
            self._number = self._account.received
            self._follow(fresh)
            yield _event("pushes", [views.push(self._account, each) for each in reversed(fresh)])
        changed = self._changed_emergencies()
        if changed:
            yield _event("emergencies", changed)
        if self._rejected != self._server.traffic.rejected:
            yield _event("rejections", views.rejections(self._server.traffic, self._rejected))
            self._rejected = self._server.traffic.rejected
        figures = self._server.figures()
        if figures != self._figures:
            self._figures = figures
            yield _event("figures", figures)

    def _follow(self, messages: list[ReceivedMessage]) -> None:
        """Report changes of these messages' emergencies from now on."""
        now = self._account.clock()
        for message in messages:
            found = self._account.emergencies.get(message.receipt or "")
            if found is not None and not found.is_settled(now):
                self._unsettled[message.number] = (found.receipt, found.state)

    def _changed_emergencies(self) -> list[views.View]:
        changed: list[views.View] = []
        now = self._account.clock()
        for number, (receipt, reported) in list(self._unsettled.items()):
            found = self._account.emergencies.get(receipt)
            if found is not None and found.state != reported:
                changed.append({"number": number, "emergency": views.emergency(found)})
                self._unsettled[number] = (receipt, found.state)
            if found is None or found.is_settled(now):
                del self._unsettled[number]
        return changed


def _event(name: str, data: object) -> ServerSentEvent:
    return ServerSentEvent(json.dumps(data), event=name)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _refuse(sentence: str, status: int = 400) -> Response:
    return JSONResponse({"error": sentence}, status, HEADERS)
