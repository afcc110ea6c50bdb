"""Pushover's HTML: escaping what is text, and cutting without breaking a tag or an entity.

The phone knows ``<b> <i> <u> <font color> <a href>`` (https://pushover.net/api#html); everything
else that looks like a tag is text, and shown as such.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .alerts import omission

__all__ = ["bold", "cut", "escape", "strip"]

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


def cut(markup: str, limit: int, *, gone: int = 0, tail: float = 1 / 3) -> str:
    """Well-formed markup of at most ``limit`` characters, tags included: both ends, as for text.

    Tags the phone does not know are escaped, those left open are closed, and those open where the
    tail begins are opened again there. Takes its time on megabytes: ``trim`` them first.
    """
    glyphs = list(_glyphs(markup))
    whole = _write(glyphs)
    if len(whole) <= limit:
        return whole
    room = limit - len(omission(gone + len(glyphs)))
    if room < 8:
        return (_head(glyphs, limit - 1) + "…")[: max(limit, 0)]
    return _both_ends(glyphs, room, gone, tail)


def _both_ends(glyphs: list[_Glyph], room: int, gone: int, share: float) -> str:
    last = _tail_length(glyphs, int(room * share))
    tail = _write(glyphs[len(glyphs) - last :])
    first = _head_length(glyphs, room - len(tail))
    return _write(glyphs[:first]) + omission(gone + len(glyphs) - first - last) + tail


def _head(glyphs: list[_Glyph], room: int) -> str:
    return _write(glyphs[: _head_length(glyphs, room)])


def _head_length(glyphs: list[_Glyph], room: int) -> int:
    counts = range(min(len(glyphs), max(room, 0)) + 1)
    return bisect_right(counts, room, key=lambda count: len(_write(glyphs[:count]))) - 1


def _tail_length(glyphs: list[_Glyph], room: int) -> int:
    end = len(glyphs)
    counts = range(min(end, max(room, 0)) + 1)
    return bisect_right(counts, room, key=lambda count: len(_write(glyphs[end - count :]))) - 1


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
    """Take the innermost tag of that name, and what was left open inside it, off the list."""
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
