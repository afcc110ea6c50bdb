"""The formats of log lines: each a name, a pattern, and sample lines that are its test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from . import databases, golang, jvm, others, python, systems, web
from .format import Format, Sample

__all__ = ["BY_NAME", "FIRST", "FORMATS", "WITHOUT_BRACKETS", "Format", "Sample"]

FORMATS: Final[tuple[Format, ...]] = (
    *databases.FORMATS,
    *golang.FORMATS,
    *python.FORMATS,
    *jvm.FORMATS,
    *web.FORMATS,
    *others.FORMATS,
    *systems.FORMATS,
)
"""In the order in which they are tried."""
BY_NAME: Final[Mapping[str, Format]] = {each.name: each for each in FORMATS}
_CHARACTERS = [chr(code) for code in range(128)]
FIRST: Final[Mapping[str, tuple[Format, ...]]] = {
    char: tuple(each for each in FORMATS if each.begins and each.may_begin_with(char))
    for char in _CHARACTERS
}
"""The formats to try before the general header, by the first character of a line."""
WITHOUT_BRACKETS: Final[Mapping[str, tuple[Format, ...]]] = {
    char: tuple(each for each in formats if not set("[]") & set(each.hint))
    for char, formats in FIRST.items()
}
"""Those of them that a line without square brackets may have."""
