"""The month's messages count down as the service counts them, end in 429, and come back."""

from __future__ import annotations

import datetime

import pytest

from pushover_logging.devserver import DevServer
from pushover_logging.devserver.account import Group, Member, Person, next_month

from .conftest import USER, Client, Service

GROUP = "g" * 30
OTHER = "u" * 30


def utc(*when: int) -> float:
    return datetime.datetime(*when, tzinfo=datetime.timezone.utc).timestamp()


def test_each_accepted_message_counts_one(service: Service) -> None:
    answers = [service.send() for _ in range(3)]

    remaining = [answer.headers["X-Limit-App-Remaining"] for answer in answers]

    assert remaining == ["9999", "9998", "9997"]
    assert answers[0].headers["X-Limit-App-Limit"] == "10000"
    assert int(answers[0].headers["X-Limit-App-Reset"]) > service.now


def test_a_refused_message_costs_nothing(service: Service) -> None:
    refused = service.send(message="")

    assert refused.headers["X-Limit-App-Remaining"] == "10000"


def test_a_group_counts_its_members_and_several_users_each(service: Service) -> None:
    service.account.people[OTHER] = Person(OTHER)
    members = [Member(USER), Member(OTHER), Member(OTHER, disabled=True)]
    service.account.groups[GROUP] = Group(GROUP, "Ops", members)

    service.send(user=GROUP)
    service.send(user=f"{USER},{OTHER},{GROUP}")

    assert service.account.quota.remaining == 10_000 - 2 - 4


def test_beyond_the_quota_the_token_is_blamed_with_429(service: Service) -> None:
    service.account.quota.remaining = 1
    service.account.people[OTHER] = Person(OTHER)

    too_many = service.send(user=f"{USER},{OTHER}")
    last = service.send()
    beyond = service.send()

    assert [too_many.http_status, last.http_status, beyond.http_status] == [429, 200, 429]
    assert beyond.body["token"] == "invalid"
    assert beyond.body["status"] == 0
    assert beyond.body["errors"] == ["application has exceeded current limit of 10000 messages"]
    assert beyond.headers["X-Limit-App-Remaining"] == "0"
    assert len(service.account.messages) == 1


def test_a_new_month_starts_with_all_of_it(service: Service) -> None:
    service.account.quota.remaining = 0
    service.now = service.account.quota.reset

    answer = service.send()

    assert answer.headers["X-Limit-App-Remaining"] == "9999"
    assert service.account.quota.reset > service.now


def test_limits_tell_the_same_as_the_headers(service: Service) -> None:
    headers = service.send().headers

    body = service.ask("GET", "apps/limits.json").body

    assert [str(body[name]) for name in ("limit", "remaining", "reset")] == [
        headers[f"X-Limit-App-{name}"] for name in ("Limit", "Remaining", "Reset")
    ]


@pytest.mark.parametrize(
    ("now", "reset"),
    [
        (utc(2026, 11, 23), utc(2026, 12, 1, 6)),
        (utc(2026, 12, 31, 23), utc(2027, 1, 1, 6)),
        (utc(2027, 1, 1, 5, 59), utc(2027, 1, 1, 6)),
        (utc(2027, 1, 1, 6), utc(2027, 2, 1, 6)),
        (utc(2026, 6, 30), utc(2026, 7, 1, 5)),
    ],
)
def test_the_month_ends_at_midnight_us_central(now: float, reset: float) -> None:
    assert next_month(now) == reset


def test_the_quota_is_the_tests_to_set(server: DevServer, client: Client) -> None:
    server.set_quota(limit=50, remaining=1)

    statuses = [client.send().status_code for _ in range(2)]
    server.set_quota(reset=1)
    renewed = client.send()

    assert statuses == [200, 429]
    assert renewed.headers["X-Limit-App-Remaining"] == "49"


def test_headers_can_be_missing_or_nonsense(server: DevServer, client: Client) -> None:
    server.set_quota_headers("missing")
    missing = client.send().headers
    server.set_quota_headers("garbage")
    garbage = client.send().headers
    server.set_quota_headers("normal")
    normal = client.send().headers

    assert not any(name.lower().startswith("x-limit") for name in missing)
    assert garbage["X-Limit-App-Remaining"] == "soon"
    assert normal["X-Limit-App-Remaining"] == "9997"


@pytest.mark.parametrize(
    "wrong",
    [
        {"remaining": -1},
        {"remaining": 1.5},
        {"limit": "many"},
        {"limit": True},
        {"limit": 10**13},
        {"headers": "odd"},
        {"headers": []},
        {"reset": "soon"},
        {"reset": float("nan")},
        {"reset": float("inf")},
    ],
)
def test_a_quota_that_cannot_be_is_refused(server: DevServer, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        server.set_quota(**wrong)

    assert server.state()["quota"]["remaining"] == 10_000
