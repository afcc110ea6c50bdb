"""When a failed send is repeated: the policy as a value, made of tenacity's parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from ..client.errors import PushoverError

if TYPE_CHECKING:
    import tenacity

__all__ = ["POLITE_WAIT", "Backoff", "RetryPolicy", "load_for_failures"]

T = TypeVar("T")

POLITE_WAIT = 5.0
"""Seconds that Pushover asks clients to leave between two tries (https://pushover.net/api#friendly)."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and for how long, a failed request is repeated.

    A request is repeated if it may succeed later: after no answer, a broken answer, or a 5xx. A
    refusal of the service (4xx) is final. The waits are random between ``wait_initial`` and a
    limit, which doubles with each failure from ``2 * wait_initial`` up to ``wait_max``. All times
    are in seconds.

    Raises ValueError for a value out of bounds.
    """

    attempts: int | None = None
    """The number of times that an alert is sent; None: no limit except ``give_up_after``."""
    wait_initial: float = 5.0
    """The shortest wait. Pushover asks for at least 5 s; use less for a local server only."""
    wait_max: float = 30.0
    """The longest wait, and so the longest delay of an alert after the service is back."""
    give_up_after: float = 86400.0
    """An alert is dropped, and handed to ``fallback``, this long after its first failure."""

    def __post_init__(self) -> None:
        if self.attempts is not None and self.attempts < 1:
            raise ValueError(f"retry_policy.attempts is {self.attempts}; at least 1 is needed")
        if not self.wait_initial > 0:
            raise ValueError(f"retry_policy.wait_initial is {self.wait_initial}; expected over 0")
        if not self.wait_max >= self.wait_initial:
            raise ValueError(
                f"retry_policy.wait_max is {self.wait_max}; "
                f"at least wait_initial, {self.wait_initial}, is needed"
            )
        if not self.give_up_after > 0:
            raise ValueError(f"retry_policy.give_up_after is {self.give_up_after}; expected over 0")

    def call(self, send: Callable[[], T]) -> T:
        """Call ``send``, and repeat the call while it raises a retryable PushoverError.

        Sleeps between the calls. Raises the last error when a limit of the policy is reached.
        """
        return self._retrying()(send)

    def _retrying(self) -> tenacity.Retrying:
        import tenacity  # loaded with the first failure, because most processes never see one

        stop: tenacity.stop.stop_base = tenacity.stop_after_delay(self.give_up_after)
        if self.attempts is not None:
            stop = tenacity.stop_after_attempt(self.attempts) | stop
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(_may_pass),
            stop=stop,
            wait=tenacity.wait_random_exponential(
                multiplier=2 * self.wait_initial, max=self.wait_max, min=self.wait_initial
            ),
            reraise=True,
        )


def load_for_failures() -> None:
    """Import the modules that only a failure needs, because most processes never see one."""
    import tenacity  # noqa: F401


class Backoff:
    """A run of failures, of one alert or of the service: how long to wait, and when to give up.

    tenacity decides; the caller waits, so that it can wait for something else at the same time.
    """

    def __init__(self, policy: RetryPolicy, now: float) -> None:
        """``now`` is ``time.monotonic()``, when the first failure came."""
        import tenacity

        self._retrying = policy._retrying()
        self._state = tenacity.RetryCallState(self._retrying, fn=None, args=(), kwargs={})
        self._state.start_time = now
        self._state.attempt_number = 0

    def wait_after(self, error: PushoverError, now: float) -> float | None:
        """Seconds to wait after this failure; None when the policy gives up."""
        self._state.attempt_number += 1
        self._state.outcome_timestamp = now
        self._state.set_exception((type(error), error, None))
        self._state.outcome_timestamp = now
        if self._retrying.stop(self._state):
            return None
        return float(self._retrying.wait(self._state))


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, PushoverError) and error.retryable
