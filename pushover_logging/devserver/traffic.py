"""Records each request to the service, and lets its simulated fault happen."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pushover_logging.devserver.account import memory_of
from pushover_logging.devserver.answers import Answer, Refusal, too_large
from pushover_logging.devserver.faults import Fault, FaultPlan
from pushover_logging.devserver.parameters import Parameters, read_parameters

BODY_LIMIT = 20 * 1024 * 1024
"""A larger body is refused with HTTP 413."""
KEPT = 20_000
"""The newest requests that are kept."""
KEPT_BYTES = 256 * 1024 * 1024
"""The most bytes that kept requests take: bodies, parameters and headers."""
REJECTIONS_KEPT = 200
"""The newest rejected requests that the inbox page lists."""

_SHOWN_PARAMETERS = 30
_SHOWN_CHARACTERS = 200
_KEY = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{30}(?![A-Za-z0-9])")
_SECRETS = ("token", "user", "password")


@dataclass
class SeenRequest:
    """One request to the service, answered or not.

    ``params`` holds the fields of query string and body, with the token. ``status`` stays None if
    no answer went out. ``started_at`` and ``ended_at`` are times of ``time.monotonic``.
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

    @property
    def memory(self) -> int:
        """The bytes that it takes."""
        texts = sys.getsizeof(self.path) + sys.getsizeof(self.query)
        return len(self.body) + texts + memory_of(self.headers) + memory_of(self.params)


@dataclass(frozen=True)
class Rejection:
    """A request that the service refused, with its secrets masked."""

    number: int
    received_at: float
    method: str
    path: str
    status: int
    errors: tuple[str, ...]
    content_type: str
    client: str
    params: Mapping[str, str]


class Traffic:
    """All requests, the rejected ones, and the most connections and requests there were at once.

    Takes no lock: the caller that shares it between threads holds the lock.
    """

    def __init__(self) -> None:
        self.open_connections: int = 0
        self.in_flight: int = 0
        self.clear()

    def clear(self) -> None:
        """Remove all requests; those that are open or in flight still count."""
        self.requests: list[SeenRequest] = []
        self.seen: int = 0
        self._bytes = 0
        self.rejections: deque[Rejection] = deque(maxlen=REJECTIONS_KEPT)
        self.rejected: int = 0
        """The number of the newest rejection; older ones may have been dropped."""
        self.max_connections: int = self.open_connections
        self.max_in_flight: int = self.in_flight

    def count_connections(self, now_open: int) -> None:
        """Record how many connections are open now."""
        self.open_connections = now_open
        self.max_connections = max(self.max_connections, now_open)

    def begin(self, request: SeenRequest) -> None:
        """Record a request that has arrived; drop the oldest beyond the bounds."""
        self.seen += 1
        request.number = self.seen
        self.requests.append(request)
        self._bytes += request.memory
        while len(self.requests) > KEPT or self._bytes > KEPT_BYTES:
            self._bytes -= self.requests.pop(0).memory
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def end(self, request: SeenRequest, status: int | None) -> None:
        """Record how a request ended, or that it gets no answer; only the first end counts."""
        if request.ended_at is None:
            request.status = status
            request.ended_at = time.monotonic()
            self.in_flight -= 1

    def reject(
        self, request: SeenRequest, status: int, errors: tuple[str, ...], now: float
    ) -> None:
        """Record that the service refused a request, and why."""
        self.rejected += 1
        headers = request.headers
        self.rejections.append(
            Rejection(
                number=self.rejected,
                received_at=now,
                method=request.method[:20],
                path=_shown(request.path),
                status=status,
                errors=tuple(_shown(each) for each in errors[:_SHOWN_PARAMETERS]),
                content_type=headers.get("content-type", "")[:_SHOWN_CHARACTERS],
                client=headers.get("user-agent", "")[:_SHOWN_CHARACTERS],
                params={
                    _shown(name): _masked(name, text)
                    for name, text in list(request.params.items())[:_SHOWN_PARAMETERS]
                },
            )
        )


