"""The redis store: a server that is away, spools that are carried, entries that come twice."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

redis = pytest.importorskip("redis", reason="the extra redis is not installed")

from pushover_logging.stores import StoreError, StoreTooNew, open_store  # noqa: E402
from pushover_logging.stores import redis as redis_module  # noqa: E402
from pushover_logging.stores.opened import namespace_of  # noqa: E402
from pushover_logging.stores.redis import RedisStore  # noqa: E402

from .processes import DEADLINE, eventually, output_of, running, stop  # noqa: E402


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(redis_url)
    yield client
    client.flushdb()
    client.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_ASK", "_RENEW", "_CHECK_COVERED", "_SWEEP", "GRACE"):
        monkeypatch.setattr(redis_module, name, 0.0)


@pytest.fixture
def open_one(
    redis_url: str, client: redis.Redis, memory_folder: Path
) -> Iterator[Callable[[], RedisStore]]:
    stores = []

    def open_one() -> RedisStore:
        store = open_store(f"{redis_url}?spool={memory_folder}", "tests")
        assert isinstance(store, RedisStore)
        stores.append(store)
        return store

    yield open_one
    for store in stores:
        store.close()


def same(data: bytes) -> bytes:
    return data


def spools(folder: Path) -> list[Path]:
    return list(folder.glob("*/*.spool"))


def test_payloads_are_transformed_on_their_way_to_the_server(
    open_one: Callable[[], RedisStore], client: redis.Redis
) -> None:
    store = open_one()
    assert store.acquire()
    store.load()
    store.spool.write(1, b"secret in the clear", True)

    store.carry(lambda data: data.replace(b"secret", b"******"))

    assert [notice.data for notice in store.take(10)] == [b"****** in the clear"]
    assert b"secret" not in client.dump("pushover-logging:{tests}:stream")


def test_slot_is_kept_until_a_commit_covers_it(open_one: Callable[[], RedisStore]) -> None:
    store = open_one()
    assert store.acquire()
    store.load()
    store.spool.write(1, b"x", True)
    store.carry(same)
    store.carry(same)
    assert len(store.take(10)) == 1
    assert len(store.spool.waiting()) == 1

    store.commit({}, {store.source: 1})
    store.carry(same)

    assert store.spool.waiting() == []


def test_server_that_lost_everything_gets_it_again(
    open_one: Callable[[], RedisStore], client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_one()
    store.spool.write(1, b"x", True)
    store.carry(same)
    client.flushdb()
    monkeypatch.setattr(redis_module.time, "monotonic", lambda: monotonic() + 31)

    store.carry(same)

    assert store.acquire()
    store.load()
    assert [notice.data for notice in store.take(10)] == [b"x"]


monotonic = time.monotonic


def test_spools_of_dead_processes_are_carried_once_and_deleted(
    open_one: Callable[[], RedisStore], client: redis.Redis, redis_url: str, memory_folder: Path
) -> None:
    program = """
        import os, sys
        from pushover_logging.stores import open_store
        store = open_store(sys.argv[1], "tests")
        for seq in (1, 2, 3):
            store.spool.write(seq, b"%d" % seq, False)
        os._exit(0)
        """
    output_of(program, f"{redis_url}?spool={memory_folder}")
    store = open_one()
    assert store.acquire()
    store.load()

    store.carry(same)
    open_one().carry(same)
    assert client.xlen("pushover-logging:{tests}:stream") == 3
    taken = store.take(10)
    store.commit({}, {taken[0].source: 3})
    store.carry(same)
    store.carry(same)

    assert [notice.data for notice in taken] == [b"1", b"2", b"3"]
    assert store.take(10) == []
    assert store.waiting() == 0
    assert len(spools(memory_folder)) == 2


def test_spool_of_a_process_that_was_killed_after_its_commit_is_not_carried_again(
    open_one: Callable[[], RedisStore], redis_url: str, memory_folder: Path
) -> None:
    program = """
        import os, sys, time
        from pushover_logging.stores import open_store
        store = open_store(sys.argv[1], "tests")
        store.spool.write(1, b"x", False)
        store.carry(lambda data: data)
        while not store.acquire():
            time.sleep(0.01)
        store.load()
        store.commit({}, {n.source: n.seq for n in store.take(10)})
        store.release()
        os._exit(0)
        """
    output_of(program, f"{redis_url}?spool={memory_folder}")
    store = open_one()
    assert len(spools(memory_folder)) == 2
    assert store.acquire()
    store.load()

    store.carry(same)
    store.carry(same)

    assert store.take(10) == []
    assert store.waiting() == 0
    assert len(spools(memory_folder)) == 1


def test_payload_that_cannot_be_read_is_dropped_and_said(
    open_one: Callable[[], RedisStore],
) -> None:
    store = open_one()
    assert store.acquire()
    store.load()
    store.spool.write(1, b"bad", True)
    store.spool.write(2, b"7", True)

    store.carry(lambda data: b"%d" % int(data))
    store.carry(lambda data: b"%d" % int(data))

    assert [notice.data for notice in store.take(10)] == [b"7"]
    assert store.problems() == [
        f"Notice 1 of {store.source} is dropped: it cannot be read (ValueError)."
    ]
    assert store.problems() == []


def test_foreign_entry_is_deleted_and_said(
    open_one: Callable[[], RedisStore], client: redis.Redis
) -> None:
    store = open_one()
    assert store.acquire()
    store.load()
    client.xadd("pushover-logging:{tests}:stream", {"hello": "world"})
    client.xadd("pushover-logging:{tests}:stream", {"n": "world"})
    store.append([(1, b"x")])

    assert [notice.data for notice in store.take(10)] == [b"x"]

    assert len(store.problems()) == 2
    assert store.waiting() == 1


def test_newer_store_is_refused_by_name(
    open_one: Callable[[], RedisStore], client: redis.Redis
) -> None:
    client.set("pushover-logging:{tests}:version", 7)

    with pytest.raises(StoreTooNew, match=r"has version 7, .* this one knows version 1"):
        open_one().acquire()


def test_commit_after_the_lease_has_expired_is_refused(
    open_one: Callable[[], RedisStore], client: redis.Redis
) -> None:
    store = open_one()
    assert store.acquire()
    store.load()
    assert 5000 < client.pttl("pushover-logging:{tests}:lease") <= 6000
    client.delete("pushover-logging:{tests}:lease")

    with pytest.raises(StoreError, match="Another process is the sender"):
        store.commit({"key": b"value"}, {})

    assert store.peek() == {}


def test_source_that_ended_hours_ago_is_forgotten(
    open_one: Callable[[], RedisStore], client: redis.Redis
) -> None:
    store = open_one()
    assert store.acquire()
    old, new = "0" * 16, "1" * 16
    now = store.now()
    client.hset("pushover-logging:{tests}:seen", old, f"{now - 8000} 1-5")
    client.hset("pushover-logging:{tests}:seen", new, f"{now - 7000} 1-5")
    store.load()

    store.commit({}, {})

    assert client.hkeys("pushover-logging:{tests}:seen") == [new.encode()]


def test_server_that_is_away_is_said_without_its_password_and_loses_nothing(
    memory_folder: Path, tmp_path: Path
) -> None:
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.skip("neither redis-server nor valkey-server is installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"redis://:open-sesame@127.0.0.1:{port}/0?spool={memory_folder}"
    store = open_store(url, "tests")
    assert store.spool is not None
    store.spool.write(1, b"while it is away", True)
    for call in (
        store.acquire,
        store.load,
        store.peek,
        store.waiting,
        store.now,
        lambda: store.append([(2, b"x")]),
        lambda: store.take(1),
        lambda: store.carry(same),
        lambda: store.commit({}, {}),
    ):
        with pytest.raises(StoreError, match=r"^The store at redis cannot be used: ") as caught:
            call()
        assert "sesame" not in str(caught.value)

    options = ["--port", str(port), "--requirepass", "open-sesame", "--save", ""]
    server = subprocess.Popen([program, *options], cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:

        def reached() -> bool:
            try:
                return store.acquire()
            except StoreError:
                return False

        eventually(reached)
        store.load()
        store.carry(same)
        store.append([(2, b"when it is back")])

        assert [n.data for n in store.take(10)] == [b"while it is away", b"when it is back"]

        stop(server)
        started = time.monotonic()
        with pytest.raises(StoreError):
            store.append([(3, b"x")])
        assert time.monotonic() - started < 10
        os.kill(server.pid, signal.SIGCONT)
        eventually(lambda: reached_append(store))
        store.commit({}, {store.source: 2})
        # The append that timed out was done all the same; the notice counts once.
        found = [n.seq for n in store.take(10)]
        found += [n.seq for n in store.take(10)]
        assert found == [3]
        store.close()
    finally:
        server.kill()
        server.wait()


def reached_append(store: RedisStore) -> bool:
    try:
        store.append([(3, b"x")])
    except StoreError:
        return False
    return True


@pytest.mark.slow
def test_process_that_ends_at_once_hands_its_alert_over(
    redis_url: str, memory_folder: Path
) -> None:
    url = f"{redis_url}?namespace={os.urandom(8).hex()}&spool={memory_folder}"
    program = """
        import logging, sys
        from pushover_logging import PushoverHandler

        account = {"token": "a" * 30, "user": "u" * 30, "api_url": "http://127.0.0.1:9/1/"}
        handler = PushoverHandler(store=sys.argv[1], exit_timeout=20, **account)
        logging.getLogger("shop").addHandler(handler)
        logging.getLogger("shop").error("the disk is full")
    """
    with running(program, url) as process:
        process.wait(DEADLINE)

    store = open_store(url, namespace_of("a" * 30, ["u" * 30]))
    stored = len(store.peek()), store.waiting()
    store.close()

    assert any(stored)
