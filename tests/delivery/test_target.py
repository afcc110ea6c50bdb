"""An outcome for every answer of the service, and what the handler makes of it on the wire."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterator

import pytest

from pushover_logging import PushoverHandler
from pushover_logging.config import read_config
from pushover_logging.delivery.target import (
    Delivered,
    QuotaSpent,
    Rejected,
    RetryLater,
    Target,
)
from pushover_logging.devserver import DevServer
from pushover_logging.render.alert import Alert

from .bench import say_everything


@pytest.fixture
def server() -> Iterator[DevServer]:
    with DevServer(port=0) as server:
        yield server


@pytest.fixture
def logger_of(server: DevServer) -> Iterator[Callable[..., tuple[logging.Logger, PushoverHandler]]]:
    made: list[PushoverHandler] = []

    def make(**options: object) -> tuple[logging.Logger, PushoverHandler]:
        say_everything()
        options = {
            "priorities": {"ERROR": "NORMAL"},
            "retry_policy": {"wait_initial": 0.02, "wait_max": 0.05},
            **options,
        }
        handler = PushoverHandler(server.token, server.user, api_url=server.url, **options)  # type: ignore[arg-type]
        made.append(handler)
        logger = logging.Logger("shop")
        logger.addHandler(handler)
        return logger, handler

    yield make
    for handler in made:
        handler.close()


def target_of(server: DevServer, **options: object) -> Target:
    target = Target(
        read_config({"token": server.token, "user": server.user, "api_url": server.url, **options})
    )
    target.open()
    return target


def alert(priority: int = 0, **fields: object) -> Alert:
    from pushover_logging.client.constants import Priority

    return Alert("disk is full", "ERROR shop", Priority(priority), timestamp=1, **fields)  # type: ignore[arg-type]


# Outcomes.


def test_a_push_that_the_service_takes_is_delivered_with_its_quota(server: DevServer) -> None:
    outcome = target_of(server).deliver(alert())

    assert isinstance(outcome, Delivered)
    assert outcome.receipt is None
    assert outcome.limit == 10_000
    assert outcome.remaining == 9_999
    assert outcome.reset is not None


def test_an_emergency_is_delivered_with_its_receipt(server: DevServer) -> None:
    target = target_of(server)

    outcome = target.deliver(alert(2, retry=60, expire=3600))

    assert isinstance(outcome, Delivered)
    assert outcome.receipt
    status = target.receipt(outcome.receipt)
    assert status is not None
    assert not status.acknowledged


def test_an_emergency_is_cancelled_by_its_receipt(server: DevServer) -> None:
    target = target_of(server)
    outcome = target.deliver(alert(2, retry=60, expire=3600))
    assert isinstance(outcome, Delivered)
    assert outcome.receipt

    assert target.cancel(outcome.receipt) is None

    status = target.receipt(outcome.receipt)
    assert status is not None
    assert status.expired


def test_an_emergency_is_cancelled_by_its_tag(server: DevServer) -> None:
    target = target_of(server)
    outcome = target.deliver(alert(2, retry=60, expire=3600, tags=("payments",)))
    assert isinstance(outcome, Delivered)
    assert outcome.receipt

    assert target.cancel_by_tag("payments") is None

    status = target.receipt(outcome.receipt)
    assert status is not None
    assert status.expired


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_service_in_trouble_is_asked_again_later(server: DevServer, status: int) -> None:
    server.fault("status", count=9, status=status)
    target = target_of(server)

    outcome = target.deliver(alert())

    assert isinstance(outcome, RetryLater)
    assert target.cancel("r" * 30) is not None
    assert target.receipt("r" * 30) is None


def test_no_answer_is_asked_again_later() -> None:
    target = Target(
        read_config({"token": "a" * 30, "user": "u" * 30, "api_url": "http://127.0.0.1:9/1/"})
    )
    target.open()

    assert isinstance(target.deliver(alert()), RetryLater)


def test_a_push_that_the_service_refuses_is_rejected(server: DevServer) -> None:
    server.fault("status", status=400)

    outcome = target_of(server).deliver(alert())

    assert isinstance(outcome, Rejected)
    assert not outcome.is_credential


def test_a_refused_token_is_a_credential(server: DevServer) -> None:
    outcome = target_of(server, token="x" * 30).deliver(alert())

    assert isinstance(outcome, Rejected)
    assert outcome.is_credential


def test_the_only_user_that_is_refused_is_a_credential(server: DevServer) -> None:
    outcome = target_of(server, user="x" * 30).deliver(alert())

    assert isinstance(outcome, Rejected)
    assert outcome.is_credential


def test_one_refused_user_of_several_stops_that_user_alone(
    server: DevServer, capsys: pytest.CaptureFixture[str]
) -> None:
    say_everything()
    target = target_of(server, user=["x" * 30, server.user])

    outcomes = [target.deliver(alert()) for _ in range(2)]

    assert all(isinstance(outcome, Delivered) for outcome in outcomes)
    assert len(server.messages) == 2
    said = capsys.readouterr().err
    assert "user key 1 of 2 gets no alerts" in said
    assert "x" * 30 not in said


def test_users_that_were_refused_are_tried_again_after_a_reset(server: DevServer) -> None:
    say_everything()
    target = target_of(server, user=["x" * 30, server.user])
    target.deliver(alert())
    before = len(server.requests)

    target.deliver(alert())
    assert len(server.requests) == before + 1
    target.reset_users()
    target.deliver(alert())

    assert len(server.requests) > before + 2  # refused, each user asked about, sent


def test_when_every_user_is_refused_it_is_the_credentials(server: DevServer) -> None:
    say_everything()
    outcome = target_of(server, user=["x" * 30, "y" * 30]).deliver(alert())

    assert isinstance(outcome, Rejected)
    assert outcome.is_credential


def test_while_nobody_can_say_which_user_is_refused_the_push_is_tried_again(
    server: DevServer, capsys: pytest.CaptureFixture[str]
) -> None:
    say_everything()
    target = target_of(server, user=["x" * 30, server.user])
    server.fault("status", path="users/validate.json", count=2, status=503)

    outcomes = [target.deliver(alert()) for _ in range(3)]

    assert [type(outcome) for outcome in outcomes] == [RetryLater, RetryLater, Delivered]
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_users_that_are_good_by_themselves_are_asked_about_once(server: DevServer) -> None:
    other = server.add_user()
    server.fault("status", status=400, body={"user": "invalid", "status": 0, "errors": ["no"]})

    outcome = target_of(server, user=[other, server.user]).deliver(alert())

    assert isinstance(outcome, Rejected)
    assert [request.path for request in server.requests] == [
        "/1/messages.json",
        *["/1/users/validate.json"] * 2,
    ]


def test_the_time_for_a_delivery_includes_the_questions_about_each_user(
    server: DevServer,
) -> None:
    users = [server.add_user() for _ in range(9)]
    target = target_of(server, user=["x" * 30, *users])
    server.fault("delay", path="users/validate.json", count=None, seconds=1)
    began = time.monotonic()

    outcome = target.deliver(alert(), timeout=1.0)

    assert isinstance(outcome, RetryLater)
    assert time.monotonic() - began < 8  # ten questions take 10 s


def test_handlers_that_share_a_connection_keep_their_own_timeouts(server: DevServer) -> None:
    patient, hasty = target_of(server, timeout=30), target_of(server, timeout=0.2)
    server.fault("delay", count=2, seconds=1)

    outcomes = [hasty.deliver(alert()), patient.deliver(alert())]

    assert [type(outcome) for outcome in outcomes] == [RetryLater, Delivered]
    assert server.max_connections <= 2


def test_a_spent_month_says_when_it_ends(server: DevServer) -> None:
    server.set_quota(remaining=0)

    outcome = target_of(server).deliver(alert())

    assert isinstance(outcome, QuotaSpent)
    assert outcome.reset is not None


def test_a_target_that_was_not_opened_says_so() -> None:
    target = Target(read_config({"token": "a" * 30, "user": "u" * 30}))

    with pytest.raises(RuntimeError, match="before it was opened"):
        target.deliver(alert())


# The handler on the wire.


class Kept(logging.Handler):
    """A fallback that keeps what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


