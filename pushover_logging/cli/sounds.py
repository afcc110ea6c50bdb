"""``pushover-logging sounds``: what a message may sound like."""

from __future__ import annotations

import argparse

from .account import add_account, add_command, application
from .answering import add_json, answer
from .endings import Exit

_EXAMPLE = """
pushover-logging sounds
pushover-logging send 'Dinner' --sound bugle
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands, "sounds", "list the sounds that a message may have, including your own", _EXAMPLE
    )
    add_json(parser)
    add_account(parser, user=False)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Exit:
    """Print the names that --sound takes, and what the phone calls them."""
    found = application(arguments).get("sounds.json").body.get("sounds")
    sounds = found if isinstance(found, dict) else {}
    width = max(map(len, sounds), default=0)
    answer(arguments, {"sounds": sounds}, *(f"{name:{width}}  {sounds[name]}" for name in sounds))
    return Exit.DONE
