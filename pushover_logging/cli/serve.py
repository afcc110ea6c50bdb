"""``pushover-logging serve``: a Pushover of one's own on loopback, until Ctrl-C."""

from __future__ import annotations

import argparse
import functools
from typing import TYPE_CHECKING

from pushover_logging.config.secrets import resolve_token, resolve_users

from .account import add_command
from .endings import Exit

if TYPE_CHECKING:
    from pushover_logging.devserver import DevServer

_PORT = 8765
_EXAMPLE = """
pushover-logging serve --port 8765 --db inbox.db
export PUSHOVER_API_URL=http://127.0.0.1:8765/1/   # in the application's shell
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands, "serve", "run a Pushover of your own on 127.0.0.1, to develop against", _EXAMPLE
    )
    parser.add_argument(
        "--port", type=int, default=_PORT, help=f"default: {_PORT}; 0: any that is free"
    )
    parser.add_argument("--token", help="the only valid token, or env:NAME, or file:PATH")
    parser.add_argument("--user", help="the only valid user key, or env:NAME, or file:PATH")
    parser.add_argument(
        "--db", metavar="FILE", help="keep the inbox in this SQLite file, which is made if missing"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Exit:
    """Serve until interrupted; what is printed first is what an application needs."""
    from pushover_logging.devserver import serve

    token = None if arguments.token is None else resolve_token(arguments.token)
    user = None if arguments.user is None else resolve_users(arguments.user)[0]
    given = {name for name, key in (("token", token), ("user", user)) if key}
    introduce = functools.partial(_introduce, given)
    try:
        serve(port=arguments.port, token=token, user=user, db=arguments.db, on_ready=introduce)
    except KeyboardInterrupt:
        print()
    return Exit.DONE


def _introduce(given: set[str], server: DevServer) -> None:
    print("A Pushover of your own, for this machine only. In the shell of your application:\n")
    print(f"export PUSHOVER_API_URL={server.url}")
    # A key that was given may be a real one; only those that the server makes up are shown.
    for name, key in (("token", server.token), ("user", server.user)):
        print(f"export PUSHOVER_{name.upper()}={'...' if name in given else key}")
    print(f"\nWhat arrived: {server.base_url}/   Ctrl-C ends it.", flush=True)
