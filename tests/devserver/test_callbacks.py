"""The application is called back when its emergency is acknowledged, until it says it heard."""

from __future__ import annotations

import http.server
import queue
import threading
import time
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest

from pushover_logging.devserver import DevServer
from pushover_logging.devserver.loopback import is_reachable

from .conftest import Client


class Listener(http.server.HTTPServer):
    """An application that notes each callback and answers with the statuses it was given."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Note)
        self.calls: queue.Queue[tuple[str, dict[str, str]]] = queue.Queue()
        self.statuses = [200]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/acknowledged?by=phone"


class Note(http.server.BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.calls.put((self.path, {name: texts[0] for name, texts in form.items()}))
        statuses = self.server.statuses
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        yield listener
        listener.shutdown()
        thread.join(10)


def ring(server: DevServer, callback: str) -> str:
    answer = Client(server).send(priority=2, retry=30, expire=60, callback=callback)
    return str(answer.json()["receipt"])


def wait_until_called_back(server: DevServer, receipt: str) -> bool:
    emergency = server.emergency(receipt)
    with server.changed:
        return server.changed.wait_for(lambda: emergency.called_back_at is not None, 10)


def test_the_callback_is_a_form_that_names_the_receipt(
    server: DevServer, client: Client, listener: Listener
) -> None:
    receipt = ring(server, listener.url)

    server.acknowledge(receipt, device="watch")
    path, form = listener.calls.get(timeout=10)

    assert path == "/acknowledged?by=phone"
    assert int(form.pop("acknowledged_at")) > 1_700_000_000
    assert form == {
        "receipt": receipt,
        "acknowledged": "1",
        "acknowledged_by": server.user,
        "acknowledged_by_device": "watch",
    }
    assert wait_until_called_back(server, receipt)
    body = client.get(f"receipts/{receipt}.json").json()
    assert body["called_back"] == 1
    assert body["called_back_at"] >= body["acknowledged_at"]


def test_it_calls_again_until_answered_with_a_2xx(listener: Listener) -> None:
    listener.statuses = [500, 302, 204]
    with DevServer(callback_interval=0.01) as server:
        receipt = ring(server, listener.url)

        server.acknowledge(receipt)

        assert wait_until_called_back(server, receipt)
    assert listener.calls.qsize() == 3


def test_it_waits_a_minute_before_it_calls_again(server: DevServer, listener: Listener) -> None:
    listener.statuses = [500]
    receipt = ring(server, listener.url)

    server.acknowledge(receipt)
    listener.calls.get(timeout=10)
    started = time.monotonic()
    server.stop()

    assert time.monotonic() - started < 30
    assert server.callback_interval == 60
    assert server.emergency(receipt).called_back_at is None
    assert listener.calls.empty()


def test_nobody_there_is_no_error(server: DevServer, client: Client) -> None:
    receipt = ring(server, "http://127.0.0.1:9/")

    server.acknowledge(receipt)

    assert client.get(f"receipts/{receipt}.json").json()["called_back"] == 0


@pytest.mark.parametrize(
    ("url", "reachable"),
    [
        ("http://127.0.0.1:80/x", True),
        ("http://localhost/", True),
        ("http://[::1]:80/", True),
        ("https://127.0.0.1/", False),
        ("http://example.org/", False),
        ("http://127.0.0.1.example.org/", False),
        ("http://10.0.0.1/", False),
        ("http://[broken/", False),
        ("http:///", False),
    ],
)
def test_only_this_machine_is_ever_called(url: str, reachable: bool) -> None:
    assert is_reachable(url) is reachable
