"""A program that configures the handler and has nothing to say loads and does next to nothing."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from typing import Any

import pytest
from pushover_logging.courier import COURIER, Courier
from pushover_logging.defaults import Terms
from pushover_logging.dispatch import Dispatch
from pushover_logging.intake import Intake
from pushover_logging.notices import NOTICES

from pushover_logging import PushoverHandler
from pushover_logging.client.constants import API_URL, Priority
from pushover_logging.devserver import DevServer

from .bench import record

KEYS = {"PUSHOVER_TOKEN": "a" * 30, "PUSHOVER_USER": "u" * 30}
CONFIGURE = """
import logging, logging.config, sys
before = set(sys.modules)
logging.config.dictConfig({
    "version": 1,
    "handlers": {"phone": {"class": "pushover_logging.PushoverHandler", "level": "WARNING"}},
    "root": {"handlers": ["phone"]},
})
phone = logging.getLogger().handlers[0]
"""
# Of ours, what a logging call needs; it may load nothing itself.
LIGHT = {
    "pushover_logging",
    *(f"pushover_logging.{name}" for name in ("courier", "defaults", "dispatch")),
    *(f"pushover_logging.{name}" for name in ("groups", "handler", "intake", "notices", "noting")),
}

OF_PYTHON = {"__future__", "importlib", "importlib._bootstrap", "importlib._bootstrap_external"}


def printed(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", CONFIGURE + program],
        env=KEYS,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "more", ["", "type(phone)(level=logging.ERROR)", "type(phone)('b' * 30, 'v' * 30).setLevel(10)"]
)
def test_configuring_loads_only_what_a_logging_call_needs(more: str) -> None:
    loaded = printed(f"{more}\nprint(*set(sys.modules) - before, sep='\\n')")

    assert set(loaded) - OF_PYTHON == LIGHT


WATCHING = """
import threading, _thread
from pushover_logging.courier import COURIER, Courier

main, seen = threading.get_ident(), []

def watch(event, arguments):
    if threading.get_ident() == main and event.split(".")[0] in ("import", "open", "socket"):
        seen.append((event, arguments[0]))

class Request:
    def __str__(self):
        return "what it was"

def fail():
    raise ValueError("no number")

sys.addaudithook(watch)
"""


@pytest.mark.parametrize(
    "call",
    [
        "logging.error('disk is full')",
        "logging.error('order 17 failed')",
        "logging.error('bad %s', [1])",
        "logging.error('bad %s', Request())",
        "logging.error('disk is full', extra={'request': Request()})",
        "logging.error('x', extra={'pushover': {'priority': 'LOW', 'key': 'k', 'sound': 'none'}})",
        "logging.error('x', extra={'pushover': {'resolve': 'k'}})",
        "logging.exception('failed')",
    ],
)
def test_the_first_logging_call_loads_opens_and_connects_nothing(call: str) -> None:
    program = f"""{WATCHING}
try:
    fail()
except ValueError:
    with COURIER.loading:  # the courier goes on when we are done
        {call}
        noted = list(seen)
