"""``pushover-logging run``: run a command, and push if it fails."""

from __future__ import annotations

import argparse
import os
import re
import socket
import sys
from typing import TYPE_CHECKING

from pushover_logging.client.constants import MESSAGE_LIMIT, TITLE_LIMIT, Priority
from pushover_logging.client.errors import PushoverError
from pushover_logging.config.parsing import to_int, to_seconds
from pushover_logging.render.alert import clean

from .account import add_account, add_command, application, option_type, users
from .send import as_priority, emergency_defaults, sendable

if TYPE_CHECKING:
    from .supervising import Ending

_EXAMPLE = """
pushover-logging run -- backup.sh --full
0 3 * * * pushover-logging run --always --title 'nightly backup' -- backup.sh   # in a crontab
"""
_LINES = 20
_TRY_FOR = 60.0
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
"""Colours and other sequences for terminals, which a push would show."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = add_command(commands, "run", "run a command, and push if it fails", _EXAMPLE)
    parser.add_argument("--always", action="store_true", help="also push if it succeeds")
    parser.add_argument(
        "-t", "--title", help="default: the names of the command and of this machine"
    )
    parser.add_argument(
        "-p",
        "--priority",
        type=option_type(as_priority),
        default=Priority.HIGH,
        help="priority of a failure; default: high",
    )
    parser.add_argument(
        "--success-priority",
        type=option_type(as_priority),
        default=Priority.LOW,
        metavar="PRIORITY",
        help="priority of a success, with --always; default: low",
    )
    parser.add_argument(
        "-d", "--device", help="a device, or several separated by commas; default: all devices"
    )
    parser.add_argument("-s", "--sound", help="default: the sound that is set in the app")
    parser.add_argument(
        "--lines",
        type=option_type(lambda text, option: to_int(text, option, at_least=0)),
        default=_LINES,
        metavar="N",
        help=f"the number of last lines of output to push, if they fit; default: {_LINES}",
    )
    parser.add_argument(
        "--try-for",
        type=option_type(to_seconds),
        default=_TRY_FOR,
        metavar="TIME",
        help=f"how long to retry a failed push; default: {_TRY_FOR:g}s",
    )
    add_account(parser)
    parser.add_argument("words", nargs="+", metavar="COMMAND", help="the command to run, after --")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run it; the exit code is the command's own, whether or not the push succeeds."""
    if os.name != "posix":
        raise ValueError("run passes signals and needs a POSIX system")
    from .supervising import supervise

    _open_standard_input()
    try:
        users(arguments)
        application(arguments).close()
    except ValueError as error:
        # A job that does not run is worse than a failure that is not pushed.
        _complain(f"{error}; the command runs all the same")
    ending = supervise(arguments.words)
    if ending.code or arguments.always:
        _push(arguments, ending)
    return ending.code


def _push(arguments: argparse.Namespace, ending: Ending) -> None:
    try:
        sender = application(arguments, try_for=arguments.try_for)
        sender.send(_parameters(arguments, ending))
    except (PushoverError, ValueError, OSError) as error:
        _complain(f"not pushed: {error}")
    except KeyboardInterrupt:
        _complain("not pushed: interrupted")


def _parameters(arguments: argparse.Namespace, ending: Ending) -> dict[str, str | int]:
    priority = arguments.priority if ending.code else arguments.success_priority
    parameters: dict[str, str | int] = {
        "user": ",".join(users(arguments)),
        "title": _title(arguments, ending)[:TITLE_LIMIT],
        "message": message_of(ending, arguments.lines),
        "priority": int(priority),
        "monospace": 1,
        **emergency_defaults(priority),
    }
    given = {"device": arguments.device, "sound": arguments.sound}
    return parameters | {
        name: sendable(value) for name, value in given.items() if value is not None
    }


def _title(arguments: argparse.Namespace, ending: Ending) -> str:
    """The title given, or one that names the command; never its arguments, which may be secret."""
    given = clean(sendable(arguments.title or "")).strip()
    if given:
        return given
    name = sendable(os.path.basename(arguments.words[0]))
    outcome = "failed" if ending.code else "is done"
    return clean(f"{name} {outcome} on {socket.gethostname()}")


def _open_standard_input() -> None:
    """Open a closed standard input as empty, so that no file of ours gets its number."""
    try:
        os.fstat(0)
    except OSError:
        os.open(os.devnull, os.O_RDONLY)  # it gets the lowest number that is free, which is 0
        os.set_inheritable(0, True)


def message_of(ending: Ending, lines: int) -> str:
    """How the command ended, how long it took, and as many of its last lines as fit."""
    first = ending.reason
    if ending.seconds is not None:
        first += f" after {_duration(ending.seconds)}"
    space = MESSAGE_LIMIT - len(first) - 2
    shown: list[str] = []
    for line in reversed(_lines(ending.output)[-lines:] if lines else []):
        space -= len(line) + 1
        if space < 0:
            shown = shown or [line[:space]]
            break
        shown.insert(0, line)
    return "\n".join([first, "", *shown]).rstrip()


def _lines(output: bytes) -> list[str]:
    """The lines as a terminal shows them: of a progress bar only its last state."""
    text = _ESCAPES.sub("", output.decode("utf-8", "replace")).replace("\r\n", "\n")
    lines = [clean(line.rstrip("\r").rpartition("\r")[2]).rstrip() for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _complain(text: str) -> None:
    print(f"pushover-logging run: {text}", file=sys.stderr)
