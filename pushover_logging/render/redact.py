"""Blanks what must not leave the machine in a push: credentials that a text spells out."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .alert import halves

__all__ = ["Redactor"]

BLANK = "***"
_SAID_OF_ONE = (
    "a|an|are|blank|can|cannot|did|does|empty|ensure|expired|failed|field|had|has|incorrect|invalid"
    "|is|may|minimum|mismatch|missing|must|no|none|not|null|please|required|shall|should|the|this"
    "|too|unknown|unset|was|will|wrong|(?:are|can|did|does|has|is|must|was)n't|can't"
)
_SCHEME = re.compile(
    r"\b(?P<kept>(?i:bearer|basic|token)\s+)"
    r"(?=[A-Za-z._~+/=-]*[0-9]|[A-Za-z._~+/=-]{16})(?=[A-Za-z._~+/=-]*(?:[0-9]|[a-z][A-Z]))"
    r"[A-Za-z0-9._~+/=-]{8,}"
)
_ALWAYS = (
    re.compile(
        r"(?i)(?P<kept>\bauthorization[\"']?\s*[=:]\s*[\"']?(?:bearer|basic|token)\s+)[^\s,;\"']+"
    ),
    _SCHEME,
    re.compile(
        r"(?i)(?P<kept>(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key"
        r"|private[_-]?key|signature|credentials?)[\"']?\s*"
        rf"(?:=|:(?!\s+(?:{_SAID_OF_ONE})[.,;!?]?(?:\s|$)))\s*)"
        r"(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s,;&\"')}\]]+)"
    ),
    re.compile(r"(?P<kept>://[^/\s:@]*:)[^/\s@]+(?=@)"),
)
HINTS = (
    "pass",
    "pwd",
    "secret",
    "token",
    "key",
    "signature",
    "cred",
    "auth",
    "bearer",
    "basic",
    "://",
)
_RAGGED = 1024
"""Characters that are taken away at most on either side of a cut."""


class Redactor:
    """Blanks what matches one of the patterns, the given secrets, and all that looks like one."""

    def __init__(
        self, patterns: Iterable[re.Pattern[str]] = (), secrets: Iterable[str] = ()
    ) -> None:
        self._patterns = tuple(patterns)
        self._secrets = tuple(sorted({s for s in secrets if s}, key=len, reverse=True))
        self._others: dict[tuple[tuple[str, int], ...], Redactor] = {}
        self.hints: tuple[str, ...] = (
            ("",) if self._patterns else (*HINTS, *(s.lower() for s in self._secrets))
        )
        """A text whose lower-case form holds none of these is left as it is."""

    def with_patterns(self, sources: tuple[tuple[str, int], ...]) -> Redactor:
        """The same with these patterns too, given as text and flags."""
        redactor = self._others.get(sources)
        if redactor is None:
            own = {(pattern.pattern, pattern.flags) for pattern in self._patterns}
            more = [re.compile(*source) for source in sources]
            more = [pattern for pattern in more if (pattern.pattern, pattern.flags) not in own]
            redactor = self if not more else Redactor((*self._patterns, *more), self._secrets)
            if len(self._others) < 100:
                self._others[sources] = redactor
        return redactor

    def __call__(self, text: str) -> str:
        """The text, blanked; of an endless text both ends."""
        ends = halves(text)
        return self._blanked(text) if ends is None else self.ends(*ends)

    def ends(self, head: str, tail: str) -> str:
        """Both ends of a text that was cut between them, blanked.

        Halves of a credential that lay across the cut are removed, because no pattern knows them.
        """
        head, tail = self._blanked(head), self._blanked(tail)
        kept = head[:-_RAGGED] + _upto_space(head[-_RAGGED:])
        return f"{kept}…{_after_line(tail[:_RAGGED])}{tail[_RAGGED:]}"

    def _blanked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, BLANK)
        for pattern in self._patterns:
            text = pattern.sub(BLANK, text)
        for pattern in _ALWAYS:
            text = pattern.sub(lambda match: match["kept"] + BLANK, text)
        return text


def _upto_space(text: str) -> str:
    """The text without the word at its end, which may be half a word."""
    return text.rstrip().rpartition(" ")[0]


def _after_line(text: str) -> str:
    """The text without the line at its start, which may be half a line."""
    return text.partition("\n")[2]
