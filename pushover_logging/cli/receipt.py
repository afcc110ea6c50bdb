"""``pushover-logging receipt``: show the state of an emergency."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import threading
import time
from typing import TYPE_CHECKING

from pushover_logging.config.parsing import to_whole_seconds

from .account import add_account, add_command, application, option_type
from .answering import add_json, answer, time_of
from .endings import Exit

if TYPE_CHECKING:
    from pushover_logging.client.application import Application
    from pushover_logging.client.receipts import Receipt

_EXAMPLE = """
receipt=$(pushover-logging send 'The oven is on fire' -p emergency --json | jq -r .receipt)
pushover-logging receipt "$receipt"
pushover-logging receipt "$receipt" --wait 10m && echo acknowledged
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = add_command(commands, "receipt", "show the state of an emergency", _EXAMPLE)
    parser.add_argument(
        "receipt", help="the receipt that `send` printed; the service keeps it for a week"
    )
    parser.add_argument(
        "--wait",
        type=option_type(to_whole_seconds),
        metavar="TIME",
        help="wait for an acknowledgement; exit 0: acknowledged, 1: expired, 75: still ringing",
    )
    add_json(parser)
    add_account(parser, user=False)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Exit:
    """Print its state, now or once it has been answered."""
    service = application(arguments)
    found = service.receipt(arguments.receipt)
    if arguments.wait is not None:
        found = _once_answered(service, arguments.receipt, found, arguments.wait)
    if found.gone:
        print(
            "pushover-logging receipt: the service does not know it, or no longer", file=sys.stderr
        )
        return Exit.REFUSED
    answer(arguments, dataclasses.asdict(found), *_in_words(found))
    return Exit.DONE if arguments.wait is None else _ending(found)


def _once_answered(service: Application, receipt: str, found: Receipt, seconds: float) -> Receipt:
    from pushover_logging.client.receipts import POLL_INTERVAL

    until = time.monotonic() + seconds
    while found.is_waiting and time.monotonic() + POLL_INTERVAL <= until:
        threading.Event().wait(POLL_INTERVAL)
        found = service.receipt(receipt)
    return found


def _ending(found: Receipt) -> Exit:
    if found.acknowledged:
        return Exit.DONE
    return Exit.REFUSED if found.expired else Exit.LATER


def _in_words(found: Receipt) -> list[str]:
    if found.acknowledged:
        device = found.acknowledged_by_device
        on = f" on {device}" if device else ""
        lines = [f"acknowledged at {time_of(found.acknowledged_at)}{on}"]
    elif found.expired:
        lines = [f"expired at {time_of(found.expires_at)}, and nobody acknowledged it"]
    else:
        lines = [f"rings until {time_of(found.expires_at)}, unless somebody acknowledges it"]
    if found.last_delivered_at:
        lines.append(f"last rung at {time_of(found.last_delivered_at)}")
    if found.called_back:
        lines.append(f"called back at {time_of(found.called_back_at)}")
    return lines
