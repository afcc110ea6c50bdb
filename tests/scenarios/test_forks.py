"""Forks: nothing twice, nothing stuck, and a child logs like any other process."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from typing import Any

import pytest
from harness import BUSY, Scenario, each_once, mark


@pytest.mark.scenario("D1")
@pytest.mark.parametrize("child_ends", ["sys.exit()", "os._exit(0)"])
def test_what_is_pending_at_a_fork_stays_with_the_parent(
    scenario: Scenario, server: Any, child_ends: str
) -> None:
    """D1: the parent sends its five records, the child none of them."""
    program = f"""
import logging, os, sys, time, stage
stage.attach("shop")
log = logging.getLogger("shop")
for number in range(5):
    log.error(stage.mark(number))
stage.until(lambda: stage.requests_begun() == 1)
child = os.fork()
if child == 0:
    {child_ends}
start = time.monotonic()
os.waitpid(child, 0)
stage.note(child_took=time.monotonic() - start)
"""

    server.fault("delay", seconds=4)
    outcome = scenario.run(program)

    assert outcome.records == 5
    assert set(outcome.marks) == set(each_once(5))
    assert outcome.stderr == ""
    assert outcome.notes["child_took"] < BUSY  # it waits neither for a courier nor for an answer


@pytest.mark.scenario("D1")
def test_what_is_being_sent_at_a_fork_stays_with_the_parent_though_greenlets_are_copied(
    scenario: Scenario, server: Any
) -> None:
    """D1: gevent's greenlets go on in the child, which must not take the answer to the parent."""
    pytest.importorskip("gevent")
    program = """
import os, stage
from gevent import monkey; monkey.patch_all()
import gevent, logging
handler = stage.attach("shop")
logging.getLogger("shop").error(stage.mark(0))
stage.until(lambda: stage.requests_begun() == 1)
child = os.fork()
if child == 0:
    stage.clear_faults()
    gevent.sleep(0.5)  # the parent's greenlet would run now
    stage.note(child_accepted=handler.stats().accepted)
    logging.getLogger("shop").error(stage.mark(1))
    handler.drain(10)
    os._exit(0)
monkey.get_original("os", "waitpid")(child, 0)  # no greenlet of the parent runs meanwhile
stage.note(flushed=handler.flush(5))
stage.accounts(handler)
"""

    server.fault("hang")
    outcome = scenario.run(program, processes=2)

    assert outcome.notes["flushed"]
    assert outcome.notes["delivered"] == 1
    of_child = outcome.notes["processes"][0]
    assert of_child["child_accepted"] == 0
    assert outcome.marks == each_once(2)
    assert outcome.stderr == ""


@pytest.mark.scenario("D1")
def test_worker_of_a_grandchild_survives_the_greenlets_that_were_copied(scenario: Scenario) -> None:
    """D1: they must not run on when they are collected."""
    pytest.importorskip("gevent")
    program = """
import gc, os, stage
from gevent import monkey; monkey.patch_all()
import logging
from pushover_logging.delivery.worker import WORKER
handler = stage.attach("shop")
log = logging.getLogger("shop")
log.error(stage.mark(0))
assert handler.flush(10)
for generation in (1, 2):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        break
    log.error(stage.mark(generation))
    gc.collect()
    stage.note(alive=WORKER.alive, generation=generation)
    handler.drain(10)
"""

    outcome = scenario.run(program, processes=3)

    notes = [note for note in outcome.notes["processes"] if "generation" in note]
    assert [note["alive"] for note in notes] == [True, True]
    assert outcome.marks == each_once(3)
    assert outcome.stderr == ""


