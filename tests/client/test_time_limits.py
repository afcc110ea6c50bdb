"""Every request ends in time with any server, and every 1xx is skipped."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tls import make_certificate

from pushover_logging.client import Application, Transport, TransportError

from .raw_server import Behaviour, drips, raw_server, repeats, sends

pytestmark = pytest.mark.timeout(60)
TOKEN, USER, RECEIPT = "a" * 30, "u" * 30, "r" * 30
BODY = b'{"status":1,"request":"id"}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
ANSWER = HEAD % len(BODY) + BODY
TIMEOUT = (0.4, 0.6)
GENEROUS = 8.0
"""Seconds after which a request has surely missed its limit of 1 s; the machine may be loaded."""


def seconds(call: Callable[[], object]) -> tuple[float, TransportError]:
    started = time.monotonic()
    with pytest.raises(TransportError) as caught:
        call()
    return time.monotonic() - started, caught.value


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(drips(b"X-Slow: y\r\n" * 50, 0.1, b"HTTP/1.1 200 OK\r\n"), id="headers"),
        pytest.param(drips(b"HTTP/1.1 200 OK\r\n" * 50, 0.1), id="status line"),
        pytest.param(drips(b"x" * 500, 0.1, HEAD % 500), id="body"),
        pytest.param(drips(b"x" * 500, 0.1, b"HTTP/1.0 200 OK\r\n\r\n"), id="body without length"),
        pytest.param(
            drips(
                b"1\r\nx\r\n" * 50, 0.1, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            ),
            id="chunks",
        ),
        pytest.param(repeats(b"HTTP/1.1 102 Processing\r\n\r\n", 0.1), id="102"),
        pytest.param(repeats(b"HTTP/1.1 100 Continue\r\n\r\n", 0.1), id="100"),
        pytest.param(lambda _, over: over.wait(60), id="mute"),
    ],
)
def test_a_request_ends_in_time_with_any_slow_answer(behaviour: Behaviour) -> None:
    with raw_server(behaviour) as server:
        transport = Transport(server.api_url, TIMEOUT)

        taken, error = seconds(lambda: transport.post("messages.json", {"message": "hi"}))

    assert str(error) == f"no answer from 127.0.0.1:{server.port} within 0.6 seconds"
    assert 0.5 < taken < 5
    assert error.may_have_arrived
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [b"100 Continue", b"103 Early Hints"])
def test_endless_interim_answers_at_full_speed_end_too(status: bytes) -> None:
    with raw_server(repeats(b"HTTP/1.1 " + status + b"\r\n\r\n")) as server:
        transport = Transport(server.api_url, (5, 30))

        taken, error = seconds(lambda: transport.get("sounds.json", {}))

    assert "answered with more than" in str(error)
    assert taken < 20


def test_a_slow_answer_over_tls_ends_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate.pair)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.ca_file))
    with raw_server(drips(b"x" * 500, 0.1, HEAD % 500), context) as server:
        transport = Transport(f"https://localhost:{server.port}/1/", (5, 0.6))

        taken, error = seconds(lambda: transport.get("sounds.json", {}))

    assert "no answer from localhost" in str(error)
    assert taken < GENEROUS


def test_a_mute_tls_handshake_and_a_slow_proxy_are_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with raw_server(drips(b"HTTP/1.1 200 OK\r\n" * 50, 0.1)) as proxy:
        stranger = Transport(f"https://127.0.0.1:{proxy.port}/1/", TIMEOUT)
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        proxied = Transport(timeout=TIMEOUT)

        mute, first = seconds(lambda: stranger.get("sounds.json", {}))
        slow, second = seconds(lambda: proxied.get("sounds.json", {}))

    assert max(mute, slow) < GENEROUS
    assert str(first) == f"no connection to 127.0.0.1:{proxy.port} within 0.4 seconds"
    assert not first.may_have_arrived
    assert not second.may_have_arrived


def test_a_server_that_reads_nothing_ends_a_large_upload_in_time() -> None:
    # The system accepts the connection, and nothing ever reads from it.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        transport = Transport(f"http://127.0.0.1:{listener.getsockname()[1]}/1/", (1, 1))

        taken, _ = seconds(lambda: transport.post("messages.json", {"message": "x" * 20_000_000}))

    assert taken < GENEROUS


CALLS: dict[str, Callable[[Application, float], object]] = {
    "send": lambda app, limit: app.send({"user": USER, "message": "hi"}, timeout=limit),
    "receipt": lambda app, limit: app.receipt(RECEIPT, timeout=limit),
    "cancel": lambda app, limit: app.cancel(RECEIPT, timeout=limit),
    "cancel_by_tag": lambda app, limit: app.cancel_by_tag("disk", timeout=limit),
    "post": lambda app, limit: app.post("anything.json", timeout=limit),
    "get": lambda app, limit: app.get("anything.json", timeout=limit),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_timeout_limits_the_whole_call(call: Callable[[Application, float], object]) -> None:
    with raw_server(drips(b"x" * 500, 0.1, HEAD % 500)) as server:
        app = Application(TOKEN, api_url=server.api_url, timeout=(30, 30))

        taken, error = seconds(lambda: call(app, 0.3))

    assert taken < GENEROUS
    assert "within 0.3 seconds" in str(error)


@pytest.mark.parametrize("left", [0, -1, float("nan")])
def test_a_call_without_time_left_is_not_made(left: float) -> None:
    with raw_server(sends(ANSWER)) as server:
        app = Application(TOKEN, api_url=server.api_url)

        _, error = seconds(lambda: app.send({"user": USER, "message": "hi"}, timeout=left))

    assert str(error) == f"no time was left to ask 127.0.0.1:{server.port}"
    assert not error.may_have_arrived
    assert server.connections == 0


def test_a_longer_timeout_than_the_transports_changes_nothing() -> None:
    with raw_server(lambda _, over: over.wait(60)) as server:
        app = Application(TOKEN, api_url=server.api_url, timeout=TIMEOUT)

        taken, error = seconds(lambda: app.send({"message": "hi"}, timeout=60))

    assert "within 0.6 seconds" in str(error)
    assert taken < GENEROUS


def test_the_timeout_of_the_transport_may_change_between_requests() -> None:
    with raw_server(lambda _, over: over.wait(60)) as server:
        transport = Transport(server.api_url, (30, 30))
        transport.timeout = TIMEOUT

        taken, error = seconds(lambda: transport.get("sounds.json", {}))

    assert "within 0.6 seconds" in str(error)
    assert taken < GENEROUS


def test_a_request_that_finds_both_connections_busy_ends_in_time() -> None:
    asked = threading.Semaphore(0)

    def keep_busy(_: socket.socket, over: threading.Event) -> None:
        asked.release()
        over.wait(60)

    with raw_server(keep_busy) as server:
        transport = Transport(server.api_url, (5, 20))
        threads = [
            threading.Thread(target=lambda: seconds(lambda: transport.get("a.json", {})))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        assert all(asked.acquire(timeout=10) for _ in threads)

        taken, error = seconds(lambda: transport.get("sounds.json", {}, timeout=0.3))

    for thread in threads:
        thread.join(10)
    assert str(error) == f"no connection to 127.0.0.1:{server.port} was free in time"
    assert not error.may_have_arrived
    assert taken < GENEROUS


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 104 More\r\n\r\n",
    ],
)
def test_interim_answers_are_skipped_and_the_final_answer_is_read(interim: bytes) -> None:
    with raw_server(sends(interim, ANSWER)) as server:
        app = Application(TOKEN, api_url=server.api_url)

        ids = [app.send({"user": USER, "message": "hi"}).id for _ in range(2)]
        app.close()

    assert ids == ["id", "id"]
    assert (len(server.requests), server.connections) == (2, 1)


def test_a_switch_of_protocols_is_no_answer_and_ends_the_connection() -> None:
    with raw_server(sends(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n")) as server:
        app = Application(TOKEN, api_url=server.api_url)

        errors = [seconds(lambda: app.send({"message": "hi"}))[1] for _ in range(2)]

    assert {str(error) for error in errors} == {"HTTP 101 is no answer that Pushover gives"}
    assert server.connections == 2


def test_all_addresses_of_a_host_share_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = [socket.create_server(("127.0.0.1", 0), backlog=0) for _ in range(3)]
    addresses = [each.getsockname() for each in silent]
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
    tried: list[float] = []

    def time_out(address: object, timeout: float, **_: object) -> socket.socket:
        tried.append(timeout)
        raise TimeoutError

    transport = Transport("http://127.0.0.1:9/1/", (3, 3))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    monkeypatch.setattr("pushover_logging.client.transport.create_connection", time_out)

    _, error = seconds(lambda: transport.get("sounds.json", {}))

    for each in silent:
        each.close()
    assert len(tried) == 3
    assert tried[0] == pytest.approx(1.0, abs=0.2)
    assert str(error) == "no connection to 127.0.0.1:9 within 3 seconds"


def test_threads_that_share_a_transport_keep_their_own_limits() -> None:
    with raw_server(lambda _, over: over.wait(30)) as server:
        transport = Transport(server.api_url, (5, 5))
        failures: dict[float, str] = {}

        def ask(limit: float) -> None:
            with pytest.raises(TransportError) as caught:
                transport.get("sounds.json", {}, timeout=limit)
            failures[limit] = str(caught.value)

        threads = [threading.Thread(target=ask, args=(limit,)) for limit in (0.3, 0.6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)

    assert {limit: f"within {limit:g} seconds" in text for limit, text in failures.items()} == {
        0.3: True,
        0.6: True,
    }
