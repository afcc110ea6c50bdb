"""Where alerts go: the application and its users. An outcome is a value, never an exception."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from ..client.errors import APIError, PushoverError, RateLimitError
from ..render.alert import Alert
from . import diagnostics

if TYPE_CHECKING:
    from ..client.application import Application
    from ..client.encryption import Cipher
    from ..client.parameters import Value
    from ..client.transport import Transport
    from ..config import HandlerConfig
    from .incidents import ReceiptStatus

__all__ = ["Delivered", "Outcome", "QuotaSpent", "Rejected", "RetryLater", "Target"]


class Delivered(NamedTuple):
    """The service took the push."""

    receipt: str | None
    """Of an emergency: by what to ask for its acknowledgement."""
    info: str | None
    """The service's remark, such as ``no active devices to send to``."""
    limit: int | None
    remaining: int | None
    reset: datetime | None


@dataclass(frozen=True)
class RetryLater:
    """No answer, or the service is in trouble: the same push may succeed later."""

    error: PushoverError


@dataclass(frozen=True)
class Rejected:
    """The service refused the push; the same push never succeeds."""

    error: PushoverError
    is_credential: bool
    """The token was refused, or every user key: no other push succeeds either."""


@dataclass(frozen=True)
class QuotaSpent:
    """The month's messages are used up."""

    error: RateLimitError
    reset: datetime | None


Outcome = Delivered | RetryLater | Rejected | QuotaSpent


@dataclass
class Target:
    """Sends alerts for one application to its users; used by the worker thread alone."""

    config: HandlerConfig
    _users: list[str] = field(init=False, repr=False)
    _application: Application | None = field(init=False, default=None, repr=False)
    _transport: Transport | None = field(init=False, default=None, repr=False)
    _cipher: Cipher | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        self._users = list(self.config.users)

    def open(self) -> None:
        """Load everything that a send needs; raises what importing raises."""
        if self._application is not None:
            return
        from ..client import reasons  # noqa: F401  # or the transport would, in a send
        from ..client.application import Application

        if self.config.encryption_key is not None:
            from ..client.encryption import Cipher

            self._cipher = Cipher(self.config.encryption_key)
        self._transport = _shared_transport(self.config.api_url)
        self._application = Application(self.config.token, transport=self._transport)

    def deliver(
        self, alert: Alert, timeout: float | None = None, *, escalates: bool = False
    ) -> Outcome:
        """Send an alert once, within ``timeout`` seconds where given.

        To the users of the handler, or to those that an emergency escalates to.
        """
        ends = None if timeout is None else time.monotonic() + timeout
        outcome = self._deliver(alert, ends, escalates=escalates)
        asked = len(self._users)
        if escalates or asked < 2 or not _refuses_user(outcome):
            return outcome
        unanswered = self._drop_refused_users(ends)
        if unanswered is not None:
            return RetryLater(unanswered)
        if len(self._users) in (0, asked):
            self.reset_users()
            return outcome
        return self._deliver(alert, ends)

    def _deliver(self, alert: Alert, ends: float | None, *, escalates: bool = False) -> Outcome:
        # Error reporters show the local variables of every frame. None of them holds the user keys
        # when the request is made.
        keys = ",".join(self.config.escalate_to if escalates else self._users)
        parameters: list[Mapping[str, Value]] = [{**alert.parameters(), "user": keys}]
        del keys
        if self._cipher is not None:
            parameters.append(self._cipher.seal(parameters.pop()))
        try:
            answer = self._opened().send(parameters.pop(), timeout=_left(ends))
        except RateLimitError as error:
            return QuotaSpent(error, error.reset)
        except PushoverError as error:
            if error.retryable:
                return RetryLater(error)
            refused = error.bad_inputs if isinstance(error, APIError) else {}
            is_credential = "token" in refused or ("user" in refused and not escalates)
            return Rejected(error, is_credential)
        return Delivered(answer.receipt, answer.info, answer.limit, answer.remaining, answer.reset)

    def receipt(self, receipt: str, timeout: float | None = None) -> ReceiptStatus | None:
        """What became of an emergency; None if the service gave no answer."""
        try:
            return self._opened().receipt(receipt, timeout=timeout)
        except PushoverError:
            return None  # asked again in its time; the next push meets the same trouble

    def cancel(self, receipt: str, timeout: float | None = None) -> PushoverError | None:
        """End the ringing of an emergency; the error if that failed."""
        try:
            self._opened().cancel(receipt, timeout=timeout)
        except PushoverError as error:
            return error
        return None

    def cancel_by_tag(self, tag: str, timeout: float | None = None) -> PushoverError | None:
        """End the ringing of all emergencies with this tag; the error if that failed."""
        try:
            self._opened().cancel_by_tag(tag, timeout=timeout)
        except PushoverError as error:
            return error
        return None

    def store_cipher(self) -> Cipher | None:
        """What encrypts texts in a store on another machine; None without ``encryption_key``."""
        if self.config.encryption_key is None:
            return None
        from ..client.encryption import Cipher

        return Cipher(self.config.encryption_key)

    def reset_users(self) -> None:
        """Try every configured user again: a refusal may have been mended."""
        self._users = list(self.config.users)

    def _drop_refused_users(self, ends: float | None) -> PushoverError | None:
        """Ask about each user and leave out those that the service refuses.

        The service refuses a push to several users for one bad key, and does not name it. Returns
        the error if a question had no answer; then nobody is left out.
        """
        good = []
        count = len(self.config.users)
        for number in range(count):
            if self.config.users[number] not in self._users:
                continue
            try:
                parameters = [{"user": self.config.users[number]}]  # see _deliver
                self._opened().post("users/validate.json", parameters.pop(), timeout=_left(ends))
            except PushoverError as error:
                if error.retryable or not isinstance(error, APIError):
                    return error
                if "user" in error.bad_inputs:
                    diagnostics.say(
                        f"user {number + 1}",
                        f"user key {number + 1} of {count} gets no alerts,"
                        f" the service refuses it: {error}",
                    )
                    continue
            good.append(number)
        self._users = [self.config.users[number] for number in good]
        return None

    def _opened(self) -> Application:
        if self._application is None or self._transport is None:
            raise RuntimeError("the target was used before it was opened")
        self._transport.timeout = self.config.timeout  # other handlers share the connection
        return self._application


def _refuses_user(outcome: Outcome) -> bool:
    return (
        isinstance(outcome, Rejected)
        and isinstance(outcome.error, APIError)
        and "user" in outcome.error.bad_inputs
        and "token" not in outcome.error.bad_inputs
    )


def _left(ends: float | None) -> float | None:
    return None if ends is None else ends - time.monotonic()


_transports: weakref.WeakValueDictionary[tuple[int, str], Transport] = weakref.WeakValueDictionary()
"""By process and address: handlers for one service share one connection. The worker's alone."""


def _shared_transport(api_url: str) -> Transport:
    from ..client.transport import Transport

    key = (os.getpid(), api_url)
    transport = _transports.get(key)
    if transport is None:
        transport = _transports[key] = Transport(api_url)
    return transport
