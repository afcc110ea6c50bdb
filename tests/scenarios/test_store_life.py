"""A durable store: takeovers, failures of the store, and what its processes share."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from harness import MARK, Scenario, mark
from store_processes import (
    Processes,
    RedisServer,
    eventually,
    free_port,
    memory_folder,
    redis_program,
)
from stores.processes import stop

OBEYS = """
import logging, os, sys, time, stage
from pushover_logging.delivery import incidents, shared
exec(os.environ.get("FIRST", ""))
phone = stage.attach("shop", store=os.environ["STORE"], **eval(os.environ.get("OPTIONS", "{}")))
log = logging.getLogger("shop")
def sends():
    sender = phone._pipeline._sender
    return sender is not None and sender.is_sender
for line in sys.stdin:
    print(repr(eval(line)), flush=True)
"""
"""Evaluates each line that it reads, and prints the value."""


def start(processes: Processes, first: str = "", **options: object) -> subprocess.Popen[bytes]:
    env = {"FIRST": first, "OPTIONS": repr(options)}
    return processes.start(OBEYS, env=env)


def tell(processes: Processes, process: subprocess.Popen[bytes], line: str) -> str:
    """What the process says to a line."""
    processes.say(process, line)
    return processes.line(process)


def becomes_sender(processes: Processes, process: subprocess.Popen[bytes]) -> None:
    assert tell(processes, process, "stage.until(sends, 15)") == "True"


def arrives(processes: Processes, text: str, seconds: float = 20) -> Any:
    """The message with that text, once it arrives."""
    found: list[Any] = []

    def look() -> bool:
        found[:] = [m for m in processes.messages if text in m.params["message"]]
        return bool(found)

    eventually(look, seconds)
    return found[0]


def marks_of(processes: Processes) -> Counter[str]:
    texts = [message.params["message"] for message in processes.messages]
    return Counter(found for text in texts for found in MARK.findall(text))


# Takeovers.


@pytest.mark.slow
@pytest.mark.scenario("V4")
def test_stopped_sender_is_replaced_and_sends_nothing_from_old_state(
    processes: Processes, server: Any
) -> None:
    """V4: SIGSTOP in the middle of a send, for longer than the lease lasts."""
    old = start(processes)
    becomes_sender(processes, old)
    new = start(processes)
    server.fault("hang", path="messages.json")
    seen = len(server.requests)
    tell(processes, old, "log.error(stage.mark(0))")
    server.wait_for_requests(seen + 1)

    stop(old)
    server.clear_faults()
    tell(processes, new, "log.error(stage.mark(1))")
    arrives(processes, mark(1))
    becomes_sender(processes, new)
    os.kill(old.pid, signal.SIGCONT)
    tell(processes, old, "log.error(stage.mark(2))")
    arrives(processes, mark(2))

    def texts() -> list[str]:
        return [m.params["message"] for m in processes.messages if mark(0) in m.params["message"]]

    assert tell(processes, old, "sends()") == "False"
    eventually(lambda: len(texts()) == 2)
    assert any(text.startswith("(This may have been sent before.)") for text in texts())
    tag = next(m for m in processes.messages if mark(0) in m.params["message"]).params["tags"]
    cancels = [r for r in server.requests if f"cancel_by_tag/{tag.split(',')[0]}" in r.path]
    assert len(cancels) == 1
    assert marks_of(processes)[mark(1)] == marks_of(processes)[mark(2)] == 1


@pytest.mark.parametrize("processes", ["sqlite"], indirect=True)
def test_process_that_logs_nothing_loads_little_and_sends_what_was_left(
    processes: Processes,
) -> None:
    """A cron job that ends soon need not load all that delivers, unless an alert waits for it."""
    looks_and_ends = (
        "import os, sys, stage\n"
        "phone = stage.attach('shop', store=os.environ['STORE'])\n"
        "stage.until(lambda: phone._pipeline._left_over is not None, 20)\n"
        "print('pushover_logging.delivery.sender' in sys.modules, file=sys.stderr)\n"
    )
    never_sends = (
        "import pushover_logging.delivery.worker as w; w._logging_is_locked = lambda: True"
    )

    idle = processes.run(looks_and_ends)
    victim = start(processes, never_sends)
    tell(processes, victim, "log.error(stage.mark(0))")
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    assert not processes.messages
    processes.run(looks_and_ends)

    assert idle == "False\n"
    assert marks_of(processes) == Counter([mark(0)])


@pytest.mark.parametrize("processes", ["sqlite"], indirect=True)
def test_records_too_few_for_an_alert_are_counted_on_by_the_next_process(
    processes: Processes,
) -> None:
    """A cron job that fails each time rings at the third failure."""
    fails_once = (
        "import logging, os, stage\n"
        "phone = stage.attach('shop', store=os.environ['STORE'], grouping={'after': 3})\n"
        "logging.getLogger('shop').error('the backup failed')\n"
        "phone.flush(10)\n"
        "stage.note(dropped=dict(phone.stats().dropped))\n"
    )
    for _ in range(2):
        processes.run(fails_once)
    assert not processes.messages

    processes.run(fails_once)

    eventually(lambda: len(processes.messages) == 1)
    assert "\N{MULTIPLICATION SIGN}3" in processes.messages[0].params["title"]


@pytest.mark.slow
@pytest.mark.scenario("V4")
def test_emergency_in_doubt_is_cancelled_before_it_rings_again(
    processes: Processes, server: Any
) -> None:
    """V4: the sender is killed while the service answers."""
    server.fault("hang", path="messages.json")
    victim = start(processes)
    tell(processes, victim, "log.error(stage.mark(0))")
    server.wait_for_requests(1)
    stop(victim)  # or it might read the answer, and commit it, before it is killed
    server.clear_faults()
    server.wait_for(1)
    os.kill(victim.pid, signal.SIGKILL)

    successor = start(processes)
    server.wait_for(2, 20)
    eventually(lambda: tell(processes, successor, "phone.drain(60)") == "True")

    first, second = processes.messages
    assert second.params["message"] == f"(This may have been sent before.)\n{mark(0)}"
    assert first.params["tags"] == second.params["tags"]
    paths = [request.path for request in server.requests]
    cancel = next(n for n, path in enumerate(paths) if "cancel_by_tag/push-" in path)
    assert cancel < max(n for n, path in enumerate(paths) if path.endswith("messages.json"))
    ringing = [e for e in server.state()["emergencies"].values() if e["ringing"]]
    assert len(ringing) == 1


@pytest.mark.scenario("V4")
def test_sender_whose_token_is_refused_lets_another_try(processes: Processes, server: Any) -> None:
    refusal = {"token": "invalid", "errors": ["application token is invalid"], "status": 0}
    old = start(processes)
    becomes_sender(processes, old)
    new = start(processes)
    tell(processes, new, "stage.until(lambda: phone._pipeline._sender is not None)")
    server.fault("status", status=400, body=refusal, path="messages.json")

    tell(processes, old, "log.error(stage.mark(0))")
    arrives(processes, mark(0))

    assert tell(processes, old, "sends()") == "False"
    assert len(processes.messages) == 1
    # What it left to the other takes no room here any more.
    assert tell(processes, old, "stage.until(lambda: not phone._queue.outbox_size)") == "True"


@pytest.mark.scenario("V4")
def test_two_processes_try_a_refused_token_once_each(processes: Processes, server: Any) -> None:
    refusal = {"token": "invalid", "errors": ["application token is invalid"], "status": 0}
    server.fault("status", count=9, status=400, body=refusal, path="messages.json")
    first = start(processes)
    becomes_sender(processes, first)
    second = start(processes)
    tell(processes, second, "stage.until(lambda: phone._pipeline._sender is not None)")

    tell(processes, first, "log.error(stage.mark(0))")
    server.wait_for_requests(2)
    becomes_sender(processes, second)
    tell(processes, second, "log.error(stage.mark(1))")
    assert tell(processes, second, "phone.drain(1)") == "False"

    assert tell(processes, second, "sends()") == "True"
    assert len(server.requests) == 2


def test_restarts_do_not_try_a_refused_token_again(processes: Processes, server: Any) -> None:
    refusal = {"token": "invalid", "errors": ["application token is invalid"], "status": 0}
    server.fault("status", count=9, status=400, body=refusal, path="messages.json")
    program = """
