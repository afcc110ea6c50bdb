"""An emergency rings until somebody acknowledges it, it is cancelled, or its time is over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.devserver.account import Person
from pushover_logging.devserver.emergencies import Emergency

from .conftest import NOW, USER, Service

WEEK = 7 * 24 * 3600


def test_a_fresh_emergency_has_rung_once_and_waits(service: Service) -> None:
    receipt = service.ring(retry=60, expire=600)

    body = service.receipt(receipt)

    del body["request"]
    assert body == {
        "status": 1,
        "acknowledged": 0,
        "acknowledged_at": 0,
        "acknowledged_by": "",
        "acknowledged_by_device": "",
        "last_delivered_at": int(NOW),
        "expired": 0,
        "expires_at": int(NOW) + 600,
        "called_back": 0,
        "called_back_at": 0,
    }


def test_it_rings_again_each_retry(service: Service) -> None:
    receipt = service.ring(retry=60, expire=600)

    service.now = NOW + 130

    assert service.receipt(receipt)["last_delivered_at"] == NOW + 120


def test_it_expires_by_the_clock(service: Service) -> None:
    receipt = service.ring(retry=60, expire=600)

    service.now = NOW + 599
    before = service.receipt(receipt)
    service.now = NOW + 3000
    after = service.receipt(receipt)

    assert (before["expired"], after["expired"]) == (0, 1)
    assert after["last_delivered_at"] == NOW + 540


def test_it_rings_at_most_fifty_times() -> None:
    emergency = Emergency("r", NOW, 30, NOW + 10_800, USER, "phone")

    assert len(emergency.deliveries(NOW + 10_800)) == 50


@given(
    retry=st.integers(30, 10_800),
    expire=st.integers(1, 10_800),
    after=st.integers(0, 20_000),
    later=st.integers(0, 20_000),
)
def test_once_acknowledged_it_never_rings_again(
    retry: int, expire: int, after: int, later: int
) -> None:
    emergency = Emergency("r", NOW, retry, NOW + expire, USER, "phone")
    rang = emergency.deliveries(NOW + after)

    acknowledged = emergency.acknowledge(NOW + after)

    assert acknowledged == (after < expire)
    if acknowledged:
        assert emergency.deliveries(NOW + after + later) == rang
    assert not emergency.is_ringing(NOW + after + later)


def test_who_acknowledged_is_in_the_receipt(service: Service) -> None:
    receipt = service.ring()
    service.now = NOW + 70

    service.account.emergencies[receipt].acknowledge(service.now)
    body = service.receipt(receipt)

    assert body["acknowledged"] == 1
    assert body["acknowledged_at"] == NOW + 70
    assert body["acknowledged_by"] == USER
    assert body["acknowledged_by_device"] == "phone"
    assert body["expired"] == 0


def test_the_first_acknowledgement_stays(service: Service) -> None:
    emergency = service.account.emergencies[service.ring()]

    first = emergency.acknowledge(NOW + 1, "u" * 30, "tablet")
    second = emergency.acknowledge(NOW + 2)

    assert (first, second) == (True, False)
    assert emergency.acknowledged_by_device == "tablet"


def test_cancelling_ends_the_ringing_at_once(service: Service) -> None:
    receipt = service.ring()
    service.now = NOW + 90

    answer = service.ask("POST", "receipts/{receipt}/cancel.json", path={"receipt": receipt})
    service.now = NOW + 400
    body = service.receipt(receipt)

    assert answer.body["status"] == 1
    assert body["expired"] == 1
    assert body["expires_at"] == NOW + 90
    assert body["last_delivered_at"] == NOW + 60
    assert service.account.emergencies[receipt].canceled


def test_cancelling_twice_is_no_error_and_changes_nothing(service: Service) -> None:
    receipt = service.ring()
    path = {"receipt": receipt}
    service.ask("POST", "receipts/{receipt}/cancel.json", path=path)
    service.now = NOW + 10

    again = service.ask("POST", "receipts/{receipt}/cancel.json", path=path)

    assert again.http_status == 200
    body = service.receipt(receipt)
    assert (body["expires_at"], body["last_delivered_at"]) == (NOW, NOW)


def test_a_tag_cancels_all_that_still_ring(service: Service) -> None:
    tagged = [service.ring(tags="db, disk/full"), service.ring(tags="disk/full")]
    other = service.ring(tags="disk")
    service.account.emergencies[tagged[0]].acknowledge(NOW)

    call = "receipts/cancel_by_tag/{tag:path}.json"
    first = service.ask("POST", call, path={"tag": "disk/full"})
    second = service.ask("POST", call, path={"tag": "disk/full"})

    assert (first.body["canceled"], second.body["canceled"]) == (1, 0)
    assert service.account.emergencies[other].is_ringing(NOW)


def test_an_unknown_receipt_is_not_found(service: Service) -> None:
    for method, call in [
        ("GET", "receipts/{receipt}.json"),
        ("POST", "receipts/{receipt}/cancel.json"),
    ]:
        answer = service.ask(method, call, path={"receipt": "r" * 30})

        assert answer.http_status == 404
        assert answer.body["receipt"] == "not found"
        assert answer.body["errors"] == ["receipt not found; may be invalid or expired"]


def test_a_receipt_is_kept_for_a_week(service: Service) -> None:
    receipt = service.ring()

    service.now = NOW + WEEK - 1
    kept = service.receipt(receipt)
    service.now = NOW + WEEK
    gone = service.receipt(receipt)

    assert kept["status"] == 1
    assert gone["receipt"] == "not found"


def test_asking_more_often_than_every_five_seconds_is_counted(service: Service) -> None:
    first, second = service.ring(), service.ring()

    for after, receipt in [(0, first), (1, second), (5, first), (5.9, second), (9.9, first)]:
        service.now = NOW + after
        assert service.receipt(receipt)["status"] == 1

    assert service.account.impolite == 2


def test_without_a_device_it_never_rang(service: Service) -> None:
    service.account.people[USER] = Person(USER, ())

    receipt = service.ring()

    assert service.receipt(receipt)["last_delivered_at"] == 0


def test_a_canceled_one_cannot_be_acknowledged(service: Service) -> None:
    emergency = service.account.emergencies[service.ring()]
    emergency.cancel(NOW + 1)

    assert not emergency.acknowledge(NOW + 2)
    assert emergency.as_answer(NOW + 3)["acknowledged"] == 0


@pytest.mark.parametrize("several", [True, False])
def test_one_receipt_stands_for_several_users(service: Service, several: bool) -> None:
    other = "u" * 30
    service.account.people[other] = Person(other)

    service.ring(user=f"{USER},{other}" if several else USER)

    assert len(service.account.emergencies) == 1
