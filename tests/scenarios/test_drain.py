"""Where a process ends without Python's own exit: `drain`, `close` and `logging.shutdown` wait."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from typing import Any

import pytest
from harness import BUSY, Scenario, each_once, mark, quickest

CALLS = ["handler.drain()", "pushover_logging.drain()", "handler.close()", "logging.shutdown()"]


@pytest.mark.scenario("U2")
@pytest.mark.parametrize("call", CALLS)
def test_nothing_is_lost_by_os_exit_after(scenario: Scenario, server: Any, call: str) -> None:
    """U2: alerts that wait and repeats that were counted are sent before the call returns."""
    program = f"""
import logging, os, pushover_logging, stage
handler = stage.attach("shop")
log = logging.getLogger("shop")
for number in range(3):
    log.error(stage.mark(number))
for number in range(10):
    log.warning("item %d is sold out", number)
{call}
os._exit(0)
"""

    server.fault("delay", seconds=0.3)
    outcome = scenario.run(program)

    assert outcome.records == 13
    assert set(outcome.marks) == set(each_once(3))
    assert outcome.stderr == ""


@pytest.mark.scenario("U2")
@pytest.mark.parametrize("call", ["handler.drain(0.4)", "pushover_logging.drain(0.4)"])
def test_drain_says_in_time_that_not_all_is_sent(mute_scenario: Scenario, call: str) -> None:
    """U2: against a black hole the answer is False after its timeout, for all handlers together."""
    program = f"""
import logging, os, pushover_logging, stage, time
names = [f"shop{{number}}" for number in range(12)]
handlers = [stage.attach(name) for name in names]
handler = handlers[0]
for name in names:
    logging.getLogger(name).error("lost")
start = time.monotonic()
answer = {call}
stage.note(answer=answer, seconds=time.monotonic() - start)
os._exit(0)
"""

    outcome = quickest(
        lambda: mute_scenario.run(program), 0.5 + BUSY, lambda run: float(run.notes["seconds"])
    )

    assert outcome.notes["answer"] is False
    assert 0.35 < outcome.notes["seconds"] < 0.5 + BUSY


def test_drain_of_handlers_that_have_nothing_to_send_is_true_at_once(scenario: Scenario) -> None:
    """A handler that was never used is drained, and nothing is loaded or started for it."""
    program = """
import pushover_logging, stage, sys
handler = stage.attach("shop")
stage.note(answers=[handler.drain(), pushover_logging.drain()], loaded="requests" in sys.modules)
"""

    outcome = scenario.run(program)

    assert outcome.notes["answers"] == [True, True]
    assert not outcome.notes["loaded"]


def test_the_handler_goes_on_after_drain(scenario: Scenario) -> None:
    """Repeats after a drain are counted, and sent by the next drain."""
    program = """
import logging, stage
handler = stage.attach("shop")
log = logging.getLogger("shop")
answers = []
for _ in range(3):
    for number in range(5):
        log.warning("item %d is sold out", number)
    answers.append(handler.drain(10))
stage.accounts(handler)
stage.note(answers=answers)
"""

    outcome = scenario.run(program)

    assert outcome.notes["answers"] == [True, True, True]
    assert outcome.notes["delivered"] == outcome.records == 15


@pytest.mark.scenario("E1")
def test_close_does_not_wait_while_its_thread_configures_logging(
    scenario: Scenario, server: Any
) -> None:
    """E1: the same close waits for the answer, or returns at once where it holds logging's lock."""
    program = """
import logging, stage, time

def seconds(call):
    start = time.monotonic()
    call()
    return time.monotonic() - start

def under_lock():
    logging._acquireLock() if hasattr(logging, "_acquireLock") else logging._lock.acquire()
    try:
        first.close()
    finally:
        logging._releaseLock() if hasattr(logging, "_releaseLock") else logging._lock.release()

first = stage.attach("shop")
logging.getLogger("shop").error(stage.mark(0))
stage.until(lambda: stage.requests_begun() == 1)
stage.note(configuring=seconds(under_lock), otherwise=seconds(first.close))
"""

    server.fault("delay", seconds=1)
    outcome = scenario.run(program)

    assert outcome.notes["configuring"] < 0.3
    assert 0.3 < outcome.notes["otherwise"] < 3
    assert outcome.marks == each_once(1)


