"""What the service takes for a message, and what it refuses in which words."""

from __future__ import annotations

import base64
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.devserver.parameters import Attachment

from .conftest import TOKEN, USER, Service

LIMITS = {"message": 1024, "title": 250, "url": 512, "url_title": 100}
TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)
OTHER_USER = "u" * 30
MOST_BYTES = 5_242_880
TOO_MANY_BYTES = bytes(MOST_BYTES + 1)

REFUSED = [
    ({"message": None}, "message", "cannot be blank", "message cannot be blank"),
    ({"message": " \n\t"}, "message", "cannot be blank", "message cannot be blank"),
    ({"user": None}, "user", "invalid", "user identifier is not a valid user, group, or"),
    ({"user": "nobody"}, "user", "invalid", "user identifier is not a valid user, group, or"),
    ({"user": OTHER_USER}, "user", "invalid", "user identifier is not a valid user, group, or"),
    ({"user": f"{USER}, {USER}"}, "user", "invalid", "user identifier is not a valid user"),
    ({"user": ",".join([USER] * 51)}, "user", "has too many keys (maximum is 50)", "user has too"),
    (
        {"title": "x" * 251},
        "title",
        "is too long (maximum is 250 characters)",
        "Title is too long (maximum is 250 characters)",
    ),
    (
        {"url": "x" * 513},
        "url",
        "is too long (maximum is 512 characters)",
        "Url is too long (maximum is 512 characters)",
    ),
    (
        {"url_title": "x" * 101},
        "url_title",
        "is too long (maximum is 100 characters)",
        "Url title is too long (maximum is 100 characters)",
    ),
    (
        {"message": "x" * 1025},
        "message",
        "is too long (maximum is 1024 characters)",
        "Message is too long (maximum is 1024 characters)",
    ),
    *(
        (
            {"priority": wrong},
            "priority",
            "is invalid, see https://pushover.net/api#priority",
            "priority is invalid, see https://pushover.net/api#priority",
        )
        for wrong in ("3", "-3", "high", "1.0", "٢", "1_0")
    ),
    (
        {"priority": 2, "expire": 60},
        "retry",
        "must be supplied with priority=2",
        "retry must be supplied with priority=2",
    ),
    (
        {"priority": 2, "retry": 60},
        "expire",
        "must be supplied with priority=2",
        "expire must be supplied with priority=2",
    ),
    (
        {"priority": 2, "retry": 29, "expire": 60},
        "retry",
        "is too small, must be at least 30 seconds",
        "retry is too small, must be at least 30 seconds",
    ),
    (
        {"priority": 2, "retry": 30, "expire": 10801},
        "expire",
        "is too large, must be at most 10800 seconds",
        "expire is too large, must be at most 10800 seconds",
    ),
    ({"priority": 2, "retry": "soon", "expire": 60}, "retry", "is not a number", "retry is not"),
    ({"priority": 2, "retry": 30, "expire": 0}, "expire", "is too small, must be at least 1", ""),
    (
        {"priority": 2, "retry": 30, "expire": 60, "callback": "call me"},
        "callback",
        "is not a valid URL",
        "callback is not a valid URL",
    ),
    ({"html": 1, "monospace": 1}, "monospace", "cannot be used with html", "monospace cannot be"),
    ({"timestamp": "today"}, "timestamp", "is not a valid Unix timestamp", "timestamp is not a"),
    ({"timestamp": "-1"}, "timestamp", "is not a valid Unix timestamp", "timestamp is not a"),
    ({"ttl": "0"}, "ttl", "must be a number of seconds greater than 0", "ttl must be a number"),
    ({"ttl": "1h"}, "ttl", "must be a number of seconds greater than 0", "ttl must be a number"),
    ({"attachment": "cat.png"}, "attachment", "must be a file part", "attachment must be a file"),
    (
        {"attachment_base64": "AAAA"},
        "attachment_type",
        "must be supplied with attachment_base64",
        "attachment_type must be supplied",
    ),
    (
        {"attachment_base64": "A", "attachment_type": "image/png"},
        "attachment_base64",
        "is not valid base64",
        "attachment_base64 is not valid base64",
    ),
    (
        {"attachment_base64": "A!AAA", "attachment_type": "image/png"},
        "attachment_base64",
        "is not valid base64",
        "attachment_base64 is not valid base64",
    ),
    (
        {"attachment_base64": "AAAA", "attachment_type": "text/html"},
        "attachment",
        "is not an image",
        "attachment is not an image",
    ),
]


