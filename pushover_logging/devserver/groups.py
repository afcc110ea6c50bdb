"""Groups: several people under one key, and the verbs that change them."""

from __future__ import annotations

from pushover_logging.devserver.calls import Call, Fields
from pushover_logging.devserver.refusals import Refusal, too_long
from pushover_logging.devserver.state import Group, Member, new_key

_MEMO_LIMIT = 200


def create_group(call: Call) -> Fields:
    """A new group under a name that no other has."""
    group = Group(new_key("g"), _free_name(call))
    call.account.groups[group.key] = group
    return {"group": group.key}


def list_groups(call: Call) -> Fields:
    """All groups, by key and name."""
    return {"groups": [{"group": g.key, "name": g.name} for g in call.account.groups.values()]}


def get_group(call: Call) -> Fields:
    """One group's name and members."""
    members = [member.as_answer() for member in call.group.members]
    return {"name": call.group.name, "users": members}


def add_user(call: Call) -> Fields:
    """A person, or one of their devices, joins a group."""
    group, person = call.group, call.person
    member = Member(person.key, call.device_of(person), call.get("memo"))
    if len(member.memo) > _MEMO_LIMIT:
        raise too_long("memo", _MEMO_LIMIT)
    if any((each.user, each.device) == (member.user, member.device) for each in group.members):
        raise Refusal.of("user", "is already a member of this group")
    group.members.append(member)
    return {}


def remove_user(call: Call) -> Fields:
    """A person, or one of their devices, leaves a group."""
    for member in _members(call):
        call.group.members.remove(member)
    return {}


def disable_user(call: Call) -> Fields:
    """A member gets nothing until enabled again."""
    return _set_disabled(call, disabled=True)


def enable_user(call: Call) -> Fields:
    """A disabled member gets messages again."""
    return _set_disabled(call, disabled=False)


def rename(call: Call) -> Fields:
    """Another name for a group."""
    call.group.name = _free_name(call)
    return {}


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
    own = call.path.get("group")
    if any(each.name == name and each.key != own for each in call.account.groups.values()):
        raise Refusal({"name": "has already been taken"}, {"name": ["has already been taken"]})
    return name
