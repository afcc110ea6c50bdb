"""What a handler does with what it could not deliver, and with the user's own functions."""

from __future__ import annotations

import dataclasses
import gc
import logging
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest
from pushover_logging.notices import NOTICES
from pushover_logging.rendering import Renderer

from pushover_logging import PushoverHandler
from pushover_logging.devserver import DevServer


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


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[DevServer]:
    monkeypatch.setattr(NOTICES, "_last", {})
    monkeypatch.setattr(NOTICES, "_withheld", {})
    with DevServer(port=0) as server:
        yield server
        # What a test leaves counted or waiting would be tried again and again beside all others.
        for handler in _MADE:
            handler.close()
            handler.flush(10)
        _MADE.clear()


_MADE: list[PushoverHandler] = []


def logger_of(server: DevServer, **options: object) -> tuple[logging.Logger, PushoverHandler]:
    handler = PushoverHandler(
        server.token,
        server.user,
        api_url=server.url,
        priorities={"ERROR": "NORMAL"},
        retry_policy={"wait_initial": 0.02, "wait_max": 0.05},
        **options,  # type: ignore[arg-type]
    )
    _MADE.append(handler)
    logger = logging.Logger("shop")
    logger.addHandler(handler)
    return logger, handler


def test_what_is_refused_goes_to_the_fallback(server: DevServer) -> None:
    kept = Kept()
    logger, handler = logger_of(server, fallback=kept)
    server.fault("status", status=400)

    logger.error("user %s failed", "ann")
    assert handler.flush(10)

    assert kept.texts == ["user ann failed"]
    assert dict(handler.stats().dropped) == {"refused": 1}


def test_what_a_lost_summary_stood_for_is_said_to_the_fallback(server: DevServer) -> None:
    kept = Kept()
    logger, handler = logger_of(server, fallback=kept)
    logger.error("disk is full")
    assert handler.flush(10)
    for _ in range(7):
        logger.error("disk is full")
    server.fault("status", status=400)

    handler.close()
    assert handler.flush(10)

    assert kept.texts == ["disk is full (and 7 more like it)"]


def test_a_fallback_gets_nothing_below_its_level(server: DevServer) -> None:
    kept = Kept()
    kept.setLevel(logging.CRITICAL)
    logger, handler = logger_of(server, fallback=kept)
    server.fault("status", count=2, status=400)

    logger.error("disk is full")
    logger.critical("disk is gone")
    assert handler.flush(10)

    assert kept.texts == ["disk is gone"]
    assert handler.stats().dropped["refused"] == 2


def test_a_fallback_is_found_by_its_name_when_it_is_needed(server: DevServer) -> None:
    logger, handler = logger_of(server, fallback="the file")
    kept = Kept()
    kept.set_name("the file")
    server.fault("status", status=400)

    logger.error("disk is full")
    assert handler.flush(10)

    assert kept.texts == ["disk is full"]


def test_a_fallback_that_is_not_there_is_named_on_stderr(
    server: DevServer, capsys: pytest.CaptureFixture[str]
) -> None:
    logger, handler = logger_of(server, fallback="the fiel")
    server.fault("status", status=400)

    logger.error("disk is full")
    assert handler.flush(10)

    assert "fallback: no handler is named the fiel" in capsys.readouterr().err


def test_fallbacks_and_callbacks_that_fail_cost_nothing_else(
    server: DevServer, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(error: Exception) -> None:
        raise RuntimeError("the user's")

    logger, handler = logger_of(server, fallback=Failing(), on_error=fail)
    server.fault("status", status=400)

    logger.error("refused")
    assert handler.flush(10)
    logger.error("disk is full")
    assert handler.flush(10)

    assert [message.params["message"] for message in server.messages] == ["disk is full"]
    said = capsys.readouterr().err
    assert "fallback failed: RuntimeError" in said
    assert "on_error failed: RuntimeError" in said
    assert "the user's" not in said


def test_on_error_hears_of_each_failure(server: DevServer) -> None:
    heard: list[Exception] = []
    logger, handler = logger_of(server, on_error=heard.append)
    server.fault("status", count=2, status=502)

    logger.error("disk is full")
    assert handler.flush(10)

    assert len(heard) == 2
    assert len(server.messages) == 1


def test_handlers_of_one_process_share_one_connection(server: DevServer) -> None:
    loggers = [logger_of(server) for _ in range(5)]

    for logger, _ in loggers:
        logger.error("disk is full")
    assert all(handler.flush(10) for _, handler in loggers)

    assert len(server.messages) == 5
    assert server.max_connections == 1


def test_what_the_handlers_formatter_masks_is_masked_in_summaries(server: DevServer) -> None:
    class Masking(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return super().format(record).replace("4111", "****")

    logger, handler = logger_of(server)
    handler.setFormatter(Masking())
    for _ in range(3):
        logger.error("card %s declined", "4111")

    handler.close()
    assert handler.flush(10)

    texts = [message.params["message"].split("\n")[-1] for message in server.messages]
    assert texts == ["card **** declined"] * 2


class Request:
    """What a web framework hangs on its records."""


@pytest.mark.parametrize("status", [200, 400])
def test_delivered_or_lost_a_record_is_not_kept_alive(server: DevServer, status: int) -> None:
    logger, handler = logger_of(server)
    if status != 200:
        server.fault("status", status=status)
    requests = [Request(), Request()]
    alive = [weakref.ref(request) for request in requests]
    for request in requests:
        logger.error("bad request", extra={"request": request})
    del request

    requests.clear()
    assert handler.flush(10)
    gc.collect()

    assert [ref() for ref in alive] == [None, None]


FAILING = """
import logging, sys
from pushover_logging import PushoverHandler
from pushover_logging.courier import COURIER

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

COURIER.loading = guard = Guard(COURIER.loading)
handler = PushoverHandler("a" * 30, "u" * 30, api_url="http://127.0.0.1:9/1/", exit_timeout=0)
handler._dispatch.prepare()
opened = set(sys.modules)
handler._intake.sort(logging.makeLogRecord({"msg": "x"}), 0)
handler._dispatch.step(None)
print("requests" in opened, "tenacity" in opened, "tenacity" in guard.seen)
print(sorted(set(sys.modules) - opened - guard.seen))
"""


def test_what_a_failure_needs_is_imported_then_while_no_fork_can_come_between() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILING], capture_output=True, text=True, timeout=30, check=True
    )

    assert done.stdout == "True False True\n[]\n"


class FullStack(Renderer):
    """Fails once, as anything does where the stack is full."""

    failed = False

    def capture(self, *arguments: object) -> object:  # type: ignore[override]
        if not self.failed:
            self.failed = True
            raise RecursionError
        return super().capture(*arguments)  # type: ignore[arg-type]


def test_a_record_that_could_not_be_noted_does_not_silence_its_group(server: DevServer) -> None:
    logger, handler = logger_of(server)
    plan = handler._loaded_plan()
    handler._plan = dataclasses.replace(plan, renderer=FullStack(plan.style))

    logger.error("disk is full %s", ["/"])
    logger.error("disk is full %s", ["/"])
    assert handler.flush(10)

    assert len(server.messages) == 1
    stats = handler.stats()
    assert (stats.accepted, stats.delivered, stats.pending, dict(stats.dropped)) == (2, 1, 1, {})


def test_a_record_with_a_priority_of_its_own_does_not_speak_for_others(server: DevServer) -> None:
    logger, handler = logger_of(server)

    logger.error("db down", extra={"pushover": {"priority": "LOW"}})
    logger.error("db down")
    assert handler.flush(10)

    assert sorted(message.params["priority"] for message in server.messages) == ["-1", "0"]
