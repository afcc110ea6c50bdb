"""The store of one machine: a sqlite file for the sender's state, and spools for notices.

Every process writes only its own spool. The sender reads all of them, and is the only process that
writes the database. Whether the sender is alive is seen by the lock on its spool; whether it
runs, by a number there that it changes each second.

No connection stays open between two calls. A fork therefore never copies a connection, and a
program that closes all descriptors does not make sqlite write into a file of the program's.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from contextlib import contextmanager

from ..ingest.spool import Spool
from .base import Holder, LeaseLost, Overview, Seen, Source, StoreError, StoreTooNew, Taken
from .spools import MAINTAIN, Spools, spool_folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
    from sqlite3 import Connection
    from typing import Literal

__all__ = ["SqliteStore"]

_APPLICATION_ID = 0x70757368
_VERSION = 1
_SCHEMA = """
CREATE TABLE lease (namespace TEXT PRIMARY KEY, token TEXT, source TEXT) WITHOUT ROWID;
CREATE TABLE state (namespace TEXT, key TEXT, value BLOB, PRIMARY KEY (namespace, key))
    WITHOUT ROWID;
CREATE TABLE seen (namespace TEXT, source TEXT, ranges TEXT, PRIMARY KEY (namespace, source))
    WITHOUT ROWID;
"""
_RENEW = 1.0
_ASK = 0.25
_STALE = 5.0
"""Seconds without a change of its number after which a sender is taken to be stopped."""


_FORK_PATIENCE = 10.0
"""Seconds for which a fork waits until no connection is open."""


class _Guard:
    """Keeps forks away from open connections.

    sqlite notes in the memory of the process which locks it holds on a file. A child would inherit
    the note without the lock, and would find the file locked for ever.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._waited_in_vain: set[int] = set()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exception: object) -> None:
        self._lock.release()

    def before_fork(self) -> None:
        if not self._lock.acquire(timeout=_FORK_PATIENCE):
            self._waited_in_vain.add(threading.get_ident())

    def after_fork_in_parent(self) -> None:
        if threading.get_ident() in self._waited_in_vain:
            self._waited_in_vain.discard(threading.get_ident())
        else:
            self._lock.release()

    def after_fork_in_child(self) -> None:
        self.__init__()  # type: ignore[misc]


_GUARD = _Guard()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_GUARD.before_fork,
        after_in_parent=_GUARD.after_fork_in_parent,
        after_in_child=_GUARD.after_fork_in_child,
    )


