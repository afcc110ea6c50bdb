"""The spool: a file of slots in memory that makes a new alert safe inside the logging call.

The logging call copies an alert into a slot of a mapping of the file, without a system call. The
file lies on a tmpfs, so the alert survives `kill -9` and `os._exit`. Where there is no tmpfs, the
logging call writes nothing and the worker appends to the journal at the end of the same file:
touching a mapped page of a file on a disk can kill the process, when the page cannot be read.

Layout, in the byte order of the machine::

    header   4096 bytes: who owns the file, how far readers have come, two tables of numbers
    slots    for ordinary alerts, then as many for urgent ones
    journal  the entries that the worker appended, one after the other

A slot waits while its number in the first table, which the owner writes, differs from its number
in the second, which readers write. A reader writes the number of the notice that it has dealt with
rather than a mark. It may be stopped before it writes, and continue when the slot holds another
notice; the old number does that notice no harm.

The owner holds an fcntl lock on the file. A forked child does not inherit such a lock, not even
after a C-level fork. The lock ends when the process closes any descriptor of the file, so that
nothing else in the process may open it: `borrowed` lends the descriptor of a spool of this process.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import stat
import struct
import sys
import threading
import time
import zlib
from collections import deque
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

__all__ = [
    "SUFFIX",
    "Entry",
    "Header",
    "Spool",
    "borrowed",
    "carried_at",
    "journal_entries",
    "mark_carried",
    "mark_journal",
    "mark_slots",
    "read_header",
    "safe_folder",
    "slot_entry",
]

SUFFIX = ".spool"
"""A spool is called by its source and this."""

_MAGIC = b"poSpool"
_VERSION = b"1"
_HEADER_SIZE = 4096
# magic and version, source, pid, closed, heartbeat, journal generation, number of slots,
# and, written by readers: generation and offset up to which the journal is dealt with
_HEADER = struct.Struct("=8s16sQQQQQQQ")
_CLOSED, _HEARTBEAT, _GENERATION, _JOURNAL_DONE, _CARRIED = 32, 40, 48, 64, 80
_NUMBER = struct.Struct("=Q")
_TIME = struct.Struct("=d")
_PAIR = struct.Struct("=QQ")

_SMALL, _BIG = 3072, 16384
_SIZES = ([_SMALL] * 60 + [_BIG] * 4) * 2  # of payloads; the second half is for urgent alerts
_COUNT = len(_SIZES)
_READY = 128
_DONE = _READY + 8 * _COUNT
_SLOT = struct.Struct("=QdII")  # number, time, length, crc
_OFFSETS = []
_end = _HEADER_SIZE
for _size in _SIZES:
    _OFFSETS.append(_end)
    _end += _SLOT.size + _size
_SLOTS_END = -(-_end // mmap.PAGESIZE) * mmap.PAGESIZE
del _end, _size

_pack_slot, _crc32, _time = _SLOT.pack_into, zlib.crc32, time.time
_CRC_PIECE = 5120
"""zlib gives up the GIL for more than this, and a logging call must not wait to get it back."""

_ENTRY = struct.Struct("=QQdII")  # settled, number, time, length, crc
_MAX_JOURNAL = 64 * 1024 * 1024
_TRUNCATE_FROM = 64 * 1024
_LEAVE_FREE = 0.25
"""No spool is made on a tmpfs with less than this part free: other programs use it too."""

_MADV_WIPEONFORK = 18
_abandoned: list[object] = []
"""Mappings whose descriptor has become somebody else's. Python would close that with them."""


class Entry:
    """A notice in a spool."""

    __slots__ = ("data", "end", "seq", "slot", "start", "time")

    def __init__(
        self, seq: int, when: float, data: bytes, slot: int = -1, start: int = 0, end: int = 0
    ) -> None:
        self.seq: int = seq
        self.time: float = when
        self.data: bytes = data
        self.slot: int = slot
        """-1 in the journal."""
        self.start: int = start
        """In the journal: the offsets of the entry and of its end."""
        self.end: int = end


