"""The dev server as a program or a test holds it: start, look, make trouble, stop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType

from pushover_logging.client.constants import KEY_PATTERN
from pushover_logging.devserver import views
from pushover_logging.devserver.allowance import HeaderMode
from pushover_logging.devserver.app import control_app, service_app
from pushover_logging.devserver.callbacks import is_reachable, post_form
from pushover_logging.devserver.changes import Changes
from pushover_logging.devserver.emergencies import Emergency
from pushover_logging.devserver.faults import Fault, FaultBody, FaultKind, FaultPlan
from pushover_logging.devserver.guard import Guard
from pushover_logging.devserver.keeping import open_inbox
from pushover_logging.devserver.listening import CertificateAndKey, Listener
from pushover_logging.devserver.state import (
    Account,
    Glance,
    Group,
    Member,
    Person,
    ReceivedMessage,
    new_key,
)
from pushover_logging.devserver.traffic import SeenRequest, Traffic
from pushover_logging.devserver.wire import Wire

DEFAULT_TOKEN = "devserverApplicationToken00001"
DEFAULT_USER = "devserverUserKey00000000000001"
DEFAULT_SUBSCRIPTION = "devserver-subscription"
DEFAULT_PORT = 8765


class DevServer:
    """A Pushover of one's own on loopback, running between ``start`` and ``stop`` or in a ``with``.

    It serves from a thread of this process. Every method may be called from any thread; what was
    received can still be read after the end. ``port`` 0 takes a free one. ``tls`` is a certificate
    file and its key file. ``hosts`` are names beside the loopback ones that a ``Host`` header may
    give. ``callback_interval`` is how long it waits before it calls an application back once more.
    ``name`` is the application's, which titles a push that brings no title. ``db`` is a file that
    keeps the inbox; without one it ends with this object.

    It keeps the newest 10,000 messages and 20,000 requests, and of images and bodies the newest
    256 MB each.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        token: str | None = None,
        user: str | None = None,
        devices: Iterable[str] = ("phone",),
        tls: CertificateAndKey | None = None,
        hosts: Iterable[str] = (),
        name: str = "Application",
        db: str | Path | None = None,
        clock: Callable[[], float] = time.time,
        callback_interval: float = 60.0,
    ) -> None:
        self.token = _key("token", token or DEFAULT_TOKEN)
        self.user = _key("user", user or DEFAULT_USER)
        self.callback_interval = callback_interval
        self.changed = Changes()
        """Guards account, traffic and faults; told of everything that happens."""
        self.account = Account(self.token, name=name, clock=clock)
        self.account.people[self.user] = Person(self.user, tuple(devices))
        self.account.subscriptions.add(DEFAULT_SUBSCRIPTION)
        self._file = None if db is None else open_inbox(db, self.account, self.changed)
        self.traffic = Traffic()
        self._faults = FaultPlan()
        self._wire = Wire(service_app(self), self.traffic, self._faults, self.changed)
        app = Guard(control_app(self, self._wire), hosts)
        self._listener = Listener(app, host, port, tls, self._note_connections)

    def start(self) -> DevServer:
        """Serve from now on. Raises OSError on a port in use; started again, it keeps its port."""
        if self._file is not None:
            self._file.open()
        self._wire.release()
        self._listener.start()
        return self

    def stop(self) -> None:
        """Drop every connection, hanging ones too, and end the thread."""
        self._listener.stop()
        if self._file is not None:
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
        """Where it is found, such as ``http://127.0.0.1:8765``."""
        return self._listener.base_url

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._listener.port

    @property
    def url(self) -> str:
        """What ``PUSHOVER_API_URL`` gets."""
        return f"{self.base_url}/1/"

    @property
    def messages(self) -> list[ReceivedMessage]:
        """The messages accepted so far."""
        with self.changed:
            return list(self.account.messages)

    @property
    def requests(self) -> list[SeenRequest]:
        """Every request to the service so far, refused and broken ones too."""
        with self.changed:
            return list(self.traffic.requests)

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
        """The most requests being answered at once so far."""
        return self.traffic.max_in_flight

    @property
    def impolite(self) -> int:
        """How often a receipt was asked for sooner than the service allows."""
        return self.account.impolite

    def wait_for(self, count: int, timeout: float = 10.0) -> list[ReceivedMessage]:
        """All messages, once there are that many. Raises TimeoutError, which says what there is."""
        with self.changed:
            if self.changed.wait_for(lambda: self.account.received >= count, timeout):
                return list(self.account.messages)
            texts = [each.params.get("message", "")[:80] for each in self.account.messages]
        raise TimeoutError(f"{len(texts)} of {count} messages within {timeout:g} s: {texts}")

    def wait_for_requests(self, count: int, timeout: float = 10.0) -> list[SeenRequest]:
        """All requests, once that many came in. Raises TimeoutError, which says what there is."""
        with self.changed:
            if self.changed.wait_for(lambda: self.traffic.seen >= count, timeout):
                return list(self.traffic.requests)
            seen = [f"{each.method} {each.path} {each.status}" for each in self.traffic.requests]
        raise TimeoutError(f"{len(seen)} of {count} requests within {timeout:g} s: {seen}")

    def emergency(self, receipt: str) -> Emergency:
        """The emergency with that receipt. Raises LookupError where there is none."""
        with self.changed:
            found = self.account.emergencies.get(receipt)
        if found is None:
            raise LookupError(f"no emergency has the receipt {receipt!r}")
        return found

    def state(self) -> dict[str, object]:
        """Everything in figures, as ``GET /dev/state`` shows it."""
        with self.changed:
            now = self.account.clock()
            allowance = self.account.allowance
            allowance.renew(now)
            return {
                "messages": self.account.received,
                "requests": self.traffic.seen,
                "glances": len(self.account.glances),
                "max_connections": self.traffic.max_connections,
                "max_in_flight": self.traffic.max_in_flight,
                "impolite": self.account.impolite,
                "faults": self._faults.as_plain(),
                "quota": {
                    "limit": allowance.limit,
                    "remaining": allowance.remaining,
                    "reset": allowance.reset,
                    "headers": allowance.headers,
                },
                "emergencies": {
                    receipt: {**each.as_answer(now), "ringing": each.is_ringing(now)}
                    for receipt, each in self.account.emergencies.items()
                },
            }

    def figures(self) -> views.View:
        """What the inbox page shows beside the pushes. To be called with ``changed`` held."""
        return views.figures(self.account, self._faults.as_plain())

    def call_soon(self, function: Callable[[], None]) -> None:
        """Call something on the server's thread, if it runs."""
        self._listener.call_soon(function)

    def add_user(self, key: str | None = None, devices: Iterable[str] = ("phone",)) -> str:
        """Another user, with a fresh key unless one is given; returns the key."""
        person = Person(key or new_key("u"), tuple(devices))
        with self.changed:
            self.account.people[person.key] = person
        return person.key

    def add_group(self, name: str, members: Iterable[str], key: str | None = None) -> str:
        """A group of users that exist."""
        group = Group(key or new_key("g"), name, [Member(user) for user in members])
        with self.changed:
            strangers = [
                each.user for each in group.members if each.user not in self.account.people
            ]
            if strangers:
                raise LookupError(f"{len(strangers)} of the group's members are no users")
            self.account.groups[group.key] = group
        return group.key

    def add_sound(self, name: str, title: str) -> None:
        """A sound that the user uploaded."""
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
        """Let something go wrong with the next ``count`` requests; see :class:`Fault`."""
        fault = Fault(kind, count, path, status, body, seconds, headers)
        with self.changed:
            self._faults.add(fault)
            self.changed.notify_all()

    def clear_faults(self) -> None:
        """Let nothing go wrong any more; requests that hang are answered."""
        with self.changed:
            self._faults.clear()
            self.changed.notify_all()
        self._listener.call_soon(self._wire.release)

    def acknowledge(self, receipt: str, user: str | None = None, device: str | None = None) -> None:
        """Do what a person does who sees the emergency, and call the application back.

        Raises LookupError for an unknown receipt, ValueError for one that doesn't ring any more.
        """
        with self.changed:
            emergency = self.emergency(receipt)
            if not emergency.acknowledge(self.account.clock(), user, device):
                raise ValueError(f"the emergency {receipt} does not ring any more")
            self.changed.notify_all()
        if emergency.callback and is_reachable(emergency.callback):
            self._listener.spawn(self._call_back(emergency))

    def expire(self, receipt: str) -> None:
        """Let an emergency expire now, unacknowledged. Raises as :meth:`acknowledge` does."""
        with self.changed:
            if not self.emergency(receipt).end(self.account.clock()):
                raise ValueError(f"the emergency {receipt} does not ring any more")
            self.changed.notify_all()

    def set_quota(
        self,
        limit: int | None = None,
        remaining: int | None = None,
        reset: float | None = None,
        headers: HeaderMode | None = None,
    ) -> None:
        """Change the month's allowance; what isn't given stays. ``reset`` is in Unix seconds."""
        given = {"limit": limit, "remaining": remaining, "reset": reset, "headers": headers}
        with self.changed:
            self.account.allowance.change({k: v for k, v in given.items() if v is not None})
            self.changed.notify_all()

    def set_quota_headers(self, mode: HeaderMode) -> None:
        """Let answers tell the quota truly (``"normal"``), not at all, or as nonsense."""
        self.set_quota(headers=mode)

    def reset(self) -> None:
        """Forget all that happened and all faults; users, groups and sounds stay."""
        self.clear_faults()
        with self.changed:
            self.account.forget()
            self.traffic.forget()
            self.changed.notify_all()

    def _note_connections(self, now_open: int) -> None:
        with self.changed:
            self.traffic.note_connections(now_open)
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


def _key(name: str, value: str) -> str:
    if not KEY_PATTERN.fullmatch(value):
        raise ValueError(f"{name} has {len(value)} characters; it must be 30 letters and digits")
    return value


def serve(
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    token: str | None = None,
    user: str | None = None,
    *,
    db: str | Path | None = None,
    on_ready: Callable[[DevServer], None] | None = None,
) -> None:
    """Run a dev server in the foreground until interrupted; prints nothing itself.

    ``db`` is a file that keeps the inbox. ``on_ready`` is called with the running server. Ctrl-C
    comes out as KeyboardInterrupt.
    """
    with DevServer(port, host=host, token=token, user=user, db=db) as server:
        if on_ready is not None:
            on_ready(server)
        threading.Event().wait()
