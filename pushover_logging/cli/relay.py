"""``pushover-logging relay``: a process that sends for all others that share a store."""

from __future__ import annotations

import argparse
import select
import signal
import sys

from pushover_logging.config import read_config

from .account import add_account, add_command, check_account
from .answering import add_json, answer
from .endings import Exit
from .handler_options import add_handler_options, handler_options
from .store_access import STORE_HELP
from .wakeups import wakeups

_EXAMPLE = """
pushover-logging relay --store sqlite:////var/lib/shop/alerts.sqlite
pushover-logging relay --store redis://redis.example.org/0 --option grouping.interval=10m
"""
_ACCOUNT = ("token", "user", "api_url", "store")
_CALLBACKS = ("on_error", "on_acknowledged", "fallback")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands, "relay", "send for all processes that share a store, until SIGTERM", _EXAMPLE
    )
    parser.add_argument("--store", required=True, metavar="URL", help=STORE_HELP)
    add_handler_options(parser, "grouping.interval=10m")
    add_json(parser)
    add_account(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Exit:
    """Become the sender of the store, and stay it until a signal comes."""
    check_account(arguments)
    options = handler_options(arguments, {})
    for name in _ACCOUNT:
        if name in options:
            raise ValueError(f"--option {name} is not for relay; use --{name.replace('_', '-')}")
        options[name] = getattr(arguments, name)
    for name in _CALLBACKS:
        if name in options:
            raise ValueError(f"--option {name}: relay has no callbacks; leave it out")
    try:
        config = read_config(options)
    except TypeError as error:
        raise ValueError(str(error)) from None  # an unknown option is wrong usage here

    from pushover_logging.delivery.shared import sender_for
    from pushover_logging.delivery.worker import WORKER
    from pushover_logging.handler import PushoverHandler

    if signal.getsignal(signal.SIGTERM) is signal.SIG_IGN:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # nothing else ends it
    with wakeups(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        sender = sender_for(config)
        sender.be_relay()
        handler = PushoverHandler(**options)  # type: ignore[arg-type]  # its worker sends
        _say(
            f"sends for the store until SIGTERM; it has no callbacks, so that {_named(_CALLBACKS)}"
            " of the applications are not called"
        )
        select.select([signals], [], [])
        signals.recv(100)
        WORKER.finish()
        handler.close()
    sent = handler.stats()
    answer(
        arguments,
        {"delivered": sent.delivered, "pushes": sent.pushes},
        f"records delivered: {sent.delivered}, pushes: {sent.pushes}",
    )
    return Exit.DONE


def _named(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _say(text: str) -> None:
    print(f"pushover-logging relay: {text}", file=sys.stderr, flush=True)
