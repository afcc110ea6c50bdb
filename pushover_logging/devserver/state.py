"""What the server remembers: people, groups, what arrived, what rings, the month's allowance."""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from pushover_logging.client.constants import SOUNDS
from pushover_logging.devserver.allowance import Allowance, next_month
from pushover_logging.devserver.emergencies import Emergency
from pushover_logging.devserver.parameters import Attachment

MONTHLY_LIMIT = 10_000
KEPT = 10_000
"""So many messages are kept, the newest."""
KEPT_IMAGE_BYTES = 256 * 1024 * 1024
"""So much of their images; the oldest messages go where they are larger."""


def new_key(prefix: str = "") -> str:
    """A fresh identifier of 30 letters and digits, such as the service gives out."""
    letters = string.ascii_letters + string.digits
    return prefix + "".join(secrets.choice(letters) for _ in range(30 - len(prefix)))


@dataclass
class Person:
    """A user of the service: the key, the names of active devices, and the licences they hold."""

    key: str = field(repr=False)
    devices: tuple[str, ...] = ("phone",)
    licenses: tuple[str, ...] = ("Android",)


@dataclass
class Member:
    """A person's place in a group; without a device it means all of them."""

    user: str = field(repr=False)
    device: str | None = None
    memo: str = ""
    disabled: bool = False

    def as_answer(self) -> dict[str, object]:
        """What the service says about the member."""
        return {
            "user": self.user,
            "device": self.device,
            "memo": self.memo,
            "disabled": self.disabled,
        }


@dataclass
class Group:
    """Several people under one key."""

    key: str = field(repr=False)
    name: str
    members: list[Member] = field(default_factory=list)


@dataclass(frozen=True)
class ReceivedMessage:
    """One accepted message.

    ``params`` are the fields as they came, without the token. ``received_at`` is in Unix seconds.
    ``recipients`` names the devices it reached, for each user; nobody where none is active.
    """

    number: int
    params: Mapping[str, str]
    received_at: float
    request: str
    receipt: str | None = None
    attachment: Attachment | None = None
    recipients: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def image_bytes(self) -> int:
        """How large its image is."""
        return len(self.attachment.data) if self.attachment else 0

    def __repr__(self) -> str:
        texts = {name: text for name, text in self.params.items() if name != "user"}
        return f"ReceivedMessage(number={self.number}, params={texts}, receipt={self.receipt!r})"


@dataclass(frozen=True)
class Glance:
    """One update of the small screens, as it came and without the token."""

    user: str = field(repr=False)
    params: Mapping[str, str] = field(repr=False)
    received_at: float


class Account:
    """One account of the service with one application, and all that happened to it.

    Takes no lock and starts nothing: whoever shares it between threads brings the lock.
    """

    def __init__(
        self, token: str, *, name: str = "Application", clock: Callable[[], float] = time.time
    ) -> None:
        self.token = token
        self.name = name
        self.clock = clock
        self.people: dict[str, Person] = {}
        self.groups: dict[str, Group] = {}
        self.subscriptions: set[str] = set()
        self.sounds: dict[str, str] = dict(SOUNDS)
        self.license_credits = 10
        self.life = 0
        """How often all was forgotten."""
        self.forget()

    def forget(self) -> None:
        """Forget everything that arrived and start the month anew; people and groups stay."""
        self.life += 1
        self.messages: list[ReceivedMessage] = []
        """The newest that are kept, oldest first."""
        self.received = 0
        """The number of the newest message; older ones may be gone."""
        self._image_bytes = 0
        self.emergencies: dict[str, Emergency] = {}
        self.glances: list[Glance] = []
        self.subscribed: dict[str, str] = {}
        self.impolite = 0
        reset = next_month(self.clock())
        self.allowance = Allowance(MONTHLY_LIMIT, MONTHLY_LIMIT, reset)

    def keep(self, message: ReceivedMessage) -> None:
        """Add a message; the oldest go, with what rang, where more came than is kept."""
        self.messages.append(message)
        self.received = message.number
        self._image_bytes += message.image_bytes
        while len(self.messages) > KEPT or self._image_bytes > KEPT_IMAGE_BYTES:
            oldest = self.messages.pop(0)
            self._image_bytes -= oldest.image_bytes
            self.emergencies.pop(oldest.receipt or "", None)

    def messages_since(self, number: int) -> list[ReceivedMessage]:
        """The messages after that number which are still there, oldest first."""
        newer = min(self.received - number, len(self.messages))
        return self.messages[-newer:] if newer > 0 else []

    def resolve(self, key: str) -> str:
        """The user behind a subscribed user key; any other key as it is."""
        return self.subscribed.get(key, key)

    def members_of(self, key: str) -> Iterator[Member] | None:
        """Who a user, group or subscribed user key stands for; None where nobody has it."""
        key = self.resolve(key)
        if key in self.people:
            return iter([Member(key)])
        if key in self.groups:
            return (each for each in self.groups[key].members if not each.disabled)
        return None

    def devices_of(self, member: Member, wanted: str = "") -> tuple[str, ...]:
        """The devices a member's message reaches: those wanted, or all if none of them exists."""
        active = self.people[member.user].devices
        if member.device:
            return tuple(name for name in active if name == member.device)
        names = wanted.split(",")
        return tuple(name for name in active if name in names) or active