import logging, os, stage
phone = stage.attach("shop", store=os.environ["STORE"], exit_timeout=2)
logging.getLogger("shop").error("crash")
stage.until(lambda: phone.stats().refused, 10)
"""

    for _ in range(3):
        processes.run(program)

    assert len(server.requests) == 1


@pytest.mark.scenario("V4")
def test_sender_without_a_network_lets_another_try(processes: Processes) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}/1/"
    old = start(processes, "shared._PATIENCE = 0.5", api_url=nowhere)
    becomes_sender(processes, old)
    new = start(processes)
    tell(processes, new, "stage.until(lambda: phone._pipeline._sender is not None)")

    tell(processes, old, "log.error(stage.mark(0))")
    arrives(processes, mark(0))

    assert tell(processes, old, "sends()") == "False"
    assert "cannot deliver now" in processes.stderr(old)


@pytest.mark.slow
def test_sender_with_a_shorter_interval_applies_it_to_what_is_stored(processes: Processes) -> None:
    """Such as a relay with an option of its own."""
    old = start(processes)
    tell(processes, old, "log.warning('it is slow')")
    arrives(processes, "it is slow")
    tell(processes, old, "[log.warning('it is slow') for _ in range(3)]")
    assert tell(processes, old, "phone.flush(10)") == "True"
    eventually(lambda: "3" in tell(processes, old, "phone._pipeline._sender.active.unsent()"))
    os.kill(old.pid, signal.SIGKILL)

    start(processes, grouping={"interval": 1})

    summary = arrives(processes, "3 more times")
    assert "it is slow" in summary.params["message"]
    assert processes.records == 4


def test_later_handler_without_an_interval_sends_what_another_has_counted(
    processes: Processes,
) -> None:
    process = start(processes)
    becomes_sender(processes, process)
    later = "stage.attach('other', store=os.environ['STORE'], grouping={'interval': 0})"
    tell(processes, process, f"{later} and logging.getLogger('other').warning('it is slow')")
    arrives(processes, "it is slow")
    tell(processes, process, "[log.warning('the disk is full') for _ in range(5)]")
    assert tell(processes, process, "phone.drain(20)") == "True"
    tell(processes, process, "[log.warning('the disk is full') for _ in range(3)]")

    assert tell(processes, process, "phone.drain(20)") == "True"

    assert processes.records == 9
    processes.wait(process)
    assert "in the store" not in processes.stderr(process)


# The store fails.


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A tmpfs of 256 KiB."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only a privileged user may mount a small disk")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass  # it is full


def remount_read_only(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)


@pytest.mark.scenario("P3")
@pytest.mark.parametrize("defect", [fill, remount_read_only])
@pytest.mark.parametrize("when", ["before", "while it runs"])
def test_full_or_read_only_disk_costs_no_alert(
    scenario: Scenario, server: Any, tmp_path: Path, defect: Callable[[Path], None], when: str
) -> None:
    """P3: alerts go out from memory, and one line says so."""
    with small_disk(tmp_path) as disk, memory_folder() as spool:
        processes = Processes(scenario, server, f"sqlite://{disk}/store.db?spool={spool}")
        if when == "before":
            defect(disk)
        process = start(processes)
        if when != "before":
            becomes_sender(processes, process)
            tell(processes, process, "log.error(stage.mark(9))")
            arrives(processes, mark(9))
            defect(disk)
        for number in range(3):
            tell(processes, process, f"log.error(stage.mark({number}))")
            arrives(processes, mark(number))
        tell(processes, process, "[log.error('again') for _ in range(50)]")
        assert tell(processes, process, "phone.drain(10)") == "True"
        processes.end()

    said = processes.everything_said().splitlines()
    assert len(said) == 1, said
    assert "the store fails, this process delivers from memory" in said[0]
    assert max(marks_of(processes).values()) == 1
    assert processes.records == 53 + (when != "before")


@pytest.mark.scenario("P3")
def test_record_logged_while_the_store_fails_arrives_once(
    scenario: Scenario, server: Any, tmp_path: Path
) -> None:
    """P3: it is in the spool and in the queue of its handler."""
    log_then_fail = """
