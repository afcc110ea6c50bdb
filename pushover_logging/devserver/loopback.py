"""Keeps the dev server on this machine: where it listens, who may ask it, and whom it calls."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Iterable
from urllib.parse import SplitResult, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CALLBACK_SECONDS = 10.0
"""An application has this long to answer a callback."""
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")

Refuse = Callable[[Scope, str], ASGIApp]


def loopback(host: str) -> str:
    """The address of this machine alone that ``host`` names. Raises ValueError for any other."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None  # a name other than localhost is refused in the same words as an address
    if address is None or not address.is_loopback:
        raise ValueError(
            f"host is {host!r:.80}; the dev server binds to loopback only, such as 127.0.0.1"
        )
    return str(address)


class OnlyThisMachine:
    """Wraps an app and refuses requests made in the name of another site.

    A foreign ``Host`` shows DNS rebinding; a foreign ``Origin`` shows a page of another site. Of
    the pages on this machine only the inbox itself may use ``/dev/`` and ``/inbox/``: its
    ``Origin`` is the address that is asked, and the browser says ``Sec-Fetch-Site: same-origin``.
    ``refuse`` makes the answer from the request and a sentence.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], refuse: Refuse) -> None:
        self._app = app
        self._hosts = {each.lower() for each in (*LOOPBACK_NAMES, *hosts)}
        self._refuse = refuse
        # Starlette before 1.0 takes the text before the first colon for the host: "[" in IPv6.
        # No name can be that, and an address needs no protection against DNS rebinding.
        trusted = [*self._hosts, "["]
        self._trusted = TrustedHostMiddleware(self._check_origin, trusted, www_redirect=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Starlette before 1.10 compares the case of the host, which means nothing.
        headers = [(n, value.lower() if n == b"host" else value) for n, value in scope["headers"]]
        scope = {**scope, "headers": headers, "trusted": False}

        async def send_if_trusted(message: Message) -> None:
            # The middleware refuses in plain text; this server refuses as the service does.
            if scope["trusted"]:
                await send(message)

        await self._trusted(scope, receive, send_if_trusted)
        if not scope["trusted"]:
            host = Headers(scope=scope).get("host", "")
            sentence = (
                f"the Host header {host[:100]!r} does not name this server, such as 127.0.0.1"
            )
            await self._refuse(scope, sentence)(scope, receive, send)

    async def _check_origin(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["trusted"] = True
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        sentence = None
        if origin is not None and not self._is_trusted(origin):
            sentence = "pages of other sites may not use the dev server"
        elif scope["path"].startswith(("/dev/", "/inbox/")):
            # Programs that are no browsers send neither header.
            host = headers.get("host", "").lower()
            if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
                sentence = "pages of other sites may not use the dev server's controls"
            elif origin is not None and urlsplit(origin).netloc.lower() != host:
                sentence = f"only pages from http://{host} itself may use the dev server's controls"
        app = self._app if sentence is None else self._refuse(scope, sentence)
        await app(scope, receive, send)

    def _is_trusted(self, origin: str) -> bool:
        try:
            host = urlsplit(origin).hostname or ""
        except ValueError:
            return False
        return (f"[{host}]" if ":" in host else host) in self._hosts


def is_reachable(url: str) -> bool:
    """Whether the dev server may call this address: plain http to this machine, nothing else."""
    try:
        parts = urlsplit(url)
        loopback(parts.hostname or "")
    except ValueError:
        return False
    return parts.scheme == "http"


async def post_form(url: str, form: dict[str, str]) -> bool:
    """Post a form once; True if the answer is a 2xx."""
    posting = asyncio.ensure_future(_post(urlsplit(url), form))
    try:
        # Not wait_for, which before Python 3.12 may swallow the cancelling of the caller.
        await asyncio.wait({posting}, timeout=CALLBACK_SECONDS)
        return posting.done() and 200 <= posting.result() < 300
    except (OSError, ValueError, IndexError):
        # There is no answer, or it is not HTTP: the caller tries again later.
        return False
    finally:
        posting.cancel()


async def _post(parts: SplitResult, form: dict[str, str]) -> int:
    body = urlencode(form).encode()
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = (
        f"POST {target} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        "Connection: close",
    )
    head = "\r\n".join((*lines, "", "")).encode("ascii")
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    try:
        writer.write(head + body)
        await writer.drain()
        status_line = await reader.readline()
        return int(status_line.split()[1])
    finally:
        writer.close()
