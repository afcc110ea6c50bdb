"""Alert: one push, as the service takes it; and the functions that clean and shorten a text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ..client.constants import EXPIRE_MAXIMUM, RETRY_MINIMUM, TITLE_LIMIT, Priority
from ..notice import TEXT_BOUND

__all__ = ["Alert", "Priority", "clean", "cut", "halves", "is_blank", "omission", "trim"]

_SEAM = "…"
_HALF = TEXT_BOUND // 2 - 1
"""Both halves and the seam fit the bound, so that a trimmed text is not trimmed again."""


class Alert(NamedTuple):
    """One push, ready to be sent: every text is clean and within its limit."""

    message: str
    title: str
    """Blank: the phone shows the application's name instead."""
    priority: Priority
    timestamp: int
    """Unix seconds; what the phone shows and sorts by."""
    levelno: int = 0
    """The logging level it came from: alerts that are lost are counted by level."""
    html: bool = False
    monospace: bool = False
    url: str | None = None
    url_title: str | None = None
    device: str | None = None
    sound: str | None = None
    ttl: int | None = None
    retry: int = 60
    expire: int = 3600
    callback: str | None = None
    tags: tuple[str, ...] = ()
    params: Mapping[str, str] = MappingProxyType({})
    """Parameters passed through untouched, for what the service adds next."""
    complaints: tuple[str, ...] = ()
    """A sentence for each wish of the record that could not be granted; never sent."""

    def counted(self, count: int) -> Alert:
        """The same push, its title ending in a multiplication sign and the count if above 1."""
        if count <= 1:
            return self
        suffix = f" \N{MULTIPLICATION SIGN}{count}"
        title = cut(self.title, TITLE_LIMIT - len(suffix)) + suffix
        return self._replace(title=title.strip())

    def parameters(self) -> dict[str, str]:
        """The form fields of this push as the service names them, without token and user.

        Whatever the alert holds, fields the service would refuse together do not meet: ``html``
        wins over ``monospace``, ``ttl`` and the emergency's fields exclude each other, and
        ``retry`` and ``expire`` stay within the service's bounds (https://pushover.net/api#priority).
        """
        given: dict[str, str | None] = {
            "message": self.message,
            "title": self.title,
            "url": self.url,
            "url_title": self.url_title if self.url else None,
            "priority": str(int(self.priority)),
            "timestamp": str(self.timestamp),
            "device": self.device,
            "sound": self.sound,
            "html": "1" if self.html else None,
            "monospace": "1" if self.monospace and not self.html else None,
        }
        if self.priority is Priority.EMERGENCY:
            given["retry"] = str(max(self.retry, RETRY_MINIMUM))
            given["expire"] = str(max(1, min(self.expire, EXPIRE_MAXIMUM)))
            given["callback"] = self.callback
            given["tags"] = ",".join(self.tags)
        elif self.ttl:
            given["ttl"] = str(self.ttl)
        known = {name: value for name, value in given.items() if value}
        return {
            name: value
            if value.isascii()
            else value.encode("utf-8", "backslashreplace").decode("utf-8")
            for name, value in {**self.params, **known}.items()
        }


def cut(text: str, limit: int, *, missing: int = 0, tail: float = 1 / 3) -> str:
    """The text in at most ``limit`` characters: its head, the number left out, and its tail.

    ``missing`` characters were taken out before and are counted in; ``tail`` is the tail's share.
    """
    if len(text) <= limit:
        return text
    space = limit - len(omission(missing + len(text)))
    if space < 8:
        return (text[: max(limit - 1, 0)] + "…")[: max(limit, 0)]
    kept = max(1, min(int(space * tail), space - 1))
    return text[: space - kept] + omission(missing + len(text) - space) + text[-kept:]


def omission(missing: int) -> str:
    """The text that marks where ``missing`` characters were left out."""
    return f" … {missing} characters … "


def trim(text: str) -> tuple[str, int]:
    """The text, or as much of both ends as could ever be shown, and the number taken out."""
    if len(text) <= TEXT_BOUND:
        return text, 0
    return f"{text[:_HALF]}{_SEAM}{text[-_HALF:]}", len(text) - 2 * _HALF


def halves(text: str) -> tuple[str, str] | None:
    """Both ends of a text that ``trim`` shortened, or that it would; None for any other."""
    if len(text) < 2 * _HALF + 1:
        return None
    if len(text) > TEXT_BOUND or text[_HALF] == _SEAM:
        return text[:_HALF], text[-_HALF:]
    return None


def is_blank(text: str) -> bool:
    """Whether a reader would see nothing: white space and invisible characters alone."""
    return not any(char.isprintable() and not char.isspace() for char in text)


# In the order they are tried: terminal colours and titles, which are removed; the many ways to
# end a line; surrogate pairs that a careless decoder left apart; invisible marks that change the
# reading order; and all other characters that no screen shows.
_UNCLEAN = re.compile(
    r"(?P<terminal>\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\))"
    r"|(?P<newline>\r\n|[\r\v\f\x85\u2028\u2029])"
    r"|(?P<pair>[\ud800-\udbff][\udc00-\udfff])"
    r"|(?P<embedding>[\u202a-\u202c\u2066-\u2069])"
    r"|(?P<unseen>[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202d\u202e\ud800-\udfff])"
)


def clean(text: str) -> str:
    """The text as valid UTF-8 that reads the same on any screen; new lines and tabs stay.

    Terminal colours are removed, as are marks that embed or isolate a reading direction; every
    line end becomes ``\\n``. Everything else that cannot be shown is written as Python would write
    it: NUL as ``\\x00``, an undecodable byte as ``\\xff``, a mark that reverses the reading order
    as ``\\u202e``.
    """
    # A printable text holds none of these characters, and most texts are printable.
    if text.replace("\n", " ").replace("\t", " ").isprintable():
        return text
    return _UNCLEAN.sub(_readable, text)


def _readable(match: re.Match[str]) -> str:
    found = match.group()
    if match.lastgroup == "newline":
        return "\n"
    if match.lastgroup == "pair":
        return found.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    if match.lastgroup != "unseen":
        return ""
    code = ord(found)
    if 0xDC80 <= code <= 0xDCFF:  # how Python holds a byte that was not UTF-8 (PEP 383)
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
