"""How the service answers: success, or a refusal with its reasons, each with its HTTP status."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Errors = Sequence[str] | Mapping[str, Sequence[str]]


class Refusal(Exception):  # noqa: N818 (a refusal is an answer, not a fault of the server)
    """An answer with ``status`` 0: ``reasons`` by parameter, and ``errors`` for people."""

    def __init__(
        self, reasons: Mapping[str, object], errors: Errors, *, http_status: int = 400
    ) -> None:
        super().__init__(reasons, errors)
        self.reasons: dict[str, object] = dict(reasons)
        self.errors = errors
        self.http_status = http_status

    @classmethod
    def of(cls, parameter: str, reason: str, *, http_status: int = 400) -> Refusal:
        """Refuse one parameter; the sentence is its name and the reason."""
        return cls({parameter: reason}, [f"{parameter} {reason}"], http_status=http_status)

    @classmethod
    def all_of(cls, refusals: Iterable[Refusal]) -> Refusal:
        """Combine several refusals into one answer."""
        together = list(refusals)
        reasons = {name: reason for each in together for name, reason in each.reasons.items()}
        return cls(reasons, [sentence for each in together for sentence in each.errors])


@dataclass(frozen=True)
class Answer:
    """The HTTP status, JSON body and headers that the client gets."""

    http_status: int
    body: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def refusing(
        cls,
        refusal: Refusal,
        request: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer that carries a refusal; without ``request`` it gets a new id."""
        errors = refusal.errors if isinstance(refusal.errors, Mapping) else list(refusal.errors)
        fields = {"errors": errors, "status": 0, "request": request or str(uuid.uuid4())}
        return cls(refusal.http_status, {**refusal.reasons, **fields}, headers or {})

    def as_json(self) -> bytes:
        """The body as bytes."""
        return json.dumps(self.body).encode()

    @property
    def sentences(self) -> tuple[str, ...]:
        """The errors of a refusal as sentences, of whatever shape they are; empty for a success."""
        errors = self.body.get("errors", ())
        if isinstance(errors, Mapping):
            return tuple(f"{name} {text}" for name, texts in errors.items() for text in texts)
        return tuple(str(each) for each in errors) if isinstance(errors, Sequence) else ()


def bad_token() -> Refusal:
    """The application token is missing or unknown."""
    sentence = "application token is invalid, see https://pushover.net/api"
    return Refusal({"token": "invalid"}, [sentence])


def bad_team_token() -> Refusal:
    """A call about the team came without the team's token."""
    return Refusal({"token": "invalid"}, ["team token is invalid"])


def bad_user() -> Refusal:
    """The recipient of a message is missing or unknown."""
    sentence = (
        "user identifier is not a valid user, group, or subscribed user key, "
        "see https://pushover.net/api#identifiers"
    )
    return Refusal({"user": "invalid"}, [sentence])


def over_quota(limit: int) -> Refusal:
    """The month's messages are spent. The service blames the token, which is valid."""
    sentence = f"application has exceeded current limit of {limit} messages"
    return Refusal({"token": "invalid"}, [sentence], http_status=429)


def too_long(parameter: str, maximum: int) -> Refusal:
    """A text has more characters than the service takes."""
    reason = f"is too long (maximum is {maximum} characters)"
    return Refusal({parameter: reason}, [f"{parameter.replace('_', ' ').capitalize()} {reason}"])


def too_large(maximum: int) -> Refusal:
    """A request body has more bytes than the server reads."""
    return Refusal({}, [f"body is more than {maximum} bytes"], http_status=413)


def receipt_not_found() -> Refusal:
    """The receipt does not exist, or it is older than a week."""
    sentence = "receipt not found; may be invalid or expired"
    return Refusal({"receipt": "not found"}, [sentence], http_status=404)


def group_not_found() -> Refusal:
    """The group does not exist."""
    sentence = "group not found or you are not authorized to edit it"
    return Refusal({"group": "not found"}, [sentence])


def no_such_call(method: str, path: str) -> str:
    """The sentence about an address that is not a call of the service."""
    return f"{method} {path[:200]} is not a call of the service"
