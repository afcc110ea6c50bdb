"""The command line, ``pushover-logging``: one module a command, each parses, calls and prints."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from pushover_logging import __version__

from . import (
    cancel,
    check,
    completion,
    demo,
    forward,
    glance,
    groups,
    limits,
    receipt,
    relay,
    resolve,
    run,
    send,
    serve,
    silence,
    sounds,
    status,
    store,
    teams,
    unsilence,
)
from .endings import Exit, ending

__all__ = ["build_parser", "main"]

_COMMANDS = (
    send,
    run,
    forward,
    check,
    limits,
    sounds,
    receipt,
    cancel,
    glance,
    groups,
    teams,
    status,
    resolve,
    silence,
    unsilence,
    relay,
    store,
    serve,
    demo,
    completion,
)

_EPILOG = """\
exit codes:
  0   done: sent, valid, or the demo's sums came out
  1   refused by the service; the same again will not work; or `store check` found damage
  2   wrong usage
  75  no usable answer, no messages left this month, or a store that cannot be used: try again later
`run` ends as its command does.

The token and the user key come from --token and --user, which understand env:NAME
and file:PATH, else from the environment: PUSHOVER_TOKEN and PUSHOVER_USER.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a failure is one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a sign the terminal lacks must not end it
    arguments = build_parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has gone. The interpreter would say so once more while flushing at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except Exception as error:
        code = ending(error)
        if code is None:
            raise
        print(f"pushover-logging {arguments.command}: {error}", file=sys.stderr)
        return code


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; parsed arguments carry the command to run as ``run``."""
    parser = argparse.ArgumentParser(
        prog="pushover-logging",
        description="Alerts on a phone through Pushover: send one, look at the account, rehearse.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_to(commands)
    return parser
