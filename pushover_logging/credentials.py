"""Finds the keys: in the argument, the environment or a file, never in the open."""

from __future__ import annotations

import os
import re
from typing import Final

from .client.constants import KEY_PATTERN, USERS_MAXIMUM
from .converters import kind_of, masked

__all__ = ["resolve_encryption_key", "resolve_token", "resolve_users"]

_ENCRYPTION_KEY: Final = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
_KEY_SEPARATOR: Final = re.compile(r"\s*,\s*|\s+")
_FILE_LIMIT: Final = 16_384
"""Characters read of a secret's file: fifty keys fit, and a wrong path cannot fill the memory."""


def resolve_token(token: object = None) -> str:
    """Return the application token from the argument, else from the environment.

    Argument: the token, ``env:NAME`` or ``file:PATH``. Environment: ``PUSHOVER_TOKEN``, else the
    file that ``PUSHOVER_TOKEN_FILE`` names.
    """
    text, source = _argument(token, "token") or _environment("token")
    return _key(text, source)


def resolve_users(user: object = None) -> tuple[str, ...]:
    """Return the user or group keys from the argument, else from the environment.

    Argument: a key, several with commas between them, ``env:NAME``, ``file:PATH``, or a list of
    these. Environment: ``PUSHOVER_USER``, else the file that ``PUSHOVER_USER_FILE`` names.
    """
    users = tuple(dict.fromkeys(_users(user)))
    if not users:
        raise ValueError("user is an empty list; expected at least one user or group key")
    if len(users) > USERS_MAXIMUM:
        raise ValueError(f"user holds {len(users)} keys; at most {USERS_MAXIMUM} fit")
    return users


def _users(user: object) -> list[str]:
    if isinstance(user, list | tuple):
        # By index, not by iteration: only so does a list from dictConfig resolve ext:// and cfg://.
        found = [_text(user[index], f"user[{index}]") for index in range(len(user))]
    else:
        found = [_argument(user, "user") or _environment("user")]
    return [_key(key, source) for text, source in found for key in _KEY_SEPARATOR.split(text)]


def resolve_encryption_key(key: object = None) -> bytes | None:
    """Return the 32 bytes that 64 hex digits, ``env:NAME`` or ``file:PATH`` give; None for None."""
    if isinstance(key, bytes) and len(key) == 32:
        return key
    found = _argument(key, "encryption_key")
    if found is None:
        return None
    text, source = found
    if not _ENCRYPTION_KEY.fullmatch(text):
        raise ValueError(_malformed(text, source, 64, "hex digits (0-9, a-f)"))
    return bytes.fromhex(text)


def _argument(value: object, option: str) -> tuple[str, str] | None:
    return None if value is None else _text(value, option)


def _text(value: object, option: str) -> tuple[str, str]:
    """Return the text that a value gives, or leads to, and what to call its source."""
    if not isinstance(value, str):
        raise TypeError(f"{option} is {kind_of(value)}; expected a string")
    if value.startswith("env:"):
        return _variable(value.removeprefix("env:").strip(), option)
    if value.startswith("file:"):
        return _file(value.removeprefix("file:").strip(), option)
    return value.strip(), option


def _environment(option: str) -> tuple[str, str]:
    name = f"PUSHOVER_{option.upper()}"
    # A variable set to nothing counts as not set, as compose files and CI systems leave them.
    if os.environ.get(name, "").strip():
        return _variable(name, option)
    path = os.environ.get(f"{name}_FILE", "").strip()
    if path:
        return _file(path, option)
    raise ValueError(
        f"{option} is missing; give {option}=..., {option}='env:NAME' or {option}='file:PATH', "
        f"or set the environment variable {name} or {name}_FILE"
    )


def _variable(name: str, option: str) -> tuple[str, str]:
    # Who confuses env:NAME with the key itself must not find it printed: names are masked.
    source = f"the environment variable {masked(name)}"
    text = os.environ.get(name, "").strip()
    if not text:
        state = "empty" if name in os.environ else "not set"
        raise ValueError(f"{option} is to come from {source}, which is {state}")
    return text, f"{option} from {source}"


def _file(path: str, option: str) -> tuple[str, str]:
    source = f"the file {masked(path)}"
    try:
        with open(os.path.expanduser(path), encoding="utf-8-sig", errors="replace") as file:
            text = file.read(_FILE_LIMIT).strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(
            f"{option} is to come from {source}, which can't be read: {reason}"
        ) from None
    if not text:
        raise ValueError(f"{option} is to come from {source}, which is empty")
    return text, f"{option} from {source}"


def _key(text: str, source: str) -> str:
    if not KEY_PATTERN.fullmatch(text):
        raise ValueError(_malformed(text, source, 30, "letters and digits (A-Z, a-z, 0-9)"))
    return text


def _malformed(text: str, source: str, length: int, of: str) -> str:
    found = f"is of length {len(text)}" if len(text) != length else "holds other characters"
    return f"{source} {found}; expected {length} {of}"
