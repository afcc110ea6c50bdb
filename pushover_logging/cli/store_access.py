"""Which store: the same options for every command for operators."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from pushover_logging.config import read_config

from .account import add_account, check_account
from .answering import add_json, answer, time_of
from .endings import Exit

if TYPE_CHECKING:
    from pushover_logging.delivery.operators import HandedOver, Operators

STORE_HELP = "local, sqlite:///path or redis://host/0, as in the applications; or env:NAME"


def add_store_access(parser: argparse.ArgumentParser) -> None:
    """Add --store, --encryption-key, --json, and the account whose store it is."""
    parser.add_argument("--store", required=True, metavar="URL", help=STORE_HELP)
    parser.add_argument(
        "--encryption-key",
        metavar="KEY",
        help="64 hex digits, or env:NAME, or file:PATH, if the applications have one and use redis",
    )
    add_json(parser)
    add_account(parser, service=False)


def add_name(parser: argparse.ArgumentParser) -> None:
    """Add the key or id of a group."""
    parser.add_argument(
        "name",
        metavar="KEY|GROUP",
        help="the key, or the id that `status` shows; the first 4 digits of an id are enough",
    )


@contextmanager
def operators(arguments: argparse.Namespace) -> Iterator[Operators]:
    """The access to the store, for the length of a with block."""
    from pushover_logging.delivery.operators import Operators

    check_account(arguments)
    config = read_config(
        {
            "token": arguments.token,
            "user": arguments.user,
            "store": arguments.store,
            "encryption_key": arguments.encryption_key,
        }
    )
    access = Operators(config)
    try:
        yield access
    finally:
        access.close()


def answer_handed_over(arguments: argparse.Namespace, done: HandedOver, what: str) -> Exit:
    """Say what becomes of a notice for the sender."""
    until = None if done.until is None else datetime.fromtimestamp(done.until, timezone.utc)
    names = " and ".join(done.names)
    lines = [f"{what} {names}" + (f" until {time_of(until)}" if until else "")]
    lines += [f"  {group.id}  {group.title}: {_first_line(group.message)}" for group in done.groups]
    if not done.groups and not done.is_taken:
        lines.append("no group has this key or id so far")
    elif not done.groups:
        lines.append("the sender knows no group with this key or id so far")
    if not done.has_sender:
        lines.append("no process sends now; it takes effect when the next process begins to")
    elif not done.is_taken:
        lines.append("the sender has not taken it yet")
    facts: dict[str, object] = {
        "names": done.names,
        "groups": [group.id for group in done.groups],
        "taken": done.is_taken,
        "sender": done.has_sender,
    }
    if until is not None:
        facts["until"] = until
    answer(arguments, facts, *lines)
    return Exit.DONE


def _first_line(text: str) -> str:
    line, _, _ = text.strip().partition("\n")
    return line if len(line) <= 100 else f"{line[:97]}..."