@pytest.mark.parametrize(("fields", "parameter", "reason", "sentence"), REFUSED)
def test_refuses_in_the_services_words(
    service: Service, fields: dict[str, object], parameter: str, reason: str, sentence: str
) -> None:
    given_answer = service.send(**fields)

    assert given_answer.http_status == 400
    assert given_answer.body["status"] == 0
    assert str(given_answer.body[parameter]).startswith(reason)
    assert any(error.startswith(sentence) for error in given_answer.body["errors"])
    assert service.account.messages == []


def test_says_everything_that_is_wrong_at_once(service: Service) -> None:
    body = service.send(user="nobody", message="", title="x" * 251, priority=7).body

    assert {"user", "message", "title", "priority"} < body.keys()
    assert len(body["errors"]) == 4


def test_a_wrong_token_is_all_it_talks_about(service: Service) -> None:
    body = service.send(token="x" * 30, message="").body

    assert body["token"] == "invalid"
    assert body["errors"] == ["application token is invalid, see https://pushover.net/api"]
    assert "message" not in body


def test_a_success_has_a_uuid_of_its_own(service: Service) -> None:
    requests = [service.send().body for _ in range(20)]

    assert all(each["status"] == 1 for each in requests)
    assert len({uuid.UUID(str(each["request"])) for each in requests}) == 20


@given(TEXT)
def test_any_text_up_to_the_limit_is_kept_as_it_came(text: str) -> None:
    service, message = Service(), "." + text[:1023]

    service.send(message=message)

    assert service.account.messages[0].params["message"] == message


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("character", ["x", "é", "漢", "\N{PILE OF POO}", "\u0301"])
def test_limits_count_code_points(service: Service, name: str, character: str) -> None:
    fits = service.send(**{name: character * LIMITS[name]})
    too_long = service.send(**{name: character * (LIMITS[name] + 1)})

    assert (fits.http_status, too_long.http_status) == (200, 400)


def test_limits_are_not_held_against_encrypted_texts(service: Service) -> None:
    answer = service.send(message="x" * 2000, title="y" * 500, encrypted=1)

    assert answer.http_status == 200


def test_the_message_is_kept_without_the_token(service: Service) -> None:
    service.send(title="Title", not_yet_invented="passes")

    message = service.account.messages[0]

    assert message.params == {
        "user": USER,
        "message": "Hello",
        "title": "Title",
        "not_yet_invented": "passes",
    }
    assert TOKEN not in repr(message)


@pytest.mark.parametrize("sound", ["siren", "my-own-upload", ""])
def test_no_sound_is_refused(service: Service, sound: str) -> None:
    assert service.send(sound=sound).http_status == 200


def test_ttl_is_ignored_for_an_emergency(service: Service) -> None:
    assert service.send(priority=2, retry=30, expire=60, ttl="nonsense").http_status == 200


@pytest.mark.parametrize("priority", ["-2", "-1", "0", "1", ""])
def test_only_an_emergency_gets_a_receipt(service: Service, priority: str) -> None:
    assert "receipt" not in service.send(priority=priority).body
    assert len(service.ring()) == 30


def test_devices_are_those_wanted_and_all_where_none_is_known(service: Service) -> None:
    for device in ("desk", "desk,phone", "desk,toaster", "toaster", "", "ALL_DEVICES"):
        service.send(device=device)

    reached = [message.recipients[USER] for message in service.account.messages]

    both = ("phone", "desk")
    assert reached == [("desk",), both, ("desk",), both, both, both]


def test_several_users_get_it_on_all_devices(service: Service) -> None:
    service.account.people[OTHER_USER] = type(service.account.people[USER])(OTHER_USER, ("tablet",))

    service.send(user=f"{USER},{OTHER_USER}", device="desk")

    assert service.account.messages[0].recipients == {
        USER: ("phone", "desk"),
        OTHER_USER: ("tablet",),
    }


