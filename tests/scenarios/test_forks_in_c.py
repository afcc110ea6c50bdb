"""Processes that fork without a hook of Python's, or end without: C code, pools, task queues."""

from __future__ import annotations

import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from harness import Scenario, each_once, mark, stands_for

FORKS = {
    "os.fork": "os.fork()",
    "fork in C": "ctypes.PyDLL(None).fork()",
    "fork in C without the GIL": "ctypes.CDLL(None).fork()",
}


@pytest.mark.scenario("U1")
@pytest.mark.parametrize("fork", FORKS.values(), ids=FORKS)
@pytest.mark.parametrize("waits", ["handler.drain(10)", "handler.flush(10)", "logging.shutdown()"])
def test_a_forked_child_starts_afresh(scenario: Scenario, fork: str, waits: str) -> None:
    """U1: the child knows no group of its parent, counts from 0, and has its own worker."""
    program = f"""
import ctypes, logging, os, sys, stage
handler = stage.attach("shop")
log = logging.getLogger("shop")
log.error("the disk is full")
log.error("the disk is full")
stage.until(lambda: handler.flush(1))
child = {fork}
if child == 0:
    log.error("the disk is full")
    log.error(stage.mark(1))
    {waits}
    stage.accounts(handler)
    stage.note(workers=stage.threads_beside_main())
    sys.stderr.flush()
    os._exit(0)
stage.note(status=os.waitpid(child, 0)[1])
stage.accounts(handler)
"""

    outcome = scenario.run(program, processes=2)

    parent = next(notes for notes in outcome.notes["processes"] if "status" in notes)
    child = next(notes for notes in outcome.notes["processes"] if "workers" in notes)
    counts = [notes for notes in outcome.notes["processes"] if "accepted" in notes]
    assert parent["status"] == 0
    assert child["workers"] == 1
    of_child = next(notes for notes in counts if notes["pid"] == child["pid"])
    of_parent = next(notes for notes in counts if notes["pid"] != child["pid"])
    assert (of_child["accepted"], of_child["delivered"]) == (2, 2)
    assert (of_parent["accepted"], of_parent["delivered"]) == (2, 1)
    assert outcome.texts.count("the disk is full") == 2
    assert outcome.marks == each_once(0) | {mark(1): 1}
    assert outcome.records == 4
    assert outcome.stderr == ""


@pytest.mark.scenario("U1")
@pytest.mark.parametrize("fork", FORKS.values(), ids=FORKS)
def test_children_that_log_nothing_leave_all_to_their_parent(
    scenario: Scenario, server: Any, fork: str
) -> None:
    """U1: no child sends what its parent has pending, and none waits or complains for it."""
    program = f"""
import ctypes, logging, os, sys, time, pushover_logging, stage
handler = stage.attach("shop")
log = logging.getLogger("shop")
for number in range(3):
    log.error(stage.mark(number))
stage.until(lambda: stage.requests_begun() == 1)

def ends(end):
    start = time.monotonic()
    child = {fork}
    if child == 0:
        end()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    return status, time.monotonic() - start

calls = (sys.exit, handler.flush, handler.drain, pushover_logging.drain, handler.close,
         lambda: stage.accounts(handler))
stage.note(children=[ends(call) for call in calls], delivered=handler.stats().delivered)
"""

    server.fault("delay", seconds=2.5)
    outcome = scenario.run(program, processes=1)

    assert [status for status, _ in outcome.notes["children"]] == [0] * 6
    assert max(took for _, took in outcome.notes["children"]) < 1.2
    assert outcome.notes["delivered"] == 0, "the request of the parent ended too soon"
    assert outcome.marks == each_once(3)
    assert outcome.records == 3
    assert outcome.stderr == ""
    counted = [notes for notes in outcome.notes["processes"] if "accepted" in notes]
    assert all(notes["accepted"] == notes["pending"] == 0 for notes in counted)


@pytest.mark.scenario("U1")
def test_a_grandchild_of_forks_in_c_delivers_once(scenario: Scenario) -> None:
    """U1: each generation notices the fork before it, though none of them ran a hook."""
    program = """
import ctypes, logging, os, sys, stage
handler = stage.attach("shop")
log = logging.getLogger("shop")
depth = 0
log.error(stage.mark(depth))
handler.flush(10)
while depth < 3 and (child := ctypes.PyDLL(None).fork()) == 0:
    depth += 1
    log.error(stage.mark(depth))
    handler.flush(10)
else:
    if depth < 3:
        os.waitpid(child, 0)
handler.drain(10)
os._exit(0)
"""

    outcome = scenario.run(program, processes=4)

    assert outcome.marks == each_once(4)
    assert outcome.records == 4


