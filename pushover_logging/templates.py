"""The ``{}``-templates of ``title``, ``url`` and ``url_title``: parsed once, filled per record."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from string import Formatter
from typing import NamedTuple

__all__ = ["Filled", "Template", "Templates", "Texts", "by_template"]

_PARSER = Formatter()
_UNSAFE = re.compile(r"[^A-Za-z0-9._~/:@-]+")


# What stays as it is after the logging call, but for colours, which are taken out anyway.
_LASTING_FIELDS = frozenset(
    logging.makeLogRecord({}).__dict__.keys()
    - {"msg", "args", "exc_info", "exc_text", "stack_info"}
    | {"taskName", "message", "asctime", "hostname"}
)


class Filled(NamedTuple):
    """A filled template, and whether every field was there."""

    text: str
    complete: bool


_BLANK = Filled("", True)


class _Part(NamedTuple):
    literal: str
    field: str | None
    spec: str
    conversion: str | None


class Template:
    """A text with fields in braces, such as ``{levelname} {name}``; ``{{`` is a brace.

    Fields are names: no attributes or items of values can be reached, for a log record carries
    objects of every kind. Raises ValueError, naming the option, for anything else. In an
    ``address`` the values are quoted, but for one that is its beginning.
    """

    def __init__(self, option: str, text: str, *, address: bool = False) -> None:
        self._option = option
        self._address = address
        self._parts = tuple(self._parse(text))
        self.fields = frozenset(part.field for part in self._parts if part.field is not None)

    def _parse(self, text: str) -> list[_Part]:
        try:
            parts = [
                _Part(literal, field, spec or "", conversion)
                for literal, field, spec, conversion in _PARSER.parse(text)
            ]
        except ValueError as error:
            raise ValueError(f"{self._option} is {text!r}, not a template: {error}") from None
        for part in parts:
            self._check(text, part)
        return parts

    def _check(self, text: str, part: _Part) -> None:
        if part.field is not None and not part.field.isidentifier():
            raise ValueError(
                f"{self._option} is {text!r}: {{{part.field}}} is no field;"
                " a field is the name of a record's attribute, such as {levelname}"
            )
        if part.conversion not in (None, "r", "s", "a") or "{" in part.spec:
            raise ValueError(
                f"{self._option} is {text!r}: {{{part.field}}} may have a conversion"
                " (!r, !s, !a) and a plain format, such as {lineno:>5}"
            )

    def fill(self, values: Mapping[str, object]) -> Filled:
        """The text for these values; a missing one leaves nothing behind."""
        if not self._parts:
            return _BLANK
        text = ""
        complete = True
        for part in self._parts:
            text += part.literal
            if part.field is not None and part.field in values:
                value = _formatted(values[part.field], part)
                text += _quoted(value) if self._address and text else value
            elif part.field is not None:
                complete = False
        return Filled(text, complete)


def _formatted(value: object, part: _Part) -> str:
    try:
        return format(_PARSER.convert_field(value, part.conversion), part.spec)
    except Exception:  # noqa: BLE001 - a value that can't be shown must not lose the alert
        return f"<{type(value).__name__}>"


def _quoted(text: str) -> str:
    return _UNSAFE.sub(_percent_encoded, text)


def _percent_encoded(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match.group().encode("utf-8", "replace"))


class Texts(NamedTuple):
    """Title and url of a push, such as the templates give them; blank for none."""

    title: str
    url: str = ""
    url_title: str = ""


class Templates:
    """The three templates of a style, and where their values come from."""

    def __init__(
        self, title: str, url: str | None, url_title: str | None, hostname: str | None = None
    ) -> None:
        self._title = Template("title", title)
        self._url = Template("url", url or "", address=True)
        self._url_title = Template("url_title", url_title or "")
        fields = self._title.fields | self._url.fields | self._url_title.fields
        self._hostname = hostname or _hostname_in(fields)
        self.can_wait = fields <= _LASTING_FIELDS
        """Whether they show only what is the same after the logging call."""

    def fill(self, record: logging.LogRecord, message: str) -> Texts:
        """The texts for a record whose message is this one.

        A title of which nothing is left becomes the default one, an address that lacks a part none.
        """
        values = _values(record, message, self._hostname)
        title = self._title.fill(values).text
        url = self._url.fill(values)
        return Texts(
            title
            if title.strip() or not self._title.fields
            else f"{record.levelname} {record.name}",
            url.text if url.complete else "",
            self._url_title.fill(values).text,
        )


class _Clock:
    """A record's ``asctime``, made when it is shown."""

    def __init__(self, record: logging.LogRecord) -> None:
        self._record = record

    def __str__(self) -> str:
        return logging.Formatter().formatTime(self._record)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


def by_template(option: str, text: str) -> Callable[[logging.LogRecord], str]:
    """A function that fills one template from a record; it raises LookupError for what is missing.

    Raises ValueError as Template does.
    """
    template = Template(option, text)
    hostname = _hostname_in(template.fields)

    def fill(record: logging.LogRecord) -> str:
        message = record.getMessage() if "message" in template.fields else ""
        filled = template.fill(_values(record, message, hostname))
        if not filled.complete:
            raise LookupError("the record lacks a field")
        return filled.text

    return fill


def _values(record: logging.LogRecord, message: str, hostname: str) -> Mapping[str, object]:
    return {
        **record.__dict__,
        "message": message,
        "hostname": hostname,
        "asctime": _Clock(record),
    }


def _hostname_in(fields: frozenset[str]) -> str:
    if "hostname" not in fields:
        return ""
    import socket  # only who shows it pays for its import

    return socket.gethostname()
