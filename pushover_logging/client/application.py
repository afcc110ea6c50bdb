"""The application that sends messages: every call of the service, and the users it sends to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol, TypeVar
from urllib.parse import quote

from . import parameters as fields
from . import receipts
from .answers import Allowance, Answer, allowance_in, read_allowance, understand
from .errors import APIError, PushoverError, TransportError
from .groups import Group
from .masking import mask
from .parameters import Value
from .receipts import Receipt
from .transport import TIMEOUT, File, Request, Transport
from .users import User, Validation, read_validation

__all__ = ["Application", "Retries", "User"]

GLANCE_LIMIT = 100

_T = TypeVar("_T")
_REPEATABLE = re.compile(
    r"(messages|glances|users/validate|receipts/.+|groups/\w+/(rename|enable_user|disable_user))"
    r"\.json"
)
"""The calls by POST that do no harm a second time. A message may arrive twice, which is better
than not at all."""
_NEVER_REPEATED = "licenses/assign.json"
"""Permanent and not refunded."""


class Retries(Protocol):
    """Decides whether and when a failed call is repeated; ``RetryPolicy`` is such an object."""

    def call(self, send: Callable[[], _T]) -> _T:
        """Return what ``send`` returns; wait and call it again while its error is ``retryable``.

        Raises the last PushoverError of ``send``.
        """


class Application:
    """A Pushover application. It sends messages and makes all other calls of the service.

    Several applications may share a ``transport``, which its owner closes. With a
    ``retry_policy`` a failed call is repeated as the policy says, if that does no harm: questions
    and messages always, other changes only if the request certainly did not arrive,
    licenses never.
    """

    limit: int | None = None
    """The number of messages in a month, as the last answer said."""
    remaining: int | None = None
    """The number of messages that are left, as the last answer said."""
    reset: datetime | None = None
    """When the next month's allowance begins, as the last answer said."""

    def __init__(
        self,
        token: str,
        *,
        api_url: str | None = None,
        timeout: tuple[float, float] = TIMEOUT,
        transport: Transport | None = None,
        retry_policy: Retries | None = None,
    ) -> None:
        self.token = token
        self._transport = transport or Transport(api_url, timeout)
        self._retry_policy = retry_policy

    @property
    def token(self) -> str:
        """The application's API token. A new token drops what was learned with the old one."""
        return self._token

    @token.setter
    def token(self, value: str) -> None:
        if fields.token(value) != getattr(self, "_token", None):
            self._token = value
            self._is_authenticated: bool | None = None
            self._sounds: dict[str, str] | None = None

    @property
    def is_authenticated(self) -> bool:
        """Whether the service knows the token, which is asked once. Raises as ``get`` does."""
        if self._is_authenticated is None:
            self._authenticate()
        return bool(self._is_authenticated)

    @is_authenticated.setter
    def is_authenticated(self, value: bool | None) -> None:
        self._is_authenticated = value

    @property
    def sounds(self) -> dict[str, str] | None:
        """The sounds of a message, with your custom sounds; None if the token is refused."""
        if self._sounds is None and self._is_authenticated is not False:
            self._authenticate()
        return self._sounds

    @sounds.setter
    def sounds(self, value: dict[str, str] | None) -> None:
        self._sounds = value

    def get_user(self, token: str | Iterable[str]) -> User:
        """Return the user, users or group with that key or keys, without a request."""
        return User(self, token)

    def send(
        self,
        parameters: Mapping[str, Value],
        file: File | None = None,
        *,
        timeout: float | None = None,
    ) -> Answer:
        """Send a message as the parameters say, and bring ``limit`` and its kin up to date.

        ``user`` may be a list of keys. The service checks the parameters, not this method.
        ``timeout`` is the limit for the whole call in seconds; a call with a limit is made once,
        whatever the retry policy. Raises a PushoverError if the service did not take the message.
        """
        request = self._request("POST", "messages.json", parameters, file)
        del parameters, file
        return self._ask(request, timeout)

    def post(
        self,
        path: str,
        parameters: Mapping[str, Value] | None = None,
        file: File | None = None,
        *,
        timeout: float | None = None,
    ) -> Answer:
        """Post to any call of the service; for a call that has no method here yet.

        Raises APIError for a refusal and TransportError when no usable answer came.
        """
        request = self._request("POST", path, parameters, file)
        del path, parameters, file
        return self._ask(request, timeout)

    def get(
        self,
        path: str,
        parameters: Mapping[str, Value] | None = None,
        *,
        timeout: float | None = None,
    ) -> Answer:
        """Ask any call of the service; raises as ``post`` does."""
        request = self._request("GET", path, parameters)
        del path, parameters
        return self._ask(request, timeout)

    def limits(self) -> Allowance:
        """Ask how many messages are left, and bring ``limit`` and its kin up to date."""
        found = allowance_in(self.get("apps/limits.json").body)
        self._note(found)
        return found

    def validate(self, user: str, device: str | None = None) -> Validation:
        """Check a user or group key, and a device of it, and return what the service knows.

        Raises APIError for a key or device that the service does not know.
        """
        parameters = {"user": fields.token(user, "user"), "device": device}
        request = self._request("POST", "users/validate.json", parameters)
        del user, parameters
        try:
            return read_validation(self._ask(request).body)
        except APIError as error:
            if not error.bad_inputs.get("user", "").startswith("valid"):
                raise
            # The service refuses a good key that has no devices: "valid user but no ...".
            return read_validation({**error.response, "devices": []})

    def receipt(self, receipt: str, *, timeout: float | None = None) -> Receipt:
        """Ask for the state of an emergency; do not ask more often than every 5 seconds.

        A receipt that the service does not know (any more) counts as expired, and is ``gone``.
        """
        path = f"receipts/{fields.token(receipt, 'receipt')}.json"
        try:
            return receipts.read_receipt(self.get(path, timeout=timeout))
        except APIError as error:
            gone = receipts.gone(error)
            if gone is None:
                raise
            return gone

    def cancel(self, receipt: str, *, timeout: float | None = None) -> None:
        """Stop an emergency's ringing. Raises APIError for an unknown receipt."""
        self.post(f"receipts/{fields.token(receipt, 'receipt')}/cancel.json", timeout=timeout)

    def cancel_by_tag(self, tag: str, *, timeout: float | None = None) -> int:
        """Stop all emergencies with that tag, and return their number."""
        if not tag:
            raise ValueError("tag is empty; give a tag that an emergency was sent with")
        path = f"receipts/cancel_by_tag/{quote(tag, safe='')}.json"
        return _count(self.post(path, timeout=timeout), "canceled")

    def glance(
        self,
        user: str,
        device: str | None = None,
        *,
        title: str | None = None,
        text: str | None = None,
        subtext: str | None = None,
        count: int | None = None,
        percent: int | None = None,
    ) -> Answer:
        """Show texts or numbers on a smartwatch or a widget, without an alert.

        The texts have at most 100 characters each; ``percent`` is 0 to 100. A value that you leave
        out stays on the screen.
        """
        shown: dict[str, Value] = {"title": title, "text": text, "subtext": subtext}
        shown |= {"count": count, "percent": percent}
        _check_glance(shown)
        shown |= {"user": fields.token(user, "user"), "device": device}
        request = self._request("POST", "glances.json", shown)
        del user, shown
        return self._ask(request)

    @property
    def groups(self) -> tuple[Group, ...]:
        """The account's groups; asks the service each time."""
        found = self.get("groups.json").body.get("groups")
        listed = found if isinstance(found, list) else []
        return tuple(
            Group(self, str(each.get("group")), str(each.get("name")))
            for each in listed
            if isinstance(each, Mapping)
        )

    def create_group(self, name: str) -> Group:
        """Make a group without users. Raises APIError for a name that is taken."""
        return Group(self, _word(self.post("groups.json", {"name": name}), "group"), name)

    def get_group(self, key: str) -> Group:
        """Ask for the group with that key. Raises APIError for an unknown key."""
        group = Group(self, fields.token(key, "group"), "")
        del key
        return group.refreshed()

    def migrate_subscription(
        self,
        subscription: str,
        user: str,
        device_name: str | None = None,
        sound: str | None = None,
    ) -> str:
        """Exchange a user's key for the user's key in a subscription, and return that key."""
        parameters = {"subscription": subscription, "user": fields.token(user, "user")}
        extras = {"device_name": device_name, "sound": sound}
        request = self._request("POST", "subscriptions/migrate.json", {**parameters, **extras})
        del subscription, user, parameters
        return _word(self._ask(request), "subscribed_user_key")

    def assign_license(
        self, *, user: str | None = None, email: str | None = None, os: str | None = None
    ) -> int:
        """Assign a prepaid license to a user or an e-mail address, and return the credits left.

        A license is permanent and not refunded, so this call is never repeated. After a
        TransportError whose ``may_have_arrived`` is true, ask ``license_credits`` before you call
        again.
        """
        if (user is None) == (email is None):
            raise ValueError("a license goes to a user or to an email: give exactly one of them")
        key = None if user is None else fields.token(user, "user")
        request = self._request("POST", _NEVER_REPEATED, {"user": key, "email": email, "os": os})
        del user, key, email
        return _count(self._ask(request), "credits")

    def license_credits(self) -> int:
        """Ask for the number of prepaid licenses that are left."""
        return _count(self.get("licenses.json"), "credits")

    def close(self) -> None:
        """Close the connection; a later request opens another."""
        self._transport.close()

    def _learn_from(self, outcome: Answer | APIError) -> None:
        """Keep whether the token is good, as the outcome of any request shows."""
        refused = isinstance(outcome, APIError) and "token" in outcome.bad_inputs
        self._is_authenticated = not refused
        if refused:
            self._sounds = None

    def _authenticate(self) -> None:
        # The sounds are needed as well, and nothing but the token can make this call be refused.
        try:
            answer = self.get("sounds.json")
        except APIError as error:
            if "token" not in error.bad_inputs:
                raise
            self._learn_from(error)
        else:
            self._learn_from(answer)
            found = answer.body.get("sounds")
            sounds = found if isinstance(found, dict) else {}
            self._sounds = {str(name): str(title) for name, title in sounds.items()}

    def _request(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, Value] | None = None,
        file: File | None = None,
    ) -> Request:
        return Request(method, path, {**(parameters or {}), "token": self._token}, file)

    def _ask(self, request: Request, timeout: float | None = None) -> Answer:
        """Send a request, and repeat it as the retry policy says."""
        policy = self._retry_policy
        if policy is None or timeout is not None or request.path == _NEVER_REPEATED:
            return self._ask_once(request, timeout)
        harmless = request.method == "GET" or _REPEATABLE.fullmatch(request.path) is not None

        def attempt() -> Answer | PushoverError:
            try:
                return self._ask_once(request)
            except PushoverError as error:
                if harmless or not getattr(error, "may_have_arrived", True):
                    raise
                return error  # for the policy the call is over

        outcome = policy.call(attempt)
        if isinstance(outcome, PushoverError):
            raise outcome
        return outcome

    def _ask_once(self, request: Request, timeout: float | None = None) -> Answer:
        reply = self._transport.exchange(request, timeout)
        allowance = read_allowance(reply.headers)
        self._note(allowance)
        return understand(reply, request, allowance)

    def _note(self, said: Allowance) -> None:
        # An answer may come without any of them.
        self.limit = self.limit if said.limit is None else said.limit
        self.remaining = self.remaining if said.remaining is None else said.remaining
        self.reset = said.reset or self.reset

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Application) or type(other) is not type(self):
            return NotImplemented
        return self.token == other.token

    def __hash__(self) -> int:
        return hash((type(self), self.token))

    def __str__(self) -> str:
        return f"Pushover Application: {mask(self.token)}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(token={mask(self.token)!r})"


def _check_glance(shown: Mapping[str, Value]) -> None:
    if all(value is None for value in shown.values()):
        raise ValueError("a glance needs at least one of title, text, subtext, count and percent")
    for name in ("title", "text", "subtext"):
        length = len(str(shown[name] or ""))
        if length > GLANCE_LIMIT:
            raise ValueError(f"{name} is {length} characters; at most {GLANCE_LIMIT} fit")
    percent = shown["percent"]
    if isinstance(percent, int) and not 0 <= percent <= 100:
        raise ValueError(f"percent is {percent}; it must be 0 to 100")


def _word(answer: Answer, name: str) -> str:
    found = answer.body.get(name)
    if not isinstance(found, str):
        raise TransportError(f"the service's answer lacks {name}")
    return found


def _count(answer: Answer, name: str) -> int:
    found = answer.body.get(name)
    if not isinstance(found, int):
        raise TransportError(f"the service's answer lacks {name}")
    return found
