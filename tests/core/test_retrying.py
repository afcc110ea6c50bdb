"""What may be repeated, how long to wait before it, and when to give up."""

from __future__ import annotations

import dataclasses
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pushover_logging.retrying import Outage, RetryPolicy

from pushover_logging.client.errors import PushoverError

from .bench import TransportError, quota_error, refusal, server_error

WAITS = st.floats(0.01, 1000)


def waits(policy: RetryPolicy, count: int) -> list[float]:
    outage = Outage(policy)
    return [outage.wait_after(server_error()) for _ in range(count)]


@given(WAITS, WAITS, st.integers(1, 30))
def test_every_wait_is_between_the_shortest_and_the_longest(
    initial: float, more: float, failures: int
) -> None:
    policy = RetryPolicy(wait_initial=initial, wait_max=initial + more)

    assert all(initial <= wait <= initial + more for wait in waits(policy, failures))


def test_waits_grow_with_each_failure_and_differ_from_outage_to_outage() -> None:
    many = [waits(RetryPolicy(wait_initial=1, wait_max=1000), 8) for _ in range(200)]

    averages = [sum(each) / len(each) for each in zip(*many, strict=True)]
    assert averages == sorted(averages)
    assert averages[-1] > 20 * averages[0]
    assert len({first for first, *_ in many}) > 150


@pytest.mark.parametrize("error", [refusal(), quota_error(), refusal(200)])
def test_what_must_not_be_repeated_is_raised_again(error: PushoverError) -> None:
    with pytest.raises(type(error)) as raised:
        Outage(RetryPolicy()).wait_after(error)

    assert raised.value is error


@pytest.mark.parametrize("error", [server_error(), TransportError("no answer")])
def test_what_may_succeed_later_is_waited_for(error: PushoverError) -> None:
    assert Outage(RetryPolicy()).wait_after(error) >= 5


def test_an_outage_goes_on_growing_on_whatever_thread_it_is_met() -> None:
    outages = [Outage(RetryPolicy(wait_initial=1, wait_max=1000)) for _ in range(20)]
    waits: list[float] = []

    def meet() -> None:
        waits.extend(outage.wait_after(server_error()) for outage in outages)

    for _ in range(9):
        thread = threading.Thread(target=meet)
        thread.start()
        thread.join()

    assert len(waits) == 9 * 20
    assert sum(waits[-20:]) > 20 * sum(waits[:20])


def test_a_patient_policy_gives_up_after_a_day_only() -> None:
    policy = RetryPolicy()

    assert not policy.gives_up(10_000, 86_399)
    assert policy.gives_up(1, 86_400)


@given(st.integers(1, 100), st.integers(1, 100))
def test_attempts_bound_the_sends_of_one_alert(attempts: int, tries: int) -> None:
    assert RetryPolicy(attempts=attempts).gives_up(tries, 0) == (tries >= attempts)


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
