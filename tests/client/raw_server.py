"""A loopback server that writes any bytes, for tests of hostile answers."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Behaviour = Callable[[socket.socket, threading.Event], object]
"""Serves a connection; the event is set when the test is over."""


class RawServer:
    """Accepts connections, keeps what each has sent, and answers it by ``behaviour``."""

    def __init__(
        self, behaviour: Behaviour, context: ssl.SSLContext | None = None, greeting: bytes = b""
    ) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._behaviour, self._context, self._greeting = behaviour, context, greeting
        self._over = threading.Event()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/1/"

    def close(self) -> None:
        self._over.set()
        with contextlib.suppress(OSError):  # wakes accept()
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        for connection in self._open:
            with contextlib.suppress(OSError):  # wakes recv(); the client may be closing it too
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._over.is_set():
                connection.close()
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(10)
            self._open.append(connection)
            connection.sendall(self._greeting)
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            while not self._over.is_set() and self._read_request(connection):
                self._behaviour(connection, self._over)

    def _read_request(self, connection: socket.socket) -> bool:
        received = b""
        while b"\r\n\r\n" not in received:
            piece = connection.recv(65536)
            if not piece:
                return False
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-len")]
        wanted = int(lengths[0].partition(b":")[2]) if lengths else 0
        while len(body) < wanted:
            body += connection.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return True


@contextmanager
def raw_server(
    behaviour: Behaviour, context: ssl.SSLContext | None = None, greeting: bytes = b""
) -> Iterator[RawServer]:
    server = RawServer(behaviour, context, greeting)
    try:
        yield server
    finally:
        server.close()


def sends(*pieces: bytes) -> Behaviour:
    def behave(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(b"".join(pieces))

    return behave


def drips(text: bytes, pause: float, at_once: bytes = b"") -> Behaviour:
    """Send the first bytes at once, and the others a byte at a time, for as long as it takes."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(at_once)
        for byte in text:
            if over.wait(pause):
                return
            connection.sendall(bytes([byte]))

    return behave


def repeats(text: bytes, pause: float = 0.0) -> Behaviour:
    """Send the same again and again, until the client or the test ends."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        while not over.wait(pause):
            connection.sendall(text)

    return behave
