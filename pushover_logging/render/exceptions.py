"""Writes exceptions for a small screen, and shortens their tracebacks to the space there is.

The call that matters comes first, as in ``at charge, shop/payments.py:42``: the innermost call of
the application, then the calls inside and around it, innermost first. If not all of it fits, every
exception in the chain is named before its calls are listed, and outer calls are left out before
inner ones. Lines of source are read here, never in the logging call.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from ..client.constants import MESSAGE_LIMIT
from .alert import cut, trim

if TYPE_CHECKING:
    from ..notice import Frame, SnapshotError
    from .html import Ink

__all__ = [
    "TRACEBACK_START",
    "Section",
    "fitted",
    "heading",
    "plain_text",
    "sections",
    "short_path",
    "without_copy",
]

_SOURCE_LIMIT = 100
TRACEBACK_START = "Traceback (most recent call last):"


class Section(NamedTuple):
    """One exception, written but not yet shortened."""

    heading: str
    calls: Sequence[str]
    omitted: int
    """Calls further out that were not kept."""

    def text(self, count: int) -> str:
        """The exception with its first ``count`` calls."""
        missing = len(self.calls) - count + self.omitted
        more = [f"… {missing} more {'call' if missing == 1 else 'calls'}"] if missing else []
        return "\n".join([self.heading, *self.calls[:count], *more])


def sections(
    exceptions: Sequence[SnapshotError],
    ink: Ink,
    tidy: Callable[[str], str],
    limit: int = MESSAGE_LIMIT,
) -> list[Section]:
    """The exceptions written in ``ink``, each text of them cleaned and redacted by ``tidy``.

    ``limit`` is the length of the message they are a part of: very long texts are cut to a share
    of it, and of the calls so many are written as could fit.
    """
    written = []
    for error in exceptions:
        share = limit // 6 if error.relation else limit * 2 // 5
        name = ink.cut(ink.encode(tidy(heading(error))), share, missing=error.cut)
        repeated = [(frame, len(list(same))) for frame, same in groupby(error.frames)]
        space = limit
        calls: list[str] = []
        for call in _calls(repeated):
            where, _, source = tidy("\n".join(call)).partition("\n")
            if len(source) > _SOURCE_LIMIT:
                source = cut(source, _SOURCE_LIMIT)
            lines = [where, source]
            calls.append(ink.encode("\n  ".join(line for line in lines if line)))
            space -= len(calls[-1])
            if space < 0:
                break
        omitted = error.omitted + len(repeated) - len(calls)
        written.append(Section(ink.bold(name), calls, omitted))
    return written


def fitted(written: Sequence[Section], space: int | None = None) -> str:
    """The sections whole, or in at most ``space`` characters with the most telling lines.

    These are: the exception that was raised and its first call, the root of the chain and its first
    call, the exceptions between them, then further calls of all in turn.
    """
    counts: list[int | None] = [len(section.calls) for section in written]
    whole = _joined(written, counts)
    if space is None or len(whole) <= space:
        return whole
    last = len(written) - 1
    order = [0, 0, last, last, *range(1, last)]
    for _ in range(max(len(section.calls) for section in written)):
        order += range(len(written))
    counts = [None] * len(written)
    text = ""
    for index in order:  # the first time to name the exception, from then on to add a call
        tried = counts.copy()
        count = counts[index]
        tried[index] = 0 if count is None else min(count + 1, len(written[index].calls))
        longer = _joined(written, tried)
        if len(longer) <= space:
            counts, text = tried, longer
    return text


def _joined(written: Sequence[Section], counts: Sequence[int | None]) -> str:
    """The sections with so many calls each; None leaves a section out."""
    texts = [
        section.text(count)
        for section, count in zip(written, counts, strict=True)
        if count is not None
    ]
    missing = len(written) - len(texts)
    if missing:
        texts.append(f"… {missing} more {'exception' if missing == 1 else 'exceptions'}")
    return "\n".join(texts)


def heading(error: SnapshotError) -> str:
    """The line that names the exception and its relation to the exceptions before it."""
    return f"{error.relation} {error.text}".lstrip()


def _calls(repeated: Sequence[tuple[Frame, int]]) -> Iterator[tuple[str, str]]:
    """The place and the line of source of each call, which may have repeated in a row.

    The application's own innermost call stands first. The call inside a library that raised the
    exception follows it, marked as such.
    """
    own = next((index for index, (frame, _) in enumerate(repeated) if frame.is_application), 0)
    ranked = [*repeated[own : own + 1], *repeated[:own], *repeated[own + 1 :]]
    for index, (frame, count) in enumerate(ranked):
        where = f"at {frame.function}, {short_path(frame.path)}:{frame.line}"
        where = f"raised {where}" if own and index == 1 else where
        try:
            linecache.checkcache(frame.path)
            source = linecache.getline(frame.path, frame.line).strip()
        except Exception:  # noqa: BLE001 - a path may be any text, and a loader any object
            source = ""
        yield f"{where} ({count} times)" if count > 1 else where, trim(source)[0]


def plain_text(exceptions: Sequence[SnapshotError]) -> str:
    """The exceptions with all their calls, one after the other."""
    lines = []
    for error in exceptions:
        repeated = [(frame, len(list(same))) for frame, same in groupby(error.frames)]
        lines += [heading(error), *("\n  ".join(call).rstrip() for call in _calls(repeated))]
    return "\n".join(lines)


def without_copy(text: str, name: str) -> str:
    """The text without a traceback that ends in ``name``, of an exception that is shown anyway.

    Some libraries write the traceback into the message of a record that carries the exception too.
    """
    start = text.find(TRACEBACK_START)
    end = text.rfind(name)
    if not name or start < 0 or end < start:
        return text
    return f"{text[:start].rstrip()}\n{text[end + len(name) :].lstrip()}".strip()


def short_path(path: str) -> str:
    """As much of a path as tells the file: from the package on, or its folder and its name."""
    parts = re.split(r"[/\\]", path)
    for folder in ("site-packages", "dist-packages"):
        if folder in parts:
            return "/".join(parts[parts.index(folder) + 1 :])
    return "/".join(parts[-2:]).lstrip("/")