SERVED = """
import logging, stage, pushover_logging
from contextlib import asynccontextmanager
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

stage.attach("shop")
log = logging.getLogger("shop")

async def visit(request):
    for number in range(5):
        log.warning("item %d is sold out", number)
    log.error(request.path_params["word"])
    return PlainTextResponse("done")

@asynccontextmanager
async def lifespan(application):
    yield
    log.error(stage.mark(7))
    pushover_logging.drain()

application = Starlette(routes=[Route("/{word}", visit)], lifespan=lifespan)
"""


@pytest.mark.scenario("U2")
def test_uvicorn_stopped_by_a_signal_delivers_what_its_shutdown_hook_drains(
    scenario: Scenario, server: Any
) -> None:
    """U2: uvicorn raises SIGTERM again with the default action, so that no exit hook runs."""
    pytest.importorskip("uvicorn")
    (scenario.folder / "served.py").write_text(SERVED)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def visit_and_stop(process: subprocess.Popen[bytes]) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{mark(0)}", timeout=15) as answer:
            assert answer.read() == b"done"
        os.kill(process.pid, signal.SIGTERM)

    server.fault("delay", seconds=0.5)
    # uvicorn goes back to what it found, which is to ignore the signal if these tests do so.
    starter = "import runpy, signal; signal.signal(signal.SIGTERM, signal.SIG_DFL);"
    starter += "runpy.run_module('uvicorn', run_name='__main__')"
    command = [sys.executable, "-c", starter, "served:application", "--log-level", "warning"]
    outcome = scenario.run_command(
        [*command, "--fd", str(listener.fileno()), "--app-dir", str(scenario.folder)],
        meanwhile=visit_and_stop,
        exit_code=-signal.SIGTERM,
        pass_fds=[listener.fileno()],
    )
    listener.close()

    assert outcome.records == 7
    assert {mark(0), mark(7)} <= set(outcome.marks)


@pytest.mark.scenario("U2")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_script_stopped_by_a_signal_delivers_what_its_handler_drains(
    scenario: Scenario, server: Any, number: signal.Signals
) -> None:
    """U2: as under ``docker stop``: drain in the signal handler, then the default action."""
    program = f"""
import logging, os, signal, stage, pushover_logging
stage.attach("shop")

def stop(signum, frame):
    logging.getLogger("shop").error(stage.mark(1))
    pushover_logging.drain()
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)

signal.signal({int(number)}, stop)
logging.getLogger("shop").error(stage.mark(0))
os.kill(os.getpid(), {int(number)})
signal.pause()
"""

    server.fault("delay", seconds=0.3)
    outcome = scenario.run(program, exit_code=-number)

    assert outcome.marks == each_once(2)


@pytest.mark.scenario("U2")
def test_a_signal_that_comes_while_the_worker_is_busy_may_drain(scenario: Scenario) -> None:
    """U2: the handler of a signal drains in the middle of logging calls; nothing hangs."""
    program = """
import logging, signal, stage, time
handler = stage.attach("shop")
log, drained = logging.getLogger("shop"), []

def on_alarm(signum, frame):
    log.warning(stage.mark(len(drained)))
    drained.append(handler.drain(5))
    signal.setitimer(signal.ITIMER_REAL, 0.01)

signal.signal(signal.SIGALRM, on_alarm)
signal.setitimer(signal.ITIMER_REAL, 0.01)
end = time.monotonic() + 10
while len(drained) < 10 and time.monotonic() < end:
    log.error("main goes on")
signal.setitimer(signal.ITIMER_REAL, 0)
stage.note(calls=len(drained), flushed=handler.drain(10))
stage.accounts(handler)
"""

    outcome = scenario.run(program)

    assert outcome.notes["calls"] >= 5
    assert outcome.notes["flushed"]
    assert outcome.notes["delivered"] == outcome.notes["accepted"] == outcome.records
