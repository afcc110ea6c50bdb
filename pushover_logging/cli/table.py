"""Draws pushes as a table in the terminal, as they arrive."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import time
from collections.abc import Sequence

from pushover_logging.client.constants import Priority

_STYLES = {
    Priority.LOWEST: ("·", "2"),
    Priority.LOW: ("○", "0"),
    Priority.NORMAL: ("●", "36"),
    Priority.HIGH: ("▲", "33"),
    Priority.EMERGENCY: ("‼", "1;31"),
}
_AT, _PRIORITY, _TITLE = 6, 9, 24
_LEAST_WIDTH = 20
"""For a text, in a terminal too narrow for the table: lines are cut there."""


class Table:
    """A table that grows at its end, with colours if stdout is a terminal."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._width = min(shutil.get_terminal_size((80, 24)).columns, 120)
        self._coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._print(f"{'time':>{_AT}}  {'priority':{_PRIORITY + 2}}  {'title':{_TITLE}}  text", "1")
        self._print("-" * self._width, "2")

    def push(self, priority: Priority, title: str, lines: Sequence[str]) -> None:
        """Print one push: its title and the lines of its text that matter."""
        sign, style = _STYLES[priority]
        begin = f"{self._now()}  {sign} {priority.name:{_PRIORITY}}  {_cut(title, _TITLE):{_TITLE}}"
        width = max(self._width - len(begin) - 2, _LEAST_WIDTH)
        for line in lines:
            for part in _wrapped(line, width):
                self._print(f"{begin}  {part}", style)
                begin = " " * len(begin)

    def event(self, text: str) -> None:
        """Print something that happened beside the pushes."""
        self._print(f"{self._now()}  {text}", "3")

    def _now(self) -> str:
        return f"{time.monotonic() - self._started:{_AT - 2}.1f} s"

    def _print(self, line: str, style: str) -> None:
        line = _cut(line, self._width)
        print(f"\033[{style}m{line}\033[0m" if self._coloured else line, flush=True)


def _wrapped(line: str, width: int) -> list[str]:
    return textwrap.wrap(line, width, max_lines=2, placeholder="...", subsequent_indent="  ")


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."
