"""The PushoverHandler: where logging, rendering and the courier meet."""

from __future__ import annotations

import logging
import os
import weakref
from _thread import get_ident
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from .alerts import Alert, Priority
from .client.address import is_loopback
from .courier import COURIER
from .credentials import resolve_token, resolve_users
from .delivery import Delivery, Post, Receipt, Stats
from .notices import NOTICES
from .options import (
    KNOWN_OPTIONS,
    Settings,
    read_retry_policy,
    read_settings,
    read_style,
    reject_unknown,
)
from .overrides import override_priority
from .rendering import Capture, Renderer, Style
from .retrying import POLITE_WAIT, RetryPolicy

if TYPE_CHECKING:
    from .client.application import Application
    from .client.transport import Transport

__all__ = ["PushoverHandler"]

Seconds = float | str


class PushoverHandler(logging.Handler):
    """Sends log records to a phone, without ever being in the way of the program that logs.

    A logging call only notes the record; one background thread for all handlers of the process
    writes the push and sends it. Levels become Pushover priorities: DEBUG lowest, INFO low, WARNING
    normal, ERROR and above emergency, which rings every ``retry`` seconds until acknowledged or
    until ``expire``.

    ``token`` and ``user`` may be given as ``env:NAME`` or ``file:PATH``; left out they come from
    ``PUSHOVER_TOKEN`` and ``PUSHOVER_USER``, or the files named by ``PUSHOVER_TOKEN_FILE`` and
    ``PUSHOVER_USER_FILE``. ``user`` may be a list. Every option may be written as dictConfig can
    hold it: durations as ``"30s"``, switches as ``"true"``, priorities and levels by name or number.

    Constructing it touches no network and starts no thread. Raises TypeError or ValueError, naming
    the option and never a secret, for what it cannot use.
    """

    def __init__(
        self,
        token: str | None = None,
        user: str | Iterable[str] | None = None,
        *,
        level: int | str = logging.NOTSET,
        priorities: Mapping[str | int, str | int | None] | None = None,
        title: str = Style.title,
        device: str | Iterable[str] | None = None,
        sound: str | None = None,
        url: str | None = None,
        url_title: str | None = None,
        html: bool | str = Style.html,
        monospace: bool | str = Style.monospace,
        ttl: Seconds | None = None,
        retry: Seconds = Style.retry,
        expire: Seconds = Style.expire,
        callback: str | None = None,
        tags: str | Iterable[str] | None = None,
        params: Mapping[str, str | int | float] | None = None,
        retry_policy: RetryPolicy | Mapping[str, object] | None = None,
        capacity: int | str = Settings.capacity,
        exit_timeout: Seconds = Settings.exit_timeout,
        timeout: Seconds | tuple[float, float] = Settings.timeout,
        fallback: logging.Handler | str | None = None,
        ignore: str | Iterable[str] = Settings.ignore,
        on_error: Callable[[Exception], object] | str | None = None,
        api_url: str | None = None,
        **unknown: object,
    ) -> None:
        options = {name: value for name, value in locals().items() if name in KNOWN_OPTIONS}
        reject_unknown(unknown, options)
        settings = read_settings(options)
        style = Style(**read_style(options))
        policy = _retry_policy(retry_policy, settings.api_url)
        post = _Phone(self, resolve_token(token), resolve_users(user), settings, Renderer(style))
        super().__init__(level)
        self._renderer = post.renderer
        self._priorities = settings.priorities.by_level
        self._ignored = tuple(settings.ignore)
        self._exit_timeout = settings.exit_timeout
        self._delivery = Delivery(
            post,
            capacity=settings.capacity,
            exit_timeout=settings.exit_timeout,
            retry_policy=policy,
        )
        COURIER.enlist(self._delivery)

    def handle(self, record: logging.LogRecord) -> bool | logging.LogRecord:  # type: ignore[override]
        """Note the record, if the filters let it pass; takes no lock, unlike other handlers'."""
        if self.filters:
            try:
                passed = self.filter(record)
            except Exception as error:  # noqa: BLE001 - a broken filter must not lose an alert
                NOTICES.say(
                    "filter", f"a filter failed, the record is pushed: {type(error).__name__}"
                )
                passed = True
            if not passed:
                return False
            if isinstance(passed, logging.LogRecord):
                record = passed
        self.emit(record)
        return record

    def emit(self, record: logging.LogRecord) -> None:
        """Note the record and return; never blocks, never raises."""
        if get_ident() in COURIER.speaking or self._is_ignored(record.name):
            return
        priority = self._priority(record)
        if priority is None:
            return
        delivery = self._delivery
        delivery.submit(self._renderer.capture(record, self.formatter), priority)
        if delivery.quiet:
            COURIER.wake(delivery)

    def flush(self, timeout: float | None = None) -> bool:  # type: ignore[override]
        """Wait until nothing is left to send, at most ``timeout`` seconds (default: ``exit_timeout``).

        Returns whether nothing is left. It returns at once while the calling thread configures
        logging: the connection may need the very lock that is held then.
        """
        delivery = self._delivery
        if delivery.settled():
            return True
        if _configuring_logging():
            return False
        seconds = self._exit_timeout if timeout is None else timeout
        return COURIER.wait_for(delivery, delivery.settled, seconds)

    def close(self) -> None:
        """Take the handler out of logging's lists; what waits is still sent. Never waits."""
        super().close()

    def stats(self) -> Stats:
        """What became of the records so far; may be called by any thread at any time."""
        return self._delivery.stats()

    def _is_ignored(self, name: str) -> bool:
        return name.startswith(self._ignored) and any(
            name == ignored or name.startswith(f"{ignored}.") for ignored in self._ignored
        )

    def _priority(self, record: logging.LogRecord) -> Priority | None:
        overrides = record.__dict__.get("pushover")
        if overrides is None:
            return self._priorities[record.levelno]
        if overrides is False:
            return None
        wanted = override_priority(overrides)
        return self._priorities[record.levelno] if wanted is None else wanted


