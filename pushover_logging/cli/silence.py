"""``pushover-logging silence``: only count a problem for some time."""

from __future__ import annotations

import argparse

from pushover_logging.config.parsing import to_seconds

from .account import add_command, option_type
from .endings import Exit
from .store_access import add_name, add_store_access, answer_handed_over, operators

_MOST = 366 * 86_400.0
_EXAMPLE = """
pushover-logging silence disk 2h --store local
pushover-logging silence 3f2a 1h30m --store sqlite:////var/lib/shop/alerts.sqlite
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands, "silence", "count a problem for some time without a push", _EXAMPLE
    )
    add_name(parser)
    parser.add_argument(
        "duration",
        metavar="TIME",
        type=option_type(
            lambda text, option: to_seconds(text, option, at_least=1.0, at_most=_MOST)
        ),
        help="the duration, such as 30m or 2h; a summary follows at its end",
    )
    add_store_access(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Exit:
    """Hand it over to the process that sends."""
    with operators(arguments) as access:
        done = access.silence(arguments.name, arguments.duration)
        return answer_handed_over(arguments, done, "silenced")