def visit(address: str, patience: float = 15.0) -> bytes:
    """The answer of a web server that may be about to start."""
    end = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return bytes(answer.read())
        except (urllib.error.URLError, OSError):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.scenario("U1")
@pytest.mark.slow
def test_uwsgi_workers_deliver_what_they_log(scenario: Scenario, server: Any) -> None:
    """U1: uWSGI loads the application in its master and forks in C, without Python's hooks."""
    uwsgi = shutil.which("uwsgi", path=os.path.dirname(sys.executable)) or _installed("uwsgi")
    if uwsgi is None:
        pytest.skip("uwsgi is not installed")
    (scenario.folder / "shop.py").write_text("""
import logging, os, stage
handler = stage.attach("shop")
logging.getLogger("shop").error(stage.mark(0))
handler.flush(10)  # uWSGI may hang where any thread runs Python code while it forks

def application(environ, start_response):
    log, word = logging.getLogger("shop"), environ["PATH_INFO"].strip("/")
    log.error(stage.mark(0))
    log.error(word)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
""")
    port = free_port()
    workers: set[bytes] = set()
    visits = 0

    def has_messages(count: int) -> bool:
        return len(server.messages) >= count

    def visit_both_workers(master: subprocess.Popen[bytes]) -> None:
        nonlocal visits
        while len(workers) < 2 and visits < 200:
            visits += 1
            workers.add(visit(f"http://127.0.0.1:{port}/{mark(visits)}"))
            expected = 1 + visits + len(workers)
            assert wait_until(functools.partial(has_messages, expected))
        os.kill(master.pid, signal.SIGINT)

    outcome = scenario.run_command(
        [
            *(uwsgi, "--master", "--processes", "2", "--enable-threads", "--need-app"),
            *(
                "--http-socket",
                f"127.0.0.1:{port}",
                "--wsgi-file",
                str(scenario.folder / "shop.py"),
            ),
            *("--virtualenv", sys.prefix, "--disable-logging"),
        ],
        processes=3,
        meanwhile=visit_both_workers,
    )

    assert len(workers) == 2
    assert outcome.records == 1 + 2 * visits
    # The error that the master logged is news in each worker.
    assert outcome.marks[mark(0)] >= 3
    assert {mark(number) for number in range(visits + 1)} == set(outcome.marks)
    assert "Traceback" not in outcome.stderr


def _installed(name: str) -> str | None:
    """A command of the environment that this one is made of."""
    import site

    for folder in site.getsitepackages() + [p for p in sys.path if p.endswith("site-packages")]:
        found = shutil.which(name, path=os.path.join(folder, "..", "..", "..", "bin"))
        if found:
            return os.path.abspath(found)
    return None


