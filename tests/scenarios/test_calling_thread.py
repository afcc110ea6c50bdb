"""The logging call: never slow, never stuck, never raising, whatever happens behind it."""

from __future__ import annotations

from typing import Any

import pytest
from harness import BUSY, Outcome, Scenario, each_once, mark, quickest


@pytest.mark.scenario("A1")
def test_ten_thousand_records_into_a_black_hole_cost_nothing(mute_scenario: Scenario) -> None:
    """A1: calls take under a millisecond at the 99th percentile, and memory stays bounded."""
    program = """
import logging, resource, time, stage
stage.attach(exit_timeout=0.2)
log = logging.getLogger("shop")
log.error(stage.mark(0))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
seconds, longest = [], 0.0
for number in range(10_000):
    text = stage.mark(number) + " lost order " * 500
    start, used = time.perf_counter(), time.thread_time()
    log.error(text)
    seconds.append(time.thread_time() - used)
    longest = max(longest, time.perf_counter() - start)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
stage.note(p99=sorted(seconds)[9_900], longest=longest, grown_mb=grown / 1024)
"""

    outcome = quickest(lambda: mute_scenario.run(program), 0.001, lambda run: run.notes["p99"])

    assert outcome.notes["p99"] < 0.001
    assert outcome.notes["longest"] < BUSY
    assert outcome.notes["grown_mb"] < 40  # all the texts together: 60 MB


@pytest.mark.scenario("A2")
def test_thirty_two_threads_log_every_mark_once_and_none_waits(
    scenario: Scenario, server: Any
) -> None:
    """A2: every mark arrives once, and no call waits for the network or for another thread."""
    program = """
import logging, threading, time, stage
phone = stage.attach()
log = logging.getLogger("shop")
ready = threading.Barrier(32)
slowest = []

def work(first):
    ready.wait()
    seconds = []
    for number in range(first, first + 10):
        start = time.perf_counter()
        log.warning(stage.mark(number))
        seconds.append(time.perf_counter() - start)
    slowest.append(max(seconds))

threads = [threading.Thread(target=work, args=[first]) for first in range(0, 320, 10)]
for thread in threads: thread.start()
for thread in threads: thread.join()
stage.note(slowest=max(slowest), flushed=phone.flush(15))
stage.accounts(phone)
"""

    server.fault("delay", seconds=1.5)
    outcome = scenario.run(program)

    assert outcome.marks == each_once(320)
    assert outcome.records == outcome.notes["accepted"] == 320
    assert outcome.notes["slowest"] < 0.75


@pytest.mark.scenario("A3")
def test_a_signal_handler_that_logs_neither_hangs_nor_loses(scenario: Scenario) -> None:
    """A3: a handler called every 2 ms logs while main logs, and the records of both arrive."""
    program = """
import logging, signal, time, stage
phone = stage.attach()
log = logging.getLogger("shop")
called = 0

def on_alarm(signum, frame):
    global called
    called += 1
    log.warning(stage.mark(called))

signal.signal(signal.SIGALRM, on_alarm)
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
logged, end = 0, time.monotonic() + 1
while time.monotonic() < end:
    log.error("main goes on")
    log.info(stage.mark(10_000 + logged % 50))
    logged += 1
signal.setitimer(signal.ITIMER_REAL, 0)
stage.note(called=called, logged=logged, flushed=phone.flush(15))
stage.accounts(phone)
"""

    outcome = scenario.run(program)

    called, logged = outcome.notes["called"], outcome.notes["logged"]
    assert called > 20
    assert outcome.notes["accepted"] == called + 2 * logged
    assert outcome.records == called + 2 * logged
    assert all(outcome.marks[mark(number)] == 1 for number in range(1, called + 1))


@pytest.mark.scenario("A4")
def test_a_finaliser_that_logs_during_collection_arrives(scenario: Scenario) -> None:
    """A4: objects die, and log, wherever the collector happens to run: in the handler too."""
    program = """
import gc, logging, stage
phone = stage.attach()
log = logging.getLogger("shop")

class Order:
    def __init__(self, number):
        self.number, self.itself = number, self

    def __del__(self):
        log.warning(stage.mark(self.number))

gc.set_threshold(1)
for number in range(100):
    Order(number)
    log.error("%s ordered", object())
gc.collect()
stage.note(flushed=phone.flush(15))
"""

    outcome = scenario.run(program)

    assert outcome.records == 200
    assert all(outcome.marks[mark(number)] == 1 for number in range(100))


