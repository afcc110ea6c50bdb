"""Keeps web pages of other sites away from the dev server: it answers to loopback names only."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

CONTROLS = ("/dev/", "/inbox/")
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Guard:
    """Wraps an app and refuses requests made in the name of another site.

    A foreign ``Host`` is what DNS rebinding sends, a foreign ``Origin`` what a page of another site
    sends. Of pages on this machine only the inbox itself may use the controls: its ``Origin`` is
    the very address that is asked, and the browser says ``Sec-Fetch-Site: same-origin``.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._hosts = LOOPBACK_NAMES | set(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        sentence = self._objection(headers)
        if sentence is None and scope["path"].startswith(CONTROLS):
            sentence = _objection_to_control(headers)
        if sentence is None:
            await self._app(scope, receive, send)
        else:
            await JSONResponse({"error": sentence}, 403)(scope, receive, send)

    def _objection(self, headers: Headers) -> str | None:
        if not self._is_known("//" + headers.get("host", "")):
            return "the Host header does not name this machine, such as 127.0.0.1"
        origin = headers.get("origin")
        if origin is not None and not self._is_known(origin):
            return "pages of other sites may not use the dev server"
        return None

    def _is_known(self, address: str) -> bool:
        try:
            return urlsplit(address).hostname in self._hosts
        except ValueError:
            return False


def _objection_to_control(headers: Headers) -> str | None:
    own = ("same-origin", "none")
    origin = headers.get("origin")
    host = headers.get("host", "")
    # Programs that are no browsers send neither header.
    if headers.get("sec-fetch-site", own[0]) not in own:
        return "pages of other sites may not use the dev server's controls"
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return f"only pages from http://{host} itself may use the dev server's controls"
    return None
