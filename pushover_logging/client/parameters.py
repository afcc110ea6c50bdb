"""The values that callers give: form fields, and the checks of tokens and keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from .constants import KEY_PATTERN, USERS_MAXIMUM
from .masking import mask

Value: TypeAlias = str | int | float | bool | Sequence[str] | None
"""A form field: None is left out, True is 1, a sequence becomes a comma list."""


def token(value: object, what: str = "token") -> str:
    """Check an application token or another key; ``what`` names it in errors."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a text, not {type(value).__name__}")
    if not KEY_PATTERN.fullmatch(value):
        raise ValueError(f"{what} must be 30 letters and digits, not {mask(value)!r}")
    return value


def user(value: object) -> str:
    """Check a key or several (a list or a comma list), and return a comma list."""
    keys = value.split(",") if isinstance(value, str) else value
    if not isinstance(keys, Iterable):
        raise TypeError(f"user must be a key or a list of keys, not {type(value).__name__}")
    checked = [token(key.strip() if isinstance(key, str) else key, "user") for key in keys]
    if not 1 <= len(checked) <= USERS_MAXIMUM:
        raise ValueError(f"user is {len(checked)} keys; 1 to {USERS_MAXIMUM} fit into a message")
    return ",".join(checked)
