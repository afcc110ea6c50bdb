"""Exceptions for a small screen: frozen in the logging call, written out later.

Freezing touches no disk and keeps no frame, no local variable and no exception alive; the lines of
source are read when the exception is written. It is not left to ``traceback.TracebackException``,
which looks at files, and for some exceptions imports modules, while it is made.
"""

from __future__ import annotations

import linecache
import re
from collections import deque
from collections.abc import Iterator
from itertools import groupby, islice
from types import TracebackType
from typing import NamedTuple

from .alerts import trim

__all__ = [
    "Block",
    "Call",
    "Frame",
    "Trouble",
    "calls",
    "freeze",
    "heading",
    "plain_text",
    "short_path",
]

FRAMES = 30
"""The innermost frames that are kept of each exception; no more fit a push."""
BLOCKS = 10
"""The exceptions that are kept of a chain or group."""
CHAIN_BOUND = 1000


class Frame(NamedTuple):
    """One call on the way to an exception."""

    path: str
    line: int
    function: str


class Block(NamedTuple):
    """One exception of a chain or group."""

    relation: str
    """What it has to do with the ones before it, such as ``caused by``; blank for the first."""
    text: str
    """Its type and message, as the last line of a traceback has them."""
    gone: int
    """Characters taken out of an endless text."""
    frames: tuple[Frame, ...]
    """Innermost first."""
    outer: int
    """The frames further out that were not kept."""


Trouble = tuple[Block, ...]


def freeze(exc_info: object) -> Trouble:
    """What is worth knowing of a record's ``exc_info``, the raised exception first."""
    error, trace = _parts(exc_info)
    if error is None:
        return ()
    try:
        return _frozen(error, trace)
    except Exception:  # noqa: BLE001 - an exception class may break anything; its name remains
        return (Block("", type(error).__name__, 0, (), 0),)


def _frozen(error: BaseException, trace: TracebackType | None) -> Trouble:
    related = list(islice(_exceptions(error, "", set()), CHAIN_BOUND))
    return tuple(
        _block(relation, item, trace if item is error else item.__traceback__)
        for relation, item in _first_and_last(related)
    )


def _parts(exc_info: object) -> tuple[BaseException | None, TracebackType | None]:
    if isinstance(exc_info, BaseException):
        return exc_info, exc_info.__traceback__
    if isinstance(exc_info, tuple) and len(exc_info) == 3:
        _, error, trace = exc_info
        if isinstance(error, BaseException):
            return error, trace if isinstance(trace, TracebackType) else None
    return None, None


def _first_and_last(
    related: list[tuple[str, BaseException]],
) -> list[tuple[str, BaseException]]:
    """So many as are kept; the last is the root of a chain, and so the most telling."""
    if len(related) <= BLOCKS:
        return related
    return [*related[: BLOCKS - 1], related[-1]]


def _exceptions(
    error: BaseException, relation: str, seen: set[int]
) -> Iterator[tuple[str, BaseException]]:
    """The exception, those of a group in it, and those before it, each one once."""
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield relation, following
        place = relation if relation.endswith(".") else ""
        for number, member in enumerate(_members(following), 1):
            yield from _exceptions(member, f"{place}{number}.", seen)
        relation, following = _cause(following)


def _members(error: BaseException) -> tuple[BaseException, ...]:
    """The exceptions of a group; its class is built in only from Python 3.11 on."""
    members = getattr(error, "exceptions", ())
    if not isinstance(members, tuple):
        return ()
    return tuple(member for member in members if isinstance(member, BaseException))


def _cause(error: BaseException) -> tuple[str, BaseException | None]:
    if error.__cause__ is not None:
        return "caused by", error.__cause__
    return "while handling", None if error.__suppress_context__ else error.__context__


def _block(relation: str, error: BaseException, trace: TracebackType | None) -> Block:
    text, gone = trim(_text(error))
    kept: deque[TracebackType] = deque(maxlen=FRAMES)
    count = 0
    while trace is not None:
        kept.append(trace)
        trace = trace.tb_next
        count += 1
    frames = tuple(_frame(item) for item in reversed(kept))
    return Block(relation, text, gone, frames, count - len(frames))


def _frame(trace: TracebackType) -> Frame:
    code = trace.tb_frame.f_code
    # Modules in a zip file have no path to read later; this notes their loader, and reads nothing.
    linecache.lazycache(code.co_filename, trace.tb_frame.f_globals)
    return Frame(code.co_filename, trace.tb_lineno or 0, code.co_name)


def _text(error: BaseException) -> str:
    text = _shown(error)
    name = _name(type(error))
    notes = getattr(error, "__notes__", ())
    notes = notes if isinstance(notes, list | tuple) else ()
    return "\n".join([f"{name}: {text}" if text else name, *map(_shown, islice(notes, BLOCKS))])


def _name(kind: type[BaseException]) -> str:
    module = kind.__module__
    return (
        kind.__qualname__ if module in ("builtins", "__main__") else f"{module}.{kind.__qualname__}"
    )


def _shown(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - a broken __str__ must not hide the exception
        return f"(its text could not be made: {type(error).__name__})"


def heading(block: Block) -> str:
    """The line that names the exception, and what it has to do with the one before."""
    return f"{block.relation} {block.text}".lstrip()


class Call(NamedTuple):
    """A frame, written: where it is and its line of source, if there is one."""

    where: str
    source: str


def calls(block: Block) -> list[Call]:
    """The calls that led to the exception, innermost first; repeated in a row, they are one.

    Reads source files, so never in a logging call.
    """
    repeated = [(frame, len(list(same))) for frame, same in groupby(block.frames)]
    return [_call(frame, count) for frame, count in repeated]


def plain_text(trouble: Trouble) -> str:
    """The exceptions one after the other, whole."""
    lines = []
    for block in trouble:
        lines += [heading(block), *("\n  ".join(call).rstrip() for call in calls(block))]
    return "\n".join(lines)


def _call(frame: Frame, count: int) -> Call:
    where = f"at {frame.function}, {short_path(frame.path)}:{frame.line}"
    return Call(f"{where} ({count} times)" if count > 1 else where, _source(frame))


def _source(frame: Frame) -> str:
    linecache.checkcache(frame.path)
    return trim(linecache.getline(frame.path, frame.line).strip())[0]


def short_path(path: str) -> str:
    """So much of a path as tells the file: from the package on, or its folder and its name."""
    parts = re.split(r"[/\\]", path)
    for mark in ("site-packages", "dist-packages"):
        if mark in parts:
            parts = parts[parts.index(mark) + 1 :]
            return "/".join(parts)
    return "/".join(parts[-2:]).lstrip("/")
