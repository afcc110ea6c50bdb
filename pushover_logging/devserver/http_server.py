"""Runs uvicorn in a thread: it starts and stops at once, is silent, and can break connections."""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import struct
import sys
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from pushover_logging.devserver.loopback import loopback

START_SECONDS = 10.0
STOP_SECONDS = 5.0
KEEP_ALIVE_SECONDS = 75
PORT_MAXIMUM = 65_535

CertificateAndKey = tuple[str | Path, str | Path]
Report = Callable[[int], None]

_THREAD_NAME = "pushover-devserver"
_LOGGERS = (
    "asyncio",
    "python_multipart.multipart",
    "sse_starlette.sse",
    "uvicorn.access",
    "uvicorn.asgi",
    "uvicorn.error",
)


class HttpServer:
    """Serves one app from its own thread and event loop, from ``start`` to ``stop``.

    ``report_open`` is called with the number of open connections whenever it changes.
    """

    def __init__(
        self, app: ASGIApp, host: str, port: int, tls: CertificateAndKey | None, report_open: Report
    ) -> None:
        if not 0 <= port <= PORT_MAXIMUM:
            raise ValueError(f"port is {port}; it must be from 0 to {PORT_MAXIMUM}")
        self.port: int = port
        self._host = loopback(host)
        self._config = uvicorn.Config(
            app,
            loop="asyncio",
            # A class by its signature; uvicorn calls it with keywords for each connection.
            http=cast(Any, functools.partial(Connection, report_open)),
            ws="none",
            lifespan="off",
            # The logging of the program that hosts this server stays as it is.
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            ssl_certfile=None if tls is None else str(tls[0]),
            ssl_keyfile=None if tls is None else str(tls[1]),
        )
        if tls is not None:
            try:
                self._config.load()
            except OSError as error:  # ssl.SSLError is one
                raise OSError(
                    f"cannot use the certificate {tls[0]} with the key {tls[1]}: {error}"
                ) from error
        self._thread: threading.Thread | None = None
        self._server: _Server | None = None

    @property
    def host(self) -> str:
        """The address it binds to, as a URL or a Host header has it."""
        return f"[{self._host}]" if ":" in self._host else self._host

    @property
    def base_url(self) -> str:
        """The address of the app, without a slash at the end."""
        if self._thread is None:
            raise RuntimeError("the dev server is not running, so it has no address")
        return f"{'https' if self._config.is_ssl else 'http'}://{self.host}:{self.port}"

    def start(self) -> None:
        """Bind and serve; returns as soon as clients can connect.

        A second start, after a stop, takes the same port again. Raises OSError if it is in use.
        """
        if self._thread is not None:
            raise RuntimeError("the dev server is running already")
        listening = self._bind()
        self.port = listening.getsockname()[1]
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(_keep_out_of_the_host_program)
        self._server = _Server(self._config)
        self._thread = threading.Thread(
            target=self._server.run, args=([listening],), name=_THREAD_NAME, daemon=True
        )
        self._thread.start()
        if not self._server.ready.wait(START_SECONDS):
            raise TimeoutError(f"the dev server did not start within {START_SECONDS:g} s")

    def stop(self) -> None:
        """Break all connections and end the thread; does nothing the second time."""
        thread, self._thread = self._thread, None
        if thread is None or self._server is None:
            return
        self._server.stop()
        thread.join(STOP_SECONDS)
        if thread.is_alive():
            raise TimeoutError(f"the dev server did not stop within {STOP_SECONDS:g} s")

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine beside the requests, from any thread; stopping the server cancels it."""
        if self._thread is None or self._server is None:
            work.close()
            return
        self._server.loop.call_soon_threadsafe(self._server.spawn, work)

    def call_soon(self, function: Callable[[], None]) -> None:
        """Call a function on the server's thread, from any thread; not at all after the stop."""
        if self._thread is not None and self._server is not None:
            self._server.loop.call_soon_threadsafe(function)

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        # asyncio sends answers without delay only on sockets that name TCP explicitly.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((self._host, self.port))
        except OSError as error:
            listening.close()
            raise OSError(
                error.errno, f"cannot listen on port {self.port} of {self._host}: {error.strerror}"
            ) from error
        return listening


class _Server(uvicorn.Server):
    """uvicorn's server, except that it stops at once: uvicorn polls, and waits for clients."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._beside: set[asyncio.Task[None]] = set()

    async def main_loop(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        stopping = asyncio.ensure_future(self._stopping.wait())
        await self.on_tick(0)  # sets the Date header, at the start and each second
        self.ready.set()
        while not stopping.done():
            await asyncio.wait({stopping}, timeout=1.0)
            await self.on_tick(0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            cast(Connection, connection).drop()
        # Running requests see that their connection is closed, and end. Whatever is left when
        # this returns is cancelled with the event loop.
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=STOP_SECONDS / 2)

    def stop(self) -> None:
        """End the server; from any thread."""
        self.loop.call_soon_threadsafe(self._stopping.set)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine beside the requests; on the server's thread."""
        task = self.loop.create_task(work)
        self._beside.add(task)  # the loop itself holds tasks weakly only
        task.add_done_callback(self._beside.discard)


class Connection(H11Protocol):
    """One connection of a client; the app finds it as ``scope["connection"]``."""

    def __init__(self, report_open: Report, **options: Any) -> None:
        super().__init__(**options)
        self._report_open = report_open
        app: ASGIApp = cast(Any, self.app)

        async def with_connection(scope: Scope, receive: Receive, send: Send) -> None:
            cycle, delivered = self.cycle, False

            async def receive_whole() -> Message:
                # A client that closes at once, without reading the answer, has sent its request
                # all the same; uvicorn would report only that it has disconnected.
                nonlocal delivered
                message = await receive()
                if message["type"] == "http.disconnect" and not (delivered or cycle.more_body):
                    message = {"type": "http.request", "body": bytes(cycle.body)}
                if message["type"] == "http.request" and not message.get("more_body"):
                    delivered = True
                return message

            await app({**scope, "connection": self}, receive_whole, send)

        self.app: Any = with_connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        super().connection_made(cast(asyncio.Transport, transport))
        self._report_open(len(self.connections))

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed, by whichever side."""
        super().connection_lost(exc)
        self._report_open(len(self.connections))

    def is_closed(self) -> bool:
        """Whether no client waits for an answer any more."""
        return self.transport.is_closing()

    def drop(self) -> None:
        """Close without an answer, as a server does that crashes."""
        self.transport.abort()

    def reset(self) -> None:
        """Break the connection, so that the client sees it reset."""
        raw: socket.socket = self.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


def _keep_out_of_the_host_program(record: logging.LogRecord) -> bool:
    """A filter: records made on the server's thread do not reach the program's handlers.

    The program may test its own alerting: a record about a request would come back as a push. An
    error is a bug of the server, and goes to stderr.
    """
    if threading.current_thread().name != _THREAD_NAME:
        return True
    if record.levelno >= logging.ERROR:
        sys.stderr.write(logging.Formatter().format(record) + "\n")
    return False
