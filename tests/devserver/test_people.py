"""Validation, glances, subscriptions, licences and sounds."""

from __future__ import annotations

import pytest

from pushover_logging.client.constants import SOUNDS

from .conftest import TOKEN, USER, Service


def test_a_valid_user_shows_devices_and_licences(service: Service) -> None:
    body = service.ask("POST", "users/validate.json", {"user": USER, "device": "desk"}).body

    assert body["status"] == 1
    assert (body["group"], body["devices"]) == (0, ["phone", "desk"])
    assert body["licenses"] == ["Android"]


@pytest.mark.parametrize(
    ("fields", "parameter", "reason", "sentence"),
    [
        ({"user": "nobody"}, "user", "invalid", "user key is invalid"),
        ({}, "user", "invalid", "user key is invalid"),
        (
            {"user": USER, "device": "toaster"},
            "device",
            "invalid for this user",
            "device name is not valid for user",
        ),
    ],
)
def test_validation_refuses_in_words_of_its_own(
    service: Service, fields: dict[str, object], parameter: str, reason: str, sentence: str
) -> None:
    answer = service.ask("POST", "users/validate.json", fields)

    assert answer.http_status == 400
    assert answer.body[parameter] == reason
    assert answer.body["errors"] == [sentence]


def test_a_valid_user_without_devices_is_refused_as_valid(service: Service) -> None:
    service.account.people[USER].devices = ()

    answer = service.ask("POST", "users/validate.json", {"user": USER})

    assert answer.http_status == 400
    assert str(answer.body["user"]).startswith("valid")
    assert answer.body["group"] == 0


def test_sounds_include_the_users_own(service: Service) -> None:
    service.account.sounds["moo"] = "Moo"

    assert service.ask("GET", "sounds.json").body["sounds"] == {**SOUNDS, "moo": "Moo"}


@pytest.mark.parametrize(
    "fields",
    [{"title": "T"}, {"text": "x" * 100}, {"subtext": "s"}, {"count": "-5"}, {"percent": "0"}],
)
def test_a_glance_is_kept_and_costs_nothing(service: Service, fields: dict[str, object]) -> None:
    answer = service.ask("POST", "glances.json", {"user": USER, "device": "desk", **fields})

    assert answer.body["status"] == 1
    assert service.account.glances[0].params == {"user": USER, "device": "desk", **fields}
    assert service.account.quota.remaining == 10_000
    assert TOKEN not in repr(service.account.glances)


@pytest.mark.parametrize("text", ["x", "x" * 101])
def test_a_glance_reports_the_quota(service: Service, text: str) -> None:
    answer = service.ask("POST", "glances.json", {"user": USER, "text": text})

    assert answer.headers["X-Limit-App-Remaining"] == "10000"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "at least one of title, text, subtext, count, percent is required"),
        ({"text": "x" * 101}, "Text is too long (maximum is 100 characters)"),
        ({"title": "x" * 101}, "Title is too long (maximum is 100 characters)"),
        ({"subtext": "x" * 101}, "Subtext is too long (maximum is 100 characters)"),
        ({"count": "1.5"}, "count must be a whole number"),
        ({"percent": "101"}, "percent must be a whole number from 0 to 100"),
        ({"percent": "-1"}, "percent must be a whole number from 0 to 100"),
        ({"text": "x", "user": "nobody"}, "user key is invalid"),
        ({"text": "x", "device": "toaster"}, "device name is not valid for user"),
    ],
)
def test_a_wrong_glance_is_refused(service: Service, fields: dict[str, object], error: str) -> None:
    answer = service.ask("POST", "glances.json", {"user": USER, **fields})

    assert answer.http_status == 400
    assert answer.body["errors"] == [error]
    assert service.account.glances == []


def test_a_subscribed_key_stands_for_its_user(service: Service) -> None:
    service.account.subscriptions.add("news")

    answer = service.ask(
        "POST", "subscriptions/migrate.json", {"subscription": "news", "user": USER}
    )
    key = answer.body["subscribed_user_key"]
    service.send(user=key)

    assert len(str(key)) == 30
    assert service.account.messages[0].recipients == {USER: ("phone", "desk")}


@pytest.mark.parametrize(
    ("fields", "parameter", "reason"),
    [
        ({"user": USER, "subscription": "nothing"}, "subscription", "is invalid"),
        ({"user": "nobody", "subscription": "news"}, "user", "invalid"),
        (
            {"user": USER, "subscription": "news", "device_name": "toaster"},
            "device_name",
            "invalid for this user",
        ),
    ],
)
def test_a_wrong_migration_is_refused(
    service: Service, fields: dict[str, object], parameter: str, reason: str
) -> None:
    service.account.subscriptions.add("news")

    answer = service.ask("POST", "subscriptions/migrate.json", fields)

    assert answer.http_status == 400
    assert answer.body[parameter] == reason


def test_a_licence_costs_a_credit_each_time(service: Service) -> None:
    to_user = service.ask("POST", "licenses/assign.json", {"user": USER, "os": "iOS"})
    to_email = service.ask("POST", "licenses/assign.json", {"email": "a@example.org"})

    assert (to_user.body["credits"], to_email.body["credits"]) == (9, 8)
    assert service.ask("GET", "licenses.json").body["credits"] == 8
    assert service.account.people[USER].licenses == ("Android", "iOS")


@pytest.mark.parametrize(
    ("fields", "credits_left", "error"),
    [
        ({"user": USER, "os": "Amiga"}, 1, "os must be one of Android, iOS, Desktop"),
        ({"user": "nobody"}, 1, "user key is invalid"),
        ({"user": USER}, 0, "account has no license credits left"),
    ],
)
def test_a_refused_licence_costs_nothing(
    service: Service, fields: dict[str, object], credits_left: int, error: str
) -> None:
    service.account.license_credits = credits_left

    answer = service.ask("POST", "licenses/assign.json", fields)

    assert answer.http_status == 400
    assert answer.body["errors"] == [error]
    assert service.account.license_credits == credits_left
    assert service.account.people[USER].licenses == ("Android",)
