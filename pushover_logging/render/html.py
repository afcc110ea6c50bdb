"""Pushover's HTML: escapes text, and cuts markup without breaking a tag or an entity.

The phone knows ``<b> <i> <u> <font color> <a href>`` (https://pushover.net/api#html); everything
else that looks like a tag is text, and shown as such.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from html import unescape
from typing import NamedTuple, Protocol

from . import alert
from .alert import omission

__all__ = ["MARKUP", "PLAIN", "Ink", "bold", "changed", "cut", "escape", "strip", "unescape"]

_TAG = re.compile(
    r"""<(?:(?:[biu]|(?:font\s+color|a\s+href)=(?:"[^"<>]*"|'[^'<>]*'))|/(?:[biu]|font|a))\s*>""",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"""<(?P<opening>(?:[biu]|(?:font\s+color|a\s+href)=(?:"[^"<>]*"|'[^'<>]*')))\s*>"""
    r"""|</(?P<closing>[biu]|font|a)\s*>"""
    r"""|(?P<entity>&(?:\#[0-9]{1,7}|\#x[0-9a-f]{1,6}|amp|lt|gt|quot|apos|nbsp);)"""
    r"""|(?P<char>.)""",
    re.IGNORECASE | re.DOTALL,
)
_SPECIAL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


class _Glyph(NamedTuple):
    """One visible character as it is written, and the tags around it, outermost first."""

    text: str
    tags: tuple[str, ...]


def escape(text: str) -> str:
    """The text as markup that shows exactly it."""
    return text.translate(_SPECIAL)


def bold(markup: str) -> str:
    """The markup in bold."""
    return f"<b>{markup}</b>"


def strip(markup: str) -> str:
    """The markup without its tags; entities stay."""
    return "".join(glyph.text for glyph in _glyphs(markup))


def cut(markup: str, limit: int, *, missing: int = 0, tail: float = 1 / 3) -> str:
    """Well-formed markup of at most ``limit`` characters, tags included: both ends, as for text.

    Tags the phone does not know are escaped, those left open are closed, and those open where the
    tail begins are opened again there. Takes its time on megabytes: ``trim`` them first.
    """
    glyphs = list(_glyphs(markup))
    whole = _write(glyphs)
    if len(whole) <= limit:
        return whole
    space = limit - len(omission(missing + len(glyphs)))
    if space < 8:
        return (_write(glyphs[: _head_length(glyphs, limit - 1)]) + "…")[: max(limit, 0)]
    last = _tail_length(glyphs, int(space * tail))
    end = _write(glyphs[len(glyphs) - last :])
    first = _head_length(glyphs, space - len(end))
    return _write(glyphs[:first]) + omission(missing + len(glyphs) - first - last) + end


def changed(markup: str, change: Callable[[str], str]) -> str:
    """The markup with ``change`` applied to its text, as a reader sees it, between the tags."""
    parts: list[str] = []
    end = 0
    for tag in (*_TAG.finditer(markup), None):
        written = markup[end : tag.start() if tag else None]
        text = unescape(written)
        new = change(text)
        parts.append(written if new == text else escape(new))
        if tag:
            parts.append(tag.group())
            end = tag.end()
    return "".join(parts)


def _head_length(glyphs: list[_Glyph], space: int) -> int:
    counts = range(min(len(glyphs), max(space, 0)) + 1)
    return bisect_right(counts, space, key=lambda count: len(_write(glyphs[:count]))) - 1


def _tail_length(glyphs: list[_Glyph], space: int) -> int:
    end = len(glyphs)
    counts = range(min(end, max(space, 0)) + 1)
    return bisect_right(counts, space, key=lambda count: len(_write(glyphs[end - count :]))) - 1


def _glyphs(markup: str) -> Iterator[_Glyph]:
    tags: list[str] = []
    for match in _UNIT.finditer(markup):
        if match.lastgroup == "opening":
            tags.append(match.group("opening"))
        elif match.lastgroup == "closing":
            _close(tags, match.group("closing"))
        else:
            yield _Glyph(match.group("entity") or escape(match.group()), tuple(tags))


def _close(tags: list[str], name: str) -> None:
    """Remove the innermost tag of that name from the list, and the tags left open inside it."""
    for depth in reversed(range(len(tags))):
        if _name(tags[depth]) == name.lower():
            del tags[depth:]
            return


def _name(tag: str) -> str:
    return tag.split(None, 1)[0].lower()


def _write(glyphs: Sequence[_Glyph]) -> str:
    written: list[str] = []
    current: tuple[str, ...] = ()
    for glyph in glyphs:
        if glyph.tags != current:
            written.append(_step(current, glyph.tags))
            current = glyph.tags
        written.append(glyph.text)
    return "".join(written) + _step(current, ())


def _step(old: tuple[str, ...], new: tuple[str, ...]) -> str:
    """The tags to close and to open between two neighbours."""
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    closing = "".join(f"</{_name(tag)}>" for tag in reversed(old[same:]))
    return closing + "".join(f"<{tag}>" for tag in new[same:])


class _Cut(Protocol):
    def __call__(
        self, text: str, limit: int, /, *, missing: int = 0, tail: float = 1 / 3
    ) -> str: ...


class Ink(NamedTuple):
    """The functions that write text: as it is, or as markup."""

    encode: Callable[[str], str]
    decode: Callable[[str], str]
    bold: Callable[[str], str]
    cut: _Cut


PLAIN = Ink(str, str, str, alert.cut)
MARKUP = Ink(escape, lambda markup: unescape(strip(markup)), bold, cut)
