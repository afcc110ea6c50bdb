"""Holds all stores to one contract, through random steps, losses of the lease, and crashes.

Several stores in this process stand for several processes. A crash ends one of them before or
after any single change that it makes: a write to a file, a statement, a command.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pushover_logging.ingest import spool as spool_module
from pushover_logging.stores import LeaseLost, MemoryStore, Store, open_store
from pushover_logging.stores import redis as redis_module
from pushover_logging.stores import spools as spools_module
from pushover_logging.stores import sqlite as sqlite_module

SIZES = st.sampled_from([0, 1, 300, 3073, 16384, 16385, 70_000])


class Crash(BaseException):
    """The process dies here: nothing that it would do afterwards happens."""


class Crashes:
    """Ends a process at the n-th change that it makes, before or after the change."""

    def __init__(self) -> None:
        self.countdown: int | None = None
        self.dead = False

    def change(self, apply: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if self.dead:
            raise Crash
        if self.countdown is None:
            return apply(*args, **options)
        if self.countdown <= 1:
            self.dead = True
            if self.countdown == 1:
                apply(*args, **options)
            raise Crash
        self.countdown -= 2
        return apply(*args, **options)

    @contextmanager
    def after(self, changes: int) -> Iterator[None]:
        """Crashes in the with block; even numbers before a change, odd ones after it."""
        self.countdown = changes
        try:
            yield
        finally:
            self.countdown = None
            self.dead = False


CRASHES = Crashes()


class CrashingOs:
    """The module `os`, whose functions that change files count as changes."""

    def __getattr__(self, name: str) -> Any:
        function = getattr(os, name)
        if name in ("pwrite", "ftruncate", "rename", "unlink"):
            return lambda *args: CRASHES.change(function, *args)
        return function


class CrashingConnection(sqlite3.Connection):
    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        if sql.startswith(("SELECT", "PRAGMA")):
            return super().execute(sql, *args)
        return CRASHES.change(super().execute, sql, *args)


class World:
    """A kind of store that several processes may open."""

    shared = True

    def open(self) -> Store:
        raise NotImplementedError

    def crash(self, store: Store) -> None:
        """Does to the machine what the death of the process does: its lock falls."""
        assert store.spool is not None
        area = store.spool._area
        if area is not None:
            spool_module.Spool._of_this_process.pop(area.path, None)
            os.close(area.fd)

    def take_lease_away(self) -> None:
        """Makes the lease free, though its holder does not know."""
        raise NotImplementedError

    def close(self) -> None:
        """Removes everything."""


class MemoryWorld(World):
    shared = False

    def open(self) -> Store:
        return MemoryStore()


class SqliteWorld(World):
    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
        self.path = self.folder / "store.sqlite"

    def open(self) -> Store:
        return open_store(f"sqlite://{self.path}?spool={self.folder}", "tests")

    def take_lease_away(self) -> None:
        if self.path.exists():
            with sqlite3.connect(self.path) as connection:
                connection.execute("UPDATE lease SET token = NULL")
            connection.close()

    def close(self) -> None:
        shutil.rmtree(self.folder)


class RedisWorld(World):
    numbers = itertools.count()

    def __init__(self, url: str) -> None:
        import redis

        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
        self.namespace = f"tests-{next(self.numbers)}"
        self.url = f"{url}?spool={self.folder}"
        self.client = redis.Redis.from_url(url)

    def open(self) -> Store:
        return open_store(self.url, self.namespace)

    def crash(self, store: Store) -> None:
        super().crash(store)
        self.take_lease_away()  # it would expire

    def take_lease_away(self) -> None:
        self.client.delete(f"pushover-logging:{{{self.namespace}}}:lease")

    def close(self) -> None:
        keys = self.client.keys(f"pushover-logging:{{{self.namespace}}}:*")
        if keys:
            self.client.delete(*keys)
        self.client.close()
        shutil.rmtree(self.folder)


class Process:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.next_seq = 1
        self.drawn: list[int] = []
        """Numbers that a logging call has drawn without having written its notice yet."""
        self.batch: list[tuple[str, int]] = []
        """Notices that this process, as the sender, has taken and not committed."""
        self.returned: set[tuple[str, int]] = set()
        """All notices that it has taken in this lease."""
        self.loaded = False


class StoreMachine(RuleBasedStateMachine):
    """The sender writes into the state which notices it has dealt with; in the end each is there
    exactly once."""

    make_world: Callable[[], World]

    @initialize()
    def start(self) -> None:
        self.world = type(self).make_world()
        self.processes: list[Process] = []
        self.payloads: dict[tuple[str, int], bytes] = {}
        self.accepted: set[tuple[str, int]] = set()
        self.state: list[list[Any]] = []
        self.open_process()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self._drain()
        finally:
            for process in self.processes:
                with suppress(Exception):
                    process.store.close()
            self.world.close()

    @precondition(lambda self: len(self.processes) < 3)
    @rule()
    def open_process(self) -> None:
        if self.world.shared or not self.processes:
            self.processes.append(Process(self.world.open()))

    def pick(self, index: int) -> Process:
        return self.processes[index % len(self.processes)]

    @rule(index=st.integers(0, 2), sizes=st.lists(SIZES, min_size=1, max_size=5))
    def append(self, index: int, sizes: list[int]) -> None:
        process = self.pick(index)
        process.store.append(self._notices(process, sizes))
        self.accepted |= {(process.store.source, seq) for seq, _ in self._last}

    @rule(index=st.integers(0, 2), size=SIZES, urgent=st.booleans(), times=st.integers(1, 70))
    def write_in_logging_call(self, index: int, size: int, urgent: bool, times: int) -> None:
        process = self.pick(index)
        for _ in range(times if size <= 3072 else 3):
            self._write(process, self._notices(process, [size])[0][0], urgent)

    @rule(index=st.integers(0, 2), count=st.integers(1, 3))
    def draw_numbers(self, index: int, count: int) -> None:
        process = self.pick(index)
        process.drawn += [seq for seq, _ in self._notices(process, [10] * count)]

    @rule(index=st.integers(0, 2))
    def write_late(self, index: int) -> None:
        process = self.pick(index)
        if process.drawn:
            self._write(process, process.drawn.pop(), urgent=False)

    def _write(self, process: Process, seq: int, urgent: bool) -> None:
        source = process.store.source
        data = self.payloads[source, seq]
        spool = process.store.spool
        if spool is None or spool.write(seq, data, urgent) is None:
            process.store.append([(seq, data)])
        self.accepted.add((source, seq))

    @rule(index=st.integers(0, 2))
    def append_once_more(self, index: int) -> None:
        """As after an append that failed although it was done."""
        process = self.pick(index)
        if not process.store.durable:
            return  # an append to memory does not fail
        source = process.store.source
        numbers = sorted(seq for of, seq in self.accepted if of == source)[-3:]
        if numbers:
            process.store.append([(seq, self.payloads[source, seq]) for seq in numbers])

    @rule(index=st.integers(0, 2))
    def carry(self, index: int) -> None:
        self.pick(index).store.carry(lambda data: data)

    @rule(index=st.integers(0, 2))
    def acquire(self, index: int) -> None:
        process = self.pick(index)
        self._acquire(process)
        holders = [p for p in self.processes if self._believes(p)]
        if self.world.shared and process in holders:
            for other in holders:
                if other is not process:
                    with pytest.raises(LeaseLost):
                        other.store.commit({"dealt with": b"[]"}, {})
                    other.loaded = False

    def _acquire(self, process: Process) -> bool:
        held = process.loaded
        if not process.store.acquire():
            process.loaded = False
            return False
        if not held:
            try:
                found = process.store.load()
            except LeaseLost:
                return False
            assert json.loads(found.get("dealt with", b"[]")) == self.state
            process.loaded = True
            process.batch = []
            process.returned = set()
        return True

    def _believes(self, process: Process) -> bool:
        return process.loaded

    @rule(index=st.integers(0, 2), limit=st.integers(1, 80))
    def take(self, index: int, limit: int) -> None:
        process = self.pick(index)
        if process.loaded:
            self._take(process, limit)

    def _take(self, process: Process, limit: int) -> int:
        taken = process.store.take(limit)
        assert len(taken) <= limit
        last: dict[str, int] = {}
        for source, seq, data in taken:
            assert data == self.payloads[source, seq]
            assert seq > last.get(source, 0)
            assert (source, seq) not in process.returned
            last[source] = seq
            process.returned.add((source, seq))
            process.batch.append((source, seq))
        return len(taken)

    @rule(index=st.integers(0, 2))
    def commit(self, index: int) -> None:
        process = self.pick(index)
        if process.loaded:
            self._commit(process)

    def _commit(self, process: Process) -> None:
        new = self.state + [list(notice) for notice in process.batch]
        taken: dict[str, int] = {}
        for source, seq in process.batch:
            taken[source] = max(seq, taken.get(source, 0))
        changes = {"dealt with": json.dumps(new).encode(), "other": None}
        try:
            process.store.commit(changes, taken)
        except LeaseLost:
            process.loaded = False
            return
        self.state = new
        process.batch = []

    @rule(index=st.integers(0, 2))
    def release(self, index: int) -> None:
        process = self.pick(index)
        if self.world.shared:
            process.store.release()
            process.loaded = False

    @precondition(lambda self: self.world.shared)
    @rule()
    def take_lease_away(self) -> None:
        self.world.take_lease_away()

    @precondition(lambda self: len(self.processes) > 1)
    @rule(index=st.integers(0, 2))
    def close(self, index: int) -> None:
        process = self.pick(index)
        self.processes.remove(process)
        process.store.close()

    @precondition(lambda self: len(self.processes) > 1)
    @rule(index=st.integers(0, 2))
    def crash(self, index: int) -> None:
        process = self.pick(index)
        self.processes.remove(process)
        self.world.crash(process.store)

    @precondition(lambda self: len(self.processes) > 1)
    @rule(
        index=st.integers(0, 2),
        changes=st.integers(0, 15),
        action=st.sampled_from(["append", "carry", "acquire", "take", "commit", "close"]),
    )
    def crash_during(self, index: int, changes: int, action: str) -> None:
        process = self.pick(index)
        try:
            with CRASHES.after(changes):
                if action == "append":
                    self.append(index, [10, 5000])
                elif action == "carry":
                    process.store.carry(lambda data: data)
                elif action == "acquire":
                    self._acquire(process)
                elif action == "take" and process.loaded:
                    self._take(process, 5)
                elif action == "commit" and process.loaded:
                    self._commit(process)
                elif action == "close":
                    self.processes.remove(process)
                    process.store.close()
                    return
        except Crash:
            self.world.crash(process.store)
            if process in self.processes:
                self.processes.remove(process)
            # A commit was done or was not; from outside nothing in between is seen.
            found = json.loads(self.processes[0].store.peek().get("dealt with", b"[]"))
            assert found in (self.state, self.state + [list(n) for n in process.batch])
            self.state = found

    @invariant()
    def state_is_what_was_committed(self) -> None:
        if self.processes:
            found = self.processes[0].store.peek().get("dealt with", b"[]")
            assert json.loads(found) == self.state

    def _notices(self, process: Process, sizes: list[int]) -> list[tuple[int, bytes]]:
        self._last = []
        for size in sizes:
            seq = process.next_seq
            process.next_seq += 1
            data = b"%d:" % seq + bytes([seq % 256]) * size
            data = data[: max(size, 3)]
            self.payloads[process.store.source, seq] = data
            self._last.append((seq, data))
        return self._last

    def _drain(self) -> None:
        """A sender takes everything; each accepted notice was dealt with exactly once."""
        self.world.take_lease_away() if self.world.shared else None
        process = self.processes[0]
        for other in self.processes:
            other.loaded = False
        assert process.store.acquire() or process.store.acquire()
        assert self._acquire(process)
        for _ in range(3):
            for each in self.processes:
                each.store.carry(lambda data: data)
            while self._take(process, 50):
                self._commit(process)
        dealt_with = [tuple(notice) for notice in self.state]
        assert len(dealt_with) == len(set(dealt_with))
        assert self.accepted <= set(dealt_with)
        assert set(dealt_with) <= set(self.payloads)
        for each in self.processes:
            each.store.carry(lambda data: data)
        assert process.store.waiting() == 0


@pytest.fixture(autouse=True)
def crashing(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (spool_module, spools_module, redis_module):
        monkeypatch.setattr(module, "os", CrashingOs())
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3,
        "connect",
        lambda *args, **options: connect(*args, factory=CrashingConnection, **options),
    )
    for module in (sqlite_module, redis_module):
        monkeypatch.setattr(module, "_ASK", 0.0)
        monkeypatch.setattr(module, "_RENEW", 0.0)
    monkeypatch.setattr(spools_module, "_SWEEP", 0.0)
    monkeypatch.setattr(spools_module, "GRACE", 0.0)
    monkeypatch.setattr(redis_module, "GRACE", 0.0)
    monkeypatch.setattr(redis_module, "_SWEEP", 0.0)
    monkeypatch.setattr(redis_module, "_CHECK_COVERED", 0.0)


@pytest.fixture
def crashing_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    import redis

    execute_command = redis.Redis.execute_command
    execute = redis.client.Pipeline.execute
    monkeypatch.setattr(
        redis.Redis,
        "execute_command",
        lambda self, *args, **options: CRASHES.change(execute_command, self, *args, **options),
    )
    monkeypatch.setattr(
        redis.client.Pipeline,
        "execute",
        lambda self, *args, **options: CRASHES.change(execute, self, *args, **options),
    )


def run(make_world: Callable[[], World], examples: int) -> None:
    class Machine(StoreMachine):
        pass

    Machine.make_world = staticmethod(make_world)  # type: ignore[method-assign]
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Machine, settings=settings(max_examples=examples, stateful_step_count=40)
    )


def test_memory_store_keeps_the_contract() -> None:
    run(MemoryWorld, 50)


@pytest.mark.slow
@pytest.mark.usefixtures("memory_folder")
def test_sqlite_store_keeps_the_contract() -> None:
    run(SqliteWorld, EXAMPLES)


@pytest.mark.slow
@pytest.mark.usefixtures("memory_folder", "crashing_redis")
def test_redis_store_keeps_the_contract(redis_url: str) -> None:
    run(lambda: RedisWorld(redis_url), EXAMPLES)


EXAMPLES = int(os.environ.get("STORE_EXAMPLES", "60"))
