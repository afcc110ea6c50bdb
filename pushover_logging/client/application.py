"""The application that messages come from: every call of the service, and the users it sends to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from urllib.parse import quote

from . import parameters as fields
from . import receipts
from .answers import Allowance, Answer, allowance_in, read_allowance, understand
from .errors import APIError, TransportError
from .groups import Group
from .masking import Payload, mask
from .parameters import Value
from .receipts import Receipt
from .transport import TIMEOUT, File, Transport
from .users import User, Validation, read_validation

__all__ = ["Application", "User"]

GLANCE_LIMIT = 100


class Application:
    """A Pushover application: whatever is sent or asked goes through it.

    A transport given here may be shared with other applications and closed by its owner.
    """

    limit: int | None = None
    """How many messages a month may have, as the last answer said."""
    remaining: int | None = None
    """How many of them are left, as the last answer said."""
    reset: datetime | None = None
    """When the next month's allowance begins, as the last answer said."""

    def __init__(
        self,
        token: str,
        *,
        api_url: str | None = None,
        timeout: tuple[float, float] = TIMEOUT,
        transport: Transport | None = None,
    ) -> None:
        self.token = token
        self._transport = transport or Transport(api_url, timeout)

    @property
    def token(self) -> str:
        """The application's API token. Another one means asking anew what depends on it."""
        return self._token

    @token.setter
    def token(self, value: str) -> None:
        if fields.token(value) != getattr(self, "_token", None):
            self._token = value
            self._is_authenticated: bool | None = None
            self._sounds: dict[str, str] | None = None

    @property
    def is_authenticated(self) -> bool:
        """Whether the service knows the token; asked once. Raises what a request raises."""
        if self._is_authenticated is None:
            self._authenticate()
        return bool(self._is_authenticated)

    @is_authenticated.setter
    def is_authenticated(self, value: bool | None) -> None:
        self._is_authenticated = value

    @property
    def sounds(self) -> dict[str, str] | None:
        """The sounds that a message may have, custom ones too; None for a refused token."""
        if self._sounds is None and self._is_authenticated is not False:
            self._authenticate()
        return self._sounds

    @sounds.setter
    def sounds(self, value: dict[str, str] | None) -> None:
        self._sounds = value

    def get_user(self, token: str | Iterable[str]) -> User:
        """The user, the users or the group with that key or keys; asks nothing."""
        return User(self, token)

    def send(self, parameters: Mapping[str, Value], file: File | None = None) -> Answer:
        """Send one message, once, as the parameters say; ``limit`` and its kin are then current.

        ``user`` may be a list of keys. The parameters are not checked, the service does that.
        Raises a PushoverError for whatever the network or the service did.
        """
        return self.post("messages.json", parameters, file)

    def post(
        self,
        path: str,
        parameters: Mapping[str, Value] | None = None,
        file: File | None = None,
    ) -> Answer:
        """Post to any call of the service, once; for those that have no method here yet.

        Raises APIError for a refusal and TransportError when no usable answer came.
        """
        payload = self._payload(parameters or {})
        reply = self._transport.post(path, payload, file)
        allowance = read_allowance(reply.headers)
        self._note(allowance)
        return understand(reply, payload, allowance)

    def get(self, path: str, parameters: Mapping[str, Value] | None = None) -> Answer:
        """Ask any call of the service; raises as ``post`` does."""
        payload = self._payload(parameters or {})
        reply = self._transport.get(path, payload)
        allowance = read_allowance(reply.headers)
        self._note(allowance)
        return understand(reply, payload, allowance)

    def limits(self) -> Allowance:
        """What is left of the month; ``limit`` and its kin are then current."""
        found = allowance_in(self.get("apps/limits.json").body)
        self._note(found)
        return found

    def validate(self, user: str, device: str | None = None) -> Validation:
        """Check one user or group key, and a device of it, and say what the service knows of them.

        Raises APIError for a key or device that isn't one.
        """
        payload = {"user": fields.token(user, "user"), "device": device}
        try:
            return read_validation(self.post("users/validate.json", payload).body)
        except APIError as error:
            if not error.bad_inputs.get("user", "").startswith("valid"):
                raise
            # The service refuses a good key that has no devices: "valid user but no ...".
            return read_validation({**error.response, "devices": []})

    def receipt(self, receipt: str) -> Receipt:
        """What became of an emergency; do not ask more often than every 5 seconds.

        A receipt that the service doesn't know, or no longer, counts as expired, and is ``gone``.
        """
        try:
            return receipts.read_receipt(self.get(f"receipts/{_key(receipt, 'receipt')}.json"))
        except APIError as error:
            gone = receipts.gone(error)
            if gone is None:
                raise
            return gone

    def cancel(self, receipt: str) -> None:
        """Stop an emergency's ringing. Raises APIError for an unknown receipt."""
        self.post(f"receipts/{_key(receipt, 'receipt')}/cancel.json")

    def cancel_by_tag(self, tag: str) -> int:
        """Stop all emergencies with that tag; how many there were."""
        if not tag:
            raise ValueError("tag is empty; it must be one that an emergency was sent with")
        return _count(self.post(f"receipts/cancel_by_tag/{quote(tag, safe='')}.json"), "canceled")

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
        """Show words or numbers on a watch or another small screen, without an alert.

        The texts may have 100 characters each, ``percent`` is 0 to 100. What is left out stays.
        """
        shown: dict[str, Value] = {"title": title, "text": text, "subtext": subtext}
        shown |= {"count": count, "percent": percent}
        _check_glance(shown)
        key = fields.token(user, "user")
        return self.post("glances.json", {"user": key, "device": device, **shown})

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
        """The group with that key. Raises APIError if there is none."""
        return Group(self, key, _word(self.get(f"groups/{_key(key, 'group')}.json"), "name"))

    def migrate_subscription(
        self,
        subscription: str,
        user: str,
        device_name: str | None = None,
        sound: str | None = None,
    ) -> str:
        """Exchange a user's key for the one the user has in a subscription, which is returned."""
        parameters = {"subscription": subscription, "user": fields.token(user, "user")}
        extras = {"device_name": device_name, "sound": sound}
        answer = self.post("subscriptions/migrate.json", {**parameters, **extras})
        return _word(answer, "subscribed_user_key")

    def assign_license(
        self, *, user: str | None = None, email: str | None = None, os: str | None = None
    ) -> int:
        """Give a prepaid licence to a user or to an e-mail address; how many credits are left.

        Permanent and not refunded: a TransportError whose ``may_have_arrived`` is true may mean
        that it was given. Ask ``license_credits`` before calling again.
        """
        if (user is None) == (email is None):
            raise ValueError("a licence goes to a user or to an email: give exactly one of them")
        key = None if user is None else fields.token(user, "user")
        answer = self.post("licenses/assign.json", {"user": key, "email": email, "os": os})
        return _count(answer, "credits")

    def license_credits(self) -> int:
        """How many prepaid licences are left to give."""
        return _count(self.get("licenses.json"), "credits")

    def close(self) -> None:
        """Close the connection; a later request opens another."""
        self._transport.close()

    def _learn_from(self, outcome: Answer | APIError) -> None:
        """Note whether the token is good, as the outcome of any request shows."""
        refused = isinstance(outcome, APIError) and "token" in outcome.bad_inputs
        self._is_authenticated = not refused
        if refused:
            self._sounds = None

    def _authenticate(self) -> None:
        # The sounds are wanted anyway, and the call has no other way to fail than its token.
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

    def _payload(self, parameters: Mapping[str, Value]) -> Payload:
        return Payload(fields.form(parameters), token=self.token)

    def _note(self, said: Allowance) -> None:
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
        raise ValueError("a glance shows at least one of title, text, subtext, count and percent")
    for name in ("title", "text", "subtext"):
        length = len(str(shown[name] or ""))
        if length > GLANCE_LIMIT:
            raise ValueError(f"{name} is {length} characters; at most {GLANCE_LIMIT} fit")
    percent = shown["percent"]
    if isinstance(percent, int) and not 0 <= percent <= 100:
        raise ValueError(f"percent is {percent}; it must be 0 to 100")


def _key(value: str, what: str) -> str:
    # It becomes part of the path, where anything else would ask for something else.
    return fields.token(value, what)


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