fail = shared.SharedSender._fail
def fail_after_a_record(self, error, leave=()):
    log.error(stage.mark(0))
    fail(self, error, leave)
shared.SharedSender._fail = fail_after_a_record
"""
    with small_disk(tmp_path) as disk, memory_folder() as spool:
        processes = Processes(scenario, server, f"sqlite://{disk}/store.db?spool={spool}")
        process = start(processes, log_then_fail)
        becomes_sender(processes, process)
        fill(disk)
        tell(processes, process, "log.error(stage.mark(1))")
        arrives(processes, mark(1))
        arrives(processes, mark(0))
        assert tell(processes, process, "phone.drain(10)") == "True"
        processes.end()

    assert marks_of(processes) == {mark(0): 1, mark(1): 1}


@pytest.mark.scenario("V8")
def test_damaged_and_replaced_file_costs_nothing_and_doubles_nothing(
    sqlite_processes: Processes, tmp_path: Path
) -> None:
    """P3, V8: alerts from memory meanwhile, none twice afterwards."""
    processes = sqlite_processes
    database = tmp_path / "store.db"
    process = start(processes, "shared._RECOVER = 0.3")
    becomes_sender(processes, process)
    tell(processes, process, "log.error(stage.mark(0))")
    arrives(processes, mark(0))
    assert tell(processes, process, "phone.flush(5)") == "True"  # and it is committed

    def damage() -> bool:
        database.write_bytes(b"no database " * 3000)  # a commit under way may write over it
        return "the store fails" in processes.stderr(process)

    eventually(damage)
    tell(processes, process, "log.error(stage.mark(1))")
    arrives(processes, mark(1))
    tell(processes, process, "[log.error('again') for _ in range(50)]")
    database.unlink()
    eventually(lambda: "works again" in processes.stderr(process))
    becomes_sender(processes, process)
    tell(processes, process, "log.error(stage.mark(2))")
    arrives(processes, mark(2))
    assert tell(processes, process, "phone.drain(10)") == "True"

    assert marks_of(processes) == Counter(mark(number) for number in range(3)), processes.texts
    assert processes.records == 53
    assert len(processes.stderr(process).splitlines()) == 2


@pytest.mark.scenario("P3")
def test_two_processes_go_back_to_a_file_that_was_replaced(
    sqlite_processes: Processes, tmp_path: Path
) -> None:
    """P3: one becomes the sender, and the other hands over what it has counted and what rings."""
    processes = sqlite_processes
    database = tmp_path / "store.db"
    both = [start(processes, "shared._RECOVER = 0.3") for _ in range(2)]
    for number, process in enumerate(both):
        tell(processes, process, f"log.error(stage.mark({number}))")
        arrives(processes, mark(number))
        assert tell(processes, process, "phone.flush(5)") == "True"

    def damage() -> bool:
        database.write_bytes(b"no database " * 3000)  # a commit under way may write over it
        return all("the store fails" in processes.stderr(process) for process in both)

    eventually(damage)
    for process in both:
        tell(processes, process, "[log.error('again') for _ in range(50)]")
    database.unlink()
    for process in both:
        eventually(lambda process=process: "works again" in processes.stderr(process))
    for process in both:
        eventually(lambda process=process: tell(processes, process, "phone.drain(10)") == "True")

    # At least once: the damage may fall on the commit of a push that has just gone out.
    assert 102 <= processes.records <= 104
    for process in both:
        assert len(processes.stderr(process).splitlines()) == 2, processes.stderr(process)


@pytest.fixture
def mortal_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that the test may end and start again."""
    program = redis_program()
    if program is None:
        pytest.skip("neither redis-server nor valkey-server is installed")
    pytest.importorskip("redis", reason="the extra redis is not installed")
    server = RedisServer(program, tmp_path, free_port())
    server.start()
    yield server
    server.kill()


