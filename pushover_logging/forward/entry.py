"""Entry: what one line of a log says."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """The first line of a record, read."""

    message: str
    level: int | None = None
    """A level of Python's; None where the line does not say."""
    logger: str | None = None
    time: str | float | None = None
    """As the line has it; ``times.time_of`` reads it."""
    traceback: str | None = None
    format: str = ""
    """The name of the format that it was read by."""
    level_at: tuple[int, int] | None = None
    """Where in the line the level's word stands, if lines like it may be passed over in bulk."""
    is_more: bool = False
    """It continues the record before it, though it has a header."""
