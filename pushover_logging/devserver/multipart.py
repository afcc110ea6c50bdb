"""The parts of a multipart body; the only place that knows python-multipart."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from pushover_logging.devserver.refusals import Refusal

# The parser would log in the very program that is under test; this logger has no parent.
_SILENT = logging.Logger("devserver.multipart", logging.CRITICAL + 1)


@dataclass(frozen=True)
class Part:
    """One part of a body: a text field, or a file where ``filename`` is set."""

    name: str
    filename: str | None
    content_type: str | None
    data: bytes = field(repr=False)


def split_multipart(content_type: str, body: bytes) -> list[Part]:
    """The parts in their order; a body that isn't multipart as announced is refused."""
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise Refusal({}, ["multipart body has no boundary"])
    collector = _Collector()
    try:
        collector.read(boundary, body)
    except FormParserError:
        raise Refusal({}, ["multipart body is broken"]) from None
    if not collector.ended:
        raise Refusal({}, ["multipart body ends too early"])
    return collector.parts


class _Collector:
    """Puts together what the parser reports in pieces."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.ended = False
        self._start_part()

    def read(self, boundary: bytes, body: bytes) -> None:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._start_part,
                "on_header_field": self._add_field,
                "on_header_value": self._add_value,
                "on_header_end": self._end_header,
                "on_part_data": self._add_data,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
        )
        parser.logger = _SILENT
        parser.write(body)
        parser.finalize()

    def _start_part(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._data = bytearray()
        self._start_header()

    def _start_header(self) -> None:
        self._field = bytearray()
        self._value = bytearray()

    def _add_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[bytes(self._field).lower()] = bytes(self._value)
        self._start_header()

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def _end_part(self) -> None:
        options = parse_options_header(self._headers.get(b"content-disposition", b""))[1]
        filename = options.get(b"filename")
        content_type = self._headers.get(b"content-type")
        self.parts.append(
            Part(
                name=options.get(b"name", b"").decode("utf-8", "replace"),
                filename=None if filename is None else filename.decode("utf-8", "replace"),
                content_type=None if content_type is None else content_type.decode("latin-1"),
                data=bytes(self._data),
            )
        )

    def _end(self) -> None:
        self.ended = True
