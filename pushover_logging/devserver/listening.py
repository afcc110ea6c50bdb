"""An app on a loopback socket: the thread that serves it, and the quick end of both."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.server import ServerState

from pushover_logging.devserver.connections import Connection, Report

if TYPE_CHECKING:
    from starlette.types import ASGIApp

START_SECONDS = 10.0
STOP_SECONDS = 5.0
KEEP_ALIVE_SECONDS = 75
_BACKLOG = 2048

CertificateAndKey = tuple[str | Path, str | Path]


class Listener:
    """Serves one app from its own thread and event loop, from ``start`` to ``stop``.

    Runs uvicorn's HTTP on a loop of its own rather than its server, which would log, poll, install
    signal handlers and take half a second to stop.
    """

    def __init__(
        self, app: ASGIApp, host: str, port: int, tls: CertificateAndKey | None, report_open: Report
    ) -> None:
        self._app = app
        self._host = loopback(host)
        self.port = port
        self._tls = None if tls is None else _tls_context(tls)
        self._report_open = report_open
        self._thread: threading.Thread | None = None
        self._state = ServerState()

    @property
    def base_url(self) -> str:
        """Where the app is found, without a slash at the end."""
        if self._thread is None:
            raise RuntimeError("the dev server is not running, so it has no address")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    def start(self) -> None:
        """Bind and serve; returns once clients can connect. Raises OSError on a port in use.

        A second start, after a stop, takes the same port again.
        """
        if self._thread is not None:
            raise RuntimeError("the dev server is running already")
        listening = _bind(self._host, self.port)
        self.port = listening.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._started = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(
            target=self._run, args=(listening,), name="pushover-devserver", daemon=True
        )
        self._thread.start()
        if not self._started.wait(START_SECONDS):
            raise TimeoutError(f"the dev server did not start within {START_SECONDS:g} s")

    def stop(self) -> None:
        """Break every connection off and end the thread; a second time does nothing."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        thread.join(STOP_SECONDS)
        if thread.is_alive():
            raise TimeoutError(f"the dev server did not stop within {STOP_SECONDS:g} s")

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the answers, from any thread; the server's end cancels it."""
        if self._thread is None:
            work.close()
            return
        self._loop.call_soon_threadsafe(self._spawn, work)

    def call_soon(self, function: Any) -> None:
        """Call something on the server's thread, from any thread; not at all once it is stopped."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(function)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _run(self, listening: socket.socket) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve(listening))
        finally:
            asyncio.set_event_loop(None)
            self._loop.close()

    async def _serve(self, listening: socket.socket) -> None:
        # log_config=None: the logging of the program that this server is a guest in stays as it is.
        config = uvicorn.Config(
            self._app,
            log_config=None,
            lifespan="off",
            ws="none",
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        config.load()
        # Where all of logging is turned on, uvicorn wraps the app in one that logs each message.
        config.loaded_app = self._app
        server = await self._loop.create_server(
            lambda: Connection(config, self._state, self._report_open),
            sock=listening,
            ssl=self._tls,
            backlog=_BACKLOG,
        )
        self._started.set()
        await self._stopping.wait()
        server.close()
        await self._end()

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        for connection in list(self._state.connections):
            connection.transport.abort()
        # Answers in the making see their connection gone and end by themselves; what ends may
        # leave behind a task that was cancelled just now.
        deadline = self._loop.time() + STOP_SECONDS / 2
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            if self._loop.time() > deadline:
                break
            await asyncio.wait(others, timeout=STOP_SECONDS / 2)
        await self._loop.shutdown_default_executor()


def loopback(host: str) -> str:
    """The host if it is an address of this machine alone; anything else raises ValueError."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        if ipaddress.ip_address(host).is_loopback:
            return host
    except ValueError:
        pass  # a name other than localhost is refused in the same words as an address
    raise ValueError(f"host is {host!r}; the dev server binds to loopback only, such as 127.0.0.1")


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends answers without delay only on sockets that say TCP outright.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise OSError(
            error.errno, f"cannot listen on port {port} of {host}: {error.strerror}"
        ) from error
    return listening


def _tls_context(tls: CertificateAndKey) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls)
    return context