class Header:
    """What the first page of a spool says."""

    __slots__ = (
        "closed",
        "generation",
        "heartbeat",
        "journal",
        "pid",
        "slots",
        "source",
        "waiting",
    )
    pid: int
    closed: int
    heartbeat: int
    generation: int
    slots: int
    source: str
    journal: int

    def __init__(self, page: bytes) -> None:
        (
            magic,
            source,
            self.pid,
            self.closed,
            self.heartbeat,
            self.generation,
            self.slots,
            done_generation,
            done_offset,
        ) = _HEADER.unpack_from(page)
        if magic[:7] != _MAGIC:
            raise ValueError("is no spool")
        if magic[7:] != _VERSION:
            raise ValueError("is a spool of another version of pushover_logging")
        if self.slots not in (0, _COUNT):
            raise ValueError("is a damaged spool")
        self.source = source.decode("ascii", "replace")
        start = _SLOTS_END if self.slots else _HEADER_SIZE
        self.journal: int = start
        """Where unread entries of the journal begin."""
        if done_generation == self.generation and done_offset > start:
            self.journal = done_offset
        self.waiting: list[tuple[int, int]] = []
        """The slots that wait, and their numbers."""
        ready, done = page[_READY:_DONE], page[_DONE : _DONE + 8 * _COUNT]
        if self.slots and ready != done:
            numbers = memoryview(ready).cast("Q"), memoryview(done).cast("Q")
            self.waiting = [
                (slot, seq)
                for slot, (seq, read) in enumerate(zip(*numbers, strict=True))
                if seq != read
            ]


def read_header(fd: int, source: str | None = None) -> Header:
    """Reads the first page; raises ValueError for a file that is no spool, or of another source."""
    page = os.pread(fd, _HEADER_SIZE, 0)
    if len(page) < _HEADER_SIZE:
        raise ValueError("is no spool")
    header = Header(page)
    if source is not None and header.source != source:
        raise ValueError("is the spool of another process under a wrong name")
    return header


def slot_entry(fd: int, slot: int, seq: int) -> Entry | None:
    """Reads a slot; None while it is being written, or if it is damaged."""
    block = os.pread(fd, _SLOT.size + _SIZES[slot], _OFFSETS[slot])
    if len(block) < _SLOT.size:
        return None
    found, when, length, crc = _SLOT.unpack_from(block)
    data = block[_SLOT.size : _SLOT.size + length]
    if found != seq or len(data) != length or zlib.crc32(data, seq & 0xFFFFFFFF) != crc:
        return None
    return Entry(seq, when, data, slot)


def journal_entries(fd: int, header: Header, start: int, size: int) -> tuple[list[Entry], int]:
    """Reads entries of about ``size`` bytes from ``start``; also returns where they end.

    They end at an entry that is incomplete or damaged. An entry that the owner has settled
    is left out.
    """
    block = os.pread(fd, size + _BIG, start)
    entries = []
    position, end = 0, len(block)
    unpack, crc32, head, seed = _ENTRY.unpack_from, zlib.crc32, _ENTRY.size, header.generation
    while position + head <= end and position < size:
        settled, seq, when, length, crc = unpack(block, position)
        after = position + head + (length + 7 & ~7)
        if not seq or after > end:
            if seq and position == 0 and length < _MAX_JOURNAL and size < length + head + 8:
                return journal_entries(fd, header, start, length + head + 8)
            break
        data = block[position + head : position + head + length]
        if crc32(data, (seq ^ seed) & 0xFFFFFFFF) != crc:
            break
        if not settled:
            entries.append(Entry(seq, when, data, -1, start + position, start + after))
        position = after
    return entries, start + position


def mark_slots(fd: int, done: Sequence[tuple[int, int]]) -> None:
    """Writes for slots which notice the reader has dealt with."""
    for slot, seq in done:
        os.pwrite(fd, _NUMBER.pack(seq), _DONE + 8 * slot)


def mark_journal(fd: int, generation: int, offset: int) -> None:
    """Writes how far the reader has dealt with the journal."""
    os.pwrite(fd, _PAIR.pack(generation, offset), _JOURNAL_DONE)