@pytest.mark.scenario("D2")
@pytest.mark.slow
def test_a_child_forked_in_the_middle_of_everything_can_log(scenario: Scenario) -> None:
    """D2: forked while threads log and the courier sends, 100 times: no child ever hangs."""
    program = """
import logging, os, threading, stage
stage.attach("shop")
log = logging.getLogger("shop")
stop = threading.Event()

def work(first):
    while not stop.wait(0.0005):
        log.warning(stage.mark(first))
        log.error("order of %s", object())

threads = [threading.Thread(target=work, args=[first]) for first in range(4)]
for thread in threads: thread.start()
statuses = []
for number in range(100):
    child = os.fork()
    if child == 0:
        log.error(stage.mark(1000 + number))
        os._exit(0)
    statuses.append(os.waitpid(child, 0)[1])
stop.set()
for thread in threads: thread.join()
stage.note(statuses=statuses)
"""

    outcome = scenario.run(program, deadline=40, processes=101)

    assert outcome.notes["statuses"] == [0] * 100


@pytest.mark.scenario("D2")
def test_a_forked_child_delivers_what_it_logs(scenario: Scenario) -> None:
    """D2: ten children forked from a busy parent each log one record, flush it, and end."""
    program = """
import logging, os, threading, stage
phone = stage.attach("shop")
log = logging.getLogger("shop")
stop = threading.Event()

def work():
    while not stop.wait(0.001):
        log.warning("order of %s", object())

thread = threading.Thread(target=work)
thread.start()
for number in range(10):
    logged = phone.stats().accepted
    stage.until(lambda: phone.stats().accepted > logged)
    if os.fork() == 0:
        log.error(stage.mark(number))
        os._exit(0 if phone.flush(10) else 1)
statuses = [os.wait()[1] for _ in range(10)]
stop.set()
thread.join()
stage.note(statuses=statuses)
"""

    outcome = scenario.run(program, processes=11)

    assert outcome.notes["statuses"] == [0] * 10
    assert outcome.marks == each_once(10)


POOLS = {
    "Process": """
    workers = [context.Process(target=work, args=[number]) for number in range(2)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
""",
    "Pool": """
    pool = context.Pool(2)
    pool.map(work, range(2))
    pool.close()
    pool.join()
""",
    "ProcessPoolExecutor": """
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        list(pool.map(work, range(2)))
""",
}


@pytest.mark.scenario("D3")
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize("pool", POOLS)
def test_a_worker_process_delivers_what_it_logs(scenario: Scenario, method: str, pool: str) -> None:
    """D3: a child that logs and returns ends by os._exit, and yet its record arrives."""
    program = f"""
import concurrent.futures, logging, multiprocessing, stage
log = logging.getLogger("shop")
stage.attach("shop")

def work(number):
    log.error(stage.mark(number))

if __name__ == "__main__":
    log.error(stage.mark(2))
    context = multiprocessing.get_context({method!r})
{POOLS[pool]}
"""

    outcome = scenario.run(program, processes=3)

    assert outcome.marks == each_once(3)


@pytest.mark.scenario("D4")
def test_gunicorn_workers_forked_from_a_loaded_application_deliver_once(
    scenario: Scenario, server: Any
) -> None:
    """D4: with --preload the handler is made in the master; the two workers push, once each."""
    pytest.importorskip("gunicorn")
    (scenario.folder / "shop.py").write_text("""
import logging, os, stage
stage.attach("shop")

def application(environ, start_response):
    word = environ["PATH_INFO"].strip("/")
    logging.getLogger("shop").error(word)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
""")
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    workers: set[bytes] = set()
    visits = 0

    def visit_until_both_workers_answered(master: subprocess.Popen[bytes]) -> None:
        nonlocal visits
        while len(workers) < 2 and visits < 200:
            server.wait_for(visits)  # else many would leave in one digest, which names a few
            with urllib.request.urlopen(f"{address}/{mark(visits)}", timeout=10) as answer:
                workers.add(answer.read())
            visits += 1
        os.kill(master.pid, signal.SIGTERM)

    command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", "2", "shop:application"]
    outcome = scenario.run_command(
        [*command, "--bind", f"fd://{listener.fileno()}", "--pythonpath", str(scenario.folder)],
        processes=3,
        meanwhile=visit_until_both_workers_answered,
        pass_fds=[listener.fileno()],
    )
    listener.close()

    assert len(workers) == 2
    assert outcome.records == visits
    assert outcome.marks == each_once(visits)
    assert not re.search(r"Traceback|pushover_logging:", outcome.stderr)
