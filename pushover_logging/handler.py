"""The PushoverHandler: where logging, rendering and the courier meet."""

from __future__ import annotations

import logging
import os
from _thread import get_ident

from . import defaults
from .courier import COURIER
from .defaults import Terms
from .dispatch import Dispatch
from .intake import Intake
from .notices import NOTICES
from .noting import (
    Early,
    asked_priority,
    own_key,
    resolved_key,
)

# Whatever is imported here is paid for by every program that configures the handler, if it has
# nothing to say too: so nothing that logging has not loaded itself, and no dataclasses.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping
    from datetime import timedelta
    from typing import Any, TypeGuard

    from .assembly import Plan
    from .books import Stats
    from .capturing import Capture
    from .delivery import Delivery
    from .grouping import Grouping
    from .incidents import ReceiptNews
    from .retrying import RetryPolicy

    Seconds = float | str | timedelta

__all__ = ["PushoverHandler"]

_DELIVERING = ("urllib3", "requests", "charset_normalizer")
"""What logs while it delivers for us: its records on our thread would each make a push."""
_REMEMBERED_NAMES = 1000


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
        title: str = defaults.TITLE,
        device: str | Iterable[str] | None = None,
        sound: str | None = None,
        url: str | None = None,
        url_title: str | None = None,
        html: bool | str = False,
        monospace: bool | str = False,
        ttl: Seconds | None = None,
        retry: Seconds = defaults.RETRY,
        expire: Seconds = defaults.EXPIRE,
        callback: str | None = None,
        tags: str | Iterable[str] | None = None,
        params: Mapping[str, str | int | float] | None = None,
        encryption_key: str | bytes | None = None,
        grouping: Grouping | Mapping[str, object] | None = None,
        retry_policy: RetryPolicy | Mapping[str, object] | None = None,
        quota_reserve: int | str = defaults.QUOTA_RESERVE,
        capacity: int | str = defaults.CAPACITY,
        exit_timeout: Seconds = defaults.EXIT_TIMEOUT,
        timeout: Seconds | tuple[float, float] = defaults.TIMEOUT,
        store: None = None,
        fallback: logging.Handler | str | None = None,
        redact: str | Iterable[str] = (),
        ignore: str | Iterable[str] = defaults.IGNORE,
        on_error: Callable[[Exception], object] | str | None = None,
        on_acknowledged: Callable[[ReceiptNews], object] | str | None = None,
        api_url: str | None = None,
        **unknown: object,
    ) -> None:
        given = {
            name: value
            for name, value in locals().items()
            if name in _DEFAULTS and value is not _DEFAULTS[name] and name != "level"
        }
        if unknown:
            _reject(unknown)
        keys = _keys(token, user)
        # Programs that have nothing to say should not load what reads options and delivers.
        self._plan = _read_plan(given) if given or os.environ.get("PUSHOVER_API_URL") else None
        terms = self._plan.terms() if self._plan else Terms()
        self._priorities = terms.priorities
        self._ignored = terms.ignore
        self._own_key = terms.own_key
        self._exit_timeout = terms.exit_timeout
        self._intake = Intake(terms, self._freeze)
        self._known = self._intake.known
        self._filters_itself = type(self).filter is not logging.Handler.filter
        self._shows_more = terms.shows_more or terms.own_key is not None
        self._dispatch = Dispatch(
            self._intake, terms.exit_timeout, lambda: self._delivery_to(*keys)
        )
        # From here on logging knows it, and flushes and closes it at exit.
        super().__init__(level if type(level) is int else _level(level))

    def handle(self, record: logging.LogRecord) -> bool | logging.LogRecord:  # type: ignore[override]
        """Count the record if it is a repeat, else note it; takes no lock, unlike other handlers.

        This is what every record costs the program, and so it is written out in one piece.
        """
        if self.filters or self._filters_itself:
            passed = self._filtered(record)
            if not passed:
                return False
            if passed is not True:
                record = passed
        try:
            group: Any = self._known.get(record.msg)
            if group is not None:
                trouble: Any = record.exc_info
                if trouble:
                    trouble = trouble[0]
                if not (
                    group.levelno == record.levelno
                    and group.name == record.name
                    and group.trouble is trouble
                ):
                    look = record.name, record.levelno, record.msg, trouble
                    group = self._known.get(look)
            if group is not None and group.counting and not hasattr(record, "pushover"):
                group.last = record.msg, record.args, record.created, group.name, group.levelno
                next(group.ticks)
                return record
        except Exception:  # noqa: BLE001, S110
            # Its group has no more than a first record yet; or it is no text and not to be looked
            # up, or exc_info is no triple: emit sees to it.
            pass
        self.emit(record)
        return record

    def emit(self, record: logging.LogRecord) -> None:
        """Note the record and return; never blocks, never raises."""
        try:
            new = self._intake.note(record) if self.formatter is None else None
            if new is None:
                new = self._sort(record)
            if new and self._dispatch.quiet:
                COURIER.wake(self._dispatch)
        except Exception as error:  # noqa: BLE001 - the stack is full, or the record is none at all
            self._set_aside(record, error)

    def flush(self, timeout: float | None = None) -> bool:  # type: ignore[override]
        """Wait until nothing that is due is left to send; returns whether nothing is.

        At most ``timeout`` seconds, by default ``exit_timeout``. Repeats go on being counted until
        their interval ends. It returns at once while the calling thread configures logging: the
        connection may need the very lock that is held then.
        """
        work = self._dispatch
        if work.settled():
            return True
        if _configuring_logging():
            return False
        if timeout is None:
            return COURIER.wait_in_turn(work, work.settled, self._exit_timeout)
        return COURIER.wait_for(work, work.settled, timeout)

    def close(self) -> None:
        """Have everything sent that waits, summaries too, without waiting for it.

        A record that comes later is delivered like any other.
        """
        super().close()
        if self._dispatch.unsent():
            self._dispatch.wrap_up()

    def stats(self) -> Stats:
        """What became of the records so far; may be called by any thread at any time."""
        return self._dispatch.delivery().stats()

    def setFormatter(self, fmt: logging.Formatter | None) -> None:  # noqa: N802 - logging's name
        """Have the text of a record made by this formatter, in the logging call."""
        super().setFormatter(fmt)
        if fmt is not None:
            self._loaded_plan()

    def _sort(self, record: logging.LogRecord) -> bool:
        """Note a record that takes a closer look; whether there is one more to send."""
        name = record.name or ""
        if name.startswith(self._ignored) and self._is_ignored(name):
            return False
        is_delivering = name.startswith(_DELIVERING)
        if is_delivering and get_ident() in COURIER.speaking:
            return False
        plain_names = self._intake.plain_names
        if not (is_delivering or self._shows_more) and len(plain_names) < _REMEMBERED_NAMES:
            plain_names.add(record.name)
        priority = self._priorities[record.levelno]
        key = None if self._own_key is None else self._own_key(record)
        overrides = getattr(record, "pushover", None)
        if overrides is not None:
            priority, key = self._overridden(overrides, priority, key)
        if priority is None:
            return False
        is_common = overrides is None and self._own_key is None and not is_delivering
        return self._intake.sort(record, priority, key, common=is_common)

    def _freeze(self, record: logging.LogRecord) -> Capture | Early:
        """What is kept of a record that is not plain; nothing may be loaded in the logging call."""
        if self._plan is not None:
            return self._plan.renderer.capture(record, self.formatter)
        early = Early(record)
        self._intake.early.append(early)
        return early

    def _loaded_plan(self) -> Plan:
        if self._plan is None:
            from .client.constants import API_URL  # as it was when the handler was configured

            self._plan = _read_plan({"api_url": API_URL})
        return self._plan

    def _delivery_to(self, token: str, users: tuple[str, ...]) -> Delivery[Capture]:
        return self._loaded_plan().delivery(
            token, users, self._intake, lambda: self.formatter, self._note_again, COURIER.load
        )

    def _set_aside(self, record: logging.LogRecord, error: Exception) -> None:
        """Leave the record to the courier, which has a stack of its own."""
        self._intake.leave_aside(record)
        try:
            NOTICES.leave("record", f"a record was hard to note: {type(error).__name__}")
            COURIER.wake(self._dispatch)
        except RecursionError:
            pass  # then the next record, or the end of the process, takes it along

    def _note_again(self, record: logging.LogRecord) -> None:
        """Note a record that could not be noted in its logging call."""
        try:
            self._sort(record)
        except Exception:  # noqa: BLE001 - it is no record that anyone can read; it is counted
            self._intake.missed.add()

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
        self, overrides: object, priority: int | None, key: Hashable | None
    ) -> tuple[int | None, Hashable | None]:
        """The record's own wishes in place of the handler's; no priority: it is not pushed."""
        if overrides is False:
            return None, None
        wanted, resolved = asked_priority(overrides), resolved_key(overrides)
        if resolved is not None:
            self._intake.resolve(resolved)
            if self._dispatch.quiet:
                COURIER.wake(self._dispatch)
            priority = None  # it ends an alert, and is one itself only if it says so
        own = own_key(overrides)
        return (priority if wanted is None else wanted), (key if own is None else own)


