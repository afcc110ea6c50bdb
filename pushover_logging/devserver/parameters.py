"""Reads the parameters of a request: query string, form, multipart or JSON body."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, Headers
from starlette.formparsers import MultiPartException, MultiPartParser

from pushover_logging.devserver.answers import Refusal

FIELDS_MAXIMUM = 1_000
"""A request has at most this many parameters."""

_FORM = "application/x-www-form-urlencoded"
_TOO_MANY = f"request has more than {FIELDS_MAXIMUM} parameters"


@dataclass(frozen=True)
class Attachment:
    """An image that came with a message."""

    name: str
    type: str | None
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Parameters:
    """The text fields of a request, and its file if it has one."""

    fields: Mapping[str, str] = field(default_factory=dict)
    attachment: Attachment | None = None

    def get(self, name: str) -> str:
        """A field's text; empty if it is missing, which the service treats alike."""
        return self.fields.get(name, "")


async def read_parameters(query: bytes, content_type: str, body: bytes) -> Parameters:
    """The parameters of the query string and the body together; the body's win.

    Webhooks post bodies of their own kind to an address that has all parameters in its query
    string. A body of an unknown kind is therefore refused only if the query string has no token.
    """
    in_query = parse_form(query)
    if "token" in in_query and not _is_known(content_type):
        return Parameters(in_query)
    in_body = await parse_body(content_type, body)
    return Parameters({**in_query, **in_body.fields}, in_body.attachment)


async def parse_body(content_type: str, body: bytes) -> Parameters:
    """The parameters of a body. Raises Refusal if it is broken or of an unknown kind."""
    if not body:
        return Parameters()
    kind = _kind(content_type)
    if kind == "application/json":
        return Parameters(_json_fields(body))
    if kind == "multipart/form-data":
        return await _multipart_fields(content_type, body)
    if kind == _FORM:
        return Parameters(parse_form(body))
    raise Refusal({}, [f"content type {kind[:100]} is not form, multipart or JSON"])


def parse_form(text: bytes) -> dict[str, str]:
    """The parameters of a query string or form, percent-encoded or in bare UTF-8.

    Starlette's form parser takes bare bytes for Latin-1; ``curl -d`` and the service mean UTF-8.
    """
    if text.count(b"&") >= FIELDS_MAXIMUM:
        raise Refusal({}, [_TOO_MANY])
    try:
        return dict(parse_qsl(text.decode(), keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError:
        raise Refusal({}, ["form is not UTF-8"]) from None


def _kind(content_type: str) -> str:
    # Some clients declare no type and mean a form; the service takes it as a form too.
    return content_type.partition(";")[0].strip().lower() or _FORM


def _is_known(content_type: str) -> bool:
    return _kind(content_type) in ("application/json", "multipart/form-data", _FORM)


def _json_fields(body: bytes) -> dict[str, str]:
    try:
        # The codec refuses lone surrogates, which JSON can write and no device can show.
        fields = json.loads(body)
        json.dumps(fields, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Refusal({}, ["body is not valid JSON in UTF-8"]) from None
    if not isinstance(fields, dict):
        raise Refusal({}, ["JSON body must be an object of parameters"])
    if len(fields) > FIELDS_MAXIMUM:
        raise Refusal({}, [_TOO_MANY])
    texts: dict[str, str] = {}
    for name, value in fields.items():
        if isinstance(value, bool):
            texts[name] = str(int(value))
        elif isinstance(value, str | int | float):
            texts[name] = str(value)
        elif value is not None:
            raise Refusal.of(name[:100], "must be a text or a number")
    return texts


class _Parser(MultiPartParser):
    # The body is in memory and bounded already: no part goes to the disk.
    spool_max_size = 2**31
    max_file_size = 2**31  # its name before Starlette 0.46


async def _multipart_fields(content_type: str, body: bytes) -> Parameters:
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise Refusal({}, ["multipart body has no boundary"])
    # Latin-1 keeps every byte, so that only UTF-8 is accepted below; Starlette would guess.
    headers = Headers({"content-type": f"{content_type}; charset=latin-1"})
    parser = _Parser(
        headers,
        _chunks(_with_line_before_end(body, boundary)),
        max_files=FIELDS_MAXIMUM,
        max_fields=FIELDS_MAXIMUM,
        max_part_size=len(body) + 1,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Refusal({}, [f"multipart body is broken: {error.message}"]) from None
    # python-multipart checks the boundary before it reads, and raises other errors there.
    except (ValueError, LookupError) as error:
        raise Refusal({}, [f"multipart body is broken: {error}"]) from None
    return await _fields_and_file(form)


async def _chunks(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


def _with_line_before_end(body: bytes, boundary: bytes) -> bytes:
    """The body with a line break before its last boundary.

    The npm package pushover-notifications leaves it out, and the service takes its messages.
    """
    end = body.rfind(b"--" + boundary + b"--")
    if end < 0:
        raise Refusal({}, ["multipart body ends too early"])
    if end and not body[:end].endswith(b"\r\n"):
        return body[:end] + b"\r\n" + body[end:]
    return body


async def _fields_and_file(form: FormData) -> Parameters:
    fields: dict[str, str] = {}
    files: list[Attachment] = []
    for latin_name, value in form.multi_items():
        name = _utf8(latin_name, "part name")
        if isinstance(value, str):
            fields[name] = _utf8(value, name)
            continue
        data = await value.read()
        filename = re.split(r"[/\\]", _utf8(value.filename or "", "filename"))[-1]
        if name != "attachment":
            fields[name] = _utf8(data.decode("latin-1"), name)
        elif filename or data:  # a form without a file sends an empty part
            files.append(Attachment(filename, value.content_type, data))
    if len(files) > 1:
        raise Refusal.of("attachment", "must be one file")
    return Parameters(fields, files[0] if files else None)


def _utf8(latin: str, name: str) -> str:
    try:
        return latin.encode("latin-1").decode()
    except UnicodeError:
        raise Refusal.of(name[:100], "is not UTF-8") from None
