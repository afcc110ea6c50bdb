"""sentry-sdk beside the handler: both report, and neither disturbs the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from running import Example, complaints

pytest.importorskip("sentry_sdk")


@pytest.fixture
def sentry() -> Iterator[tuple[str, list[str]]]:
    """The DSN of a server that takes everything, and the paths of what it got."""
    paths: list[str] = []

    class Sentry(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            paths.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Sentry) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://key@127.0.0.1:{server.server_port}/1", paths
        server.shutdown()
        thread.join()


def test_both_report(example: Callable[[str], Example], sentry: tuple[str, list[str]]) -> None:
    shop, (dsn, paths) = example("sentry"), sentry
    shop.extra_environment = {"SENTRY_DSN": dsn, "no_proxy": "127.0.0.1"}

    output = shop.run(shop.command("python"))

    assert shop.pushes[0] == ("ERROR shop", "order 0 is not paid", 2)
    assert shop.rings == 1
    assert shop.records() == 3
    assert len(paths) >= 3
    assert complaints(output) == []
