"""Groups and the team: several people under one key, and the people of an organisation."""

from __future__ import annotations

import re

from pushover_logging.devserver.account import Group, Member, Person, TeamMember, new_key
from pushover_logging.devserver.answers import Refusal, too_long
from pushover_logging.devserver.call import Call, Fields

_MEMO_LIMIT = 200
# The service documents none of these; they keep the server's memory bounded.
_NAME_LIMIT = 250
_GROUPS_MAXIMUM = 1_000
_TEAM_MAXIMUM = 1_000
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,189}")


def create_group(call: Call) -> Fields:
    """Create a group under a name that no other has."""
    return {"group": _new_group(call, _free_name(call)).key}


def list_groups(call: Call) -> Fields:
    """List all groups by key and name."""
    return {"groups": [{"group": g.key, "name": g.name} for g in call.account.groups.values()]}


def get_group(call: Call) -> Fields:
    """Report one group's name and members."""
    members = [
        {
            "user": each.user,
            "device": each.device,
            "memo": each.memo,
            "disabled": each.disabled,
        }
        for each in call.group.members
    ]
    return {"name": call.group.name, "users": members}


def add_user(call: Call) -> Fields:
    """Add a person, or one of their devices, to a group."""
    group, person = call.group, call.person
    member = Member(person.key, call.device_of(person), call.get("memo"))
    if len(member.memo) > _MEMO_LIMIT:
        raise too_long("memo", _MEMO_LIMIT)
    if any((each.user, each.device) == (member.user, member.device) for each in group.members):
        raise Refusal.of("user", "is already a member of this group")
    group.members.append(member)
    return {}


def remove_user(call: Call) -> Fields:
    """Remove a person, or one of their devices, from a group."""
    for member in _members(call):
        call.group.members.remove(member)
    return {}


def disable_user(call: Call) -> Fields:
    """Disable a member, who then gets no message through the group."""
    return _set_disabled(call, disabled=True)


def enable_user(call: Call) -> Fields:
    """Enable a disabled member."""
    return _set_disabled(call, disabled=False)


def rename(call: Call) -> Fields:
    """Give a group another name."""
    call.group.name = _free_name(call)
    return {}


def get_team(call: Call) -> Fields:
    """Report the team's name and its users with their devices."""
    users = [
        {
            "id": each.user,
            "name": each.name,
            "email": each.email,
            "administrator": each.administrator,
            "devices": [
                {
                    "name": device,
                    "os": "Android",
                    "os_version": "16",
                    "enabled": True,
                    "administratively_disabled": False,
                }
                for device in call.account.people[each.user].devices
            ],
        }
        for each in call.account.team.members
    ]
    return {"name": call.account.team.name, "users": users}


def add_team_user(call: Call) -> Fields:
    """Create an account for an e-mail address in the team; invite an address that has one."""
    account, team = call.account, call.account.team
    email = _email(call)
    name, group_name = call.get("name").strip(), call.get("group").strip()
    for parameter, text in (("name", name), ("group", group_name)):
        if len(text) > _NAME_LIMIT:
            raise too_long(parameter, _NAME_LIMIT)
    for parameter in ("instant", "admin"):
        if call.get(parameter) not in ("", "true", "false"):
            raise Refusal.of(parameter, "must be true or false")
    if email in team.invited or any(each.email.lower() == email for each in team.members):
        raise Refusal.of("email", "is already on the team")
    if len(team.members) + len(team.invited) >= _TEAM_MAXIMUM:
        raise Refusal({}, [f"team has {_TEAM_MAXIMUM} users and invitations already"])
    if any(each.email.lower() == email for each in account.people.values()):
        team.invited.append(email)
        return {}
    group = next((each for each in account.groups.values() if each.name == group_name), None)
    if group_name and group is None:
        group = _new_group(call, group_name)
    person = Person(new_key("u"), devices=(), email=email)
    account.people[person.key] = person
    team.members.append(TeamMember(person.key, name, email, call.get("admin") == "true"))
    if group is not None:
        group.members.append(Member(person.key))
    return {}


def remove_team_user(call: Call) -> Fields:
    """Remove a user from the team, with the account that the team made and its memberships."""
    account, email = call.account, _email(call)
    found = next((each for each in account.team.members if each.email.lower() == email), None)
    if found is None:
        raise Refusal.of("email", "is not on the team")
    account.team.members.remove(found)
    if not account.people[found.user].devices:
        del account.people[found.user]
        for group in account.groups.values():
            group.members = [each for each in group.members if each.user != found.user]
    return {}


def revoke_invitation(call: Call) -> Fields:
    """Revoke the invitation of an e-mail address."""
    email = _email(call)
    if email not in call.account.team.invited:
        raise Refusal.of("email", "has no invitation")
    call.account.team.invited.remove(email)
    return {}


def _email(call: Call) -> str:
    email = call.get("email").strip().lower()
    if not email:
        raise Refusal.of("email", "cannot be blank")
    if not _EMAIL.fullmatch(email):
        raise Refusal.of("email", "is invalid")
    return email


def _new_group(call: Call, name: str) -> Group:
    if len(call.account.groups) >= _GROUPS_MAXIMUM:
        raise Refusal({}, [f"account has {_GROUPS_MAXIMUM} groups already"])
    group = Group(new_key("g"), name)
    call.account.groups[group.key] = group
    return group


def _set_disabled(call: Call, *, disabled: bool) -> Fields:
    for member in _members(call):
        member.disabled = disabled
    return {}


def _members(call: Call) -> list[Member]:
    user, device = call.get("user"), call.get("device")
    found = [
        each
        for each in call.group.members
        if each.user == user and (not device or each.device == device)
    ]
    if not found:
        raise Refusal.of("user", "is not a member of this group")
    return found


def _free_name(call: Call) -> str:
    name = call.get("name").strip()
    if not name:
        raise Refusal({"name": "cannot be blank"}, {"name": ["cannot be blank"]})
    if len(name) > _NAME_LIMIT:
        raise too_long("name", _NAME_LIMIT)
    own = call.path.get("group")
    if any(each.name == name and each.key != own for each in call.account.groups.values()):
        raise Refusal({"name": "has already been taken"}, {"name": ["has already been taken"]})
    return name
