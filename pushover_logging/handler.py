"""PushoverHandler: the contract of ``logging.Handler``, and the way of a record inside its call."""

from __future__ import annotations

import logging
from _thread import get_ident

from .config import DEFAULTS, read_config
from .config.levels import PriorityByLevel
from .config.overrides import asked_priority, own_key, read_overrides, resolved_key
from .delivery.diagnostics import DIAGNOSTICS, say, say_later
from .delivery.worker import WORKER, Pipeline, is_configuring_logging
from .ingest.fingerprint import exact_path
from .ingest.groups import Groups, text_alias
from .ingest.queue import MOST_URGENT_FIRST, Queue
from .ingest.snapshot import take
from .notice import PLAIN_TYPES, TEXT_BOUND, is_plain

# Every program that configures the handler loads the modules above, even if it never logs. So they
# use nothing that logging has not loaded itself.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import timedelta
    from typing import Any, Literal

    from .config import Grouping
    from .delivery.incidents import ReceiptStatus
    from .delivery.retry import RetryPolicy
    from .delivery.stats import Stats

    Seconds = float | str | timedelta

__all__ = ["PushoverHandler"]

_DELIVERING = ("urllib3", "requests", "charset_normalizer")
"""Loggers of what delivers: their records on the worker thread would each make another push."""
_REMEMBERED_NAMES = 1000
_LogRecord = logging.LogRecord
_writing = DIAGNOSTICS.writing


