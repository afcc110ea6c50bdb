"""Everything that only HTTP shows: addresses, bodies, headers, connections and trusted hosts."""

from __future__ import annotations

import asyncio
import socket
import threading
from email.utils import parsedate_to_datetime

import pytest
import requests
import uvicorn
from starlette.types import Receive, Scope, Send
from tls import Certificate
from uvicorn.server import ServerState

from pushover_logging.devserver import DevServer
from pushover_logging.devserver.http_server import Connection

from .conftest import Client

CALLS = [
    ("POST", "messages.json"),
    ("POST", "users/validate.json"),
    ("GET", "sounds.json"),
    ("GET", "apps/limits.json"),
    ("GET", "receipts/r.json"),
    ("POST", "receipts/r/cancel.json"),
    ("POST", "receipts/cancel_by_tag/t.json"),
    ("POST", "glances.json"),
    ("POST", "groups.json"),
    ("GET", "groups.json"),
    ("GET", "groups/g.json"),
    ("POST", "groups/g/add_user.json"),
    ("POST", "groups/g/remove_user.json"),
    ("POST", "groups/g/disable_user.json"),
    ("POST", "groups/g/enable_user.json"),
    ("POST", "groups/g/rename.json"),
    ("GET", "teams.json"),
    ("POST", "teams/add_user.json"),
    ("POST", "teams/remove_user.json"),
    ("POST", "teams/revoke_invitation.json"),
    ("POST", "subscriptions/migrate.json"),
    ("POST", "licenses/assign.json"),
    ("GET", "licenses.json"),
]


@pytest.mark.parametrize(("method", "call"), CALLS)
def test_every_call_asks_for_the_token(client: Client, method: str, call: str) -> None:
    answer = client.session.request(method, client.server.url + call, timeout=10)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["token"] == "invalid"
    assert answer.json()["status"] == 0


def test_parameters_may_be_divided_between_query_string_and_body(
    server: DevServer, client: Client
) -> None:
    query = {"token": server.token, "user": server.user, "message": "in the query"}

    whole = client.session.post(f"{server.url}messages.json", params=query, timeout=10)
    del query["message"]
    divided = client.session.post(
        f"{server.url}messages.json", params=query, data={"message": "in the body"}, timeout=10
    )

    assert (whole.status_code, divided.status_code) == (200, 200)
    texts = [each.params["message"] for each in server.messages]
    assert texts == ["in the query", "in the body"]


def test_a_get_may_have_a_form_body(server: DevServer, client: Client) -> None:
    answer = client.session.get(f"{server.url}sounds.json", data={"token": server.token}, timeout=9)

    assert answer.json()["status"] == 1


def test_form_multipart_and_json_are_alike(server: DevServer, client: Client) -> None:
    fields = {"token": server.token, "user": server.user, "message": "naïve ☃ &=?\n"}
    url = f"{server.url}messages.json"
    image = {"attachment": ("c.png", b"png", "image/png")}

    for body in ({"data": fields}, {"json": fields}, {"data": fields, "files": image}):
        assert client.session.post(url, **body, timeout=10).json()["status"] == 1

    form, as_json, multipart = server.messages
    assert form.params == as_json.params == multipart.params
    assert form.params["message"] == fields["message"]
    assert multipart.attachment is not None
    assert multipart.attachment.data == b"png"


def test_a_broken_body_is_refused_in_the_services_form(client: Client) -> None:
    answer = client.session.post(
        f"{client.server.url}messages.json",
        data=b"{",
        headers={"Content-Type": "application/json"},
        timeout=10,
    )

    assert answer.status_code == 400
    assert answer.json()["errors"] == ["body is not valid JSON in UTF-8"]
    assert client.server.requests[0].body == b"{"


def test_a_body_that_is_too_large_is_refused(client: Client) -> None:
    answer = client.send("x" * 21_000_000)

    assert answer.status_code == 413
    assert answer.json()["errors"] == ["body is more than 20971520 bytes"]


def test_a_body_is_refused_by_its_declared_size_before_it_is_read(server: DevServer) -> None:
    head = (
        f"POST /1/messages.json HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        "Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head.encode())
        answer = connection.recv(100)

    assert answer.startswith(b"HTTP/1.1 413")
    assert server.requests[0].body == b""


@pytest.mark.parametrize("path", ["dev/faults", "dev/reset", "inbox/text"])
def test_bodies_of_other_calls_are_bounded_too(server: DevServer, path: str) -> None:
    answer = requests.post(f"{server.base_url}/{path}", data=bytes(70_000), timeout=10)

    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("method", "call", "status"),
    [
        ("GET", "nothing.json", 404),
        ("POST", "messages.xml", 404),
        ("GET", "messages.json", 405),
        ("POST", "messages.json/", 404),
        ("GET", "", 404),
    ],
)
def test_an_unknown_call_is_refused_as_json(
    client: Client, method: str, call: str, status: int
) -> None:
    answer = client.session.request(method, client.server.url + call, timeout=10)

    assert answer.status_code == status
    assert answer.json()["errors"] == [f"{method} /1/{call} is not a call of the service"]


def test_a_percent_encoded_tag_is_one_tag(server: DevServer, client: Client) -> None:
    client.send(priority=2, retry=30, expire=60, tags="disk full/ä")

    answer = client.post("receipts/cancel_by_tag/disk%20full%2F%C3%A4.json")

    assert answer.json()["canceled"] == 1


def test_answers_carry_a_date(client: Client) -> None:
    dates = [client.send().headers["Date"], client.send(message="").headers["Date"]]

    assert all(parsedate_to_datetime(date).tzinfo for date in dates)


