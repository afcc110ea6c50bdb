"""``pushover-logging glance``: show texts or numbers on a smartwatch or a widget."""

from __future__ import annotations

import argparse

from .account import add_account, add_command, application, users
from .answering import add_json, answer
from .endings import Exit

_EXAMPLE = """
pushover-logging glance --title queue --count 17
pushover-logging glance --text 'backup runs' --percent 40
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands, "glance", "show texts or numbers on a smartwatch or a widget", _EXAMPLE
    )
    for name in ("title", "text", "subtext"):
        parser.add_argument(f"--{name}", help="at most 100 characters; default: unchanged")
    parser.add_argument(
        "--count", type=int, metavar="N", help="a number, which may be negative; default: unchanged"
    )
    parser.add_argument("--percent", type=int, metavar="N", help="0 to 100; default: unchanged")
    parser.add_argument("-d", "--device", help="a device; default: all devices")
    add_json(parser)
    add_account(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Exit:
    """Update every user's screens."""
    service, keys = application(arguments), users(arguments)
    shown = {name: getattr(arguments, name) for name in ("title", "text", "subtext")}
    ids = [
        service.glance(
            key, arguments.device, **shown, count=arguments.count, percent=arguments.percent
        ).id
        for key in keys
    ]
    answer(arguments, {"requests": ids}, *(f"shown, request {each}" for each in ids))
    return Exit.DONE
