"""``pushover()``: the precedence of keyword, defaults and environment, and that it never raises."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from pushover_logging import pushover, pushover_defaults
from pushover_logging.client.encryption import Cipher
from pushover_logging.devserver import DevServer

OTHER_TOKEN = "b" * 30


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[DevServer]:
    with DevServer(port=0) as server:
        monkeypatch.setenv("PUSHOVER_API_URL", server.url)
        yield server


@pytest.fixture(autouse=True)
def _defaults() -> Iterator[None]:
    yield
    pushover_defaults.clear()


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if (record.name, record.levelno) == ("pushover_logging", logging.WARNING)
    ]


def test_every_keyword_of_the_original_is_sent(server: DevServer) -> None:
    given = {
        "user": server.user,
        "device": "phone",
        "title": "T",
        "url": "https://a",
        "url_title": "A",
        "priority": 1,
        "timestamp": 1790000000,
        "sound": "bike",
    }

    assert pushover("Hi, how are you?", token=server.token, **given) is True

    sent = {name: str(value) for name, value in given.items()}
    assert server.messages[0].params == {"message": "Hi, how are you?", **sent}


def test_keyword_comes_before_defaults_and_defaults_before_environment(
    server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = [server.user, server.add_user(), server.add_user()]
    monkeypatch.setenv("PUSHOVER_TOKEN", server.token)
    monkeypatch.setenv("PUSHOVER_USER", users[0])

    pushover("from the environment")
    pushover_defaults.update(user=users[1], title="from the defaults")
    pushover("from the defaults")
    pushover("from the keyword", user=users[2], title=None)

    assert [each.params["user"] for each in server.messages] == users
    assert [each.params.get("title") for each in server.messages] == [
        None,
        "from the defaults",
        None,
    ]


def test_a_keyword_that_is_none_counts_as_not_given(server: DevServer) -> None:
    nothing = dict.fromkeys(("device", "title", "url", "priority", "timestamp", "sound", "newer"))

    assert pushover("hi", token=server.token, user=server.user, **nothing)

    assert server.messages[0].params == {"message": "hi", "user": server.user}


def test_anything_can_be_the_message(server: DevServer) -> None:
    assert pushover(3.5, token=server.token, user=server.user)

    assert server.messages[0].params["message"] == "3.5"


def test_other_parameters_are_known_or_passed_through(server: DevServer) -> None:
    pushover_defaults.update(token=server.token, user=server.user)

    assert pushover("a", ttl=60, html=True, brand_new=1, params={"newer": "2"})
    assert pushover("b", priority=2)
    assert pushover("c", encryption_key="00" * 32)

    first, second, third = (each.params for each in server.messages)
    assert (first["ttl"], first["html"], first["brand_new"], first["newer"]) == (
        *("60", "1"),
        *("1", "2"),
    )
    assert (second["retry"], second["expire"]) == ("30", "10800")
    assert Cipher("00" * 32).decrypt(third["message"]) == "c"


def test_calls_share_one_connection(server: DevServer) -> None:
    for _ in range(3):
        pushover("hi", token=server.token, user=server.user)

    assert len({request.client_port for request in server.requests}) == 1


def test_refusal_is_false_and_a_warning_with_the_reason(
    server: DevServer, caplog: pytest.LogCaptureFixture
) -> None:
    sent = pushover("hi", token=OTHER_TOKEN, user=server.user)

    assert sent is False
    (warning,) = warnings_in(caplog)
    assert "application token is invalid" in warning
    assert OTHER_TOKEN not in warning


@pytest.mark.parametrize("fault", ["reset", "garbage", "lost", "status"])
def test_a_failure_is_false_and_a_warning(
    server: DevServer, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    server.fault(fault)  # type: ignore[arg-type]

    assert pushover("hi", token=server.token, user=server.user) is False
    assert len(warnings_in(caplog)) == 1


def test_unreachable_service_is_false(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUSHOVER_API_URL", "http://127.0.0.1:1/1/")

    assert pushover("hi", token="a" * 30, user="u" * 30) is False
    assert "cannot connect to 127.0.0.1:1" in warnings_in(caplog)[0]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"user": "u" * 30}, "token is missing"),
        ({"token": "a" * 30}, "user is missing"),
        ({"token": "short", "user": "u" * 30}, "expected 30 letters and digits"),
        ({"token": "a" * 30, "user": "u" * 30, "title": "x" * 251}, "title is 251 characters"),
        ({"token": "a" * 30, "user": "u" * 30, "priority": "x"}, "priority must be a whole"),
        ({"token": "a" * 30, "user": "u" * 30, "attachment": "/nowhere"}, "No such file"),
        ({"token": "a" * 30, "user": "u" * 30, "params": 5}, "params must be a mapping"),
        ({"token": "a" * 30, "user": "u" * 30, "encryption_key": "00"}, "64 hex digits"),
    ],
)
def test_wrong_value_is_false_and_a_warning_without_a_request(
    server: DevServer,
    caplog: pytest.LogCaptureFixture,
    given: dict[str, object],
    sentence: str,
) -> None:
    assert pushover("hi", **given) is False

    assert sentence in warnings_in(caplog)[0]
    assert server.requests == []


def test_remark_of_the_service_is_a_warning_though_it_was_sent(
    server: DevServer, caplog: pytest.LogCaptureFixture
) -> None:
    lonely = server.add_user(devices=())

    assert pushover("hi", token=server.token, user=lonely) is True
    assert warnings_in(caplog) == ["push sent, but: no active devices to send to"]


def test_sent_message_is_no_warning(server: DevServer, caplog: pytest.LogCaptureFixture) -> None:
    pushover("hi", token=server.token, user=server.user)

    assert warnings_in(caplog) == []
