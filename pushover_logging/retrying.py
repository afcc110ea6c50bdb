"""When a failed send may be repeated: the policy as a value, and tenacity's strategies under it."""

from __future__ import annotations

from dataclasses import dataclass

from .client.errors import PushoverError

__all__ = ["Outage", "RetryPolicy", "load"]

POLITE_WAIT = 5.0
"""Seconds that Pushover asks clients to leave between two tries (https://pushover.net/api#friendly)."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and for how long, an alert that the service could not take is tried again.

    Only what may succeed later is repeated: no answer, a broken answer, a 5xx. What the service
    refuses (4xx) never is. The waits are random between ``wait_initial`` and a bound that doubles
    with each failure, from ``2 * wait_initial`` up to ``wait_max``. Seconds throughout.
    """

    attempts: int | None = None
    """Sends of one alert at most; None sets no bound but ``give_up_after``."""
    wait_initial: float = 5.0
    """The shortest wait; Pushover asks for at least 5 s, less is for a local server only."""
    wait_max: float = 300.0
    give_up_after: float = 86400.0
    """An alert that could not be sent for so long is given up, and handed to ``fallback``."""

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

    def gives_up(self, tries: int, age: float) -> bool:
        """Whether an alert tried so often, first submitted ``age`` seconds ago, is given up."""
        return age >= self.give_up_after or (self.attempts is not None and tries >= self.attempts)


def load() -> None:
    """Import tenacity; the caller sees to it that no fork comes between, which would hang a child.

    Not before the first failure: it takes as long as all else that a push needs.
    """
    import tenacity  # noqa: F401


class Outage:
    """A run of failures, up to the next success: how long to leave the service alone.

    It belongs to the service rather than to one alert: a thousand waiting alerts must not make a
    thousand first tries. tenacity's strategies decide what comes next; the failures are counted
    here, for tenacity counts them by thread and an outage may outlive the one it began on. The
    caller does the waiting, so that it can wait for something else at the same time.
    """

    def __init__(self, policy: RetryPolicy) -> None:
        import tenacity  # found, not loaded, once `load` was called

        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_is_retryable),
            wait=tenacity.wait_random_exponential(
                multiplier=2 * policy.wait_initial, max=policy.wait_max, min=policy.wait_initial
            ),
        )
        self._state = tenacity.RetryCallState(self._retrying, fn=None, args=(), kwargs={})
        self._state.attempt_number = 0

    def wait_after(self, error: PushoverError) -> float:
        """Seconds to wait after this failure; raises it again if it must not be repeated."""
        self._state.attempt_number += 1
        self._state.set_exception((type(error), error, None))
        if not self._retrying.retry(self._state):
            raise error
        return float(self._retrying.wait(self._state))


def _is_retryable(error: BaseException) -> bool:
    return isinstance(error, PushoverError) and error.retryable
