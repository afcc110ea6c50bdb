"""Form, multipart and JSON bodies mean the same; a broken body is refused, never guessed at."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlencode

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.devserver import parameters
from pushover_logging.devserver.answers import Refusal
from pushover_logging.devserver.parameters import Attachment, Parameters, parse_form

FORM = "application/x-www-form-urlencoded"
TEXT = st.text(st.characters(exclude_categories=("Cs",)))
NAME = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1)
FIELDS = st.dictionaries(NAME, TEXT)


def parse_body(content_type: str, body: bytes) -> Parameters:
    return asyncio.run(parameters.parse_body(content_type, body))


def read(query: str, content_type: str, body: bytes) -> Parameters:
    return asyncio.run(parameters.read_parameters(query.encode(), content_type, body))


def multipart(
    fields: dict[str, str], files: list[tuple[str, tuple[str, bytes, str | None]]]
) -> Parameters:
    parts: list[tuple[str, tuple[str | None, str | bytes]]] = [
        (name, (None, text.encode())) for name, text in fields.items()
    ]
    request = requests.Request("POST", "http://localhost", files=[*parts, *files]).prepare()
    return parse_body(request.headers["Content-Type"], request.body)


@given(FIELDS)
def test_every_kind_of_body_gives_the_same_fields(fields: dict[str, str]) -> None:
    form = parse_body(FORM, urlencode(fields).encode())
    as_json = parse_body("application/json", json.dumps(fields).encode())
    query = parse_form(urlencode(fields).encode())
    in_parts = multipart(fields, [("file", ("f", b"", "text/plain"))])

    assert form.fields == as_json.fields == query == fields
    assert in_parts.fields == {**fields, "file": ""}


@given(st.binary())
def test_a_file_part_keeps_its_bytes(data: bytes) -> None:
    parsed = multipart({"message": "Hello"}, [("attachment", ("c.png", data, "image/png"))])

    assert parsed.attachment == Attachment("c.png", "image/png", data)
    assert parsed.fields == {"message": "Hello"}


@given(st.binary(), st.sampled_from([FORM, "application/json", "multipart/form-data; boundary=x"]))
def test_any_bytes_are_understood_or_refused(body: bytes, content_type: str) -> None:
    try:
        fields = parse_body(content_type, body).fields
    except Refusal:
        fields = {}

    assert all(isinstance(text, str) for text in fields.values())


def test_numbers_and_booleans_of_json_are_texts() -> None:
    body = b'{"priority": 2, "html": true, "monospace": false, "sound": null, "ratio": 0.5}'

    fields = parse_body("application/json; charset=utf-8", body).fields

    assert fields == {"priority": "2", "html": "1", "monospace": "0", "ratio": "0.5"}


@pytest.mark.parametrize(
    ("content_type", "body", "sentence"),
    [
        ("application/json", b"{", "body is not valid JSON in UTF-8"),
        ("application/json", b'"\\ud800"', "body is not valid JSON in UTF-8"),
        ("application/json", b"[1]", "JSON body must be an object of parameters"),
        ("application/json", b'{"tags": ["a"]}', "tags must be a text or a number"),
        (FORM, b"message=%ff", "form is not UTF-8"),
        (FORM, "message=é".encode("latin-1"), "form is not UTF-8"),
        (FORM, b"a&" * 1_000, "request has more than 1000 parameters"),
        ("multipart/form-data", b"x", "multipart body has no boundary"),
        ("multipart/form-data; boundary=x", b"nonsense", "multipart body ends too early"),
        ("multipart/form-data; boundary=x", b"--x\r\n", "multipart body ends too early"),
        (
            "multipart/form-data; boundary=x",
            b"nonsense\r\n--x--",
            "multipart body is broken: ",
        ),
        ("text/plain", b"Hello", "content type text/plain is not form, multipart or JSON"),
    ],
)
def test_a_broken_body_is_refused_in_a_sentence(
    content_type: str, body: bytes, sentence: str
) -> None:
    with pytest.raises(Refusal) as refused:
        parse_body(content_type, body)

    assert refused.value.errors[0].startswith(sentence)


def test_two_images_are_refused() -> None:
    image = ("attachment", ("c.png", b"png", "image/png"))

    with pytest.raises(Refusal) as refused:
        multipart({}, [image, image])

    assert refused.value.errors == ["attachment must be one file"]


@pytest.mark.parametrize("filename", ["m", None])
def test_a_text_part_that_is_not_utf8_is_refused(filename: str | None) -> None:
    with pytest.raises(Refusal) as refused:
        multipart({}, [("message", (filename, b"\xff", "text/plain"))])

    assert refused.value.reasons == {"message": "is not UTF-8"}


def test_a_body_without_a_type_is_a_form() -> None:
    assert parse_body("", b"message=Hello").fields == {"message": "Hello"}


def test_no_body_has_no_parameters() -> None:
    assert parse_body("", b"") == Parameters()


def test_a_form_may_be_bare_utf8() -> None:
    body = "message=Größe ☃&title=%E2%98%83".encode()

    assert parse_body(FORM, body).fields == {"message": "Größe ☃", "title": "☃"}


def test_query_string_and_body_count_together_and_the_body_wins() -> None:
    fields = read("token=t&message=a&priority=1", FORM, b"message=b").fields

    assert fields == {"token": "t", "message": "b", "priority": "1"}


def test_a_body_of_another_type_is_ignored_if_the_query_string_has_the_parameters() -> None:
    fields = read("token=t&message=a", "text/plain", b"alert: 3 firing").fields

    assert fields == {"token": "t", "message": "a"}


def test_multipart_needs_no_line_break_before_its_last_boundary() -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="message"\r\n\r\nHello--x--\r\n'

    assert parse_body("multipart/form-data; boundary=x", body).fields == {"message": "Hello"}


def test_a_text_beside_the_file_is_an_ordinary_parameter() -> None:
    parsed = multipart({"attachment": "/tmp/c.png"}, [("attachment", ("c.png", b"png", None))])

    assert parsed.attachment == Attachment("c.png", None, b"png")
    assert parsed.fields == {"attachment": "/tmp/c.png"}


def test_an_empty_file_part_is_no_attachment() -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="attachment"; filename=""\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n\r\n--x--\r\n"
    )

    assert parse_body("multipart/form-data; boundary=x", body).attachment is None


def test_a_large_file_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.SpooledTemporaryFile.rollover", None)
    data = bytes(3 * 1024 * 1024)

    parsed = multipart({}, [("attachment", ("c.png", data, "image/png"))])

    assert parsed.attachment is not None
    assert parsed.attachment.data == data
