"""A server that costs next to nothing, in a process of its own: it notes what comes and says yes.

The answer to a request comes ``delay`` seconds later, and never from a server that is mute.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

__all__ = ["arrivals", "serving"]

_SEEN: list[dict[str, Any]] = []


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    delay = 0.0
    mute = False
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        arrived = time.monotonic()
        size = int(self.headers.get("content-length", 0))
        body = self.rfile.read(size)
        parameters = {k: v[0] for k, v in parse_qs(body.decode("utf-8", "replace")).items()}
        shown = {name: parameters.get(name) for name in ("title", "message", "priority")}
        _SEEN.append({"path": self.path, "at": arrived, **shown})
        while self.mute:
            time.sleep(60)
        time.sleep(self.delay)
        self._answer({"status": 1, "request": "r" * 36, "receipt": "t" * 30})

    def do_GET(self) -> None:
        if self.path == "/seen":
            self._answer(_SEEN)
        else:  # somebody asks for a receipt
            self._answer({"status": 1, "acknowledged": 0, "expired": 0, "request": "r" * 36})

    def do_DELETE(self) -> None:
        _SEEN.clear()
        self._answer({})

    def _answer(self, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args: object) -> None:
        """Say nothing: a line for each request would cost more than the request."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 64

    def handle_error(self, *args: object) -> None:
        """Say nothing: clients that end without a word are what we measure."""


@contextmanager
def serving(delay: float = 0.0, *, mute: bool = False) -> Iterator[str]:
    """The base address of a server that lives as long as the block."""
    command = [sys.executable, "-m", "benchmarks.server", str(delay), str(int(mute))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/1/"
        finally:
            process.kill()


def arrivals(api_url: str) -> list[dict[str, Any]]:
    """What came since the last time; the moments are `time.monotonic`, one clock for a machine."""
    address = api_url.removesuffix("/1/") + "/seen"
    with urllib.request.urlopen(address) as answer:
        seen: list[dict[str, Any]] = json.load(answer)
    with urllib.request.urlopen(urllib.request.Request(address, method="DELETE")):
        return seen


def _serve(delay: float, mute: bool) -> None:
    _Answers.delay, _Answers.mute = delay, mute
    server = _Server(("127.0.0.1", 0), _Answers)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    _serve(float(sys.argv[1]), sys.argv[2] == "1")
