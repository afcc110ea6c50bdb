"""``pushover-logging check``: is the account good, on which devices, what is left of the month."""

from __future__ import annotations

import argparse

from .account import add_account, add_command, application, users
from .endings import Exit

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
    """Print one line each; the first that the service refuses ends it."""
    keys = users(arguments)
    service = application(arguments)
    limits = service.limits()
    print("token  is valid")
    print(f"month  {_left(limits.remaining, limits.limit)}{_until(limits.reset)}")
    for key in keys:
        found = service.validate(key)
        kind = "group" if found.group else "user"
        print(f"{kind:5}  is valid: {', '.join(found.devices) or 'no devices'}")
    return Exit.DONE
