"""The account that the server plays: people, groups, a team, messages, the month's quota."""

from __future__ import annotations

import dataclasses
import datetime
import math
import secrets
import string
import sys
import threading
import time
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pushover_logging.client.constants import SOUNDS
from pushover_logging.devserver.emergencies import Emergency
from pushover_logging.devserver.parameters import Attachment

MONTHLY_LIMIT = 10_000
KEPT = 10_000
"""The newest messages that are kept, and the newest glances and subscribed keys."""
KEPT_BYTES = 256 * 1024 * 1024
"""The most bytes that kept messages and their images take; glances have as much."""
LARGEST_NUMBER = 10**12
"""No limit, count or time of a quota is larger."""

HeaderMode = Literal["normal", "missing", "garbage"]


class Changes(threading.Condition):
    """The lock of all that the server holds; ``notify_all`` also calls its followers.

    Followers are called with the lock held. They must be quick and must not raise.
    """

    def __init__(self) -> None:
        super().__init__()
        self._followers: list[Callable[[], None]] = []

    def follow(self, follower: Callable[[], None]) -> None:
        """Call this at every change."""
        self._followers.append(follower)

    def notify_all(self) -> None:
        """Wake all that wait, and call the followers."""
        super().notify_all()
        for follower in self._followers:
            follower()


def new_key(prefix: str = "") -> str:
    """A new identifier of 30 letters and digits, such as the service gives out."""
    letters = string.ascii_letters + string.digits
    return prefix + "".join(secrets.choice(letters) for _ in range(30 - len(prefix)))


def memory_of(texts: Mapping[str, str]) -> int:
    """The bytes that a mapping of texts takes in memory."""
    return sys.getsizeof(texts) + sum(
        sys.getsizeof(name) + sys.getsizeof(text) for name, text in texts.items()
    )


@dataclass
class Person:
    """A user of the service: the key, the names of active devices, and their licenses."""

    key: str = field(repr=False)
    devices: tuple[str, ...] = ("phone",)
    licenses: tuple[str, ...] = ("Android",)
    email: str = field(default="", repr=False)


@dataclass
class Member:
    """A person's membership in a group; without a device it means all of them."""

    user: str = field(repr=False)
    device: str | None = None
    memo: str = ""
    disabled: bool = False


@dataclass
class Group:
    """Several people under one key."""

    key: str = field(repr=False)
    name: str
    members: list[Member] = field(default_factory=list)


@dataclass
class TeamMember:
    """A person's membership in the team."""

    user: str = field(repr=False)
    name: str
    email: str = field(repr=False)
    administrator: bool = False


@dataclass
class Team:
    """The team that the account belongs to, and the e-mail addresses it has invited."""

    token: str = field(repr=False)
    name: str = "Team"
    members: list[TeamMember] = field(default_factory=list)
    invited: list[str] = field(default_factory=list, repr=False)


@dataclass(frozen=True)
class ReceivedMessage:
    """One accepted message.

    ``params`` are the fields as they came, without the token. ``received_at`` is in Unix seconds.
    ``recipients`` names the devices it reached, for each user; it is empty if none is active.
    """

    number: int
    params: Mapping[str, str]
    received_at: float
    request: str
    receipt: str | None = None
    attachment: Attachment | None = None
    recipients: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def memory(self) -> int:
        """The bytes that its parameters and its image take."""
        image = len(self.attachment.data) + len(self.attachment.name) if self.attachment else 0
        return memory_of(self.params) + image

    def __repr__(self) -> str:
        texts = {name: text for name, text in self.params.items() if name != "user"}
        return f"ReceivedMessage(number={self.number}, params={texts}, receipt={self.receipt!r})"


@dataclass(frozen=True)
class Glance:
    """One update of small screens, as it came and without the token."""

    user: str = field(repr=False)
    params: Mapping[str, str] = field(repr=False)
    received_at: float