def test_one_unknown_user_of_several_refuses_the_message(service: Service) -> None:
    assert service.send(user=f"{USER},{OTHER_USER}").body["user"] == "invalid"


def test_nobody_to_send_to_is_a_success_that_says_so(service: Service) -> None:
    service.account.people[USER].devices = ()

    answer = service.send()

    assert answer.http_status == 200
    assert answer.body["status"] == 1
    assert answer.body["info"] == "no active devices to send to"
    assert service.account.messages[0].recipients == {}


@pytest.mark.parametrize("type_", ["image/png", "IMAGE/JPEG"])
def test_an_image_comes_along(service: Service, type_: str | None) -> None:
    image = Attachment("cat.png", type_, bytes(MOST_BYTES))

    answer = service.send(image)

    assert answer.http_status == 200
    assert service.account.messages[0].attachment == image


@pytest.mark.parametrize("way", ["file", "text"])
def test_an_image_over_the_limit_is_refused_with_its_size(service: Service, way: str) -> None:
    if way == "file":
        answer = service.send(Attachment("cat.png", "image/png", TOO_MANY_BYTES))
    else:
        text = base64.b64encode(TOO_MANY_BYTES).decode()
        answer = service.send(attachment_base64=text, attachment_type="image/png")

    assert answer.body["errors"] == [
        "attachment is too large (5242881 bytes is more than 5242880 byte limit)"
    ]


def test_an_image_as_text_is_the_same_image(service: Service) -> None:
    service.send(attachment_base64=base64.b64encode(b"png").decode(), attachment_type="image/png")

    attachment = service.account.messages[0].attachment

    assert attachment == Attachment("attachment", "image/png", b"png")


@pytest.mark.parametrize("declared", [None, "", "application/octet-stream"])
@pytest.mark.parametrize(
    ("start", "recognised"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF1234WEBP", "image/webp"),
        (b"BM1234", "image/bmp"),
        (b"1234ftypavif", "image/avif"),
        (b"1234ftypheic", "image/heic"),
    ],
)
def test_an_image_without_a_type_is_recognised_by_its_first_bytes(
    service: Service, declared: str | None, start: bytes, recognised: str
) -> None:
    answer = service.send(Attachment("cat", declared, start + bytes(20)))

    assert answer.http_status == 200
    assert service.account.messages[0].attachment == Attachment(
        "cat", recognised, start + bytes(20)
    )


@pytest.mark.parametrize(
    ("declared", "data"),
    [(None, b"Hello"), ("application/octet-stream", b""), ("text/html", b"BM")],
)
def test_a_file_that_is_no_image_is_refused(
    service: Service, declared: str | None, data: bytes
) -> None:
    answer = service.send(Attachment("cat", declared, data))

    assert answer.body["errors"] == ["attachment is not an image"]


def test_a_text_named_attachment_beside_the_file_is_accepted(service: Service) -> None:
    image = Attachment("cat.png", "image/png", b"png")

    assert service.send(image, attachment="/tmp/cat.png").http_status == 200


@pytest.mark.parametrize("text", ["é", "AAA\u2603", "A\x00AA"])
def test_base64_may_be_any_text(service: Service, text: str) -> None:
    answer = service.send(attachment_base64=text, attachment_type="image/png")

    assert answer.body["attachment_base64"] == "is not valid base64"


@pytest.mark.parametrize("timestamp", ["1700000000000", "9" * 30, "nan"])
def test_milliseconds_and_other_impossible_times_are_refused(
    service: Service, timestamp: str
) -> None:
    assert service.send(timestamp=timestamp).body["timestamp"] == "is not a valid Unix timestamp"


@pytest.mark.parametrize("name", ["tags", "device", "sound", "callback"])
def test_texts_that_would_fill_the_memory_are_refused(service: Service, name: str) -> None:
    fields = {"priority": 2, "retry": 30, "expire": 60, name: "http://" + "x" * 5_000}

    assert "is too long" in service.send(**fields).body[name]
