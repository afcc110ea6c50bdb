"""Fills the ``{}``-templates of ``title``, ``url`` and ``url_title`` from a Snapshot.

Each value is redacted before it is formatted, quoted or cut, because a credential may be beyond
recognition afterwards.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from ..config.templates import Template

if TYPE_CHECKING:
    from ..config.templates import Placeholder
    from ..notice import Snapshot

__all__ = ["fill", "local_time", "parsed"]

NO_TIME = "(no valid time)"
_HOSTNAME = socket.gethostname()
_NUMBER = re.compile(r"[+-]?(?:[0-9][0-9_,.]*(?:[eE][+-]?[0-9]+)?%?|inf|nan)")
_ATTRIBUTES = {
    "levelname": "levelname",
    "levelno": "levelno",
    "name": "name",
    "created": "created",
    "lineno": "lineno",
    "pathname": "pathname",
    "funcName": "function",
}
"""The names in a Snapshot of the fields that it holds as they are."""
_CONVERSIONS: dict[str | None, Callable[[object], object]] = {"r": repr, "s": str, "a": ascii}
_QUOTED = re.compile(r"[^A-Za-z0-9._~/:@*-]+")
"""A ``*`` needs no quoting, so that a blanked value stays readable."""


@lru_cache(maxsize=256)
def parsed(option: str, text: str) -> Template | None:
    """The template, parsed once; None for a text that is not a template."""
    try:
        return Template(option, text, address=option == "url")
    except ValueError:
        return None


def fill(
    option: str, text: str, snapshot: Snapshot, message: str, tidy: Callable[[str], str]
) -> tuple[str, bool]:
    """The text of the template ``option`` for this record, and whether it had every field.

    A missing field leaves nothing behind. In an address the values are percent-encoded, unless they
    are its very beginning. A text that is not a template counts as a template without its fields.
    """
    template = parsed(option, text)
    if template is None:
        return "", False
    filled = ""
    is_complete = True
    for literal, placeholder in template.parts:
        filled += literal
        if placeholder is None:
            continue
        value = _value(placeholder, snapshot, message, tidy)
        if value is None:
            is_complete = False
        elif option == "url" and filled:
            filled += _QUOTED.sub(_percent_encoded, value)
        else:
            filled += value
    return filled, is_complete


def _value(
    placeholder: Placeholder, snapshot: Snapshot, message: str, tidy: Callable[[str], str]
) -> str | None:
    """The value as the template shows it, redacted; None if the record lacks it."""
    field = placeholder.field
    given = snapshot.fields.get(placeholder.source)
    if given is not None:  # formatted in the logging call, except for the cut of a text
        text = tidy(given)
        if "." not in placeholder.spec or _NUMBER.fullmatch(given.strip()):
            return text
        try:
            return format(text, placeholder.spec)
        except ValueError:
            return text
    value: object
    if field in ("message", "hostname", "asctime"):
        value = {"message": message, "hostname": _HOSTNAME}.get(field)
        if value is None:
            value = local_time(snapshot.created, "%Y-%m-%d %H:%M:%S")
            value += f",{int(snapshot.created % 1 * 1000):03d}" if value != NO_TIME else ""
    elif field in ("filename", "module"):
        value = re.split(r"[/\\]", snapshot.pathname)[-1]
        value = value.rpartition(".")[0] or value if field == "module" else value
    elif field in _ATTRIBUTES:
        value = getattr(snapshot, _ATTRIBUTES[field])
    elif field == "msecs":
        value = snapshot.created % 1 * 1000
    else:
        return None
    try:
        value = _CONVERSIONS[placeholder.conversion](value) if placeholder.conversion else value
        return format(tidy(value) if isinstance(value, str) else value, placeholder.spec)
    except Exception:  # noqa: BLE001 - a format that does not suit the value must not lose the alert
        return f"<{type(value).__name__}>"


def _percent_encoded(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match.group().encode("utf-8", "replace"))


def local_time(seconds: float, form: str) -> str:
    """Unix seconds in local time, as ``time.strftime`` writes them.

    A record made by hand may hold any number; the text says so if no clock shows that time.
    """
    try:
        return time.strftime(form, time.localtime(seconds))
    except (TypeError, ValueError, OverflowError, OSError):
        return NO_TIME
