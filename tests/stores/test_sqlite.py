"""The sqlite store: its files, and what it says when they cannot be used."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pushover_logging.stores import LeaseLost, StoreError, StoreTooNew
from pushover_logging.stores import sqlite as sqlite_module
from pushover_logging.stores.sqlite import SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(
    path: Path, memory_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SqliteStore]:
    monkeypatch.setattr(sqlite_module, "_ASK", 0.0)
    monkeypatch.setattr(sqlite_module, "_RENEW", 0.0)
    store = SqliteStore(str(path), "tests", str(memory_folder))
    yield store
    store.spool.close()


def commit_everything(store: SqliteStore) -> list[int]:
    taken = store.take(100)
    store.commit({}, {source: seq for source, seq, _ in taken})
    return [seq for _, seq, _ in taken]


def test_database_belongs_to_this_user_alone(tmp_path: Path, memory_folder: Path) -> None:
    path = tmp_path / "new" / "store.sqlite"
    store = SqliteStore(str(path), "tests", str(memory_folder))

    assert store.acquire()

    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(path.parent).st_mode) == 0o700
    store.close()


def test_database_that_others_can_read_is_closed_to_them(path: Path, store: SqliteStore) -> None:
    path.touch(0o644)
    path.chmod(0o644)

    assert store.acquire()

    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_only_the_sender_writes_the_database(path: Path, store: SqliteStore) -> None:
    store.append([(1, b"x")])
    store.carry(lambda data: data)

    assert not path.exists()


def test_symbolic_link_is_refused(path: Path, tmp_path: Path, memory_folder: Path) -> None:
    (tmp_path / "elsewhere").touch(0o600)
    path.symlink_to(tmp_path / "elsewhere")
    store = SqliteStore(str(path), "tests", str(memory_folder))

    with pytest.raises(StoreError, match="is a symbolic link"):
        store.acquire()

    store.spool.close()


def test_newer_database_is_refused_by_name(path: Path, store: SqliteStore) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 7")
    connection.close()

    with pytest.raises(
        StoreTooNew, match=r"store\.sqlite has version 7.* this one knows version 1"
    ):
        store.acquire()


def test_database_of_another_program_is_refused(path: Path, store: SqliteStore) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE customers (name)")
    connection.close()

    with pytest.raises(StoreError, match="a database of another program"):
        store.acquire()

    with sqlite3.connect(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    connection.close()
    assert tables == [("customers",)]


def test_damaged_database_is_usable_again_when_it_is_replaced(
    path: Path, store: SqliteStore
) -> None:
    assert store.acquire()
    store.load()
    store.append([(1, b"before")])
    assert commit_everything(store) == [1]
    path.write_bytes(b"this is no database" * 1000)

    for call in (store.acquire, store.load, store.peek, lambda: store.commit({}, {})):
        with pytest.raises(StoreError, match=r"store\.sqlite cannot be used"):
            call()
    store.append([(2, b"meanwhile")])
    path.unlink()

    while not store.acquire():
        pass
    assert store.load() == {}
    assert commit_everything(store) == [2]


def test_read_only_disk_is_said_and_works_again(small_disk: Path, memory_folder: Path) -> None:
    store = SqliteStore(str(small_disk / "store.sqlite"), "tests", str(memory_folder))
    assert store.acquire()
    store.load()
    store.append([(1, b"x")])
    (taken,) = store.take(10)

    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StoreError, match="cannot be used: attempt to write a readonly database"):
        store.commit({"key": b"value"}, {taken.source: 1})
    assert store.peek() == {}
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)

    store.commit({"key": b"value"}, {taken.source: 1})
    assert store.peek() == {"key": b"value"}
    store.close()


def test_full_disk_is_said_and_works_again(small_disk: Path, memory_folder: Path) -> None:
    store = SqliteStore(str(small_disk / "store.sqlite"), "tests", str(memory_folder))
    assert store.acquire()
    store.load()
    store.append([(1, b"x")])
    (taken,) = store.take(10)

    with pytest.raises(StoreError, match="cannot be used: database or disk is full"):
        store.commit({"key": bytes(3_000_000)}, {taken.source: 1})

    assert store.peek() == {}
    store.commit({"key": b"value"}, {taken.source: 1})
    assert store.peek() == {"key": b"value"}
    store.close()


def test_missing_folder_is_said(memory_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = SqliteStore(str(tmp_path / "file" / "store.sqlite"), "tests", str(memory_folder))

    with pytest.raises(StoreError, match="cannot be opened: Not a directory"):
        store.acquire()

    store.spool.close()


def test_append_without_any_folder_for_spools_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = SqliteStore(str(tmp_path / "file" / "store.sqlite"), "tests", str(tmp_path / "file"))

    assert not store.spool.writes_in_call
    with pytest.raises(
        StoreError, match=r"The spool cannot be written: .*(Not a directory|File exists)"
    ):
        store.append([(1, b"x")])


def test_failed_commit_leaves_state_and_notices(path: Path, store: SqliteStore) -> None:
    assert store.acquire()
    store.load()
    store.append([(1, b"x")])
    (taken,) = store.take(10)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")

    with pytest.raises(StoreError, match="database is locked"):
        store.commit({"key": b"value"}, {taken.source: 1})

    blocker.close()
    assert store.peek() == {}
    assert store.waiting() == 1
    store.commit({"key": b"value"}, {taken.source: 1})
    assert store.peek() == {"key": b"value"}
    assert store.waiting() == 0


def test_namespaces_in_one_file_know_nothing_of_each_other(
    path: Path, store: SqliteStore, memory_folder: Path
) -> None:
    other = SqliteStore(str(path), "other", str(memory_folder))
    assert store.acquire()
    assert other.acquire()
    store.load()
    other.load()
    store.append([(1, b"x")])

    assert other.take(10) == []
    other.commit({"key": b"value"}, {})

    assert store.peek() == {}
    assert commit_everything(store) == [1]
    other.close()


def test_commit_of_a_released_sender_is_refused(store: SqliteStore) -> None:
    assert store.acquire()
    store.load()
    store.release()

    with pytest.raises(LeaseLost):
        store.commit({"key": b"value"}, {})

    assert store.peek() == {}


def test_two_processes_that_find_the_lease_free_do_not_both_get_it(
    path: Path, store: SqliteStore, memory_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = SqliteStore(str(path), "tests", str(memory_folder))
    won = []
    monkeypatch.setattr(store, "_beat", lambda: won.append(other.acquire()))

    assert not store.acquire()

    assert won == [True]
    other.close()


def test_numbers_of_ended_processes_are_not_kept_for_ever(
    path: Path, store: SqliteStore, memory_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pushover_logging.stores import spools

    monkeypatch.setattr(spools, "_SWEEP", 0.0)
    monkeypatch.setattr(spools, "_KEEP_SEEN", 0.0)
    assert store.acquire()
    store.load()
    short = SqliteStore(str(path), "tests", str(memory_folder))
    short.append([(1, b"x")])
    short.close()
    commit_everything(store)

    for _ in range(3):
        commit_everything(store)

    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM seen").fetchone() == (0,)
    connection.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_database_of_another_user_is_refused(path: Path, store: SqliteStore) -> None:
    path.touch(0o600)
    os.chown(path, 12345, 12345)

    with pytest.raises(StoreError, match="belongs to another user"):
        store.acquire()


def test_a_process_forked_during_a_commit_can_use_the_database(store: SqliteStore) -> None:
    is_open, forks = threading.Event(), threading.Event()

    def commit_slowly() -> None:
        with store._database() as connection:
            connection.execute("BEGIN IMMEDIATE")
            is_open.set()
            forks.wait(0.5)  # the fork waits for this thread, so it never comes before the end
            connection.execute("COMMIT")

    thread = threading.Thread(target=commit_slowly)
    thread.start()
    assert is_open.wait(10)
    child = os.fork()
    if child == 0:
        try:
            store.after_fork()
            os._exit(0 if store.acquire() else 1)
        finally:
            os._exit(2)
    forks.set()
    thread.join()

    assert os.waitpid(child, 0)[1] == 0