@pytest.mark.scenario("P3")
def test_redis_that_goes_and_returns_costs_nothing_and_doubles_nothing(
    scenario: Scenario, server: Any, mortal_redis: RedisServer
) -> None:
    """P3: two processes; each delivers from memory, rings once, and goes back."""
    with memory_folder() as spool:
        processes = Processes(scenario, server, f"{mortal_redis.url}?spool={spool}")
        first = start(processes, "shared._RECOVER = 0.3")
        becomes_sender(processes, first)
        second = start(processes, "shared._RECOVER = 0.3")
        for number, process in enumerate([first, second]):
            tell(processes, process, f"log.error(stage.mark({number}))")
            arrives(processes, mark(number))
            assert tell(processes, process, "phone.flush(5)") == "True"  # no slot waits any more

        mortal_redis.kill()
        for number, process in enumerate([first, second], 2):
            tell(processes, process, f"log.error(stage.mark({number}))")
            arrives(processes, mark(number))
            tell(processes, process, "[log.error('again') for _ in range(50)]")
        mortal_redis.start()
        for process in (first, second):
            eventually(lambda process=process: "works again" in processes.stderr(process))
        for number, process in enumerate([first, second], 4):
            tell(processes, process, f"log.error(stage.mark({number}))")
            arrives(processes, mark(number))
            tell(processes, process, "[log.error('again') for _ in range(50)]")
        assert tell(processes, second, "phone.drain(10)") == "True"
        for process in (first, second):
            tell(processes, process, "phone.flush(5)")
        assert tell(processes, second, "phone.drain(10)") == "True"
        rings = [m for m in processes.emergencies if "again" in m.params["message"]]
        processes.end()

    assert marks_of(processes) == Counter(mark(number) for number in range(6)), processes.texts
    assert processes.records == 206
    assert len(rings) <= 2
    for process in (first, second):
        assert len(processes.stderr(process).splitlines()) == 2, processes.stderr(process)


