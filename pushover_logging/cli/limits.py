"""``pushover-logging limits``: what is left of the month."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING

from .account import add_account, add_command, application
from .answering import add_json, answer
from .endings import Exit

if TYPE_CHECKING:
    from pushover_logging.client.answers import Allowance

_EXAMPLE = """
pushover-logging limits
pushover-logging limits --json | jq .remaining
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = add_command(commands, "limits", "show how many messages are left this month", _EXAMPLE)
    add_json(parser)
    add_account(parser, user=False)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Exit:
    """Print what the service says."""
    allowance = application(arguments).limits()
    answer(arguments, dataclasses.asdict(allowance), what_is_left(allowance))
    return Exit.DONE


def what_is_left(allowance: Allowance) -> str:
    """The allowance in words."""
    if allowance.limit is None or allowance.remaining is None:
        return "the service does not say how many messages are left"
    left = f"{allowance.remaining:,} of {allowance.limit:,} messages left"
    return f"{left} until {allowance.reset:%Y-%m-%d %H:%M %Z}" if allowance.reset else left
