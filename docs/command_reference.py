"""Writes the reference of all commands and options, from the parsers of the command line."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator

from pushover_logging.cli import build_parser

PLACE = ".. the commands, which docs/command_reference.py fills in"
"""The line of the page that the reference replaces."""


def command_reference() -> str:
    """The sections of all commands, in reStructuredText."""
    return "\n".join(_section(build_parser(), "-"))


def parsers(
    parser: argparse.ArgumentParser,
) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """The commands directly below a parser: name, purpose and parser."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            purposes = {each.dest: each.help or "" for each in action._choices_actions}
            for name, below in action.choices.items():
                yield name, purposes[name], below


def _section(parser: argparse.ArgumentParser, underline: str) -> Iterator[str]:
    for _, purpose, below in parsers(parser):
        title = below.prog.removeprefix("pushover-logging ")
        yield from (title, underline * len(title), "")
        yield from (f"{purpose[:1].upper()}{purpose[1:]}.", "")
        rows = [row for action in below._actions if (row := _row(action, below)) is not None]
        yield from (".. list-table::", "   :widths: 32 68", "")
        for spelling, meaning in rows:
            yield f"   * - {spelling}"
            yield f"     - {meaning}"
        yield ""
        if below.epilog:
            yield from (".. code-block:: text", "")
            example = below.epilog.partition("\n")[2]
            yield from textwrap.indent(textwrap.dedent(example), "   ").splitlines()
            yield ""
        yield from _section(below, "~")


def _row(action: argparse.Action, parser: argparse.ArgumentParser) -> tuple[str, str] | None:
    if isinstance(action, argparse._SubParsersAction):
        return None
    names = action.option_strings or [str(action.metavar or action.dest)]
    value = ""
    if action.option_strings and action.nargs != 0:
        choices = "|".join(map(str, action.choices or ()))
        value = f" {action.metavar or choices or action.dest.upper()}"
    spelling = ", ".join(f"``{name}{value}``" for name in names)
    meaning = (action.help or "").replace("%(prog)s", parser.prog).replace("%%", "%")
    return spelling, meaning.replace("*", r"\*").replace("`", "``")