@pytest.mark.parametrize("processes", ["sqlite"], indirect=True)
def test_handlers_that_share_a_store_keep_their_counts_and_their_room(
    processes: Processes, server: Any
) -> None:
    """The sender goes by the latest handler's settings, but drops nothing for its capacity."""
    process = start(processes)
    tell(processes, process, "log.error(stage.mark(0))")
    arrives(processes, mark(0))
    tell(processes, process, "stage.until(lambda: phone.stats().delivered == 1)")
    small = "stage.attach('other', store=os.environ['STORE'], capacity=2)"
    tell(processes, process, f"[other := {small}, logging.getLogger('other').error(stage.mark(1))]")
    arrives(processes, mark(1))
    both = "(phone.stats().delivered, phone.stats().pushes) == (2, 2)"
    assert tell(processes, process, f"stage.until(lambda: {both})") == "True"

    server.fault("status", count=None, status=500, path="messages.json")
    tell(processes, process, "[log.warning(stage.mark(n)) for n in range(2, 22)]")
    tell(processes, process, "stage.until(lambda: phone._pipeline._sender.outbox.alerts == 20)")
    tell(processes, process, "logging.getLogger('other').error(stage.mark(22))")
    waiting = "stage.until(lambda: phone._pipeline._sender.outbox.alerts == 21)"
    assert tell(processes, process, waiting) == "True"
    assert tell(processes, process, "phone.stats().dropped") == "{}"


@pytest.mark.scenario("P3")
@pytest.mark.parametrize("is_mute", [False, True])
def test_redis_that_is_away_from_the_start_costs_no_alert(
    scenario: Scenario, server: Any, is_mute: bool
) -> None:
    """P3: refused, or accepted by a server that never answers; a fork does not wait for it."""
    pytest.importorskip("redis")
    forks = (
        "[began := time.monotonic(), pid := os.fork(), pid or os._exit(0), "
        "took := time.monotonic() - began, os.waitpid(pid, 0)[1]] and took < 1"
    )
    with memory_folder() as spool, socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1] if is_mute else free_port()
        processes = Processes(scenario, server, f"redis://127.0.0.1:{port}/0?spool={spool}")
        process = start(processes)

        tell(processes, process, "log.error(stage.mark(0))")
        forked = tell(processes, process, forks)
        arrives(processes, mark(0))
        processes.end()

    assert forked == "True"
    assert "delivers from memory" in processes.stderr(process)


@pytest.mark.scenario("P3")
def test_settings_that_come_while_redis_is_away_hold_when_it_returns(
    scenario: Scenario, server: Any, mortal_redis: RedisServer
) -> None:
    pace = "phone._pipeline._sender.active._config.grouping.max_per_minute"
    with memory_folder() as spool:
        processes = Processes(scenario, server, f"{mortal_redis.url}?spool={spool}")
        process = start(processes, "shared._RECOVER = 0.3")
        becomes_sender(processes, process)
        mortal_redis.kill()
        tell(processes, process, "log.error(stage.mark(0))")
        arrives(processes, mark(0))
        slower = "stage.attach('other', store=os.environ['STORE'], grouping={'max_per_minute': 3})"
        tell(processes, process, f"[other := {slower}, logging.getLogger('other').error('again')]")
        arrives(processes, "again")
        mortal_redis.start()
        eventually(lambda: "works again" in processes.stderr(process))

        assert tell(processes, process, f"stage.until(lambda: {pace} == 3)") == "True"
        processes.end()


@pytest.mark.scenario("P3")
def test_what_was_sent_when_redis_fails_is_not_counted_again(
    scenario: Scenario, server: Any, mortal_redis: RedisServer
) -> None:
    """P3: the sender knows what it has stored, also where it looks at its spool no more."""
    with memory_folder() as spool:
        processes = Processes(scenario, server, f"{mortal_redis.url}?spool={spool}")
        never_looks = "from pushover_logging.stores import redis; redis._CHECK_COVERED = 1e9"
        process = start(processes, f"shared._RECOVER = 0.3; {never_looks}")
        becomes_sender(processes, process)
        for number in range(2):
            tell(processes, process, f"log.error(stage.mark({number}))")
            arrives(processes, mark(number))
        assert tell(processes, process, "phone.drain(10)") == "True"

        mortal_redis.kill()
        tell(processes, process, "log.error(stage.mark(2))")
        arrives(processes, mark(2))
        mortal_redis.start()
        eventually(lambda: "works again" in processes.stderr(process))
        assert tell(processes, process, "phone.drain(10)") == "True"
        processes.end()

    assert marks_of(processes) == Counter(mark(number) for number in range(3)), processes.texts


SECRETIVE = """log.error("password=%s for amqp://ann:%s@mq", *(["sesameopen"] * 2), extra={
    "pushover": {"key": "PGPASSWORD=sesameopen", "tags": ["token=sesameopen"],
                 "params": {"x": "password=sesameopen"}}})"""