@pytest.mark.scenario("A5")
@pytest.mark.parametrize(
    ("options", "hook"),
    [
        ("", "phone.addFilter(fail)"),
        ("", "phone.setFormatter(type('Broken', (logging.Formatter,), {'format': fail})())"),
        ("grouping={'max_per_minute': 1000, 'key': fail}", ""),
        ("on_error=fail", ""),
    ],
    ids=["filter", "formatter", "group key", "on_error"],
)
def test_what_the_user_hooks_in_may_raise(scenario: Scenario, options: str, hook: str) -> None:
    """A5: the alert goes out with a substitute text, and other records as if nothing were."""
    program = f"""
import logging, stage

def fail(*args):
    if "good" not in getattr(args[-1], "msg", ""):
        raise ZeroDivisionError("the user's own mistake")
    return args[-1].getMessage()

phone = stage.attach("shop", {options})
{hook}
log = logging.getLogger("shop")
log.error("good morning")
log.error("bad morning %d", "x")
log.error("good evening")
phone.flush(10)
"""

    outcome = scenario.run(program)

    assert outcome.text("good morning")
    assert outcome.text("good evening")
    assert outcome.text("bad morning")
    assert outcome.records == 3


@pytest.mark.scenario("A6")
def test_asyncio_in_debug_mode_sees_no_slow_callback(scenario: Scenario, server: Any) -> None:
    """A6: the event loop is never held up, though the service takes half a second to answer."""
    program = """
import asyncio, io, logging, stage
phone = stage.attach("shop")
complaints = io.StringIO()
logging.getLogger("asyncio").addHandler(logging.StreamHandler(complaints))

async def main():
    asyncio.get_running_loop().slow_callback_duration = 0.1
    for number in range(100):
        logging.getLogger("shop").warning(stage.mark(number))
        await asyncio.sleep(0.001)

asyncio.run(main(), debug=True)
stage.note(slow=complaints.getvalue().count("took"), flushed=phone.flush(15))
"""

    def run() -> Outcome:
        server.fault("delay", seconds=0.5)
        return scenario.run(program)

    outcome = quickest(run, 1, lambda run: float(run.notes["slow"]))

    assert outcome.notes["slow"] == 0
    assert outcome.marks == each_once(100)


@pytest.mark.scenario("A6")
def test_greenlets_log_under_gevent(scenario: Scenario) -> None:
    """A6: with everything patched by gevent the records of two greenlets arrive, and it ends."""
    pytest.importorskip("gevent")
    program = """
from gevent import monkey; monkey.patch_all()
import logging, gevent, stage
stage.attach("shop")
log = logging.getLogger("shop")
gevent.joinall([gevent.spawn(log.error, stage.mark(number)) for number in range(2)])
stage.main_ends()
"""

    outcome = quickest(lambda: scenario.run(program), 2.0 + BUSY)

    assert outcome.marks == each_once(2)
    assert outcome.ending < 2.0 + BUSY


@pytest.mark.scenario("A6")
def test_gevent_is_complete_before_the_worker_starts(scenario: Scenario) -> None:
    """A6: the worker's first wait, perhaps for an import, must not need an import itself."""
    pytest.importorskip("gevent")
    program = """
import logging, stage, sys
stage.attach("shop")
from pushover_logging.delivery.worker import WORKER
start = WORKER._start_thread
def tell_and_start(*arguments):
    stage.note(complete="gevent.resolver.thread" in sys.modules)
    return start(*arguments)
WORKER._start_thread = tell_and_start
from gevent import monkey; monkey.patch_all()
stage.note(complete_before="gevent.resolver.thread" in sys.modules)
logging.getLogger("shop").error(stage.mark(0))
stage.until(lambda: stage.requests_begun() == 1)  # gevent starts no thread at exit, to connect
"""

    outcome = scenario.run(program)

    assert not outcome.notes["complete_before"]
    assert outcome.notes["complete"]
    assert outcome.marks == each_once(1)


@pytest.mark.scenario("A6")
def test_greenlets_log_though_gevent_patched_after_the_handler_was_made(scenario: Scenario) -> None:
    """A6: as in a worker of gunicorn --preload -k gevent: no greenlet waits for the worker."""
    pytest.importorskip("gevent")
    program = """
import logging, stage
stage.attach("shop")
from gevent import monkey; monkey.patch_all()
import gevent
log = logging.getLogger("shop")
log.error(stage.mark(0))
stage.until(lambda: stage.requests_begun() == 1)  # gevent starts no thread at exit, to connect
gevent.joinall([gevent.spawn(log.error, stage.mark(number)) for number in (1, 2)])
stage.note(turns=sum(gevent.sleep(0.01) is None for _ in range(10)))
stage.main_ends()
"""

    outcome = scenario.run(program)

    assert outcome.marks == each_once(3)
    assert outcome.notes["turns"] == 10