def carried_at(fd: int) -> float:
    """When the spool of a dead process was last carried to a server, in Unix seconds."""
    return float(_TIME.unpack(os.pread(fd, _TIME.size, _CARRIED))[0])


def mark_carried(fd: int, when: float) -> None:
    """Writes when the spool of a dead process was carried to a server."""
    os.pwrite(fd, _TIME.pack(when), _CARRIED)


def safe_folder(path: str) -> None:
    """Makes a folder of mode 0700. Raises OSError if other users can reach into it."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass  # it is checked below
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode):
        raise OSError(errno.ENOTDIR, "is a symbolic link or no folder", path)
    if found.st_uid != os.geteuid():
        raise OSError(errno.EPERM, "belongs to another user", path)
    if found.st_mode & 0o077:
        raise OSError(errno.EPERM, "is open to other users", path)


def _is_tmpfs(path: str) -> bool:
    """Whether the folder lies in memory. Other systems than Linux have no such list."""
    device = os.stat(path).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
            for line in mounts:
                mount, _, system = line.partition(" - ")
                if mount.split(" ", 3)[2] == number:
                    return system.split(" ", 1)[0] in ("tmpfs", "ramfs")
    except OSError:
        pass  # no /proc: the slower way is always right
    return False


class _Area:
    """One file of a spool, with its mapping. It is replaced when the file is deleted."""

    def __init__(self, path: str, fd: int, alive: mmap.mmap | None, source: str) -> None:
        found = os.fstat(fd)
        self.path = path
        self.fd = fd
        self.identity = (found.st_dev, found.st_ino)
        self.source = source
        self.alive = alive
        """A page whose first byte is 1; the kernel clears it in a forked child."""
        self.generation = 1
        self.start = self.end = _SLOTS_END if alive else _HEADER_SIZE
        self.pid = os.getpid()
        self._marks_seen = b""
        """What readers had dealt with when slots were freed last."""
        self.held: dict[int, int] = {}
        """The slot of each notice in a slot. Taking a key out is atomic, and frees the slot."""
        small: deque[int] = deque()
        big: deque[int] = deque()
        urgent_small: deque[int] = deque()
        urgent_big: deque[int] = deque()
        if alive:
            options = {"trackfd": False} if sys.version_info >= (3, 13) else {}
            populate = getattr(mmap, "MAP_POPULATE", 0)
            self.mapping = mmap.mmap(fd, _SLOTS_END, flags=mmap.MAP_SHARED | populate, **options)
            tables = memoryview(self.mapping)
            self.ready = tables[_READY:_DONE].cast("Q")
            self.done = tables[_DONE : _DONE + 8 * _COUNT].cast("Q")
        self.queues = []
        for slot, size in enumerate(_SIZES):
            if slot < _COUNT // 2:
                queue = small if size == _SMALL else big
            else:
                queue = urgent_small if size == _SMALL else urgent_big
            queue.append(slot)
            self.queues.append(queue)
        """For each slot the queue to which it belongs while it is free."""
        self.choices = (
            ((small, big), (urgent_small, small, urgent_big, big)),
            ((big,), (urgent_big, big)),
        )
        """The queues of free slots for payloads that are small or big, ordinary or urgent."""

    def forked(self) -> bool:
        return not self.alive[0] if self.alive else self.pid != os.getpid()

    def take_slot(self, queues: tuple[deque[int], ...]) -> int | None:
        """A free slot of the first of these queues that has one."""
        for is_last_try in (False, True):
            for queue in queues:
                try:
                    if queue:
                        return queue.popleft()
                except IndexError:  # another thread took it
                    continue
            if not is_last_try:
                self.reclaim()
        return None

    def reclaim(self) -> None:
        """Frees the slots that readers have dealt with. Several threads may do so at once."""
        marks = self.mapping[_DONE : _DONE + 8 * _COUNT]
        if marks == self._marks_seen:
            return  # a full spool is asked for a slot again and again
        self._marks_seen = marks
        for seq, slot in self.held.copy().items():
            if self.done[slot] == seq and self.held.pop(seq, None) is not None:
                self.queues[slot].append(slot)

    def fd_is_ours(self) -> bool:
        try:
            found = os.fstat(self.fd)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self.identity

    def discard(self) -> None:
        """Closes what is ours. A number that is now another file's stays open."""
        ours = self.fd_is_ours()
        if self.alive and sys.version_info < (3, 13):
            try:
                intact = ours and self.mapping.size() == os.fstat(self.fd).st_size
            except OSError:
                intact = False
            if not intact:
                _abandoned.append(self.mapping)
        if ours:
            os.close(self.fd)


