"""``pushover-logging teams``: the members of a Pushover for Teams account."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING

from pushover_logging.client.address import resolve_api_url
from pushover_logging.config.secrets import resolve_token, secret_text

from .account import add_command, check_account
from .answering import add_json, answer
from .endings import Exit

if TYPE_CHECKING:
    from pushover_logging.client.teams import Team, TeamUser

_EXAMPLE = """
pushover-logging teams list --token env:TEAM_TOKEN
pushover-logging teams add ada@example.org --name 'Ada Lovelace' --group 'on call'
pushover-logging teams remove ada@example.org
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its actions."""
    parser = add_command(commands, "teams", "list, add and remove members of a team", _EXAMPLE)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_action(actions, "list", "list the team's members and their devices", _list)
    add = _add_action(actions, "add", "add a member by e-mail address", _add)
    add.add_argument("--name", help="the member's full name")
    add.add_argument(
        "--password",
        metavar="env:NAME|file:PATH",
        help="the new account's password; default: a random password, which is sent by e-mail",
    )
    add.add_argument(
        "--instant", action="store_true", help="send a link that signs the member in, for 7 days"
    )
    add.add_argument("--admin", action="store_true", help="make the member an administrator")
    add.add_argument("--group", help="the name of the group to join; default: the team's own group")
    _add_action(actions, "remove", "remove a member from the team", _remove)
    _add_action(actions, "revoke", "withdraw an invitation to the team", _revoke)


def _add_action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    purpose: str,
    run: object,
) -> argparse.ArgumentParser:
    member = "" if name == "list" else " ada@example.org"
    parser = add_command(actions, name, purpose, f"pushover-logging teams {name}{member}")
    if member:
        parser.add_argument("email", help="the member's e-mail address")
    add_json(parser)
    account = parser.add_argument_group("account")
    account.add_argument(
        "--token",
        help="the team's API token (not an application's), or env:NAME, or file:PATH; "
        "default: PUSHOVER_TOKEN",
    )
    account.add_argument(
        "--api-url",
        metavar="URL",
        help="the service's address; default: PUSHOVER_API_URL, else Pushover's own",
    )
    parser.set_defaults(run=run)
    return parser


def _team(arguments: argparse.Namespace) -> Team:
    from pushover_logging.client.teams import Team

    check_account(arguments)
    return Team(resolve_token(arguments.token), api_url=resolve_api_url(arguments.api_url))


def _list(arguments: argparse.Namespace) -> Exit:
    team = _team(arguments).read()
    facts = {"name": team.name, "users": [dataclasses.asdict(user) for user in team.users]}
    answer(arguments, facts, f"{team.name}: {len(team.users)} members", *map(_line, team.users))
    return Exit.DONE


def _line(user: TeamUser) -> str:
    devices = ", ".join(
        device.name if device.enabled else f"{device.name} (disabled)" for device in user.devices
    )
    words = (user.email, user.name, "administrator" * user.administrator, devices or "no devices")
    return "  ".join(word for word in words if word)


def _add(arguments: argparse.Namespace) -> Exit:
    password = arguments.password
    if password is not None:
        if not password.startswith(("env:", "file:")):
            raise ValueError(
                "--password holds the password itself, which other users of this machine can "
                "read; give env:NAME or file:PATH"
            )
        password, _ = secret_text(password, "password")
    _team(arguments).add_user(
        arguments.email,
        name=arguments.name,
        password=password,
        instant=arguments.instant,
        admin=arguments.admin,
        group=arguments.group,
    )
    answer(arguments, {"email": arguments.email}, f"added {arguments.email}")
    return Exit.DONE


def _remove(arguments: argparse.Namespace) -> Exit:
    _team(arguments).remove_user(arguments.email)
    answer(arguments, {"email": arguments.email}, f"removed {arguments.email}")
    return Exit.DONE


def _revoke(arguments: argparse.Namespace) -> Exit:
    _team(arguments).revoke_invitation(arguments.email)
    answer(arguments, {"email": arguments.email}, f"withdrew the invitation of {arguments.email}")
    return Exit.DONE
