"""The PushoverHandler: where logging, rendering and the courier meet."""

from __future__ import annotations

import logging
from _thread import get_ident
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from .alerts import Priority
from .books import Stats
from .client.address import is_loopback
from .converters import to_level
from .courier import COURIER
from .credentials import resolve_encryption_key, resolve_token, resolve_users
from .delivery import Delivery
from .grouping import COMPARED, Grouping, kept_of, look_of
from .incidents import ReceiptNews
from .notices import NOTICES
from .options import (
    KNOWN_OPTIONS,
    Settings,
    read_grouping,
    read_retry_policy,
    read_settings,
    read_style,
    reject_unknown,
)
from .overrides import override_priority, own_key, resolved_key
from .phone import Phone
from .redaction import Redaction
from .rendering import Renderer, Style
from .retrying import POLITE_WAIT, RetryPolicy
from .summaries import Writer

if TYPE_CHECKING:
    from .client.encryption import Cipher

__all__ = ["PushoverHandler"]

Seconds = float | str | timedelta

_DELIVERING = ("urllib3", "requests", "charset_normalizer")
"""What logs while it delivers for us: its records on our thread would each make a push."""


class PushoverHandler(logging.Handler):
    """Sends log records to a phone, without ever being in the way of the program that logs.

    A logging call only notes the record; one background thread for all handlers of the process
    writes the push and sends it. Levels become Pushover priorities: DEBUG lowest, INFO low, WARNING
    normal, ERROR and above emergency, which rings every ``retry`` seconds until acknowledged or
    until ``expire``.

    ``token`` and ``user`` may be given as ``env:NAME`` or ``file:PATH``; left out they come from
    ``PUSHOVER_TOKEN`` and ``PUSHOVER_USER``, or the files named by ``PUSHOVER_TOKEN_FILE`` and
    ``PUSHOVER_USER_FILE``. ``user`` may be a list. Every option may be written as dictConfig can
    hold it: durations as ``"30s"``, switches as ``"true"``, levels and priorities by name.

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
        encryption_key: str | bytes | None = None,
        grouping: Grouping | Mapping[str, object] | None = None,
        retry_policy: RetryPolicy | Mapping[str, object] | None = None,
        quota_reserve: int | str = Settings.quota_reserve,
        capacity: int | str = Settings.capacity,
        exit_timeout: Seconds = Settings.exit_timeout,
        timeout: Seconds | tuple[float, float] = Settings.timeout,
        fallback: logging.Handler | str | None = None,
        redact: str | Iterable[str] = (),
        ignore: str | Iterable[str] = Settings.ignore,
        on_error: Callable[[Exception], object] | str | None = None,
        on_acknowledged: Callable[[ReceiptNews], object] | str | None = None,
        api_url: str | None = None,
        **unknown: object,
    ) -> None:
        options = {name: value for name, value in locals().items() if name in KNOWN_OPTIONS}
        reject_unknown(unknown, options)
        settings = read_settings(options)
        style = Style(**read_style(options))
        groups = grouping if isinstance(grouping, Grouping) else Grouping(**read_grouping(grouping))
        policy = _retry_policy(retry_policy, settings.api_url)
        renderer = Renderer(style, redact=Redaction(settings.redact))
        phone = Phone(
            resolve_token(token),
            resolve_users(user),
            settings,
            Writer(style, renderer, lambda: self.formatter),
            _cipher(encryption_key),
        )
        threshold = to_level(level, "level")
        self._renderer = renderer
        self._priorities = settings.priorities.by_level
        self._ignored = settings.ignore
        self._exit_timeout = settings.exit_timeout
        self._delivery = Delivery(
            phone,
            capacity=settings.capacity,
            exit_timeout=settings.exit_timeout,
            grouping=groups,
            retry_policy=policy,
            quota_reserve=settings.quota_reserve,
            someone_listens=settings.on_acknowledged is not None,
            again=self._note_again,
        )
        self._groups = self._delivery.groups
        self._has_own_keys = groups.key is not None
        self._known_looks = self._groups.quick
        COURIER.enlist(self._delivery)
        # From here on logging knows it, and flushes and closes it at exit.
        super().__init__(threshold)

    def handle(self, record: logging.LogRecord) -> bool | logging.LogRecord:  # type: ignore[override]
        """Count the record if it is a repeat, else note it; takes no lock, unlike other handlers.

        This is what every record costs the program, and so it is written out in one piece.
        """
        if self.filters:
            passed = self._filtered(record)
            if not passed:
                return False
            if passed is not True:
                record = passed
        trouble = record.exc_info
        try:
            look = record.name, record.levelno, record.msg, trouble and trouble[0]
            group = self._known_looks.get(look)
        except Exception:  # noqa: BLE001 - no text and not to be looked up, or exc_info is no triple
            group = None
        if group is not None and group.counting and not hasattr(record, "pushover"):
            group.last = look, record.args, record.created
            group.count()
        else:
            self.emit(record)
        return record

    def emit(self, record: logging.LogRecord) -> None:
        """Note the record and return; never blocks, never raises."""
        try:
            self._emit(record)
        except Exception as error:  # noqa: BLE001 - the stack is full, or the record is none at all
            self._set_aside(record, error)

    def flush(self, timeout: float | None = None) -> bool:  # type: ignore[override]
        """Wait until nothing that is due is left to send; returns whether nothing is.

        At most ``timeout`` seconds, by default ``exit_timeout``. Repeats go on being counted until
        their interval ends. It returns at once while the calling thread configures logging: the
        connection may need the very lock that is held then.
        """
        delivery = self._delivery
        if delivery.settled():
            return True
        if _configuring_logging():
            return False
        if timeout is None:
            return COURIER.wait_in_turn(delivery, delivery.settled, self._exit_timeout)
        return COURIER.wait_for(delivery, delivery.settled, timeout)

    def close(self) -> None:
        """Have everything sent that waits, summaries too, without waiting for it.

        A record that comes later is delivered like any other.
        """
        super().close()
        if self._delivery.unsent():
            self._delivery.wrap_up()
            COURIER.wake(self._delivery)

    def stats(self) -> Stats:
        """What became of the records so far; may be called by any thread at any time."""
        return self._delivery.stats()

    def _emit(self, record: logging.LogRecord) -> None:
        name = record.name or ""
        if name.startswith(self._ignored) and self._is_ignored(name):
            return
        if get_ident() in COURIER.speaking and name.startswith(_DELIVERING):
            return
        priority, key = self._priorities[record.levelno], None
        if self._has_own_keys:
            key = self._groups.key_of(record)
        overrides = getattr(record, "pushover", None)
        if overrides is not None:
            priority, key = self._overridden(overrides, priority, key)
        if priority is not None:
            self._note(record, priority, key, is_plain=overrides is None and key is None)

    def _set_aside(self, record: logging.LogRecord, error: Exception) -> None:
        """Leave the record to the courier, which has a stack of its own."""
        aside = self._delivery.set_aside
        if len(aside) == aside.maxlen:
            self._delivery.missed()
        else:
            aside.append(record)
        try:
            NOTICES.leave("record", f"a record was hard to note: {type(error).__name__}")
            COURIER.wake(self._delivery)
        except RecursionError:
            pass  # then the next record, or the end of the process, takes it along

    def _note_again(self, record: logging.LogRecord) -> None:
        """Note a record that could not be noted in its logging call."""
        try:
            self._emit(record)
        except Exception:  # noqa: BLE001 - it is no record that anyone can read; it is counted
            self._delivery.missed()

    def _filtered(self, record: logging.LogRecord) -> bool | logging.LogRecord:
        try:
            return self.filter(record)
        except Exception as error:  # noqa: BLE001 - a broken filter must not lose an alert
            kind = type(error).__name__
            NOTICES.leave("filter", f"a filter failed, the record is pushed: {kind}")
            return True

    def _is_ignored(self, name: str) -> bool:
        return any(name == ignored or name.startswith(f"{ignored}.") for ignored in self._ignored)

    def _overridden(
        self, overrides: object, priority: Priority | None, key: Hashable | None
    ) -> tuple[Priority | None, Hashable | None]:
        """The record's own wishes in place of the handler's; no priority: it is not pushed."""
        if overrides is False:
            return None, None
        wanted, resolved = override_priority(overrides), resolved_key(overrides)
        if resolved is not None:
            self._delivery.resolve(resolved)
            if self._delivery.quiet:
                COURIER.wake(self._delivery)
            priority = None  # it ends an alert, and is one itself only if it says so
        own = own_key(overrides)
        return (priority if wanted is None else wanted), (key if own is None else own)

    def _note(
        self,
        record: logging.LogRecord,
        priority: Priority,
        key: Hashable | None,
        *,
        is_plain: bool,
    ) -> None:
        groups, delivery = self._groups, self._delivery
        group = groups.find(record, priority, key)
        if group.open():
            try:
                capture = group.noted = self._renderer.capture(record, self.formatter)
                delivery.submit(group, capture, priority)
            except BaseException:  # the stack is full; or its repeats would count for ever
                group.close()
                raise
            if delivery.quiet:
                COURIER.wake(delivery)
        else:
            group.last = kept_of(record)
            group.count()
        msg, trouble = record.msg, record.exc_info
        if is_plain and type(msg) is str and len(msg) <= COMPARED:
            look = look_of(record) if trouble else (record.name, record.levelno, msg, trouble)
            groups.remember(look, group)


def _cipher(encryption_key: object) -> Cipher | None:
    key = resolve_encryption_key(encryption_key)
    if key is None:
        return None
    from .client.encryption import Cipher  # only who encrypts needs the library, and needs it now

    return Cipher(key)


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