print(noted)
"""
    assert printed(program) == ["[]"]


def refuse(order: object) -> None:
    raise ValueError(order)


class Order:
    name = "the first"

    def __str__(self) -> str:
        return self.name


def test_what_comes_before_all_is_loaded_is_kept_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PUSHOVER_API_URL", raising=False)
    order, wishes = Order(), {"url_title": "look", "url": "https://e.org"}
    with DevServer(port=0) as server:
        handler = PushoverHandler(server.token, server.user)
        assert handler._plan is None
        logger = logging.Logger("shop")
        logger.addHandler(handler)
        with COURIER.loading:  # so that the courier can freeze nothing before we are done
            logger.warning("%s is late", order)
            logger.warning("it has wishes", extra={"pushover": wishes})
            try:
                refuse(order)
            except ValueError:
                logger.warning("failed", exc_info=True)
            order.name = wishes["url_title"] = "changed since"
            handler._plan = PushoverHandler(server.token, server.user, api_url=server.url)._plan

        assert handler.flush(10)

        pushes = [message.params for message in server.messages]
        assert [push["message"].split("\n")[0] for push in pushes] == [
            "the first is late",
            "it has wishes",
            "failed",
        ]
        assert pushes[1]["url_title"] == "look"
        assert "ValueError" in pushes[2]["message"]
        assert "test_what_comes_before_all_is_loaded" in pushes[2]["message"]
        assert handler.stats().delivered == 3


class Braces(logging.LogRecord):
    """As the logging cookbook has it, for messages with braces."""

    def getMessage(self) -> str:  # noqa: N802 - logging's name
        return str(self.msg).format(*self.args)  # type: ignore[misc]


def test_a_kind_of_record_makes_its_text_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUSHOVER_API_URL", raising=False)
    handler = PushoverHandler("a" * 30, "u" * 30)
    handler._dispatch.quiet = False  # nobody is to deliver it
    made = Braces("shop", logging.ERROR, "/cart.py", 7, "user {} failed", ("{ann}",), None)

    handler.handle(made)

    taken = handler._intake.take(-2)
    assert taken is not None
    plan = handler._loaded_plan()
    captured = plan.renderer.captured(taken[1][1])
    assert plan.renderer.render(captured, Priority.HIGH).message == "user {ann} failed"


def test_the_address_is_settled_when_the_handler_is_configured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PUSHOVER_API_URL", raising=False)
    handler = PushoverHandler("a" * 30, "u" * 30)
    monkeypatch.setenv("PUSHOVER_API_URL", "http://127.0.0.1:9/1/")

    assert handler._loaded_plan().settings.api_url == API_URL


def test_a_formatter_is_used_in_the_first_logging_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUSHOVER_API_URL", raising=False)
    handler = PushoverHandler("a" * 30, "u" * 30)

    handler.setFormatter(logging.Formatter("[shop] %(message)s"))

    assert handler._plan is not None


def test_what_cannot_be_loaded_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(NOTICES, "_last", {})
    intake = Intake(Terms(), freeze=lambda made: made)
    made: list[str] = []

    def make() -> Any:
        made.append("tried")
        raise OSError(24, "Too many open files")

    work = Dispatch(intake, 5.0, make)
    assert work.unsent() == 0
    intake.sort(record(), 0)

    for _ in range(2):
        work.prepare()
        due = work.step(None)

    assert due is not None
    assert made == ["tried", "tried"]
    assert work.unsent()
    assert work.abandon() == 1
    assert "Too many open files" in capsys.readouterr().err


def test_nothing_is_loaded_while_logging_is_being_configured() -> None:
    intake = Intake(Terms(), freeze=lambda made: made)
    made: list[str] = []

    def make() -> Any:
        made.append("tried")
        raise OSError

    work = Dispatch(intake, 5.0, make)
    intake.sort(record(), 0)
    with logging._lock:  # type: ignore[attr-defined]
        thread = threading.Thread(target=work.prepare)
        thread.start()
        thread.join(10)
        due = work.step(None)

    assert due is not None
    assert made == []
    work.prepare()
    assert made == ["tried"]


def test_a_fork_does_not_wait_for_ever_for_what_is_being_loaded() -> None:
    courier = Courier()
    held, forked = threading.Event(), threading.Event()

    def load() -> None:
        with courier.loading:
            held.set()
            forked.wait(20)

    thread = threading.Thread(target=load)
    thread.start()
    held.wait(10)

    courier.before_fork()
    courier.after_fork_in_parent()
    forked.set()
    thread.join(10)

    assert courier.loading.acquire(blocking=False)


def test_a_filter_of_a_subclass_is_asked() -> None:
    class Choosy(PushoverHandler):
        def filter(self, record: logging.LogRecord) -> bool:
            return record.msg != "not this"

    handler = Choosy("a" * 30, "u" * 30)
    handler._dispatch.quiet = False  # nobody is to deliver it

    passed = [handler.handle(record(text)) for text in ("not this", "this")]

    assert passed[0] is False
    assert [group.key for group in handler._intake.groups()] == ["this"]


def test_a_key_that_failed_once_is_asked_for_the_next_record() -> None:
    handler = PushoverHandler("a" * 30, "u" * 30, grouping={"key": "{tenant}"})
    handler._dispatch.quiet = False  # nobody is to deliver it
    for _ in range(2):
        handler.handle(record("payment failed"))

    for tenant in "abcab":
        handler.handle(record("payment failed", tenant=tenant))

    assert [group.unclaimed() for group in handler._intake.groups()] == [1, 1, 1, 0]
