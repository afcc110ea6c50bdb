"""One sender for a store, in real processes that are killed and stopped."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pushover_logging.stores import LeaseLost, Store, open_store

from .processes import eventually, kill, line_of, output_of, running, say, stop

SENDER = """
    import json, os, sys, time
    from pushover_logging.stores import LeaseLost, open_store

    store = open_store(sys.argv[1], "tests")
    loaded = False
    while True:
        store.carry(lambda data: data)
        if not store.acquire():
            loaded = False
            time.sleep(0.02)
            continue
        try:
            if not loaded:
                dealt_with = json.loads(store.load().get("dealt with", b"[]"))
                loaded = True
                os.write(1, b"sender\\n")
            taken = store.take(20)
            dealt_with += [[n.source, n.seq, n.data.decode()] for n in taken]
            numbers = {}
            for n in taken:
                numbers[n.source] = max(n.seq, numbers.get(n.source, 0))
            store.commit({"dealt with": json.dumps(dealt_with).encode()}, numbers)
        except LeaseLost:
            loaded = False
            os.write(1, b"lost\\n")
        time.sleep(0.01)
    """

SOURCE = """
    import os, sys, time
    from pushover_logging.stores import open_store

    store = open_store(sys.argv[1], "tests")
    for seq in range(1, 301):
        data = b"%d" % seq
        if seq % 3 == 0 or store.spool.write(seq, data, seq % 2 == 0) is None:
            store.append([(seq, data)])
        if seq % 10 == 0:
            store.carry(lambda data: data)
            time.sleep(0.01)
    print(store.source, flush=True)
    os._exit(0)
    """


@pytest.fixture(params=["sqlite", "redis"])
def url(request: pytest.FixtureRequest, memory_folder: Path, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite://{tmp_path}/store.sqlite?spool={memory_folder}"
        return
    import redis

    server = request.getfixturevalue("redis_url")
    yield f"{server}?spool={memory_folder}&namespace={memory_folder.name}"
    client = redis.Redis.from_url(server)
    client.flushdb()
    client.close()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = open_store(url, "tests")
    yield store
    store.close()


def test_only_one_process_is_the_sender(url: str, store: Store) -> None:
    with running(SENDER, url) as process:
        assert line_of(process) == "sender"

        assert not any(store.acquire() for _ in range(100))


def test_released_lease_is_free_at_once(url: str, store: Store) -> None:
    eventually(store.acquire)
    program = """
        import sys, time
        from pushover_logging.stores import open_store
        store = open_store(sys.argv[1], "tests")
        print(store.acquire(), flush=True)
        while not store.acquire():
            time.sleep(0.01)
        print("sender", flush=True)
        """
    with running(program, url) as process:
        assert line_of(process) == "False"

        store.release()
        started = time.monotonic()

        assert line_of(process) == "sender"
        assert time.monotonic() < started + 4


@pytest.mark.slow
def test_dead_sender_is_replaced(url: str, store: Store) -> None:
    with running(SENDER, url) as process:
        assert line_of(process) == "sender"
        assert not store.acquire()

        kill(process)

        # Within 1 s and 6 s on an idle machine.
        assert eventually(store.acquire) < (3 if url.startswith("sqlite") else 10)


@pytest.mark.slow
def test_stopped_sender_is_replaced_and_its_commit_is_refused(url: str, store: Store) -> None:
    program = """
        import sys, time
        from pushover_logging.stores import StoreError, open_store
        store = open_store(sys.argv[1], "tests")
        while not store.acquire():
            time.sleep(0.01)
        store.load()
        store.append([(1, b"before")])
        store.commit({"key": b"value"}, {n.source: n.seq for n in store.take(10)})
        store.append([(2, b"in work")])
        taken = store.take(10)
        print("sender", flush=True)
        sys.stdin.readline()
        try:
            store.commit({"key": b"old"}, {n.source: n.seq for n in taken})
        except StoreError as error:
            print(type(error).__name__, store.acquire(), flush=True)
        sys.stdin.readline()
        """
    with running(program, url) as process:
        assert line_of(process) == "sender"
        stop(process)
        assert eventually(store.acquire) < 10
        assert store.load() == {"key": b"value"}
        taken = store.take(10)
        store.commit({"by": b"successor"}, {notice.source: 2 for notice in taken})
        process.send_signal(signal.SIGCONT)
        say(process, "go on")

        assert line_of(process) == "LeaseLost False"
        assert [notice.data for notice in taken] == [b"in work"]
        assert store.peek() == {"key": b"value", "by": b"successor"}


@pytest.mark.slow
def test_successor_repeats_what_was_taken_and_not_committed(url: str, store: Store) -> None:
    program = """
        import os, sys, time
        from pushover_logging.stores import open_store
        store = open_store(sys.argv[1], "tests")
        while not store.acquire():
            time.sleep(0.01)
        store.load()
        store.append([(1, b"one"), (2, b"two"), (3, b"three")])
        store.take(1)
        store.commit({"key": b"value"}, {store.source: 1})
        store.take(10)
        os._exit(0)
        """
    output_of(program, url)

    eventually(store.acquire)

    assert store.load() == {"key": b"value"}
    assert [notice.data for notice in store.take(10)] == [b"two", b"three"]


@pytest.mark.slow
def test_kills_of_senders_lose_and_repeat_nothing(url: str, store: Store) -> None:
    with running(SOURCE, url) as one, running(SOURCE, url) as two:
        # A dead sender's lease in redis lasts six seconds.
        for round_ in range(8 if url.startswith("sqlite") else 2):
            with running(SENDER, url) as sender:
                assert line_of(sender) == "sender"
                time.sleep(0.02 * round_)  # a moment to be killed at, no wait for anything
                kill(sender)
        sources = {line_of(one), line_of(two)}
        with running(SENDER, url) as sender:
            assert line_of(sender) == "sender"

            def dealt_with() -> list[tuple[str, int, str]]:
                state = json.loads(store.peek().get("dealt with", b"[]"))
                return [(source, seq, data) for source, seq, data in state]

            eventually(lambda: len(dealt_with()) >= 600)

        found = dealt_with()
        assert sorted(found) == sorted(
            (source, seq, str(seq)) for source in sources for seq in range(1, 301)
        )


def test_child_of_a_c_fork_has_its_own_source_and_connections(url: str, store: Store) -> None:
    program = """
        import ctypes, os, sys, time
        from pushover_logging.stores import open_store
        store = open_store(sys.argv[1], "tests")
        while not store.acquire():
            time.sleep(0.01)
        store.load()
        store.append([(1, b"parent")])
        libc = ctypes.PyDLL(None)
        if not libc.fork():
            store.after_fork()
            assert not store.acquire()
            store.append([(1, b"child")])
            os._exit(0)
        assert os.wait()[1] == 0
        taken = store.take(10)
        assert sorted(n.data for n in taken) == [b"child", b"parent"], taken
        store.commit({}, {n.source: n.seq for n in taken})
        assert store.acquire()
        os._exit(0)
        """
    output_of(program, url)


def test_store_of_a_program_that_closes_all_descriptors(url: str, tmp_path: Path) -> None:
    program = """
        import os, socket, sys, time
        from pushover_logging.stores import open_store
        store = open_store(sys.argv[1], "tests")
        while not store.acquire():
            time.sleep(0.01)
        store.load()
        store.append([(1, b"before")])
        os.closerange(3, 200)
        own = [os.open(f"{sys.argv[2]}/{n}", os.O_RDWR | os.O_CREAT) for n in range(30)]
        pairs = [socket.socketpair() for _ in range(20)]
        for _, other in pairs:
            other.setblocking(False)
        assert store.spool.write(2, b"after", True) is not None
        store.carry(lambda data: data)
        store.append([(3, b"journal")])
        taken = store.take(10)
        assert sorted(n.seq for n in taken) == [1, 2, 3], taken
        store.commit({"key": b"value"}, {store.source: 3})
        assert store.acquire()
        store.close()
        for fd in own:
            assert os.pread(fd, 1, 0) == b""
        for one, other in pairs:
            for end in (one, other):
                end.setblocking(False)
                try:
                    print("received", end.recv(100))
                except BlockingIOError:
                    pass
        os._exit(0)
        """
    own = tmp_path / "own"
    own.mkdir()

    assert output_of(program, url, own) == ""


def test_clock_of_the_store_is_unix_time(store: Store) -> None:
    assert abs(store.now() - time.time()) < 60


def test_close_leaves_what_nobody_has_taken(url: str, store: Store) -> None:
    other = open_store(url, "tests")
    assert other.spool is not None
    other.spool.write(1, b"slot", True)
    other.append([(2, b"append")])
    other.close()

    eventually(store.acquire)
    store.load()
    found: list[bytes] = []

    def take() -> bool:
        store.carry(lambda data: data)
        found.extend(notice.data for notice in store.take(10))
        return len(found) >= 2

    eventually(take)
    assert sorted(found) == [b"append", b"slot"]


def test_sleeping_machine_does_not_make_a_sender_stale(
    tmp_path: Path, memory_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both processes were stopped: the time that passed says nothing about the sender."""
    from pushover_logging.stores import sqlite as sqlite_module

    clock = [1000.0]
    url = f"sqlite://{tmp_path}/store.sqlite?spool={memory_folder}"
    sender, other = open_store(url, "tests"), open_store(url, "tests")
    monkeypatch.setattr(sqlite_module.time, "monotonic", lambda: clock[0])
    assert sender.acquire()
    assert not other.acquire()

    for _ in range(4):
        clock[0] += 3600
        assert not other.acquire()
    clock[0] += 3600
    assert sender.acquire()
    assert not other.acquire()
    for _ in range(4):
        clock[0] += 1.0
        assert not other.acquire()
    clock[0] += 1.0
    assert other.acquire()
    with pytest.raises(LeaseLost):
        sender.commit({}, {})
    monkeypatch.undo()
    sender.close()
    other.close()
