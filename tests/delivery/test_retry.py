"""What may be repeated, how long to wait before it, and when to give up."""

from __future__ import annotations

import dataclasses
import itertools
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging import RetryPolicy
from pushover_logging.client.errors import PushoverError, TransportError
from pushover_logging.delivery.retry import Backoff

from .bench import quota_spent, refusal, server_error

WAITS = st.floats(0.01, 1000)
FAILURE = server_error().error


def waits(policy: RetryPolicy, count: int) -> list[float]:
    backoff = Backoff(policy, 0.0)
    found = [backoff.wait_after(FAILURE, 0.0) for _ in range(count)]
    assert None not in found
    return [wait for wait in found if wait is not None]


@given(WAITS, WAITS, st.integers(1, 30))
def test_every_wait_is_between_the_shortest_and_the_longest(
    initial: float, more: float, failures: int
) -> None:
    policy = RetryPolicy(wait_initial=initial, wait_max=initial + more)

    assert all(initial <= wait <= initial + more for wait in waits(policy, failures))


def test_waits_grow_with_each_failure_and_differ_from_outage_to_outage() -> None:
    many = [waits(RetryPolicy(wait_initial=1, wait_max=1000), 8) for _ in range(400)]

    averages = [sum(each) / len(each) for each in zip(*many, strict=True)]
    assert all(later > 1.2 * earlier for earlier, later in itertools.pairwise(averages))
    assert averages[-1] > 20 * averages[0]
    assert len({first for first, *_ in many}) > 200


def test_a_failure_late_in_an_outage_is_followed_by_30_seconds_at_most() -> None:
    assert max(waits(RetryPolicy(), 200)) <= 30


@pytest.mark.parametrize("error", [FAILURE, TransportError("no answer")])
def test_what_may_succeed_later_is_waited_for(error: PushoverError) -> None:
    wait = Backoff(RetryPolicy(), 0.0).wait_after(error, 0.0)

    assert wait is not None
    assert wait >= 5


def test_a_backoff_goes_on_growing_on_whatever_thread_it_is_used() -> None:
    backoffs = [Backoff(RetryPolicy(wait_initial=1, wait_max=1000), 0.0) for _ in range(20)]
    found: list[float] = []

    def fail() -> None:
        found.extend(backoff.wait_after(FAILURE, 0.0) or 0.0 for backoff in backoffs)

    for _ in range(9):
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()

    assert len(found) == 9 * 20
    assert sum(found[-20:]) > 20 * sum(found[:20])


def test_a_patient_policy_gives_up_only_after_a_day() -> None:
    backoff = Backoff(RetryPolicy(), 1000.0)
    for _ in range(10_000):
        assert backoff.wait_after(FAILURE, 1000.0 + 86_399) is not None

    assert backoff.wait_after(FAILURE, 1000.0 + 86_400) is None


@given(st.integers(1, 100))
def test_attempts_bound_the_sends_of_an_alert(attempts: int) -> None:
    backoff = Backoff(RetryPolicy(attempts=attempts), 0.0)

    found = [backoff.wait_after(FAILURE, 0.0) for _ in range(attempts)]

    assert [wait is None for wait in found] == [False] * (attempts - 1) + [True]


class Sends:
    """Fails a few times with the same error, then succeeds."""

    def __init__(self, error: PushoverError, failures: int) -> None:
        self.error, self.failures, self.calls = error, failures, 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return "sent"


QUICK = RetryPolicy(attempts=3, wait_initial=0.001, wait_max=0.002)


def test_a_call_is_repeated_until_it_succeeds() -> None:
    send = Sends(FAILURE, 2)

    assert QUICK.call(send) == "sent"
    assert send.calls == 3


def test_a_call_that_goes_on_failing_raises_its_last_error() -> None:
    send = Sends(FAILURE, 9)

    with pytest.raises(type(FAILURE)) as raised:
        QUICK.call(send)

    assert raised.value is FAILURE
    assert send.calls == 3


@pytest.mark.parametrize("error", [refusal().error, quota_spent().error])
def test_a_call_that_the_service_refuses_is_not_repeated(error: PushoverError) -> None:
    send = Sends(error, 9)

    with pytest.raises(type(error)):
        QUICK.call(send)

    assert send.calls == 1


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"attempts": 0}, "retry_policy.attempts is 0; at least 1 is needed"),
        ({"wait_initial": 0.0}, "retry_policy.wait_initial is 0.0; expected over 0"),
        ({"wait_initial": 9.0, "wait_max": 8.0}, "at least wait_initial, 9.0, is needed"),
        ({"give_up_after": 0.0}, "retry_policy.give_up_after is 0.0; expected over 0"),
        (
            {"wait_max": float("nan")},
            "retry_policy.wait_max is nan; at least wait_initial, 5.0, is needed",
        ),
        ({"give_up_after": float("nan")}, "retry_policy.give_up_after is nan"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(options: dict[str, float], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        RetryPolicy(**options)  # type: ignore[arg-type]


def test_a_policy_is_a_value() -> None:
    policy = RetryPolicy()

    assert policy == RetryPolicy()
    with pytest.raises(dataclasses.FrozenInstanceError):
        policy.attempts = 3  # type: ignore[misc]
