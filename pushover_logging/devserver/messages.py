"""Accepting messages: who gets them, what they cost, and the receipt of an emergency."""

from __future__ import annotations

from pushover_logging.client.constants import Priority
from pushover_logging.devserver.calls import Call, Fields
from pushover_logging.devserver.checks import attachment_of, check_message, integer, split_users
from pushover_logging.devserver.emergencies import Emergency
from pushover_logging.devserver.refusals import Refusal, bad_user, over_quota
from pushover_logging.devserver.state import Member, ReceivedMessage, new_key

Recipients = dict[str, tuple[str, ...]]


def send_message(call: Call) -> Fields:
    """Accept a message, or refuse it with everything that is wrong with it."""
    members = _check(call)
    if not call.account.allowance.spend(len(members)):
        raise over_quota(call.account.allowance.limit)
    recipients = _recipients(call, members)
    receipt = _ring(call, recipients)
    _keep(call, recipients, receipt)
    answer: Fields = {} if receipt is None else {"receipt": receipt}
    if not recipients:
        answer["info"] = "no active devices to send to"
    return answer


def _check(call: Call) -> list[Member]:
    refusals = []
    members: list[Member] = []
    try:
        members = _members(call)
    except Refusal as refusal:
        refusals.append(refusal)
    try:
        check_message(call.parameters)
    except Refusal as refusal:
        refusals.append(refusal)
    if refusals:
        raise Refusal.all_of(refusals)
    return members


def _members(call: Call) -> list[Member]:
    members: list[Member] = []
    for key in split_users(call.get("user")):
        found = call.account.members_of(key)
        if found is None:
            raise bad_user()
        members.extend(found)
    return members


def _recipients(call: Call, members: list[Member]) -> Recipients:
    several = "," in call.get("user")
    wanted = "" if several else call.get("device")
    reached: Recipients = {}
    for member in members:
        devices = call.account.devices_of(member, wanted)
        if devices:
            reached[member.user] = tuple(dict.fromkeys((*reached.get(member.user, ()), *devices)))
    return reached


def _ring(call: Call, recipients: Recipients) -> str | None:
    if integer(call.get("priority")) != Priority.EMERGENCY:
        return None
    receipt = new_key()
    user, devices = next(iter(recipients.items()), ("", ("",)))
    call.account.emergencies[receipt] = Emergency(
        receipt=receipt,
        sent_at=call.now,
        retry=int(call.get("retry")),
        expires_at=call.now + int(call.get("expire")),
        user=user,
        device=devices[0],
        rings=bool(recipients),
        callback=call.get("callback") or None,
        tags=frozenset(tag.strip() for tag in call.get("tags").split(",") if tag.strip()),
    )
    return receipt


def _keep(call: Call, recipients: Recipients, receipt: str | None) -> None:
    params = {name: text for name, text in call.parameters.fields.items() if name != "token"}
    call.account.keep(
        ReceivedMessage(
            number=call.account.received + 1,
            params=params,
            received_at=call.now,
            request=call.request,
            receipt=receipt,
            attachment=attachment_of(call.parameters),
            recipients=recipients,
        )
    )
