"""``pushover-logging demo``: show what a phone gets from an application that only logs."""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pushover_logging.client.constants import Priority
from pushover_logging.config.levels import PriorityByLevel
from pushover_logging.config.secrets import resolve_token, resolve_users

from .account import add_command
from .demo_processes import Application, find_example, server
from .demo_pushes import PushDisplay
from .endings import Exit
from .table import Table

_EXAMPLE = """
pushover-logging demo
pushover-logging demo --keep
PUSHOVER_TOKEN=... PUSHOVER_USER=... pushover-logging demo --real
"""
_DEADLINE = 90.0
_POLL_EVERY = 0.05
_SHORT_WAITS = {"wait_initial": 0.5, "wait_max": 1.0}
"""For a local server only; Pushover wants 5 seconds, which is the default."""
_STORM = "the shop closes; its stocktaking runs into a loop of 100,000 errors"
_WORKERS = "four workers of the shop share a store; each logs the same 250 errors"
_KILLED = "a worker was killed right after its last error"
_LOGGED = re.compile(r"\S+ \S+ (?P<level>[A-Z]+) +(?P<name>shop\S*): (?P<text>.*)")
"""A record in the example's log file; the lines of tracebacks are not like it."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands, "demo", "show what a phone gets from an application that only logs", _EXAMPLE
    )
    parser.add_argument(
        "--real",
        action="store_true",
        help="send to your phone, with PUSHOVER_TOKEN and PUSHOVER_USER; it rings three times",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep the inbox page open at the end, until Ctrl-C",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Exit:
    """Show it; DONE if every record that the application logged is accounted for."""
    with tempfile.TemporaryDirectory(prefix="pushover-logging-demo-") as folder:
        if arguments.real:
            return _really(Path(folder))
        with server() as account:
            ending = _locally(Path(folder), account)
            if arguments.keep:
                _keep(account)
            return ending


def _locally(folder: Path, account: Mapping[str, str]) -> Exit:
    print(f"The application: {_short(find_example())}, which only logs.")
    print(f"The phone: a local Pushover server, {_inbox(account)}\nIt gets:\n")
    table = Table()
    display = PushDisplay(account["PUSHOVER_API_URL"].removesuffix("/1/"), table)
    shop = Application(find_example(), folder / "shop", account, retry_policy=_SHORT_WAITS)
    _follow(shop, display.show_news)
    display.ring_out()
    table.event(_STORM)
    storm = Application(find_example("stocktaking.py"), folder / "storm", account)
    _follow(storm, display.show_news)
    display.ring_out()
    ending = _add_up([shop, storm], display.pushes, display.records)
    if ending is not Exit.DONE or os.name == "nt":
        return ending
    return _share(folder, account, display, table)


def _share(folder: Path, account: Mapping[str, str], display: PushDisplay, table: Table) -> Exit:
    """Show processes with one store: they ring once, and a killed one loses nothing."""
    print()
    table.event(_WORKERS)
    records, store = display.records, f"sqlite:///{folder}/alerts.db"
    fates = [{"SHOP_MEMORY": "none"}, {}, {}, {}]
    workers = [
        Application(
            find_example("shop_worker.py"),
            folder / f"worker{number}",
            {**account, **fate},
            store=store,
        )
        for number, fate in enumerate(fates)
    ]
    _follow(workers[0], display.show_news)
    table.event(_KILLED)
    for worker in workers[1:]:
        _follow(worker, display.show_news)
    display.ring_out()
    logged = sum(len(_records(worker)) for worker in workers)
    stand_for = display.records - records
    print(f"\n{logged:,} records logged by 4 processes; pushes stand for {stand_for:,} records")
    if logged == stand_for:
        print("It adds up: one problem rang once, and the killed process lost nothing.")
        return Exit.DONE
    complaints = " ".join(worker.complaints() for worker in workers)
    print(f"It does not add up. {complaints}".strip(), file=sys.stderr)
    return Exit.REFUSED


def _inbox(account: Mapping[str, str]) -> str:
    return account["PUSHOVER_API_URL"].removesuffix("1/")


def _keep(account: Mapping[str, str]) -> None:
    print(f"The inbox stays open at {_inbox(account)} until Ctrl-C.", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print()  # this is how the user ends it


def _really(folder: Path) -> Exit:
    resolve_token()
    resolve_users()
    print(f"The application: {_short(find_example())}, which only logs.")
    print("The phone: yours. It gets:\n")
    table = Table()
    shop = Application(find_example(), folder / "shop", {})
    _follow(shop, _Echo(shop, table).show_news)
    table.event(_STORM)
    storm = Application(find_example("stocktaking.py"), folder / "storm", {})
    _follow(storm, lambda: None)
    counts = shop.counts() + storm.counts()
    return _add_up([shop, storm], counts["pushes"], counts["delivered"])


class _Echo:
    """Shows the records that the application logs, where the phone itself cannot be shown."""

    def __init__(self, application: Application, table: Table) -> None:
        self._application = application
        self._table = table
        self._priorities = PriorityByLevel()
        self._shown = 0

    def show_news(self) -> None:
        """Show the records that were logged since the last call."""
        for record in _records(self._application)[self._shown :]:
            self._shown += 1
            priority = self._priorities[getattr(logging, record["level"])]
            title = f"{record['level']} {record['name']}"
            self._table.push(Priority(priority or 0), title, [record["text"]])


def _follow(application: Application, show_news: Callable[[], None]) -> None:
    """Show news until the application has ended, and once more."""
    until = time.monotonic() + _DEADLINE
    try:
        while application.is_running(_POLL_EVERY):
            show_news()
            if time.monotonic() > until:
                raise TimeoutError(f"the application did not end within {_DEADLINE:g} s")
    finally:
        application.end()
    show_news()


def _records(application: Application) -> list[re.Match[str]]:
    """The records in the log file of the application."""
    return [found for line in application.log() if (found := _LOGGED.fullmatch(line))]


def _add_up(applications: Sequence[Application], pushes: int, stand_for: int) -> Exit:
    """Print the sums of the log files, of the handlers' counts, and of the pushes that arrived."""
    logged = sum(len(_records(application)) for application in applications)
    counts = sum((application.counts() for application in applications), Counter[str]())
    print(
        f"\n{logged:,} records logged = {counts['delivered']:,} delivered"
        f" + {counts['pending']:,} pending + {counts['dropped']:,} dropped"
        f"\n{pushes} pushes stand for {stand_for:,} records"
    )
    if (
        logged == counts["accepted"] == counts["delivered"] == stand_for
        and counts["pushes"] == pushes
    ):
        print("It adds up: nothing was lost, and nothing came twice.")
        return Exit.DONE
    complaints = " ".join(application.complaints() for application in applications)
    print(f"It does not add up. {complaints}".strip(), file=sys.stderr)
    return Exit.REFUSED


def _short(path: Path) -> str:
    """The path, relative to the current folder if that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)
