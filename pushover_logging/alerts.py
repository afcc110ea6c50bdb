"""What one push says: the Alert, and how a text is made fit for the service and the eye."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .client.constants import EXPIRE_MAXIMUM, RETRY_MINIMUM, TITLE_LIMIT, Priority
from .noting import TEXT_BOUND

__all__ = ["Alert", "Priority", "clean", "cut", "is_blank", "omission", "trim"]


@dataclass(frozen=True)
class Alert:
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
    params: Mapping[str, str] = field(default_factory=dict)
    """Parameters passed through untouched, for what the service adds next."""
    complaints: tuple[str, ...] = ()
    """What the record asked for and did not get, a sentence each; never sent."""

    def counted(self, count: int) -> Alert:
        """The same push, its title ending in a times sign and the count if that is above 1."""
        if count <= 1:
            return self
        suffix = f" \N{MULTIPLICATION SIGN}{count}"
        title = cut(self.title, TITLE_LIMIT - len(suffix)) + suffix
        return dataclasses.replace(self, title=title.strip())

    def parameters(self) -> dict[str, str]:
        """The form fields of this push as the service names them, without token and user.

        Whatever the alert holds, fields the service would refuse together do not meet: ``html``
        wins over ``monospace``, ``ttl`` and the emergency's fields exclude each other, and
        ``retry`` and ``expire`` stay within the service's bounds (https://pushover.net/api#priority).
        """
        given = {
            **self._texts(),
            **(self._ringing() if self.priority is Priority.EMERGENCY else self._fading()),
            "device": self.device,
            "sound": self.sound,
            "html": "1" if self.html else None,
            "monospace": "1" if self.monospace and not self.html else None,
        }
        known = {name: value for name, value in given.items() if value}
        return {name: _sendable(value) for name, value in {**self.params, **known}.items()}

    def _texts(self) -> dict[str, str | None]:
        return {
            "message": self.message,
            "title": self.title,
            "url": self.url,
            "url_title": self.url_title if self.url else None,
            "priority": str(int(self.priority)),
            "timestamp": str(self.timestamp),
        }

    def _ringing(self) -> dict[str, str | None]:
        return {
            "retry": str(max(self.retry, RETRY_MINIMUM)),
            "expire": str(min(self.expire, EXPIRE_MAXIMUM)),
            "callback": self.callback,
            "tags": ",".join(self.tags),
        }

    def _fading(self) -> dict[str, str | None]:
        return {"ttl": str(self.ttl) if self.ttl else None}


def _sendable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def cut(text: str, limit: int, *, gone: int = 0, tail: float = 1 / 3) -> str:
    """The text in at most ``limit`` characters: its head, how much is missing, its tail.

    ``gone`` characters were taken out before and are counted in; ``tail`` is the tail's share.
    """
    if len(text) <= limit:
        return text
    room = limit - len(omission(gone + len(text)))
    if room < 8:
        return (text[: max(limit - 1, 0)] + "…")[: max(limit, 0)]
    kept = max(1, min(int(room * tail), room - 1))
    return text[: room - kept] + omission(gone + len(text) - room) + text[-kept:]


def omission(gone: int) -> str:
    """What stands in a text where ``gone`` characters are missing."""
    return f" … {gone} characters … "


def trim(text: str) -> tuple[str, int]:
    """The text, or so much of both its ends as could ever be shown, and how much was taken out."""
    if len(text) <= TEXT_BOUND:
        return text, 0
    half = TEXT_BOUND // 2 - 1  # with the sign between them, so that once is enough
    return f"{text[:half]}…{text[-half:]}", len(text) - 2 * half


def is_blank(text: str) -> bool:
    """Whether a reader would see nothing: white space and invisible characters alone."""
    return not any(char.isprintable() and not char.isspace() for char in text)


# In the order they are tried: terminal colours and titles, which go without a trace; the many ways
# to end a line; surrogate pairs that a careless decoder left apart; what is invisible and would
# turn the reading order of all that follows; and the rest that no screen shows.
_UNCLEAN = re.compile(
    r"(?P<terminal>\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\))"
    r"|(?P<newline>\r\n|[\r\v\f\x85\u2028\u2029])"
    r"|(?P<pair>[\ud800-\udbff][\udc00-\udfff])"
    r"|(?P<embedding>[\u202a-\u202c\u2066-\u2069])"
    r"|(?P<unseen>[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202d\u202e\ud800-\udfff])"
)


def clean(text: str) -> str:
    """The text as valid UTF-8 that reads the same on any screen; new lines and tabs stay.

    Terminal colours go, as do marks that embed or isolate a reading direction; every line end
    becomes ``\\n``. What else cannot be shown is written as Python would: NUL as ``\\x00``, an
    undecodable byte as ``\\xff``, a mark that reverses the reading order as ``\\u202e``.
    """
    # What Python calls printable holds none of what is looked for, and most texts are.
    return text if text.isprintable() else _UNCLEAN.sub(_readable, text)


def _readable(match: re.Match[str]) -> str:
    found = match.group()
    if match.lastgroup == "newline":
        return "\n"
    if match.lastgroup == "pair":
        return found.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    if match.lastgroup == "unseen":
        return _escaped(ord(found))
    return ""


def _escaped(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # how Python holds a byte that was not UTF-8 (PEP 383)
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
