"""How the service says no: the status, one key for each bad parameter, and sentences for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Errors = Sequence[str] | Mapping[str, Sequence[str]]


class Refusal(Exception):  # noqa: N818 (a refusal is an answer, not a fault of the server)
    """An answer with ``status`` 0: ``reasons`` by parameter, and ``errors`` for people."""

    def __init__(
        self, reasons: Mapping[str, object], errors: Errors, *, http_status: int = 400
    ) -> None:
        super().__init__(reasons, errors)
        self.reasons = dict(reasons)
        self.errors = errors
        self.http_status = http_status

    @classmethod
    def of(cls, parameter: str, reason: str, *, http_status: int = 400) -> Refusal:
        """One bad parameter, whose sentence is its name and the reason."""
        return cls({parameter: reason}, [f"{parameter} {reason}"], http_status=http_status)

    @classmethod
    def all_of(cls, refusals: Iterable[Refusal]) -> Refusal:
        """Several refusals as one answer."""
        together = list(refusals)
        reasons = {name: reason for each in together for name, reason in each.reasons.items()}
        return cls(reasons, [sentence for each in together for sentence in each.errors])


def bad_token() -> Refusal:
    """The application token is missing or unknown."""
    sentence = "application token is invalid, see https://pushover.net/api"
    return Refusal({"token": "invalid"}, [sentence])


def secret_in_address(parameter: str) -> Refusal:
    """A token or user key came in a POST's query string, where logs of proxies keep it."""
    sentence = f"{parameter} must be in the body of a POST, not in its query string"
    return Refusal({parameter: "invalid"}, [sentence])


def bad_user() -> Refusal:
    """The recipient of a message is missing or unknown."""
    sentence = (
        "user identifier is not a valid user, group, or subscribed user key, "
        "see https://pushover.net/api#identifiers"
    )
    return Refusal({"user": "invalid"}, [sentence])


def over_quota(limit: int) -> Refusal:
    """The month's messages are spent. The service blames the token, which is fine."""
    sentence = f"application has exceeded current limit of {limit} messages"
    return Refusal({"token": "invalid"}, [sentence], http_status=429)


def too_long(parameter: str, maximum: int) -> Refusal:
    """A text has more characters than fit."""
    reason = f"is too long (maximum is {maximum} characters)"
    return Refusal({parameter: reason}, [f"{parameter.replace('_', ' ').capitalize()} {reason}"])


def receipt_not_found() -> Refusal:
    """The receipt was never given out, or longer ago than a week."""
    sentence = "receipt not found; may be invalid or expired"
    return Refusal({"receipt": "not found"}, [sentence], http_status=404)


def group_not_found() -> Refusal:
    """The group does not exist."""
    sentence = "group not found or you are not authorized to edit it"
    return Refusal({"group": "not found"}, [sentence])