@dataclass
class Quota:
    """The messages of the month: the limit, how many remain, and when a new month starts.

    ``reset`` is in Unix seconds. ``headers`` says whether answers report the truth about it
    (``"normal"``), nothing (``"missing"``) or invalid values (``"garbage"``).
    """

    limit: int
    remaining: int
    reset: float
    headers: HeaderMode = "normal"

    def change(self, given: Mapping[str, Any]) -> None:
        """Set the fields that are given. Raises ValueError and changes nothing if one is wrong."""
        changed = dataclasses.replace(self, **given)
        for name in ("limit", "remaining"):
            value = getattr(changed, name)
            if type(value) is not int or not 0 <= value <= LARGEST_NUMBER:
                raise ValueError(
                    f"{name} is {value!r:.40}; it must be a whole number from 0 to {LARGEST_NUMBER}"
                )
        reset = changed.reset
        if type(reset) not in (int, float) or not 0 <= reset <= LARGEST_NUMBER:
            raise ValueError(
                f"reset is {reset!r:.40}; it must be in Unix seconds, from 0 to {LARGEST_NUMBER}"
            )
        if changed.headers not in get_args(HeaderMode):
            choices = ", ".join(get_args(HeaderMode))
            raise ValueError(f"headers is {changed.headers!r:.40}; it must be one of {choices}")
        for name, value in given.items():
            setattr(self, name, value)

    def renew(self, now: float) -> None:
        """Start a new month if the current one is over."""
        if now >= self.reset:
            self.remaining = self.limit
            self.reset = next_month(now)

    def spend(self, messages: int) -> bool:
        """Take that many messages; take nothing and return False if fewer remain."""
        if messages > self.remaining:
            return False
        self.remaining -= messages
        return True

    def as_headers(self) -> dict[str, str]:
        """The ``X-Limit-App-*`` headers of an answer."""
        if self.headers == "missing":
            return {}
        if self.headers == "garbage":
            return {f"X-Limit-App-{name}": "soon" for name in ("Limit", "Remaining", "Reset")}
        return {
            "X-Limit-App-Limit": str(self.limit),
            "X-Limit-App-Remaining": str(self.remaining),
            "X-Limit-App-Reset": str(int(self.reset)),
        }

    def as_plain(self) -> dict[str, object]:
        """All fields, for people and the inbox page to read."""
        return dataclasses.asdict(self)


def next_month(now: float) -> float:
    """When the month after ``now`` begins for the service: midnight US Central on the 1st."""
    try:
        central: datetime.tzinfo = zoneinfo.ZoneInfo("America/Chicago")
    except zoneinfo.ZoneInfoNotFoundError:
        # This machine has no time zone data; an error of an hour in summer harms no test.
        central = datetime.timezone(datetime.timedelta(hours=-6))
    today = datetime.datetime.fromtimestamp(now, central)
    later = datetime.datetime(today.year, today.month, 1) + datetime.timedelta(days=32)
    return datetime.datetime(later.year, later.month, 1, tzinfo=central).timestamp()


class Account:
    """One account of the service with one application, and all that it has received.

    Takes no lock and starts nothing: the caller that shares it between threads holds the lock.
    """

    def __init__(
        self,
        token: str,
        team_token: str = "",
        *,
        name: str = "Application",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.token = token
        self.name = name
        self.clock = clock
        self.people: dict[str, Person] = {}
        self.groups: dict[str, Group] = {}
        self.team: Team = Team(team_token or new_key("t"))
        self.subscriptions: set[str] = set()
        self.sounds: dict[str, str] = dict(SOUNDS)
        self.license_credits = 10
        self.resets: int = 0
        """How often the account was cleared."""
        self.clear()

    def clear(self) -> None:
        """Remove everything that arrived and start a new month; people and groups stay."""
        self.resets += 1
        self.messages: list[ReceivedMessage] = []
        """The newest messages, oldest first."""
        self.received: int = 0
        """The number of the newest message; older ones may have been dropped."""
        self._message_bytes = 0
        self.emergencies: dict[str, Emergency] = {}
        self.glances: list[Glance] = []
        self._glance_bytes = 0
        self.subscribed: dict[str, str] = {}
        self.impolite = 0
        self.quota: Quota = Quota(MONTHLY_LIMIT, MONTHLY_LIMIT, next_month(self.clock()))

    def keep(self, message: ReceivedMessage) -> None:
        """Add a message; drop the oldest, with their emergencies, beyond the bounds."""
        self.messages.append(message)
        self.received = message.number
        self._message_bytes += message.memory
        while len(self.messages) > KEPT or self._message_bytes > KEPT_BYTES:
            oldest = self.messages.pop(0)
            self._message_bytes -= oldest.memory
            self.emergencies.pop(oldest.receipt or "", None)

    def keep_glance(self, glance: Glance) -> None:
        """Add a glance; drop the oldest beyond the bounds."""
        self.glances.append(glance)
        self._glance_bytes += memory_of(glance.params)
        while len(self.glances) > KEPT or self._glance_bytes > KEPT_BYTES:
            self._glance_bytes -= memory_of(self.glances.pop(0).params)

    def subscribe(self, user: str) -> str:
        """A new key that stands for a user; the oldest such key is dropped beyond the bound."""
        key = new_key("s")
        self.subscribed[key] = user
        if len(self.subscribed) > KEPT:
            del self.subscribed[next(iter(self.subscribed))]
        return key

    def messages_since(self, number: int) -> list[ReceivedMessage]:
        """The kept messages after that number, oldest first."""
        newer = min(self.received - number, len(self.messages))
        return self.messages[-newer:] if newer > 0 else []

    def resolve(self, key: str) -> str:
        """The user behind a subscribed user key; any other key as it is."""
        return self.subscribed.get(key, key)

    def members_of(self, key: str) -> Iterator[Member] | None:
        """The members that a user, group or subscribed user key stands for; None if unknown."""
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


def is_finite(value: object) -> bool:
    """Whether this is a number, and neither a boolean nor infinite nor NaN."""
    return isinstance(value, int | float) and type(value) is not bool and math.isfinite(value)
