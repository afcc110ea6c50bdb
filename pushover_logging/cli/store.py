"""``pushover-logging store``: check a store for damage, or empty it."""

from __future__ import annotations

import argparse
import sys
import time

from .account import add_command
from .answering import answer
from .endings import Exit
from .store_access import add_store_access, operators

_EXAMPLE = """
pushover-logging store check --store local
pushover-logging store clear --store sqlite:////var/lib/shop/alerts.sqlite --yes
"""
_SHOW_EACH = 0.2


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and those below it."""
    parser = add_command(commands, "store", "check a store for damage, or empty it", _EXAMPLE)
    below = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = add_command(
        below,
        "check",
        "read everything in the store, and name damaged parts",
        "pushover-logging store check --store local",
    )
    clear = add_command(
        below,
        "clear",
        "delete groups, silences, counts and all pending alerts",
        "pushover-logging store clear --store local --yes",
    )
    clear.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    for each, run in ((check, _check), (clear, _clear)):
        add_store_access(each)
        each.set_defaults(run=run)


def _check(arguments: argparse.Namespace) -> Exit:
    progress = _Progress("read")
    with operators(arguments) as access:
        found = access.check(progress)
    progress.end()
    count = sum(found.notices.values())
    kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(found.notices.items()))
    answer(
        arguments,
        {"keys": found.keys, "notices": found.notices, "problems": found.problems},
        f"{found.keys} keys of state, {count} notices that wait" + (f" ({kinds})" if kinds else ""),
        *(f"problem: {problem}" for problem in found.problems),
        *(() if found.problems else ("no damage found",)),
    )
    return Exit.REFUSED if found.problems else Exit.DONE


def _clear(arguments: argparse.Namespace) -> Exit:
    with operators(arguments) as access:
        if not arguments.yes:
            report = access.report()
            what = f"{report.waiting} notices and {report.state.pending} counted records"
            if not sys.stdin.isatty():
                raise ValueError(f"it would delete {what}; say --yes")
            print(f"Delete {what}, and all groups? [y/N] ", end="", file=sys.stderr, flush=True)
            if sys.stdin.readline().strip().lower() not in ("y", "yes"):
                print("nothing is deleted", file=sys.stderr)
                return Exit.REFUSED
        progress = _Progress("deleted")
        cleared = access.clear(progress)
    progress.end()
    answer(
        arguments,
        {
            "keys": cleared.keys,
            "notices": cleared.notices,
            "records": cleared.records,
            "ringing": cleared.ringing,
        },
        f"{cleared.keys} keys of state, {cleared.notices} notices and {cleared.records} records"
        " that were taken in are deleted",
        *(f"it rings on: pushover-logging cancel {receipt}" for receipt in cleared.ringing),
    )
    return Exit.DONE


class _Progress:
    """How many notices are done, on the last line of a terminal, once it takes long."""

    def __init__(self, done: str) -> None:
        self._done = done
        self._shows = sys.stderr.isatty()
        self._next = time.monotonic() + _SHOW_EACH
        self._shown = False

    def __call__(self, count: int, total: int) -> None:
        now = time.monotonic()
        if self._shows and now >= self._next:
            self._next = now + _SHOW_EACH
            self._shown = True
            line = f"{count:,} of {total:,} notices {self._done}"
            print(f"\r{line}\033[K", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Take the line away."""
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