PLAIN = """log.error("DB_PASSWORD=sesameopen is wrong")"""


@pytest.mark.scenario("P3")
@pytest.mark.parametrize("fails", [False, True])
def test_redis_gets_no_credential(
    scenario: Scenario, server: Any, mortal_redis: RedisServer, fails: bool
) -> None:
    """Neither in a notice nor in the state, nor when it works again; keys still find groups."""
    redis = pytest.importorskip("redis")
    server.fault("status", count=None, status=503, path="messages.json")
    with memory_folder() as spool:
        processes = Processes(scenario, server, f"{mortal_redis.url}?spool={spool}")
        process = start(processes, "shared._RECOVER = 0.3", retry_policy={"wait_initial": 0.2})
        becomes_sender(processes, process)
        if fails:
            mortal_redis.kill()
        for line in (SECRETIVE, PLAIN):
            tell(processes, process, line.replace("\n", " "))
        server.wait_for_requests(1)
        if fails:
            mortal_redis.start()
            eventually(lambda: "works again" in processes.stderr(process))
        client = redis.Redis.from_url(mortal_redis.url)

        def stored() -> bytes:
            found = []
            for name in client.scan_iter():
                kind = client.type(name)
                read = {b"hash": client.hgetall, b"stream": client.xrange, b"string": client.get}
                found.append(repr(read[kind](name)).encode())
            return b"\n".join(found)

        eventually(lambda: stored().count(b"***") >= 6)
        assert b"sesameopen" not in stored()
        server.clear_faults()
        assert tell(processes, process, "phone.drain(20)") == "True"
        resolve = """log.info("", extra={"pushover": {"resolve": "PGPASSWORD=sesameopen"}})"""
        tell(processes, process, resolve)
        eventually(lambda: any("cancel" in request.path for request in server.requests))
        assert b"sesameopen" not in stored()
        client.close()
        processes.end()

    assert not any("sesameopen" in repr(m.params) for m in processes.messages)


class Proxy:
    """Passes on what goes to redis, and loses the answer to one request that it is told of."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.lose: bytes | None = None
        self.lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._to)) as server:
            while request := client.recv(1 << 20):
                loses = self.lose is not None and self.lose in request
                server.sendall(request)
                answer = server.recv(1 << 20)
                if loses:
                    self.lose = None
                    self.lost += 1
                    return
                client.sendall(answer)


@pytest.mark.scenario("V5")
def test_notice_that_arrives_twice_counts_once(redis_processes: Processes) -> None:
    """V5: redis takes the counts, and only its answer is lost."""
    processes = redis_processes
    address = processes.url.removeprefix("redis://127.0.0.1:")
    proxy = Proxy(int(address.partition("/")[0]))
    processes.url = f"redis://127.0.0.1:{proxy.port}/{address.partition('/')[2]}"
    process = start(processes)
    tell(processes, process, "log.error('the disk is full')")
    arrives(processes, "disk")

    proxy.lose = b'"counted"'
    tell(processes, process, "[log.error('the disk is full') for _ in range(50)]")
    eventually(lambda: proxy.lost == 1)
    assert tell(processes, process, "phone.drain(10)") == "True"
    processes.end()
    proxy.close()

    assert processes.records == 51
    assert processes.stderr(process) == ""


# What the processes share.

ALERT = "log.error('no database', extra={'pushover': {'key': 'db'}})"
RESOLVE = "log.info('works', extra={'pushover': {'resolve': 'db'}})"


def cancels(server: Any) -> list[str]:
    return [request.path for request in server.requests if "/cancel" in request.path]


@pytest.mark.scenario("V6")
def test_resolve_from_another_process_ends_the_ringing(processes: Processes, server: Any) -> None:
    alerting, resolving = start(processes), start(processes)
    tell(processes, alerting, ALERT)
    arrives(processes, "no database")

    tell(processes, resolving, RESOLVE)
    eventually(lambda: cancels(server))
    tell(processes, resolving, ALERT)
    eventually(lambda: len(processes.emergencies) == 2)

    assert len(cancels(server)) == 1


@pytest.mark.scenario("V6")
def test_resolve_after_a_restart_ends_the_ringing(processes: Processes, server: Any) -> None:
    alerting = start(processes)
    tell(processes, alerting, ALERT)
    arrives(processes, "no database")
    said = processes.wait(alerting)
    assert "1 emergency rings" in said

    resolving = start(processes)
    tell(processes, resolving, RESOLVE)
    eventually(lambda: cancels(server))

    assert len(processes.messages) == 1


@pytest.mark.scenario("V6")
def test_alert_that_is_read_after_its_end_does_not_ring(processes: Processes) -> None:
    """V6: it was logged before, by a process that died; then its next record rings."""
    processes.run(
        f"""
