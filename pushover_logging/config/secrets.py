"""Finds tokens and keys: in the argument, the environment or a file. It never prints them."""

from __future__ import annotations

import os
import re

from ..client.constants import KEY_PATTERN, USERS_MAXIMUM
from .parsing import kind_of, masked

__all__ = [
    "MissingSecretError",
    "resolve_encryption_key",
    "resolve_token",
    "resolve_users",
    "secret_text",
]

_FILE_LIMIT = 16_384
"""Characters read from a file: 50 keys fit, and a wrong path cannot fill the memory."""


class MissingSecretError(ValueError):
    """Nothing is configured where the secret is expected."""


def resolve_token(token: object = None) -> str:
    """Return the application token from the argument, else from the environment.

    Argument: the token, ``env:NAME`` or ``file:PATH``. Environment: ``PUSHOVER_TOKEN``, else the
    file that ``PUSHOVER_TOKEN_FILE`` names. Raises MissingSecretError if there is nothing.
    """
    text, source = _environment("token") if token is None else secret_text(token, "token")
    return _key(text, source)


def resolve_users(user: object = None, option: str = "user") -> tuple[str, ...]:
    """Return the user or group keys from the argument, else from the environment.

    Argument: a key, several with commas between them, ``env:NAME``, ``file:PATH``, or a list of
    these. Environment: ``PUSHOVER_USER``, else the file that ``PUSHOVER_USER_FILE`` names.
    """
    if isinstance(user, list | tuple):
        # By index, because iteration over a list from dictConfig leaves ext:// and cfg:// as is.
        found = [secret_text(user[index], f"{option}[{index}]") for index in range(len(user))]
    else:
        found = [_environment(option) if user is None else secret_text(user, option)]
    keys = [_key(key, source) for text, source in found for key in re.split(r"\s*,\s*|\s+", text)]
    users = tuple(dict.fromkeys(keys))
    if not users:
        raise ValueError(f"{option} is an empty list; expected at least one user or group key")
    if len(users) > USERS_MAXIMUM:
        raise ValueError(f"{option} holds {len(users)} keys; at most {USERS_MAXIMUM} fit")
    return users


def resolve_encryption_key(key: object = None, option: str = "encryption_key") -> bytes | None:
    """Return the 32 bytes that 64 hex digits, ``env:NAME`` or ``file:PATH`` give; None for None."""
    if key is None or (isinstance(key, bytes) and len(key) == 32):
        return key
    text, source = secret_text(key, option)
    if not re.fullmatch("[0-9A-Fa-f]{64}", text):
        raise ValueError(_malformed(text, source, 64, "hex digits (0-9, a-f)"))
    return bytes.fromhex(text)


def secret_text(value: object, option: str) -> tuple[str, str]:
    """Return the text that a string gives or refers to, and a description of its source.

    ``env:NAME`` refers to an environment variable, ``file:PATH`` to the contents of a file.
    """
    if not isinstance(value, str):
        raise TypeError(f"{option} is {kind_of(value)}; expected a string")
    if value.startswith("env:"):
        return _variable(value.removeprefix("env:").strip(), option)
    if value.startswith("file:"):
        return _file(value.removeprefix("file:").strip(), option)
    return str.__str__(value).strip(), option


def is_in_environment(option: str) -> bool:
    """Whether an environment variable gives the option, or names a file for it."""
    return bool(_set_variable(option))


def _set_variable(option: str) -> str:
    # A blank variable counts as not set, because compose files and CI systems leave such variables.
    name = f"PUSHOVER_{option.upper()}"
    return next((v for v in (name, f"{name}_FILE") if os.environ.get(v, "").strip()), "")


def _environment(option: str) -> tuple[str, str]:
    variable = _set_variable(option)
    if variable.endswith("_FILE"):
        return _file(os.environ[variable].strip(), option)
    if variable:
        return _variable(variable, option)
    name = f"PUSHOVER_{option.upper()}"
    raise MissingSecretError(
        f"{option} is missing; give {option}=..., {option}='env:NAME' or {option}='file:PATH', "
        f"or set the environment variable {name} or {name}_FILE"
    )


def _variable(name: str, option: str) -> tuple[str, str]:
    # Masked, in case somebody writes the key itself in place of the name.
    source = f"the environment variable {masked(name)}"
    text = os.environ.get(name, "").strip()
    if not text:
        state = "empty" if name in os.environ else "not set"
        raise MissingSecretError(f"{option} is read from {source}, which is {state}")
    return text, f"{option} from {source}"


def _file(path: str, option: str) -> tuple[str, str]:
    source = f"the file {masked(path)}"
    try:
        with open(os.path.expanduser(path), encoding="utf-8-sig", errors="replace") as file:
            text = file.read(_FILE_LIMIT).strip()
    except (OSError, ValueError) as error:
        reason = masked(getattr(error, "strerror", None) or str(error))
        kind = MissingSecretError if isinstance(error, FileNotFoundError) else ValueError
        raise kind(f"{option} is read from {source}, which can't be read: {reason}") from None
    if not text:
        raise ValueError(f"{option} is read from {source}, which is empty")
    return text, f"{option} from {source}"


def _key(text: str, source: str) -> str:
    if not KEY_PATTERN.fullmatch(text):
        raise ValueError(_malformed(text, source, 30, "letters and digits (A-Z, a-z, 0-9)"))
    return text


def _malformed(text: str, source: str, length: int, of: str) -> str:
    found = f"is of length {len(text)}" if len(text) != length else "holds other characters"
    return f"{source} {found}; expected {length} {of}"
