"""Blanks what must not leave the machine in a push: credentials that a text spells out."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["Redaction"]

_BLANK = "***"
_SAID_OF_ONE = (
    "a|an|are|blank|can|cannot|did|does|empty|ensure|expired|failed|field|had|has|incorrect|invalid"
    "|is|may|minimum|mismatch|missing|must|no|none|not|null|please|required|shall|should|the|this"
    "|too|unknown|unset|was|will|wrong|(?:are|can|did|does|has|is|must|was)n't|can't"
)
"""The first word of what is said about a credential after a colon: it must not be blank."""
_SCHEME = re.compile(
    r"\b(?P<kept>(?i:bearer|basic|token)\s+)"
    r"(?=[A-Za-z._~+/=-]*[0-9]|[A-Za-z._~+/=-]{16})(?=[A-Za-z._~+/=-]*(?:[0-9]|[a-z][A-Z]))"
    r"[A-Za-z0-9._~+/=-]{8,}"
)
"""What an Authorization header holds, told from words by a digit, or by length and cases mixed."""
_ALWAYS = (
    # An Authorization header.
    re.compile(
        r"(?i)(?P<kept>\bauthorization[\"']?\s*[=:]\s*[\"']?(?:bearer|basic|token)\s+)[^\s,;\"']+"
    ),
    _SCHEME,
    # password=..., "api_key": "...", ?access_token=...
    re.compile(
        r"(?i)(?P<kept>(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key"
        r"|private[_-]?key|signature|credentials?)[\"']?\s*"
        rf"(?:=|:(?!\s+(?:{_SAID_OF_ONE})[.,;!?]?(?:\s|$)))\s*)"
        r"(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s,;&\"')}\]]+)"
    ),
    # https://user:password@host
    re.compile(r"(?P<kept>://[^/\s:@]*:)[^/\s@]+(?=@)"),
)


class Redaction:
    """Blanks all that matches one of the patterns, and what looks like a credential anyway."""

    def __init__(self, patterns: Iterable[re.Pattern[str]] = ()) -> None:
        self._patterns = tuple(patterns)

    def __call__(self, text: str) -> str:
        for pattern in self._patterns:
            text = pattern.sub(_BLANK, text)
        # Of the others each looks for one of these two, and many a text has neither.
        for pattern in _ALWAYS if "=" in text or ":" in text else (_SCHEME,):
            text = pattern.sub(_kept_and_blank, text)
        return text


def _kept_and_blank(match: re.Match[str]) -> str:
    return match["kept"] + _BLANK
