"""Reads the spools of all processes of a machine, dead processes too."""

from __future__ import annotations

import fcntl
import os
import stat
import time
import zlib
from collections import deque
from contextlib import suppress
from heapq import heapify, heappop, heapreplace

from ..ingest.spool import (
    SUFFIX,
    Entry,
    Header,
    Spool,
    borrowed,
    journal_entries,
    mark_journal,
    mark_slots,
    read_header,
    slot_entry,
)
from .base import Seen, Source, SpoolReport, Taken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["GRACE", "MAINTAIN", "Spools", "spool_folders"]

_CHUNK = 1 << 20
MAINTAIN = 0.5
"""Seconds between two checks of a spool that holds no alerts."""
GRACE = 2.0
"""Seconds for which a spool without a lock is left in place, unless its owner has closed it: a
program that closes all descriptors loses the lock until its worker takes it again."""
_SWEEP = 0.5
_STALE_HIDDEN = 60.0
_KEEP_SEEN = 600.0


def spool_folders(name: str, last: str | None, chosen: str | None = None) -> list[str]:
    """The folders where spools of a store may be, the preferred first.

    ``name`` says which store it is. All of them are read: a process may have been started with
    another XDG_RUNTIME_DIR than the sender. ``last`` is on a disk; ``chosen`` replaces the others.
    """
    key = name.encode()
    tag = f"pushover-logging-{os.geteuid()}-{zlib.crc32(key):08x}{zlib.crc32(key[::-1]):08x}"
    if chosen:
        memory = [chosen]
    else:
        memory = [os.environ.get("XDG_RUNTIME_DIR", ""), f"/run/user/{os.geteuid()}", "/dev/shm"]
    folders = [os.path.join(folder, tag) for folder in memory if folder and os.path.isdir(folder)]
    return [*dict.fromkeys(folders), *([last] if last else [])]


class _Reading:
    """How far the sender has read one spool."""

    def __init__(self, path: str, source: Source, known: set[int]) -> None:
        self.path = path
        self.source = source
        self.generation = 0
        self.identity = (0, 0)
        self.position = 0
        """Where the part of the journal begins that is not read yet."""
        self.horizon: int | None = None
        """The last number read from a journal that goes on; higher ones must wait."""
        self.buffer: deque[Entry] = deque()
        self.known = known
        """The numbers in the buffers of this source, and those returned and not committed."""
        self.returned: set[int] = set()
        self.slots: dict[int, int] = {}
        self.journal: deque[tuple[int, int]] = deque()
        """Number and end of the journal's entries that are read and not committed."""
        self.last_time = 0.0
        self.without_lock: float | None = None

    def ready(self) -> bool:
        buffer = self.buffer
        return bool(buffer) and (self.horizon is None or buffer[0].seq <= self.horizon)


