"""The dev server as pytest fixtures, so that users can test their own alerting.

pytest imports this at every start wherever the package is installed: nothing but the fixtures loads
what they need.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pushover_logging.devserver import DevServer, FaultKind, ReceivedMessage, SeenRequest
    from pushover_logging.handler import PushoverHandler

__all__ = ["PushoverServer", "make_pushover_handler", "pushover_handler", "pushover_server"]

_LAST_PUSHES = 1.0
"""Seconds that the end of a test waits for what its handlers still have to send."""


class PushoverServer:
    """A local Pushover server for a single test.

    ``dev_server`` is the server itself, with further methods.
    """

    def __init__(self, dev_server: DevServer) -> None:
        self.dev_server = dev_server

    @property
    def url(self) -> str:
        """The service's address, as ``PUSHOVER_API_URL`` and ``api_url`` take it."""
        return self.dev_server.url

    @property
    def token(self) -> str:
        """The only application token that is valid here."""
        return self.dev_server.token

    @property
    def user(self) -> str:
        """The only user key that is valid here."""
        return self.dev_server.user

    @property
    def messages(self) -> list[ReceivedMessage]:
        """The messages accepted so far, oldest first."""
        return self.dev_server.messages

    @property
    def requests(self) -> list[SeenRequest]:
        """Every request so far, refused ones too, oldest first."""
        return self.dev_server.requests

    def wait_for(self, count: int, timeout: float = 10.0) -> list[ReceivedMessage]:
        """Wait for that many messages and return all. Raises TimeoutError with those received."""
        return self.dev_server.wait_for(count, timeout)

    def acknowledge(
        self,
        emergency: ReceivedMessage | str | None = None,
        user: str | None = None,
        device: str | None = None,
    ) -> None:
        """Acknowledge an emergency: a message, a receipt, or the latest emergency.

        Raises LookupError for an unknown receipt, ValueError if the emergency no longer rings.
        """
        receipt = emergency if isinstance(emergency, str) else self._receipt(emergency)
        self.dev_server.acknowledge(receipt, user or self.user, device)

    def fail_next(
        self,
        count: int = 1,
        *,
        kind: FaultKind = "status",
        status: int | None = None,
        seconds: float | None = None,
        path: str = "messages.json",
    ) -> None:
        """Let the next ``count`` messages fail; by default with HTTP 500.

        Kinds are those of the dev server's faults: ``"reset"``, ``"hang"``, ``"lost"`` and more.
        """
        self.dev_server.fault(kind, count, path=path, status=status, seconds=seconds)

    def set_quota(
        self, limit: int | None = None, remaining: int | None = None, reset: float | None = None
    ) -> None:
        """Set the quota of the month. None leaves a value as is; ``reset`` is in Unix seconds."""
        self.dev_server.set_quota(limit, remaining, reset)

    def _receipt(self, message: ReceivedMessage | None) -> str:
        candidates = [message] if message else reversed(self.messages)
        for candidate in candidates:
            if candidate.receipt:
                return candidate.receipt
        raise LookupError("no emergency has arrived: only messages of priority 2 have a receipt")


@pytest.fixture
def pushover_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PushoverServer]:
    """A local Pushover server; PUSHOVER_API_URL, PUSHOVER_TOKEN and PUSHOVER_USER refer to it."""
    try:
        from pushover_logging.devserver import DevServer
    except ModuleNotFoundError as missing:
        pytest.fail(f"pushover_server: {missing}", pytrace=False)
    with DevServer() as dev_server:
        monkeypatch.setenv("PUSHOVER_API_URL", dev_server.url)
        monkeypatch.setenv("PUSHOVER_TOKEN", dev_server.token)
        monkeypatch.setenv("PUSHOVER_USER", dev_server.user)
        yield PushoverServer(dev_server)


@pytest.fixture
def make_pushover_handler(
    pushover_server: PushoverServer,
) -> Iterator[Callable[..., PushoverHandler]]:
    """A function that creates handlers with any options; they send to ``pushover_server``.

    A failed push is repeated at once rather than after 5 seconds. At the end of the test the
    handlers are removed from their loggers and closed.
    """
    from pushover_logging.delivery.retry import RetryPolicy
    from pushover_logging.handler import PushoverHandler

    made: list[PushoverHandler] = []

    def make(**options: object) -> PushoverHandler:
        defaults = {
            "token": pushover_server.token,
            "user": pushover_server.user,
            "api_url": pushover_server.url,
            "retry_policy": RetryPolicy(wait_initial=0.05, wait_max=0.2),
            "exit_timeout": _LAST_PUSHES,
        }
        made.append(PushoverHandler(**{**defaults, **options}))  # type: ignore[arg-type]
        return made[-1]

    yield make
    pushover_server.dev_server.clear_faults()
    for handler in made:
        _take_off_loggers(handler)
        handler.close()
        handler.flush(_LAST_PUSHES)


@pytest.fixture
def pushover_handler(
    make_pushover_handler: Callable[..., PushoverHandler],
) -> PushoverHandler:
    """A handler that sends to ``pushover_server``; add it to the logger under test."""
    return make_pushover_handler()


def _take_off_loggers(handler: logging.Handler) -> None:
    known = list(logging.root.manager.loggerDict.values())
    for logger in (logging.root, *(each for each in known if isinstance(each, logging.Logger))):
        logger.removeHandler(handler)
