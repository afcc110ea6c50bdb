"""Messages beyond chump: parameters, checks, images, and following up emergencies."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.client import (
    Application,
    EmergencyMessage,
    Message,
    ServerError,
    TransportError,
    User,
)
from pushover_logging.client.attachments import Source
from pushover_logging.devserver import DevServer

from .conftest import Wire

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


@pytest.fixture
def server() -> Iterator[DevServer]:
    with DevServer(port=0) as server:
        yield server


@pytest.fixture
def user(server: DevServer) -> User:
    return Application(server.token, api_url=server.url).get_user(server.user)


@pytest.fixture
def nobody() -> User:
    """A user for messages that are not sent."""
    return Application("a" * 30, api_url="http://127.0.0.1:1/1/", timeout=(1, 1)).get_user("u" * 30)


def test_new_parameters_are_sent(user: User, server: DevServer) -> None:
    sent = user.send_message(
        "hi", monospace=True, ttl=60, tags=["disk", "db"], params={"brand_new": 1}
    )

    assert sent.error is None
    assert server.messages[0].params == {
        "user": server.user,
        "message": "hi",
        "monospace": "1",
        "ttl": "60",
        "tags": "disk,db",
        "brand_new": "1",
    }


def test_several_devices_are_a_comma_list(user: User, server: DevServer) -> None:
    user.send_message("hi", device=["phone", "watch"])
    user.send_message("hi", device="phone, watch")

    assert [each.params["device"] for each in server.messages] == ["phone,watch"] * 2


def test_several_users_get_one_message(user: User, server: DevServer) -> None:
    second = server.add_user()
    several = user.app.get_user([server.user, second])

    sent = several.send_message("hi")

    assert sent.is_sent
    assert server.messages[0].params["user"] == f"{server.user},{second}"
    assert several.is_authenticated
    assert several.devices == {"phone"}


def test_users_are_fifty_at_most(nobody: User) -> None:
    assert len(nobody.app.get_user(["u" * 30] * 50).token.split(",")) == 50
    with pytest.raises(ValueError, match="user is 51 keys; 1 to 50 fit"):
        nobody.app.get_user(["u" * 30] * 51)
    with pytest.raises(ValueError, match="user is 0 keys"):
        nobody.app.get_user([])


def test_unknown_parameter_is_named(nobody: User) -> None:
    with pytest.raises(TypeError, match="no parameter brand_new; params="):
        nobody.create_message("hi", brand_new=1)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("message", "x" * 1203, "message is 1203 characters; at most 1024 fit"),
        ("message", " \n", "message is blank"),
        ("message", "\ud800", "message holds half of a surrogate pair"),
        ("title", "é" * 251, "title is 251 characters; at most 250 fit"),
        ("device", "phone,a b", "device 'a b' is not 1 to 25"),
        ("device", "x" * 26, "is not 1 to 25"),
        ("priority", 3, "priority is 3; it must be between -2"),
        ("ttl", 0, "ttl is 0 seconds; it must be above 0"),
        ("timestamp", -1, "timestamp is -1"),
        ("timestamp", float("nan"), "timestamp is nan"),
        ("timestamp", 1e30, "timestamp is 1e"),
        ("retry", 29, "retry is 29 seconds; the service allows 30 or more"),
        ("expire", 86_401, "expire is 86401 seconds; it must be 1 to 86400"),
        ("params", {"token": "x"}, "params must not hold 'token'"),
        ("encryption_key", "00", "encryption_key must be 64 hex digits"),
    ],
)
def test_error_of_a_wrong_value_names_its_bound(
    nobody: User, name: str, value: object, sentence: str
) -> None:
    made = nobody.create_message("hi", priority=2)

    with pytest.raises(ValueError, match=sentence):
        setattr(made, name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("priority", True),
        ("priority", 1.5),
        ("ttl", "soon"),
        ("timestamp", True),
        ("timestamp", "noon"),
        ("params", [1]),
        ("tags", [1]),
        ("monospace", "maybe"),
    ],
)
def test_wrong_type_is_a_type_error(nobody: User, name: str, value: object) -> None:
    made = nobody.create_message("hi", priority=2)

    with pytest.raises(TypeError, match=name):
        setattr(made, name, value)


def test_limits_count_characters_and_not_bytes(user: User, server: DevServer) -> None:
    sent = user.send_message("😀" * 1024, title="é" * 250)

    assert sent.is_sent
    assert server.messages[0].params["message"] == "😀" * 1024


def test_html_and_monospace_exclude_each_other(nobody: User) -> None:
    with pytest.raises(ValueError, match="html and monospace exclude each other"):
        nobody.create_message("hi", html=True, monospace=True)
    made = nobody.create_message("hi", html=True)
    made.monospace = True

    with pytest.raises(ValueError, match="html and monospace exclude each other"):
        made.send()


def test_emergency_keeps_its_priority_and_others_cannot_have_it(nobody: User) -> None:
    emergency, other = nobody.create_message("hi", priority=2), nobody.create_message("hi")

    with pytest.raises(ValueError, match="an EmergencyMessage has 2"):
        emergency.priority = 1
    with pytest.raises(ValueError, match="takes an EmergencyMessage"):
        other.priority = 2


def test_naive_time_warns_at_the_line_that_set_it(nobody: User) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = nobody.create_message("hi", timestamp=datetime(2026, 10, 13))

    assert made.timestamp == datetime(2026, 10, 13, tzinfo=timezone.utc)
    assert [each.filename for each in caught] == [__file__]


@given(st.datetimes(timezones=st.timezones(), min_value=datetime(1970, 1, 3)))
def test_aware_time_is_kept_as_it_is(when: datetime) -> None:
    made = Message(Application("a" * 30).get_user("u" * 30), "hi", timestamp=when)

    assert made.timestamp is when


@pytest.mark.parametrize("kind", ["path", "text", "bytes", "file", "stream"])
def test_image_goes_with_the_message(
    user: User, server: DevServer, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "graph.png"
    path.write_bytes(PNG)
    with path.open("rb") as file:
        sources: dict[str, Source] = {
            "path": path,
            "text": str(path),
            "bytes": PNG,
            "file": file,
            "stream": io.BytesIO(PNG),
        }
        made = user.create_message("hi", attachment=sources[kind])
        assert made.send(), made.error
        assert made.send(), made.error

    for message in server.messages:
        assert message.attachment is not None
        assert message.attachment.data == PNG
        assert message.attachment.type == "image/png"
    name = "graph.png" if kind in ("path", "text", "file") else "attachment.png"
    assert server.messages[0].attachment.name == name  # type: ignore[union-attr]


def test_image_may_be_base64_text(user: User, server: DevServer) -> None:
    text = base64.b64encode(PNG).decode()

    sent = user.send_message("hi", attachment_base64=text)

    assert sent.is_sent, sent.error
    assert server.messages[0].params["attachment_type"] == "image/png"
    assert server.messages[0].attachment.data == PNG  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"\x00\x00\x00\x18ftypheic", "image/heic"),
        (b"BM....", "image/bmp"),
    ],
)
def test_type_of_an_image_is_seen_in_its_first_bytes(
    user: User, server: DevServer, content: bytes, content_type: str
) -> None:
    user.send_message("hi", attachment=content)

    assert server.messages[0].attachment.type == content_type  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("extras", "error", "sentence"),
    [
        ({"attachment": b""}, ValueError, "attachment is empty"),
        ({"attachment": PNG + b"0" * 5_242_880}, ValueError, "larger than the 5242880 bytes"),
        ({"attachment": b"text"}, ValueError, "the first bytes of attachment show no image type"),
        ({"attachment": PNG, "attachment_type": "text/html"}, ValueError, "only an image"),
        ({"attachment": io.StringIO("x")}, TypeError, "opened for text"),
        ({"attachment": 5}, TypeError, "must be a path, bytes or a file"),
        ({"attachment": "/nowhere/graph.png"}, FileNotFoundError, "graph.png"),
        ({"attachment_base64": "!"}, ValueError, "is not base64"),
        (
            {"attachment_base64": "aGk="},
            ValueError,
            "the first bytes of attachment show no image type",
        ),
    ],
)
def test_an_attachment_that_is_no_image_is_not_sent(
    user: User,
    server: DevServer,
    extras: dict[str, object],
    error: type[Exception],
    sentence: str,
) -> None:
    made = user.create_message("hi", **extras)  # type: ignore[arg-type]

    with pytest.raises(error, match=sentence):
        made.send()

    assert server.requests == []


def test_only_one_image_fits(nobody: User) -> None:
    with pytest.raises(ValueError, match="set only one"):
        nobody.create_message("hi", attachment=PNG, attachment_base64="aGk=")


def test_hash_stays_when_a_message_is_sent(user: User) -> None:
    made = user.create_message("hi")
    known = {made}

    made.send()

    assert made in known


def test_messages_of_two_kinds_are_never_equal(nobody: User) -> None:
    message, emergency = nobody.create_message("a"), nobody.create_message("a", priority=2)
    message.id = emergency.id = "the same"

    assert message != emergency


def test_unsent_message_equals_only_itself(nobody: User) -> None:
    one, two = nobody.create_message("a"), nobody.create_message("a")

    assert one == one
    assert one != two


def test_unreachable_service_is_an_error_and_no_exception(nobody: User) -> None:
    sent = nobody.send_message("hi", priority=2)

    assert isinstance(sent, EmergencyMessage)
    assert not sent.is_sent
    assert isinstance(sent.error, TransportError)
    assert sent.poll() is None
    assert sent.cancel() is False


def test_error_goes_when_the_message_is_sent_after_all(user: User, server: DevServer) -> None:
    server.fault("status", status=500)
    sent = user.send_message("hi")
    first = sent.error

    assert isinstance(first, ServerError)
    assert sent.send()
    assert sent.error is None


def test_polling_asks_at_most_every_five_seconds(user: User, server: DevServer) -> None:
    sent = user.send_message("hi", priority=2)
    assert isinstance(sent, EmergencyMessage)

    polled = [sent.poll() for _ in range(10)]

    assert polled == [True] * 10
    assert [each.method for each in server.requests] == ["POST", "GET"]
    assert server.impolite == 0


def test_poll_after_cancel_is_false_at_once(user: User, server: DevServer) -> None:
    sent = user.send_message("hi", priority=2)
    assert isinstance(sent, EmergencyMessage)
    assert sent.poll() is True

    assert sent.cancel()

    assert sent.poll() is False
    assert sent.is_expired
    assert not sent.is_acknowledged
    assert [each.method for each in server.requests] == ["POST", "GET", "POST"]


def test_a_refused_cancel_leaves_the_state_as_it_was(user: User, server: DevServer) -> None:
    sent = user.send_message("hi", priority=2)
    assert isinstance(sent, EmergencyMessage)
    server.fault("status", status=500, path="receipts/")

    assert not sent.cancel()

    assert sent.poll() is True


def test_an_acknowledgement_with_odd_values_does_not_raise(wire: Wire) -> None:
    api, receipt = "https://api.pushover.net/1/", "r" * 30
    state = {"status": 1, "acknowledged": 1, "acknowledged_by": "somebody", "expired": "?"}
    times = {"acknowledged_at": -5, "expires_at": 1e300, "last_delivered_at": 10**40}
    wire.post(f"{api}messages.json", json={"status": 1, "receipt": receipt})
    wire.get(f"{api}receipts/{receipt}.json", json={**state, **times})

    sent = Application("a" * 30).get_user("u" * 30).send_message("hi", priority=2)

    assert isinstance(sent, EmergencyMessage)
    assert (sent.is_acknowledged, sent.is_expired) == (True, False)
    assert (sent.acknowledged_by, sent.acknowledged_at) == (None, None)
    assert (sent.expires_at, sent.last_delivered_at) == (None, None)


def test_a_failed_poll_counts_as_a_poll(user: User, server: DevServer) -> None:
    server.fault("status", status=500, path="receipts/")
    sent = user.send_message("hi", priority=2)
    assert isinstance(sent, EmergencyMessage)

    polled = [sent.poll() for _ in range(3)]

    assert polled == [True] * 3
    assert sent.is_sent
    assert isinstance(sent.error, ServerError)
    assert len(server.requests) == 2


def test_sending_again_resets_the_state_of_the_first_sending(user: User, server: DevServer) -> None:
    sent = user.send_message("hi", priority=2)
    assert isinstance(sent, EmergencyMessage)
    first = sent.receipt
    server.acknowledge(first or "")

    sent.send()

    assert sent.receipt != first
    assert sent.is_acknowledged is False
    assert sent.acknowledged_by is None


def test_device_of_the_acknowledgement_is_known(
    user: User, server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pushover_logging.client.messages.POLL_INTERVAL", 0.0)
    sent = user.send_message("hi", priority=2)
    assert isinstance(sent, EmergencyMessage)
    server.acknowledge(sent.receipt or "", device="phone")

    sent.poll()

    assert sent.acknowledged_by_device == "phone"


def test_callback_is_waited_for_after_the_acknowledgement(
    user: User, server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pushover_logging.client.messages.POLL_INTERVAL", 0.0)
    sent = user.send_message("hi", priority=2, callback="https://callback.invalid/")
    assert isinstance(sent, EmergencyMessage)
    server.acknowledge(sent.receipt or "")
    first = (sent.poll(), sent.is_called_back)
    server.emergency(sent.receipt or "").called_back_at = 1.0

    second = (sent.poll(), sent.is_called_back)
    asked = len(server.requests)
    sent.poll()

    assert (first, second) == ((False, False), (False, True))
    assert len(server.requests) == asked
