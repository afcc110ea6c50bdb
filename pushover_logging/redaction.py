"""Blanks what must not leave the machine in a push: credentials that a text spells out."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["Redaction"]

_BLANK = "***"
_ALWAYS = (
    # The scheme and credentials of an Authorization header.
    re.compile(r"(?i)\b(?P<kept>(?:bearer|basic|token)\s+)[A-Za-z0-9._~+/=-]{8,}"),
    # password=..., "api_key": "...", ?access_token=...
    re.compile(
        r"(?i)(?P<kept>(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key"
        r"|private[_-]?key|signature|credentials?)[\"']?\s*[=:]\s*)"
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
        for pattern in _ALWAYS:
            text = pattern.sub(_kept_and_blank, text)
        return text


def _kept_and_blank(match: re.Match[str]) -> str:
    return match["kept"] + _BLANK
