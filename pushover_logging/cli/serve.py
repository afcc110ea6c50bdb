"""``pushover-logging serve``: runs a local Pushover server until Ctrl-C."""

from __future__ import annotations

import argparse
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
        commands,
        "serve",
        "run a local Pushover server on this machine, to develop against",
        _EXAMPLE,
    )
    parser.add_argument(
        "--port", type=int, default=_PORT, help=f"0 takes a free port; default: {_PORT}"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="a loopback address to bind to; default: 127.0.0.1"
    )
    parser.add_argument("--token", help="the only valid token, or env:NAME, or file:PATH")
    parser.add_argument("--user", help="the only valid user key, or env:NAME, or file:PATH")
    parser.add_argument(
        "--db", metavar="FILE", help="keep the inbox in this SQLite file; it is created if missing"
    )
    fixed = parser.add_argument_group("clients with a fixed address, such as api.pushover.net")
    fixed.add_argument(
        "--host-name",
        metavar="NAME",
        action="append",
        default=[],
        help="also answer requests to this host name; may be repeated",
    )
    fixed.add_argument("--tls-cert", metavar="FILE", help="serve https with this PEM certificate")
    fixed.add_argument("--tls-key", metavar="FILE", help="the PEM key of the certificate")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Exit:
    """Serve until interrupted; print first what an application needs."""
    from pushover_logging.devserver import serve

    if (arguments.tls_cert is None) != (arguments.tls_key is None):
        raise ValueError("--tls-cert and --tls-key must be given together")
    tls = None if arguments.tls_cert is None else (arguments.tls_cert, arguments.tls_key)
    token = None if arguments.token is None else resolve_token(arguments.token)
    user = None if arguments.user is None else resolve_users(arguments.user)[0]

    def introduce(server: DevServer) -> None:
        print("Local Pushover server. In the shell of your application:\n")
        print(f"export PUSHOVER_API_URL={server.url}")
        # A key that was given may be a real one; only the server's own are printed.
        print(f"export PUSHOVER_TOKEN={server.token if token is None else '...'}")
        print(f"export PUSHOVER_USER={server.user if user is None else '...'}")
        if arguments.host_name:
            print(f"\nIt also answers as {', '.join(arguments.host_name)}.")
        print(f"\nInbox: {server.base_url}/   Press Ctrl-C to stop.", flush=True)

    try:
        serve(
            arguments.host,
            arguments.port,
            token,
            user,
            hosts=arguments.host_name,
            tls=tls,
            db=arguments.db,
            on_ready=introduce,
        )
    except KeyboardInterrupt:
        print()
    return Exit.DONE
