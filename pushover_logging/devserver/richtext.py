"""What a phone shows of a message's HTML: pieces of text with their looks, nothing else."""

from __future__ import annotations

from html.parser import HTMLParser

import nh3

Look = dict[str, str | bool]
Run = dict[str, str | bool]

LINK_SCHEMES = {"http", "https", "mailto", "tel"}
_SWITCHES = {"b": "bold", "i": "italic", "u": "underline"}
_ATTRIBUTES = {"font": "color", "a": "href"}


def runs(html: str) -> list[Run]:
    """The text of a message as pieces, each with ``text`` and how it looks.

    ``bold``, ``italic`` and ``underline`` are there where they are True, ``color`` and ``href``
    where they are given. Pushover knows no other markup: the rest goes, what it enclosed stays.
    """
    clean = nh3.clean(
        html,
        tags={*_SWITCHES, *_ATTRIBUTES},
        attributes={tag: {name} for tag, name in _ATTRIBUTES.items()},
        url_schemes=LINK_SCHEMES,
        link_rel=None,
    )
    reader = _Reader()
    reader.feed(clean)
    reader.close()
    return reader.runs


class _Reader(HTMLParser):
    """Reads HTML that is clean already, so that every tag is known and closed."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[Run] = []
        self._looks: list[Look] = [{}]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """What follows looks different."""
        look = {**self._looks[-1], **{name: text for name, text in attrs if text}}
        if tag in _SWITCHES:
            look[_SWITCHES[tag]] = True
        self._looks.append(look)

    def handle_endtag(self, _tag: str) -> None:
        """What follows looks as before."""
        self._looks.pop()

    def handle_data(self, data: str) -> None:
        """A piece of text."""
        self.runs.append({"text": data, **self._looks[-1]})
