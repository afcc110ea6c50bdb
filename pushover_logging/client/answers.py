"""Reads the service's answers: what was accepted, what was refused, and how much is left.

Status first, and 429 before the body: at quota the body calls a good token invalid. But a proxy may
say 429 too, and must not be taken for the end of the month. Headers are read leniently: they may
be missing, and nonsense in them must not make an error of a delivery.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from .errors import APIError, RateLimitError, ServerError, TransportError

if TYPE_CHECKING:
    from .transport import Reply

_MOST_DIGITS = 15
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Allowance:
    """How many messages a month may have; None where the service didn't say."""

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
    """Of an emergency message: by what to ask for its acknowledgement."""
    info: str | None
    """A remark on an accepted message, such as ``no active devices to send to``."""
    limit: int | None
    remaining: int | None
    reset: datetime | None
    answered_at: datetime
    body: Mapping[str, object] = field(repr=False)
    """All of the answer."""


def understand(reply: Reply, request: Mapping[str, str], allowance: Allowance) -> Answer:
    """Turn a reply into the Answer it holds, or raise the error it stands for."""
    body = _json_object(reply.body)
    answered_at = _date(reply.headers)
    if reply.http_status == 429:
        if (body or {}).get("status") != 0 and allowance.remaining != 0:
            raise TransportError("HTTP 429 came without Pushover's words: no month's end")
        raise RateLimitError(reply.url, request, body or {}, answered_at, reset=allowance.reset)
    if not (reply.http_status == 200 or 400 <= reply.http_status < 600):
        raise TransportError(f"HTTP {reply.http_status} is no answer that Pushover gives")
    if reply.http_status == 200 and body is None:
        raise TransportError("HTTP 200 came without a JSON object: not Pushover's answer")
    if reply.http_status != 200 or (body or {}).get("status") != 1:
        kind = ServerError if reply.http_status >= 500 else APIError
        raise kind(reply.url, request, body or {}, answered_at, http_status=reply.http_status)
    return _accepted(body or {}, answered_at, allowance)


def read_allowance(headers: Mapping[str, str]) -> Allowance:
    """Read the ``X-Limit-App-*`` headers; what is missing or nonsense is None."""
    return Allowance(
        limit=_count(headers.get("X-Limit-App-Limit")),
        remaining=_count(headers.get("X-Limit-App-Remaining")),
        reset=moment(headers.get("X-Limit-App-Reset")),
    )


def allowance_in(body: Mapping[str, object]) -> Allowance:
    """Read an allowance where it stands in an answer's body."""
    return Allowance(
        limit=_count(body.get("limit")),
        remaining=_count(body.get("remaining")),
        reset=moment(body.get("reset")),
    )


def moment(unix_seconds: object) -> datetime | None:
    """The time that the service means by a number of Unix seconds; None for 0 and for nonsense."""
    seconds = _count(unix_seconds)
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        # A year that no calendar has: as good as no time at all.
        return None


def _accepted(body: Mapping[str, object], answered_at: datetime, allowance: Allowance) -> Answer:
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


def _json_object(body: bytes) -> dict[str, object] | None:
    try:
        value = json.loads(body.decode())
    except (ValueError, RecursionError):
        # Not JSON, not UTF-8, or nested without end: not the service's answer.
        return None
    return value if isinstance(value, dict) else None


def _date(headers: Mapping[str, str]) -> datetime:
    """When the service answered, in the one format a server may write (RFC 9110, 5.6.7)."""
    text = headers.get("Date", "")
    try:
        day, month, year = int(text[5:7]), _MONTHS.index(text[8:11]) + 1, int(text[12:16])
        hour, minute, second = int(text[17:19]), int(text[20:22]), int(text[23:25])
        return datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except ValueError:
        # A missing or unreadable Date: our own clock is the next best.
        return datetime.now(timezone.utc)


def _count(value: object) -> int | None:
    if value is None:
        return None
    text = str(value).strip()
    readable = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if readable else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