class Spools:
    """The spools of a store on this machine."""

    def __init__(self, folders: Sequence[str]) -> None:
        self.folders = folders
        self._seen: dict[Source, Seen] = {}
        self._readings: dict[str, _Reading] = {}
        self._problems: list[str] = []
        self._reported: set[str] = set()
        self._next_sweep = 0.0
        self._known: dict[Source, set[int]] = {}
        self._ended: deque[tuple[float, Source]] = deque()

    def start(self, seen: Mapping[Source, Seen]) -> None:
        """Starts to read from the beginning, without the notices that commits have covered."""
        self._seen = dict(seen)
        self._readings.clear()
        self._known.clear()
        now = time.monotonic()
        sources = {source for _, source in self._paths()}
        self._ended = deque((now, source) for source in self._seen if source not in sources)

    def take(self, limit: int) -> list[Taken]:
        """Returns notices that this was not asked for before: see `Store.take`."""
        paths = dict(self._paths())
        for path in self._readings.keys() - paths.keys():
            reading = self._readings[path]
            # What was returned must still be committed, although a cleaner deleted the file.
            if not reading.buffer and not reading.returned:
                del self._readings[path]
                self._ended.append((time.monotonic(), reading.source))
        for path, source in paths.items():
            if path not in self._readings:
                known = self._known.setdefault(source, set())
                self._readings[path] = _Reading(path, source, known)
            reading = self._readings[path]
            if len(reading.buffer) < limit or not reading.ready():
                self._read(reading)
        now = time.monotonic()
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP
            for reading in list(self._readings.values()):
                self._sweep(reading)

        ready = [reading for reading in self._readings.values() if reading.ready()]
        heap = [
            (max(reading.last_time, reading.buffer[0].time), index)
            for index, reading in enumerate(ready)
        ]
        heapify(heap)
        taken: list[Taken] = []
        while heap and len(taken) < limit:
            when, index = heap[0]
            reading = ready[index]
            entry = reading.buffer.popleft()
            reading.last_time = when
            reading.returned.add(entry.seq)
            taken.append(Taken(reading.source, entry.seq, entry.data))
            if reading.ready():
                heapreplace(heap, (max(when, reading.buffer[0].time), index))
            else:
                heappop(heap)
        return taken

    def covered(self, taken: Mapping[Source, int]) -> dict[Source, Seen]:
        """For each source in ``taken`` that changes, all numbers that are dealt with then."""
        covered: dict[Source, Seen] = {}
        for reading in self._readings.values():
            last = taken.get(reading.source)
            numbers = [seq for seq in reading.returned if seq <= last] if last else ()
            if not numbers:
                continue
            seen = covered.get(reading.source)
            if seen is None:
                seen = self._seen.get(reading.source, Seen()).copy()
            for seq in sorted(numbers):
                seen.add(seq)
            covered[reading.source] = seen
        return covered

    def ended(self) -> list[Source]:
        """Sources whose spool was deleted ten minutes ago: their numbers need not be kept."""
        before = time.monotonic() - _KEEP_SEEN
        sources = {reading.source for reading in self._readings.values()}
        ended = []
        while self._ended and self._ended[0][0] < before:
            _, source = self._ended.popleft()
            if source not in sources:
                ended.append(source)
        return ended

    def forget(self, sources: Iterable[Source]) -> None:
        """Forgets the numbers of sources that have ended."""
        for source in sources:
            self._seen.pop(source, None)
            self._known.pop(source, None)

    def free(self, covered: Mapping[Source, Seen]) -> None:
        """Marks in the spools what a commit has covered. Whatever fails here is done by a later
        `take`, of this sender or the next."""
        self._seen.update(covered)
        for reading in self._readings.values():
            seen = covered.get(reading.source)
            if seen is None:
                continue
            with suppress(OSError, ValueError), borrowed(reading.path) as fd:
                if read_header(fd).generation == reading.generation:
                    self._mark(fd, reading, seen)
            reading.returned = {seq for seq in reading.returned if seq not in seen}
            reading.known.difference_update([seq for seq in reading.known if seq in seen])

    def waiting(self, seen: Mapping[Source, Seen]) -> int:
        """Counts the notices in all spools that ``seen`` does not contain."""
        count = 0
        for path, source in self._paths():
            with suppress(OSError, ValueError), borrowed(path) as fd:
                count += _waiting_in(fd, read_header(fd), seen.get(source))
        return count

    def reports(self, seen: Mapping[Source, Seen]) -> Iterator[SpoolReport]:
        """Describes the spools of all other processes."""
        for path, source in self._paths():
            if Spool.is_own(path):
                continue
            try:
                with borrowed(path) as fd:
                    header = read_header(fd, source)
                    alive = not header.closed and not _lock(fd)
                    count = _waiting_in(fd, header, seen.get(source))
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                self._report_unusable(path, error)
            else:
                yield SpoolReport(path, source, header.pid, alive, header.slots > 0, count)

    def browse(self, seen: Mapping[Source, Seen]) -> Iterator[Taken]:
        """Yields the notices of other processes that ``seen`` does not contain.

        `problems` then says which are damaged."""
        for path, source in self._paths():
            if Spool.is_own(path):
                continue
            known = seen.get(source, Seen())
            try:
                with borrowed(path) as fd:
                    header = read_header(fd, source)
                    is_dead = _lock(fd)
                    entries = [slot_entry(fd, *slot) for slot in header.waiting]
                    lost = sum(
                        entry is None and slot in read_header(fd).waiting
                        for slot, entry in zip(header.waiting, entries, strict=True)
                    )
                    yield from [
                        Taken(source, entry.seq, entry.data)
                        for entry in entries
                        if entry is not None and entry.seq not in known
                    ]
                    position, end = -1, header.journal
                    while position != end:
                        position = end
                        more, end = journal_entries(fd, header, position, _CHUNK)
                        yield from [
                            Taken(source, e.seq, e.data) for e in more if e.seq not in known
                        ]
                    # A process that lives may be in the middle of writing.
                    if is_dead and (lost or end < os.fstat(fd).st_size):
                        self._report(path, "has a damaged or incomplete notice")
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                self._report_unusable(path, error)

    def pid(self, source: Source) -> int | None:
        """The process that a spool belongs to."""
        for folder in self.folders:
            path = os.path.join(folder, source + SUFFIX)
            with suppress(OSError, ValueError), borrowed(path) as fd:
                pid: int = read_header(fd).pid
                return pid
        return None

    def heartbeat(self, source: Source) -> int | None:
        """A number that changes while the sender with this id runs; None if it is dead."""
        for folder in self.folders:
            path = os.path.join(folder, source + SUFFIX)
            with suppress(OSError, ValueError), borrowed(path) as fd:
                header = read_header(fd, source)
                if header.closed or (not Spool.is_own(path) and _lock(fd)):
                    return None
                return header.heartbeat
        return None

    def has_others(self) -> bool:
        """Whether another process has a spool here."""
        for path, _ in self._paths():
            if not Spool.is_own(path):
                with suppress(OSError, ValueError), borrowed(path) as fd:
                    if not read_header(fd).closed and not _lock(fd):
                        return True
        return False

    def orphans(self) -> Iterator[tuple[str, int, Header]]:
        """Spools of dead processes: path, descriptor and header. Each is locked for this process
        until the caller asks for the next."""
        for path, source in self._paths():
            if Spool.is_own(path):
                continue
            with suppress(OSError, ValueError), borrowed(path) as fd:
                if _lock(fd):
                    yield path, fd, read_header(fd, source)

    def problems(self) -> list[str]:
        """Sentences about files that were skipped since the last call."""
        problems, self._problems = self._problems, []
        return problems

    def _paths(self) -> Iterator[tuple[str, Source]]:
        for folder in self.folders:
            try:
                found = os.lstat(folder)
                if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                    self._report(folder, "is skipped: it is no folder of this user")
                    continue
                if found.st_mode & 0o077:
                    self._report(folder, "is skipped: it is open to other users")
                    continue
                names = os.listdir(folder)
            except FileNotFoundError:
                continue
            except OSError as error:
                self._report(folder, f"is skipped: it cannot be read ({error.strerror})")
                continue
            for name in names:
                path = os.path.join(folder, name)
                source = name.removesuffix(SUFFIX)
                if name.startswith("."):
                    self._remove_unfinished(path)
                elif source == name or len(source) != 16:
                    self._report(path, "is skipped: it is no spool")
                else:
                    yield path, source

    def _read(self, reading: _Reading) -> None:
        seen = self._seen.get(reading.source)
        try:
            with borrowed(reading.path) as fd:
                header = read_header(fd, reading.source)
                found = os.fstat(fd)
                identity = (found.st_dev, found.st_ino)
                if (identity, header.generation) != (reading.identity, reading.generation):
                    reading.identity, reading.generation = identity, header.generation
                    reading.position = header.journal
                    reading.journal.clear()
                    reading.slots.clear()
                entries = []
                repeated = False
                for slot, seq in header.waiting:
                    if reading.slots.get(slot) == seq:
                        continue
                    if (seen is not None and seq in seen) or seq in reading.known:
                        reading.slots[slot] = seq
                        repeated = True
                        continue
                    entry = slot_entry(fd, slot, seq)
                    if entry is not None:
                        reading.slots[slot] = seq
                        reading.known.add(seq)
                        entries.append(entry)
                reading.horizon = None
                if found.st_size > reading.position:
                    more, end = journal_entries(fd, header, reading.position, _CHUNK)
                    for entry in more:
                        reading.journal.append((entry.seq, entry.end))
                        if entry.seq in reading.known or (seen is not None and entry.seq in seen):
                            repeated = True
                        else:
                            reading.known.add(entry.seq)
                            entries.append(entry)
                    if more and end < found.st_size:
                        reading.horizon = more[-1].seq
                    reading.position = end
                if repeated and seen is not None:
                    self._mark(fd, reading, seen)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            self._report_unusable(reading.path, error)
            return
        if entries:
            everything = [*reading.buffer, *entries]
            everything.sort(key=lambda entry: entry.seq)
            reading.buffer = deque(everything)

    def _mark(self, fd: int, reading: _Reading, seen: Seen) -> None:
        """Marks slots and the beginning of the journal as dealt with."""
        done = [(slot, seq) for slot, seq in reading.slots.items() if seq in seen]
        mark_slots(fd, done)
        for slot, _ in done:
            del reading.slots[slot]
        offset = 0
        while reading.journal and reading.journal[0][0] in seen:
            offset = reading.journal.popleft()[1]
        if not reading.journal:
            offset = reading.position
        if offset:
            mark_journal(fd, reading.generation, offset)

    def _sweep(self, reading: _Reading) -> None:
        """Deletes the spool of a dead process, if it holds nothing any more."""
        if Spool.is_own(reading.path):
            return
        seen = self._seen.get(reading.source, Seen())
        with suppress(OSError, ValueError), borrowed(reading.path) as fd:
            if not _lock(fd):
                reading.without_lock = None
                return
            now = time.monotonic()
            if reading.without_lock is None:
                reading.without_lock = now
            header = read_header(fd, reading.source)
            if not header.closed and now < reading.without_lock + GRACE:
                return
            damaged = False
            for slot, seq in header.waiting:
                if seq not in seen:
                    if slot_entry(fd, slot, seq) is not None:
                        return
                    damaged = True
            position, end = -1, header.journal
            while position != end:
                position = end
                entries, end = journal_entries(fd, header, position, _CHUNK)
                if any(entry.seq not in seen for entry in entries):
                    return
            if damaged or end < os.fstat(fd).st_size:
                self._report(reading.path, "had a damaged or incomplete notice, which is dropped")
            os.unlink(reading.path)

    def _remove_unfinished(self, path: str) -> None:
        """Removes a file whose maker died before it had a name."""
        with suppress(OSError):
            if time.time() - os.lstat(path).st_mtime > _STALE_HIDDEN:
                with borrowed(path) as fd:
                    if _lock(fd):
                        os.unlink(path)

    def _report_unusable(self, path: str, error: OSError | ValueError) -> None:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        self._report(path, f"is skipped: it {reason or 'cannot be read'}")

    def _report(self, path: str, reason: str) -> None:
        if path not in self._reported and len(self._reported) < 100:
            self._reported.add(path)
            self._problems.append(f"The spool {path} {reason}.")


def _waiting_in(fd: int, header: Header, seen: Seen | None) -> int:
    known = seen or ()
    count = sum(seq not in known for _, seq in header.waiting)
    position, end = -1, header.journal
    while position != end:
        position = end
        entries, end = journal_entries(fd, header, position, _CHUNK)
        count += sum(entry.seq not in known for entry in entries)
    return count


def _lock(fd: int) -> bool:
    """Takes the lock until the descriptor is closed, if its owner is dead."""
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
