"""The command line, ``pushover-logging``: one module for each command."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

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

_LIKE_A_KEY = re.compile(r"(?=[^\s'\"=]*[0-9])(?=[^\s'\"=]*[A-Za-z])[^\s'\"=]{20,}")
"""Also a key with a sign in it that no key has."""

_EPILOG = """\
exit codes:
  0    done: sent, valid, or the sums of the demo match
  1    refused by the service, or `store check` found damage
  2    wrong usage, a missing key, or an extra that is not installed
  75   no usable answer, no messages left this month, or an unusable store; try again later
  130  interrupted by Ctrl-C
`run` ends with the exit code of its command.

The token and the user key come from --token and --user, which accept env:NAME and
file:PATH, else from the environment variables PUSHOVER_TOKEN and PUSHOVER_USER.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a failure is one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="replace"
            )  # a character that the terminal lacks must not end it
    arguments = build_parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader closed the pipe, which the interpreter would report again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except Exception as error:
        code = ending(error)
        if code is None:
            raise
        print(f"pushover-logging {arguments.command}: {error}", file=sys.stderr)
        return code


class _Parser(argparse.ArgumentParser):
    """argparse quotes a word that it does not understand, which may be a key in the wrong place."""

    def error(self, message: str) -> NoReturn:
        super().error(_LIKE_A_KEY.sub("***", message))


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; parsed arguments carry the command to run as ``run``."""
    parser = _Parser(
        prog="pushover-logging",
        description="Send alerts to a phone through Pushover, and test them on this machine.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_to(commands)
    return parser
