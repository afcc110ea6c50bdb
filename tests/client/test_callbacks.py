"""Acknowledgement callbacks: the service's form, as each web framework gives it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.client import Acknowledgement, Application
from pushover_logging.devserver import DevServer

RECEIPT = "rLqVuqTRh62UzxtmqiaLzQmVcPgiCy"
USER = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG"
BODY = (
    f"receipt={RECEIPT}&acknowledged=1&acknowledged_at=1790000000"
    f"&acknowledged_by={USER}&acknowledged_by_device=phone"
)
EXPECTED = Acknowledgement(
    receipt=RECEIPT,
    acknowledged=True,
    acknowledged_at=datetime.fromtimestamp(1790000000, timezone.utc),
    acknowledged_by=USER,
    acknowledged_by_device="phone",
)


@pytest.mark.parametrize(
    "form",
    [
        BODY,
        BODY.encode(),
        parse_qs(BODY),
        {name: values[0] for name, values in parse_qs(BODY).items()},
    ],
    ids=["text", "bytes", "lists", "texts"],
)
def test_every_kind_of_form_is_read(form: object) -> None:
    assert Acknowledgement.from_form(form) == EXPECTED  # type: ignore[arg-type]


def test_missing_fields_are_none() -> None:
    found = Acknowledgement.from_form({"receipt": RECEIPT})

    assert found == Acknowledgement(RECEIPT, False, None, None, None)


@pytest.mark.parametrize(
    "form",
    ["", b"\xff", "receipt=short", {"receipt": []}, f"receipt={RECEIPT}&acknowledged_by=<b>"],
)
def test_form_that_pushover_never_sends_is_refused(form: object) -> None:
    with pytest.raises(ValueError, match="no callback of Pushover's"):
        Acknowledgement.from_form(form)  # type: ignore[arg-type]


@given(st.one_of(st.binary(), st.text()))
def test_anything_else_is_refused_with_value_error(form: bytes | str) -> None:
    with pytest.raises(ValueError, match=r"callback|fields"):
        Acknowledgement.from_form(form)


def test_user_key_is_not_shown() -> None:
    assert USER not in repr(EXPECTED)


class CallbackHandler(BaseHTTPRequestHandler):
    bodies: queue.Queue[bytes]

    def do_POST(self) -> None:
        self.bodies.put(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def callback() -> Iterator[tuple[str, queue.Queue[bytes]]]:
    class Handler(CallbackHandler):
        bodies = queue.Queue()

    with HTTPServer(("127.0.0.1", 0), Handler) as receiver:
        thread = threading.Thread(target=receiver.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{receiver.server_port}/pushover/acknowledged", Handler.bodies
        receiver.shutdown()
        thread.join()


def test_callback_of_the_server_is_read_and_confirmed(
    callback: tuple[str, queue.Queue[bytes]],
) -> None:
    url, bodies = callback
    with DevServer(port=0) as server:
        app = Application(server.token, api_url=server.url)
        sent = app.get_user(server.user).send_message("hi", priority=2, callback=url)
        server.acknowledge(sent.receipt)  # type: ignore[attr-defined]

        found = Acknowledgement.from_form(bodies.get(timeout=10))

        assert found.receipt == sent.receipt  # type: ignore[attr-defined]
        assert found.acknowledged_by == server.user
        assert app.receipt(found.receipt).acknowledged
