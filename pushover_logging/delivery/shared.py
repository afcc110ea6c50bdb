"""Sends for a store that several processes share, and from memory while that store fails.

Only one process is the sender of a store. Any other only hands over its notices, and becomes the
sender when that one ends.
"""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .. import notice as notices
from ..notice import Notice
from ..stores import open_store
from ..stores.base import LeaseLost, StoreError
from ..stores.memory import MemoryStore
from . import diagnostics
from .sender import Sender, open_sender

if TYPE_CHECKING:
    from ..config import HandlerConfig
    from ..ingest.spool import Spool
    from ..stores.base import DurableStore, Store
    from .outbox import Outbox

__all__ = ["SharedSender", "namespace_of", "sender_for", "store_for"]

_CARRY = 0.1
"""Seconds between two turns of the store's periodic work."""
_ASK = 0.5
"""Seconds between two attempts to become the sender."""
_TAKE = 0.2
"""Seconds between two turns in which the sender takes what other processes have handed over, and
renews its lease."""
_ENDS = 1.0
"""Seconds for which a process that is about to end does not become the sender again."""
_RECOVER = 5.0
"""Seconds until a store that failed is tried again."""

_stores: dict[tuple[str, str], tuple[DurableStore, Iterator[int]]] = {}
"""The open stores of this process, and the numbers of its notices, by address and namespace."""
_senders: dict[tuple[str, str], SharedSender] = {}


def namespace_of(token: str, users: Sequence[str]) -> str:
    """What separates applications in one store; it tells neither the token nor the user keys."""
    keys = "\0".join([token, *sorted(users)])
    return hashlib.sha256(keys.encode()).hexdigest()[:32]


def store_for(config: HandlerConfig) -> tuple[DurableStore, Iterator[int]]:
    """The store of a handler, opened when the process configures the first handler with it.

    With it come the numbers for the notices of this process, the same for all its handlers.
    """
    assert config.store is not None
    key = config.store, namespace_of(config.token, config.users)
    if key not in _stores:
        _stores[key] = open_store(*key), itertools.count(1)
    return _stores[key]


def sender_for(config: HandlerConfig) -> SharedSender:
    """The sender for a handler's store; all handlers of the process with that store have the same."""
    assert config.store is not None
    key = config.store, namespace_of(config.token, config.users)
    if key not in _senders:
        _senders[key] = SharedSender(config, store_for(config)[0])
    return _senders[key]


def after_fork() -> None:
    """In a forked child: nothing of the parent's is used."""
    _senders.clear()
    for store, _ in _stores.values():
        store.after_fork()


