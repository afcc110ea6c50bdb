"""A durable store under the frameworks that fork: five problems ring five times and add up."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections import Counter
from pathlib import Path

import pytest
from harness import mark
from store_processes import Processes, RedisServer, eventually
from test_stores import DRAINS, LONG, marks_of

SHOP = """
import logging, os, stage
phone = stage.attach("shop", store=os.environ["STORE"])
log = logging.getLogger("shop")

def work(number):
    if number < 40:
        log.error("the disk of %s is full", number)
    else:
        log.error(stage.mark(number))
    return os.getpid()
"""
"""Call 0 to 39 logs an error of one kind; 40 to 43 one of a kind of its own each."""


def add_up(processes: Processes) -> bool:
    """Send what waits; whether every record has arrived."""
    processes.run(DRAINS)
    return processes.records >= 44


def assert_five_rings(processes: Processes) -> None:
    eventually(lambda: add_up(processes), 25)
    assert processes.records == 44
    assert marks_of(processes) == Counter(mark(number) for number in range(40, 44))
    assert len(processes.emergencies) == 5


def environment(processes: Processes) -> dict[str, str]:
    given = {**processes.scenario.environment(), "STORE": processes.url}
    given["PYTHONPATH"] += os.pathsep + str(processes.scenario.folder)
    return given


def write_shop(processes: Processes, more: str = "") -> Path:
    path = processes.scenario.folder / "shop.py"
    path.write_text(SHOP + more)
    return path


WSGI = """
def application(environ, start_response):
    pid = work(int(environ["PATH_INFO"].strip("/")))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(pid).encode()]
"""


def visit(address: str) -> set[bytes]:
    """Ask 44 times; the ids of the workers that answered."""
    workers = set()
    for number in range(44):
        with urllib.request.urlopen(f"{address}/{number}", timeout=20) as answer:
            workers.add(answer.read())
    return workers


def serve(processes: Processes, command: list[str], pass_fds: list[int]) -> subprocess.Popen[bytes]:
    stderr = (processes.scenario.folder / "server.log").open("wb")
    process = subprocess.Popen(
        command,
        env=environment(processes),
        cwd=processes.scenario.folder,
        stdin=subprocess.DEVNULL,
        stdout=stderr,
        stderr=stderr,
        start_new_session=True,
        pass_fds=pass_fds,
    )
    stderr.close()
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(15)
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # all of it has ended
        process.wait()


@pytest.mark.scenario("U1")
def test_multiprocessing_pool(processes: Processes) -> None:
    """U1: ``with Pool()`` kills its workers when the block ends."""
    processes.run(f"""{SHOP}
import multiprocessing
context = multiprocessing.get_context("fork")
each = context.Barrier(4)

def hands_over(_):
    each.wait(60)
    handed_over = stage.until(lambda: phone.stats().pending == 0, 60)
    each.wait(60)
    return handed_over and phone.flush(60)  # killed in the midst of a push it would send twice

with context.Pool(4) as pool:
    pool.map(work, range(44), chunksize=1)
    assert all(pool.map(hands_over, range(4), chunksize=1))
""")

    assert_five_rings(processes)


@pytest.mark.scenario("U1")
@pytest.mark.parametrize("preload", [[], ["--preload"]], ids=["", "preload"])
def test_gunicorn(sqlite_processes: Processes, preload: list[str]) -> None:
    pytest.importorskip("gunicorn")
    processes = sqlite_processes
    write_shop(processes, WSGI)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        command = [sys.executable, "-m", "gunicorn", "-w", "4", *preload, "shop:application"]
        bind = ["--bind", f"fd://{listener.fileno()}"]
        master = serve(processes, [*command, *bind], [listener.fileno()])
        try:
            visit(f"http://127.0.0.1:{listener.getsockname()[1]}")
        finally:
            stop(master)

    assert_five_rings(processes)
    log = (processes.scenario.folder / "server.log").read_text()
    assert "Traceback" not in log, log


@pytest.mark.scenario("U1")
@pytest.mark.parametrize("threads", [[], ["--enable-threads"]], ids=["", "threads"])
def test_uwsgi(sqlite_processes: Processes, threads: list[str]) -> None:
    """U1: it forks in C, without the hooks of Python, and may keep threads from running."""
    uwsgi = Path(sys.executable).with_name("uwsgi")
    found = str(uwsgi) if uwsgi.exists() else shutil.which("uwsgi")
    if found is None:
        pytest.skip("uWSGI is not installed")
    processes = sqlite_processes
    write_shop(processes, WSGI)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        port = listener.getsockname()[1]
    command = [found, "--http-socket", f"127.0.0.1:{port}", "--master", "--processes", "4"]
    options = ["--wsgi-file", "shop.py", *threads, "--die-on-term", "--need-app"]
    master = serve(processes, [*command, *options, "--virtualenv", sys.prefix], [])
    try:
        eventually(lambda: _listens(port), 20)
        visit(f"http://127.0.0.1:{port}")
    finally:
        stop(master)

    log = (processes.scenario.folder / "server.log").read_text()
    assert "Traceback" not in log, log
    assert_five_rings(processes)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.mark.scenario("U1")
@LONG
def test_celery_with_a_child_for_each_task(
    redis_processes: Processes, redis_server: RedisServer
) -> None:
    pytest.importorskip("celery")
    processes = redis_processes
    queue = processes.scenario.folder.name
    write_shop(
        processes,
        f"""
import celery
app = celery.Celery("shop", broker={redis_server.url!r})
app.conf.update(task_default_queue={queue!r}, worker_hijack_root_logger=False)

@app.task
def task(number):
    work(number)
    app.connection_for_write().default_channel.client.incr({queue + "done"!r})
""",
    )
    options = ["--pool", "prefork", "--concurrency", "2", "--max-tasks-per-child", "1"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    command = [sys.executable, "-m", "celery", "-A", "shop", "worker", *options, *quiet]
    worker = serve(processes, command, [])
    try:
        subprocess.run(
            [sys.executable, "-c", "import shop\nfor n in range(44): shop.task.delay(n)"],
            env={**environment(processes), "STORE": "redis://127.0.0.1:1/0"},
            cwd=processes.scenario.folder,
            check=True,
            capture_output=True,
            timeout=30,
        )
        eventually(lambda: _redis(redis_server, f"{queue}done") == b"44", 60)
    finally:
        stop(worker)

    assert_five_rings(processes)


@pytest.mark.scenario("U1")
@LONG
def test_rq_whose_children_end_by_exit(
    redis_processes: Processes, redis_server: RedisServer
) -> None:
    pytest.importorskip("rq")
    processes = redis_processes
    queue = processes.scenario.folder.name
    write_shop(processes)
    processes.run(
        f"""
import redis, rq
queue = rq.Queue({queue!r}, connection=redis.Redis.from_url({redis_server.url!r}))
for number in range(44):
    queue.enqueue("shop.work", number)
rq.Worker([queue], connection=queue.connection).work(burst=True)
""",
        env={"PYTHONPATH": environment(processes)["PYTHONPATH"]},
    )

    assert_five_rings(processes)


def _redis(server: RedisServer, key: str) -> bytes | None:
    import redis

    value = redis.Redis.from_url(server.url).get(key)
    assert value is None or isinstance(value, bytes)
    return value
