"""A durable store: nothing is lost by a kill, and processes that share it ring once.

``STORE_LONG=1`` runs what takes minutes.
"""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections import Counter

import pytest
from harness import MARK, mark
from store_processes import Processes, eventually

LONG = pytest.mark.skipif("STORE_LONG" not in os.environ, reason="STORE_LONG=1 runs it")

# A process that is killed while it sends leaves its turn to the next one only after some seconds.
# So nearly all alerts of a hundred processes may wait for the last one.
LOGS_UNTIL_KILLED = """
import logging, os, sys, stage
phone = stage.attach("shop", store=os.environ["STORE"], capacity=4_000, grouping={
    "interval": 300, "max_per_minute": 100_000, "max_groups": 4_000})
log = logging.getLogger("shop")
first = int(sys.argv[1])
for number in range(first, first + 40):
    log.warning(stage.mark(number))
    os.write(1, b"%d\\n" % number)
    if number % 8 == 7:
        stage.threading.Event().wait(0.05)
stage.threading.Event().wait(30)
"""

DRAINS = """
import os, stage
phone = stage.attach("shop", store=os.environ["STORE"], capacity=4_000, grouping={
    "interval": 300, "max_per_minute": 100_000, "max_groups": 4_000})
assert phone.drain(60), phone.stats()
"""

SAME_ERROR = """
import logging, os, sys, stage
phone = stage.attach("shop", store=os.environ["STORE"], grouping={
    "interval": float(os.environ.get("INTERVAL", "300")), "max_per_minute": 100_000})
log = logging.getLogger("shop")
process, count = int(sys.argv[1]), int(sys.argv[2])
sys.stdin.readline()
log.warning(stage.mark(process))
for number in range(count):
    log.error("the disk of %s is full", number)
stats = phone.stats()
assert stats.accepted == count + 1, stats
assert stats.accepted == stats.handed_over + stats.pending + sum(stats.dropped.values()), stats
"""


def marks_of(processes: Processes) -> Counter[str]:
    return Counter(
        m for message in processes.messages for m in MARK.findall(message.params["message"])
    )


@pytest.mark.slow
@pytest.mark.scenario("P1")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kills", [10, pytest.param(100, marks=pytest.mark.soak)])
def test_every_mark_arrives_that_was_logged_before_a_kill(processes: Processes, kills: int) -> None:
    """P1: killed at random moments, again and again; nothing that was returned from is lost."""
    chance = random.Random(11)
    returned: list[int] = []

    for kill in range(kills):
        process = processes.start(LOGS_UNTIL_KILLED, kill * 40)
        lines = chance.choice([1, 2, 5, 8, 9, 17, 30, 40])
        for _ in range(lines):
            returned.append(int(processes.line(process)))
        time.sleep(chance.choice([0, 0, 0.001, 0.01, 0.1, 0.3]))
        os.killpg(process.pid, signal.SIGKILL)
        rest = process.communicate()[0].decode()
        returned += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    processes.run(DRAINS)

    marks = marks_of(processes)
    assert {mark(number) for number in returned} - set(marks) == set()
    again = [m for m in processes.messages if "may have been sent before" in m.params["message"]]
    assert len(again) <= kills
    assert sum(count - 1 for count in marks.values()) <= len(again)


@pytest.mark.scenario("P2")
@pytest.mark.parametrize("count", [2, 8])
def test_processes_ring_once_and_their_counts_add_up(processes: Processes, count: int) -> None:
    """P2: each mark once, one emergency, one connection, and every record in some title."""
    repeats = 500

    holder = processes.start("""
import os, sys, stage
phone = stage.attach("shop", store=os.environ["STORE"])
stage.until(lambda: phone._pipeline._sender is not None and phone._pipeline._sender.is_sender)
print("holds", flush=True)
sys.stdin.readline()
assert phone.drain(60)
""")
    assert processes.line(holder) == "holds"
    others = [processes.start(SAME_ERROR, number, repeats) for number in range(count)]
    for process in others:
        processes.say(process)
    for process in others:
        processes.wait(process)
    processes.say(holder)
    processes.wait(holder)

    assert marks_of(processes) == Counter(mark(number) for number in range(count))
    assert len(processes.emergencies) == 1
    assert processes.records == count * (repeats + 1)
    assert processes.server.max_connections == 1
    said = processes.everything_said()
    assert re.fullmatch(r"pushover_logging: 1 emergency rings in the store; .*\n", said), said


@pytest.mark.scenario("P2")
@LONG
@pytest.mark.parametrize("_", range(5))
def test_eighty_thousand_records_of_eight_processes_ring_once(processes: Processes, _: int) -> None:
    """P2: 8 processes, 10,000 times the same error each, without a process that outlives them."""
    others = [processes.start(SAME_ERROR, number, 10_000) for number in range(8)]
    for process in others:
        processes.say(process)
    for process in others:
        processes.wait(process)
    processes.run(DRAINS)

    assert marks_of(processes) == Counter(mark(number) for number in range(8))
    assert len(processes.emergencies) == 1
    assert processes.records == 80_008