def wait_until(condition: Callable[[], bool], timeout: float = 15.0) -> bool:
    end = time.monotonic() + timeout
    while not (met := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return met


CELERY = """
import logging, os, stage
from celery import Celery
from pathlib import Path

folder = Path(__file__).parent / "broker"
folder.mkdir(exist_ok=True)
app = Celery("shop", broker="filesystem://")
app.conf.broker_transport_options = {
    name: str(folder)
    for name in ("data_folder_in", "data_folder_out", "processed_folder", "control_folder")
}
app.conf.worker_hijack_root_logger = False
app.conf.broker_connection_retry_on_startup = True
stage.attach("shop", grouping={"max_per_minute": 100_000}, **PACE)

@app.task
def work(number):
    log = logging.getLogger("shop")
    for _ in range(5):
        log.warning("item %d is sold out", number)
    log.error(stage.mark(number))
    return os.getpid()
"""


@pytest.mark.scenario("U1")
@pytest.mark.slow
def test_recycled_children_of_celery_deliver_what_they_log(scenario: Scenario, server: Any) -> None:
    """U1: with one task for each child, the child ends by os._exit after its first task."""
    pytest.importorskip("celery")
    (scenario.folder / "shop.py").write_text(CELERY.replace(", **PACE", ""))
    send = """
import sys
sys.path.insert(0, sys.argv[1])
import shop
for number in range(4):
    shop.work.delay(number)
"""
    subprocess.run(
        [sys.executable, "-c", send, str(scenario.folder)],
        env=scenario.environment(),
        check=True,
        timeout=30,
    )

    def stop_when_all_is_done(worker: subprocess.Popen[bytes]) -> None:
        def records() -> int:
            return sum(stands_for(message) for message in server.messages)

        wait_until(lambda: records() >= 24, 25)
        os.kill(worker.pid, signal.SIGTERM)

    outcome = scenario.run_command(
        [
            *(sys.executable, "-m", "celery", "--workdir", str(scenario.folder), "-A", "shop"),
            *("worker", "--pool", "prefork", "--concurrency", "2", "--max-tasks-per-child", "1"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ],
        processes=8,
        deadline=45,
        meanwhile=stop_when_all_is_done,
        env={"C_FORCE_ROOT": "1"},
    )

    assert outcome.marks == each_once(4)
    assert outcome.records == 24
    assert not re.search("Traceback|pushover_logging:", outcome.stderr)


@pytest.mark.scenario("U1")
def test_a_process_of_billiard_delivers_what_it_logs(scenario: Scenario, server: Any) -> None:
    """U1: billiard's children end by os._exit, as those of multiprocessing do."""
    pytest.importorskip("billiard")
    program = """
import billiard, logging, stage
log = logging.getLogger("shop")
stage.attach("shop")

def work(number):
    for _ in range(3):
        log.warning("item %d is sold out", number)
    log.error(stage.mark(number))

if __name__ == "__main__":
    workers = [billiard.Process(target=work, args=[number]) for number in range(2)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
"""

    server.fault("delay", count=2, seconds=0.3)
    outcome = scenario.run(program, processes=2)

    assert outcome.marks == each_once(2)
    assert outcome.records == 8


@pytest.mark.scenario("U1")
@pytest.mark.parametrize("call", ["pool.map(work, range(4))", "list(pool.imap(work, range(4)))"])
def test_a_pool_that_is_terminated_delivers_what_its_tasks_drained(
    scenario: Scenario, call: str
) -> None:
    """U1: ``with Pool()`` ends its children by SIGTERM, in which no Python runs."""
    program = f"""
import logging, multiprocessing, pushover_logging, stage
log = logging.getLogger("shop")
stage.attach("shop")

def work(number):
    log.warning("the disk is full")
    log.warning("the disk is full")
    log.error(stage.mark(number))
    pushover_logging.drain()

if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        {call}
"""

    outcome = scenario.run(program, processes=3)

    assert outcome.marks == each_once(4)
    assert outcome.records == 12


@pytest.mark.scenario("U1")
def test_a_job_of_rq_delivers_what_it_drains(scenario: Scenario, tmp_path: Any) -> None:
    """U1: RQ forks for each job and ends the child by os._exit; the job drains at its end."""
    pytest.importorskip("rq")
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    (scenario.folder / "jobs.py").write_text("""
import logging, pushover_logging, stage

def work(number):
    log = logging.getLogger("shop")
    for _ in range(3):
        log.warning("item %d is sold out", number)
    log.error(stage.mark(number))
    pushover_logging.drain()
""")
    port = free_port()
    redis_server = subprocess.Popen(
        [
            *("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""),
            *("--appendonly", "no", "--dir", str(tmp_path), "--loglevel", "warning"),
        ],
        stdout=subprocess.DEVNULL,
    )
    program = f"""
import logging, sys, stage
sys.path.insert(0, {str(scenario.folder)!r})
import jobs, redis, rq
from redis.backoff import ConstantBackoff
from redis.retry import Retry

stage.attach("shop")
connection = redis.Redis(port={port}, retry=Retry(ConstantBackoff(0.05), 100))
queue = rq.Queue(connection=connection)
for number in range(3):
    queue.enqueue(jobs.work, number)
worker = rq.Worker([queue], connection=connection)
worker.work(burst=True, logging_level="WARNING", with_scheduler=False)
"""

    try:
        outcome = scenario.run(program, processes=4, deadline=30)
    finally:
        redis_server.terminate()
        redis_server.wait(10)

    assert outcome.marks == each_once(3)
    assert outcome.records == 12
