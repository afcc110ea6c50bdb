"""The routes of the inbox page: its files, its pushes, its images, and its stream of events."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from pushover_logging.devserver import views
from pushover_logging.devserver.events import EventStream
from pushover_logging.devserver.page import HEADERS, read_files
from pushover_logging.devserver.richtext import runs

if TYPE_CHECKING:
    from pushover_logging.devserver.server import DevServer

Endpoint = Callable[[Request], Awaitable[Response]]

TEXT_LIMIT = 64 * 1024


def inbox_routes(server: DevServer) -> list[BaseRoute]:
    """The page at ``/`` and all that it asks for below ``/inbox/``."""
    files = read_files()
    stream = EventStream(server)
    server.changed.follow(stream.wake)
    return [
        Route("/", _file(files, "index.html")),
        Route("/inbox/pushes", _pushes(server)),
        Route("/inbox/images/{number:int}", _image(server)),
        Route("/inbox/text", _text, methods=["POST"]),
        Route("/inbox/events", stream, methods=["GET"]),
        Route("/inbox/{name}", _file(files)),
    ]


def _file(files: dict[str, Response], fixed: str | None = None) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        name = fixed or request.path_params["name"]
        return files.get(name) or _refuse(f"the inbox page has no file {name!r}", 404)

    return endpoint


def _pushes(server: DevServer) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        given = request.query_params.get("before", str(sys.maxsize))
        if not (given.isascii() and given.isdigit()):
            return _refuse(f"before is {given[:40]!r}; it must be the number of a push")
        with server.changed:
            pushes = views.page_before(server.account, int(given))
        return JSONResponse(pushes, headers=HEADERS)

    return endpoint


def _image(server: DevServer) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        number = request.path_params["number"]
        with server.changed:
            found = next((m for m in server.account.messages if m.number == number), None)
        attachment = found.attachment if found else None
        if attachment is None or (attachment.type or "").lower() not in views.IMAGES:
            return _refuse(f"push {number} has no image that is shown", 404)
        return Response(attachment.data, headers=HEADERS, media_type=attachment.type)

    return endpoint


async def _text(request: Request) -> Response:
    """The clean text of HTML that the page has decrypted itself; nothing of it is kept."""
    body = await request.body()
    if len(body) > TEXT_LIMIT:
        return _refuse(f"the text has {len(body)} bytes; at most {TEXT_LIMIT} are cleaned", 413)
    return JSONResponse(runs(body.decode("utf-8", "replace")), headers=HEADERS)


def _refuse(sentence: str, status: int = 400) -> Response:
    return JSONResponse({"error": sentence}, status, HEADERS)
