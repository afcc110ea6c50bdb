"""The handler does as ``logging`` documents, whoever hands it its records."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Scenario, each_once, mark, stands_for


@pytest.mark.scenario("U6")
def test_a_record_with_its_own_get_message_is_shown_and_compared_by_it(scenario: Scenario) -> None:
    """U6: brace-style records, as the logging cookbook has them."""
    program = """
import logging, stage

class Braces(logging.LogRecord):
    def getMessage(self):
        return str(self.msg).format(*self.args) if self.args else f"{self.msg} by {self.order}"

logging.setLogRecordFactory(Braces)
handler = stage.attach("shop")
log = logging.getLogger("shop")
for number in range(3):
    log.error("order {} is not {}", number, "paid")
for order in ("truck", "train", "train"):
    log.warning("not delivered", extra={"order": order})
log.info("100% sure", extra={"order": "me"})
handler.flush(10)
"""

    outcome = scenario.run(program)

    rung = {"order 0 is not paid", "not delivered by truck", "not delivered by train"}
    assert {*rung, "100% sure by me"} <= set(outcome.texts)
    assert outcome.records == 7


SUBCLASSES = {
    "emit": (
        "def emit(self, record): record.msg = 'changed: ' + record.msg; super().emit(record)",
        "changed: hello",
    ),
    "emit that formats": (
        "def emit(self, record): seen.append(self.format(record)); super().emit(record)",
        "hello",
    ),
    "emit that drops": ("def emit(self, record): seen.append(record.msg)", None),
    "format": ("def format(self, record): return f'<{record.getMessage()}>'", "<hello>"),
    "filter": ("def filter(self, record): return 'secret' not in record.msg", "hello"),
    "filter that drops": ("def filter(self, record): return False", None),
    "handle": (
        "def handle(self, record): seen.append(record.msg); return super().handle(record)",
        "hello",
    ),
    "handle that drops": ("def handle(self, record): return False", None),
    "handle that emits": ("def handle(self, record): self.emit(record); return True", "hello"),
}


@pytest.mark.scenario("U6")
@pytest.mark.parametrize(("method", "shown"), SUBCLASSES.values(), ids=SUBCLASSES)
def test_a_method_of_a_subclass_gets_every_record(
    scenario: Scenario, method: str, shown: str | None
) -> None:
    """U6: repeats too, in the order that logging documents: handle, filter, emit, format."""
    program = f"""
import logging, pushover_logging, stage
seen = []

class Own(pushover_logging.PushoverHandler):
    {method}

handler = Own(**stage.SHORT_WAITS)
log = logging.getLogger("shop")
log.addHandler(handler)
for _ in range(3):
    log.error("hello")
    log.error("hello")
    handler.flush(10)
stage.note(seen=len(seen))
stage.accounts(handler)
"""

    outcome = scenario.run(program)

    if "seen.append" in method:
        assert outcome.notes["seen"] == 6
    if shown is None:
        assert outcome.messages == []
        assert outcome.notes["accepted"] == 0
    else:
        assert outcome.texts[0] == shown
        assert outcome.notes["accepted"] == outcome.records == 6


@pytest.mark.scenario("U6")
def test_level_holds_whoever_calls_handle(scenario: Scenario) -> None:
    """U6: MemoryHandler and QueueListener hand over records without asking for the level."""
    program = """
import logging, logging.handlers, queue, stage
handler = stage.attach("nobody", level="WARNING")
log = logging.getLogger("shop")
log.setLevel("DEBUG")
log.propagate = False

def both(first):
    log.info(stage.mark(first))
    log.error(stage.mark(first + 1))

memory = logging.handlers.MemoryHandler(100, target=handler, flushLevel=100)
log.addHandler(memory)
both(0)
memory.close()
log.removeHandler(memory)

for respect in (False, True):
    records = queue.SimpleQueue()
    through = logging.handlers.QueueHandler(records)
    log.addHandler(through)
    listener = logging.handlers.QueueListener(records, handler, respect_handler_level=respect)
    listener.start()
    both(2 + 2 * respect)
    listener.stop()
    log.removeHandler(through)

for level in (29, 30):
    handler.handle(log.makeRecord("shop", level, "shop.py", 1, stage.mark(level), (), None))
stage.note(flushed=handler.flush(10))
"""

    outcome = scenario.run(program)

    assert outcome.marks == {mark(number): 1 for number in (1, 3, 5, 30)}


@pytest.mark.scenario("U6")
def test_one_record_handled_twice_is_no_repeat(scenario: Scenario) -> None:
    """U6: a handler on a logger and on its parent gets each record object twice."""
    program = """
