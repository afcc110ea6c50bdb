"""Sends for a store that several processes share, and from memory while that store fails.

Only one process is the sender of a store. Any other only hands over its notices, and becomes the
sender when that one ends.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .. import notice as notices
from ..notice import Notice
from ..stores.base import LeaseLost, StoreError
from ..stores.opened import store_for
from . import diagnostics
from .sender import Sender, open_sender

if TYPE_CHECKING:
    from ..config import HandlerConfig
    from ..stores.base import DurableStore
    from .outbox import Outbox

__all__ = ["SharedSender", "after_fork", "sender_for"]

_CARRY = 0.1
"""Seconds between two turns of the store's periodic work."""
_ASK = 0.5
"""Seconds between two attempts to become the sender."""
_TAKE = 0.2
"""Seconds between two turns in which the sender takes what other processes have handed over, and
renews its lease."""
_RECOVER = 5.0
"""Seconds until a store that failed is tried again."""
_PATIENCE = 60.0
"""Seconds without an answer of the service after which another process may try."""
_STAY_AWAY = 60.0
"""Seconds for which a process that gave up its place leaves it to others."""

_senders: dict[DurableStore, SharedSender] = {}


def sender_for(config: HandlerConfig) -> SharedSender:
    """The sender for a handler's store; all handlers of the process with that store share it."""
    assert config.store is not None
    store, numbers = store_for(config.store, config.token, config.users)
    if store not in _senders:
        _senders[store] = SharedSender(config, store, numbers)
    else:
        _senders[store].configure(config)
    return _senders[store]


def after_fork() -> None:
    """In a forked child: nothing of the parent's is used."""
    _senders.clear()


