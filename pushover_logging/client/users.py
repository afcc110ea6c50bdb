"""The users that messages go to: a single user, several at once, or a group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from . import parameters as fields
from .answers import Answer
from .attributes import priority as checked_priority
from .constants import EMERGENCY, EXPIRE_ACCEPTED, NORMAL, RETRY_MINIMUM
from .errors import APIError, PushoverError
from .masking import mask
from .messages import EmergencyMessage, Extras, Message

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .application import Application


@dataclass(frozen=True)
class Validation:
    """The service's answer about a user or group key."""

    is_group: bool
    devices: tuple[str, ...]
    """The names of the user's active devices; empty for a group."""
    licenses: tuple[str, ...]
    """The platforms that the user has a license for."""


def read_validation(body: Mapping[str, object]) -> Validation:
    """The validation that an answer describes."""
    return Validation(
        is_group=body.get("group") == 1,
        devices=_texts(body.get("devices")),
        licenses=_texts(body.get("licenses")),
    )


class User:
    """A recipient of messages: a user, several users (a list or comma list), or a group."""

    def __init__(self, app: Application, token: str | Iterable[str]) -> None:
        self.app = app
        self._set_token(fields.user(token))

    @property
    def token(self) -> str:
        """The user's key, or several as a comma list. A new key drops what was learned before."""
        return self._token

    @token.setter
    def token(self, value: str | Iterable[str]) -> None:
        self._set_token(fields.user(value))

    def _set_token(self, token: str) -> None:
        if token != getattr(self, "_token", None):
            self._token = token
            self._is_authenticated: bool | None = None
            self._devices: set[str] | None = None

    @property
    def is_authenticated(self) -> bool:
        """Whether the service knows the application and the user, which is asked once.

        Raises as ``Application.get`` does, except for a refused token or key.
        """
        if self._is_authenticated is None and self.app._is_authenticated is not False:
            self._authenticate()
        return self.app._is_authenticated is True and bool(self._is_authenticated)

    @is_authenticated.setter
    def is_authenticated(self, value: bool | None) -> None:
        self._is_authenticated = value

    @property
    def devices(self) -> set[str] | None:
        """The names of the active devices, asked once; None if user or token are refused."""
        refused = self._is_authenticated is False or self.app._is_authenticated is False
        if self._devices is None and not refused:
            self._authenticate()
        return self._devices

    @devices.setter
    def devices(self, value: set[str] | None) -> None:
        self._devices = value

    def create_message(
        self,
        message: str,
        html: bool = False,
        title: str | None = None,
        timestamp: datetime | float | None = None,
        url: str | None = None,
        url_title: str | None = None,
        device: str | Iterable[str] | None = None,
        priority: int = NORMAL,
        callback: str | None = None,
        retry: int = RETRY_MINIMUM,
        expire: int = EXPIRE_ACCEPTED,
        sound: str | None = None,
        **extras: Unpack[Extras],
    ) -> Message:
        """Create a message without sending it; an ``EmergencyMessage`` at emergency priority.

        ``callback``, ``retry`` and ``expire`` are for emergencies only. ``retry`` and ``expire``
        are seconds. An ``expire`` above 10800, the service's limit, is sent as 10800.
        """
        shown = (message, html, title, timestamp, url, url_title, device)
        if checked_priority(priority, "priority") == EMERGENCY:
            return EmergencyMessage(self, *shown, sound, callback, retry, expire, **extras)
        return Message(self, *shown, priority, sound, **extras)

    def send_message(
        self,
        message: str,
        html: bool = False,
        title: str | None = None,
        timestamp: datetime | float | None = None,
        url: str | None = None,
        url_title: str | None = None,
        device: str | Iterable[str] | None = None,
        priority: int = NORMAL,
        callback: str | None = None,
        retry: int = RETRY_MINIMUM,
        expire: int = EXPIRE_ACCEPTED,
        sound: str | None = None,
        **extras: Unpack[Extras],
    ) -> Message:
        """Create a message as ``create_message`` does and send it; see its ``is_sent``."""
        shown = (message, html, title, timestamp, url, url_title, device, priority)
        made = self.create_message(*shown, callback, retry, expire, sound, **extras)
        made.send()
        return made

    def _learn_from(self, outcome: Answer | PushoverError) -> None:
        """Keep whether user and application are good, as the outcome of a message shows."""
        if isinstance(outcome, Answer):
            self._is_authenticated = True
            self.app._learn_from(outcome)
        elif isinstance(outcome, APIError):
            self._learn_from_refusal(outcome)

    def _learn_from_refusal(self, error: APIError) -> None:
        if "token" in error.bad_inputs:
            self.app._learn_from(error)
            self._is_authenticated = self._devices = None
        elif "user" in error.bad_inputs:
            self._is_authenticated, self._devices = False, None

    def _authenticate(self) -> None:
        try:
            # map, so that no variable holds a key: error reporters show every frame's variables.
            found = list(map(self.app.validate, self.token.split(",")))
        except APIError as error:
            if not error.bad_inputs.keys() & {"token", "user"}:
                raise
            self._learn_from_refusal(error)
            if "token" not in error.bad_inputs:
                self.app.is_authenticated = True
        else:
            self.app.is_authenticated = self._is_authenticated = True
            self._devices = {name for each in found for name in each.devices}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, User) or type(other) is not type(self):
            return NotImplemented
        return self.token == other.token and self.app == other.app

    def __hash__(self) -> int:
        return hash((type(self), self.token, self.app))

    def __str__(self) -> str:
        return f"Pushover User: {mask(self.token)}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(app={self.app!r}, token={mask(self.token)!r})"


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list) else ()
