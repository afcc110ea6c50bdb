"""The service's answers, without HTTP: call and parameters in; status, headers and body out."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pushover_logging.devserver import groups, messages, people, receipts
from pushover_logging.devserver.calls import Call, Fields
from pushover_logging.devserver.parameters import Parameters
from pushover_logging.devserver.refusals import Refusal, bad_token
from pushover_logging.devserver.state import Account

CallFunction = Callable[[Call], Fields]

CALLS: Mapping[tuple[str, str], CallFunction] = {
    ("POST", "messages.json"): messages.send_message,
    ("POST", "users/validate.json"): people.validate_user,
    ("GET", "sounds.json"): people.list_sounds,
    ("GET", "apps/limits.json"): people.get_limits,
    ("GET", "receipts/{receipt}.json"): receipts.get_receipt,
    ("POST", "receipts/{receipt}/cancel.json"): receipts.cancel_receipt,
    ("POST", "receipts/cancel_by_tag/{tag:path}.json"): receipts.cancel_by_tag,
    ("POST", "glances.json"): people.update_glance,
    ("POST", "groups.json"): groups.create_group,
    ("GET", "groups.json"): groups.list_groups,
    ("GET", "groups/{group}.json"): groups.get_group,
    ("POST", "groups/{group}/add_user.json"): groups.add_user,
    ("POST", "groups/{group}/remove_user.json"): groups.remove_user,
    ("POST", "groups/{group}/disable_user.json"): groups.disable_user,
    ("POST", "groups/{group}/enable_user.json"): groups.enable_user,
    ("POST", "groups/{group}/rename.json"): groups.rename,
    ("POST", "subscriptions/migrate.json"): people.migrate_subscription,
    ("POST", "licenses/assign.json"): people.assign_license,
    ("GET", "licenses.json"): people.count_licenses,
}
"""Every call of the service, by method and address below ``/1/``."""


@dataclass(frozen=True)
class Answer:
    """What goes back to the client."""

    http_status: int
    body: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> bytes:
        """The body as it travels."""
        return json.dumps(self.body).encode()


def answer(
    function: CallFunction,
    account: Account,
    parameters: Parameters,
    path: Mapping[str, str] | None = None,
) -> Answer:
    """Answer one call, and change the account as the call demands."""
    now = account.clock()
    account.allowance.renew(now)
    call = Call(account, parameters, path or {}, now, str(uuid.uuid4()))
    if parameters.get("token") != account.token:
        return refuse(bad_token(), call.request)
    try:
        fields = function(call)
    except Refusal as refusal:
        return refuse(refusal, call.request, _headers(function, account))
    body = {**fields, "status": 1, "request": call.request}
    return Answer(200, body, _headers(function, account))


def refuse(
    refusal: Refusal, request: str | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """The answer that carries a refusal."""
    errors = refusal.errors if isinstance(refusal.errors, Mapping) else list(refusal.errors)
    body = {
        **refusal.reasons,
        "errors": errors,
        "status": 0,
        "request": request or str(uuid.uuid4()),
    }
    return Answer(refusal.http_status, body, headers or {})


def _headers(function: CallFunction, account: Account) -> dict[str, str]:
    return account.allowance.as_headers() if function is messages.send_message else {}
