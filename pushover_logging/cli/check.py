"""``pushover-logging check``: is the account good, on which devices, what is left of the month."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .account import add_account, add_command, application, users
from .endings import Exit

if TYPE_CHECKING:
    from pushover_logging.client.answers import Allowance

_EXAMPLE = """
PUSHOVER_TOKEN=... PUSHOVER_USER=... pushover-logging check
pushover-logging check --token file:/run/secrets/pushover --user env:ON_CALL
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands, "check", "check the token, the user and what is left of the month", _EXAMPLE
    )
    add_account(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Exit:
    """Print a line for each; the first that the service refuses ends it."""
    keys = users(arguments)
    service = application(arguments)
    allowance = service.limits()
    print("token: valid")
    print(f"month: {_left(allowance)}")
    for number, key in enumerate(keys, start=1):
        found = service.validate(key)
        kind = "group" if found.is_group else "user"
        which = f" {number} of {len(keys)}" if len(keys) > 1 else ""
        devices = "" if found.is_group else f", {_named(found.devices)}"
        print(f"{kind}{which}: valid{devices}")
    return Exit.DONE


def _left(allowance: Allowance) -> str:
    if allowance.limit is None or allowance.remaining is None:
        return "the service does not say how many messages are left"
    left = f"{allowance.remaining:,} of {allowance.limit:,} messages left"
    return f"{left} until {allowance.reset:%Y-%m-%d %H:%M %Z}" if allowance.reset else left


def _named(devices: tuple[str, ...]) -> str:
    return f"devices {', '.join(devices)}" if devices else "but without an active device"
