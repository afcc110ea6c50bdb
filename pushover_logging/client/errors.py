"""What can go wrong with a request, as exceptions that a program can act upon.

::

    PushoverError
    ├── TransportError        no usable answer came                      retryable
    └── APIError              the service refused the request
        ├── RateLimitError    429 of the service: the month's allowance is used up
        └── ServerError       5xx: the service has a fault               retryable

All of them pickle. Their ``str``, ``repr`` and pickles hold no token and no user key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from .constants import KEY_PATTERN
from .masking import Payload, mask_address, scrub, secrets_in

__all__ = ["APIError", "PushoverError", "RateLimitError", "ServerError", "TransportError"]

_ABOUT_THE_ANSWER = frozenset({"errors", "status", "request", "info"})
_E = TypeVar("_E", bound="PushoverError")


class PushoverError(Exception):
    """A request to Pushover failed."""

    retryable: bool = False
    """Whether the same request may succeed later; the service wants 5 seconds in between."""

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), self.args, self.__dict__)


class TransportError(PushoverError):
    """No usable answer came: no connection, no answer in time, or an answer from somebody else.

    A proxy's own 4xx and 429 belong here: they say nothing about the request.
    """

    retryable = True

    def __init__(self, message: str, *, may_have_arrived: bool = True) -> None:
        super().__init__(message)
        self.may_have_arrived = may_have_arrived
        """False if the request surely never reached the service: a repeat cannot deliver twice."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class APIError(PushoverError):
    """The service refused a request; its reasons are here, in its own words."""

    def __init__(
        self,
        url: str,
        request: Mapping[str, str],
        response: Mapping[str, object],
        timestamp: datetime,
        *,
        http_status: int = 400,
    ) -> None:
        self.url: str = mask_address(url)
        """Where the request went, without its query; the key of a group is masked in it."""
        self.request: dict[str, str] = Payload(request)
        """The request's real parameters; their ``repr`` masks the secret ones.

        A pickle or copy of the error holds them masked.
        """
        self.response: dict[str, object] = dict(response)
        """The answer as it came; empty if it was no JSON object."""
        self.timestamp = timestamp
        """When the service answered."""
        self.http_status = http_status
        self.id: str | None = _text(self.response.get("request"))
        """The service's id of the request, which its support asks for."""
        self.status: int = _number(self.response.get("status"))
        """The ``status`` of the answer: 0, for a refusal."""
        self.bad_inputs: dict[str, str] = _bad_inputs(self.response)
        """The parameters that the service refused, each with a short reason."""
        self.errors: list[str] = _sentences(self.response.get("errors")) or self._without_reason()
        """The service's reasons in sentences; never empty."""
        self.receipt: str | None = _receipt(self.response.get("receipt"))
        super().__init__(self._sentence())

    def _without_reason(self) -> list[str]:
        if self.bad_inputs:
            return [f"{name} {reason}" for name, reason in self.bad_inputs.items()]
        return [f"the service answered HTTP {self.http_status} and gave no reason"]

    def _sentence(self) -> str:
        # The id comes first, as in chump.
        text = ", ".join(self.errors)
        return scrub(f"({self.id}) {text}" if self.id else text, secrets_in(self.request))

    def __reduce__(self) -> tuple[object, ...]:
        # A pickle ends in files and queues that outlive the process.
        state = _scrubbed(self.__dict__, secrets_in(self.request))
        return _restored, (type(self), self.args, state)

    def __repr__(self) -> str:
        response = scrub(repr(self.response), secrets_in(self.request))
        return (
            f"{type(self).__name__}(url={self.url!r}, request={self.request!r}, "
            f"response={response}, timestamp={self.timestamp!r}, http_status={self.http_status})"
        )


class RateLimitError(APIError):
    """The month's allowance is used up. The token is fine, although the answer calls it invalid."""

    def __init__(
        self,
        url: str,
        request: Mapping[str, str],
        response: Mapping[str, object],
        timestamp: datetime,
        *,
        http_status: int = 429,
        reset: datetime | None = None,
    ) -> None:
        super().__init__(url, request, response, timestamp, http_status=http_status)
        self.bad_inputs.pop("token", None)
        self.reset = reset
        """When the next month's allowance begins, where the service said so."""


class ServerError(APIError):
    """The service has a fault (5xx) and did not take the request."""

    retryable = True


def _restored(kind: type[_E], args: tuple[Any, ...], state: dict[str, object]) -> _E:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


def _scrubbed(value: object, secrets: Sequence[str]) -> object:
    """The value with every text in it masked, in plain containers."""
    if isinstance(value, str):
        return scrub(value, secrets)
    if isinstance(value, dict):
        return {name: _scrubbed(each, secrets) for name, each in value.items()}
    if isinstance(value, list):
        return [_scrubbed(each, secrets) for each in value]
    return value


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _receipt(value: object) -> str | None:
    # Of an unknown receipt the service says "not found" under the same name.
    return value if isinstance(value, str) and KEY_PATTERN.fullmatch(value) else None


def _bad_inputs(response: Mapping[str, object]) -> dict[str, str]:
    # A reason is always a text: lists and numbers (``group``, ``licenses``) only ride along.
    found = {
        name: value
        for name, value in response.items()
        if isinstance(value, str) and name not in _ABOUT_THE_ANSWER
    }
    if _receipt(found.get("receipt")):
        del found["receipt"]
    errors = response.get("errors")
    if isinstance(errors, Mapping):
        found.update({str(name): ", ".join(_sentences(value)) for name, value in errors.items()})
    return found


def _sentences(errors: object) -> list[str]:
    """The reasons of a refusal, which come as a list, as an object of lists, or as a text."""
    if isinstance(errors, Mapping):
        return [
            f"{name} {reason}" for name, value in errors.items() for reason in _sentences(value)
        ]
    if isinstance(errors, list):
        return [str(reason) for reason in errors]
    return [errors] if isinstance(errors, str) and errors else []