@pytest.mark.slow
@pytest.mark.scenario("I8")
@pytest.mark.parametrize(
    ("processes", "starts"), [("sqlite", 30), ("redis", 9)], indirect=["processes"]
)
def test_crash_loop_rings_once(processes: Processes, starts: int) -> None:
    """I8: a process that logs an error, dies and is started again at once."""
    program = """
import logging, os, signal, stage
stage.attach("shop", store=os.environ["STORE"])
logging.getLogger("shop").error("cannot start")
%s
"""

    for start in range(starts):
        death = ["os._exit(1)", "os.kill(os.getpid(), signal.SIGKILL)", "raise SystemExit(1)"]
        process = processes.start(program % death[start % 3])
        process.communicate(timeout=20)
    processes.run(DRAINS)

    assert len(processes.emergencies) == 1
    assert len(processes.messages) <= 2
    assert processes.records == starts


@pytest.mark.scenario("V1")
@pytest.mark.parametrize("death", ["os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_children_that_die_right_after_the_call_lose_nothing(
    processes: Processes, death: str
) -> None:
    """V1: the parent has logged the same error before it forks."""
    processes.run(f"""
import logging, os, signal, stage
phone = stage.attach("shop", store=os.environ["STORE"])
log = logging.getLogger("shop")
log.error("the disk is full")
for number in range(10):
    if os.fork() == 0:
        log.error("the disk is full")
        log.warning(stage.mark(number))
        {death}
for _ in range(10):
    os.wait()
assert phone.drain(60)
""")
    if processes.records < 21:  # a spool without an owner is left in place for a while
        eventually(lambda: processes.run(DRAINS) is not None and processes.records == 21, 15)

    assert marks_of(processes) == Counter(mark(number) for number in range(10))
    assert len(processes.emergencies) == 1
    assert processes.records == 21


@pytest.mark.scenario("V1")
def test_fork_while_the_sender_writes_leaves_no_child_stuck(sqlite_processes: Processes) -> None:
    """V1: 30 forks of a process that logs in threads and sends for the store."""
    stderr = sqlite_processes.run("""
import logging, os, threading, stage
phone = stage.attach("shop", store=os.environ["STORE"])
log = logging.getLogger("shop")
stop = threading.Event()
def work(first):
    while not stop.wait(0.002):
        log.warning("order of %s", object())
        log.info(stage.mark(first))
threads = [threading.Thread(target=work, args=[first]) for first in (1000, 1001)]
for thread in threads: thread.start()
children = []
for number in range(30):
    child = os.fork()
    if child == 0:
        log.error(stage.mark(number))
        phone.flush(10)
        os._exit(0 if phone.stats().pending == 0 else 1)
    children.append(child)
    stop.wait(0.01)
statuses = []
for child in children:
    statuses.append(os.waitpid(child, 0)[1])
stop.set()
for thread in threads: thread.join()
assert statuses == [0] * 30, statuses
assert phone.drain(60)
""")

    assert not re.search("Traceback|fails", stderr), stderr
    marks = marks_of(sqlite_processes)
    assert {mark(number) for number in range(30)} <= set(marks)


def test_fork_does_not_wait_for_a_process_that_looks_into_the_store(
    sqlite_processes: Processes,
) -> None:
    """A preloaded application forks its workers while the first look at the database goes on."""
    sqlite_processes.run(DRAINS)  # which makes the database
    sqlite_processes.run("""
import logging, os, threading
import pushover_logging.delivery.worker as worker
looks, forks = threading.Event(), threading.Event()
os.register_at_fork(before=forks.set)  # which comes between the hooks of the two modules
import pushover_logging.stores.sqlite as sqlite
import stage
worker._FORK_PATIENCE = sqlite._FORK_PATIENCE = 3600
look = sqlite.SqliteStore.waiting
sqlite.SqliteStore.waiting = lambda store: (looks.set(), forks.wait(60), look(store))[2]
phone = stage.attach("shop", store=os.environ["STORE"])
assert looks.wait(60)
child = os.fork()
if child == 0:
    logging.getLogger("shop").error(stage.mark(0))
    phone.flush(60)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
""")

    assert marks_of(sqlite_processes) == Counter([mark(0)])


@pytest.mark.scenario("V2")
def test_daemon_that_closes_all_descriptors_keeps_its_own_files(processes: Processes) -> None:
    """V2: it opens its own files and sockets under the same numbers, and alerts go on."""
    processes.run("""
import gc, logging, os, socket, stage
phone = stage.attach("shop", store=os.environ["STORE"])
log = logging.getLogger("shop")
log.error(stage.mark(0))
assert phone.flush(20)
gc.disable()
if os.fork():
    os.wait()
    os._exit(0)
os.setsid()
os.closerange(0, 200)
files = [os.open(f"own{number}", os.O_RDWR | os.O_CREAT) for number in range(30)]
pair = socket.socketpair()
gc.collect()  # which must not close what the parent had open under these numbers
log.error(stage.mark(1))
log.warning(stage.mark(2))
assert phone.drain(60)
sizes = [os.fstat(fd).st_size for fd in files]
pair[0].setblocking(False), pair[1].setblocking(False)
received = []
for end in pair:
    try:
        received.append(end.recv(100))
    except BlockingIOError:
        pass
with open("daemon", "w") as out:
    print(sizes, received, file=out)
os._exit(0)
""")

    assert marks_of(processes) == Counter(mark(number) for number in range(3))
    said = (processes.scenario.folder / "daemon").read_text()
    assert said.split() == [*str([0] * 30).split(), "[]"]