import logging, stage, threading
handler = stage.attach("shop")
logging.getLogger("shop.orders").addHandler(handler)
log = logging.getLogger("shop.orders")

def work():
    for number in range(100):
        log.error("the disk is full")
        log.error("order %d is not paid", number)
        log.warning(f"item {number} is sold out")
        try:
            raise KeyError(number)
        except KeyError:
            log.exception("order failed")

work()
stage.accounts(handler)
"""

    outcome = scenario.run(program)

    assert outcome.notes["accepted"] == outcome.records == 400


LOGURU = """
import logging, stage
from loguru import logger
handler = stage.handler({options})
logger.remove()
logger.add(handler, format="{{message}}", level=0)

def charge(number):
    raise ValueError("no funds for " + stage.mark(number))

logger.info(stage.mark(20))
logger.warning(stage.mark(0))
for number in (1, 2):
    try:
        charge(number)
    except ValueError:
        logger.exception("order {{}} is not paid", stage.mark(10 + number))
handler.flush(10)
"""


def test_a_loguru_sink_shows_a_traceback_once(scenario: Scenario) -> None:
    """loguru writes the traceback into the message and leaves the exception on the record."""
    pytest.importorskip("loguru")

    outcome = scenario.run(LOGURU.format(options='level="WARNING"'))

    assert mark(20) not in outcome.marks  # the level of the handler holds
    assert mark(0) in outcome.marks
    # Two exceptions of one path are one problem.
    text, summary = (text for text in outcome.texts if "order" in text)
    for shown in (text, summary):
        assert shown.count("ValueError: no funds") == 1
        assert shown.count(f"order {mark(11)} is not paid") == 1
    assert text.startswith(f"order {mark(11)} is not paid")
    assert outcome.records == 3


def test_a_message_that_holds_its_traceback_is_not_told_it_again(scenario: Scenario) -> None:
    """The convention of exc_text: it is there, so no formatter shall write the traceback again."""
    program = """
import logging, stage, traceback
handler = stage.attach("shop")
log = logging.getLogger("shop")
try:
    raise ValueError("no funds")
except ValueError as error:
    written = traceback.format_exc()
    for message, text in (("first\\n" + written, "\\n"), ("second", written)):
        exc_info = type(error), error, error.__traceback__
        record = log.makeRecord("shop", 40, "shop.py", 7, message, (), exc_info)
        record.exc_text = text
        record.funcName = message[:6]
        record.name = "shop." + message[:5].strip()
        log.handle(record)
    record = log.makeRecord("shop", 40, "shop.py", 7, "third", (), None)
    record.exc_text = written
    log.handle(record)
handler.flush(10)
"""

    outcome = scenario.run(program)

    assert len(outcome.texts) == 3
    for word in ("first", "second", "third"):
        assert outcome.text(word).count("ValueError: no funds") == 1
        assert outcome.text(word).count("program0.py") == 1


def test_fields_of_a_record_factory_are_fields_of_the_record(
    scenario: Scenario, server: Any
) -> None:
    """A factory's fields fill templates; the factory is called by nobody but logging."""
    program = """
import logging, stage
plain, calls = logging.getLogRecordFactory(), []

def factory(*args, **kwargs):
    record = plain(*args, **kwargs)
    calls.append(record.msg)
    record.request, record.tenant = "GET /orders", {"name": "acme"}
    return record

logging.setLogRecordFactory(factory)
lost = logging.StreamHandler()
policy = {"attempts": 1, "wait_initial": 0.01, "wait_max": 0.02}
handler = stage.attach("shop", title="{tenant[name]}: {request} {levelname}", fallback=lost,
                       capacity=1, retry_policy=policy)
log = logging.getLogger("shop")
log.error(stage.mark(0))
handler.flush(10)
log.error(stage.mark(1))
for _ in range(3):
    log.error(stage.mark(2))
handler.drain(10)
stage.note(calls=len(calls))
"""

    server.fault("status", status=500)
    outcome = scenario.run(program)

    assert outcome.notes["calls"] == 5
    titles = [push.params["title"] for push in outcome.messages]
    # The report of what was dropped stands for no record.
    assert [title for title in titles if "dropped" not in title] == [
        "acme: GET /orders ERROR",
        "acme: GET /orders ERROR \N{MULTIPLICATION SIGN}2",
    ]


