"""The store of a fleet: a stream for notices and a hash for state, in Redis or Valkey 7.

The logging call writes new alerts into the spool of its process. The worker carries them to the
stream, and those of dead processes of its host. A slot becomes free when a commit covers it, and
not before: until then the server may lose what it got.

The lease is a key with a time to live. A script checks it in every commit, so that a sender that
was stopped cannot write after its successor.
"""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401 - redis loads it, which fails once the process ends
import os
import time
from contextlib import contextmanager, suppress
from weakref import WeakSet

from ..ingest.spool import (
    Entry,
    Spool,
    borrowed,
    carried_at,
    mark_carried,
    mark_slots,
    read_header,
    slot_entry,
)
from .base import Holder, LeaseLost, Overview, Seen, Source, StoreError, StoreTooNew, Taken
from .spools import GRACE, MAINTAIN, Spools, spool_folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
    from typing import Any, Literal

    import redis

__all__ = ["RedisStore"]

_VERSION = 1
_LEASE = 6.0
_RENEW = 1.0
_ASK = 0.5
_CHECK_COVERED = 0.25
_SWEEP = 1.0
_CARRY_AGAIN = 30.0
"""Seconds after which a notice that no commit has covered is carried once more: a server without
persistence may have been restarted."""
_KEEP_SEEN = 7200.0
"""Seconds for which the numbers of a source are kept after its last notice."""
_BATCH = 500
_TIMEOUT = 2.0


