"""A program that configures the handler and logs loads, opens and waits for next to nothing."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from records import record

import pushover_logging
from pushover_logging import PushoverHandler
from pushover_logging.client.constants import API_URL
from pushover_logging.delivery.worker import WORKER, Pipeline
from pushover_logging.devserver import DevServer

ROOT = Path(pushover_logging.__file__).parent.parent
KEYS = {"PUSHOVER_TOKEN": "a" * 30, "PUSHOVER_USER": "u" * 30}
CONFIGURE = f"""
import logging, logging.config, sys
sys.path.insert(0, {str(ROOT)!r})
before = set(sys.modules)
logging.config.dictConfig({{
    "version": 1,
    "handlers": {{"phone": {{"class": "pushover_logging.PushoverHandler", "level": "WARNING"}}}},
    "root": {{"handlers": ["phone"]}},
}})
phone = logging.getLogger().handlers[0]
"""
# What a logging call needs; it may load nothing itself.
CALLED = {
    "pushover_logging",
    "pushover_logging.client",
    "pushover_logging.client.constants",
    "pushover_logging.config",
    *(f"pushover_logging.config.{name}" for name in ("fields", "levels", "overrides", "parsing")),
    "pushover_logging.delivery",
    *(f"pushover_logging.delivery.{name}" for name in ("diagnostics", "worker")),
    "pushover_logging.handler",
    "pushover_logging.ingest",
    *(f"pushover_logging.ingest.{name}" for name in ("fingerprint", "groups", "queue", "snapshot")),
    "pushover_logging.notice",
    "pushover_logging.values",
}
OF_PYTHON = {
    *("__future__", "importlib", "importlib._bootstrap", "importlib._bootstrap_external"),
    *("_interpreters", "_xxsubinterpreters"),  # built in
    *("_queue", "marshal", "queue"),  # built in, or loaded by logging.handlers in most programs
}


def printed(program: str) -> list[str]:
    # Without site: what an environment loads at its start must not hide what is loaded here.
    done = subprocess.run(
        [sys.executable, "-S", "-c", CONFIGURE + program],
        env=KEYS,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "more", ["", "type(phone)(level=logging.ERROR)", "type(phone)('b' * 30, 'v' * 30).setLevel(10)"]
)
def test_configuring_loads_only_what_a_logging_call_needs(more: str) -> None:
    loaded = printed(f"{more}\nprint(*set(sys.modules) - before, sep='\\n')")

    assert set(loaded) - OF_PYTHON == CALLED


OBSERVED = """
import threading
from pushover_logging.delivery.worker import WORKER

main, seen = threading.get_ident(), []

def observe(event, arguments):
    if threading.get_ident() == main and event.split(".")[0] in ("import", "open", "socket"):
        seen.append((event, arguments[0]))

class Request:
    def __str__(self):
        return "what it was"

def fail():
    raise ValueError("no number")

sys.addaudithook(observe)
"""


@pytest.mark.parametrize(
    "call",
    [
        "logging.error('disk is full')",
        "logging.error('order 17 failed')",
        "logging.error('order %d failed', 17)",
        "logging.error('bad %s', [1])",
        "logging.error('bad %s', Request())",
        "logging.error('disk is full', extra={'request': Request()})",
        "logging.error('x', extra={'pushover': {'priority': 'LOW', 'key': 'k', 'sound': 'none'}})",
        "logging.error('x', extra={'pushover': {'resolve': 'k'}})",
        "logging.exception('failed')",
    ],
)
def test_the_first_logging_call_loads_opens_and_connects_nothing(call: str) -> None:
    assert observed(call) == ["[]"]


@pytest.mark.parametrize("call", ["open('/dev/null').close()", "import wave"])
def test_a_call_that_opens_or_loads_something_is_observed(call: str) -> None:
    assert observed(call) != ["[]"]


def observed(call: str) -> list[str]:
    """What the main thread loads, opens and connects in a call."""
    return printed(
        f"""{OBSERVED}
try:
    fail()
except ValueError:
    with WORKER.loading:  # the worker goes on when we are done
        {call}
        noted = list(seen)