class PushoverHandler(logging.Handler):
    """Sends log records to a phone through Pushover, without blocking the program that logs.

    The logging call only puts the record into a queue or counts it. A background thread, the same
    for all handlers of the process, sends the pushes. Levels become priorities: DEBUG is lowest,
    INFO low, WARNING normal, ERROR and above emergency. An emergency rings every ``retry`` seconds
    until somebody acknowledges it or ``expire`` seconds are over.

    ``token`` and ``user`` are keys, ``env:NAME`` or ``file:PATH``. By default they come from
    ``PUSHOVER_TOKEN`` and ``PUSHOVER_USER``, or from the files that ``PUSHOVER_TOKEN_FILE`` and
    ``PUSHOVER_USER_FILE`` name. ``user`` may be a list. All options accept the forms that a
    dictConfig can hold: durations as ``"30s"``, switches as ``"true"``, levels and priorities by
    name.

    Creating a handler makes no request. It starts no thread either, unless there is a durable
    store. Raises TypeError or ValueError for a wrong option; the message names the option and shows
    no secret.
    """

    def __init__(
        self,
        token: str | None = None,
        user: str | Iterable[str] | None = None,
        *,
        level: int | str = DEFAULTS["level"],
        priorities: Mapping[str | int, str | int | None] | None = None,
        title: str = DEFAULTS["title"],
        device: str | Iterable[str] | None = None,
        sound: str | None = None,
        url: str | None = None,
        url_title: str | None = None,
        html: bool | str = DEFAULTS["html"],
        monospace: bool | str = DEFAULTS["monospace"],
        ttl: Seconds | None = None,
        retry: Seconds = DEFAULTS["retry"],
        expire: Seconds = DEFAULTS["expire"],
        callback: str | None = None,
        tags: str | Iterable[str] | None = None,
        params: Mapping[str, str | int | float] | None = None,
        encryption_key: str | bytes | None = None,
        grouping: Grouping | Mapping[str, object] | None = None,
        retry_policy: RetryPolicy | Mapping[str, object] | None = None,
        quota_reserve: int | str = DEFAULTS["quota_reserve"],
        capacity: int | str = DEFAULTS["capacity"],
        exit_timeout: Seconds = DEFAULTS["exit_timeout"],
        timeout: Seconds | tuple[float, float] = DEFAULTS["timeout"],
        store: str | None = None,
        escalate_to: str | Iterable[str] | None = None,
        escalate_after: Seconds | None = None,
        loggers: Mapping[str, Mapping[str, object]] | None = None,
        enabled: bool | str | Literal["auto"] = DEFAULTS["enabled"],
        fallback: logging.Handler | str | None = None,
        redact: str | Iterable[str] = DEFAULTS["redact"],
        ignore: str | Iterable[str] = DEFAULTS["ignore"],
        on_error: Callable[[Exception], object] | str | None = None,
        on_acknowledged: Callable[[ReceiptStatus], object] | str | None = None,
        api_url: str | None = None,
        **unknown: object,
    ) -> None:
        given = locals()
        options = {name: given[name] for name in DEFAULTS} | unknown
        self._config = config = read_config(options)
        self._priorities = PriorityByLevel(config.thresholds)
        self._find_key: Callable[[logging.LogRecord], object] | None
        if isinstance(config.grouping.key, str):
            from .config.templates import Template, record_reader

            self._find_key = record_reader(Template("grouping.key", config.grouping.key))
        else:
            self._find_key = config.grouping.key
        self._groups = Groups(config.grouping.max_groups if config.grouping.interval else 0)
        self._queue = Queue(config.capacity, self._groups)
        self._known = self._groups.known
        self._plain_names: set[str] = set()
        """Loggers whose records are pushed, and need not be looked at twice."""
        self._redact: Callable[[str], str] = str
        self._takes_as_is = False
        """A record of text and plain arguments needs no closer look."""
        own = type(self)
        self._formats_itself = own.format is not logging.Handler.format
        # A subclass with its own emit gets what logging documents: filter, lock, emit.
        self._handle_as_documented = (
            own.emit is not PushoverHandler.emit or own.handle is not PushoverHandler.handle
        )
        self._has_own_methods = (
            self._handle_as_documented or own.filter is not logging.Handler.filter
        )
        self._pipeline = Pipeline(config, self._queue, self._groups, self._submit_again)
        if not config.enabled:
            say("enabled", f"a PushoverHandler does nothing: {config.disabled_reason}")
        # From here on logging knows the handler, and flushes and closes it at exit.
        super().__init__(config.level)
        self._look_again()
        if self._pipeline.is_shared:
            self._pipeline.stand_by()

    def handle(self, record: logging.LogRecord) -> bool | logging.LogRecord:  # type: ignore[override]
        """Count the record if it is a repeat, else queue it; takes no lock.

        A record that is more than a text, or a template with plain arguments, goes to ``emit``.

        All records pass through this method, so it is one long function for speed.
        """
        if not WORKER.page[0]:
            WORKER.notice_fork()
        try:
            if record.levelno < self.level:
                return False
        except TypeError:
            pass  # the record has no level, as one that came through a socket may; emit copes
        if self.filters or self._has_own_methods:
            if self._handle_as_documented:
                return super().handle(record)
            passed = self._filtered(record)
            if not passed:
                return False
            if passed is not True:
                record = passed
        try:
            known: Any = self._known
            exc_info, args = record.exc_info, record.args
            alias: Any
            if exc_info:
                alias = exact_path(exc_info[1], exc_info[2])
                group = known.get(alias)
            else:
                alias = record.msg
                group = None
                if type(alias) is str:
                    group = known.get(alias)
                    if group is None and not args:
                        alias = text_alias(alias)
                        group = known.get(alias)
            if group is not None:
                if group.levelno != record.levelno or group.name != record.name:
                    group = known.get((record.name, record.levelno, alias))
                    if group is not None and group.levelno != record.levelno:
                        group = None
                if group is not None and not hasattr(record, "pushover"):
                    created = record.created
                    if group.last[2] is not created or not group.is_last(record):
                        msg: Any = record.msg
                        if type(args) is tuple and len(args) == 1 and not exc_info:
                            arg = args[0]  # the most common case, without a call
                            if (
                                type(arg) is not int
                                and (type(arg) is not str or len(arg) > TEXT_BOUND)
                                and not is_plain(msg, args)
                            ):
                                msg = args = None
                        elif (
                            args or type(msg) is not str or len(msg) > TEXT_BOUND
                        ) and not is_plain(msg, args):
                            msg = args = None
                        group.last = msg, args, created
                        next(group.ticks)
                        next(self._queue.accepted.ticks)
                    # Otherwise it is the very same record again, through another logger.
                    return record
            if self._takes_as_is and self._took_plain(record):
                return record
        except Exception:  # noqa: BLE001, S110
            # exc_info is no triple, or a field is of a type that cannot be compared: emit copes.
            pass
        self.emit(record)
        return record

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record, or count it as a repeat; does not block and does not raise."""
        if not WORKER.page[0]:
            WORKER.notice_fork()  # a subclass with its own handle may call this
        if _writing and get_ident() in _writing:
            return  # stderr leads into logging, and this is a line of ours
        pipeline = self._pipeline
        try:
            self._submit(record)
            if pipeline.news and pipeline.quiet:
                WORKER.wake(pipeline)
        except Exception as error:  # noqa: BLE001 - the stack is full, or this is no record at all
            self._queue.set_record_aside(record)
            try:
                say_later("record", f"a record was hard to read: {type(error).__name__}")
                pipeline.news = True
                WORKER.wake(pipeline)
            except RecursionError:
                pass  # the next record, or the end of the process, takes it along

    def _took_plain(self, record: logging.LogRecord) -> bool:
        """Queue a text, or a template and plain arguments, as most records are.

        False for a record that needs a closer look.
        """
        msg, args = record.msg, record.args
        if (
            record.name not in self._plain_names
            or record.exc_info
            or record.exc_text
            or record.stack_info
            or type(record) is not _LogRecord
            or type(msg) is not str
            or len(msg) > TEXT_BOUND
            or _writing
            or hasattr(record, "pushover")
        ):
            return False
        if args:
            if type(args) is not tuple or not msg[:2].isalpha():
                return False
            for arg in args:
                if type(arg) not in PLAIN_TYPES and (type(arg) is not str or len(arg) > TEXT_BOUND):
                    return False
        priority = self._priorities[record.levelno]
        if priority is not None and self._queue.put_plain(record, priority):
            pipeline = self._pipeline
            pipeline.news = True
            if pipeline.quiet:
                WORKER.wake(pipeline)
        return True

    def _submit(self, record: logging.LogRecord) -> None:
        """Count the record, or queue it as a new alert."""
        # Is it to be pushed at all, and how urgently?
        config = self._config
        name = record.name or ""
        if name not in self._plain_names:
            if not config.enabled or self._is_ignored(name):
                return
            if name.startswith(_DELIVERING) and get_ident() in WORKER.delivering:
                return
            if not name.startswith(_DELIVERING) and len(self._plain_names) < _REMEMBERED_NAMES:
                self._plain_names.add(name)
        priority = self._priorities[record.levelno]
        key: str | None = None
        overrides: Mapping[str, Any] = {}
        complaints: tuple[str, ...] = ()
        given = record.__dict__.get("pushover")
        is_common = given is None and self._find_key is None
        rule = config.rule_for(name) if config.loggers else None
        if rule is not None and rule.priority is not None and priority is not None:
            priority = rule.priority
        if self._find_key is not None:
            key = self._key_of(record)
        if given is not None:
            if given is False:
                return
            wanted, resolved, own = asked_priority(given), resolved_key(given), own_key(given)
            if resolved is not None:
                self._resolve(resolved, record.created)
                priority = None  # it ends an alert, and is an alert itself only if it says so
            priority = priority if wanted is None else wanted
            key = key if own is None else own
            overrides, complaints = read_overrides(given)
        if priority is None:
            return

        # A repeat of a known problem, or something new?
        group, is_new = self._groups.find(record, priority, key, is_common=is_common)
        if not is_new:
            if group.count(record):
                self._queue.accepted.add()
            return
        try:
            if rule is not None and rule.overrides:
                config = config._replace(style=config.style._replace(**rule.overrides))
                group.style = config.style.changed()
            formatter: Any = self if self._formats_itself else self.formatter
            snapshot = take(record, config, formatter, overrides, complaints, self._redact)
            self._queue.put(group, snapshot)
        except BaseException:  # the stack is full
            group.give_up()
            raise
        self._queue.accepted.add()
        self._pipeline.news = True

    def flush(self, timeout: float | None = None) -> bool:  # type: ignore[override]
        """Wait until everything that is due is sent; return whether it is.

        At most ``timeout`` seconds, by default ``exit_timeout``. Repeats go on being counted until
        their interval ends. It returns at once while the calling thread configures logging, because
        the connection may need the lock that is held then.
        """
        WORKER.notice_fork()
        pipeline = self._pipeline
        if pipeline.settled():
            return True
        if is_configuring_logging():
            return False
        if timeout is None:
            return WORKER.wait_in_turn(pipeline, pipeline.settled, self._config.exit_timeout)
        return WORKER.wait(pipeline, pipeline.settled, timeout)

    def drain(self, timeout: float | None = None) -> bool:
        """Send all pending alerts and everything that was counted; return whether all is sent.

        Waits at most ``timeout`` seconds, by default ``exit_timeout``. Alerts beyond
        ``max_per_minute`` wait for the next minute.
        """
        return WORKER.drain([self._pipeline], timeout)

    def close(self) -> None:
        """Send all pending alerts and everything that was counted, and wait for it.

        At most ``exit_timeout`` seconds; not at all while the calling thread configures logging. A
        record that comes later is delivered like any other.
        """
        super().close()
        WORKER.notice_fork()
        pipeline = self._pipeline
        if not pipeline.is_used():
            pipeline.stand_down()
            return
        pipeline.drain(close=True)
        if not is_configuring_logging():
            WORKER.wait_in_turn(pipeline, pipeline.is_drained, self._config.exit_timeout)

    def stats(self) -> Stats:
        """Return the counts of records so far; any thread may call this."""
        WORKER.notice_fork()
        return self._pipeline.stats()

    def setFormatter(self, fmt: logging.Formatter | None) -> None:  # noqa: N802 - logging's name
        """Let this formatter make the text of records, in the logging call."""
        super().setFormatter(fmt)
        self._look_again()
        if fmt is not None:
            from .render.redact import Redactor  # an HTML formatter needs it in the logging call

            config = self._config
            self._redact = Redactor(config.redact, (config.token, *config.users))

    def _look_again(self) -> None:
        """Note what of the options and the formatter concerns each record."""
        config = self._config
        self._pipeline.has_formatter = self.formatter is not None or self._formats_itself
        self._takes_as_is = config.enabled and not (
            self._pipeline.has_formatter or self._find_key or config.loggers or config.placeholders
        )

    def _submit_again(self, record: logging.LogRecord) -> None:
        """Take in a record that could not be read in its logging call."""
        try:
            self._submit(record)
        except Exception:  # noqa: BLE001 - nothing can read it; it is counted
            self._queue.unreadable.add()
            self._queue.accepted.add()

    def _filtered(self, record: logging.LogRecord) -> bool | logging.LogRecord:
        try:
            return self.filter(record)
        except Exception as error:  # noqa: BLE001 - a broken filter must not lose an alert
            kind = type(error).__name__
            say_later("filter", f"a filter failed, the record is pushed: {kind}")
            return True

    def _is_ignored(self, name: str) -> bool:
        return any(name == i or name.startswith(f"{i}.") for i in self._config.ignore)

    def _key_of(self, record: logging.LogRecord) -> str | None:
        assert self._find_key is not None
        try:
            key = self._find_key(record)
            return None if key is None else str(key)
        except Exception as error:  # noqa: BLE001 - the user's function; the fingerprint is as good
            say_later("key", f"grouping.key failed: {type(error).__name__}")
            return None

    def _resolve(self, key: str, at: float) -> None:
        """The problem that records call by this key is over: its next record is new again."""
        for priority in MOST_URGENT_FIRST:
            group = self._groups.of_priority(priority).get(("key", key, priority))
            if group is not None:
                group.close()
        self._queue.resolve(key, at)
        self._pipeline.news = True
