"""The dev server as a program or a test uses it: start, inspect, simulate faults, stop."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType

from pushover_logging.client.constants import KEY_PATTERN
from pushover_logging.devserver import views
from pushover_logging.devserver.account import (
    Account,
    Changes,
    Glance,
    Group,
    HeaderMode,
    Member,
    Person,
    ReceivedMessage,
    TeamMember,
    new_key,
)
from pushover_logging.devserver.app import make_app
from pushover_logging.devserver.database import InboxFile
from pushover_logging.devserver.emergencies import Emergency
from pushover_logging.devserver.faults import Fault, FaultBody, FaultKind, FaultPlan
from pushover_logging.devserver.http_server import CertificateAndKey, HttpServer
from pushover_logging.devserver.loopback import is_reachable, loopback, post_form
from pushover_logging.devserver.traffic import Rejection, SeenRequest, Traffic

DEFAULT_TOKEN = "devserverApplicationToken00001"
DEFAULT_USER = "devserverUserKey00000000000001"
DEFAULT_TEAM_TOKEN = "devserverTeamToken000000000001"
DEFAULT_EMAIL = "user@example.com"
DEFAULT_SUBSCRIPTION = "devserver-subscription"
DEFAULT_PORT = 8765

_TEXT_LIMIT = 250


class DevServer:
    """A local Pushover server that runs between ``start`` and ``stop``, or in a ``with`` block.

    It serves from a thread of this process. Every method may be called from any thread, and what
    arrived can still be read after the end. ``port`` 0 takes a free port; ``host`` is an address of
    this machine alone. ``tls`` is a certificate file and its key file. ``hosts`` are names beside
    the loopback ones that a ``Host`` header may give. ``name`` is the application's name, the title
    of a push without a title. ``callback_interval`` is the time in seconds before it calls back an
    application again. ``db`` is a file that keeps the inbox; without it the inbox ends with this
    object. ``on_problem`` is called, from any thread, with a sentence when that file cannot be read
    or written; without it the sentence goes to stderr.

    It keeps the newest 10,000 messages and 20,000 requests, each within 256 MB.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        token: str | None = None,
        user: str | None = None,
        team_token: str | None = None,
        devices: Iterable[str] = ("phone",),
        tls: CertificateAndKey | None = None,
        hosts: Iterable[str] = (),
        name: str = "Application",
        db: str | Path | None = None,
        clock: Callable[[], float] = time.time,
        callback_interval: float = 60.0,
        on_problem: Callable[[str], None] | None = None,
    ) -> None:
        self.token: str = _key("token", token or DEFAULT_TOKEN)
        self.user: str = _key("user", user or DEFAULT_USER)
        self.team_token: str = _key("team_token", team_token or DEFAULT_TEAM_TOKEN)
        self.callback_interval = callback_interval
        self.changed: Changes = Changes()
        """Guards account, traffic and faults; notified of every change."""
        self.account: Account = Account(self.token, self.team_token, name=name, clock=clock)
        self.account.people[self.user] = Person(self.user, tuple(devices), email=DEFAULT_EMAIL)
        self.account.team.members.append(TeamMember(self.user, "User", DEFAULT_EMAIL, True))
        self.account.subscriptions.add(DEFAULT_SUBSCRIPTION)
        self.traffic: Traffic = Traffic()
        self.faults: FaultPlan = FaultPlan()
        extra_hosts = [_host_name(each) for each in hosts]
        app, self._recorder = make_app(self, [*extra_hosts, _as_host_header(loopback(host))])
        self._http = HttpServer(app, host, port, tls, self._count_connections)
        self._file: InboxFile | None = None
        if db is not None:
            self._file = InboxFile(db, on_problem or _complain)
            self._file.open()
            self._file.load(self.account)
            self.changed.follow(self._save)

    def start(self) -> DevServer:
        """Serve from now on; a server that was stopped takes the same port again.

        Raises OSError if the port is in use.
        """
        if self._file is not None:
            self._file.open()
        self._recorder.release()
        self._http.start()
        return self

    def stop(self) -> None:
        """Break all connections, those of hanging requests too, and end the thread."""
        self._http.stop()
        if self._file is not None:
            with self.changed:
                self._file.close()

    def __enter__(self) -> DevServer:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """The server's address, such as ``http://127.0.0.1:8765``; the inbox page is there."""
        return self._http.base_url

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._http.port

    @property
    def url(self) -> str:
        """The service's address, as ``PUSHOVER_API_URL`` takes it."""
        return f"{self.base_url}/1/"

    @property
    def messages(self) -> list[ReceivedMessage]:
        """The messages accepted so far."""
        with self.changed:
            return list(self.account.messages)

    @property
    def requests(self) -> list[SeenRequest]:
        """Every request to the service so far, including refused and unanswered ones."""
        with self.changed:
            return list(self.traffic.requests)

    @property
    def rejections(self) -> list[Rejection]:
        """The newest 200 requests that the service refused, with their secrets masked."""
        with self.changed:
            return list(self.traffic.rejections)

    @property
    def glances(self) -> list[Glance]:
        """The updates of small screens so far."""
        with self.changed:
            return list(self.account.glances)

    @property
    def max_connections(self) -> int:
        """The most connections open at once so far."""
        return self.traffic.max_connections

    @property
    def max_in_flight(self) -> int:
        """The most requests handled at once so far."""
        return self.traffic.max_in_flight

    @property
    def impolite(self) -> int:
        """How often a receipt was polled sooner than the service allows."""
        return self.account.impolite

    def wait_for(self, count: int, timeout: float = 10.0) -> list[ReceivedMessage]:
        """Wait for that many messages and return all. Raises TimeoutError with those received."""
        with self.changed:
            if self.changed.wait_for(lambda: self.account.received >= count, timeout):
                return list(self.account.messages)
            texts = [each.params.get("message", "")[:80] for each in self.account.messages]
        raise TimeoutError(f"{len(texts)} of {count} messages within {timeout:g} s: {texts}")

    def wait_for_requests(self, count: int, timeout: float = 10.0) -> list[SeenRequest]:
        """Wait for that many requests and return all. Raises TimeoutError with those received."""
        with self.changed:
            if self.changed.wait_for(lambda: self.traffic.seen >= count, timeout):
                return list(self.traffic.requests)
            seen = [f"{each.method} {each.path} {each.status}" for each in self.traffic.requests]
        raise TimeoutError(f"{len(seen)} of {count} requests within {timeout:g} s: {seen}")

    def emergency(self, receipt: str) -> Emergency:
        """The emergency with that receipt. Raises LookupError if there is none."""
        with self.changed:
            found = self.account.emergencies.get(receipt)
        if found is None:
            raise LookupError(f"no emergency has the receipt {receipt[:80]!r}")
        return found

    def state(self) -> dict[str, object]:
        """Everything in figures, as ``GET /dev/state`` shows it."""
        with self.changed:
            now = self.account.clock()
            self.account.quota.renew(now)
            return {
                "messages": self.account.received,
                "requests": self.traffic.seen,
                "rejected": self.traffic.rejected,
                "glances": len(self.account.glances),
                "max_connections": self.traffic.max_connections,
                "max_in_flight": self.traffic.max_in_flight,
                "impolite": self.account.impolite,
                "faults": self.faults.as_plain(),
                "quota": self.account.quota.as_plain(),
                "problem": self._problem,
                "emergencies": {
                    receipt: {**each.as_answer(now), "ringing": each.is_ringing(now)}
                    for receipt, each in self.account.emergencies.items()
                },
            }

    def figures(self) -> views.View:
        """What the inbox page shows beside the pushes. To be called with ``changed`` held."""
        return views.figures(self.account, self.faults.as_plain(), self._problem)

    def call_soon(self, function: Callable[[], None]) -> None:
        """Call a function on the server's thread, if the server runs."""
        self._http.call_soon(function)

    def add_user(
        self, key: str | None = None, devices: Iterable[str] = ("phone",), email: str = ""
    ) -> str:
        """Add a user and return the key, a new one unless it is given.

        A user with an ``email`` has an account already: the team can only invite that address.
        """
        person = Person(key or new_key("u"), tuple(devices), email=email)
        with self.changed:
            self.account.people[person.key] = person
        return person.key

    def add_group(self, name: str, members: Iterable[str], key: str | None = None) -> str:
        """Add a group of users that exist, and return its key."""
        group = Group(key or new_key("g"), name, [Member(user) for user in members])
        with self.changed:
            unknown = [each for each in group.members if each.user not in self.account.people]
            if unknown:
                raise LookupError(f"{len(unknown)} of the group's members are no users")
            self.account.groups[group.key] = group
        return group.key

    def add_sound(self, name: str, title: str) -> None:
        """Add a sound that the user uploaded."""
        with self.changed:
            self.account.sounds[name] = title

    def fault(
        self,
        kind: FaultKind,
        count: int | None = 1,
        *,
        path: str | None = None,
        status: int | None = None,
        body: FaultBody | None = None,
        seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Simulate a fault in the next ``count`` requests; see :class:`Fault`."""
        fault = Fault(kind, count, path, status, body, seconds, headers)
        with self.changed:
            self.faults.add(fault)
            self.changed.notify_all()

    def clear_faults(self) -> None:
        """End all simulated faults; requests that hang are answered."""
        with self.changed:
            self.faults.clear()
            self.changed.notify_all()
        self._http.call_soon(self._recorder.release)

    def acknowledge(self, receipt: str, user: str | None = None, device: str | None = None) -> None:
        """Acknowledge an emergency as a person does on a device, and call the application back.

        Raises LookupError for an unknown receipt, ValueError if the emergency no longer rings.
        """
        for name, text in (("user", user), ("device", device)):
            if text is not None and not (isinstance(text, str) and len(text) <= _TEXT_LIMIT):
                raise ValueError(
                    f"{name} is {text!r:.80}; it must be a text of at most {_TEXT_LIMIT} characters"
                )
        with self.changed:
            emergency = self.emergency(receipt)
            if not emergency.acknowledge(self.account.clock(), user, device):
                raise ValueError(f"the emergency {receipt} no longer rings")
            self.changed.notify_all()
        if emergency.callback and is_reachable(emergency.callback):
            self._http.spawn(self._call_back(emergency))

    def expire(self, receipt: str) -> None:
        """Expire an emergency now, unacknowledged. Raises as :meth:`acknowledge` does."""
        with self.changed:
            if not self.emergency(receipt).end(self.account.clock()):
                raise ValueError(f"the emergency {receipt} no longer rings")
            self.changed.notify_all()

    def set_quota(
        self,
        limit: int | None = None,
        remaining: int | None = None,
        reset: float | None = None,
        headers: HeaderMode | None = None,
    ) -> None:
        """Change the month's quota; what isn't given stays. ``reset`` is in Unix seconds."""
        given = {"limit": limit, "remaining": remaining, "reset": reset, "headers": headers}
        with self.changed:
            self.account.quota.change({k: v for k, v in given.items() if v is not None})
            self.changed.notify_all()

    def set_quota_headers(self, mode: HeaderMode) -> None:
        """Let answers report the quota truly (``"normal"``), not at all, or with invalid values."""
        self.set_quota(headers=mode)

    def reset(self) -> None:
        """Clear the inbox, all requests and all faults; users, groups and sounds stay."""
        self.clear_faults()
        with self.changed:
            self.account.clear()
            self.traffic.clear()
            self.changed.notify_all()

    @property
    def _problem(self) -> str | None:
        return self._file.problem if self._file is not None else None

    def _save(self) -> None:
        if self._file is not None:
            self._file.save(self.account)

    def _count_connections(self, now_open: int) -> None:
        with self.changed:
            self.traffic.count_connections(now_open)
            self.changed.notify_all()

    async def _call_back(self, emergency: Emergency) -> None:
        url = emergency.callback or ""
        while not await post_form(url, emergency.as_callback()):
            await asyncio.sleep(self.callback_interval)
            if emergency.receipt not in self.account.emergencies:
                return
        with self.changed:
            emergency.called_back_at = self.account.clock()
            self.changed.notify_all()


def serve(
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    token: str | None = None,
    user: str | None = None,
    *,
    hosts: Iterable[str] = (),
    tls: CertificateAndKey | None = None,
    db: str | Path | None = None,
    on_ready: Callable[[DevServer], None] | None = None,
) -> None:
    """Run a dev server in the foreground until it is interrupted; prints nothing itself.

    The options are those of :class:`DevServer`. ``on_ready`` is called with the running server.
    Ctrl-C raises KeyboardInterrupt.
    """
    with DevServer(port, host=host, token=token, user=user, hosts=hosts, tls=tls, db=db) as server:
        if on_ready is not None:
            on_ready(server)
        threading.Event().wait()


def _key(name: str, value: str) -> str:
    if not KEY_PATTERN.fullmatch(value):
        raise ValueError(f"{name} has {len(value)} characters; it must be 30 letters and digits")
    return value


def _host_name(text: str) -> str:
    if not text or len(text) > 253 or any(each in text for each in "*/:@ "):
        raise ValueError(f"host name is {text[:80]!r}; it must be a name such as api.pushover.net")
    return text


def _as_host_header(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _complain(sentence: str) -> None:
    sys.stderr.write(f"pushover_logging: {sentence}\n")
