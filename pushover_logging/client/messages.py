"""Messages to a user: creating, sending, and following up emergencies."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, TypedDict

from . import attributes as check
from .answers import Answer
from .attachments import Source, check_base64, load
from .attributes import Attribute
from .constants import (
    EMERGENCY,
    EXPIRE_ACCEPTED,
    EXPIRE_MAXIMUM,
    KEY_PATTERN,
    MESSAGE_LIMIT,
    NORMAL,
    RETRY_MINIMUM,
    TITLE_LIMIT,
    URL_LIMIT,
    URL_TITLE_LIMIT,
)
from .errors import PushoverError
from .parameters import Value
from .receipts import POLL_INTERVAL, Receipt
from .transport import File

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .application import User
    from .constants import Priority

_TEXTS = ("message", "title", "url", "url_title", "device", "sound")


class Extras(TypedDict, total=False):
    """The keyword-only parameters of a message, which chump does not have."""

    monospace: bool
    """Shows the text in a monospaced font; excludes ``html``."""
    ttl: int | None
    """Seconds after which the devices remove it; the service ignores it for emergencies."""
    tags: str | Iterable[str] | None
    """The tags by which ``Application.cancel_by_tag`` finds an emergency."""
    attachment: Source | None
    """One image: a path, bytes, or a file opened for reading bytes."""
    attachment_type: str | None
    """The image's MIME type, if its first bytes do not show it."""
    attachment_base64: str | None
    """The image as base64 text, instead of ``attachment``."""
    encryption_key: str | bytes | None
    """64 hex digits, the same as on the devices; only these devices can then read the texts."""
    params: Mapping[str, Value] | None
    """Further parameters, passed through unchanged, such as those the service adds next."""


