"""The transport against real servers: trust, proxies, and bodies of every kind."""

from __future__ import annotations

import gzip
import os
import select
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from requests.adapters import HTTPAdapter
from tls import Certificate, make_certificate

from pushover_logging.client.errors import TransportError
from pushover_logging.client.transport import Transport

LIMIT = 1_048_576
Answer = Callable[[BaseHTTPRequestHandler], None]


class Server(ThreadingHTTPServer):
    """Answers everything in one way; each connection has a number."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.asked: list[tuple[int, str]] = []
        """For each request the client's port, and what it asked for."""

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/1/"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.client_address[1], self.path))
        self.server.answer(self)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def do_CONNECT(self) -> None:
        self.server.asked.append((self.client_address[1], self.path))
        self.server.answer(self)

    def log_message(self, *args: object) -> None:
        """Print no line for each request."""


def answers(body: bytes, *, length: int | None = None, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)
        request.close_connection = length is not None

    return answer


def in_chunks(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    request.wfile.write(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


def through_to(port: int) -> Answer:
    """What a proxy does that was asked to CONNECT."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        near, request.close_connection = request.connection, True
        with socket.create_connection(("127.0.0.1", port), 5) as far:
            while True:
                for end in select.select([near, far], [], [], 5)[0]:
                    received = end.recv(65536)
                    if not received:
                        return
                    (far if end is near else near).sendall(received)

    return answer


@contextmanager
def serving(answer: Answer, certificate: Certificate | None = None) -> Iterator[Server]:
    with Server(answer) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate.pair)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (answers(b'{"status":1}'), b'{"status":1}'),
        (answers(b""), b""),
        (answers(gzip.compress(b"packed"), Content_Encoding="gzip"), b"packed"),
        (in_chunks, b"onetwo"),
        (answers(b"x" * LIMIT), b"x" * LIMIT),
    ],
)
def test_bodies_of_every_shape_are_read_and_the_connection_is_kept(
    answer: Answer, body: bytes
) -> None:
    with serving(answer) as server:
        transport = Transport(server.api_url)

        replies = [transport.get("sounds.json", {}) for _ in range(3)]
        transport.close()

    assert [reply.body for reply in replies] == [body] * 3
    assert len({port for port, _ in server.asked}) == 1


@pytest.mark.parametrize(
    "answer",
    [
        answers(b"x" * (LIMIT + 1)),
        answers(b"x" * (LIMIT + 1), length=50 * LIMIT),
        answers(gzip.compress(b"x" * (LIMIT + 1)), Content_Encoding="gzip"),
    ],
)
def test_more_than_there_may_be_is_refused_packed_or_not(answer: Answer) -> None:
    with serving(answer) as server, pytest.raises(TransportError, match="more than 1048576 bytes"):
        Transport(server.api_url).get("sounds.json", {})


def test_an_answer_that_breaks_off_is_an_error() -> None:
    with serving(answers(b"half of", length=20)) as server:
        transport = Transport(server.api_url)

        with pytest.raises(TransportError, match="broke") as caught:
            transport.get("sounds.json", {})

    assert caught.value.may_have_arrived


def test_headers_are_found_in_any_case() -> None:
    with serving(answers(b"", X_LIMIT_app_Limit="7500")) as server:
        reply = Transport(server.api_url).get("sounds.json", {})

    assert reply.headers.get("x-limit-APP-limit") == "7500"


def test_a_closed_transport_opens_another_connection() -> None:
    with serving(answers(b"{}")) as server:
        transport = Transport(server.api_url)
        transport.get("sounds.json", {})
        transport.close()

        transport.get("sounds.json", {})
        transport.close()

    assert len({port for port, _ in server.asked}) == 2


def test_only_a_trusted_server_gets_requests_every_time(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(answers(b"{}"), certificate) as server:
        address = f"https://localhost:{server.server_port}/1/"
        stranger = Transport(address)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.ca_file))
        friend = Transport(address)

        for _ in range(2):
            with pytest.raises(TransportError, match="no trusted connection"):
                stranger.get("sounds.json", {})
            assert friend.get("sounds.json", {}).body == b"{}"
        friend.close()

    assert len(server.asked) == 2


def test_a_missing_certificate_file_trusts_no_server(
    tmp_path: Path, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    with serving(answers(b"{}"), certificate) as server:
        transport = Transport(f"https://localhost:{server.server_port}/1/")

        for _ in range(2):
            with pytest.raises(TransportError):
                transport.get("sounds.json", {})

    assert server.asked == []


def test_a_proxy_is_asked_for_a_tunnel_and_sees_no_more(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        serving(answers(b"{}"), certificate) as service,
        serving(through_to(service.server_port)) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.server_port}")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.ca_file))
        transport = Transport()

        replies = [transport.get("sounds.json", {"token": "a" * 30}) for _ in range(2)]
        transport.close()

    assert [reply.body for reply in replies] == [b"{}", b"{}"]
    assert [asked for _, asked in proxy.asked] == ["api.pushover.net:443"]
    assert [asked for _, asked in service.asked] == [f"/1/sounds.json?token={'a' * 30}"] * 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_child_closes_no_file_of_its_own() -> None:
    """A daemon closes all descriptors, and opens files under the numbers of the parent's."""
    program = """
import gc, os, sys
from pushover_logging.client.transport import Transport
gc.disable()
transport = Transport(sys.argv[1])
transport.get("sounds.json", {})
child = os.fork()
if child:
    transport.get("sounds.json", {})
    assert os.waitpid(child, 0)[1] == 0
    sys.exit()
os.closerange(0, 100)
files = [os.open("/dev/null", os.O_RDONLY) for _ in range(30)]
transport.get("sounds.json", {})
gc.collect()
assert all(os.path.sameopenfile(file, files[-1]) for file in files)
os._exit(0)
"""
    with serving(answers(b"{}")) as server:
        run = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program, server.api_url],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert run.returncode == 0, run.stderr
    ports = [port for port, _ in server.asked]
    assert len(ports) == 3
    assert len(set(ports)) == 2  # the parent goes on with its own


def test_head_and_body_leave_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """In two pieces, each would be a packet and a system call, and would wake the server."""
    pieces = []
    send = HTTPConnection.send

    def send_and_record(connection: HTTPConnection, data: bytes) -> None:
        pieces.append(data)
        send(connection, data)

    monkeypatch.setattr(HTTPConnection, "send", send_and_record)
    with serving(answers(b"{}")) as server:
        transport = Transport(server.api_url)
        for text in ("first", "second"):  # the second on a connection that is open
            transport.post("messages.json", {"message": text})
        (port, _), again = server.asked

    assert again[0] == port
    bodies = [piece.partition(b"\r\n\r\n")[2] for piece in pieces]
    assert bodies == [b"message=first", b"message=second"]


def test_two_threads_may_make_the_first_request_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    both, first = threading.Barrier(2), threading.Event()
    found = HTTPAdapter.get_connection_with_tls_context

    def find_together(*args: Any, **kwargs: Any) -> Any:
        pool = found(*args, **kwargs)
        if both.wait(20):
            first.wait(20)  # the other thread goes on until it has its answer
        return pool

    def ask() -> None:
        replies.append(transport.get("sounds.json", {}).body)
        first.set()

    monkeypatch.setattr(HTTPAdapter, "get_connection_with_tls_context", find_together)
    replies: list[bytes] = []
    with serving(answers(b"{}")) as server:
        transport = Transport(server.api_url)
        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        transport.close()

    assert replies == [b"{}", b"{}"]


def test_two_threads_may_ask_at_once_and_the_others_wait() -> None:
    third_came, under_way = threading.Event(), threading.Semaphore(2)

    def answer_slowly(request: BaseHTTPRequestHandler) -> None:
        if not under_way.acquire(blocking=False):
            third_came.set()
        third_came.wait(0.1)
        under_way.release()
        answers(b"{}")(request)

    with serving(answer_slowly) as server:
        transport = Transport(server.api_url)
        threads = [
            threading.Thread(target=transport.get, args=("sounds.json", {})) for _ in range(5)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        transport.close()

    assert not third_came.is_set()
    assert len(server.asked) == 5
    assert len({port for port, _ in server.asked}) == 2
