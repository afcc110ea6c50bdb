"""``pushover-logging check``: check the token, the user and the messages left this month."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING

from .account import add_account, add_command, application, users
from .answering import add_json, answer
from .endings import Exit
from .limits import what_is_left

if TYPE_CHECKING:
    from pushover_logging.client.users import Validation

_EXAMPLE = """
PUSHOVER_TOKEN=... PUSHOVER_USER=... pushover-logging check
pushover-logging check --token file:/run/secrets/pushover --user env:ON_CALL
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands, "check", "check the token, the user and the messages left this month", _EXAMPLE
    )
    add_json(parser)
    add_account(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Exit:
    """Print a line for each; the first that the service refuses ends it."""
    keys = users(arguments)
    service = application(arguments)
    allowance = service.limits()
    say = _say_nothing if arguments.json else print
    say("token: valid")
    say(f"month: {what_is_left(allowance)}")
    found = []
    for number, key in enumerate(keys, start=1):
        found.append(service.validate(key))
        which = f" {number} of {len(keys)}" if len(keys) > 1 else ""
        say(_in_words(found[-1], which))
    people = [dataclasses.asdict(each) for each in found]
    answer(arguments, {**dataclasses.asdict(allowance), "users": people})
    return Exit.DONE


def _say_nothing(line: str) -> None:
    """What people see while it is being found out, scripts get at the end."""


def _in_words(found: Validation, which: str) -> str:
    if found.is_group:
        return f"group{which}: valid"
    return f"user{which}: valid, {_named(found.devices)}"


def _named(devices: tuple[str, ...]) -> str:
    return f"devices {', '.join(devices)}" if devices else "but without an active device"
