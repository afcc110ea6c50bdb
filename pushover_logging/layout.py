"""Lays a message and its exceptions out for a phone, within the service's limit.

What a person needs first stands first: the message, the exception, then the calls with the
innermost first, as in ``at charge, shop/payments.py:42``; what led to the exception comes after it.
When not all of it fits, the message keeps two fifths, every exception in the chain is named before
the calls are listed, and outer calls go before inner ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from . import alerts, markup, tracebacks
from .client.constants import MESSAGE_LIMIT

__all__ = ["MARKUP", "PLAIN", "Ink", "compose"]

_SOURCE_LIMIT = 100
_TRACEBACK_SIGN = "\n  File "


class _Cut(Protocol):
    def __call__(self, text: str, limit: int, /, *, gone: int = 0, tail: float = 1 / 3) -> str: ...


class Ink(NamedTuple):
    """How text is written: as it is, or as markup."""

    encode: Callable[[str], str]
    decode: Callable[[str], str]
    bold: Callable[[str], str]
    cut: _Cut


PLAIN = Ink(str, str, str, alerts.cut)
MARKUP = Ink(markup.escape, markup.strip, markup.bold, markup.cut)


class _Section(NamedTuple):
    """One exception, written but not yet placed."""

    heading: str
    calls: Sequence[str]
    outer: int

    def text(self, count: int) -> str:
        """The exception with that many of its calls."""
        missing = len(self.calls) - count + self.outer
        more = [f"… {missing} more {'call' if missing == 1 else 'calls'}"] if missing else []
        return "\n".join([self.heading, *self.calls[:count], *more])


def compose(
    message: str,
    trouble: tracebacks.Trouble,
    ink: Ink,
    tidy: Callable[[str], str],
    *,
    gone: int = 0,
) -> str:
    """The text of a push; ``message`` is already in ink, every text of the trouble gets tidied."""
    # A traceback that is part of the text ends in what matters most.
    tail = 2 / 3 if _TRACEBACK_SIGN in ink.decode(message) else 1 / 3
    if not trouble:
        return ink.cut(message, MESSAGE_LIMIT, gone=gone, tail=tail)
    sections = [_section(block, ink, tidy) for block in trouble]
    whole = _joined(sections, [len(section.calls) for section in sections])
    share = max(MESSAGE_LIMIT * 2 // 5, MESSAGE_LIMIT - len(whole) - 1)
    shown = ink.cut(message, share, gone=gone, tail=tail)
    room = MESSAGE_LIMIT - len(shown) - 1
    below = whole if len(whole) <= room else _fitted(sections, room)
    return "\n".join(part for part in (shown, below) if part)


def _section(block: tracebacks.Block, ink: Ink, tidy: Callable[[str], str]) -> _Section:
    heading = ink.encode(tidy(tracebacks.heading(block)))
    limit = MESSAGE_LIMIT // 6 if block.relation else MESSAGE_LIMIT * 2 // 5
    return _Section(
        ink.bold(ink.cut(heading, limit, gone=block.gone)),
        [_call(call, ink, tidy) for call in tracebacks.calls(block)],
        block.outer,
    )


def _call(call: tracebacks.Call, ink: Ink, tidy: Callable[[str], str]) -> str:
    lines = [tidy(call.where), alerts.cut(tidy(call.source), _SOURCE_LIMIT)]
    return ink.encode("\n  ".join(line for line in lines if line))


def _joined(sections: Sequence[_Section], counts: Sequence[int | None]) -> str:
    """The sections with so many calls each; None leaves one out."""
    texts = [
        section.text(count)
        for section, count in zip(sections, counts, strict=True)
        if count is not None
    ]
    missing = len(sections) - len(texts)
    if missing:
        texts.append(f"… {missing} more {'exception' if missing == 1 else 'exceptions'}")
    return "\n".join(texts)


def _fitted(sections: Sequence[_Section], room: int) -> str:
    """As much of the sections as there is room for, the most telling first."""
    counts: list[int | None] = [None] * len(sections)
    for index in _by_weight(sections):
        tried = counts.copy()
        tried[index] = _more(counts[index], len(sections[index].calls))
        if len(_joined(sections, tried)) <= room:
            counts = tried
    return _joined(sections, counts)


def _more(count: int | None, most: int) -> int:
    return 0 if count is None else min(count + 1, most)


def _by_weight(sections: Sequence[_Section]) -> Iterator[int]:
    """The sections by number: the first time for the exception, from then on for one call more.

    The exception that was raised and where, the root of it all and where, the others between,
    and then the calls of all in turn.
    """
    last = len(sections) - 1
    yield from (0, 0, last, last)
    yield from range(1, last)
    for _ in range(max(len(section.calls) for section in sections)):
        yield from range(len(sections))
