"""``pushover-logging groups``: several users under one key."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING

from pushover_logging.config.secrets import resolve_users

from .account import add_account, add_command, application
from .answering import add_json, answer
from .endings import Exit

if TYPE_CHECKING:
    from pushover_logging.client.groups import Group, GroupUser

_EXAMPLE = """
pushover-logging groups list
group=$(pushover-logging groups create 'on call' --json | jq -r .group)
pushover-logging groups add "$group" env:ALICE --memo Alice --device phone
pushover-logging send 'The site is down' --user "$group"
"""

_CHANGES = {
    "add": ("add a user to a group", "added to"),
    "remove": ("remove a user from a group", "removed from"),
    "enable": ("send messages to a disabled member again", "enabled in"),
    "disable": ("send no messages to a member for now", "disabled in"),
}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and those below it."""
    parser = add_command(commands, "groups", "list, show and change groups of users", _EXAMPLE)
    below = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_action(below, "list", "list the account's groups", _list)
    show = _add_action(below, "show", "show the members of a group", _show)
    create = _add_action(below, "create", "create a group without users", _create)
    for name, (purpose, _) in _CHANGES.items():
        change = _add_action(below, name, purpose, _change)
        _add_group(change)
        change.add_argument("member", help="the user's key, or env:NAME, or file:PATH")
        change.add_argument("-d", "--device", help="a device of the user; default: all devices")
        if name == "add":
            change.add_argument("--memo", help="a note on the user, at most 200 characters")
    rename = _add_action(below, "rename", "rename a group", _rename)
    _add_group(show)
    _add_group(rename)
    for named in (create, rename):
        named.add_argument("name", help="the name of the group")


def _add_action(
    below: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    purpose: str,
    run: object,
) -> argparse.ArgumentParser:
    words = {"create": " 'on call'", "rename": " GROUP 'on call'", "show": " GROUP", "list": ""}
    parser = add_command(
        below, name, purpose, f"pushover-logging groups {name}{words.get(name, ' GROUP USER')}"
    )
    add_json(parser)
    add_account(parser, user=False)
    parser.set_defaults(run=run)
    return parser


def _add_group(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("group", help="the group's key, or env:NAME, or file:PATH")


def _group(arguments: argparse.Namespace) -> Group:
    return application(arguments).get_group(resolve_users(arguments.group)[0])


def _list(arguments: argparse.Namespace) -> Exit:
    groups = application(arguments).groups
    facts = {"groups": [{"group": each.key, "name": each.name} for each in groups]}
    answer(arguments, facts, *(f"{each.key}  {each.name}" for each in groups))
    return Exit.DONE


def _show(arguments: argparse.Namespace) -> Exit:
    group = _group(arguments)
    users = group.users
    facts = {
        "group": group.key,
        "name": group.name,
        "users": [dataclasses.asdict(user) for user in users],
    }
    answer(arguments, facts, f"{group.name}: {len(users)} users", *map(_line, users))
    return Exit.DONE


def _line(user: GroupUser) -> str:
    words = (user.user, user.device or "all devices", user.memo, "disabled" * user.disabled)
    return "  ".join(word for word in words if word)


def _create(arguments: argparse.Namespace) -> Exit:
    group = application(arguments).create_group(arguments.name)
    answer(arguments, {"group": group.key, "name": group.name}, group.key)
    return Exit.DONE


def _rename(arguments: argparse.Namespace) -> Exit:
    group = _group(arguments)
    group.rename(arguments.name)
    facts = {"group": group.key, "name": arguments.name}
    answer(arguments, facts, f"{group.name} is now called {arguments.name}")
    return Exit.DONE


def _change(arguments: argparse.Namespace) -> Exit:
    group = _group(arguments)
    memo = {"memo": arguments.memo} if arguments.action == "add" else {}
    for member in resolve_users(arguments.member):
        getattr(group, arguments.action)(member, arguments.device, **memo)
    _, done = _CHANGES[arguments.action]
    answer(arguments, {"group": group.key, "name": group.name}, f"{done} {group.name}")
    return Exit.DONE
