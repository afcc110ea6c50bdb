"""Reads the request that the service posts to a callback address after an acknowledgement.

The request is not signed: anybody who knows the address can send it. Give Pushover an address that
nobody can guess (https, with a long random part), answer 2xx at once (or the request comes again
after a minute), and ask the service before you act:
``application.receipt(acknowledgement.receipt).acknowledged``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from urllib.parse import parse_qs

from .answers import moment
from .constants import KEY_PATTERN

Form: TypeAlias = bytes | str | Mapping[str, str] | Mapping[str, Sequence[str]]
"""A request's body, or its form as web frameworks give it, with or without lists of values."""


@dataclass(frozen=True)
class Acknowledgement:
    """An acknowledgement of an emergency, as an unsigned request claims."""

    receipt: str
    """The receipt of the emergency, to ask the service with."""
    acknowledged: bool
    acknowledged_at: datetime | None
    acknowledged_by: str | None = field(repr=False)
    """The user's key."""
    acknowledged_by_device: str | None

    @classmethod
    def from_form(cls, form: Form) -> Acknowledgement:
        """Read the form of a callback. Raises ValueError for a form that Pushover never sends."""
        fields = _fields(form)
        receipt, by = fields.get("receipt", ""), fields.get("acknowledged_by")
        if not KEY_PATTERN.fullmatch(receipt) or (by and not KEY_PATTERN.fullmatch(by)):
            raise ValueError(
                "this form is no callback of Pushover's: it has no receipt of 30 letters and digits"
            )
        return cls(
            receipt=receipt,
            acknowledged=fields.get("acknowledged") == "1",
            acknowledged_at=moment(fields.get("acknowledged_at")),
            acknowledged_by=by or None,
            acknowledged_by_device=fields.get("acknowledged_by_device") or None,
        )


def _fields(form: Form) -> dict[str, str]:
    if isinstance(form, (bytes, str)):
        body = form.decode("utf-8", "replace") if isinstance(form, bytes) else form
        form = parse_qs(body, max_num_fields=100)
    return {name: _single(form[name]) for name in form}


def _single(value: str | Sequence[str]) -> str:
    # Item access gives a text for Django's and Flask's forms, and a list for parse_qs.
    if isinstance(value, str):
        return value
    return value[-1] if value else ""