class SharedSender:
    """The part that this process has in sending for a store."""

    def __init__(self, config: HandlerConfig, store: DurableStore) -> None:
        self._config = config
        self._store = store
        self._primary = open_sender(config, store)
        self._backup: Sender | None = None
        """Delivers from memory while the store fails."""
        self._kept_for_backup: list[int] = []
        """Notices in the spool that the backup has taken over."""
        self.is_sender = False
        self._carry_at = 0.0
        self._begin_at = 0.0
        self._recover_at = 0.0
        self.epoch = 0
        """Rises whenever running totals must begin anew."""
        self._is_relay = False
        self._takes_over = False
        """The process is to become the sender, although another process is."""

    def be_relay(self) -> None:
        """Send in place of the processes that log: for a process that does nothing else.

        It becomes the sender at a moment when no push of another sender is in flight. When it
        ends, it begins no further push.
        """
        self._is_relay = self._takes_over = True

    @property
    def active(self) -> Sender:
        """The sender that decides just now."""
        return self._backup or self._primary

    @property
    def store(self) -> Store:
        return self.active.store

    @property
    def outbox(self) -> Outbox:
        return self.active.outbox

    def append(self, new: Sequence[tuple[Notice, bool]]) -> None:
        """Hand notices over to the sender; those marked true are in the spool already."""
        if self._backup is None:
            missing = [notice for notice, is_kept in new if not is_kept]
            try:
                if missing:
                    self._primary.store.append(
                        [(notice.seq, self._encoded(notice)) for notice in missing]
                    )
                return
            except StoreError as error:
                self._fail(error)
        assert self._backup is not None
        self._backup.store.append([(n.seq, notices.encode(n)) for n, _ in new])
        self._kept_for_backup += [notice.seq for notice, is_kept in new if is_kept]

    def begin(self, now: float) -> bool:
        """Do the store's periodic work, and take in what waits if this process is the sender."""
        if self._backup is not None and now >= self._recover_at:
            self._recover(now)
        if self._backup is not None:
            return self._backup.begin(now)
        try:
            store = self._store
            if now >= self._carry_at:
                self._carry_at = now + _CARRY
                store.carry(self._carried)
                for problem in store.problems():
                    diagnostics.say("store", problem)
            if self._takes_over and not self.is_sender:
                if not self._primary.is_in_flight(store.peek()):
                    store.seize()
                    self._takes_over = False
                    self._begin_at = now
            if self.is_sender or now >= self._begin_at:
                self._begin_at = now + _ASK
                self.is_sender = self._primary.begin(now)
                self._takes_over = self._takes_over and not self.is_sender
        except LeaseLost:
            self.is_sender = False
        except StoreError as error:
            self._fail(error)
            assert self._backup is not None
            return self._backup.begin(now)
        return self.is_sender

    def step(
        self, deadline: float | None, *, drains: bool = False, may_report: bool = True
    ) -> float | None:
        """One step of the sender, if this process is it; when to come again."""
        now = time.monotonic()
        if self._backup is not None:
            due = self._backup.step(deadline, drains=drains, may_report=may_report)
            self._settle()
            return self._recover_at if due is None else min(due, self._recover_at)
        if not self.is_sender:
            return None if deadline is not None else now + (_TAKE if self._takes_over else _ASK)
        if self._is_relay and deadline is not None:
            return None
        try:
            due = self._primary.step(deadline, drains=drains, may_report=may_report)
        except LeaseLost:
            self.is_sender = False
            return now + _ASK
        except StoreError as error:
            self._fail(error)
            return now
        if deadline is not None:
            return due
        return now + _TAKE if due is None else min(due, now + _TAKE)

    def needs_counts(self, now: float, arriving: int) -> bool:
        """Counts go to a shared store as soon as they can."""
        return True

    def trim(self, room: int) -> None:
        """Drop the least urgent alerts as far as more wait than there is room for."""
        if self.is_sender or self._backup is not None:
            self.active.trim(room)

    def settled(self) -> bool:
        """Whether nothing that is due waits here, and the sender has taken what was handed over."""
        if self._backup is not None:
            return self._backup.settled()
        if self.is_sender:
            return self._primary.settled()
        return not self._untaken()

    def unsent(self) -> int:
        """Records that this process would lose or leave: those of its memory, or of its outbox."""
        if self._backup is not None:
            return self._backup.unsent()
        return self._primary.outbox.records if self.is_sender else 0

    def abandon(self) -> int:
        """The process ends: leave what waits in the store, or give it up if the store fails."""
        if self._backup is not None:
            return self._backup.abandon()
        if not self.is_sender:
            return 0
        with self._primary.lock:
            waiting = self._primary.unsent()
            ringing = sum(i.rings(time.monotonic()) for i in self._primary.incidents.ringing)
        try:
            self._primary.store.release()
        except StoreError:
            pass  # it is found out that this process has ended
        self.is_sender = False
        self._begin_at = time.monotonic() + _ENDS
        if waiting or ringing:
            diagnostics.say(
                "waits",
                f"{waiting} records wait in the store and {ringing} emergencies ring; the next"
                " process that uses the store, or pushover-logging relay, goes on with them",
            )
        return 0

    def drain_is_done(self, seq: int) -> bool:
        """Whether the sender, whoever it is, has sent everything up to a drain notice."""
        if self._backup is not None:
            return not self._backup.unsent()
        if self.is_sender:
            return self._primary.drained.get(self._primary.store.source, 0) >= seq
        try:
            return self._primary.drained_in(self._primary.store.peek()) >= seq
        except StoreError:
            return False

    def lost(self, snapshot: notices.Snapshot, repeats: int = 0) -> None:
        self.active.lost(snapshot, repeats)

    def forget_groups(self) -> None:
        """Does nothing: groups and emergencies of a store outlive a handler."""

    # Failure and recovery.

    def _fail(self, error: StoreError) -> None:
        diagnostics.say(
            "store", f"the store fails, this process delivers from memory meanwhile: {error}"
        )
        self._backup = open_sender(self._config, MemoryStore())
        if self.is_sender:
            self._backup.adopt(self._primary)
        self.is_sender = False
        self.epoch += 1
        self._recover_at = time.monotonic() + _RECOVER

    def _recover(self, now: float) -> None:
        backup = self._backup
        assert backup is not None
        self._recover_at = now + _RECOVER
        self._settle()
        try:
            self._primary.store.carry(self._carried)
            if not self._primary.begin(now) and backup.unsent():
                self._primary.store.waiting()  # raises if the store still fails
                return  # another process sends; what waits here goes from here
        except StoreError:
            return
        self.is_sender = self._primary.begin(now)
        if self.is_sender:
            self._primary.adopt(backup)
        self._backup = None
        self.epoch += 1
        diagnostics.say("store", "the store works again")

    def _settle(self) -> None:
        """Mark notices in the spool as delivered once the backup has sent everything."""
        if self._kept_for_backup and self._backup is not None and self._backup.settled():
            spool: Spool | None = self._primary.store.spool
            if spool is not None:
                try:
                    spool.settle(self._kept_for_backup)
                except OSError:
                    return  # the same disk; a later turn tries again
            self._kept_for_backup.clear()

    def _untaken(self) -> bool:
        spool = self._primary.store.spool
        try:
            return spool is not None and bool(spool.waiting())
        except OSError:
            return False

    # Texts that leave this machine.

    def _encoded(self, notice: Notice) -> bytes:
        if self._primary.store.wire == "marshal":
            return notices.encode(notice)
        return self._primary.seal(notices.encode(self._primary.redacted(notice), "json"))

    def _carried(self, payload: bytes) -> bytes:
        """A payload of a spool as the store takes it."""
        return self._encoded(notices.decode(payload))