class SharedSender:
    """The part that this process has in sending for a store."""

    def __init__(self, config: HandlerConfig, store: DurableStore, numbers: Iterator[int]) -> None:
        """``numbers`` are those of the notices of this process."""
        store.prepare()
        self._config = self._wanted = config
        """What it sends by, and what the latest handler wants."""
        self._capacity = config.capacity
        self.store: DurableStore = store
        self._numbers = numbers
        self.active: Sender = open_sender(config, store)
        """Decides for the store while this process is its sender, or from memory."""
        self._fails = False
        """The store fails, and this process delivers from memory."""
        self._kept: list[int] = []
        """Notices in the spool that this process delivers from memory."""
        self._unsure: list[int] = []
        """Others of them, which may have reached the store although it failed."""
        self._found: set[int] = set()
        """Notices that were found in the spool when the store failed, and may still come by the
        queue of their handler."""
        self.is_sender: bool = False
        self._has_ended = False
        self._has_begun = False
        """The store has worked for this process."""
        self._carry_at = 0.0
        self._begin_at = 0.0
        self._recover_at = 0.0
        self.epoch: int = 0
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
    def outbox(self) -> Outbox:
        return self.active.outbox

    def configure(self, config: HandlerConfig) -> None:
        """Send by the settings of another handler, the latest that was configured."""
        self._wanted = config
        self._capacity = max(self._capacity, config.capacity)

    def _configure(self) -> None:
        """Raises StoreError, and then the settings change once the store works."""
        try:
            self.active.commit()
        except LeaseLost:
            self.is_sender = False  # another process goes on with what is not stored
        known, self.active = self.active, open_sender(self._wanted, self.store)
        self.active.delivered_here, self.active.pushes_here = (
            known.delivered_here,
            known.pushes_here,
        )
        self._config = self._wanted

    def append(self, new: Sequence[tuple[Notice, bool, int]]) -> None:
        """Hand notices over to the sender.

        With each comes whether it is in the spool already, and how many records it brings.
        """
        self._has_ended = False
        if not self._fails:
            self._carry_at = 0.0
            missing = [notice for notice, is_kept, _ in new if not is_kept]
            if not missing:
                return
            data = [(notice.seq, self._encoded(notice)) for notice in missing]
            try:
                # What logging calls left in the spool goes first: a drain notice, or one that
                # resolves, is about what was logged before it.
                self.store.carry(self._carried)
                self._carry_at = time.monotonic() + _CARRY
                try:
                    self.store.append(data)
                except StoreError:
                    # Perhaps they are there, and only the answer is lost. They count once.
                    self.store.append(data)
            except StoreError as error:
                self._fail(error, leave=[notice.seq for notice, _, _ in new])
                self._unsure += [notice.seq for notice in missing]
            else:
                return
        new = [item for item in new if not (item[1] and item[0].seq in self._found)]
        # The running totals that the sender of the store knows are unknown here.
        self.active.append(
            [
                (n._replace(epoch=0, total=records) if n.kind == "counted" else n, False, 0)
                for n, _, records in ((self._to_leave(n), kept, r) for n, kept, r in new)
            ]
        )
        self._kept += [notice.seq for notice, is_kept, _ in new if is_kept]

    def begin(self, now: float) -> bool:
        """Do the store's periodic work, and take in what waits if this process is the sender."""
        if self._fails and now >= self._recover_at:
            self._recover(now)
        if self._fails:
            return self.active.begin(now)
        try:
            if self._wanted is not self._config:
                self._configure()
            if now >= self._carry_at:
                self._carry_at = now + _CARRY
                self.store.carry(self._carried)
                for problem in self.store.problems():
                    diagnostics.say("store", problem)
            wants_it = self._takes_over and not self.is_sender
            if wants_it and not self.active.is_in_flight(self.store.peek()):
                self.store.seize()
                self._takes_over = False
                self._begin_at = now
            if self.is_sender or (now >= self._begin_at and not self._has_ended):
                if not self.is_sender:
                    self._begin_at = now + _ASK
                self.is_sender = self.active.begin(now)
                self._takes_over = self._takes_over and not self.is_sender
                self._has_begun = True
        except LeaseLost:
            self.is_sender = False
        except StoreError as error:
            self._fail(error)
            return self.active.begin(now)
        return self.is_sender

    def step(
        self, deadline: float | None, *, drains: bool = False, may_report: bool = True
    ) -> float | None:
        """One step of the sender, if this process is it; when to come again."""
        now = time.monotonic()
        if self._fails:
            due = self.active.step(deadline, drains=drains, may_report=may_report)
            self._settle()
            if deadline is not None:
                return due
            return self._recover_at if due is None else min(due, self._recover_at)
        if not self.is_sender:
            return None if deadline is not None else now + (_TAKE if self._takes_over else _ASK)
        if self._is_relay and deadline is not None:
            return None
        try:
            due = self.active.step(deadline, drains=drains, may_report=may_report)
            if deadline is None and self._should_give_up(now):
                if self.active.limits.refusals == 1:
                    self.active.let_another_try()
                self.active.leave()
                self.is_sender = False
                self._begin_at = now + _STAY_AWAY
                return now + _ASK
        except LeaseLost:
            self.is_sender = False
            return now + _ASK
        except StoreError as error:
            self._fail(error)
            return now
        if deadline is not None:
            return due
        return now + _TAKE if due is None else min(due, now + _TAKE)

    def _should_give_up(self, now: float) -> bool:
        """Whether this process cannot deliver, and another one may be able to.

        One other process tries a refused token before the pause is over. After that all keep to it.
        """
        since = self.active.failing_since
        limits = self.active.limits
        is_refused = limits.refusals == 1 and limits.refused_until > now
        if not is_refused and (since is None or now < since + _PATIENCE):
            return False
        return self.store.others()

    def needs_counts(self, now: float, arriving: int) -> bool:  # noqa: ARG002 - as for `Sender`
        """Counts go to a shared store as soon as they can."""
        return True

    @property
    def decides(self) -> bool:
        """Whether what waits is this process's to send."""
        return self.is_sender or self._fails

    def trim(self, unread: int) -> None:
        """Drop the least urgent alerts until as many wait as the largest handler may keep."""
        if self.decides:
            self.active.trim(unread, self._capacity)

    def settled(self) -> bool:
        """Whether nothing that is due waits here, and the sender has taken what was handed over."""
        if self.decides:
            return self.active.settled()
        return not self._untaken()

    def unsent(self) -> int:
        """Records that this process would lose or leave: those of its memory, or of its outbox."""
        if self._fails:
            return self.active.unsent()
        return self.active.outbox.records if self.is_sender else 0

    def leads(self) -> bool:
        """Whether other processes rely on this one, so that it must step once more when it ends."""
        return self.is_sender

    def waiting(self) -> int:
        """The same without records that are too few for an alert so far."""
        return self.active.waiting() if self._fails else self.unsent()

    def abandon(self) -> int:
        """The process ends: leave what waits in the store, or give it up if the store fails."""
        self._has_ended = True
        if self._fails:
            self._settle()
            return self.active.abandon()
        waiting = ringing = 0
        try:
            if self.is_sender:
                with self.active.lock:
                    waiting = self.active.unsent() or self.store.waiting()
                    now = time.monotonic()
                    ringing = sum(i.rings(now) for i in self.active.incidents.ringing)
                self.is_sender = False
                self.active.leave()
            else:
                waiting = self._untaken()
                self.store.release()
            if (waiting or ringing) and not self.store.others():
                diagnostics.say("waits", _left(waiting, ringing))
        except StoreError:
            pass  # the others find out that this process has ended
        if self.store.spool is not None:
            self.store.spool.leave()
        return 0

    def drain_is_done(self, seq: int) -> bool:
        """Whether the sender, whoever it is, has sent everything up to a drain notice."""
        if self._fails:
            return not self.active.unsent()
        if self.is_sender:
            # Not before it is stored: the program may end at once, and what was sent would be sent
            # again.
            drained = self.active.drained.get(self.store.source, 0) >= seq
            return drained and not self.active.is_committing
        try:
            return self.active.drained_in(self.store.peek()) >= seq
        except StoreError:
            return False

    def lost(self, snapshot: notices.Snapshot, repeats: int = 0) -> None:
        self.active.lost(snapshot, repeats)

    def forget_groups(self) -> None:
        """Does nothing: groups and emergencies of a store outlive a handler."""

    # Failure and recovery.

    def _fail(self, error: StoreError, leave: Sequence[int] = ()) -> None:
        """Deliver from memory from now on, and first what no other process may have taken.

        ``leave``: the numbers of notices that the caller delivers.
        """
        diagnostics.say(
            "store", f"the store fails, this process delivers from memory meanwhile: {error}"
        )
        may_be_sent = self._has_begun and not self.is_sender
        self._fails = True
        self.is_sender = False
        self.epoch += 1
        self._recover_at = time.monotonic() + _RECOVER
        self.active.detach()
        spool = self.store.spool
        assert spool is not None
        try:
            waiting = spool.waiting()
        except OSError:
            return  # the spool cannot be read; a sender finds it later
        excepted = self.active.known_numbers(spool.source)
        self._kept += [entry.seq for entry in waiting if entry.seq in excepted]
        excepted.update(leave)
        for entry in waiting:
            if entry.seq in excepted:
                continue
            try:
                notice = notices.decode(entry.data)
            except ValueError:
                continue  # written by another version; the sender says so
            if notice.kind == "counted":
                continue  # of the repeats before it some may be counted already
            # Another process may have taken it and sent it.
            notice = notice._replace(is_last=may_be_sent) if notice.kind == "new" else notice
            self.active.append([(self._to_leave(notice), False, 0)])
            self._kept.append(entry.seq)
            self._found.add(entry.seq)

    def _recover(self, now: float) -> None:
        self._recover_at = now + _RECOVER
        self.active.begin(now)  # what was handed over just now is not sent yet
        self._settle()
        try:
            known = self._kept + self._unsure
            told = self.active.attach(self.store, self._numbers, known)
            if told is not None:
                self.store.append([(notice.seq, self._encoded(notice)) for notice in told])
                self.active.forget(self.store)
        except StoreError:
            return
        if told is not None:
            self._settle(everything=True)  # what is still to be sent is told
        self._kept.clear()
        self._unsure.clear()
        self._found.clear()
        self.is_sender = told is None
        self._fails = False
        self.epoch += 1
        diagnostics.say("store works", "the store works again")

    def _settle(self, *, everything: bool = False) -> None:
        """Mark notices in the spool as delivered once all of them are sent."""
        spool = self.store.spool
        if self._kept and spool is not None and (everything or self.active.settled()):
            try:
                spool.settle(self._kept)
            except OSError:
                return  # the same disk; a later turn tries again
            self._kept.clear()

    def _untaken(self) -> int:
        """Notices of this process that no sender has taken."""
        spool = self.store.spool
        try:
            return 0 if spool is None else len(spool.waiting())
        except OSError:
            return 0

    # Texts that leave this machine.

    def _to_leave(self, notice: Notice) -> Notice:
        """The notice as the store gets it, now or once it works again."""
        return notice if self.store.wire == "marshal" else self.active.redacted(notice)

    def _encoded(self, notice: Notice) -> bytes:
        return self.active.seal(notices.encode(self._to_leave(notice), self.store.wire))

    def _carried(self, payload: bytes) -> bytes:
        """A payload of a spool as the store takes it."""
        return self._encoded(notices.decode(payload))


def _left(waiting: int, ringing: int) -> str:
    """What the last process says when it ends."""
    left = []
    if waiting:
        left.append("1 record waits" if waiting == 1 else f"{waiting} records wait")
    if ringing:
        left.append("1 emergency rings" if ringing == 1 else f"{ringing} emergencies ring")
    return (
        f"{' and '.join(left)} in the store; the next process that uses it goes on with that,"
        " or pushover-logging relay --store"
    )