_DEFAULTS = PushoverHandler.__init__.__kwdefaults__ or {}


def _keys(token: object, user: object) -> tuple[str, tuple[str, ...]]:
    """The application's token and its users' keys; where both are as usual, nothing is loaded."""
    app = os.environ.get("PUSHOVER_TOKEN") if token is None else token
    person = os.environ.get("PUSHOVER_USER") if user is None else user
    if _is_key(app) and _is_key(person):
        return app, (person,)
    from .credentials import resolve_token, resolve_users

    return resolve_token(token), resolve_users(user)


def _is_key(text: object) -> TypeGuard[str]:
    return isinstance(text, str) and len(text) == 30 and text.isascii() and text.isalnum()


def _read_plan(options: Mapping[str, object]) -> Plan:
    from .assembly import read_plan  # loads most of the package

    return read_plan(options)


def _reject(unknown: Mapping[str, object]) -> None:
    from .options import KNOWN_OPTIONS, reject_unknown

    reject_unknown(unknown, KNOWN_OPTIONS)


def _level(level: object) -> int:
    from .converters import to_level

    return to_level(level, "level")


def _configuring_logging() -> bool:
    """Whether this thread holds logging's module lock, as dictConfig does while it closes us."""
    lock = getattr(logging, "_lock", None)
    is_owned: Callable[[], bool] = getattr(lock, "_is_owned", lambda: False)
    return is_owned()
