"""Between socket and answers: each request to the service is noted here, and meets its fault."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pushover_logging.devserver.connections import Connection
from pushover_logging.devserver.faults import Fault, FaultPlan
from pushover_logging.devserver.parameters import Parameters, parse_body, parse_query
from pushover_logging.devserver.refusals import Refusal, secret_in_address
from pushover_logging.devserver.traffic import SeenRequest, Traffic

BODY_LIMIT = 20 * 1024 * 1024


class Wire:
    """Wraps the app that answers for the service.

    ``changed`` guards traffic and faults, and is told of each request and each end.
    """

    def __init__(
        self, app: ASGIApp, traffic: Traffic, faults: FaultPlan, changed: threading.Condition
    ) -> None:
        self._app = app
        self._traffic = traffic
        self._faults = faults
        self._changed = changed
        self._released = asyncio.Event()

    def release(self) -> None:
        """Let go of every request that hangs or is delayed. To be called on the server's thread."""
        self._released.set()
        self._released = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await _read(Request(scope, receive))
        except ClientDisconnect:
            return
        visit = Visit(scope, receive, send, body)
        with self._changed:
            fault = self._faults.take(visit.seen.path)
            visit.seen.fault = fault.kind if fault else None
            self._traffic.begin(visit.seen)
            self._changed.notify_all()
        try:
            await self._answer(visit, fault)
        finally:
            self._end(visit, None)

    async def _answer(self, visit: Visit, fault: Fault | None) -> None:
        if fault is None:
            await self._answer_rightly(visit)
        else:
            await _TROUBLES[fault.kind](self, visit, fault)

    async def _answer_rightly(self, visit: Visit) -> None:
        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._end(visit, message["status"])
            await visit.send(message)

        await self._app(visit.scope, visit.receive, send)

    async def _answer_so(self, visit: Visit, fault: Fault) -> None:
        content_type, body = fault.answer_body
        response = Response(body, fault.answer_status, fault.headers, content_type)
        self._end(visit, fault.answer_status)
        await response(visit.scope, visit.receive, visit.send)

    async def _answer_late(self, visit: Visit, fault: Fault) -> None:
        await self._wait(visit, fault.delay)

    async def _hang(self, visit: Visit, _fault: Fault) -> None:
        await self._wait(visit, None)

    async def _wait(self, visit: Visit, seconds: float | None) -> None:
        hold = asyncio.ensure_future(self._released.wait())
        gone = asyncio.ensure_future(visit.wait_until_gone())
        await asyncio.wait((hold, gone), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        hold.cancel()
        gone.cancel()
        if not visit.connection.is_gone():
            await self._answer_rightly(visit)

    async def _reset(self, visit: Visit, _fault: Fault) -> None:
        self._end(visit, None)
        visit.connection.reset()
        await visit.wait_until_gone()

    async def _lose(self, visit: Visit, _fault: Fault) -> None:
        async def swallow(message: Message) -> None:
            """Nothing goes out."""

        await self._app(visit.scope, visit.receive, swallow)
        self._end(visit, None)
        visit.connection.drop()
        await visit.wait_until_gone()

    def _end(self, visit: Visit, status: int | None) -> None:
        with self._changed:
            self._traffic.end(visit.seen, status)
            self._changed.notify_all()


class Visit:
    """One request whose body was read, on its way to an answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        self.receive = receive
        self.send = send
        self.connection: Connection = scope["connection"]
        self.seen = _seen(scope, body)
        self.scope = {**scope, "parameters": self._parameters(body)}

    async def wait_until_gone(self) -> None:
        """Return once the client is no longer there."""
        while (await self.receive())["type"] != "http.disconnect":
            pass  # the body was read already; only the end of the connection is news

    def _parameters(self, body: bytes) -> Parameters | Refusal:
        try:
            parameters = _parse(self.seen, body)
        except Refusal as refusal:
            return refusal
        self.seen.params = dict(parameters.fields)
        return parameters


def _seen(scope: Scope, body: bytes) -> SeenRequest:
    return SeenRequest(
        number=0,
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        client_port=scope["client"][1],
        headers={name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]},
        body=body,
    )


def _parse(seen: SeenRequest, body: bytes) -> Parameters:
    if len(body) > BODY_LIMIT:
        raise Refusal({}, [f"body is more than {BODY_LIMIT} bytes"], http_status=413)
    query = parse_query(seen.query)
    if seen.method in ("GET", "HEAD"):
        return Parameters(query)
    for secret in ("token", "user"):
        if secret in query:
            raise secret_in_address(secret)
    parameters = parse_body(seen.headers.get("content-type", ""), body)
    return Parameters({**query, **parameters.fields}, parameters.attachment)


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        if len(body) <= BODY_LIMIT:
            body += chunk
    return bytes(body)


_TROUBLES: dict[str, Callable[[Wire, Visit, Fault], Awaitable[None]]] = {
    "status": Wire._answer_so,
    "garbage": Wire._answer_so,
    "delay": Wire._answer_late,
    "hang": Wire._hang,
    "reset": Wire._reset,
    "lost": Wire._lose,
}
