"""Reads the service's answers: what was accepted, what was refused, and how much is left.

The HTTP status comes first, and 429 before the body: at quota the body calls a good token invalid.
A proxy on the way may answer too, with an error page of its own. A 4xx is a refusal only in the
service's own form, a JSON object whose ``status`` is 0; any other 4xx is no answer, and a repeat
may succeed. Headers are read leniently: they may be missing, and nonsense in them must not turn a
delivery into an error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from .errors import APIError, PushoverError, RateLimitError, ServerError, TransportError

if TYPE_CHECKING:
    from .transport import Reply, Request

_MOST_DIGITS = 15
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Allowance:
    """The messages of a month: the limit and the rest; None where the service did not say."""

    limit: int | None = None
    remaining: int | None = None
    reset: datetime | None = None
    """When the next month's allowance begins."""


@dataclass(frozen=True)
class Answer:
    """What the service said to a request that it accepted."""

    id: str | None
    """The service's id of the request."""
    receipt: str | None
    """The receipt of an emergency message, to ask for its acknowledgement with."""
    info: str | None
    """A remark on an accepted message, such as ``no active devices to send to``."""
    limit: int | None
    remaining: int | None
    reset: datetime | None
    answered_at: datetime
    body: Mapping[str, object] = field(repr=False)
    """The whole answer."""


def understand(reply: Reply, request: Request, allowance: Allowance) -> Answer:
    """Return the Answer that a reply holds, or raise the error that it stands for."""
    http_status, answered_at = reply.http_status, _date(reply.headers)
    body = _json_object(reply.body)
    refused = body is not None and body.get("status") == 0
    if http_status == 200 and body is not None and body.get("status") == 1:
        return Answer(
            id=_text(body.get("request")),
            receipt=_text(body.get("receipt")),
            info=_text(body.get("info")),
            limit=allowance.limit,
            remaining=allowance.remaining,
            reset=allowance.reset,
            answered_at=answered_at,
            body=body,
        )
    error: PushoverError
    if http_status == 429 and (refused or allowance.remaining == 0):
        error = RateLimitError(
            reply.url, request.fields(), body or {}, answered_at, reset=allowance.reset
        )
    elif http_status == 429:
        error = TransportError("HTTP 429 did not come from Pushover: a proxy limits requests")
    elif 500 <= http_status < 600:
        error = ServerError(
            reply.url, request.fields(), body or {}, answered_at, http_status=http_status
        )
    elif http_status == 200 and body is None:
        error = TransportError("HTTP 200 came without a JSON object: it is not Pushover's answer")
    elif http_status == 200 or (refused and 400 <= http_status < 500):
        error = APIError(
            reply.url, request.fields(), body or {}, answered_at, http_status=http_status
        )
    elif 400 <= http_status < 500:
        error = TransportError(
            f"HTTP {http_status} did not come from Pushover: a proxy or another server answered"
        )
    else:
        error = TransportError(f"HTTP {http_status} is no answer that Pushover gives")
    del body  # it may hold keys, which an error reporter would show
    raise error


def read_allowance(headers: Mapping[str, str]) -> Allowance:
    """Read the ``X-Limit-App-*`` headers; a missing or unreadable header is None."""
    return Allowance(
        limit=_count(headers.get("X-Limit-App-Limit")),
        remaining=_count(headers.get("X-Limit-App-Remaining")),
        reset=moment(headers.get("X-Limit-App-Reset")),
    )


def allowance_in(body: Mapping[str, object]) -> Allowance:
    """Read an allowance from the body of an answer."""
    return Allowance(
        limit=_count(body.get("limit")),
        remaining=_count(body.get("remaining")),
        reset=moment(body.get("reset")),
    )


def moment(unix_seconds: object) -> datetime | None:
    """The time that the service gives in Unix seconds; None for 0 and for an unreadable value."""
    seconds = _count(unix_seconds)
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        # A year that datetime does not have counts as no time.
        return None


def _json_object(body: bytes) -> dict[str, object] | None:
    try:
        value = json.loads(body.decode())
    except (ValueError, RecursionError):
        # Not JSON, not UTF-8, or nested without end: not the service's answer.
        return None
    return value if isinstance(value, dict) else None


def _date(headers: Mapping[str, str]) -> datetime:
    """When the service answered, in the format that servers write (RFC 9110, 5.6.7)."""
    text = headers.get("Date", "")
    try:
        day, month, year = int(text[5:7]), _MONTHS.index(text[8:11]) + 1, int(text[12:16])
        hour, minute, second = int(text[17:19]), int(text[20:22]), int(text[23:25])
        return datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except ValueError:
        # Without a readable Date the machine's own clock serves.
        return datetime.now(timezone.utc)


def _count(value: object) -> int | None:
    if value is None:
        return None
    text = str(value).strip()
    readable = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if readable else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