class Spool:
    """The spool of this process for a store.

    `write` belongs to the logging call and may run in any thread or signal handler. The worker
    calls everything else.
    """

    _of_this_process: dict[str, Spool] = {}  # noqa: RUF012  # by path, all spools of all stores

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = folders
        self._guard = threading.Lock()  # guards the descriptor and the replacement of the area
        self._area: _Area | None = None
        self._retired: list[_Area] = []
        self._pid = os.getpid()
        self._closed = False
        self._next_try = 0.0
        self._failure = "there is no folder for it"
        self.source: str = os.urandom(8).hex()
        self._problems: list[str] = []
        self._reported: set[str] = set()
        self._make()

    @property
    def writes_in_call(self) -> bool:
        """Whether `write` can keep alerts: the spool lies in memory."""
        area = self._area
        return area is not None and area.alive is not None

    @classmethod
    def is_own(cls, path: str) -> bool:
        """Whether the file belongs to this process, to any of its stores."""
        own = cls._of_this_process.get(path)
        return own is not None and not own.forked()

    @property
    def holds_alerts(self) -> bool:
        """Whether slots are in use, as far as this process knows."""
        area = self._area
        return area is not None and bool(area.held)

    @property
    def path(self) -> str | None:
        area = self._area
        return area.path if area else None

    def forked(self) -> bool:
        """Whether this is a child that has not called `after_fork`."""
        area = self._area
        return area.forked() if area else self._pid != os.getpid()

    def write(self, seq: int, payload: bytes, urgent: bool) -> int | None:
        """Writes an alert into a free slot and returns the slot's number.

        Returns None if no slot is free, the payload is longer than 16 KiB, there is no tmpfs, or
        this is a forked child that has not called `after_fork`.
        """
        area = self._area
        if area is None or area.alive is None or not area.alive[0]:
            return None
        size = len(payload)
        if size > _BIG:
            return None
        slot = area.take_slot(area.choices[size > _SMALL][urgent])
        if slot is None:
            return None
        crc = _crc32(payload[:_CRC_PIECE], seq & 0xFFFFFFFF)
        for piece in range(_CRC_PIECE, size, _CRC_PIECE):
            crc = _crc32(payload[piece : piece + _CRC_PIECE], crc)
        start = _OFFSETS[slot]
        mapping = area.mapping
        _pack_slot(mapping, start, seq, _time(), size, crc)
        start += 24
        mapping[start : start + size] = payload
        area.held[seq] = slot
        area.ready[slot] = seq
        # If the file was replaced in this moment, nobody may ever read the old one.
        return slot if self._area is area else None

    def append(self, notices: Sequence[tuple[int, bytes]]) -> None:
        """Adds notices to the journal, all or none. Raises OSError."""
        now = time.time()
        with self._guard:
            area = self._usable()
            block = bytearray()
            for seq, data in notices:
                crc = zlib.crc32(data, (seq ^ area.generation) & 0xFFFFFFFF)
                block += _ENTRY.pack(0, seq, now, len(data), crc) + data + bytes(-len(data) % 8)
            if area.end + len(block) > _MAX_JOURNAL:
                raise OSError(errno.ENOSPC, "holds 64 MiB that no sender has taken", area.path)
            try:
                written = 0
                while written < len(block):
                    written += os.pwrite(area.fd, block[written:], area.end + written)
            except OSError:
                os.ftruncate(area.fd, area.end)
                raise
            area.end += len(block)

    def maintain(self) -> None:
        """Frees slots, and repairs what the program or a cleaner did to the file.

        A descriptor that was closed is opened again, a lock that fell is taken again, a deleted
        file is replaced by a new one that gets everything nobody has dealt with.
        """
        with self._guard:
            try:
                area = self._usable()
            except OSError:
                return  # `append` says so when there is something to keep
            if area.alive:
                area.reclaim()
            if area.end >= area.start + _TRUNCATE_FROM:
                generation, offset = _PAIR.unpack(os.pread(area.fd, _PAIR.size, _JOURNAL_DONE))
                if (generation, offset) == (area.generation, area.end):
                    area.generation += 1
                    os.pwrite(area.fd, _NUMBER.pack(area.generation), _GENERATION)
                    os.ftruncate(area.fd, area.start)
                    area.end = area.start
            retired = self._retired
            self._retired = []
        for old in retired:
            self._empty(old)

    def waiting(self) -> list[Entry]:
        """The notices of this process that no reader has dealt with."""
        with self._guard:
            area = self._usable()
            return _all_entries(area.fd)

    def problems(self) -> list[str]:
        """Sentences about folders that could not be used, each folder once."""
        problems, self._problems = self._problems, []
        return problems

    def settle(self, numbers: Sequence[int]) -> None:
        """Marks notices of this process as delivered, so that no reader takes them.

        For a process that cannot reach its store and delivers from memory."""
        settled = set(numbers)
        with self._guard:
            area = self._usable()
            for entry in _all_entries(area.fd):
                if entry.seq not in settled:
                    continue
                if entry.slot >= 0:
                    mark_slots(area.fd, [(entry.slot, entry.seq)])
                else:
                    os.pwrite(area.fd, _NUMBER.pack(1), entry.start)

    def beat(self, number: int) -> None:
        """Shows that this process, the sender, is running: the number changes."""
        with self._guard:
            os.pwrite(self._usable().fd, _NUMBER.pack(number), _HEARTBEAT)

    def after_fork(self) -> None:
        """Gives a child a source and a spool of its own. In the parent it does nothing."""
        if not self.forked():
            return
        area, self._area = self._area, None
        self._guard = threading.Lock()
        self._retired = []
        self._pid = os.getpid()
        self.source = os.urandom(8).hex()
        if area:
            self._of_this_process.pop(area.path, None)
            area.discard()
        if not self._closed:
            self._make()

    def leave(self) -> None:
        """Delete the file if it is empty, because the process ends. A later notice makes one."""
        if self.forked():
            return
        with self._guard:
            area = self._area
            if area is None or not area.fd_is_ours():
                return
            try:
                os.pwrite(area.fd, _NUMBER.pack(1), _CLOSED)
                if not _all_entries(area.fd):
                    os.unlink(area.path)
            except OSError:
                pass  # the next sender finds the file

    def close(self) -> None:
        """Gives up the file. It is deleted if it is empty; otherwise the sender will do so."""
        if self.forked():
            self._closed = True
            self.after_fork()
            return
        self.maintain()
        with self._guard:
            self._closed = True
            area, self._area = self._area, None
            if area is None:
                return
            self._of_this_process.pop(area.path, None)
            if area.fd_is_ours():
                os.pwrite(area.fd, _NUMBER.pack(1), _CLOSED)
                if not _all_entries(area.fd):
                    try:
                        os.unlink(area.path)
                    except FileNotFoundError:
                        pass  # a cleaner was faster
            area.discard()

    def _make(self) -> None:
        for folder in self._folders:
            try:
                area = _make_area(folder, self.source)
            except OSError as error:
                reason = f"The spool cannot be made in {folder}: {error.strerror or error}."
                if folder not in self._reported:
                    self._reported.add(folder)
                    self._problems.append(reason)
                self._failure = f"{folder}: {error.strerror or error}"
                continue
            self._of_this_process[area.path] = self
            self._area = area
            return

    def _usable(self) -> _Area:
        """The area, with a descriptor that is certainly ours and the lock."""
        area = self._area
        if area is not None and area.forked():
            raise OSError(errno.EBADF, "belongs to the parent process")
        if area is not None:
            try:
                found = os.stat(area.path, follow_symlinks=False)
            except OSError:
                found = None
            if found is not None and (found.st_dev, found.st_ino) == area.identity:
                if not area.fd_is_ours():
                    area.fd = os.open(area.path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
                try:
                    fcntl.lockf(area.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    pass  # a reader tries whether it is free; the next call takes it again
                return area
        if self._closed:
            raise OSError(errno.EBADF, "the spool is closed")
        if area is None and time.monotonic() < self._next_try:
            raise OSError(errno.EIO, self._failure)
        self._make()
        if self._area is None or self._area is area:
            self._next_try = time.monotonic() + 1.0
            raise OSError(errno.EIO, self._failure)
        if area is not None:
            self._of_this_process.pop(area.path, None)
            self._retired.append(area)
        return self._area

    def _empty(self, old: _Area) -> None:
        """Moves into the new file what the deleted one holds.

        A reader may have dealt with some of it; it knows the numbers."""
        left = []
        held = old.held.copy()
        for seq, slot in held.items():
            start = _OFFSETS[slot]
            _, _, length, _ = _SLOT.unpack_from(old.mapping, start)
            left.append((seq, old.mapping[start + _SLOT.size : start + _SLOT.size + length]))
        if old.fd_is_ours():
            left += [(e.seq, e.data) for e in _all_entries(old.fd) if e.slot < 0]
        try:
            if left:
                self.append(left)
        except OSError:
            self._retired.append(old)
            return
        old.discard()


def _make_area(folder: str, source: str) -> _Area:
    """Makes the file under a hidden name, locks it, and only then gives it its name."""
    safe_folder(folder)
    in_memory = _is_tmpfs(folder)
    if in_memory:
        space = os.statvfs(folder)
        if space.f_bavail < space.f_blocks * _LEAVE_FREE:
            raise OSError(errno.ENOSPC, "is nearly full", folder)
    alive = None
    if in_memory and hasattr(mmap, "MAP_PRIVATE"):
        alive = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        try:
            alive.madvise(_MADV_WIPEONFORK)
            alive[0] = 1
        except OSError:
            alive = None  # before Linux 4.14: a C-level fork would go unnoticed
    hidden = os.path.join(folder, f".{source}")
    path = os.path.join(folder, source + SUFFIX)
    fd = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        os.posix_fallocate(fd, 0, _SLOTS_END if alive else _HEADER_SIZE)
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        slots = _COUNT if alive else 0
        header = _HEADER.pack(_MAGIC + _VERSION, source.encode(), os.getpid(), 0, 0, 1, slots, 0, 0)
        os.pwrite(fd, header, 0)
        area = _Area(path, fd, alive, source)
        os.rename(hidden, path)
    except BaseException:
        os.close(fd)
        os.unlink(hidden)
        raise
    return area


def _all_entries(fd: int) -> list[Entry]:
    header = read_header(fd)
    entries = [
        entry for slot, seq in header.waiting if (entry := slot_entry(fd, slot, seq)) is not None
    ]
    position = header.journal
    while True:
        more, end = journal_entries(fd, header, position, 1 << 20)
        entries += more
        if end == position:
            return sorted(entries, key=lambda entry: entry.seq)
        position = end


@contextmanager
def borrowed(path: str) -> Generator[int]:
    """A descriptor of a spool for reading and marking, for the length of a with block.

    Raises OSError for anything but a regular file that belongs to this user alone."""
    if Spool.is_own(path):
        own = Spool._of_this_process[path]
        with own._guard:
            yield own._usable().fd
        return
    fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise OSError(errno.EINVAL, "is no regular file with one name")
        if found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise OSError(errno.EPERM, "is not this user's alone")
        yield fd
    finally:
        os.close(fd)
