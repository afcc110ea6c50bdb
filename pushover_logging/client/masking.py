"""Keeps tokens and keys out of every text that people, logs or tracebacks show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

SECRET_FIELDS = frozenset(
    {"token", "user", "encryption_key", "subscription", "subscribed_user_key", "email", "password"}
)
"""The request parameters that every text shows masked."""

_SHOWN = 3
_LONG_ENOUGH = 9
_SECRET_IN_ADDRESS = re.compile(
    rf"([?&](?:{'|'.join(sorted(SECRET_FIELDS))})=)([^&\s]+)|(/groups/)([A-Za-z0-9]{{9,}})"
)
"""The parameters of a GET, and the key of a group, to which anyone with a token can send."""


def mask(secret: str) -> str:
    """Hint at a secret without showing it, as in ``azG…``; each value of a comma list."""
    return ",".join(_mask_one(part) for part in secret.split(","))


def _mask_one(secret: str) -> str:
    # Of a short value the first characters would give too much away.
    return secret[:_SHOWN] + "…" if len(secret) >= _LONG_ENOUGH else "…"


def mask_address(address: str) -> str:
    """Mask the secret parts in the address of a request."""
    return _SECRET_IN_ADDRESS.sub(
        lambda found: (found[1] or found[3]) + mask(found[2] or found[4]), address
    )


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Mask each of the secrets wherever it stands in the text."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, mask(secret))
    return text


def secrets_in(parameters: Mapping[str, str]) -> list[str]:
    """The secret values among a request's parameters, with comma lists split up."""
    values = [parameters[name] for name in SECRET_FIELDS if name in parameters]
    parts = [part for value in values for part in value.split(",")]
    return [part for part in parts if not part.endswith("…")]  # those are masked already


class Payload(dict[str, str]):
    """The parameters of a request: a dict with the real values and a ``repr`` that masks them."""

    def __repr__(self) -> str:
        shown = {name: mask(v) if name in SECRET_FIELDS else v for name, v in self.items()}
        return repr(shown)
