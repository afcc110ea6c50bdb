"""``pushover-logging resolve``: end a problem and cancel its emergencies."""

from __future__ import annotations

import argparse

from .account import add_command
from .endings import Exit
from .store_access import add_name, add_store_access, answer_handed_over, operators

_EXAMPLE = """
pushover-logging resolve disk --store local
pushover-logging resolve 3f2a --store redis://redis.example.org/0
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = add_command(commands, "resolve", "end a problem, and cancel its ringing", _EXAMPLE)
    add_name(parser)
    add_store_access(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Exit:
    """Hand it over to the process that sends."""
    with operators(arguments) as access:
        return answer_handed_over(arguments, access.resolve(arguments.name), "resolved")
