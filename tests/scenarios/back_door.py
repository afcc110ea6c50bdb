"""Lets a program ask about the server, and steer it, without being one more client of it."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable
from typing import Any


class BackDoor:
    """Answers one line for each line, inside a ``with`` block, on a loopback port of its own."""

    def __init__(self, server: Any) -> None:
        commands: dict[str, Callable[[], object]] = {
            "requests": lambda: len(server.requests),
            "clear_faults": lambda: server.clear_faults(),
        }

        class Visitor(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                answer = commands[self.rfile.readline().decode().strip()]()
                self.wfile.write(f"{answer}\n".encode())

        self._listener = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Visitor)
        self._listener.daemon_threads = True
        self.port = self._listener.server_address[1]

    def __enter__(self) -> BackDoor:
        threading.Thread(target=self._listener.serve_forever, args=[0.01], daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._listener.shutdown()
        self._listener.server_close()
