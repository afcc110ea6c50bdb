"""Stores: a backlog drained by one sender, the spool's part of a logging call, an idle process.

``python -m benchmarks.stores`` prints the rows; ``--quick`` only shows that they can be measured.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pushover_logging.ingest.spool import Spool
from pushover_logging.stores import MemoryStore, Store, StoreError, open_store

from .report import Row, print_rows

__all__ = ["rows"]

_PAYLOAD = os.urandom(500)
_SOURCE = """
import os, sys
from pushover_logging.stores import open_store
store = open_store(sys.argv[1], "bench")
count, payload = int(sys.argv[2]), os.urandom(500)
for start in range(1, count + 1, 100):
    store.append([(seq, payload) for seq in range(start, min(start + 100, count + 1))])
os._exit(0)
"""


def rows(quick: bool = False) -> Iterator[Row]:
    """All rows, as they are measured."""
    notices = 8_000 if quick else 100_000
    with (
        tempfile.TemporaryDirectory(dir="/dev/shm") as memory,
        tempfile.TemporaryDirectory() as disk,
    ):
        yield from spool_rows(Path(memory), 200 if quick else 3000)
        yield _rate("memory, 1 source", notices, _drained(_filled_memory(notices), notices), None)
        sqlite = f"sqlite://{disk}/store.sqlite?spool={memory}"
        yield from backlog_rows("sqlite", sqlite, notices, 1 if quick else 3)
        yield _idle("sqlite", sqlite, 1.0 if quick else 10.0)
        yield from takeover_rows("sqlite", sqlite, 1 if quick else 5, bound=1.0)
        with redis_server() as address:
            if address is None:
                yield Row("redis", "redis-server is not installed")
                return
            redis = f"{address}?spool={memory}"
            yield from backlog_rows("redis", redis, notices, 1 if quick else 3)
            yield _idle("redis", redis, 1.0 if quick else 10.0)
            yield from takeover_rows("redis", redis, 1, bound=10.0)


def backlog_rows(name: str, url: str, notices: int, rounds: int) -> Iterator[Row]:
    """Processes that have ended left ``notices`` in all; one sender drains them."""
    single = 0.0
    for sources in (1, 2, 4, 8):
        best = 0.0
        for _ in range(rounds):
            programs = [
                subprocess.Popen([sys.executable, "-c", _SOURCE, url, str(notices // sources)])
                for _ in range(sources)
            ]
            for program in programs:
                if program.wait():
                    raise RuntimeError("a source has failed")
            store = open_store(url, "bench")
            _acquire(store)
            best = max(best, notices / _drained(store, notices))
            store.close()
        yield _rate(
            f"{name}, {sources} sources" if sources > 1 else f"{name}, 1 source",
            notices,
            notices / best,
            10_000,
        )
        single = single or best
        if sources == 8:
            ratio = best / single
            yield Row(
                f"{name}, 8 sources / 1 source",
                f"{ratio:.2f}x",
                bound=">= 0.70x",
                verdict="ok" if ratio >= 0.7 else "MISSED",
            )


def spool_rows(folder: Path, rounds: int) -> Iterator[Row]:
    """The time of `Spool.write` without its checksum, alone and beside busy threads."""
    spool = Spool([str(folder / "spool")])
    area = spool._area
    if area is None or not spool.writes_in_call:
        raise RuntimeError("the spool does not lie in memory")
    numbers = iter(range(1, 1 << 40))

    def measured(payload: bytes) -> list[float]:
        samples = []
        for _ in range(rounds):
            started = time.perf_counter()
            for _ in range(40):
                spool.write(next(numbers), payload, False)
            samples.append((time.perf_counter() - started) / 40 * 1e6)
            for seq, slot in list(area.held.items()):
                area.done[slot] = seq
            area.reclaim()
        return samples

    for size in (600, 3000):
        payload = os.urandom(size)
        started = time.perf_counter()
        for _ in range(10_000):
            zlib.crc32(payload, 7)
        checksum = (time.perf_counter() - started) / 10_000 * 1e6
        median = statistics.median(measured(payload))
        yield Row(
            f"spool write, {size} bytes",
            f"{median:.2f} us",
            f"of it {checksum:.2f} us for the checksum",
        )
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            sum(range(50))

    threads = [threading.Thread(target=busy, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    samples = sorted(measured(_PAYLOAD))
    stop.set()
    for thread in threads:
        thread.join()
    yield Row(
        "spool write, 500 bytes, beside 4 busy threads",
        f"{statistics.median(samples):.2f} us",
        f"90 of 100 within {samples[len(samples) * 9 // 10]:.2f} us",
    )
    spool.close()


def takeover_rows(name: str, url: str, times: int, bound: float) -> Iterator[Row]:
    """How long a store has no sender after the last one was killed."""
    sender = """