class Message:
    """A message to a user. Every parameter is an attribute that is checked when it is set."""

    message: Attribute[str, str] = Attribute(check.body(MESSAGE_LIMIT))
    html: Attribute[bool | int | str, bool] = Attribute(check.flag)
    title: Attribute[str | None, str | None] = Attribute(check.text(TITLE_LIMIT))
    timestamp: Attribute[datetime | float | str | None, datetime | None] = Attribute(
        check.timestamp
    )
    url: Attribute[str | None, str | None] = Attribute(check.text(URL_LIMIT))
    url_title: Attribute[str | None, str | None] = Attribute(check.text(URL_TITLE_LIMIT))
    device: Attribute[str | Iterable[str] | None, str | None] = Attribute(check.device)
    priority: Attribute[int | str, Priority] = Attribute(check.ordinary_priority)
    sound: Attribute[str | None, str | None] = Attribute(check.text())
    monospace: Attribute[bool | int | str, bool] = Attribute(check.flag)
    ttl: Attribute[int | str | None, int | None] = Attribute(check.ttl)
    tags: Attribute[str | Iterable[str] | None, tuple[str, ...]] = Attribute(check.names)
    attachment_type: Attribute[str | None, str | None] = Attribute(check.text())
    attachment_base64: Attribute[str | None, str | None] = Attribute(check.text())
    encryption_key: Attribute[str | bytes | None, str | bytes | None] = Attribute(
        check.encryption_key
    )
    params: Attribute[Mapping[str, Value] | None, dict[str, Value]] = Attribute(check.params)

    id: str | None = None
    """The service's id of the request, once sent."""
    is_sent: bool = False
    sent_at: datetime | None = None
    """When the service accepted it."""
    error: PushoverError | None = None
    """Why the last request about it failed."""
    info: str | None = None
    """The service's remark on an accepted message, such as ``no active devices to send to``."""

    def __init__(
        self,
        user: User,
        message: str,
        html: bool = False,
        title: str | None = None,
        timestamp: datetime | float | None = None,
        url: str | None = None,
        url_title: str | None = None,
        device: str | Iterable[str] | None = None,
        priority: int = NORMAL,
        sound: str | None = None,
        **extras: Unpack[Extras],
    ) -> None:
        self.user = user
        self.message = message
        self.html = html
        self.title = title
        self.timestamp = timestamp
        self.url = url
        self.url_title = url_title
        self.device = device
        self.priority = priority
        self.sound = sound
        self._set_extras(extras)

    def _set_extras(self, extras: Extras) -> None:
        unknown = extras.keys() - Extras.__annotations__.keys()
        if unknown:
            raise TypeError(
                f"a message has no parameter {', '.join(sorted(unknown))}; "
                "params={...} passes on parameters that this client does not know"
            )
        self.monospace = extras.get("monospace", False)
        self.ttl = extras.get("ttl")
        self.tags = extras.get("tags")
        self.attachment: Source | None = extras.get("attachment")
        self.attachment_type = extras.get("attachment_type")
        self.attachment_base64 = extras.get("attachment_base64")
        self.encryption_key = extras.get("encryption_key")
        self.params = extras.get("params")
        self._check_together()

    def _check_together(self) -> None:
        if self.html and self.monospace:
            raise ValueError("html and monospace exclude each other; set only one of them")
        if self.attachment is not None and self.attachment_base64 is not None:
            raise ValueError("attachment and attachment_base64 both give the image; set only one")

    def send(self) -> bool:
        """Send it, or send it again; True if the service accepted it, else ``error`` says why not.

        Never raises for a fault of the network or the service. Raises ValueError or OSError, before
        any request, for an attachment that cannot be sent.
        """
        try:
            # No variable holds the parameters: error reporters show the variables of every frame.
            answer = self.user.app.send(*self._begin())
        except PushoverError as error:
            # Without its traceback, which would keep alive all that was on the stack.
            self.error = error.with_traceback(None)
            self.user._learn_from(error)
        else:
            self._sent(answer)
        return self.is_sent

    def _begin(self) -> tuple[dict[str, Value], File | None]:
        """Build the request; if that succeeds, reset the state of an earlier sending."""
        request = self._request()
        self._forget()
        return request

    def _forget(self) -> None:
        self.id = self.sent_at = self.error = self.info = None
        self.is_sent = False

    def _sent(self, answer: Answer) -> None:
        self.is_sent = True
        self.id = answer.id
        self.sent_at = answer.answered_at
        self.info = answer.info
        self.user._learn_from(answer)

    def _request(self) -> tuple[dict[str, Value], File | None]:
        """The form fields to send, and the file beside them."""
        self._check_together()
        file = None if self.attachment is None else load(self.attachment, self.attachment_type)
        parameters = {**self._parameters(), **self._image_as_text(), **self.params}
        if self.encryption_key is not None:
            from .encryption import Cipher  # cryptography is an extra, and slow to import

            parameters = Cipher(self.encryption_key).seal(parameters)
        return parameters, file

    def _parameters(self) -> dict[str, Value]:
        given: dict[str, Value] = {name: getattr(self, name) or None for name in _TEXTS}
        given["user"] = self.user.token
        given["html"] = self.html or None
        given["monospace"] = self.monospace or None
        # NORMAL is the service's default.
        given["priority"] = int(self.priority) or None
        given["timestamp"] = None if self.timestamp is None else int(self.timestamp.timestamp())
        given["ttl"] = self.ttl
        given["tags"] = self.tags or None
        return given

    def _image_as_text(self) -> dict[str, Value]:
        if self.attachment_base64 is None:
            return {}
        found = check_base64(self.attachment_base64, self.attachment_type)
        return {"attachment_base64": self.attachment_base64, "attachment_type": found}

    def __str__(self) -> str:
        return f"({self.title}) {self.message}" if self.title else self.message

    def __repr__(self) -> str:
        state = f"sent as {self.id}" if self.is_sent else "not sent"
        return f"<{type(self).__name__} {str(self)!r} to {self.user!r}, {state}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message) or type(other) is not type(self):
            return NotImplemented
        known = self._identity()
        return self is other or (known is not None and known == other._identity())

    def _identity(self) -> str | None:
        return self.id

    def __hash__(self) -> int:
        # Sending sets the id. A hash must not change then, nor differ between equal messages.
        return hash(type(self))


