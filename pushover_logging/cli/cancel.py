"""``pushover-logging cancel``: stop the ringing of an emergency."""

from __future__ import annotations

import argparse

from .account import add_account, add_command, application
from .answering import add_json, answer
from .endings import Exit

_EXAMPLE = """
pushover-logging cancel "$receipt"
pushover-logging cancel --tag nas
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = add_command(commands, "cancel", "stop the ringing of an emergency", _EXAMPLE)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("receipt", nargs="?", help="the receipt that `send` printed")
    which.add_argument("--tag", help="stop every emergency that was sent with this tag")
    add_json(parser)
    add_account(parser, user=False)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Exit:
    """Stop it, and say how many were stopped."""
    service = application(arguments)
    if arguments.tag is None:
        service.cancel(arguments.receipt)
        answer(arguments, {"canceled": 1}, "cancelled")
    else:
        count = service.cancel_by_tag(arguments.tag)
        noun = "emergency" if count == 1 else "emergencies"
        answer(arguments, {"canceled": count}, f"{count} {noun} cancelled")
    return Exit.DONE
