"""Freezes a record inside the logging call: plain built-in types, and no object of the application.

Nothing here does I/O, takes a lock or raises, whatever the record, its arguments and its formatter.
"""

from __future__ import annotations

import linecache
import logging
import os
from collections import deque
from itertools import islice
from types import TracebackType

from ..notice import TEXT_BOUND, Frame, Snapshot, SnapshotError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from ..config import HandlerConfig

__all__ = ["message_of", "take"]

_PLAIN_TYPES = frozenset({int, float, bool, type(None)})
_FRAMES = 30
"""The innermost frames that are kept of each exception; no more fit a push."""
_EXCEPTIONS = 10
"""The exceptions that are kept of a chain or group."""
_CHAIN_BOUND = 1000
_SHOWN_LIMIT = 200
_LogRecord = logging.LogRecord
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep


def take(
    record: logging.LogRecord,
    config: HandlerConfig,
    formatter: logging.Formatter | None,
    overrides: Mapping[str, Any],
    complaints: tuple[str, ...],
    redact: Callable[[str], str] = str,
) -> Snapshot:
    """Everything that an alert needs of the record.

    ``redact`` sees the values of a record before they are escaped for an HTML formatter, because
    credentials may look different afterwards.
    """
    exceptions = freeze_exceptions(record.exc_info) if record.exc_info else ()
    message = message_of(record)
    is_markup = False
    if formatter is None:
        text = "\n".join(_parts(record, message, exceptions))
    else:
        is_markup = bool(overrides.get("html", config.style.html))
        try:
            has_own_tracebacks = _writes_tracebacks(formatter)
            text = str(formatter.format(_copy_for(record, message, formatter, is_markup, redact)))
            if has_own_tracebacks:
                exceptions = ()
        except Exception as error:  # noqa: BLE001 - the user's formatter; the alert goes out
            text = _substitute(record, message, "could not be formatted", error)
            is_markup = False
    text, cut = trim(text)
    return Snapshot._make(
        (
            record.created,
            str(record.name),
            record.levelno,
            str(record.levelname),
            text,
            None,
            str(record.pathname),
            record.lineno if type(record.lineno) is int else 0,
            str(record.funcName or ""),
            exceptions,
            _fields(record, config),
            overrides,
            complaints,
            cut,
            is_markup,
        )
    )


def message_of(record: logging.LogRecord) -> str:
    """The record's message; a substitute that says what was wrong where it has none."""
    msg = record.msg
    if type(msg) is str and not record.args and type(record) is _LogRecord:
        return msg
    try:
        text = str(record.getMessage())
        return text or (type(msg).__name__ if isinstance(msg, BaseException) else "")
    except Exception as error:  # noqa: BLE001 - the user's objects; the alert goes out
        problem = (
            f"could not be filled in with {_shown(record.args)}" if record.args else "is no text"
        )
        return _substitute(record, msg, problem, error)


def trim(text: str) -> tuple[str, int]:
    """The text, or both its ends as far as a push could ever show them, and how much was cut."""
    if len(text) <= TEXT_BOUND:
        return text, 0
    half = TEXT_BOUND // 2 - 1
    return f"{text[:half]}…{text[-half:]}", len(text) - 2 * half


def _fields(record: logging.LogRecord, config: HandlerConfig) -> dict[str, str]:
    """The texts of the placeholders that only the record can fill."""
    if not config.placeholders:
        return {}
    from ..config.templates import placeholder_text  # loaded with the option

    found = ((p.source, placeholder_text(p, record)) for p in config.placeholders)
    return {source: text for source, text in found if text is not None}


def _substitute(record: logging.LogRecord, text: object, problem: str, error: Exception) -> str:
    reason = f"{type(error).__name__}: {_text_of(error)}"
    return f"{_text_of(text)}\n({record.levelname} {record.name}: this text {problem}: {reason})"


def _shown(args: object) -> str:
    """The arguments for a person to read; each may refuse to be shown."""
    values = args if isinstance(args, tuple) else (args,)
    texts = []
    for value in islice(values, 10):
        try:
            text = repr(value)
        except Exception:  # noqa: BLE001 - a broken __repr__ is what is being reported
            text = f"<{type(value).__name__}>"
        texts.append(text if len(text) <= _SHOWN_LIMIT else f"{text[:_SHOWN_LIMIT]}…")
    return ", ".join(texts)


