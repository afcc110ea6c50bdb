"""Which store a URL opens, and what is said about a wrong one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pushover_logging.stores import MemoryStore, open_store
from pushover_logging.stores.redis import RedisStore
from pushover_logging.stores.sqlite import SqliteStore


def test_local_is_a_file_of_this_user_for_each_namespace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    one, other = open_store("local", "a" * 64), open_store("local", "b" * 64)

    assert one.acquire()
    assert other.acquire()

    files = sorted(path.name for path in (tmp_path / "pushover-logging").glob("*.sqlite"))
    assert files == ["a" * 40 + ".sqlite", "b" * 40 + ".sqlite"]
    one.close()
    other.close()


def test_each_scheme_opens_its_store(tmp_path: Path) -> None:
    sqlite = open_store(f"sqlite://{tmp_path}/a%20b.sqlite", "tests")
    redis = open_store("redis://localhost/0", "tests")
    redis_tls = open_store("rediss://:secret@localhost:6380/1?namespace=blue", "tests")

    assert isinstance(sqlite, SqliteStore)
    assert sqlite.acquire()
    assert (tmp_path / "a b.sqlite").exists()
    assert isinstance(redis, RedisStore)
    assert isinstance(redis_tls, RedisStore)
    for store in (sqlite, redis, redis_tls):
        store.close()


def test_memory_is_not_durable_and_the_others_are(tmp_path: Path) -> None:
    assert not MemoryStore().durable
    sqlite = open_store(f"sqlite://{tmp_path}/store.sqlite", "tests")
    assert sqlite.durable
    assert sqlite.wire == "marshal"
    sqlite.close()
    redis = open_store("redis://localhost/0", "tests")
    assert redis.durable
    assert redis.wire == "json"
    redis.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgres://user:secret@host/db", "store has the scheme 'postgres'; use 'local', "),
        ("redis://user:secret@host:port/0", "store is not a valid URL"),
        ("redis://user:secret@host/zero", "store: a redis URL ends with the number of a database"),
        ("redis://:secret@[::1/0", "store is not a valid URL"),
        ("sqlite:/", "store has the scheme ''"),
        ("sqlite://secret/path", "store: a sqlite URL has three slashes"),
        ("sqlite:///path?colour=secret", "store has the unknown option 'colour'"),
        ("sqlite:///path?spool=/no/such/folder", "store: spool=/no/such/folder is no folder"),
        ("secret", "store has the scheme ''"),
        ("", "store has the scheme ''"),
        ("memory", "store has the scheme ''"),
    ],
)
def test_wrong_url_is_explained_without_its_password(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        open_store(url, "tests")

    assert message in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_redis_without_its_extra_is_said_when_it_is_configured() -> None:
    program = """
import sys
sys.modules["redis"] = None
from pushover_logging.stores import open_store
try:
    open_store("redis://localhost", "tests")
except ValueError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True
    )
    assert "pip install 'pushover-logging[redis]'" in done.stdout


def test_opening_a_store_loads_neither_sqlite_nor_redis(tmp_path: Path) -> None:
    program = f"""
import sys
from pushover_logging.stores import open_store
for url in ("sqlite://{tmp_path}/store.sqlite", "redis://localhost"):
    store = open_store(url, "tests")
    assert store.spool.writes_in_call
    store.spool.close()
print(sorted({{"sqlite3", "redis", "requests", "ssl"}} & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