class RedisStore:
    """See `Store`. ``spool`` replaces the folder in which the folder of the spools is made."""

    durable: Literal[True] = True
    wire: Literal["json"] = "json"

    def __init__(self, url: str, namespace: str, spool: str | None = None) -> None:
        self._url = url
        prefix = f"pushover-logging:{{{namespace}}}:"
        self._keys = [prefix + name for name in ("lease", "state", "seen", "stream")]
        self._version_key = prefix + "version"
        self._waiting_key = prefix + "waiting"
        # The password is no part of the name: it may change.
        folders = spool_folders(f"{url.rpartition('@')[2]}\0{namespace}", None, spool)
        self.spool: Spool = Spool(folders)
        self._spools = Spools(folders)
        self._client: redis.Redis | None = None
        self._connections: WeakSet[Any] = WeakSet()
        self._version_checked = False
        self._clock: float | None = None
        self._problems: list[str] = []
        self._begin()

    def _begin(self) -> None:
        self._token: str | None = None
        self._is_waiting = False
        self._renewed = 0.0
        self._next_ask = 0.0
        self._last_id = b"-"
        self._seen: dict[Source, Seen] = {}
        self._changed: dict[Source, float] = {}
        self._returned: dict[Source, dict[int, list[bytes]]] = {}
        self._next_maintain = 0.0
        self._carried: dict[int, float] = {}
        self._next_check = 0.0
        self._next_sweep = time.monotonic()  # a short process must find the orphans too
        self._without_lock: dict[str, float] = {}

    @property
    def source(self) -> Source:
        return self.spool.source

    def prepare(self) -> None:
        import redis  # noqa: F401 - so that no fork meets it half loaded

        _script()

    def append(self, notices: Sequence[tuple[int, bytes]]) -> None:
        self._add([(self.source, seq, data) for seq, data in sorted(notices)])

    def carry(self, transform: Callable[[bytes], bytes]) -> None:
        now = time.monotonic()
        if self.spool.holds_alerts or now >= self._next_maintain:
            self._next_maintain = now + MAINTAIN
            self.spool.maintain()
        if self.spool.holds_alerts and self.spool.path is not None:
            with suppress(OSError), borrowed(self.spool.path) as fd:
                self._carry_own(fd, now, transform)
        if now >= self._next_sweep:
            # The processes of a host do not all do so at once.
            self._next_sweep = now + _SWEEP * (1 + os.urandom(1)[0] / 256)
            self._carry_orphans(now, transform)

    def _carry_own(self, fd: int, now: float, transform: Callable[[bytes], bytes]) -> None:
        waiting = read_header(fd).waiting
        new = [
            entry
            for slot, seq in waiting
            if now >= self._carried.get(seq, now)
            and (entry := slot_entry(fd, slot, seq)) is not None
        ]
        if new:
            self._carry_entries(fd, self.source, new, transform)
            self._carried.update((entry.seq, now + _CARRY_AGAIN) for entry in new)
        if waiting and now >= self._next_check:
            self._next_check = now + _CHECK_COVERED
            self._free_slots(fd, waiting, self._seen_of(self.source))

    def _free_slots(self, fd: int, waiting: Sequence[tuple[int, int]], seen: Seen) -> None:
        """Frees the slots of this process's notices that commits have covered."""
        covered = [(slot, seq) for slot, seq in waiting if seq in seen]
        mark_slots(fd, covered)
        for _, seq in covered:
            self._carried.pop(seq, None)

    def _carry_entries(
        self, fd: int, source: Source, entries: list[Entry], transform: Callable[[bytes], bytes]
    ) -> None:
        notices = []
        for entry in sorted(entries, key=lambda entry: entry.seq):
            try:
                notices.append((source, entry.seq, transform(entry.data)))
            except Exception as error:  # noqa: BLE001  # any: another version wrote the payload
                self._problems.append(
                    f"Notice {entry.seq} of {source} is dropped: it cannot be read "
                    f"({type(error).__name__})."
                )
                mark_slots(fd, [(entry.slot, entry.seq)])
        self._add(notices)

    def _carry_orphans(self, now: float, transform: Callable[[bytes], bytes]) -> None:
        """Carries the spools of dead processes, and deletes those that commits have covered."""
        without_lock = {}
        for path, fd, header in self._spools.orphans():
            without_lock[path] = since = self._without_lock.get(path, now)
            if not header.waiting:
                if header.closed or now >= since + GRACE:
                    os.unlink(path)
                continue
            seen = self._seen_of(header.source)
            mark_slots(fd, [(slot, seq) for slot, seq in header.waiting if seq in seen])
            # All processes of the host share this time; a time in the future says nothing.
            if 0 <= time.time() - carried_at(fd) < _CARRY_AGAIN:
                continue
            entries = [
                entry
                for slot, seq in header.waiting
                if seq not in seen and (entry := slot_entry(fd, slot, seq)) is not None
            ]
            self._carry_entries(fd, header.source, entries, transform)
            mark_carried(fd, time.time())
        self._without_lock = without_lock

    def acquire(self) -> bool:
        now = time.monotonic()
        if self._token is not None:
            if now < self._renewed + _RENEW:
                return True
            if not self._fenced("renew"):
                self._token = None
                return False
            self._renewed = now
            return True
        if now < self._next_ask:
            return False
        self._next_ask = now + _ASK
        token = _new_token()
        with self._server() as client:
            if not client.set(self._keys[0], token, nx=True, px=int(_LEASE * 1000)):
                # Tells the sender that there is another process.
                client.set(self._waiting_key, self.source, px=max(1, int(_ASK * 4000)))
                self._is_waiting = True
                return False
        self._is_waiting = False
        self._token = token
        self._renewed = now
        return True

    def release(self) -> None:
        if self._token is not None:
            self._fenced("release")
            self._token = None
        elif self._is_waiting:
            with self._server() as client:
                if client.get(self._waiting_key) == self.source.encode():
                    client.delete(self._waiting_key)
        self._is_waiting = False

    def take(self, limit: int) -> Sequence[Taken]:
        taken: list[Taken] = []
        while not taken:
            repeated: list[bytes] = []
            with self._server() as client:
                entries: Any = client.xrange(self._keys[3], min=self._last_id, count=limit)
            if not entries:
                break
            self._last_id = b"(" + entries[-1][0]
            for entry_id, fields in entries:
                notice = _notice(fields)
                if notice is None:
                    self._problems.append(
                        f"An entry of {self._keys[3]} is deleted: it is no notice."
                    )
                    repeated.append(entry_id)
                    continue
                source, seq, _ = notice
                returned = self._returned.setdefault(source, {})
                seen = self._seen.get(source)
                if seq in returned:
                    returned[seq].append(entry_id)
                elif seen is not None and seq in seen:
                    repeated.append(entry_id)
                else:
                    returned[seq] = [entry_id]
                    taken.append(notice)
            if repeated:  # a commit has covered them, so that anybody may delete them
                with self._server() as client:
                    client.xdel(self._keys[3], *repeated)
        return _in_order(taken)

    def load(self) -> Mapping[str, bytes]:
        with self._server() as client:
            pipeline = client.pipeline()
            pipeline.get(self._keys[0])
            pipeline.hgetall(self._keys[1])
            pipeline.hgetall(self._keys[2])
            lease, state, seen = pipeline.execute()
        if self._token is None or lease != self._token.encode():
            self._token = None
            raise LeaseLost("Another process is the sender.")
        self._last_id = b"-"
        self._returned.clear()
        self._seen, self._changed = {}, {}
        for source, value in seen.items():
            when, _, ranges = value.decode().partition(" ")
            self._seen[source.decode()] = Seen(ranges)
            self._changed[source.decode()] = float(when)
        return {key.decode(): value for key, value in state.items()}

    def commit(self, changes: Mapping[str, bytes | None], taken: Mapping[Source, int]) -> None:
        now = self.now()
        ids: list[bytes] = []
        covered: dict[Source, Seen] = {}
        for source, last in taken.items():
            returned = self._returned.get(source, {})
            numbers = sorted(seq for seq in returned if seq <= last)
            if not numbers:
                continue
            covered[source] = seen = self._seen.get(source, Seen()).copy()
            for seq in numbers:
                seen.add(seq)
                ids += returned[seq]
        ended = [
            source
            for source, changed in self._changed.items()
            if changed < now - _KEEP_SEEN and source not in covered
        ]
        changed = [x for key, value in changes.items() if value is not None for x in (key, value)]
        deleted = [key for key, value in changes.items() if value is None]
        seen_now: list[str] = []
        for source, seen in covered.items():
            seen_now += (source, f"{now:.3f} {seen.encode()}")
        arguments: list[str | bytes | int] = []
        for items in (changed, deleted, seen_now, ended, ids):
            arguments += (len(items), *items)
        if not self._fenced("commit", *arguments):
            self._token = None
            raise LeaseLost("Another process is the sender.")
        for source, seen in covered.items():
            self._seen[source] = seen
            self._changed[source] = now
            returned = self._returned[source]
            for seq in [seq for seq in returned if seq in seen]:
                del returned[seq]
        for source in ended:
            self._changed.pop(source, None)
            self._seen.pop(source, None)
            self._returned.pop(source, None)
        # At once, and not with the next look: if the server fails before that, this process
        # delivers what its spool holds.
        if self.source in covered and self.spool.path is not None:
            with suppress(OSError), borrowed(self.spool.path) as fd:
                self._free_slots(fd, read_header(fd).waiting, covered[self.source])

    def peek(self) -> Mapping[str, bytes]:
        with self._server() as client:
            state: Any = client.hgetall(self._keys[1])
        return {key.decode(): value for key, value in state.items()}

    def waiting(self) -> int:
        with self._server() as client:
            count: Any = client.xlen(self._keys[3])
        not_carried = 0
        if self.spool.path is not None:
            with suppress(OSError), borrowed(self.spool.path) as fd:
                waiting = read_header(fd).waiting
                not_carried = sum(seq not in self._carried for _, seq in waiting)
        return int(count) + not_carried

    def overview(self) -> Overview:
        with self._server() as client:
            lease: Any = client.get(self._keys[0])
            known: Any = client.exists(*self._keys)
            seen = self._seen_by_all()
        sender = None
        if lease is not None:
            _, _, holder = lease.decode().partition(" ")
            pid, _, host = holder.partition("@")
            sender = Holder(host, int(pid)) if pid.isdecimal() else None
        return Overview(bool(known), sender, tuple(self._spools.reports(seen)))

    def covered(self, seq: int) -> bool:
        return seq in self._seen_of(self.source)

    def browse(self) -> Iterator[Taken]:
        """The notices of the stream, and those of spools of this host that are not carried yet."""
        seen = self._seen_by_all()
        found: set[tuple[Source, int]] = set()
        last = b"-"
        while True:
            with self._server() as client:
                entries: Any = client.xrange(self._keys[3], min=last, count=_BATCH)
            if not entries:
                break
            last = b"(" + entries[-1][0]
            for _, fields in entries:
                notice = _notice(fields)
                if notice is None:
                    self._problems.append(f"An entry of {self._keys[3]} is no notice.")
                elif notice[:2] not in found and notice.seq not in seen.get(notice.source, ()):
                    found.add((notice.source, notice.seq))
                    yield notice
        yield from (each for each in self._spools.browse(seen) if each[:2] not in found)

    def faults(self) -> Sequence[str]:
        """Finds none: the server keeps its data in order."""
        return []

    def seize(self) -> None:
        token = _new_token()
        with self._server() as client:
            client.set(self._keys[0], token, px=int(_LEASE * 1000))
        self._token = token
        self._renewed = time.monotonic()

    def others(self) -> bool:
        with self._server() as client:
            waiting, lease = client.mget(self._waiting_key, self._keys[0])
        mine = (self._token or "").encode()
        return bool((waiting and waiting != self.source.encode()) or (lease and lease != mine))

    def now(self) -> float:
        """The server's time; it is asked once, and the monotonic clock goes on from there."""
        if self._clock is None:
            with self._server() as client:
                before = time.monotonic()
                seconds, microseconds = client.time()
                after = time.monotonic()
            self._clock = seconds + microseconds / 1e6 - (before + after) / 2
        return self._clock + time.monotonic()

    def problems(self) -> Sequence[str]:
        problems, self._problems = self._problems, []
        return self.spool.problems() + self._spools.problems() + problems

    def after_fork(self) -> None:
        self.spool.after_fork()
        # At once: the garbage collector would do so when the descriptors may be other files'.
        for connection in list(self._connections):
            with suppress(Exception):  # it is only to be closed
                connection.disconnect()
        self._client = None
        self._begin()

    def close(self) -> None:
        try:
            self.release()
        finally:
            self.spool.close()
            if self._client is not None:
                self._client.close()
                self._client = None

    def _add(self, notices: Sequence[tuple[Source, int, bytes]]) -> None:
        for start in range(0, len(notices), _BATCH):
            with self._server() as client:
                pipeline = client.pipeline(transaction=False)
                for source, seq, data in notices[start : start + _BATCH]:
                    pipeline.xadd(
                        self._keys[3], {b"n": b"%s %019d " % (source.encode(), seq) + data}
                    )
                pipeline.execute()

    def _seen_by_all(self) -> dict[Source, Seen]:
        with self._server() as client:
            values: Any = client.hgetall(self._keys[2])
        return {
            source.decode(): Seen(value.decode().partition(" ")[2])
            for source, value in values.items()
        }

    def _seen_of(self, source: Source) -> Seen:
        with self._server() as client:
            value: Any = client.hget(self._keys[2], source)
        return Seen(value.decode().partition(" ")[2]) if value else Seen()

    def _fenced(self, action: str, *arguments: str | bytes | int) -> bool:
        """Runs the script; False if another process is the sender."""
        with self._server() as client:
            script = client.register_script(_script())
            lease = int(_LEASE * 1000)
            return bool(script(self._keys, [self._token or "", lease, action, *arguments]))

    @contextmanager
    def _server(self) -> Generator[redis.Redis]:
        """The client for the length of a with block, with its errors in our words."""
        import redis  # here, because it is an extra, and slow to load

        try:
            if self._client is None:
                pool = redis.ConnectionPool.from_url(
                    self._url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT
                )
                pool.connection_class = _guarded(pool.connection_class, self._connections)
                self._client = redis.Redis(connection_pool=pool)
            if not self._version_checked:
                self._client.set(self._version_key, _VERSION, nx=True)
                version: Any = self._client.get(self._version_key)
                if int(version) > _VERSION:
                    raise StoreTooNew(
                        f"The store at redis has version {int(version)}, which a newer "
                        f"pushover_logging has written; this one knows version {_VERSION}."
                    )
                self._version_checked = True
            yield self._client
        except redis.RedisError as error:
            raise StoreError(f"The store at redis cannot be used: {error}") from error


