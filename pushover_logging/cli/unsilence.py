"""``pushover-logging unsilence``: end a silence early."""

from __future__ import annotations

import argparse

from .account import add_command
from .endings import Exit
from .store_access import add_name, add_store_access, answer_handed_over, operators

_EXAMPLE = """
pushover-logging unsilence disk --store local
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = add_command(commands, "unsilence", "end a silence early", _EXAMPLE)
    add_name(parser)
    add_store_access(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Exit:
    """Hand it over to the process that sends, which then pushes a summary."""
    with operators(arguments) as access:
        done = access.unsilence(arguments.name)
        return answer_handed_over(arguments, done, "no longer silenced:")
