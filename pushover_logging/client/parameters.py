"""Puts what callers give into the words of a request: one text for each form field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from .constants import KEY_PATTERN, USERS_MAXIMUM
from .masking import mask

Value: TypeAlias = str | int | float | bool | Sequence[str] | None
"""A form field: None is left out, True is 1, a sequence becomes a comma list."""


def form(parameters: Mapping[str, Value]) -> dict[str, str]:
    """The form fields of a request, as texts; what is None is left out."""
    return {name: _field(name, value) for name, value in parameters.items() if value is not None}


def _field(name: str, value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        # Not str(): of True and of an IntEnum it is the name.
        return str(int(value))
    if isinstance(value, float):
        return str(value)
    if isinstance(value, Iterable):
        return ",".join(value)
    raise TypeError(f"{name} must be a text, a number or a list of texts, not {type(value)}")


def token(value: object, what: str = "token") -> str:
    """Check an application token or another single key; ``what`` names it in errors."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a text, not {type(value).__name__}")
    if not KEY_PATTERN.fullmatch(value):
        raise ValueError(f"{what} must be 30 letters and digits, not {mask(value)!r}")
    return value


def user(value: object) -> str:
    """Check one key or several (a list or a comma list) and give them as a comma list."""
    keys = value.split(",") if isinstance(value, str) else value
    if not isinstance(keys, Iterable):
        raise TypeError(f"user must be a key or a list of keys, not {type(value).__name__}")
    checked = [token(key.strip() if isinstance(key, str) else key, "user") for key in keys]
    if not 1 <= len(checked) <= USERS_MAXIMUM:
        raise ValueError(f"user is {len(checked)} keys; 1 to {USERS_MAXIMUM} fit into a message")
    return ",".join(checked)
