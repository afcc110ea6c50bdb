"""Request bodies of every kind the service reads, as one mapping of parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from pushover_logging.devserver.multipart import Part, split_multipart
from pushover_logging.devserver.refusals import Refusal


@dataclass(frozen=True)
class Attachment:
    """An image that came with a message."""

    name: str
    type: str | None
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Parameters:
    """What a request asks for: its text fields, and its file if it brought one."""

    fields: Mapping[str, str] = field(default_factory=dict)
    attachment: Attachment | None = None

    def get(self, name: str) -> str:
        """A field's text; empty where it is missing, which the service treats alike."""
        return self.fields.get(name, "")


def parse_query(query: str) -> dict[str, str]:
    """The parameters of a query string."""
    return _pairs(query.encode("ascii", "replace"))


def parse_body(content_type: str, body: bytes) -> Parameters:
    """The parameters of a form, multipart or JSON body; a body that is none of them is refused."""
    if not body:
        return Parameters()
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        return Parameters(_json_fields(body))
    if kind == "multipart/form-data":
        return _multipart_fields(split_multipart(content_type, body))
    # Some clients name no type at all and mean a form, which is how the service takes it.
    if kind in ("application/x-www-form-urlencoded", ""):
        return Parameters(_pairs(body))
    raise Refusal({}, [f"content type {kind} is not form, multipart or JSON"])


def _pairs(text: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise Refusal({}, ["form is not percent-encoded UTF-8"]) from None
    return dict(pairs)


def _json_fields(body: bytes) -> dict[str, str]:
    try:
        # The codec refuses lone surrogates, which JSON can write and no phone can show.
        fields = json.loads(body)
        json.dumps(fields, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Refusal({}, ["body is not valid JSON in UTF-8"]) from None
    if not isinstance(fields, dict):
        raise Refusal({}, ["JSON body must be an object of parameters"])
    return {name: _json_text(name, value) for name, value in fields.items() if value is not None}


def _json_text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, str | int | float):
        return str(value)
    raise Refusal.of(name, "must be a text or a number")


def _multipart_fields(parts: list[Part]) -> Parameters:
    fields: dict[str, str] = {}
    files: list[Attachment] = []
    for part in parts:
        if part.filename is not None and part.name == "attachment":
            files.append(Attachment(part.filename, part.content_type, part.data))
        else:
            fields[part.name] = _part_text(part)
    if len(files) > 1:
        raise Refusal.of("attachment", "must be one file")
    return Parameters(fields, files[0] if files else None)


def _part_text(part: Part) -> str:
    try:
        return part.data.decode()
    except UnicodeDecodeError:
        raise Refusal.of(part.name, "is not UTF-8") from None