def test_requests_are_kept_as_they_came(server: DevServer, client: Client) -> None:
    client.send("Hello")
    client.get("sounds.json", extra="1")

    post, get = server.requests

    assert (post.method, post.path, post.query) == ("POST", "/1/messages.json", "")
    assert post.body.endswith(b"&message=Hello")
    assert post.params["token"] == server.token
    assert (get.params["extra"], get.body) == ("1", b"")
    assert get.query.endswith("extra=1")
    assert post.ended_at is not None
    assert post.started_at <= post.ended_at <= get.started_at
    assert [post.number, get.number] == [1, 2]


def test_no_repr_shows_a_key(server: DevServer, client: Client) -> None:
    client.send("Hello", priority=2, retry=30, expire=60)
    client.get("sounds.json")
    client.post("glances.json", user=server.user, text="x")
    emergency = server.emergency(str(server.messages[0].receipt))
    emergency.acknowledge(emergency.sent_at)

    shown = repr([server.messages, server.requests, server.glances, emergency, server])

    assert "Hello" in shown
    assert server.token not in shown
    assert server.user not in shown


def test_a_kept_alive_connection_shows_in_the_ports(server: DevServer, client: Client) -> None:
    for _ in range(5):
        client.send()

    assert len({seen.client_port for seen in server.requests}) == 1
    assert server.max_connections == 1
    assert server.max_in_flight == 1


def test_a_connection_for_each_request_is_still_one_at_a_time(server: DevServer) -> None:
    for _ in range(50):
        requests.get(f"{server.url}sounds.json", timeout=10)

    assert len({seen.client_port for seen in server.requests}) > 1
    assert server.max_connections == 1


def test_connections_and_requests_at_once_are_counted(server: DevServer) -> None:
    server.fault("hang", count=3)
    threads = [threading.Thread(target=Client(server).send) for _ in range(3)]
    for thread in threads:
        thread.start()
    server.wait_for_requests(3)

    server.clear_faults()
    for thread in threads:
        thread.join(10)

    assert server.max_connections == 3
    assert server.max_in_flight == 3


def test_reset_counts_on_from_what_is_open(server: DevServer, client: Client) -> None:
    client.send()
    requests.get(f"{server.url}sounds.json", timeout=10)
    with server.changed:
        assert server.changed.wait_for(lambda: server.traffic.open_connections == 1, 10)

    server.reset()

    assert server.max_connections == 1


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
@pytest.mark.parametrize("path", ["/1/sounds.json", "/dev/state"])
def test_another_sites_name_is_refused(server: DevServer, host: str, path: str) -> None:
    answer = requests.get(server.base_url + path, headers={"Host": host}, timeout=10)

    assert answer.status_code == 403
    assert server.requests == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]:80", "LOCALHOST:99"])
def test_loopback_names_are_trusted(server: DevServer, host: str) -> None:
    answer = requests.get(f"{server.base_url}/dev/state", headers={"Host": host}, timeout=10)

    assert answer.status_code == 200


def test_a_name_that_was_given_is_trusted() -> None:
    with DevServer(hosts=["api.pushover.net"]) as server:
        answer = requests.get(
            f"{server.url}sounds.json", headers={"Host": "api.pushover.net"}, timeout=10
        )

    assert answer.json()["token"] == "invalid"


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://evil.example", 403), ("null", 403), ("http://localhost:5", 403)],
)
def test_pages_of_other_sites_are_refused(server: DevServer, origin: str, status: int) -> None:
    answer = requests.post(f"{server.base_url}/dev/reset", headers={"Origin": origin}, timeout=10)

    assert answer.status_code == status


def test_https_is_spoken_with_a_certificate(
    tls_server: DevServer, certificate: Certificate
) -> None:
    answer = requests.get(
        f"{tls_server.url}sounds.json",
        params={"token": tls_server.token},
        verify=str(certificate.ca_file),
        timeout=10,
    )

    assert tls_server.url.startswith("https://")
    assert answer.json()["status"] == 1


def test_a_request_that_is_not_http_breaks_nothing(
    server: DevServer, client: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"\x16\x03\x01 not HTTP\r\n\r\n")
        answer = connection.recv(100)

    assert answer.startswith(b"HTTP/1.1 400")
    assert client.send().status_code == 200
    assert capfd.readouterr() == ("", "")


def test_a_rejected_request_is_listed_without_its_secrets(
    server: DevServer, client: Client
) -> None:
    client.send("Hello", title="x" * 251, toekn=server.token)
    requests.get(f"{server.base_url}/dev/state", headers={"Host": "other.example"}, timeout=10)

    refused, foreign = server.rejections

    assert refused.errors == ("Title is too long (maximum is 250 characters)",)
    assert (refused.method, refused.path, refused.status) == ("POST", "/1/messages.json", 400)
    assert refused.params["message"] == "Hello"
    assert refused.client.startswith("python-requests/")
    assert foreign.status == 403
    assert "'other.example' does not name this server" in foreign.errors[0]
    assert server.token not in repr(server.rejections)
    assert server.user not in repr(server.rejections)


def test_a_simulated_fault_is_no_rejection(server: DevServer, client: Client) -> None:
    server.fault("status", status=400)

    client.send()

    assert server.rejections == []


def test_a_client_that_closes_without_reading_the_answer_has_sent_its_message() -> None:
    bodies: list[bytes] = []

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        message = await receive()
        bodies.append(message.get("body", b""))
        assert (await receive())["type"] == "http.disconnect"

    async def run() -> None:
        config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none")
        config.load()
        state = ServerState()
        connection = Connection(lambda _open: None, config=config, server_state=state, app_state={})
        connection.connection_made(asyncio.Transport())
        connection.data_received(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nHello")
        connection.connection_lost(ConnectionResetError())  # before the app could run
        await asyncio.gather(*state.tasks)

    asyncio.run(run())

    assert bodies == [b"Hello"]