def _masked(name: str, text: str) -> str:
    if name in _SECRETS:
        return f"({len(text)} characters, not shown)"
    return _shown(text)


def _shown(text: str) -> str:
    # A key under another name is a common mistake, and a secret still. The longer cut keeps a key
    # whole that the shorter would split.
    shown = _KEY.sub("(30 characters, not shown)", text[: _SHOWN_CHARACTERS + 100])
    return shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS]}…"


class Recorder:
    """Wraps the app that answers for the service.

    Each request reaches the app with its parameters, or the refusal of its body, in
    ``scope["parameters"]``, and with its record in ``scope["seen"]``. ``changed`` guards traffic
    and faults, and is notified of each request and each end.
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
        """Answer all requests that hang or are delayed. To be called on the server's thread."""
        self._released.set()
        self._released = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        seen = seen_request(scope)
        parameters: Parameters | Refusal
        try:
            seen.body = await read_body(Request(scope, receive), BODY_LIMIT)
            content_type = seen.headers.get("content-type", "")
            parameters = await read_parameters(scope["query_string"], content_type, seen.body)
            seen.params = dict(parameters.fields)
        except ClientDisconnect:
            return
        except Refusal as refusal:
            parameters = refusal
        with self._changed:
            fault = self._faults.take(seen.path)
            seen.fault = fault.kind if fault else None
            self._traffic.begin(seen)
            self._changed.notify_all()
        try:
            await self._answer(
                {**scope, "parameters": parameters, "seen": seen}, receive, send, fault
            )
        finally:
            self._end(seen, None)

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, fault: Fault | None
    ) -> None:
        seen: SeenRequest = scope["seen"]

        async def send_and_record(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._end(seen, message["status"])
            await send(message)

        async def send_nothing(message: Message) -> None:
            """The client gets no answer."""

        if fault is None:
            await self._app(scope, receive, send_and_record)
        elif fault.kind in ("status", "garbage"):
            content_type, body = fault.answer_body
            response = Response(body, fault.answer_status, fault.headers, content_type)
            await response(scope, receive, send_and_record)
        elif fault.kind in ("delay", "hang"):
            await self._wait(receive, fault.delay if fault.kind == "delay" else None)
            if not scope["connection"].is_closed():
                await self._app(scope, receive, send_and_record)
        elif fault.kind == "reset":
            self._end(seen, None)
            scope["connection"].reset()
            await _until_disconnected(receive)
        else:  # lost
            await self._app(scope, receive, send_nothing)
            self._end(seen, None)
            scope["connection"].drop()
            await _until_disconnected(receive)

    async def _wait(self, receive: Receive, seconds: float | None) -> None:
        """Wait until the time is over, faults are cleared, or the client has disconnected."""
        tasks: tuple[asyncio.Future[Any], ...] = (
            asyncio.ensure_future(self._released.wait()),
            asyncio.ensure_future(_until_disconnected(receive)),
        )
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()

    def _end(self, seen: SeenRequest, status: int | None) -> None:
        with self._changed:
            self._traffic.end(seen, status)
            self._changed.notify_all()


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass  # the body was read already


def seen_request(scope: Scope) -> SeenRequest:
    """The record of a request whose body has not been read yet."""
    return SeenRequest(
        number=0,
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        client_port=(scope.get("client") or ("", 0))[1],
        headers={name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]},
        body=b"",
    )


async def read_body(request: Request, limit: int) -> bytes:
    """The body of a request. Raises Refusal as soon as it is known to be larger than ``limit``.

    uvicorn discards the rest of a refused body as it arrives.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > limit:
        raise too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large(limit)
    return bytes(body)


def response_to(answer: Answer) -> Response:
    """The HTTP response that carries an answer of the service."""
    return Response(answer.as_json(), answer.http_status, answer.headers, "application/json")