import sys, time
from pushover_logging.stores import open_store
store = open_store(sys.argv[1], "bench")
while not store.acquire():
    time.sleep(0.01)
print("sender", flush=True)
while True:
    store.acquire()
    time.sleep(0.1)
"""
    waits = []
    for _ in range(times):
        program = subprocess.Popen(
            [sys.executable, "-c", sender, url], stdout=subprocess.PIPE, text=True
        )
        if program.stdout is None or program.stdout.readline() != "sender\n":
            raise RuntimeError("the sender has failed")
        store = open_store(url, "bench")
        store.acquire()
        started = time.perf_counter()
        program.kill()
        program.communicate()
        _acquire(store)
        waits.append(time.perf_counter() - started)
        store.close()
    yield Row(
        f"{name}, killed sender replaced after",
        f"{statistics.median(waits):.2f} s",
        f"at most {max(waits):.2f} s",
        f"<= {bound:.0f} s",
        "ok" if max(waits) <= bound else "MISSED",
    )


def _idle(name: str, url: str, seconds: float) -> Row:
    """The processor time of a process that does nothing but wait to be the sender."""
    sender = open_store(url, "bench")
    _acquire(sender)
    store = open_store(url, "bench")
    store.acquire()
    used = 0.0
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        sender.acquire()
        started = time.process_time()
        store.carry(bytes)
        store.acquire()
        used += time.process_time() - started
        time.sleep(0.1)
    store.close()
    sender.close()
    share = used / seconds * 100
    return Row(
        f"{name}, idle process",
        f"{share:.3f} %",
        "of a core, without its worker",
        "<= 0.2 %",
        "ok" if share <= 0.2 else "MISSED",
    )


def _filled_memory(notices: int) -> Store:
    store = MemoryStore()
    store.append([(seq, _PAYLOAD) for seq in range(1, notices + 1)])
    return store


def _acquire(store: Store) -> None:
    while not store.acquire():
        time.sleep(0.01)


def _drained(store: Store, notices: int) -> float:
    """Seconds in which a sender takes and commits everything."""
    store.load()
    count = 0
    started = time.perf_counter()
    while count < notices:
        taken = store.take(1000)
        count += len(taken)
        store.commit({"state": _PAYLOAD}, {notice.source: notice.seq for notice in taken})
    return time.perf_counter() - started


def _rate(what: str, notices: int, seconds: float, bound: int | None) -> Row:
    rate = notices / seconds
    what = f"backlog of {notices:,} notices, {what}"
    if bound is None:
        return Row(what, f"{rate:,.0f} a second")
    verdict = "ok" if rate >= bound else "MISSED"
    return Row(what, f"{rate:,.0f} a second", bound=f">= {bound:,} a second", verdict=verdict)


@contextmanager
def redis_server() -> Iterator[str | None]:
    """A server for the length of a with block; None if none is installed."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        yield None
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [program, "--port", str(port), "--save", ""],
        cwd=tempfile.gettempdir(),
        stdout=subprocess.DEVNULL,
    )
    try:
        address = f"redis://127.0.0.1:{port}/0"
        probe = open_store(address, "bench")
        _until(lambda: probe.now() > 0)
        probe.close()
        yield address
    finally:
        server.kill()
        server.wait()


def _until(answers: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            if answers():
                return
        except StoreError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="measure little, only to see it work")
    print_rows(rows(parser.parse_args().quick))