print(noted, flush=True)
import os
os._exit(0)
"""
    )


def refuse(order: object) -> None:
    raise ValueError(order)


class Order:
    name = "the first"

    def __str__(self) -> str:
        return self.name


def test_a_record_that_comes_before_all_is_loaded_is_kept_as_it_was() -> None:
    order, overrides = Order(), {"url_title": "look", "url": "https://e.org"}
    with DevServer(port=0) as server:
        handler = PushoverHandler(server.token, server.user, api_url=server.url)
        logger = logging.Logger("shop")
        logger.addHandler(handler)
        with WORKER.loading:  # so that the worker can render nothing before we are done
            logger.warning("%s is late", order)
            logger.warning("it has overrides", extra={"pushover": overrides})
            try:
                refuse(order)
            except ValueError:
                logger.warning("failed", exc_info=True)
            order.name = overrides["url_title"] = "changed since"

        assert handler.flush(30)

        pushes = [message.params for message in server.messages]
        assert [push["message"].split("\n")[0] for push in pushes] == [
            "the first is late",
            "it has overrides",
            "failed",
        ]
        assert pushes[1]["url_title"] == "look"
        assert "ValueError: the first" in pushes[2]["message"]
        assert "in refuse" in pushes[2]["message"] or "at refuse" in pushes[2]["message"]
        assert handler.stats().delivered == 3
        handler.close()


def test_the_address_is_settled_when_the_handler_is_configured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PUSHOVER_API_URL", raising=False)
    handler = PushoverHandler("a" * 30, "u" * 30)
    monkeypatch.setenv("PUSHOVER_API_URL", "http://127.0.0.1:9/1/")

    assert handler._config.api_url == API_URL


def test_a_filter_of_a_subclass_is_asked() -> None:
    class Choosy(PushoverHandler):
        def filter(self, record: logging.LogRecord) -> bool:
            return record.msg != "not this"

    handler = Choosy("a" * 30, "u" * 30, exit_timeout=0)
    handler._pipeline.quiet = False  # nobody is to wake the worker

    passed = [handler.handle(record(text)) for text in ("not this", "this")]

    assert passed[0] is False
    assert [entry[1].text for lane in handler._queue.lanes for entry in lane] == ["this"]
    handler._queue.clear()


def test_a_subclass_that_overrides_emit_gets_what_logging_documents() -> None:
    emitted: list[str] = []

    class Own(PushoverHandler):
        def emit(self, record: logging.LogRecord) -> None:
            emitted.append(record.getMessage())

    handler = Own("a" * 30, "u" * 30, level="ERROR", exit_timeout=0)
    handler.addFilter(lambda record: record.msg != "not this")

    for made in (record("this"), record("not this"), record("nor this", level=30), record("this")):
        handler.handle(made)

    assert emitted == ["this", "this"]


def stepped(open_sender: Callable[[], object]) -> tuple[PushoverHandler, Pipeline]:
    handler = PushoverHandler("a" * 30, "u" * 30, exit_timeout=0)
    pipeline = handler._pipeline
    pipeline.quiet = False  # nobody is to wake the worker
    pipeline._open = open_sender  # type: ignore[method-assign,assignment]
    return handler, pipeline


def test_nothing_is_loaded_while_logging_is_being_configured() -> None:
    opened: list[str] = []

    def open_sender() -> object:
        opened.append("opened")
        raise OSError

    handler, pipeline = stepped(open_sender)
    handler.handle(record())
    dues: list[float | None] = []
    with logging._lock:  # type: ignore[attr-defined]
        thread = threading.Thread(target=lambda: dues.append(pipeline.step(None)))
        thread.start()
        thread.join(30)

    assert dues != [None]
    assert opened == []
    pipeline.step(None)
    assert opened == ["opened"]
    handler._queue.clear()


def test_closing_a_handler_that_was_never_used_starts_no_thread() -> None:
    program = """
phone.close()
phone.flush()
phone.drain()
import threading
from pushover_logging.delivery.worker import WORKER
print(WORKER.alive, threading.active_count(), 'requests' in sys.modules)
"""

    assert printed(program) == ["False 1 False"]
