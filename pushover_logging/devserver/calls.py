"""The calls of the service, without HTTP: parameters in; status, headers and body out."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping

from pushover_logging.devserver import groups, messages
from pushover_logging.devserver.account import Account, Glance
from pushover_logging.devserver.answers import Answer, Refusal, bad_team_token, bad_token, too_long
from pushover_logging.devserver.call import Call, Fields, integer
from pushover_logging.devserver.parameters import Parameters

_GLANCE_TEXTS = ("title", "text", "subtext")
_GLANCE_LIMIT = 100
_LICENSE_SYSTEMS = ("Android", "iOS", "Desktop")


def answer(
    method: str,
    call: str,
    account: Account,
    parameters: Parameters,
    path: Mapping[str, str] | None = None,
) -> Answer:
    """Answer one call, a row of ``CALLS``, and change the account as the call demands."""
    function = CALLS[method, call]
    now = account.clock()
    account.quota.renew(now)
    context = Call(account, parameters, path or {}, now, str(uuid.uuid4()))
    about_team = call.startswith("teams")
    # Messages and glances report the quota, whether they are accepted or refused.
    reports_quota = call in ("messages.json", "glances.json")
    try:
        if about_team and parameters.get("token") != account.team.token:
            raise bad_team_token()
        if not about_team and parameters.get("token") != account.token:
            reports_quota = False
            raise bad_token()
        fields = function(context)
    except Refusal as refusal:
        headers = account.quota.as_headers() if reports_quota else {}
        return Answer.refusing(refusal, context.request, headers)
    body = {**fields, "status": 1, "request": context.request}
    return Answer(200, body, account.quota.as_headers() if reports_quota else {})


def validate_user(call: Call) -> Fields:
    """Check a user or group key, and list the devices behind it."""
    key = call.account.resolve(call.get("user"))
    if key in call.account.groups:
        return {"group": 1, "devices": [], "licenses": []}
    person = call.account.people.get(key)
    if person is None:
        raise Refusal({"user": "invalid", "group": 0}, ["user key is invalid"])
    if not person.devices:
        reasons = {"user": "valid user but no active devices", "group": 0, "licenses": []}
        raise Refusal(reasons, ["user is valid but has no active devices"])
    call.device_of(person)
    return {"group": 0, "devices": list(person.devices), "licenses": list(person.licenses)}


def list_sounds(call: Call) -> Fields:
    """List every sound by name, those that the user uploaded included."""
    return {"sounds": dict(call.account.sounds)}


def get_limits(call: Call) -> Fields:
    """Report the month's quota."""
    quota = call.account.quota
    return {"limit": quota.limit, "remaining": quota.remaining, "reset": int(quota.reset)}


def get_receipt(call: Call) -> Fields:
    """Report the state of an emergency. A poll that comes too soon is answered, and counted."""
    if not call.emergency.record_poll(call.now):
        call.account.impolite += 1
    return call.emergency.as_answer(call.now)


def cancel_receipt(call: Call) -> Fields:
    """Cancel an emergency; one that no longer rings stays as it is."""
    call.emergency.cancel(call.now)
    return {}


def cancel_by_tag(call: Call) -> Fields:
    """Cancel every emergency with a tag, and count those that were ringing."""
    tagged = [each for each in call.account.emergencies.values() if call.path["tag"] in each.tags]
    return {"canceled": sum(each.cancel(call.now) for each in tagged)}


def update_glance(call: Call) -> Fields:
    """Show a few words or numbers on small screens; this neither rings nor counts as a message."""
    person = call.person
    call.device_of(person)
    wrong = list(_check_glance(call))
    if wrong:
        raise Refusal.all_of(wrong)
    params = {name: text for name, text in call.parameters.fields.items() if name != "token"}
    call.account.keep_glance(Glance(person.key, params, call.now))
    return {}


def migrate_subscription(call: Call) -> Fields:
    """Exchange a user key for one that belongs to a subscription."""
    if call.get("subscription") not in call.account.subscriptions:
        raise Refusal.of("subscription", "is invalid")
    person = call.person
    call.device_of(person, "device_name")
    return {"subscribed_user_key": call.account.subscribe(person.key)}


def assign_license(call: Call) -> Fields:
    """Spend one license credit on a user or an e-mail address, for good."""
    system = call.get("os")
    if system and system not in _LICENSE_SYSTEMS:
        raise Refusal.of("os", f"must be one of {', '.join(_LICENSE_SYSTEMS)}")
    person = None if call.get("email") else call.person
    if not call.account.license_credits:
        raise Refusal({"credits": 0}, ["account has no license credits left"])
    call.account.license_credits -= 1
    if person is not None:
        person.licenses = tuple(dict.fromkeys((*person.licenses, system or "Any")))
    return {"credits": call.account.license_credits}


def count_licenses(call: Call) -> Fields:
    """Report how many license credits remain."""
    return {"credits": call.account.license_credits}


def _check_glance(call: Call) -> Iterator[Refusal]:
    if not any(call.get(name) for name in (*_GLANCE_TEXTS, "count", "percent")):
        yield Refusal({}, ["at least one of title, text, subtext, count, percent is required"])
    for name in _GLANCE_TEXTS:
        if len(call.get(name)) > _GLANCE_LIMIT:
            yield too_long(name, _GLANCE_LIMIT)
    if call.get("count") and integer(call.get("count")) is None:
        yield Refusal.of("count", "must be a whole number")
    if call.get("percent") and integer(call.get("percent")) not in range(101):
        yield Refusal.of("percent", "must be a whole number from 0 to 100")


CALLS: Mapping[tuple[str, str], Callable[[Call], Fields]] = {
    ("POST", "messages.json"): messages.send_message,
    ("POST", "users/validate.json"): validate_user,
    ("GET", "sounds.json"): list_sounds,
    ("GET", "apps/limits.json"): get_limits,
    ("GET", "receipts/{receipt}.json"): get_receipt,
    ("POST", "receipts/{receipt}/cancel.json"): cancel_receipt,
    ("POST", "receipts/cancel_by_tag/{tag:path}.json"): cancel_by_tag,
    ("POST", "glances.json"): update_glance,
    ("POST", "groups.json"): groups.create_group,
    ("GET", "groups.json"): groups.list_groups,
    ("GET", "groups/{group}.json"): groups.get_group,
    ("POST", "groups/{group}/add_user.json"): groups.add_user,
    ("POST", "groups/{group}/remove_user.json"): groups.remove_user,
    ("POST", "groups/{group}/disable_user.json"): groups.disable_user,
    ("POST", "groups/{group}/enable_user.json"): groups.enable_user,
    ("POST", "groups/{group}/rename.json"): groups.rename,
    ("GET", "teams.json"): groups.get_team,
    ("POST", "teams/add_user.json"): groups.add_team_user,
    ("POST", "teams/remove_user.json"): groups.remove_team_user,
    ("POST", "teams/revoke_invitation.json"): groups.revoke_invitation,
    ("POST", "subscriptions/migrate.json"): migrate_subscription,
    ("POST", "licenses/assign.json"): assign_license,
    ("GET", "licenses.json"): count_licenses,
}
"""Every call of the service, by method and address below ``/1/``."""
