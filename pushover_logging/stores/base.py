"""The interface of a store: it carries notices from every process to the sender, as bytes.

A store contains no rules. Grouping, pace and retries belong to the sender; the store keeps the
sender's state and makes sure that at most one process can change it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import namedtuple

TYPE_CHECKING = False  # a store is opened when logging is configured, and typing loads slowly
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Literal, NamedTuple, Protocol

    from ..ingest.spool import Spool
else:
    Protocol = object

__all__ = [
    "DurableStore",
    "Holder",
    "LeaseLost",
    "Overview",
    "Seen",
    "Source",
    "SpoolReport",
    "Store",
    "StoreError",
    "StoreTooNew",
    "Taken",
]

Source = str
"""The random id of a process: 16 hexadecimal digits."""


class StoreError(Exception):
    """The store cannot be used: unreachable, full, read-only or damaged.

    The message is one plain sentence. The same call may succeed later."""


class LeaseLost(StoreError):  # noqa: N818  # an event, which the sender expects
    """Another process is the sender now. Call `Store.acquire` and `Store.load` again."""


class StoreTooNew(StoreError):  # noqa: N818  # says what is wrong in its name
    """A newer version of this package wrote the store."""


if TYPE_CHECKING:

    class Taken(NamedTuple):
        """A notice that `Store.take` returns."""

        source: Source
        seq: int
        data: bytes

    class Holder(NamedTuple):
        """The process that is the sender."""

        host: str
        pid: int

    class SpoolReport(NamedTuple):
        """The spool of a process of this host."""

        path: str
        source: Source
        pid: int
        alive: bool
        in_memory: bool
        """Logging calls write into it. Otherwise the worker does so, up to 0.1 seconds later."""
        waiting: int
        """Notices that no commit has covered."""

    class Overview(NamedTuple):
        """What operators ask about a store, besides its state."""

        known: bool
        """Whether any process has used the store, with this namespace."""
        sender: Holder | None
        """None if no process is the sender, or the sender has died."""
        spools: tuple[SpoolReport, ...]

else:
    Taken = namedtuple("Taken", "source seq data")
    Holder = namedtuple("Holder", "host pid")
    SpoolReport = namedtuple("SpoolReport", "path source pid alive in_memory waiting")
    Overview = namedtuple("Overview", "known sender spools")


class Store(Protocol):
    """Carries notices to the sender and keeps the sender's state.

    The worker thread makes all calls, except that `peek` and `waiting` may come from any thread.
    """

    @property
    def durable(self) -> bool:
        """Whether notices survive the process."""

    @property
    def wire(self) -> Literal["marshal", "json"]:
        """How the worker encodes the notices that it appends."""

    @property
    def source(self) -> Source:
        """The id of this process. It changes in `after_fork`, and only there."""

    @property
    def spool(self) -> Spool | None:
        """Where the logging call writes new alerts; None for a store that is not durable."""

    def prepare(self) -> None:
        """Loads the modules that the other calls need, while no fork can interfere."""

    def append(self, notices: Sequence[tuple[int, bytes]]) -> None:
        """Adds notices of this process, each with its sequence number, a positive integer.

        They are safe against the death of the process when this returns. After a `StoreError`
        the same notices may be appended again: a notice that arrives twice counts once.
        """

    def carry(self, transform: Callable[[bytes], bytes]) -> None:
        """Does the periodic work of every process. The worker calls it each 0.1 seconds.

        It frees slots of the spool, repairs a spool that was deleted, and with redis carries the
        spool of this process, and of dead processes of this host, to the server. ``transform``
        turns a payload of a spool into one for `wire`.
        """

    def acquire(self) -> bool:
        """Becomes the sender or remains it. Call it at least each second.

        After False, or after `LeaseLost`, the next True is a new lease: call `load` again.
        """

    def release(self) -> None:
        """Ends the lease at once, so that another process need not wait."""

    def take(self, limit: int) -> Sequence[Taken]:
        """Returns at most ``limit`` notices: in order for each source, merged by arrival.

        A notice is returned once in a lease. A gap in the sequence numbers does not block: a
        notice that becomes visible late is returned late, after higher numbers of its source.
        """

    def load(self) -> Mapping[str, bytes]:
        """Returns the state that the last sender left, and starts `take` from the beginning."""

    def commit(self, changes: Mapping[str, bytes | None], taken: Mapping[Source, int]) -> None:
        """Changes the state, None deletes a key, and removes notices; both or neither.

        It removes every notice that `take` has returned in this lease whose number is at most
        ``taken[source]``. Raises `LeaseLost` if another process is the sender.
        """

    def peek(self) -> Mapping[str, bytes]:
        """Returns the state; any process may ask."""

    def waiting(self) -> int:
        """Returns about how many notices no commit has covered; any process may ask."""

    def others(self) -> bool:
        """Returns whether another process uses the store and could become the sender."""

    def now(self) -> float:
        """Returns the time in Unix seconds, by the clock that all processes of the store share."""

    def problems(self) -> Sequence[str]:
        """Returns sentences about files and notices that were skipped since the last call."""

    def after_fork(self) -> None:
        """Gives a forked child its own source id, spool and connections."""

    def close(self) -> None:
        """Ends the lease and closes files and connections. Notices that wait stay in the store."""


class DurableStore(Store, Protocol):
    """A store that outlives its processes, with what operators need."""

    def overview(self) -> Overview:
        """Returns who sends, and the spools of other processes; any process may ask."""

    def covered(self, seq: int) -> bool:
        """Whether a commit has covered this notice of this process; any process may ask."""

    def browse(self) -> Iterator[Taken]:
        """Returns the notices that no commit has covered, and keeps them; any process may ask.

        `problems` says afterwards which of them are damaged.
        """

    def faults(self) -> Sequence[str]:
        """Looks for damage in the database, and returns a sentence for each."""

    def seize(self) -> None:
        """Becomes the sender although another process is: its commits are refused from then on."""


class Seen:
    """The sequence numbers of a source that commits have covered, as a list of ranges.

    A single highest number would not do: a thread may be interrupted between drawing number 5 and
    writing notice 5, while 6 is already committed.
    """

    __slots__ = ("_ends", "_starts")

    def __init__(self, text: str = "") -> None:
        """``text`` is what `encode` returned: the ranges, as in "1-5,7-7"."""
        self._starts: list[int] = []
        self._ends: list[int] = []
        for part in text.split(",") if text else ():
            start, _, end = part.partition("-")
            self._starts.append(int(start))
            self._ends.append(int(end))

    MAX_RANGES = 500
    """With more gaps than this the two lowest ranges are joined. A notice that is overtaken by
    thousands of others, and becomes visible after that, would be taken for a repetition."""

    def __contains__(self, seq: int) -> bool:
        index = bisect_right(self._starts, seq) - 1
        return index >= 0 and seq <= self._ends[index]

    def add(self, seq: int) -> None:
        """Adds a number; most come in order, at the end of the last range."""
        starts, ends = self._starts, self._ends
        if ends and seq == ends[-1] + 1:
            ends[-1] = seq
            return
        index = bisect_right(starts, seq)
        if index and seq <= ends[index - 1]:
            return
        joins_left = index > 0 and ends[index - 1] == seq - 1
        joins_right = index < len(starts) and starts[index] == seq + 1
        if joins_left and joins_right:
            ends[index - 1] = ends.pop(index)
            del starts[index]
        elif joins_left:
            ends[index - 1] = seq
        elif joins_right:
            starts[index] = seq
        else:
            starts.insert(index, seq)
            ends.insert(index, seq)
            if len(starts) > self.MAX_RANGES:
                del starts[1], ends[0]

    def encode(self) -> str:
        """The ranges as text; `Seen(text)` makes an equal object."""
        return ",".join(f"{s}-{e}" for s, e in zip(self._starts, self._ends, strict=True))

    def copy(self) -> Seen:
        """An independent object with the same numbers."""
        seen = Seen()
        seen._starts = self._starts.copy()
        seen._ends = self._ends.copy()
        return seen
