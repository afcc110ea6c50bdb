"""Existing log files as records: how a line is read, which lines are one record, where to go on.

A line is unwrapped (``envelopes``), read by the names of its fields (``structured``), by a known
format (``formats``) or by its header (``headers``). Lines that belong together are joined
(``joining``). The records that match go to a ``PushoverHandler`` (``sending``).
"""

from .explaining import Row, explain
from .places import Places
from .reading import NAMES, Reader, read_line, read_text, reader_for, reader_of
from .session import Result, Session, Settings

__all__ = [
    "NAMES",
    "Places",
    "Reader",
    "Result",
    "Row",
    "Session",
    "Settings",
    "explain",
    "read_line",
    "read_text",
    "reader_for",
    "reader_of",
]
