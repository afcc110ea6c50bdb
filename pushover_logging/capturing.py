"""Freezes, in the logging call, what a record says: what may change or must not be kept alive.

Nothing here does I/O, takes a lock or raises, whatever the record, its arguments and its formatter.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from . import markup, tracebacks
from .alerts import cut, trim
from .overrides import NO_OVERRIDES, Overrides, read_overrides
from .templates import Texts

__all__ = ["Capture", "filled_in", "freeze"]

Arguments = tuple[object, ...] | Mapping[str, object] | None

_SHOWN_LIMIT = 200
_STANDARD = frozenset(logging.LogRecord("", 0, "", 0, "", None, None).__dict__) | {
    "asctime",
    "message",
    "taskName",
}
"""The attributes of every record; any other hangs on it in ``extra``, or by a filter."""


class Capture(NamedTuple):
    """A record as it was when it was logged; whatever happens to its arguments afterwards."""

    record: logging.LogRecord
    """The record itself if nothing in it can change, else a copy without ``exc_info``."""
    msg: str
    """The text, or its template if ``args`` has plain values to fill in later."""
    args: Arguments = None
    gone: int = 0
    """Characters taken out of an endless text."""
    trouble: tracebacks.Trouble = ()
    overrides: Overrides = NO_OVERRIDES
    texts: Texts | None = None
    """Title, url and url_title, if they show values that can change."""
    markup: bool = False
    """The text is a formatter's own markup, in which the record's values are escaped."""
    shows_extra: bool = False
    """It shows what hangs on this record, and may be another with each of its repeats."""

    def slimmed(self) -> Capture:
        """The same without what hangs on the record, such as the request that a server was at."""
        known = self.record.__dict__
        if known.keys() <= _STANDARD:
            return self
        record = object.__new__(logging.LogRecord)
        record.__dict__.update({name: known[name] for name in _STANDARD & known.keys()})
        return self._replace(record=record)

    def replay(self) -> logging.LogRecord:
        """A record of its own for another handler, such as a fallback: everything in it is text."""
        record = copy_of(self.record)
        if self.args:
            record.msg, record.args = filled_in(self.record, self.msg, self.args), None
        record.exc_text = tracebacks.plain_text(self.trouble) or record.exc_text
        return record


def copy_of(
    record: logging.LogRecord, kind: type[logging.LogRecord] = logging.LogRecord
) -> logging.LogRecord:
    """A shallow copy, of the plain kind unless told."""
    copy = object.__new__(kind)
    copy.__dict__.update(record.__dict__)
    return copy


def freeze(
    record: logging.LogRecord,
    formatter: logging.Formatter | None,
    html: bool,
    fill: Callable[[logging.LogRecord, str], Texts] | None,
    redact: Callable[[str], str],
) -> Capture:
    """The record as it is now, formatted; ``fill`` fills the templates if that cannot wait.

    ``redact`` sees what is escaped for a formatter, for what it looks for may look different then.
    """
    overrides = read_overrides(getattr(record, "pushover", None))
    message = _message(record)
    escape = (
        (lambda text: markup.escape(redact(text))) if overrides.style.get("html", html) else None
    )
    written = _written(record, message, formatter, escape)
    text, gone = trim(written.text)
    shell = copy_of(record)
    shell.msg, shell.args, shell.exc_info = trim(message)[0], None, None
    texts = fill(record, message) if fill else None
    shows_extra = bool(
        texts or overrides.texts or (formatter and shell.__dict__.keys() - _STANDARD)
    )
    return Capture(
        shell, text, None, gone, written.trouble, overrides, texts, written.markup, shows_extra
    )


def filled_in(record: logging.LogRecord, msg: str, args: Arguments) -> str:
    """The template with its arguments; a substitute that says so where they don't fit."""
    try:
        return str(msg) % args if args else str(msg)
    except Exception as error:  # noqa: BLE001 - the arguments are the user's; the alert goes out
        return _substitute(record, msg, f"could not be filled in with {_shown(args)}", error)


