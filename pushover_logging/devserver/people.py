"""The calls about people and the account: validation, glances, licences, sounds, limits …"""

from __future__ import annotations

from collections.abc import Iterator

from pushover_logging.devserver.calls import Call, Fields
from pushover_logging.devserver.checks import integer
from pushover_logging.devserver.refusals import Refusal, too_long
from pushover_logging.devserver.state import Glance, new_key

_GLANCE_TEXTS = ("title", "text", "subtext")
_GLANCE_LIMIT = 100
_LICENSE_SYSTEMS = ("Android", "iOS", "Desktop")


def validate_user(call: Call) -> Fields:
    """Whether a user or group key is good, and the devices behind it."""
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
    """Every sound by name, the user's own included."""
    return {"sounds": dict(call.account.sounds)}


def get_limits(call: Call) -> Fields:
    """What is left of the month."""
    allowance = call.account.allowance
    return {
        "limit": allowance.limit,
        "remaining": allowance.remaining,
        "reset": int(allowance.reset),
    }


def update_glance(call: Call) -> Fields:
    """Show a few words or numbers on the small screens; nothing rings and nothing is counted."""
    person = call.person
    call.device_of(person)
    wrong = list(_check_glance(call))
    if wrong:
        raise Refusal.all_of(wrong)
    params = {name: text for name, text in call.parameters.fields.items() if name != "token"}
    call.account.glances.append(Glance(person.key, params, call.now))
    return {}


def migrate_subscription(call: Call) -> Fields:
    """Exchange a user key for one that belongs to a subscription."""
    if call.get("subscription") not in call.account.subscriptions:
        raise Refusal.of("subscription", "is invalid")
    person = call.person
    call.device_of(person, "device_name")
    subscribed = new_key("s")
    call.account.subscribed[subscribed] = person.key
    return {"subscribed_user_key": subscribed}


def assign_license(call: Call) -> Fields:
    """Spend one licence credit on a user or an e-mail address, for good."""
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
    """How many licence credits are left."""
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