class EmergencyMessage(Message):
    """A message that rings until somebody acknowledges it, it expires, or you cancel it."""

    priority: Attribute[int | str, Priority] = Attribute(check.emergency_priority)
    callback: Attribute[str | None, str | None] = Attribute(check.text())
    retry: Attribute[int | str, int] = Attribute(check.retry)
    expire: Attribute[int | str, int] = Attribute(check.expire)

    receipt: str | None = None
    """The service's key for it, once sent."""
    last_polled_at: datetime | None = None
    last_delivered_at: datetime | None = None
    """When it last rang."""
    is_acknowledged: bool | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: User | None = None
    """Who acknowledged it first."""
    acknowledged_by_device: str | None = None
    is_expired: bool | None = None
    expires_at: datetime | None = None
    is_called_back: bool | None = None
    called_back_at: datetime | None = None
    _polled: float | None = None

    def __init__(
        self,
        user: User,
        message: str,
        html: bool = False,
        title: str | None = None,
        timestamp: datetime | float | None = None,
        url: str | None = None,
        url_title: str | None = None,
        device: str | Iterable[str] | None = None,
        sound: str | None = None,
        callback: str | None = None,
        retry: int = RETRY_MINIMUM,
        expire: int = EXPIRE_ACCEPTED,
        **extras: Unpack[Extras],
    ) -> None:
        super().__init__(
            *(user, message, html, title, timestamp, url, url_title, device, EMERGENCY, sound),
            **extras,
        )
        self.callback = callback
        self.retry = retry
        self.expire = expire

    def send(self) -> bool:
        """Send it, or send it again, and ask for its state once; see ``Message.send``."""
        super().send()
        if self.receipt:
            self.poll()
        return self.is_sent

    def poll(self) -> bool | None:
        """Ask for its state; sends it first if it is not sent.

        True while it waits for an acknowledgement, False once it is acknowledged, expired or
        cancelled, None without a receipt. This asks the service every 5 seconds at most, as the
        service demands, and returns the last known state in between. If the request fails the
        state stays as it was and ``error`` says why. An unknown receipt counts as expired.
        """
        if not self.is_sent:
            self.send()
        if self.receipt is None:
            return None
        if self._may_change() and self._may_ask():
            self._ask(self.receipt)
        return not (self.is_acknowledged or self.is_expired)

    def cancel(self) -> bool:
        """Stop the ringing; True if the service did, else ``error`` says why not.

        A cancelled emergency counts as expired, unless it was acknowledged.
        """
        if self.receipt is None:
            return False
        try:
            self.user.app.cancel(self.receipt)
        except PushoverError as error:
            self.error = error.with_traceback(None)
            return False
        self.error = None
        self.is_expired = not self.is_acknowledged
        return True

    def _forget(self) -> None:
        super()._forget()
        for name in _FOLLOWED_UP:
            setattr(self, name, None)

    def _sent(self, answer: Answer) -> None:
        super()._sent(answer)
        self.receipt = answer.receipt

    def _may_change(self) -> bool:
        if self.is_acknowledged:
            return bool(self.callback) and not self.is_called_back
        return not self.is_expired

    def _may_ask(self) -> bool:
        return self._polled is None or time.monotonic() - self._polled >= POLL_INTERVAL

    def _ask(self, receipt: str) -> None:
        self._polled = time.monotonic()
        try:
            state = self.user.app.receipt(receipt)
        except PushoverError as error:
            self.error = error.with_traceback(None)
        else:
            self.error = None
            self._note(state)

    def _note(self, state: Receipt) -> None:
        self.last_polled_at = state.answered_at
        self.is_expired = state.expired
        if state.gone:
            # The last known state stays; the service has nothing to add to it.
            return
        self.is_acknowledged = state.acknowledged
        self.acknowledged_at = state.acknowledged_at
        self.acknowledged_by_device = state.acknowledged_by_device
        self.acknowledged_by = self._user_of(state.acknowledged_by)
        self.expires_at = state.expires_at
        self.last_delivered_at = state.last_delivered_at
        self.is_called_back = state.called_back
        self.called_back_at = state.called_back_at

    def _user_of(self, key: str | None) -> User | None:
        if key == self.user.token:
            return self.user
        known = key is not None and KEY_PATTERN.fullmatch(key)
        return self.user.app.get_user(key) if key and known else None

    def _parameters(self) -> dict[str, Value]:
        return {
            **super()._parameters(),
            "callback": self.callback or None,
            "retry": self.retry,
            "expire": min(self.expire, EXPIRE_MAXIMUM),
        }

    def _identity(self) -> str | None:
        return self.receipt


_FOLLOWED_UP = (
    *("receipt", "last_polled_at", "last_delivered_at", "is_acknowledged", "acknowledged_at"),
    *("acknowledged_by", "acknowledged_by_device", "is_expired", "expires_at"),
    *("is_called_back", "called_back_at", "_polled"),
)
