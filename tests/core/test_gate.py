"""The gate opens when the service will take a push, by two clocks that are passed in."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pushover_logging.alerts import Priority
from pushover_logging.gate import Gate
from pushover_logging.quota import Allowance, next_month
from pushover_logging.retrying import Outage, RetryPolicy

from pushover_logging.client.errors import TransportError
from pushover_logging.stores.memory import MemoryStore

from .bench import TODAY, quota_error

EMERGENCY, HIGH, LOWEST = Priority.EMERGENCY, Priority.HIGH, Priority.LOWEST
DAY = timedelta(days=1)
POLICY = RetryPolicy(wait_initial=5, wait_max=300)


def new_gate(*, max_per_minute: int = 10, quota_reserve: int = 500) -> Gate:
    return Gate(
        MemoryStore[str](), POLICY, max_per_minute=max_per_minute, quota_reserve=quota_reserve
    )


def with_left(remaining: int | None, limit: int | None = 10_000, days: int = 10) -> Gate:
    gate = new_gate()
    gate.succeeded(Allowance(limit, remaining, TODAY + days * DAY), now=0.0, today=TODAY)
    return gate


def fail(gate: Gate, priority: Priority, now: float) -> float:
    return gate.failed(TransportError("no answer"), Outage(POLICY), priority, now)


# Outages.


def test_a_new_gate_lets_everything_through() -> None:
    assert new_gate().least(0.0, TODAY) is LOWEST


def test_after_a_failure_only_what_is_more_urgent_may_ask_before_the_wait_is_over() -> None:
    gate = new_gate()

    until = fail(gate, Priority.LOW, now=100.0)

    assert until >= 105.0
    assert gate.least(until - 0.001, TODAY) is Priority.NORMAL
    assert gate.opens_at(100.0, TODAY) == until
    assert gate.least(until, TODAY) is LOWEST


def test_while_emergencies_fail_nothing_may_go() -> None:
    gate = new_gate()

    until = fail(gate, EMERGENCY, now=100.0)

    assert gate.least(until - 0.001, TODAY) is None


def test_a_success_ends_the_outage_at_once() -> None:
    gate = new_gate()
    fail(gate, EMERGENCY, now=100.0)

    gate.succeeded(Allowance(), now=101.0, today=TODAY)

    assert not gate.in_outage
    assert gate.least(101.0, TODAY) is LOWEST


@given(st.lists(st.sampled_from(Priority), min_size=1, max_size=8))
def test_no_failure_is_followed_by_another_try_within_5_seconds_of_its_kind(
    priorities: list[Priority],
) -> None:
    gate, now = new_gate(), 0.0

    for priority in priorities:
        until = fail(gate, priority, now)
        least = gate.least(until - 0.001, TODAY)
        assert 5 <= until - now <= 300
        assert least is None or least > priority
        now = until


# The pace.


@given(st.integers(1, 20), st.lists(st.floats(0, 40), max_size=80))
def test_never_more_slots_than_a_minute_has(most: int, pauses: list[float]) -> None:
    gate, now, sent = new_gate(max_per_minute=most), 0.0, []

    for pause in pauses:
        now += pause
        if gate.slots(now, urgent=True):
            gate.succeeded(Allowance(), now, TODAY)
            sent.append(now)
        else:
            assert now < gate.slot_opens_at(now, urgent=True) <= now + 60

    kept_back = max(1, most - 1)
    assert all(sum(at <= other < at + 60 for other in sent) <= kept_back for at in sent)


def test_a_slot_opens_a_minute_after_the_first_of_a_full_minute() -> None:
    gate = new_gate(max_per_minute=3)
    for now in (10.0, 20.0):
        gate.succeeded(Allowance(), now, TODAY)

    assert gate.slots(30.0, urgent=True) == 0
    assert gate.slot_opens_at(30.0, urgent=True) == 70.0
    assert gate.slots(70.0, urgent=True) == 1


# The month.


@pytest.mark.parametrize(
    ("remaining", "limit", "least"),
    [
        (501, 10_000, LOWEST),
        (500, 10_000, HIGH),
        (0, 10_000, HIGH),
        (None, None, LOWEST),
        (400, None, HIGH),
        (101, 100, LOWEST),
    ],
)
def test_the_reserve_is_kept_for_what_is_urgent(
    remaining: int | None, limit: int | None, least: Priority
) -> None:
    assert with_left(remaining, limit).least(0.0, TODAY) is least


def test_after_the_reset_the_reserve_is_full_again() -> None:
    gate = with_left(3, days=10)

    assert gate.least(0.0, TODAY + 10 * DAY) is LOWEST


def test_while_the_month_is_low_the_wall_clock_is_looked_at_each_minute() -> None:
    gate = with_left(3)

    assert gate.opens_at(100.0, TODAY) == 160.0
    assert gate.opens_at(100.0, TODAY + 10 * DAY - timedelta(seconds=7)) == 107.0


def test_a_low_month_is_warned_of_once_and_the_next_one_again() -> None:
    gate = with_left(3, days=10)

    assert [gate.should_warn(TODAY), gate.should_warn(TODAY + DAY)] == [True, False]
    later = TODAY + 11 * DAY
    assert not gate.should_warn(later)
    gate.succeeded(Allowance(10_000, 2, later + DAY), now=0.0, today=TODAY)
    assert [gate.should_warn(later), gate.should_warn(later)] == [True, False]


def test_a_month_with_enough_left_is_not_warned_of() -> None:
    assert not with_left(501).should_warn(TODAY)
    assert not new_gate().should_warn(TODAY)


def test_a_spent_month_lets_nothing_through_until_its_end() -> None:
    gate = new_gate()

    ends = gate.spent(quota_error(TODAY + DAY), TODAY)

    assert ends == TODAY + DAY
    assert gate.least(0.0, TODAY + DAY - timedelta(seconds=1)) is None
    assert gate.least(0.0, TODAY + DAY) is LOWEST


def test_a_spent_month_without_a_date_ends_with_the_calendars() -> None:
    gate = new_gate()

    ends = gate.spent(quota_error(), TODAY)

    assert ends == datetime(2026, 4, 1, 6, tzinfo=timezone.utc)
    assert gate.least(0.0, ends) is LOWEST


@pytest.mark.parametrize("behind", [timedelta(), timedelta(seconds=1), timedelta(hours=5)])
def test_a_reset_just_behind_us_is_another_clock_and_asked_about_again_soon(
    behind: timedelta,
) -> None:
    ends = new_gate().spent(quota_error(TODAY - behind), TODAY)

    assert timedelta(seconds=5) <= ends - TODAY <= timedelta(seconds=300)


def test_a_reset_long_past_is_none() -> None:
    ends = new_gate().spent(quota_error(TODAY - 40 * DAY), TODAY)

    assert ends == next_month(TODAY)


@given(st.timedeltas(timedelta(days=-400), timedelta(days=400)) | st.none())
@example(timedelta(seconds=1))
def test_a_spent_month_is_never_asked_about_at_once(offset: timedelta | None) -> None:
    reset = None if offset is None else TODAY + offset

    assert new_gate().spent(quota_error(reset), TODAY) >= TODAY + timedelta(seconds=5)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone.utc)),
)
def test_the_next_month_begins_at_midnight_in_the_us_within_31_days(now: datetime) -> None:
    begins = next_month(now)

    assert timedelta() < begins - now <= 31 * DAY
    assert (begins.day, begins.hour, begins.minute) == (1, 6, 0)
    assert begins.utcoffset() == timedelta()


def test_what_an_answer_leaves_out_stays_as_known() -> None:
    known = Allowance(10_000, 7, TODAY)

    assert known.updated(None, None, None) == known
    assert known.updated(None, 6, None) == Allowance(10_000, 6, TODAY)
    assert known.updated(0, 0, TODAY + DAY) == Allowance(0, 0, TODAY + DAY)