def _text_of(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a broken __str__ is what is being reported
        return f"<{type(value).__name__}>"


def _parts(
    record: logging.LogRecord, message: str, exceptions: tuple[SnapshotError, ...]
) -> Iterator[str]:
    """The message, and a traceback and stack that came as text, as through a queue or socket."""
    if message.strip():
        yield message
    # loguru and others put the traceback of exc_info here, or into the message.
    if record.exc_text and not exceptions and str(record.exc_text) not in message:
        yield str(record.exc_text)
    if record.stack_info:
        yield str(record.stack_info)


def _writes_tracebacks(formatter: logging.Formatter) -> bool:
    """Whether the formatter has its own way with tracebacks.

    A stock formatter reads source files, inside the logging call, and lays a traceback out for a
    wide screen.
    """
    kind, stock = type(formatter), logging.Formatter
    return (
        kind.format is not stock.format
        or getattr(kind, "formatException", None) is not stock.formatException
    )


def _copy_for(
    record: logging.LogRecord,
    message: str,
    formatter: logging.Formatter,
    is_markup: bool,
    redact: Callable[[str], str],
) -> logging.LogRecord:
    """A copy to format, because formatters leave ``message`` and ``exc_text`` on the record."""
    copy: logging.LogRecord = object.__new__(_LogRecord if is_markup else type(record))
    copy.__dict__.update(record.__dict__)
    if record.exc_info:
        copy.exc_text = None  # another handler's formatter may have made it
    if not _writes_tracebacks(formatter):
        copy.exc_info = None
    if is_markup:
        # All markup is the formatter's own; the record's values are escaped.
        copy.msg, copy.args = message, None
        if copy.exc_info:
            copy.exc_text = formatter.formatException(copy.exc_info)
        for name, value in copy.__dict__.items():
            if type(value) not in _PLAIN_TYPES and name != "exc_info":
                copy.__dict__[name] = redact(_text_of(value)).translate(_ESCAPED)
    return copy


# Exceptions. ``traceback.TracebackException`` reads files while it is made, so it cannot be used.


def freeze_exceptions(exc_info: object) -> tuple[SnapshotError, ...]:
    """The exceptions of a record's ``exc_info``, the raised one first."""
    error: BaseException | None = None
    trace: TracebackType | None = None
    if isinstance(exc_info, BaseException):
        error, trace = exc_info, exc_info.__traceback__
    elif isinstance(exc_info, tuple) and len(exc_info) == 3:
        error = exc_info[1] if isinstance(exc_info[1], BaseException) else None
        trace = exc_info[2] if isinstance(exc_info[2], TracebackType) else None
    if error is None:
        return ()
    try:
        related = list(islice(_related(error, "", set()), _CHAIN_BOUND))
        if len(related) > _EXCEPTIONS:
            # The last is the root of a chain, and says most.
            related = [*related[: _EXCEPTIONS - 1], related[-1]]
        return tuple(
            _frozen(relation, item, trace if item is error else item.__traceback__)
            for relation, item in related
        )
    except Exception:  # noqa: BLE001 - an exception class may break anything; its name remains
        return (SnapshotError("", type(error).__name__, 0, (), 0),)


def _related(
    error: BaseException, relation: str, seen: set[int]
) -> Iterator[tuple[str, BaseException]]:
    """The exception, those of a group in it, and those before it, each of them once."""
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield relation, following
        place = relation if relation.endswith(".") else ""
        members = getattr(following, "exceptions", ())  # ExceptionGroup is new in Python 3.11
        for number, member in enumerate(members if isinstance(members, tuple) else (), 1):
            if isinstance(member, BaseException):
                yield from _related(member, f"{place}{number}.", seen)
        if following.__cause__ is not None:
            relation, following = "caused by", following.__cause__
        else:
            relation = "while handling"
            following = None if following.__suppress_context__ else following.__context__


def _frozen(relation: str, error: BaseException, trace: TracebackType | None) -> SnapshotError:
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__"):
        name = f"{kind.__module__}.{name}"
    said = _said(error)
    notes = getattr(error, "__notes__", ())
    notes = notes if isinstance(notes, list | tuple) else ()
    lines = [f"{name}: {said}" if said else name, *map(_said, islice(notes, _EXCEPTIONS))]
    text, cut = trim("\n".join(lines))
    kept: deque[TracebackType] = deque(maxlen=_FRAMES)
    application: TracebackType | None = None
    count = 0
    while trace is not None:
        kept.append(trace)
        if _is_application(trace.tb_frame.f_code.co_filename):
            application = trace
        trace = trace.tb_next
        count += 1
    if application is not None and application not in kept:
        kept.popleft()
        kept.appendleft(application)
    frames = tuple(map(_frame, reversed(kept)))
    return SnapshotError._make((relation, text, cut, frames, count - len(frames)))


def _frame(trace: TracebackType) -> Frame:
    code = trace.tb_frame.f_code
    # Modules in a zip file have no path to read later; this notes their loader, and reads nothing.
    linecache.lazycache(code.co_filename, trace.tb_frame.f_globals)
    path = code.co_filename
    return Frame._make((path, trace.tb_lineno or 0, code.co_name, _is_application(path)))


def _is_application(path: str) -> bool:
    """Whether the file is outside the standard library and all installed packages."""
    if "site-packages" in path or "dist-packages" in path or path.startswith("<"):
        return False
    return not path.startswith(_STANDARD_LIBRARY)


def _said(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - a broken __str__ must not hide the exception
        return f"(its text could not be made: {type(error).__name__})"
