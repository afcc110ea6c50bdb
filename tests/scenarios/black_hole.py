"""A server that accepts connections, reads what comes, and never answers."""

from __future__ import annotations

import socket
import threading

EXAMPLE_TOKEN = "a" + "Q7x" * 9 + "Zt"
EXAMPLE_USER = "u" + "W4k" * 9 + "Yp"


class BlackHole:
    """Listens on loopback inside a ``with`` block, and looks to a Scenario like a server."""

    def __init__(self) -> None:
        self.token, self.user = EXAMPLE_TOKEN, EXAMPLE_USER
        self.messages: list[object] = []
        self.requests: list[object] = []
        self.max_connections = 0
        self.max_in_flight = 0
        self._open = 0
        self._counting = threading.Lock()  # guards the two counts of connections
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"{self.base_url}/1/"

    def __enter__(self) -> BlackHole:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # closing alone doesn't wake accept()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # the listener was closed: the scenario is over
            threading.Thread(target=self._swallow, args=[connection], daemon=True).start()

    def _swallow(self, connection: socket.socket) -> None:
        self._count(+1)
        try:
            while connection.recv(65536):
                pass
        except OSError:
            pass  # the program died with the connection open: nothing to answer anyway
        finally:
            self._count(-1)
            connection.close()

    def _count(self, change: int) -> None:
        with self._counting:
            self._open += change
            self.max_connections = max(self.max_connections, self._open)