import logging, os, stage
log = logging.getLogger("shop")
if os.fork() == 0:
    stage.attach("shop", store=os.environ["STORE"])
    {ALERT}
    os._exit(0)
os.wait()
phone = stage.attach("shop", store=os.environ["STORE"])
{RESOLVE}
stage.until(lambda: phone.flush(5) and phone.stats().pushes, 15)
stage.until(lambda: phone.flush(5), 15)
"""
    )
    arrives(processes, "no database")
    assert processes.emergencies == []

    process = start(processes)
    tell(processes, process, ALERT)
    eventually(lambda: len(processes.emergencies) == 1)


@pytest.mark.scenario("V9")
def test_spool_full_of_information_keeps_the_error(processes: Processes) -> None:
    processes.run("""
import logging, os, stage
stage.attach("shop", store=os.environ["STORE"])
log = logging.getLogger("shop")
for number in range(300):
    log.info(stage.mark(number))
log.error(stage.mark(5000))
os._exit(0)
""")

    process = start(processes)
    arrives(processes, mark(5000))

    assert tell(processes, process, "phone.drain(60)") == "True"
    assert len(processes.emergencies) == 1


@pytest.mark.scenario("V10")
def test_each_push_looks_as_its_own_handler_wants_it(processes: Processes) -> None:
    """V10: three handlers, two of them in one process, one of them the sender."""
    one = start(processes, title="one {levelname}", sound="bike")
    becomes_sender(processes, one)
    tell(
        processes,
        one,
        "stage.attach('till', store=os.environ['STORE'], title='till', url='http://till')",
    )
    two = start(processes, title="two {name}", sound="magic", ttl=60)

    tell(processes, one, "log.warning(stage.mark(1))")
    tell(processes, one, "logging.getLogger('till').warning(stage.mark(2))")
    tell(processes, two, "log.warning(stage.mark(3))")

    first, till, second = (arrives(processes, mark(number)).params for number in (1, 2, 3))
    assert (first["title"], first["sound"]) == ("one WARNING", "bike")
    assert (till["title"], till["url"], till.get("sound")) == ("till", "http://till", None)
    assert (second["title"], second["sound"], second["ttl"]) == ("two shop", "magic", "60")


def test_acknowledgement_holds_for_all_processes_and_after_a_restart(
    processes: Processes, server: Any
) -> None:
    hurried = "incidents._POLL_INTERVAL = 0.2"
    one, two = start(processes, hurried), start(processes, hurried)
    tell(processes, one, "log.error('the disk is full')")
    server.wait_for(1)
    receipt = next(iter(server.state()["emergencies"]))
    server.acknowledge(receipt)
    tell(processes, two, "log.error('the disk is full')")
    answered = "[i.state.value for i in phone.stats().incidents]"
    eventually(
        lambda: (
            "['acknowledged']" in {tell(processes, one, answered), tell(processes, two, answered)}
        )
    )
    processes.wait(one)
    processes.wait(two)

    three = start(processes, hurried)
    becomes_sender(processes, three)
    tell(processes, three, "log.error('the disk is full')")
    tell(processes, three, "phone.flush(5)")

    assert tell(processes, three, answered) == "['acknowledged']"
    assert len(processes.messages) == 1
    assert tell(processes, three, "phone.drain(10)") == "True"
    assert len(processes.emergencies) == 1
    assert processes.records == 3


@pytest.mark.slow
def test_pace_holds_for_all_processes_together(processes: Processes) -> None:
    pace = {"interval": 300, "max_per_minute": 4}
    one, two = start(processes, grouping=pace), start(processes, grouping=pace)

    for number in range(6):
        process = (one, two)[number % 2]
        tell(processes, process, f"log.warning(stage.mark({number}))")
        if number < 4:  # on a busy machine several would wait, and go as a digest
            arrives(processes, mark(number))
    assert tell(processes, one, "phone.drain(1.5)") == "False"

    assert len(processes.messages) == 4


def test_quota_is_known_to_the_next_process(processes: Processes, server: Any) -> None:
    server.set_quota(limit=10_000, remaining=400)
    one = start(processes)
    tell(processes, one, "log.error(stage.mark(0))")
    arrives(processes, mark(0))
    tell(processes, one, "phone.flush(10)")
    processes.wait(one)
    pushes = len(processes.messages)

    two = start(processes)
    becomes_sender(processes, two)
    tell(processes, two, "log.info(stage.mark(1))")
    assert tell(processes, two, "phone.flush(1)") == "False"
    assert int(tell(processes, two, "phone.stats().remaining")) < 500
    tell(processes, two, "log.error(stage.mark(2))")
    arrives(processes, mark(2))

    assert mark(1) not in marks_of(processes)
    assert len(processes.messages) <= pushes + 2


def test_every_process_accounts_for_its_records(processes: Processes) -> None:
    one, two = start(processes), start(processes)

    for process in (one, two):
        tell(processes, process, "[log.error('the disk is full') for _ in range(200)]")
        tell(processes, process, "[log.warning(stage.mark(n)) for n in range(20)]")
    for process in (one, two):
        assert tell(processes, process, "phone.flush(10)") == "True"

    stats = "(lambda s: (s.accepted, s.handed_over, s.pending, dict(s.dropped)))(phone.stats())"
    for process in (one, two):
        eventually(lambda process=process: tell(processes, process, stats) == "(220, 220, 0, {})")
    assert tell(processes, two, "phone.drain(60)") == "True"
    assert processes.records == 440


# Flush, drain, close and exit.


def test_close_hands_over_and_sends_no_summary_that_is_not_due(processes: Processes) -> None:
    process = start(processes)
    tell(processes, process, "[log.error('the disk is full') for _ in range(50)]")
    tell(processes, process, "phone.flush(10)")

    tell(processes, process, "phone.close()")
    stderr = processes.wait(process)

    assert len(processes.messages) == 1
    assert "49 records wait and 1 emergency rings in the store" in stderr
    processes.run("""