class Failing(logging.Handler):
    def handle(self, record: logging.LogRecord) -> bool:
        raise RuntimeError("broken")


def test_a_refused_record_goes_to_the_fallback(server: DevServer, logger_of: Callable) -> None:
    kept = Kept()
    logger, handler = logger_of(fallback=kept)
    server.fault("status", status=400)

    logger.error("user %s failed", "ann")
    assert handler.flush(30)

    assert kept.texts == ["user ann failed"]
    assert dict(handler.stats().dropped) == {"refused": 1}


def test_the_fallback_hears_how_many_records_a_lost_summary_stood_for(
    server: DevServer, logger_of: Callable
) -> None:
    kept = Kept()
    logger, handler = logger_of(fallback=kept)
    logger.error("disk is full")
    assert handler.flush(30)
    for _ in range(7):
        logger.error("disk is full")
    server.fault("status", status=400)

    assert handler.drain(30)

    assert kept.texts == ["disk is full (and 7 more like it)"]


def test_fallbacks_and_callbacks_that_fail_cost_nothing_else(
    server: DevServer, logger_of: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(error: Exception) -> None:
        raise RuntimeError("the user's")

    logger, handler = logger_of(fallback=Failing(), on_error=fail)
    server.fault("status", status=400)

    logger.error("refused")
    assert handler.flush(30)
    logger.error("disk is full")
    assert handler.flush(30)

    assert [message.params["message"] for message in server.messages] == ["disk is full"]
    said = capsys.readouterr().err
    assert "fallback failed: RuntimeError" in said
    assert "on_error failed: RuntimeError" in said
    assert "the user's" not in said


def test_on_error_hears_of_each_failure(server: DevServer, logger_of: Callable) -> None:
    heard: list[Exception] = []
    logger, handler = logger_of(on_error=heard.append)
    server.fault("status", count=2, status=502)

    logger.error("disk is full")
    assert handler.flush(30)

    assert len(heard) == 2
    assert len(server.messages) == 1


def test_handlers_of_one_process_share_one_connection(
    server: DevServer, logger_of: Callable
) -> None:
    loggers = [logger_of() for _ in range(5)]

    for logger, _ in loggers:
        logger.error("disk is full")
    assert all(handler.flush(30) for _, handler in loggers)

    assert len(server.messages) == 5
    assert server.max_connections == 1


def test_texts_that_the_handlers_formatter_masks_are_masked_in_summaries(
    server: DevServer, logger_of: Callable
) -> None:
    class Masking(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return super().format(record).replace("4111", "****")

    logger, handler = logger_of()
    handler.setFormatter(Masking())
    for _ in range(3):
        logger.error("card %s declined", "4111")

    assert handler.drain(30)

    texts = [message.params["message"].split("\n")[-1] for message in server.messages]
    assert texts == ["card **** declined"] * 2


class Request:
    """What a web framework adds to its records."""


@pytest.mark.parametrize("status", [200, 400])
def test_delivered_or_lost_a_record_is_not_kept_alive(
    server: DevServer, logger_of: Callable, status: int
) -> None:
    logger, handler = logger_of()
    if status != 200:
        server.fault("status", status=status)
    requests = [Request(), Request()]
    alive = [weakref.ref(request) for request in requests]
    for request in requests:
        logger.error("bad request", extra={"request": request})
    del request

    requests.clear()
    assert handler.flush(30)
    gc.collect()

    assert [ref() for ref in alive] == [None, None]


FAILING = """
import logging, sys
from pushover_logging import PushoverHandler
from pushover_logging.delivery.worker import WORKER

class Guard:
    \"\"\"Says what was imported in it.\"\"\"

    def __init__(self, lock):
        self.lock, self.seen = lock, set()

    def __enter__(self):
        self.lock.acquire()
        self.before = set(sys.modules)

    def __exit__(self, *_):
        self.seen |= set(sys.modules) - self.before
        self.lock.release()

WORKER.loading = guard = Guard(WORKER.loading)
handler = PushoverHandler("a" * 30, "u" * 30, api_url="http://127.0.0.1:9/1/", exit_timeout=0)
handler._pipeline.quiet = False  # nobody is to wake the worker
handler._pipeline.step(None)
opened = set(sys.modules)
handler.handle(logging.makeLogRecord({"msg": "x", "levelno": 40}))
handler._pipeline.step(None)
print("requests" in opened, "tenacity" in opened, "tenacity" in guard.seen)
print(sorted(set(sys.modules) - opened - guard.seen))
"""


def test_modules_that_a_failure_needs_are_imported_while_no_fork_can_come_between() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILING], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout == "True False True\n[]\n"