def _message(record: logging.LogRecord) -> str:
    try:
        return str(record.getMessage()) or _name_of_error(record.msg)
    except Exception as error:  # noqa: BLE001 - the user's objects; the alert goes out
        what = f"could not be filled in with {_shown(record.args)}" if record.args else "is no text"
        return _substitute(record, record.msg, what, error)


def _name_of_error(msg: object) -> str:
    """What ``logger.error(error)`` says for an exception without a text."""
    return type(msg).__name__ if isinstance(msg, BaseException) else ""


def _substitute(record: logging.LogRecord, text: object, what: str, error: Exception) -> str:
    reason = f"{type(error).__name__}: {_shown_text(error)}"
    return f"{_shown_text(text)}\n({record.levelname} {record.name}: this text {what}: {reason})"


class _Written(NamedTuple):
    text: str
    trouble: tracebacks.Trouble
    markup: bool = False


def _written(
    record: logging.LogRecord,
    message: str,
    formatter: logging.Formatter | None,
    escape: Callable[[str], str] | None,
) -> _Written:
    trouble = tracebacks.freeze(record.exc_info) if record.exc_info else ()
    if formatter is None:
        return _Written("\n".join(_parts(record, message, trouble)), trouble)
    try:
        own = _has_own_tracebacks(formatter)
        text = formatter.format(_for_formatter(record, message, formatter, escape, own))
        return _Written(str(text), () if own else trouble, escape is not None)
    except Exception as error:  # noqa: BLE001 - the user's formatter; the alert goes out
        return _Written(_substitute(record, message, "could not be formatted", error), trouble)


def _parts(record: logging.LogRecord, message: str, trouble: tracebacks.Trouble) -> Iterator[str]:
    """The message, and the traceback and stack that came as text, as through a queue or socket."""
    if message.strip():
        yield message
    if record.exc_text and not trouble:
        yield str(record.exc_text)
    if record.stack_info:
        yield str(record.stack_info)


def _has_own_tracebacks(formatter: logging.Formatter) -> bool:
    """Whether tracebacks are the formatter's business.

    They are not a stock formatter's: it reads source files, in the logging call, for a text that is
    laid out for a wide screen.
    """
    kind, stock = type(formatter), logging.Formatter
    return (
        kind.format is not stock.format
        or getattr(kind, "formatException", None) is not stock.formatException
    )


def _for_formatter(
    record: logging.LogRecord,
    message: str,
    formatter: logging.Formatter,
    escape: Callable[[str], str] | None,
    own_tracebacks: bool,
) -> logging.LogRecord:
    """A copy to format, for formatters leave ``message`` and ``exc_text`` behind on the record."""
    copy = copy_of(record, logging.LogRecord if escape else type(record))
    if record.exc_info:
        copy.exc_text = None  # it may be the work of another handler's formatter
    if not own_tracebacks:
        copy.exc_info = None
    if escape:
        copy.msg, copy.args = message, None
        if copy.exc_info:
            copy.exc_text = formatter.formatException(copy.exc_info)
        _escape(copy, escape)
    return copy


def _escape(record: logging.LogRecord, escape: Callable[[str], str]) -> None:
    """Escape what a formatter can show of a record, so that all markup is the formatter's own."""
    for name, value in record.__dict__.items():
        if type(value) not in (int, float, bool, type(None)) and name != "exc_info":
            record.__dict__[name] = escape(_shown_text(value))


def _shown(args: object) -> str:
    """The arguments for a person to read; each may refuse to be shown."""
    if not isinstance(args, tuple):
        return _shown_one(args)
    return ", ".join(map(_shown_one, islice(args, 10)))


def _shown_one(value: object) -> str:
    try:
        return cut(repr(value), _SHOWN_LIMIT)
    except Exception:  # noqa: BLE001 - a broken __repr__ is what we are reporting
        return f"<{type(value).__name__}>"


def _shown_text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a broken __str__ is what we are reporting
        return f"<{type(value).__name__}>"
