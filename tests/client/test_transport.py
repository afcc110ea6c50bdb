"""The transport by itself: the requests it sends, and its reading of the answers."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
from urllib.parse import parse_qs, urlencode

import pytest
import requests
import requests_mock
from urllib3.exceptions import ReadTimeoutError

from pushover_logging.client.application import Application
from pushover_logging.client.errors import TransportError
from pushover_logging.client.transport import File, Transport
from pushover_logging.devserver import DevServer

from .conftest import Wire

API = "https://api.pushover.net/1/"
TOKEN = "azGDORePK8gMaC0QOYAMyEEuzJnyUi"


def test_parameters_of_a_post_travel_in_the_body_only(wire: Wire) -> None:
    wire.post(API + "messages.json", json={"status": 1})

    Transport().post("messages.json", {"token": TOKEN, "message": "Grüße & 1+1"})

    sent = wire.request_history[0]
    assert sent.query == ""
    assert parse_qs(sent.text) == {"token": [TOKEN], "message": ["Grüße & 1+1"]}
    assert sent.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert sent.headers["Content-Length"] == str(len(sent.text))


def test_a_post_reads_as_any_form_does(wire: Wire) -> None:
    wire.post(API + "messages.json", json={"status": 1})
    parameters = {"message": "ä+b &=%\n…", "url_title": "a b", "priority": "-1", "tags": "²,x"}

    Transport().post("messages.json", parameters)

    sent = wire.request_history[0]
    assert sent.text == urlencode(parameters)
    assert sent.headers["content-length"] == str(len(sent.text))


def test_a_post_leaves_nothing_behind_for_the_next(wire: Wire) -> None:
    wire.post(API + "messages.json", json={"status": 1})
    wire.post(API + "glances.json", json={"status": 1})
    transport = Transport()

    transport.post("messages.json", {"message": "first, and longer"})
    transport.post("glances.json", {"text": "second"})

    assert [sent.text for sent in wire.request_history] == [
        "message=first%2C+and+longer",
        "text=second",
    ]
    assert wire.request_history[1].headers["Content-Length"] == "11"


def test_a_get_carries_the_token_in_its_query(wire: Wire) -> None:
    wire.get(API + "sounds.json", json={"status": 1})

    reply = Transport().get("sounds.json", {"token": TOKEN})

    assert wire.request_history[0].url == f"{API}sounds.json?token={TOKEN}"
    assert reply.url == f"{API}sounds.json"


def test_a_file_goes_as_a_part_beside_the_parameters(wire: Wire) -> None:
    wire.post(API + "messages.json", json={"status": 1})

    Transport().post("messages.json", {"message": "hello"}, File("a.png", "image/png", b"\x89PNG"))

    sent = wire.request_history[0]
    assert sent.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert b'name="attachment"; filename="a.png"' in sent.body
    assert b"Content-Type: image/png" in sent.body
    assert b'name="message"\r\n\r\nhello' in sent.body


def test_redirects_are_not_followed(wire: Wire) -> None:
    elsewhere = {"Location": "https://elsewhere.example/"}
    wire.post(API + "messages.json", status_code=307, headers=elsewhere)

    reply = Transport().post("messages.json", {"token": TOKEN})

    assert reply.http_status == 307
    assert wire.call_count == 1


@pytest.mark.parametrize(
    ("foreign", "sentence", "may_have_arrived"),
    [
        (requests.ConnectTimeout("x"), "no connection to api.pushover.net within 5 sec", False),
        (requests.ReadTimeout("x"), "no answer from api.pushover.net within 10 seconds", True),
        (ReadTimeoutError(None, "u", "x"), "no answer from api.pushover.net within 10", True),  # type: ignore[arg-type]
        (requests.exceptions.SSLError("x"), "no trusted connection to api.pushover.net", False),
        (requests.exceptions.ProxyError("x"), "the proxy gave no connection", False),
        (requests.ConnectionError("x"), "the connection to api.pushover.net broke", True),
        (ConnectionResetError(104, "Connection reset by peer"), "broke: Connection reset", True),
    ],
)
def test_foreign_exceptions_become_ours(
    wire: Wire, foreign: Exception, sentence: str, may_have_arrived: bool
) -> None:
    wire.get(API + "sounds.json", exc=foreign)

    with pytest.raises(TransportError) as caught:
        Transport().get("sounds.json", {"token": TOKEN})

    assert sentence in str(caught.value)
    assert caught.value.may_have_arrived is may_have_arrived
    assert caught.value.retryable


def test_nothing_of_a_foreign_exception_hangs_on_ours() -> None:
    transport = Transport("http://127.0.0.1:1/1/")

    with pytest.raises(TransportError, match=r"cannot connect to 127\.0\.0\.1:1: ") as caught:
        transport.get("sounds.json", {"token": TOKEN})

    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    assert TOKEN not in repr(caught.value)
    assert not caught.value.may_have_arrived


def test_transport_error_pickles() -> None:
    error = TransportError("no answer", may_have_arrived=False)

    copy = pickle.loads(pickle.dumps(error))

    assert (str(copy), copy.may_have_arrived, copy.retryable) == ("no answer", False, True)


def test_requests_mock_stands_in_for_the_service_in_tests_of_users() -> None:
    with requests_mock.Mocker() as service:
        service.post(f"{API}messages.json", json={"status": 1, "request": "r" * 36})
        service.get(f"{API}sounds.json", json={"status": 1, "sounds": {}, "request": "r"})
        application = Application("a" * 30)

        answer = application.send({"user": "u" * 30, "message": "hello"})
        sounds = application.sounds

    assert answer.id == "r" * 36
    assert sounds == {}
    assert "message=hello" in service.request_history[0].text


def test_requests_mock_can_play_any_failure() -> None:
    with requests_mock.Mocker() as service:
        service.post(f"{API}messages.json", exc=requests.ConnectTimeout)

        with pytest.raises(TransportError, match=r"no connection to api\.pushover\.net"):
            Application("a" * 30).send({"user": "u" * 30, "message": "hello"})


def test_an_endless_answer_is_an_error(wire: Wire) -> None:
    wire.get(API + "sounds.json", content=b" " * 1_048_577)

    with pytest.raises(TransportError, match="more than 1048576 bytes"):
        Transport().get("sounds.json", {})


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:8765/1/", "http://localhost/1", "http://[::1]:80/1/", "https://example.net"],
)
def test_address_may_be_any_https_or_loopback(address: str) -> None:
    transport = Transport(address)

    assert transport.api_url.rstrip("/") == address.rstrip("/")
    assert transport.api_url.endswith("/")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://api.pushover.net/1/", "is plain http to"),
        ("http://127.0.0.1.example.net/1/", "is plain http to"),
        ("http://localhost.example.net/1/", "is plain http to"),
        ("ftp://127.0.0.1/", "is no address"),
        ("api.pushover.net", "is no address"),
        ("http://127.0.0.1:port/", "is no address"),
        ("https://me:secret@example.net/1/", "holds a query, fragment or password"),
        ("https://example.net/1/?token=secret", "holds a query, fragment or password"),
    ],
)
def test_address_that_would_leak_or_cannot_be_is_refused(address: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        Transport(address)

    assert "secret" not in str(caught.value)


def test_address_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSHOVER_API_URL", "http://127.0.0.1:8765/1/")

    assert Transport().api_url == "http://127.0.0.1:8765/1/"
    assert Transport("https://example.net/1/").api_url == "https://example.net/1/"


@pytest.mark.parametrize(
    ("timeout", "error"), [((0, 10), ValueError), (5, TypeError), ((1, 2, 3), TypeError)]
)
def test_timeout_must_be_two_positive_numbers(timeout: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="timeout must be two numbers"):
        Transport(timeout=timeout)  # type: ignore[arg-type]


def test_timeouts_proxy_and_trust_reach_the_connection(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/company.pem")
    wire.get(API + "sounds.json", json={"status": 1})
    transport = Transport(timeout=(1, 2))
    monkeypatch.delenv("HTTPS_PROXY")

    transport.get("sounds.json", {})

    sent = wire.request_history[0]
    assert sent.timeout == (1.0, 2.0)  # type: ignore[comparison-overlap]
    assert sent.proxies == {"https": "http://proxy.example:3128"}
    assert sent.verify == "/etc/ssl/company.pem"


def test_no_proxy_exempts_the_service(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "pushover.net")
    wire.get(API + "sounds.json", json={"status": 1})

    Transport().get("sounds.json", {})

    assert wire.request_history[0].proxies == {}


def test_loopback_is_never_asked_through_a_proxy(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    wire.get("http://127.0.0.1:8765/1/sounds.json", json={"status": 1})

    Transport("http://127.0.0.1:8765/1/").get("sounds.json", {})

    assert wire.request_history[0].proxies == {}


def test_debug_log_of_urllib3_shows_no_token(caplog: pytest.LogCaptureFixture) -> None:
    Transport()
    log = logging.getLogger("urllib3.connectionpool")

    with caplog.at_level(logging.DEBUG, logger="urllib3.connectionpool"):
        log.debug('%s "%s %s"', "https://api", "GET", f"/1/sounds.json?token={TOKEN}&a=b")

    assert caplog.messages == ['https://api "GET /1/sounds.json?token=azG…&a=b"']


def test_debug_log_of_urllib3_shows_no_groups_key(caplog: pytest.LogCaptureFixture) -> None:
    Transport()
    log = logging.getLogger("urllib3.connectionpool")

    with caplog.at_level(logging.DEBUG, logger="urllib3.connectionpool"):
        for path in (f"/1/groups/{TOKEN}.json?token={TOKEN}", f"/1/groups/{TOKEN}/rename.json"):
            log.debug('"%s %s"', "GET", path)

    assert caplog.messages == [
        '"GET /1/groups/azG….json?token=azG…"',
        '"GET /1/groups/azG…/rename.json"',
    ]


FORKING = """
import os, sys
from pushover_logging.client import Application
app = Application(sys.argv[1], api_url=sys.argv[2])
app.limits()
child = os.fork()
if child == 0:
    app.limits()
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
app.limits()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_forked_child_has_a_connection_of_its_own() -> None:
    with DevServer(port=0) as server:
        program = [sys.executable, "-c", FORKING, server.token, server.url]
        subprocess.run(program, timeout=30, check=True)

        first, childs, last = (request.client_port for request in server.requests)

    assert first == last
    assert childs != first


def test_closed_transport_can_be_used_again(wire: Wire) -> None:
    wire.get(API + "sounds.json", json={"status": 1})
    transport = Transport()
    transport.close()

    reply = transport.get("sounds.json", {})

    assert reply.body == b'{"status": 1}'
