"""Whether a push may go now, by two clocks that are passed in."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pushover_logging import RetryPolicy
from pushover_logging.client.constants import Priority
from pushover_logging.client.errors import TransportError
from pushover_logging.delivery.limits import Limits, Quota, next_month

from .bench import TODAY

EMERGENCY, HIGH, LOWEST = Priority.EMERGENCY, Priority.HIGH, Priority.LOWEST
DAY = timedelta(days=1)
POLICY = RetryPolicy(wait_initial=5, wait_max=300)
ERROR = TransportError("no answer")


def new_limits(*, max_per_minute: int = 10, quota_reserve: int = 500) -> Limits:
    return Limits(POLICY, max_per_minute=max_per_minute, quota_reserve=quota_reserve)


def with_left(remaining: int | None, limit: int | None = 10_000, days: int = 10) -> Limits:
    limits = new_limits()
    limits.delivered(Quota(limit, remaining, TODAY + days * DAY), 0.0, TODAY)
    return limits


def least(limits: Limits, now: float, today: datetime = TODAY) -> Priority | None:
    return limits.verdict(now, today).least


# Outages.


def test_everything_may_go_at_first() -> None:
    verdict = new_limits().verdict(0.0, TODAY)

    assert verdict.least is LOWEST
    assert verdict.slots == 10
    assert verdict.has_emergency_slot


def test_after_a_failure_only_more_urgent_alerts_may_go_before_the_wait_is_over() -> None:
    limits = new_limits()

    until = limits.failed(ERROR, Priority.LOW, 100.0)

    assert until >= 105.0
    assert least(limits, until - 0.001) is Priority.NORMAL
    assert limits.verdict(100.0, TODAY).opens_at == until
    assert least(limits, until) is LOWEST


def test_while_emergencies_fail_nothing_may_go() -> None:
    limits = new_limits()

    until = limits.failed(ERROR, EMERGENCY, 100.0)

    assert least(limits, until - 0.001) is None


def test_a_success_ends_the_outage_at_once() -> None:
    limits = new_limits()
    limits.failed(ERROR, EMERGENCY, 100.0)

    limits.delivered(Quota(), 101.0, TODAY)

    assert not limits.in_outage
    assert least(limits, 101.0) is LOWEST


@given(st.lists(st.sampled_from(Priority), min_size=1, max_size=8))
def test_no_failure_is_followed_by_another_try_of_its_kind_within_5_seconds(
    priorities: list[Priority],
) -> None:
    limits, now = new_limits(), 0.0

    for priority in priorities:
        until = limits.failed(ERROR, priority, now)
        allowed = least(limits, until - 0.001)
        assert 5 <= until - now <= 300
        assert allowed is None or allowed > priority
        now = until


def test_an_outage_has_no_end_by_the_policys_attempts() -> None:
    policy = RetryPolicy(attempts=2, give_up_after=10, wait_initial=5, wait_max=30)
    limits, now = Limits(policy, max_per_minute=10, quota_reserve=500), 0.0

    for _ in range(20):
        until = limits.failed(ERROR, HIGH, now)
        assert 5 <= until - now <= 30.001
        now = until


# The pace.


@given(st.integers(1, 20), st.lists(st.floats(0, 40), max_size=80))
def test_never_more_slots_than_a_minute_has(most: int, pauses: list[float]) -> None:
    limits, now = new_limits(max_per_minute=most), 0.0
    sent: list[float] = []

    for pause in pauses:
        now += pause
        if limits.slots(now):
            limits.delivered(Quota(), now, TODAY)
            sent.append(now)
        else:
            assert now < limits.slot_opens_at(now) <= now + 60
            assert limits.verdict(now, TODAY).opens_at == limits.slot_opens_at(now)

    assert all(sum(at <= other < at + 60 for other in sent) <= most for at in sent)


def test_a_slot_opens_a_minute_after_the_first_push_of_a_full_minute() -> None:
    limits = new_limits(max_per_minute=2)
    for now in (10.0, 20.0):
        limits.delivered(Quota(), now, TODAY)

    assert limits.slots(30.0) == 0
    assert limits.slot_opens_at(30.0) == 70.0
    assert limits.slots(70.0) == 1


def test_a_full_minute_has_a_slot_for_one_emergency() -> None:
    limits = new_limits(max_per_minute=2)
    for now in (10.0, 20.0, 30.0):
        assert limits.verdict(now, TODAY).has_emergency_slot
        limits.delivered(Quota(), now, TODAY)

    assert not limits.verdict(31.0, TODAY).has_emergency_slot
    assert limits.emergency_opens_at(31.0) == 90.0
    assert limits.slot_opens_at(31.0) == 70.0  # the emergency took nobody's slot
    assert limits.verdict(90.0, TODAY).has_emergency_slot


# The month.


@pytest.mark.parametrize(
    ("remaining", "limit", "expected"),
    [
        (501, 10_000, LOWEST),
        (500, 10_000, HIGH),
        (0, 10_000, HIGH),
        (None, None, LOWEST),
        (400, None, HIGH),
        (101, 500, LOWEST),
        (101, 501, HIGH),
    ],
)
def test_the_reserve_is_kept_for_urgent_alerts(
    remaining: int | None, limit: int | None, expected: Priority
) -> None:
    assert least(with_left(remaining, limit), 0.0) is expected


def test_after_the_reset_the_reserve_is_full_again() -> None:
    limits = with_left(3, days=10)

    assert least(limits, 0.0, TODAY + 10 * DAY) is LOWEST


def test_while_the_month_is_low_the_wall_clock_is_read_each_minute() -> None:
    limits = with_left(3)

    assert limits.verdict(100.0, TODAY).opens_at == 160.0
    soon = TODAY + 10 * DAY - timedelta(seconds=7)
    assert limits.verdict(100.0, soon).opens_at == 107.0


def test_a_low_month_is_warned_of_once_and_the_next_one_again() -> None:
    limits = with_left(3, days=10)

    assert [limits.should_warn(TODAY), limits.should_warn(TODAY + DAY)] == [True, False]
    later = TODAY + 11 * DAY
    assert not limits.should_warn(later)
    limits.delivered(Quota(10_000, 2, later + DAY), 0.0, TODAY)
    assert [limits.should_warn(later), limits.should_warn(later)] == [True, False]


def test_a_month_with_enough_left_is_not_warned_of() -> None:
    assert not with_left(501).should_warn(TODAY)
    assert not new_limits().should_warn(TODAY)


def test_a_spent_month_lets_nothing_through_until_its_end() -> None:
    limits = new_limits()

    ends = limits.quota_spent(TODAY + DAY, TODAY)

    assert ends == TODAY + DAY
    assert least(limits, 0.0, TODAY + DAY - timedelta(seconds=1)) is None
    assert least(limits, 0.0, TODAY + DAY) is LOWEST


def test_a_spent_month_without_a_date_ends_with_the_calendars() -> None:
    limits = new_limits()

    ends = limits.quota_spent(None, TODAY)

    assert ends == datetime(2026, 4, 1, 6, tzinfo=timezone.utc)
    assert least(limits, 0.0, ends) is LOWEST


@pytest.mark.parametrize("ago", [timedelta(), timedelta(seconds=1), timedelta(hours=5)])
def test_a_reset_in_the_near_past_is_by_another_clock_and_asked_about_again_soon(
    ago: timedelta,
) -> None:
    ends = new_limits().quota_spent(TODAY - ago, TODAY)

    assert timedelta(seconds=5) <= ends - TODAY <= timedelta(seconds=300)


def test_a_reset_in_the_far_past_is_ignored() -> None:
    ends = new_limits().quota_spent(TODAY - 40 * DAY, TODAY)

    assert ends == next_month(TODAY)


@given(st.timedeltas(timedelta(days=-400), timedelta(days=400)) | st.none())
@example(timedelta(seconds=1))
def test_a_spent_month_is_never_asked_about_at_once(offset: timedelta | None) -> None:
    reset = None if offset is None else TODAY + offset

    assert new_limits().quota_spent(reset, TODAY) >= TODAY + timedelta(seconds=5)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone.utc)))
def test_the_next_month_begins_at_midnight_in_the_us_within_31_days(now: datetime) -> None:
    begins = next_month(now)

    assert timedelta() < begins - now <= 31 * DAY
    assert (begins.day, begins.hour, begins.minute) == (1, 6, 0)
    assert begins.utcoffset() == timedelta()


def test_values_that_an_answer_leaves_out_stay_as_known() -> None:
    known = Quota(10_000, 7, TODAY)

    assert known.updated(None, None, None) == known
    assert known.updated(None, 6, None) == Quota(10_000, 6, TODAY)
    assert known.updated(0, 0, TODAY + DAY) == Quota(0, 0, TODAY + DAY)


# A refused token.


def test_a_refused_token_is_tried_again_after_longer_and_longer_pauses() -> None:
    limits, now, pauses = new_limits(), 100.0, []

    for _ in range(5):
        pause = limits.refused_credentials(now)
        assert least(limits, now + pause - 0.001) is None
        pauses.append(pause)
        now += pause

    assert pauses == [60.0, 300.0, 1800.0, 21_600.0, 21_600.0]
    limits.delivered(Quota(), now, TODAY)
    assert limits.refused_credentials(now) == 60.0


@pytest.mark.parametrize(
    ("stored_until", "holds_until"), [(150.0, 150.0), (50.0, 100.0), (100_000.0, 400.0)]
)
def test_pause_of_another_sender_goes_on_and_lasts_no_longer_than_a_new_one(
    stored_until: float, holds_until: float
) -> None:
    limits = new_limits()

    limits.resume_refusals(2, stored_until, 100.0)

    assert limits.holds(holds_until - 0.001) == (holds_until > 100.0)
    assert least(limits, holds_until) is LOWEST
    assert limits.refused_credentials(holds_until) == 1800.0


def test_wait_of_an_outage_is_no_pause_of_a_refused_token() -> None:
    limits = new_limits()
    limits.refused_credentials(100.0)
    assert limits.refused_until == 160.0

    limits.failed(ERROR, LOWEST, 160.0)

    assert limits.holds(161.0)
    assert limits.refused_until == 0.0


# The worker asks again at the moment that a verdict names.


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["sent", "failed", "refused", "spent", "low"]),
            st.sampled_from(Priority),
            st.floats(0, 100),
        ),
        max_size=30,
    )
)
def test_a_verdict_that_lets_less_than_everything_through_names_a_later_moment(
    events: list[tuple[str, Priority, float]],
) -> None:
    limits, now, today = new_limits(max_per_minute=3), 1000.0, TODAY

    for kind, priority, pause in events:
        if kind == "sent":
            limits.delivered(Quota(), now, today)
        elif kind == "failed":
            limits.failed(ERROR, priority, now)
        elif kind == "refused":
            limits.refused_credentials(now)
        elif kind == "spent":
            limits.quota_spent(today + timedelta(seconds=90), today)
        else:
            limits.delivered(Quota(10_000, 3, today + DAY), now, today)
        verdict = limits.verdict(now, today)
        if verdict.least is not LOWEST or not verdict.slots:
            assert verdict.opens_at > now
        now += pause
        today += timedelta(seconds=pause)
