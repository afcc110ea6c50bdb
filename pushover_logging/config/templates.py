"""Parses templates such as ``{levelname} {name}``, and reads placeholders from a log record."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from string import Formatter

from ..notice import TEXT_BOUND
from ..values import NamedTuple
from .parsing import masked, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "STANDARD",
    "Part",
    "Placeholder",
    "Template",
    "formatted",
    "placeholder_text",
    "record_reader",
]

STANDARD = frozenset(
    (
        *("levelname", "levelno", "name", "message", "created", "asctime", "lineno", "pathname"),
        *("filename", "module", "funcName", "hostname", "msecs"),
    )
)
"""Fields that a Snapshot carries, so that they can be filled in after the logging call."""

_FORMATTER = Formatter()
_WIDTH_LIMIT = 3
"""Digits in a width or precision; a wider value could fill the memory."""


class Placeholder(NamedTuple):
    """A field in braces, with the items to take from it and the format of the value."""

    source: str
    """The text between the braces, such as ``data[name]!r:>5``."""
    field: str
    """The name of an attribute of the record."""
    keys: tuple[str, ...] = ()
    """Keys of mappings to follow from there: ``("name",)`` in ``{data[name]}``."""
    conversion: str | None = None
    spec: str = ""


class Part(NamedTuple):
    """Text, followed by a placeholder or by nothing."""

    literal: str
    placeholder: Placeholder | None


class Template:
    """A text with placeholders, such as ``{levelname} {data[user]}``; ``{{`` is a brace.

    A placeholder reaches an attribute of the record by name, and items of mappings by key.
    Attributes of values cannot be reached, because a log record carries objects of every kind.
    Raises ValueError, naming the option, for a text that is no template.
    """

    def __init__(self, option: str, text: str, *, address: bool = False) -> None:
        """In the template of an ``address`` values are to be quoted, except at its beginning."""
        self.text = text
        self.is_address = address
        try:
            parsed = list(_FORMATTER.parse(text))
        except ValueError as error:
            raise ValueError(f"{option} is {shown(text)}, not a template: {error}") from None
        self.parts: tuple[Part, ...] = tuple(
            Part(literal, None if field is None else _placeholder(option, text, field, spec, how))
            for literal, field, spec, how in parsed
        )
        self.placeholders: tuple[Placeholder, ...] = tuple(
            part.placeholder for part in self.parts if part.placeholder
        )

    def __repr__(self) -> str:
        return f"Template({self.text!r})"


def _placeholder(
    option: str, text: str, field: str, spec: str | None, conversion: str | None
) -> Placeholder:
    name, *items = field.split("[")
    keys = tuple(item.removesuffix("]") for item in items)
    if not name.isidentifier() or not all(
        key and item == f"{key}]" and "]" not in key for key, item in zip(keys, items, strict=True)
    ):
        raise ValueError(
            f"{option} is {shown(text)}: {{{masked(field)}}} is no field; a field is the name of"
            " an attribute of a record, such as {levelname}, or an item of a mapping, such as"
            " {data[user]}"
        )
    if keys and name in STANDARD:
        raise ValueError(f"{option} is {shown(text)}: {name} is no mapping and has no items")
    spec = spec or ""
    if conversion not in (None, "r", "s", "a") or "{" in spec:
        raise ValueError(
            f"{option} is {shown(text)}: {{{masked(field)}}} may have a conversion (!r, !s, !a)"
            " and a plain format, such as {lineno:>5}"
        )
    digits = max(map(len, "".join(c if c.isdecimal() else " " for c in spec).split()), default=0)
    if digits > _WIDTH_LIMIT:
        raise ValueError(
            f"{option} is {shown(text)}: the format of {{{masked(field)}}} holds a number of"
            f" {digits} digits; at most {_WIDTH_LIMIT} fit"
        )
    source = field + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
    return Placeholder(source, name, keys, conversion, spec)


def formatted(value: object, placeholder: Placeholder) -> str:
    """Return the value as the placeholder formats it, at most TEXT_BOUND characters. Never raises.

    A value that cannot be shown becomes the name of its type, so that no alert is lost.
    """
    try:
        converted = _FORMATTER.convert_field(value, placeholder.conversion)
        return format(converted, placeholder.spec)[:TEXT_BOUND]
    except Exception:  # noqa: BLE001 - the value is any object of the application
        return f"<{type(value).__name__}>"


def placeholder_text(placeholder: Placeholder, record: logging.LogRecord) -> str | None:
    """Return the text of a placeholder for this record; None if the record lacks it. Never raises.

    ``record`` is read only; nothing of it is kept.
    """
    try:
        value: object = record.__dict__[placeholder.field]
        for key in placeholder.keys:
            if not isinstance(value, Mapping):
                return None
            value = value[key] if key in value or not key.isdecimal() else value[int(key)]
    except Exception:  # noqa: BLE001 - a missing item, or a mapping of the application that fails
        return None
    return formatted(value, placeholder)


def record_reader(template: Template) -> Callable[[logging.LogRecord], str | None]:
    """Return a function that fills the template from a record; None if the record lacks a field.

    It is called in the logging call. It raises only what ``record.getMessage()`` raises.
    """
    hostname = ""
    if any(placeholder.field == "hostname" for placeholder in template.placeholders):
        import socket  # only a template that names the host needs it

        hostname = socket.gethostname()

    def fill(record: logging.LogRecord) -> str | None:
        text = ""
        for literal, placeholder in template.parts:
            text += literal
            if placeholder is None:
                continue
            value: str | None
            if placeholder.field == "message":
                value = formatted(record.getMessage(), placeholder)
            elif placeholder.field == "hostname":
                value = formatted(hostname, placeholder)
            elif placeholder.field == "asctime":
                value = formatted(logging.Formatter().formatTime(record), placeholder)
            else:
                value = placeholder_text(placeholder, record)
            if value is None:
                return None
            text += value
        return text

    return fill
