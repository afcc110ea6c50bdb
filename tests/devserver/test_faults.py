"""The server misbehaves as asked, as often as asked, and for the calls asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
import requests

from pushover_logging.devserver import DevServer

from .conftest import Client


@pytest.fixture
def waiting(client: Client) -> Iterator[Callable[[], list[object]]]:
    """Sends one message from a thread; the call it returns waits for what came of it."""
    outcome: list[object] = []

    def send() -> None:
        try:
            outcome.append(client.send().status_code)
        except requests.RequestException as error:
            outcome.append(error)

    def result() -> list[object]:
        thread.join(10)
        return outcome

    thread = threading.Thread(target=send)
    thread.start()
    yield result
    thread.join(10)


@pytest.fixture
def hanging(server: DevServer) -> None:
    server.fault("hang", count=None)


def test_a_status_is_answered_for_the_next_requests_only(server: DevServer, client: Client) -> None:
    server.fault("status", 2, status=503)

    statuses = [client.send().status_code for _ in range(3)]

    assert statuses == [503, 503, 200]
    assert len(server.messages) == 1
    assert [seen.status for seen in server.requests] == [503, 503, 200]
    assert [seen.fault for seen in server.requests] == ["status", "status", None]


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (None, "text/html; charset=utf-8", "<html>"),
        ("<p>Bad", "text/html; charset=utf-8", "<p>Bad"),
        (b"\xff", "text/html; charset=utf-8", "\ufffd"),
        ({"status": 0}, "application/json", '{"status": 0}'),
    ],
)
def test_a_status_brings_the_body_asked_for(
    server: DevServer, client: Client, body: object, content_type: str, text: str
) -> None:
    server.fault("status", status=502, body=body)

    answer = client.send()

    assert answer.headers["Content-Type"] == content_type
    assert answer.content.decode("utf-8", "replace").startswith(text)


def test_a_refusal_on_request_is_json(server: DevServer, client: Client) -> None:
    server.fault("status", status=400)

    assert client.send().json()["status"] == 0


def test_a_redirect_says_where_to(server: DevServer, client: Client) -> None:
    server.fault("status", status=302, headers={"Location": "http://127.0.0.1:9/"})

    answer = client.session.get(f"{server.url}sounds.json", allow_redirects=False, timeout=10)

    assert answer.headers["Location"] == "http://127.0.0.1:9/"


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_keeps_the_connection_usable(
    server: DevServer, client: Client, status: int
) -> None:
    server.fault("status", status=status)

    statuses = [client.send().status_code, client.send().status_code]

    assert statuses == [status, 200]
    assert len({seen.client_port for seen in server.requests}) == 1


def test_garbage_is_a_200_that_is_no_json(server: DevServer, client: Client) -> None:
    server.fault("garbage")

    answer = client.send()

    assert answer.status_code == 200
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()
    assert server.messages == []


def test_a_delay_answers_as_usual_but_late(server: DevServer, client: Client) -> None:
    server.fault("delay", seconds=0.2)

    answer = client.send()

    seen = server.requests[0]
    assert answer.json()["status"] == 1
    assert seen.ended_at is not None
    assert seen.ended_at - seen.started_at >= 0.2


def test_a_reset_breaks_the_connection_off(server: DevServer, client: Client) -> None:
    server.fault("reset")

    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        client.send()

    assert server.messages == []
    assert server.requests[0].status is None
    assert client.send().status_code == 200


def test_a_lost_answer_leaves_the_message_accepted(server: DevServer, client: Client) -> None:
    server.fault("lost")

    with pytest.raises(requests.ConnectionError, match="without response"):
        client.send("once")

    assert [message.params["message"] for message in server.messages] == ["once"]
    assert server.requests[0].status is None


@pytest.mark.usefixtures("hanging")
def test_what_hangs_is_answered_once_faults_are_cleared(
    server: DevServer, waiting: Callable[[], list[object]]
) -> None:
    server.wait_for_requests(1)
    assert server.messages == []

    server.clear_faults()

    assert waiting() == [200]
    assert len(server.wait_for(1)) == 1


@pytest.mark.usefixtures("hanging")
def test_stopping_is_quick_though_requests_hang(
    server: DevServer, waiting: Callable[[], list[object]]
) -> None:
    server.wait_for_requests(1)
    started = time.monotonic()

    server.stop()

    assert time.monotonic() - started < 5
    assert isinstance(waiting()[0], requests.ConnectionError)
    assert server.messages == []


def test_who_gave_up_waiting_is_not_served(server: DevServer, client: Client) -> None:
    server.fault("hang")
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{server.url}messages.json", data={"message": "given up"}, timeout=0.1)

    with server.changed:
        ended = server.changed.wait_for(lambda: server.traffic.in_flight == 0, 10)
    server.clear_faults()
    client.send("patient")

    assert ended
    assert [message.params["message"] for message in server.messages] == ["patient"]
    assert [seen.status for seen in server.requests] == [None, 200]


def test_a_fault_waits_for_its_calls(server: DevServer, client: Client) -> None:
    server.fault("status", path="receipts/", status=500)
    server.fault("status", path="/1/sounds.json", status=501)

    statuses = [
        client.send().status_code,
        client.get("sounds.json").status_code,
        client.get(f"receipts/{'r' * 30}.json").status_code,
        client.get("sounds.json").status_code,
    ]

    assert statuses == [200, 501, 500, 200]


def test_faults_come_in_the_order_asked_for(server: DevServer, client: Client) -> None:
    for status in (500, 501, 502):
        server.fault("status", status=status)

    assert [client.send().status_code for _ in range(4)] == [500, 501, 502, 200]


def test_a_fault_without_count_stays_until_cleared(server: DevServer, client: Client) -> None:
    server.fault("status", count=None, status=500)

    before = {client.send().status_code for _ in range(5)}
    server.clear_faults()

    assert before == {500}
    assert client.send().status_code == 200


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        ("explode", {}, "kind is 'explode'; it must be one of"),
        ("hang", {"count": 0}, "count is 0; it must be at least 1"),
        ("hang", {"count": "2"}, "count is '2'; it must be at least 1"),
        ("hang", {"seconds": 1}, "seconds means nothing to a fault of kind 'hang'"),
        ("delay", {"status": 500}, "status means nothing to a fault of kind 'delay'"),
        ("delay", {"seconds": -1}, "seconds is -1; it must be 0 or more"),
        ("delay", {"seconds": "1"}, "seconds is '1'; it must be 0 or more"),
        ("delay", {"seconds": float("nan")}, "seconds is nan; it must be 0 or more"),
        ("status", {"status": 404.0}, "status is 404.0; it must be from 200 to 599"),
        ("status", {"headers": {"X": "a\r\nB: c"}}, "which HTTP cannot carry"),
        ("status", {"headers": {"Content-Length": "1"}}, "which the server sets itself"),
        ("status", {"body": "\ud800"}, "surrogates not allowed"),
        ("status", {"status": 99}, "status is 99; it must be from 200 to 599"),
    ],
)
def test_a_fault_that_means_nothing_is_refused(
    server: DevServer, kind: str, options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        server.fault(kind, **options)


def test_reset_forgets_faults_and_all_that_came(server: DevServer, client: Client) -> None:
    client.send(priority=2, retry=30, expire=60)
    server.fault("status", count=None, status=500)

    server.reset()

    assert (server.messages, server.requests) == ([], [])
    assert client.send().headers["X-Limit-App-Remaining"] == "9999"