import os, stage
assert stage.attach("shop", store=os.environ["STORE"]).drain(60)
""")
    assert processes.records == 50


def test_drain_asks_the_sender_of_another_process(processes: Processes) -> None:
    sender = start(processes)
    becomes_sender(processes, sender)
    other = start(processes)
    tell(processes, other, "[log.error('the disk is full') for _ in range(50)]")
    assert tell(processes, other, "phone.flush(10)") == "True"
    assert processes.records <= 1

    assert tell(processes, other, "phone.drain(10)") == "True"

    assert processes.records == 50
    assert tell(processes, other, "sends()") == "False"


def test_drain_is_not_told_to_the_sender_before_the_records(processes: Processes) -> None:
    """With redis the worker takes to the server what the logging call left in the spool."""
    sender = start(processes)
    becomes_sender(processes, sender)
    waits_before_it_begins = """
begin, waits = shared.SharedSender.begin, []
shared.SharedSender.begin = lambda *each: (waits and time.sleep(waits.pop()), begin(*each))[1]
"""
    other = start(processes, waits_before_it_begins)
    tell(processes, other, "stage.until(lambda: phone._pipeline._sender is not None)")

    in_one_step = "log.error(stage.mark(0)) or phone.drain(20)"
    at_once = f"sys.setswitchinterval(1) or waits.append(1) or {in_one_step}"
    drained = tell(processes, other, at_once)

    assert drained == "True"
    assert marks_of(processes) == Counter([mark(0)])


def test_only_the_sender_waits_for_the_service_at_exit(processes: Processes, server: Any) -> None:
    sender = start(processes, exit_timeout=1.5)
    becomes_sender(processes, sender)
    other = start(processes, exit_timeout=30)
    tell(processes, other, "stage.until(lambda: phone._pipeline._sender is not None)")
    server.fault("hang", None)

    tell(processes, other, "log.error(stage.mark(0))")
    began = time.monotonic()
    said = processes.wait(other)
    took = time.monotonic() - began
    began = time.monotonic()
    last_words = processes.wait(sender)
    sender_took = time.monotonic() - began

    assert took < 3, took
    assert said == ""
    assert sender_took < 6, sender_took
    assert "1 record waits in the store" in last_words, last_words


def test_closed_handlers_leave_one_that_works(processes: Processes) -> None:
    """Configured 20 times, as by dictConfig: one pipeline goes on, with the latest settings."""
    process = start(processes)
    tell(processes, process, "log.error(stage.mark(0))")
    arrives(processes, mark(0))

    tell(processes, process, "(phone.close(), log.removeHandler(phone)) and None")
    tell(
        processes,
        process,
        "[(h := stage.attach('shop', store=os.environ['STORE'], title='t')) and"
        " (h.close() or log.removeHandler(h)) for n in range(20)] and None",
    )
    tell(processes, process, "stage.attach('shop', store=os.environ['STORE'], title='last')")
    tell(processes, process, "log.warning(stage.mark(1))")
    arrives(processes, mark(1))
    active = "len(stage.importlib.import_module('pushover_logging.delivery.worker').WORKER._active)"

    eventually(lambda: tell(processes, process, active) == "1", 10)
    assert marks_of(processes) == Counter([mark(0), mark(1)])