class _Phone(Post[Capture]):
    """Where a handler's alerts go: an application, its users, and the handler to fall back on."""

    def __init__(
        self,
        handler: logging.Handler,
        token: str,
        users: tuple[str, ...],
        settings: Settings,
        renderer: Renderer,
    ) -> None:
        self.renderer = renderer
        self._handler = weakref.ref(handler)
        self._token = token
        self._user = ",".join(users)
        self._settings = settings
        self._application: Application | None = None
        self._transport: Transport | None = None

    def open(self) -> None:
        from .client.application import Application  # loads requests, so not before it is needed

        self._transport = _shared_transport(self._settings.api_url, self._settings.timeout)
        self._application = Application(self._token, transport=self._transport)

    def render(self, item: Capture, priority: Priority) -> Alert:
        alert = self.renderer.render(item, priority)
        for complaint in alert.complaints:
            NOTICES.say("override", f"left out of a push: {complaint}")
        return alert

    def send(self, alert: Alert, timeout: float | None) -> Receipt:
        if self._application is None or self._transport is None:
            raise RuntimeError("send was called before open")
        connect, read = self._settings.timeout
        if timeout is not None:
            connect, read = min(connect, timeout), min(read, timeout)
        self._transport.timeout = (connect, read)
        return self._application.send({**alert.parameters(), "user": self._user})

    def lost(self, item: Capture) -> None:
        fallback = self._fallback()
        if fallback is None:
            return
        try:
            fallback.handle(item.record)
        except Exception as error:  # noqa: BLE001 - the user's handler; the next record may go well
            NOTICES.say("fallback", f"the fallback handler failed: {type(error).__name__}")

    def failed(self, error: Exception) -> None:
        if self._settings.on_error is None:
            return
        try:
            self._settings.on_error(error)
        except Exception as raised:  # noqa: BLE001 - the user's function; delivery goes on
            NOTICES.say("on_error", f"on_error failed: {type(raised).__name__}")

    def _fallback(self) -> logging.Handler | None:
        fallback = self._settings.fallback
        if isinstance(fallback, str):
            found = _handler_named(fallback)
            if found is None:
                NOTICES.say("fallback", f"fallback: no handler is named {fallback}")
            fallback = found
        return None if fallback is self._handler() else fallback


_transports: weakref.WeakValueDictionary[tuple[int, str], Transport] = weakref.WeakValueDictionary()
"""By process and address: handlers for one service share one connection. Used by the courier only."""


def _shared_transport(api_url: str, timeout: tuple[float, float]) -> Transport:
    from .client.transport import Transport

    key = (os.getpid(), api_url)
    transport = _transports.get(key)
    if transport is None:
        transport = _transports[key] = Transport(api_url, timeout)
    return transport


def _handler_named(name: str) -> logging.Handler | None:
    by_name: Mapping[str, logging.Handler] = getattr(logging, "_handlers", {})
    return by_name.get(name)  # logging.getHandlerByName is new in 3.12


def _retry_policy(given: RetryPolicy | Mapping[str, object] | None, api_url: str) -> RetryPolicy:
    policy = given if isinstance(given, RetryPolicy) else RetryPolicy(**read_retry_policy(given))
    if policy.wait_initial < POLITE_WAIT and not is_loopback(api_url):
        raise ValueError(
            f"retry_policy.wait_initial is {policy.wait_initial:g}; at least {POLITE_WAIT:g} "
            "seconds are needed, except for a server on this machine"
        )
    return policy


def _configuring_logging() -> bool:
    """Whether this thread holds logging's module lock, as dictConfig does while it closes us."""
    lock = getattr(logging, "_lock", None)
    is_owned: Callable[[], bool] = getattr(lock, "_is_owned", lambda: False)
    return is_owned()