class SqliteStore:
    """See `Store`. ``path`` is the database; ``spool`` replaces the folder of the spools."""

    durable: Literal[True] = True
    wire: Literal["marshal"] = "marshal"

    def __init__(self, path: str, namespace: str, spool: str | None = None) -> None:
        self._path = os.path.realpath(path) if not os.path.islink(path) else os.path.abspath(path)
        self._namespace = namespace
        folders = spool_folders(f"{self._path}\0{namespace}", f"{self._path}-spool", spool)
        self.spool: Spool = Spool(folders)
        self._spools = Spools(folders)
        self._token: str | None = None
        self._renewed = 0.0
        self._next_ask = 0.0
        self._next_maintain = 0.0
        self._read_at = 0.0
        self._read_from: tuple[int, ...] = ()
        self._lease_read: tuple[str | None, Source] = (None, "")
        self._observed: tuple[str | None, int | None] = ("", None)
        self._unchanged = 0.0
        self._observed_at = 0.0

    @property
    def source(self) -> Source:
        return self.spool.source

    def prepare(self) -> None:
        import sqlite3  # noqa: F401 - so that no fork meets it half loaded

    def append(self, notices: Sequence[tuple[int, bytes]]) -> None:
        try:
            self.spool.append(notices)
        except OSError as error:
            raise StoreError(f"The spool cannot be written: {error.strerror or error}.") from error

    def carry(self, transform: Callable[[bytes], bytes]) -> None:  # noqa: ARG002
        """Takes care of the spool. Its payloads go to the sender as they are."""
        now = time.monotonic()
        if self.spool.holds_alerts or now >= self._next_maintain:
            self._next_maintain = now + MAINTAIN
            self.spool.maintain()

    def acquire(self) -> bool:
        now = time.monotonic()
        if self._token is not None:
            if now >= self._renewed + _RENEW:
                with self._database() as connection:
                    if self._lease(connection)[0] != self._token:
                        self._token = None
                        return False
                self._beat()
                self._renewed = now
            return True
        if now < self._next_ask:
            return False
        self._next_ask = now + _ASK
        lease = self._current_lease(now)
        if lease[0] is not None and not self._is_stale(lease):
            return False
        self._beat()
        token = os.urandom(8).hex()
        with self._database() as connection:
            connection.execute("BEGIN IMMEDIATE")
            if self._lease(connection) != lease:
                return False
            connection.execute(
                "REPLACE INTO lease VALUES (?, ?, ?)", (self._namespace, token, self.source)
            )
            connection.execute("COMMIT")
        self._token = token
        self._renewed = now
        return True

    def release(self) -> None:
        token, self._token = self._token, None
        if token is not None:
            with self._database() as connection:
                connection.execute(
                    "UPDATE lease SET token = NULL WHERE namespace = ? AND token = ?",
                    (self._namespace, token),
                )

    def take(self, limit: int) -> Sequence[Taken]:
        return self._spools.take(limit)

    def load(self) -> Mapping[str, bytes]:
        with self._database() as connection:
            connection.execute("BEGIN")
            if self._token is None or self._lease(connection)[0] != self._token:
                self._token = None
                raise LeaseLost("Another process is the sender.")
            state = self._state(connection)
            self._spools.start(self._seen(connection))
        return state

    def commit(self, changes: Mapping[str, bytes | None], taken: Mapping[Source, int]) -> None:
        covered = self._spools.covered(taken)
        with self._database() as connection:
            connection.execute("BEGIN IMMEDIATE")
            if self._token is None or self._lease(connection)[0] != self._token:
                self._token = None
                raise LeaseLost("Another process is the sender.")
            connection.executemany(
                "REPLACE INTO state VALUES (?, ?, ?)",
                [
                    (self._namespace, key, value)
                    for key, value in changes.items()
                    if value is not None
                ],
            )
            connection.executemany(
                "DELETE FROM state WHERE namespace = ? AND key = ?",
                [(self._namespace, key) for key, value in changes.items() if value is None],
            )
            connection.executemany(
                "REPLACE INTO seen VALUES (?, ?, ?)",
                [(self._namespace, source, seen.encode()) for source, seen in covered.items()],
            )
            ended = self._spools.ended()
            connection.executemany(
                "DELETE FROM seen WHERE namespace = ? AND source = ?",
                [(self._namespace, source) for source in ended],
            )
            connection.execute("COMMIT")
        self._spools.free(covered)
        self._spools.forget(ended)

    def peek(self) -> Mapping[str, bytes]:
        if not os.path.lexists(self._path):
            return {}
        with self._database() as connection:
            return self._state(connection)

    def waiting(self) -> int:
        return self._spools.waiting(self._seen_by_all())

    def overview(self) -> Overview:
        if not os.path.lexists(self._path):
            return Overview(False, None, ())
        with self._database() as connection:
            token, source = self._lease(connection)
            seen = self._seen(connection)
        sender = None
        if token is not None and self._spools.heartbeat(source) is not None:
            pid = self._spools.pid(source)
            sender = None if pid is None else Holder(os.uname().nodename, pid)
        reports = tuple(self._spools.reports(seen))
        return Overview(bool(source or reports), sender, reports)

    def covered(self, seq: int) -> bool:
        return seq in self._seen_by_all().get(self.source, Seen())

    def browse(self) -> Iterator[Taken]:
        return self._spools.browse(self._seen_by_all())

    def faults(self) -> Sequence[str]:
        if not os.path.lexists(self._path):
            return []
        with self._database() as connection:
            rows = connection.execute("PRAGMA integrity_check").fetchall()
        return [f"The database {self._path}: {text}." for (text,) in rows if text != "ok"]

    def seize(self) -> None:
        self._beat()
        token = os.urandom(8).hex()
        with self._database() as connection:
            connection.execute(
                "REPLACE INTO lease VALUES (?, ?, ?)", (self._namespace, token, self.source)
            )
        self._token = token
        self._renewed = time.monotonic()

    def others(self) -> bool:
        return self._spools.has_others()

    def now(self) -> float:
        return time.time()

    def problems(self) -> Sequence[str]:
        return self.spool.problems() + self._spools.problems()

    def after_fork(self) -> None:
        self.spool.after_fork()
        self._spools = Spools(self._spools.folders)
        self._token = None
        self._next_ask = 0.0

    def close(self) -> None:
        try:
            self.release()
        finally:
            self.spool.close()

    def _beat(self) -> None:
        try:
            self.spool.beat(time.monotonic_ns())
        except OSError as error:
            raise StoreError(f"The spool cannot be written: {error.strerror or error}.") from error

    def _is_stale(self, lease: tuple[str | None, Source]) -> bool:
        """Whether the sender is dead, or has not changed its number for five seconds.

        It compares no clocks of two processes. At most a second counts between two checks: this
        process may have been stopped itself."""
        token, source = lease
        number = self._spools.heartbeat(source)
        if number is None:
            return True
        now = time.monotonic()
        if (token, number) != self._observed:
            self._observed = (token, number)
            self._unchanged = 0.0
        else:
            self._unchanged += min(now - self._observed_at, 1.0)
        self._observed_at = now
        return self._unchanged >= _STALE

    def _current_lease(self, now: float) -> tuple[str | None, Source]:
        """The lease; the database is opened only if it has changed, and once a second."""
        try:
            found = os.stat(self._path)
            state: tuple[int, ...] = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        except OSError:
            state = ()
        if not state or state != self._read_from or now >= self._read_at + 1.0:
            with self._database() as connection:
                self._lease_read = self._lease(connection)
            self._read_from, self._read_at = state, now
        return self._lease_read

    def _lease(self, connection: Connection) -> tuple[str | None, Source]:
        row = connection.execute(
            "SELECT token, source FROM lease WHERE namespace = ?", (self._namespace,)
        ).fetchone()
        return (row[0], row[1]) if row else (None, "")

    def _state(self, connection: Connection) -> dict[str, bytes]:
        return dict(
            connection.execute(
                "SELECT key, value FROM state WHERE namespace = ?", (self._namespace,)
            ).fetchall()
        )

    def _seen(self, connection: Connection) -> dict[Source, Seen]:
        rows = connection.execute(
            "SELECT source, ranges FROM seen WHERE namespace = ?", (self._namespace,)
        )
        return {source: Seen(ranges) for source, ranges in rows}

    def _seen_by_all(self) -> dict[Source, Seen]:
        if not os.path.lexists(self._path):
            return {}
        with self._database() as connection:
            return self._seen(connection)

    @contextmanager
    def _database(self) -> Generator[Connection]:
        """A connection for the length of a with block; an open transaction is rolled back."""
        with _GUARD, self._connected() as connection:
            yield connection

    @contextmanager
    def _connected(self) -> Generator[Connection]:
        import sqlite3  # here, because a process that only logs never needs it

        try:
            self._check_file()
            connection = sqlite3.connect(self._path, timeout=2.0, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise StoreError(f"The store {self._path} cannot be opened: {reason}.") from error
        try:
            connection.execute("PRAGMA synchronous = NORMAL")
            self._check_version(connection)
            yield connection
        except sqlite3.Error as error:
            raise StoreError(f"The store {self._path} cannot be used: {error}.") from error
        finally:
            connection.close()

    def _check_file(self) -> None:
        """Makes the file if there is none. It must belong to this user, and only to this user."""
        try:
            found = os.lstat(self._path)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            try:
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            except FileExistsError:
                pass  # another process was faster
            found = os.lstat(self._path)
        if not stat.S_ISREG(found.st_mode):
            raise StoreError(f"The store {self._path} is a symbolic link or no file.")
        if found.st_uid != os.geteuid():
            raise StoreError(f"The store {self._path} belongs to another user.")
        if found.st_mode & 0o077:
            os.chmod(self._path, 0o600)

    def _check_version(self, connection: Connection) -> None:
        """Makes the tables in a new file, and refuses files that another program has made."""
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == _VERSION:
            return
        if version > _VERSION:
            raise StoreTooNew(
                f"The store {self._path} has version {version}, which a newer pushover_logging "
                f"has written; this one knows version {_VERSION}."
            )
        connection.execute("BEGIN IMMEDIATE")
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        connection.execute("COMMIT")
        if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID:
            raise StoreError(f"The store {self._path} is a database of another program.")