def test_objects_in_extra_are_not_kept_alive(scenario: Scenario, server: Any) -> None:
    """U13: first records wait in an outage; what they carried is collected meanwhile."""
    program = """
import gc, logging, stage, weakref

class Request: pass

handler = stage.attach("shop", title="{levelname} {request}")
log, objects = logging.getLogger("shop"), []

def visit(number):
    request = Request()
    objects.append(weakref.ref(request))
    request.itself = request
    if number % 3 == 0:
        log.error(stage.mark(number), extra={"request": request})
    elif number % 3 == 1:
        log.error("%s " + stage.mark(number), request, extra={"body": [request]})
    else:
        try:
            local = request
            raise ValueError(stage.mark(number))
        except ValueError:
            log.exception(stage.mark(number), extra={"request": request})

for number in range(30):
    visit(number)
stage.until(lambda: stage.requests_begun() >= 2)
gc.collect()
stage.note(alive=sum(kept() is not None for kept in objects), pending=handler.stats().pending)
stage.clear_faults()
"""

    server.fault("status", count=None, status=503)
    outcome = scenario.run(program)

    assert outcome.notes["pending"] == 30
    assert outcome.notes["alive"] == 0
    assert outcome.records == 30


@pytest.mark.scenario("U12")
def test_stats_and_close_while_a_finaliser_logs_during_collection(scenario: Scenario) -> None:
    """U12: before Python 3.12 the collector runs, and finalisers log, in the midst of any call."""
    program = """
import gc, logging, stage
grouping = {"interval": 0.05, "max_groups": 300, "max_per_minute": 100_000}
handler = stage.attach("shop", capacity=50, grouping=grouping, priorities={"ERROR": "HIGH"})
log = logging.getLogger("shop")
number = 0

class Order:
    def __init__(self):
        self.itself = self

    def __del__(self):
        global number
        number += 1
        if number < 3000:
            Order()  # so that the next collection, at almost the next allocation, logs again
        log.warning(stage.mark(number % 700))
        for option in ("resolve", "key"):
            own = {"pushover": {option: str(number % 9)}}
            log.log(11 + number % 60, stage.mark(number % 50), extra=own)

gc.set_threshold(1)
for turn in range(100):
    Order()
    handler.stats()
    if turn % 30 == 0:
        Order()
        handler.close()
    handler.flush(0)
gc.set_threshold(700)
gc.collect()
stage.note(drained=handler.drain(10), number=number)
stage.accounts(handler)
"""

    outcome = scenario.run(program)

    notes = outcome.notes
    assert notes["number"] > 200
    assert "Error" not in outcome.stderr
    assert notes["drained"]
    assert notes["accepted"] == notes["delivered"] + sum(notes["dropped"].values())
    assert outcome.records == notes["delivered"]


DEEP = """
import logging, stage, sys
sys.path.insert(0, {site!r})
import library
handler = stage.attach("shop")

def own_code():
    library.call({depth})

try:
    own_code()
except Exception:
    logging.getLogger("shop").exception("order failed")
handler.flush(10)
"""


@pytest.mark.parametrize("depth", [3, 28, 45, 200])
def test_the_applications_innermost_frame_is_shown_however_deep_a_library_fails(
    scenario: Scenario, depth: int
) -> None:
    """The frame stands next to the exception, before the frames of the library."""
    site = scenario.folder / "site-packages"
    site.mkdir()
    (site / "library.py").write_text("""
def call(depth):
    if depth:
        return call(depth - 1)
    raise ValueError("no funds")
""")

    outcome = scenario.run(DEEP.format(site=str(site), depth=depth))

    text = outcome.text("order failed")
    lines = text.splitlines()
    assert "own_code" in text
    error = next(index for index, line in enumerate(lines) if "ValueError: no funds" in line)
    own = next(index for index, line in enumerate(lines) if "own_code" in line)
    library = [index for index, line in enumerate(lines) if "library.py" in line]
    assert abs(own - error) <= 2
    assert not library or own < min(library)


def test_each_thread_is_told_from_others_with_the_same_text(scenario: Scenario) -> None:
    """Records of the same text at nearly the same time are repeats, and all of them count."""
    program = """
import logging, stage
handler = stage.attach("shop")
for number in range(1000):
    logging.getLogger("shop").error("the disk is full")
stage.accounts(handler)
"""

    outcome = scenario.run(program)

    assert [stands_for(push) for push in outcome.messages] == [1, 999]
    assert outcome.marks == each_once(0)
