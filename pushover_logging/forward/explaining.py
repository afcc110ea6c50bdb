"""Shows how the first lines of a log are read, as the rows of a table."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from .envelopes import Unwrapper
from .files import OpenFile
from .joining import Joiner
from .reading import Reader, name_of, read_text
from .times import time_of

LINES: Final = 40
"""Lines that are shown of a log."""


class Row(NamedTuple):
    """How one line is read."""

    number: int
    level: str
    time: str
    logger: str
    text: str
    format: str


def explain(path: Path, reader: Reader = read_text, lines: int = LINES) -> Iterator[Row]:
    """How each of the first lines is read. Raises OSError for a file that cannot be read."""
    file = OpenFile(path)
    unwrapper = Unwrapper()
    joiners: dict[str, Joiner] = {}
    number = 0
    pieces = file.read() + file.last_line()
    file.close()
    texts: list[str] = []
    for piece in pieces:
        texts += piece.data.decode("utf-8", "replace").removesuffix("\n").split("\n")
    for line in texts[:lines]:
        number += 1
        if not line.strip():
            continue
        known = unwrapper.unwrap(line)
        if known is None:
            yield Row(number, "", "", "", line, "part of a line")
            continue
        joiner = joiners.setdefault(known.source, Joiner(reader, logging.DEBUG, lambda: 0.0))
        held = joiner.holds
        joiner.feed(known)
        entry = joiner.last
        if entry is None:
            is_more = joiner.was_more and held
            yield Row(number, "", "", "", known.text, "continues" if is_more else "not known")
            continue
        seconds = time_of(entry.time, file_time(path)) if entry.time is not None else None
        yield Row(
            number,
            "" if entry.level is None else logging.getLevelName(entry.level),
            "" if seconds is None else shown_time(seconds),
            entry.logger or "",
            entry.message or known.text,
            name_of(entry, known.text),
        )


def file_time(path: Path) -> float:
    """When a log was last written to; dates its lines that have no year."""
    return path.stat().st_mtime


def shown_time(seconds: float) -> str:
    """A time as people read it, in the machine's zone."""
    from datetime import datetime

    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M:%S}"
