"""Form, multipart and JSON bodies mean the same; a broken one is refused, never guessed at."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.devserver.parameters import Attachment, Parameters, parse_body, parse_query
from pushover_logging.devserver.refusals import Refusal

FORM = "application/x-www-form-urlencoded"
TEXT = st.text(st.characters(exclude_categories=("Cs",)))
NAME = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1)
FIELDS = st.dictionaries(NAME, TEXT)


def multipart(
    fields: dict[str, str], files: list[tuple[str, tuple[str, bytes, str]]]
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
    query = parse_query(urlencode(fields))
    in_parts = multipart(fields, [("file", ("f", b"", "text/plain"))])

    assert form.fields == as_json.fields == query == fields
    assert in_parts.fields == {**fields, "file": ""}


@given(st.binary())
def test_a_file_part_keeps_its_bytes(data: bytes) -> None:
    parameters = multipart({"message": "Hello"}, [("attachment", ("c.png", data, "image/png"))])

    assert parameters.attachment == Attachment("c.png", "image/png", data)
    assert parameters.fields == {"message": "Hello"}


@given(st.binary(), st.sampled_from([FORM, "application/json", "multipart/form-data; boundary=x"]))
def test_any_bytes_are_understood_or_refused(body: bytes, content_type: str) -> None:
    try:
        fields = parse_body(content_type, body).fields
    except Refusal:
        fields = {}

    assert all(isinstance(text, str) for text in fields.values())


def test_numbers_and_truths_of_json_are_texts() -> None:
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
        (FORM, b"message=%ff", "form is not percent-encoded UTF-8"),
        (FORM, "message=é".encode(), "form is not percent-encoded UTF-8"),
        ("multipart/form-data", b"x", "multipart body has no boundary"),
        ("multipart/form-data; boundary=x", b"nonsense", "multipart body is broken"),
        ("multipart/form-data; boundary=x", b"--x\r\n", "multipart body ends too early"),
        ("text/plain", b"Hello", "content type text/plain is not form, multipart or JSON"),
    ],
)
def test_a_broken_body_is_refused_in_a_sentence_and_not_logged(
    content_type: str, body: bytes, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)

    with pytest.raises(Refusal) as refused:
        parse_body(content_type, body)

    assert refused.value.errors == [sentence]
    assert caplog.records == []


def test_two_images_are_refused() -> None:
    image = ("attachment", ("c.png", b"png", "image/png"))

    with pytest.raises(Refusal) as refused:
        multipart({}, [image, image])

    assert refused.value.errors == ["attachment must be one file"]


def test_a_text_part_that_is_no_utf8_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        multipart({}, [("message", ("m", b"\xff", "text/plain"))])

    assert refused.value.reasons == {"message": "is not UTF-8"}


def test_a_body_that_names_no_type_is_a_form() -> None:
    assert parse_body("", b"message=Hello").fields == {"message": "Hello"}


def test_no_body_has_no_parameters() -> None:
    assert parse_body("", b"") == Parameters()