def _new_token() -> str:
    """A random token, with the process that has it for operators to read."""
    return f"{os.urandom(8).hex()} {os.getpid()}@{os.uname().nodename}"


def _notice(fields: Mapping[bytes, bytes]) -> Taken | None:
    """The notice of an entry of the stream; None if it is none."""
    try:
        head, data = fields[b"n"][:37], fields[b"n"][37:]
        return Taken(head[:16].decode("ascii"), int(head[17:36]), data)
    except (KeyError, ValueError):
        return None


def _in_order(taken: list[Taken]) -> list[Taken]:
    """Sorts the notices of each source by number, in the places that the source has."""
    last: dict[Source, int] = {}
    for source, seq, _ in taken:
        if seq < last.get(source, 0):
            break
        last[source] = seq
    else:
        return taken
    ordered: dict[Source, list[Taken]] = {}
    for notice in sorted(taken, key=lambda notice: notice.seq, reverse=True):
        ordered.setdefault(notice.source, []).append(notice)
    return [ordered[notice.source].pop() for notice in taken]


_script_text: list[str] = []


def _script() -> str:
    if not _script_text:
        from importlib import resources  # here, because a process that only logs needs no script

        _script_text.append(resources.files(__package__).joinpath("redis.lua").read_text("utf-8"))
    return _script_text[0]


def _guarded(connection_class: Any, made: WeakSet[Any]) -> Any:
    """A connection that never touches a descriptor whose number has become another file's.

    A daemon may close all descriptors and open its own under the same numbers. ``made`` gets the
    connections.
    """

    class Guarded(connection_class):  # type: ignore[misc]
        _inode = -1

        def _connect(self) -> Any:
            made.add(self)
            sock = super()._connect()
            self._inode = os.fstat(sock.fileno()).st_ino
            return sock

        def _let_go(self) -> None:
            sock = self._sock
            if sock is not None:
                try:
                    if os.fstat(sock.fileno()).st_ino == self._inode:
                        return
                except OSError:
                    pass  # closed by the program
                sock.detach()

        def connect(self, *args: Any, **options: Any) -> None:
            self._let_go()
            if self._sock is not None and self._sock.fileno() < 0:
                super().disconnect()
            super().connect(*args, **options)

        def disconnect(self, *args: Any, **options: Any) -> None:
            self._let_go()
            super().disconnect(*args, **options)

        def send_packed_command(self, *args: Any, **options: Any) -> None:
            self._let_go()
            super().send_packed_command(*args, **options)

    return Guarded
