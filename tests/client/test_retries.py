"""A retry policy repeats the calls that do no harm a second time, and no others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest
import requests
import requests_mock
import tenacity

from pushover_logging.client import (
    APIError,
    Application,
    PushoverError,
    RateLimitError,
    ServerError,
    Team,
    TransportError,
)

from .conftest import Wire

T = TypeVar("T")
API = "https://api.pushover.net/1/"
TOKEN, USER, GROUP, RECEIPT = "a" * 30, "u" * 30, "g" * 30, "r" * 30
DONE = {
    "status": 1,
    "request": "id",
    "canceled": 1,
    "credits": 2,
    "group": GROUP,
    "name": "ops",
    "subscribed_user_key": USER,
}


class Patient:
    """Repeats at once, three times at most."""

    def __init__(self) -> None:
        self.calls = 0

    def call(self, send: Callable[[], T]) -> T:
        for _ in range(2):
            self.calls += 1
            try:
                return send()
            except PushoverError as error:
                if not error.retryable:
                    raise
        return send()


class ByTenacity:
    """As a policy on tenacity's parts is written."""

    def call(self, send: Callable[[], T]) -> T:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda e: getattr(e, "retryable", False)),
            stop=tenacity.stop_after_attempt(3),
            wait=tenacity.wait_none(),
            reraise=True,
        )
        return retrying(send)


def app_with(policy: Any) -> Application:
    return Application(TOKEN, retry_policy=policy)


CALLS: dict[str, Callable[[Application], object]] = {
    "messages.json": lambda app: app.send({"user": USER, "message": "hi"}),
    "glances.json": lambda app: app.glance(USER, text="hi"),
    "users/validate.json": lambda app: app.validate(USER),
    f"receipts/{RECEIPT}/cancel.json": lambda app: app.cancel(RECEIPT),
    "receipts/cancel_by_tag/disk.json": lambda app: app.cancel_by_tag("disk"),
    f"receipts/{RECEIPT}.json": lambda app: app.receipt(RECEIPT),
    "apps/limits.json": lambda app: app.limits(),
    "sounds.json": lambda app: app.sounds,
    f"groups/{GROUP}.json": lambda app: app.get_group(GROUP),
}
CHANGES: dict[str, Callable[[Application], object]] = {
    "groups.json": lambda app: app.create_group("ops"),
    f"groups/{GROUP}/add_user.json": lambda app: app.post(f"groups/{GROUP}/add_user.json"),
    "subscriptions/migrate.json": lambda app: app.migrate_subscription("s", USER),
    "anything/else.json": lambda app: app.post("anything/else.json"),
    "teams/add_user.json": lambda app: Team(TOKEN, retry_policy=app._retry_policy).add_user("a@b"),
}
every_policy = pytest.mark.parametrize("policy", [Patient(), ByTenacity()], ids=["own", "tenacity"])


def answer(wire: Wire, path: str, *answers: Any) -> None:
    wire.register_uri(requests_mock.ANY, API + path, list(answers))


@every_policy
@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize(
    "failure", [{"status_code": 503}, {"status_code": 403, "text": "<html>"}, {"exc": OSError}]
)
def test_harmless_calls_are_repeated(
    wire: Wire, policy: Any, path: str, failure: dict[str, Any]
) -> None:
    answer(wire, path, failure, failure, {"json": DONE})

    CALLS[path](app_with(policy))

    assert wire.call_count == 3


@every_policy
@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        ({"status_code": 503}, ServerError),
        ({"exc": requests.ReadTimeout}, TransportError),
        ({"status_code": 403, "text": "<html>"}, TransportError),
    ],
)
def test_other_changes_are_not_repeated_once_they_may_have_arrived(
    wire: Wire, policy: Any, path: str, failure: dict[str, Any], kind: type[PushoverError]
) -> None:
    answer(wire, path, failure, {"json": DONE})

    with pytest.raises(kind) as caught:
        CHANGES[path](app_with(policy))

    assert wire.call_count == 1
    assert caught.value.retryable


@every_policy
@pytest.mark.parametrize("path", CHANGES)
def test_other_changes_are_repeated_if_they_surely_never_arrived(
    wire: Wire, policy: Any, path: str
) -> None:
    answer(wire, path, {"exc": requests.ConnectTimeout}, {"json": DONE})

    CHANGES[path](app_with(policy))

    assert wire.call_count == 2


@every_policy
@pytest.mark.parametrize("failure", [requests.ConnectTimeout, requests.ReadTimeout])
def test_a_licence_is_never_given_twice(wire: Wire, policy: Any, failure: type[Exception]) -> None:
    answer(wire, "licenses/assign.json", {"exc": failure}, {"json": DONE})

    with pytest.raises(TransportError):
        app_with(policy).assign_license(user=USER)

    assert wire.call_count == 1


@every_policy
@pytest.mark.parametrize(("status", "kind"), [(400, APIError), (429, RateLimitError)])
def test_refusals_are_not_repeated(
    wire: Wire, policy: Any, status: int, kind: type[PushoverError]
) -> None:
    answer(wire, "messages.json", {"status_code": status, "json": {"status": 0, "errors": ["no"]}})

    with pytest.raises(kind):
        app_with(policy).send({"user": USER, "message": "hi"})

    assert wire.call_count == 1


@every_policy
def test_the_last_error_is_raised(wire: Wire, policy: Any) -> None:
    answer(wire, "messages.json", {"status_code": 503})

    with pytest.raises(ServerError):
        app_with(policy).send({"user": USER, "message": "hi"})

    assert wire.call_count == 3


def test_a_message_reports_the_error_of_its_last_try(wire: Wire) -> None:
    answer(wire, "messages.json", {"status_code": 503}, {"json": DONE})

    message = app_with(Patient()).get_user(USER).send_message("hi")

    assert message.is_sent
    assert message.error is None


def test_a_call_with_a_timeout_is_made_once(wire: Wire) -> None:
    policy = Patient()
    answer(wire, "messages.json", {"status_code": 503})

    with pytest.raises(ServerError):
        app_with(policy).send({"user": USER, "message": "hi"}, timeout=5)

    assert (wire.call_count, policy.calls) == (1, 0)


def test_without_a_policy_nothing_is_repeated(wire: Wire) -> None:
    answer(wire, "messages.json", {"status_code": 503})

    with pytest.raises(ServerError):
        Application(TOKEN).send({"user": USER, "message": "hi"})

    assert wire.call_count == 1
