"""The sender: takes notices from the store, decides what to push and when, pushes, and commits.

One process sends for a store. With the memory store that is this process, always. Every method that
is not said to be for any thread runs on the worker thread.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

from .. import notice as notices
from ..client.constants import EXPIRE_MAXIMUM, MESSAGE_LIMIT, TITLE_LIMIT, Priority
from ..client.errors import APIError, PushoverError
from ..config.fields import Style
from ..ingest.fingerprint import digest
from ..notice import TEXT_BOUND, Notice, Snapshot
from ..render import summary
from ..render.alert import Alert, cut
from ..render.record import Renderer, filled_in
from ..render.redact import Redactor
from ..stores.base import LeaseLost, StoreError
from ..stores.memory import MemoryStore
from . import diagnostics
from .grouping import TAG_PREFIX, Group, Groups
from .incidents import Incident, Incidents, IncidentState
from .limits import Limits
from .outbox import Entry, Outbox, Part
from .retry import Backoff, RetryPolicy, load_for_failures
from .state import State, seal, unseal
from .target import Delivered, Outcome, QuotaSpent, Rejected, RetryLater, Target
from .worker import WORKER

if TYPE_CHECKING:
    from ..config import HandlerConfig
    from ..stores.base import Store
    from .incidents import ReceiptStatus

__all__ = ["Hooks", "Sender", "open_sender"]

_BATCH = 1000
"""Notices that are taken from the store at a time."""
_COMMIT_AT_ONCE = 50
"""So many notices are not left in the memory of the process until the next commit."""
_GROUP_ID = re.compile(r"[0-9a-f]{16}")
_MOST_RESOLVED = 1000
_MOST_TAGS = 50
"""The service's bound is not known; nobody resolves a digest of more groups than this."""
_CANCEL_AGAIN = 5.0
_LEAST_TIMEOUT = 0.1
_FASTEST_PUSH = 0.01
_MOST_DRAINED = 1000
_STOPPED = 2.0
"""Seconds between a commit and the send that follows it after which another process may have become
the sender: this one was stopped."""
_ID_LENGTH = 12
_COUNT = re.compile(r" \N{MULTIPLICATION SIGN}\d+$")
"""The number of records at the end of a title."""
_LEAST_FOR_LESS = 1.0
"""Seconds for a call that is no alert; less would often be too little for a good connection."""


def _today() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Hooks:
    """What the sender tells the application; called on the worker thread."""

    on_error: Callable[[Exception], object] | None = None
    on_acknowledged: Callable[[Any], object] | None = None
    on_lost: Callable[[Snapshot, int], object] | None = None
    """Gets a record that will not be delivered, and how many repeats are lost with it."""


class Sender:
    """Sends for one store; see the module's docstring."""

    def __init__(
        self,
        store: Store,
        config: HandlerConfig,
        target: Target,
        renderer: Renderer,
        policy: RetryPolicy,
        hooks: Hooks,
        *,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], datetime] = _today,
    ) -> None:
        self.store: Store = store
        self._config = config
        self._target = target
        self._renderer = renderer
        self._policy = policy
        self._hooks = hooks
        self._clock = clock
        self._today = today
        self.lock: threading.RLock = threading.RLock()
        """Guards everything below: each record is in one place at a time."""
        self.groups: Groups = Groups(config.grouping)
        self.outbox: Outbox = Outbox()
        self.limits: Limits = Limits(
            policy,
            max_per_minute=config.grouping.max_per_minute,
            quota_reserve=config.quota_reserve,
        )
        self.incidents: Incidents = Incidents()
        self.delivered: int = 0
        """Records that an accepted push stands for."""
        self.pushes: int = 0
        self.delivered_here: int = 0
        self.pushes_here: int = 0
        """The same as far as this process sent them."""
        self.dropped: Counter[str] = Counter()
        """Records that will not be delivered, by reason."""
        self.refused: str | None = None
        """The service's words as long as it refuses the token or the users."""
        self.turned_away: Counter[int] = Counter()
        """Records that the full queue refused, by level, which no push has reported yet."""
        self.reported_totals: dict[tuple[str, int], int] = {}
        """By process and level, how many records the full queue has refused."""
        self.interval: float = config.grouping.interval
        rules = config.loggers.values()
        self.has_thresholds: bool = max(config.grouping.after, *(r.after for r in rules), 1) > 1
        """Some groups need several records for an alert, so that counts are wanted at once."""
        self.taken: int = 0
        """Records that notices have brought, for all processes of a durable store."""
        self.silenced: dict[str, float] = {}
        """Keys and ids of groups that make no push, and until when, in Unix seconds."""
        self.resolved_at: dict[str, float] = {}
        """When the problem with a key was over the last time, in Unix seconds."""
        self.drained: dict[str, int] = {}
        """By process, the number of its latest drain notice whose pushes are all sent."""
        self.draining: dict[str, int] = {}
        """By process, the number of its latest drain notice."""
        self._drains = False
        self.failing_since: float | None = None
        """When the first send of those failed that got no answer, if the last one got none."""
        self._latest_style: tuple[Mapping[str, Any], Style] = ({}, Style())
        self._taken: dict[str, int] = {}
        """The notices of each process that the next commit covers."""
        self.is_committing: bool = False
        """What this sender knows is not stored yet."""
        self._uncommitted: set[tuple[str, int]] = set()
        """Notices that this sender knows and that no commit has covered."""
        self._known_already: set[tuple[str, int]] = set()
        """Those of them that came before the store failed: they may come once more."""
        self._seconds_of_a_push = _FASTEST_PUSH
        """How long the latest took, and at least that."""
        self._committed_at = 0.0
        self._has_led = False
        """This object has been the sender of the store, and knows what it did."""
        self._durable_state: State | None = None
        self._state: State | None = None
        self._leaves_machine = store.wire == "json"
        self._cipher = target.store_cipher() if self._leaves_machine else None
        self._is_sender = False
        if store.durable:
            self._durable_state = State(clock, self._stored_time, self.seal, self.unseal)
            self._state = self._durable_state

    epoch = 0
    """As `SharedSender.epoch`: the running totals of one sender never begin anew."""

    decides: bool = True
    """As for `SharedSender`: what waits is this sender's to send."""

    @property
    def active(self) -> Sender:
        """The sender that decides, as for `SharedSender`."""
        return self

    def append(self, new: Sequence[tuple[Notice, bool, int]]) -> None:
        """Put notices into the store. Their spool flag is ignored: memory has no spool.

        The third item counts the records that the notice reports for the first time.
        """
        self.store.append([(notice.seq, notices.encode(notice)) for notice, _, _ in new])

    def _stored_time(self) -> float:
        """The time by the clock that all processes of the store share."""
        return self.store.now()

    # One step.

    def begin(self, now: float) -> bool:
        """Become the sender of the store, or stay it, and take in what it brings.

        Returns whether this process is the sender. Raises StoreError.
        """
        if not self.store.acquire():
            self._is_sender = False
            return False
        if not self._is_sender:
            state = self.store.load()
            if self._state is not None:
                with self.lock:
                    try:
                        if self._has_led and self._state.is_mine(state):
                            self._go_on(state)
                        else:
                            self._forget()
                            self._state.restore(self, state)
                    except Exception as error:
                        raise StoreError(
                            f"The state in the store cannot be read: {_place(error)}."
                        ) from error
            self._is_sender = self._has_led = True
        while batch := self.store.take(_BATCH):
            with self.lock:
                for source, seq, data in batch:
                    self._taken[source] = max(seq, self._taken.get(source, 0))
                    if self._state is not None:
                        self._uncommitted.add((source, seq))
                        if (source, seq) in self._known_already:
                            continue
                    try:
                        self._apply(notices.decode(self.unseal(data)), source, now)
                    except Exception as error:  # noqa: BLE001 - one bad notice, not the worker
                        diagnostics.say("notice", f"a notice could not be read: {_place(error)}")
            if len(batch) < _BATCH:
                break
        if len(batch) >= _COMMIT_AT_ONCE and not self.store.durable:
            taken, self._taken = self._taken, {}
            self.store.commit({}, taken)
        return True

    def _go_on(self, state: Mapping[str, bytes]) -> None:
        """Put what this sender knows in place of the state, which nobody else has written.

        Another process had the lease and did nothing with it, or the store was replaced.
        """
        assert self._state is not None
        self._known_already |= self._uncommitted
        self._uncommitted.clear()
        self._taken.clear()
        if self.outbox.in_hand is not None:
            self.outbox.put(self.outbox.in_hand, self._clock())
        self._state.replace(self, state)

    def detach(self) -> None:
        """Go on from memory with everything this sender knows, because the store fails."""
        with self.lock:
            self._known_already |= self._uncommitted
            self._uncommitted.clear()
            self._taken.clear()
            self.store, self._state = MemoryStore(), None
            self._is_sender = True
            if self.outbox.in_hand is not None:
                self.outbox.put(self.outbox.in_hand, self._clock())
            for entry in self.outbox:
                entry.is_in_flight = False

    def attach(
        self, store: Store, number: Iterator[int], kept: Sequence[int]
    ) -> list[Notice] | None:
        """Go back to a store that works again; ``kept`` are notices that may be there.

        Returns None if this sender goes on with everything it knows. Otherwise another process has
        written to the store meanwhile, and these notices tell what this one knows; they must be
        appended to the store, and then `forget` must be called. Raises StoreError.
        """
        assert self._durable_state is not None
        state = store.load() if store.acquire() else None
        with self.lock:
            try:
                is_mine = state is not None and self._durable_state.is_mine(state)
            except ValueError as error:
                raise StoreError(f"The state in the store cannot be read: {error}.") from error
            if not is_mine:
                return self._handed_over(number)
            assert state is not None
            self.store, self._state = store, self._durable_state
            self._is_sender = True
            self._has_led = True
            self._known_already.update((store.source, seq) for seq in kept)
            self._state.replace(self, state)
            return None

    def known_numbers(self, source: str) -> set[int]:
        """The notices of a process that no commit covered before the store failed."""
        with self.lock:
            return {seq for known, seq in self._known_already if known == source}

    def commit(self) -> None:
        """Store what changed, where this process is the sender of the store."""
        if self._is_sender:
            self._commit()

    def forget(self, store: Store) -> None:
        """Know nothing, and begin with what is in the store."""
        with self.lock:
            self._forget()
            self.store, self._state = store, self._durable_state
            self._is_sender = self._has_led = False

    def _handed_over(self, number: Iterator[int]) -> list[Notice]:
        """Notices that tell another sender what this one knows."""
        told: list[Notice] = []
        ahead = time.time() - self._clock()

        def counted(group: Group, records: int) -> None:
            seq = next(number)
            told.append(
                Notice(
                    "counted",
                    seq,
                    group.last_at,
                    group.identity,
                    int(group.priority),
                    group.key,
                    group.shown,
                    group.style,
                    epoch=seq,
                    total=records,
                    is_last=group.shown_is_last,
                )
            )

        for entry in self.outbox:
            for part in entry.parts:
                group, repeats = part.group, part.records
                if part.alert is not None:
                    told.append(
                        Notice(
                            "new",
                            next(number),
                            part.alert.created,
                            group.identity,
                            int(group.priority),
                            group.key,
                            part.alert,
                            group.style,
                        )
                    )
                    repeats -= 1
                if repeats:
                    counted(group, repeats)
        waiting = {part.group for entry in self.outbox for part in entry.parts if part.alert}
        for group in self.groups:
            if group.is_open and group not in waiting:
                until = group.until
                until = ahead + (self._clock() + self.interval if until is None else until)
                told.append(
                    Notice(
                        "known",
                        next(number),
                        group.first.created,
                        group.identity,
                        int(group.priority),
                        group.key,
                        group.first,
                        group.style,
                        until=until,
                    )
                )
            if group.pending:
                counted(group, group.pending)
        for incident in self.incidents.ringing:
            if incident.rings(self._clock()):
                told.append(
                    Notice(
                        *("ringing", next(number), time.time()),
                        identity=tuple(group.identity for group in incident.groups),
                        key=incident.receipt,
                        style={"title": incident.title},
                        until=incident.expires_at + ahead,
                    )
                )
        return told

    def step(
        self, deadline: float | None, *, drains: bool = False, may_report: bool = True
    ) -> float | None:
        """Send once at most; when to come again (``time.monotonic()``), None: not before news.

        A ``deadline`` is set when the process ends. With the memory store everything that would be
        held back longer goes then. ``drains``: summaries go before their interval ends.
        ``may_report``: nothing else of this process waits to be sent.

        Raises StoreError, and LeaseLost if another process has become the sender.
        """
        now = self._clock()
        ending = deadline is not None and not self.store.durable
        with self.lock:
            self._sum_up(now, quietly=ending or drains or self._drains)
            if self._drains:
                self._drains = False
                for waiting in self.outbox:
                    waiting.is_drained = True
            if may_report:
                self._report(now)
            verdict = self.limits.verdict(now, self._today())
            entry = self.outbox.take_next(
                verdict,
                now,
                self.groups.claim,
                ending=ending,
                untried_first=self.limits.in_outage,
                most=math.inf if deadline is None else (deadline - now) / self._seconds_of_a_push,
            )
            escalates = None if entry is None else entry.escalates
            if entry is not None and escalates is not None and not escalates.rings(now):
                self.incidents.escalated(escalates, None)  # somebody has acknowledged meanwhile
                self.outbox.finished(entry)
                entry = None
            if entry is not None and self.store.durable:
                entry.is_in_flight = True
                self.outbox.changed.add(entry)
        self._commit()
        if entry is not None:
            self._send(entry, deadline)
            if self.store.durable:
                self._commit()
            if self.outbox or self.incidents.to_cancel or self.turned_away:
                return self._clock()
        elif self._cancel(now, deadline) or (deadline is None and self._follow_up(now)):
            return self._clock()
        with self.lock:
            return self._next_due(now, verdict.opens_at, ending=deadline is not None)

    def _commit(self) -> None:
        """Store what changed, and that the notices are taken; both or neither."""
        changes: Mapping[str, bytes | None] = {}
        self.is_committing = True
        with self.lock:
            if self.draining and not self._drains:
                in_hand = self.outbox.in_hand
                if not (in_hand and in_hand.is_drained) and not any(
                    entry.is_drained for entry in self.outbox
                ):
                    for source in self.draining:
                        self.drained.pop(source, None)  # the latest process stands last
                    self.drained.update(self.draining)
                    self.draining.clear()
                    while len(self.drained) > _MOST_DRAINED:
                        del self.drained[next(iter(self.drained))]
            if self._state is not None:
                changes = self._state.changes(self)
            else:
                self.groups.changed.clear()
                self.outbox.changed.clear()
                self.incidents.changed.clear()
            taken, self._taken = self._taken, {}
        if self.store.durable and not (changes or taken):
            self.is_committing = False
            return
        try:
            self.store.commit(changes, taken)
        except StoreError:
            # What this process knows is not what is stored: it begins anew with what is.
            self._is_sender = False
            raise
        finally:
            self.is_committing = False
        if self.store.durable:
            self._committed_at = self._clock()
            self._known_already -= self._uncommitted
            self._uncommitted.clear()

    def let_another_try(self) -> None:
        """Let the next sender try the refused token at once. Raises StoreError."""
        with self.lock:
            self.limits.end_refused_pause()
        self._commit()

    def leave(self) -> None:
        """Give up the place of the sender."""
        self._is_sender = False
        self.store.release()

    def _forget(self) -> None:
        """Know nothing: another process was the sender meanwhile."""
        self.groups = Groups(self._config.grouping)
        self.outbox = Outbox()
        self.incidents = Incidents()
        self.limits = Limits(
            self._policy,
            max_per_minute=self._config.grouping.max_per_minute,
            quota_reserve=self._config.quota_reserve,
        )
        self.taken = self.delivered = self.pushes = 0
        self.dropped.clear()
        self.turned_away.clear()
        self.reported_totals.clear()
        for known in (self.silenced, self.resolved_at, self.drained, self.draining, self._taken):
            known.clear()
        self._uncommitted.clear()
        self._known_already.clear()
        self._drains = False
        self.failing_since = self.refused = None

    def needs_counts(self, now: float, arriving: int) -> bool:
        """Whether what happens next depends on how often groups were repeated.

        ``arriving``: alerts of this process that are about to be taken in.
        """
        if self.outbox.alerts + arriving > 1 and self.limits.slots(now) <= 1:
            return True  # a digest takes the repeats of its groups along
        if self.has_thresholds:
            return True
        due = self.groups.next_due()
        if due is not None and due <= now:
            return True
        if not self.incidents.ringing:
            return False
        due = self.incidents.next_due()
        return due is not None and due <= now

    def _apply(self, notice: Notice, source: str, now: float) -> None:
        if notice.kind == "new":
            self.taken += 1
            group, is_alert = self.groups.take_in(notice)
            if group in self.groups.observed:
                self._observe(group, 1, now)
            elif is_alert:
                self._raise_alert(group, notice, now)
        elif notice.kind == "counted":
            group, repeats = self.groups.count(notice, source)
            self.taken += repeats
            if repeats and group in self.groups.observed:
                self._observe(group, repeats, now)
            elif repeats and not group.is_open:
                self._reopen(group, repeats, notice.at, now)
        elif notice.kind == "resolved":
            self._resolve(notice._replace(key=self._stored_name(notice.key or "")), now)
        elif notice.kind == "dropped":
            level = int(notice.identity[1])
            known = self.reported_totals.pop((source, level), 0)
            self.reported_totals[source, level] = notice.total
            self.turned_away[level] += notice.total - known
            if len(self.reported_totals) > _MOST_DRAINED:
                del self.reported_totals[next(iter(self.reported_totals))]
        elif notice.kind == "drain":
            self._drains = True
            self.draining[source] = notice.seq
        elif notice.kind == "known":
            self.groups.remember(notice, self._moment(notice.until, now + self.interval))
        elif notice.kind == "ringing" and notice.key is not None:
            self._take_over_ringing(notice, now)
        elif notice.kind == "silence" and notice.key is not None:
            self._silence(self._stored_name(notice.key), notice.until, now)
        elif notice.kind == "unsilence" and notice.key is not None:
            self._end_silence(self._stored_name(notice.key), now)

    def _stored_name(self, name: str) -> str:
        """A name as the groups have it: an operator gives it as the application spells it."""
        return self._renderer.tidy_for(self._config.style)(name) if self._leaves_machine else name

    def _moment(self, unix: float, latest: float) -> float:
        """A stored time in seconds of ``time.monotonic()``."""
        return min(latest, self._clock() + unix - self.store.now())

    def _take_over_ringing(self, notice: Notice, now: float) -> None:
        """An emergency that another process has sent while the store failed."""
        assert notice.key is not None
        groups = [group for i in notice.identity if (group := self.groups.find(i)) is not None]
        if any(incident.receipt == notice.key for incident in self.incidents):
            return
        incident = Incident(
            notice.key,
            str(notice.style.get("title", "")),
            tuple(groups),
            self._moment(notice.until, now + EXPIRE_MAXIMUM),
            polled_at=now,
        )
        self.incidents.restore(incident)
        self.incidents.changed.add(incident)
        for group in groups:
            if group.incident is None or not group.incident.rings(now):
                group.incident = incident
                self.groups.changed.add(group)

    def _is_over(self, group: Group, at: float) -> bool:
        """Whether the problem was resolved after something that is read only now."""
        return any(self.resolved_at.get(name, 0.0) >= at for name in self._names_of(group))

    def _most(self, group: Group, priority: Priority) -> Priority:
        return min(group.priority, priority)

    def _raise_alert(self, group: Group, notice: Notice, now: float) -> None:
        """Let the first record of a group become a push, unless it is to be counted only."""
        after, _ = self._threshold(group)
        if after > 1:
            self.groups.put_back(group, 1)
            self.groups.observe(group)
            self._observe(group, 1, now)
        elif (silent_until := self._silent_until(group)) > now:
            self.groups.put_back(group, 1)
            self.groups.wait(group, silent_until)
        else:
            self._put_alert(group, 1, notice.at, now, is_doubtful=notice.is_last)

    def _reopen(self, group: Group, repeats: int, at: float, now: float) -> None:
        """Records were counted as repeats of a group that is over for the sender."""
        after, _ = self._threshold(group)
        if after > 1:
            self.groups.observe(group)
            self._observe(group, repeats, now)
        elif self._is_over(group, at):
            repeats = self.groups.claim(group)
            entry = Entry([Part(group, repeats)], self._most(group, Priority.NORMAL), now)
            self.outbox.put(entry, now)
        else:
            self.groups.reopen(group, now)

    def _put_alert(
        self, group: Group, records: int, at: float, now: float, *, is_doubtful: bool = False
    ) -> None:
        """Let ``group.first`` be pushed, which was logged at ``at``; the push stands for all.

        ``is_doubtful``: another process may have sent it before.
        """
        priority = group.priority
        if self.resolved_at and self._is_over(group, at):
            priority = min(priority, Priority.NORMAL)  # it was over before it was read
            self.groups.close(group)
        entry = Entry([Part(group, records, group.first)], priority, now)
        if is_doubtful:
            entry.doubtful = ("",)
        self.outbox.put(entry, now)

    def _threshold(self, group: Group) -> tuple[int, float | None]:
        """How many records within how many seconds make an alert of this group."""
        rule = None
        if self._config.loggers and group.identity[0] != "other":  # which may be of any logger
            rule = self._config.rule_for(group.first.name)
        limits = self._config.grouping if rule is None else rule
        return limits.after, limits.within

    def _observe(self, group: Group, records: int, now: float) -> None:
        """Count records of a group that had too few for an alert so far."""
        after, within = self._threshold(group)
        seen = (*group.occurrences, *[now] * min(records, after))[-after:]
        if within is not None:
            seen = tuple(at for at in seen if at + within >= now)
        group.occurrences = seen
        if len(seen) < after:
            if within is not None:
                self.groups.wait(group, seen[0] + within)
            return
        group.occurrences = ()
        del self.groups.observed[group]
        group.until = None
        self.groups.changed.add(group)
        if not self._is_silent(group, now):
            group.first, group.shown_is_last = group.shown, False
            self._put_alert(group, self.groups.claim(group), group.last_at, now)

    def _stop_observing(self, group: Group, now: float) -> None:
        """Drop the records of a group that stayed too few in the time given."""
        _, within = self._threshold(group)
        seen = group.occurrences
        if within is not None:
            seen = group.occurrences = tuple(at for at in seen if at + within > now)
        if seen and within is not None:
            self.groups.wait(group, seen[0] + within)
            return
        self._drop_observed(group)
        self.groups.close(group)

    def _drop_observed(self, group: Group) -> None:
        """Drop the records of a group that are too few for an alert."""
        if records := self.groups.claim(group):
            self.dropped["below_after"] += records

    def _names_of(self, group: Group) -> tuple[str, ...]:
        """What an operator may call a group: its key, or its id."""
        return (digest(group.identity), *([group.key] if group.key is not None else []))

    def _silent_until(self, group: Group) -> float:
        """Until when (``time.monotonic()``) a group makes no push."""
        if not self.silenced:
            return 0.0
        until = max(self.silenced.get(name, 0.0) for name in self._names_of(group))
        return self._clock() + until - self.store.now() if until else 0.0

    def _silence(self, name: str, until: float, now: float) -> None:
        """Only count the records of a group, or of all groups with a key, for some time."""
        self.silenced[name] = until
        groups = [group for group in self.groups if name in self._names_of(group)]
        self.incidents.resolve(groups, now)
        for entry in list(self.outbox):
            if entry.parts and all(part.group in groups for part in entry.parts):
                self.outbox.remove(entry)
                for part in entry.parts:
                    self.groups.put_back(part.group, part.records)
                    self.groups.wait(part.group, self._silent_until(part.group))

    def _end_silence(self, name: str, now: float) -> None:
        """Say how many records the silence held, without ringing; the next record is an alert."""
        if self.silenced.pop(name, None) is None:
            return
        for group in self.groups:
            if name not in self._names_of(group) or self._silent_until(group) > now:
                continue
            if group.pending and group not in self.groups.observed:
                part = Part(group, self.groups.claim(group))
                priority = min(group.priority, Priority.NORMAL)
                self.outbox.put(Entry([part], priority, now), now)
                self.groups.close(group)
            elif group.until is not None and group not in self.groups.observed:
                self.groups.close(group)

    def _to_sum_up(self) -> list[Group]:
        """The groups whose repeats a push may stand for now."""
        now = self._clock()
        return [g for g in self.groups.unfinished() if self._silent_until(g) <= now]

    def _is_silent(self, group: Group, now: float) -> bool:
        """Whether a group makes no push now; if so, it is summed up when it may."""
        silent_until = self._silent_until(group)
        if silent_until > now:
            self.groups.wait(group, silent_until)
        return silent_until > now

    def _resolve(self, notice: Notice, now: float) -> None:
        """End what was logged before the notice, also if that is read later."""
        name = notice.key or ""
        self.resolved_at[name] = max(notice.at, self.resolved_at.pop(name, 0.0))
        if len(self.resolved_at) > _MOST_RESOLVED:
            del self.resolved_at[next(iter(self.resolved_at))]
        groups = self.groups.with_key(name)
        if _GROUP_ID.fullmatch(name):  # an operator may name a group by its id
            groups += [group for group in self.groups if digest(group.identity) == name]
        self.incidents.resolve(groups, now)
        self.outbox.lower(groups, now)
        for group in groups:
            if group.pending and group.until is not None and group not in self.groups.observed:
                entry = Entry([Part(group, self.groups.claim(group))], Priority.NORMAL, now)
                # It may have been put off for as long as the ringing would have lasted.
                entry.not_before = min(group.until, now + self.interval)
                self.outbox.put(entry, now)
            if group in self.groups.observed:
                self._drop_observed(group)
            self.groups.close(group)

    def _sum_up(self, now: float, *, quietly: bool) -> None:
        """Make the summaries of groups whose interval has ended, or of all."""
        if self.silenced:
            unix = self.store.now()
            for name in [name for name, until in self.silenced.items() if until <= unix]:
                self._end_silence(name, now)
        for group in self._to_sum_up() if quietly else self.groups.due(now):
            incident = group.incident
            if group in self.groups.observed:
                self._stop_observing(group, now)
            elif (silent_until := self._silent_until(group)) > now:
                self.groups.wait(group, silent_until)
            elif incident is not None and incident.rings(now) and not quietly:
                self.groups.wait(group, incident.expires_at)
            elif group.pending:
                priority = group.priority
                is_over = incident is not None and not incident.is_still_happening(group)
                if group.key is not None and self.resolved_at.get(group.key, 0.0) >= group.last_at:
                    is_over = True  # it was over before its repeats were read
                if priority is Priority.EMERGENCY and (quietly or is_over):
                    priority = Priority.NORMAL  # it rang for this already
                part = Part(group, self.groups.claim(group))
                self.outbox.put(Entry([part], priority, now), now)
                group.until = None
            else:
                self.groups.close(group)

    def _report(self, now: float) -> None:
        """Say in a push of its own what no record's push can say."""
        today = self._today()
        if self.limits.should_warn(today):
            quota = self.limits.quota
            text = summary.quota_report(
                self._renderer,
                quota.limit or 0,
                quota.remaining or 0,
                quota.reset,
                self._config.quota_reserve,
                self._config.style,
            )
            self.outbox.put(Entry([], text.priority, now, text), now)
        if self.turned_away and not self.outbox and not self.limits.in_outage:
            text = summary.dropped_report(
                self._renderer,
                dict(self.turned_away),
                self._config.capacity,
                self._config.style,
            )
            self.turned_away.clear()
            self.outbox.put(Entry([], text.priority, now, text), now)

    def _next_due(self, now: float, opens_at: float, *, ending: bool) -> float | None:
        # When the process ends everything is summed up already, and nobody is asked any more.
        due = [] if ending else [self.groups.next_due(), self.incidents.next_due()]
        cancel = self.incidents.cancel_due()
        if cancel is not None:
            due.append(max(cancel, self.limits.slot_opens_at(now)))
        waits = self.outbox.next_due()
        if waits is not None:
            if self.outbox.has_emergency() and not self.limits.holds(now):
                opens_at = min(opens_at, self.limits.emergency_opens_at(now))
            due.append(max(waits, opens_at))
        return min([at for at in due if at is not None], default=None)

    def trim(self, unread: int, capacity: int | None = None) -> None:
        """Drop the least urgent alerts until at most ``capacity`` wait, ``unread`` ones too.

        By default the capacity of the handler.
        """
        capacity = self._config.capacity if capacity is None else capacity
        while self.outbox.alerts > max(0, capacity - unread):
            with self.lock:
                victim = self.outbox.turn_away()
                if victim is None:
                    return
                self.dropped["full"] += victim.records
                for part in victim.parts:
                    self.turned_away[part.group.first.levelno] += part.records
                    self.groups.pushed(part.group, self._clock())
            self._lost(victim.parts)

    # One send, and what became of it.

    def _send(self, entry: Entry, deadline: float | None) -> None:
        timeout = None if deadline is None else max(_LEAST_TIMEOUT, deadline - self._clock())
        entry.tries += 1
        try:
            entry.text = entry.text or self._write(entry)
            if entry.doubtful:
                self._cancel_in_doubt(entry, timeout)
                if deadline is not None:
                    timeout = max(_LEAST_TIMEOUT, deadline - self._clock())
            self._check_lease()
            escalates = entry.escalates is not None
            began = self._clock()
            outcome = self._target.deliver(entry.text, timeout, escalates=escalates)
            self._seconds_of_a_push = max(_FASTEST_PUSH, self._clock() - began)
            entry.is_in_flight = False
            self._settle(entry, outcome, is_last_chance=deadline is not None)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - a defect must cost one alert, not the worker
            diagnostics.say("error", f"an alert was lost to a defect: {_place(error)}")
            self._drop(entry, "error", error)
        finally:
            with self.lock:
                if self.outbox.in_hand is entry:  # the thread ends in the middle of a send
                    self.outbox.put(entry, self._clock())

    def _check_lease(self) -> None:
        """Raise `LeaseLost` if this process was stopped so long that another one is the sender."""
        if not self.store.durable or self._clock() <= self._committed_at + _STOPPED:
            return
        if not self.store.acquire():
            raise LeaseLost("Another process is the sender.")

    def _cancel_in_doubt(self, entry: Entry, timeout: float | None) -> None:
        """An emergency that another process may have sent must not ring twice."""
        assert entry.text is not None
        if entry.text.priority is Priority.EMERGENCY:
            for name in filter(None, entry.doubtful):
                self._target.cancel_by_tag(f"push-{name}", timeout)
        note = "(This may have been sent before.)\n"
        limit = MESSAGE_LIMIT - len(note)
        if not entry.text.message.startswith(note) and len(entry.text.message) <= limit:
            entry.text = entry.text._replace(message=note + entry.text.message)

    def _settle(self, entry: Entry, outcome: Outcome, *, is_last_chance: bool) -> None:
        now = self._clock()
        if isinstance(outcome, Delivered):
            self._delivered(entry, outcome, now)
            return
        with WORKER.loading:  # a fork in the middle would leave the child an import lock
            load_for_failures()
        if isinstance(outcome, RetryLater):
            self._try_later(entry, outcome.error, now, quietly=is_last_chance)
        elif isinstance(outcome, QuotaSpent):
            with self.lock:
                ends = self.limits.quota_spent(outcome.reset, self._today())
                entry.backoff = None  # an alert that waits for quota is in no outage
                self.outbox.put(entry, now)
            diagnostics.say(
                "quota", f"{outcome.error}; alerts go out again from {ends:%Y-%m-%d %H:%M} UTC on"
            )
            self._tell_error(outcome.error)
        else:
            self._rejected(entry, outcome, now)

    def _delivered(self, entry: Entry, outcome: Delivered, now: float) -> None:
        assert entry.text is not None
        with self.lock:
            quota = self.limits.quota.updated(outcome.limit, outcome.remaining, outcome.reset)
            self.limits.delivered(quota, now, self._today())
            self.refused = self.failing_since = None
            self.delivered += entry.records
            self.delivered_here += entry.records
            self.pushes += 1
            self.pushes_here += 1
            self.outbox.finished(entry)
            incident = None
            if entry.text.priority is Priority.EMERGENCY and outcome.receipt:
                groups = [p.group for p in entry.parts if p.group.priority is Priority.EMERGENCY]
                incident = self.incidents.open(
                    outcome.receipt, entry.text.title, groups, entry.text.expire, now
                )
                if entry.escalates is None and self._config.escalate_after is not None:
                    incident.escalates_at = now + self._config.escalate_after
                for group in groups:
                    group.incident = incident
            if entry.escalates is not None:
                self.incidents.escalated(entry.escalates, incident)
            for part in entry.parts:
                self.groups.pushed(part.group, now)
        if outcome.info:
            diagnostics.say("info", f"a push was accepted, but the service says: {outcome.info}")

    def _try_later(self, entry: Entry, error: PushoverError, now: float, *, quietly: bool) -> None:
        if self.failing_since is None:
            self.failing_since = now
        with self.lock:
            entry.backoff = entry.backoff or Backoff(self._policy, now)
            wait = entry.backoff.wait_after(error, now)
            until = self.limits.failed(error, entry.priority, now)
            if wait is not None:
                entry.not_before = max(until, now + wait)
                self.outbox.put(entry, now)
        if wait is None:
            diagnostics.say("gave_up", f"an alert was given up after {entry.tries} tries: {error}")
            self._drop(entry, "gave_up", error)
            return
        if not quietly:
            diagnostics.say("outage", f"cannot deliver now, will try again: {error}")
        self._tell_error(error)

    def _rejected(self, entry: Entry, outcome: Rejected, now: float) -> None:
        error = outcome.error
        if outcome.is_credential:
            with self.lock:
                pause = self.limits.refused_credentials(now)
                if self.refused is None:
                    diagnostics.say(
                        "refused credentials",
                        f"sending stopped, the next try is in {_duration(pause)}: {error}",
                    )
                self.refused = str(error)
                self._target.reset_users()
                self.outbox.put(entry, now)
            self._tell_error(error)
            return
        with self.lock:
            self.limits.used_slot(now)
            bad_inputs = error.bad_inputs if isinstance(error, APIError) else {}
            is_for_nobody = entry.escalates is not None and "user" in bad_inputs
            if entry.priority is Priority.EMERGENCY and not is_for_nobody:
                entry.priority, entry.text = Priority.HIGH, None
                self.outbox.put(entry, now)
        if self.outbox.in_hand is entry:
            diagnostics.say("refused", f"an alert was refused: {error}")
            self._drop(entry, "refused", error)
        else:
            diagnostics.say("emergency", f"an emergency was refused, it goes as HIGH: {error}")
            self._tell_error(error)

    def _drop(self, entry: Entry, reason: str, error: Exception) -> None:
        with self.lock:
            if entry.records:
                self.dropped[reason] += entry.records
            if entry.escalates is not None:
                self.incidents.escalated(entry.escalates, None)
            self.outbox.finished(entry)
            for part in entry.parts:
                self.groups.pushed(part.group, self._clock())
        self._lost(entry.parts)
        self._tell_error(error)

    def _write(self, entry: Entry) -> Alert:
        """The text of a push, whose title ends in the number of records if there are several."""
        if entry.escalates is not None:
            return self._write_escalation(entry, entry.escalates)
        parts = entry.parts
        part = parts[0]
        group = part.group
        style = self._style_of(group)
        if len(parts) > 1:
            text = summary.digest(
                self._renderer,
                [
                    summary.Part(
                        p.alert or p.group.shown,
                        self._style_of(p.group),
                        p.group.priority,
                        p.records,
                    )
                    for p in parts
                ],
                entry.priority,
            )
        elif part.alert is not None:
            text = self._renderer.render(part.alert, style, entry.priority).counted(part.records)
        else:
            text = summary.summary(
                self._renderer,
                group.first,
                group.shown,
                group.shown_is_last,
                style,
                entry.priority,
                part.records,
                group.first.created,
                group.last_at or group.shown.created,
            )
        for complaint in text.complaints:
            diagnostics.say("override", f"a record's own options: {complaint}")
        return self._tagged(text, entry, [p.group for p in parts])

    def _write_escalation(self, entry: Entry, incident: Incident) -> Alert:
        """The push to the users of ``escalate_to``; it stands for no record."""
        group = incident.groups[0]
        rest = len(incident.groups) - 1
        more = f"\n… and {rest} more" if rest else ""
        style = self._style_of(group)
        text = self._renderer.render(
            group.first, style, entry.priority, limit=MESSAGE_LIMIT - len(more)
        )
        title = f"Not acknowledged: {_COUNT.sub('', incident.title)}"
        text = text._replace(
            message=text.message + more,
            title=cut(title, TITLE_LIMIT),
            device=None,  # the devices of these users have other names
        )
        return self._tagged(text, entry, incident.groups)

    def _tagged(self, text: Alert, entry: Entry, groups: Iterable[Group]) -> Alert:
        """The push with tags by which its ringing can be ended."""
        tags = [tag for group in groups if (tag := group.tag) is not None]
        if self.store.durable and text.priority is Priority.EMERGENCY:
            tags.insert(0, f"push-{entry.id}")
        if not tags:
            return text
        return text._replace(tags=(*text.tags, *tags[:_MOST_TAGS]))

    def _style_of(self, group: Group) -> Style:
        """Most notices of a process have the same style."""
        if group.style != self._latest_style[0]:
            self._latest_style = group.style, Style(**group.style)
        return self._latest_style[1]

    # Emergencies.

    def _cancel(self, now: float, deadline: float | None) -> bool:
        """End the ringing of one emergency; whether the service was called.

        Cancels come after alerts, one at a time, and use a slot of the minute.
        """
        due = [name for name, at in self.incidents.to_cancel.items() if at <= now]
        if not due or not self.limits.slots(now):
            return False
        name = due[0]
        del self.incidents.to_cancel[name]
        timeout = self._time_for_less(now, deadline)
        by_tag = name.startswith(TAG_PREFIX)
        error = (self._target.cancel_by_tag if by_tag else self._target.cancel)(name, timeout)
        if error is None:
            self.limits.used_slot(self._clock())
            return True
        diagnostics.say("cancel", f"an emergency could not be cancelled: {error}")
        if error.retryable:
            wait = max(self._policy.wait_initial, min(_CANCEL_AGAIN, self._policy.wait_max))
            self.incidents.to_cancel[name] = self._clock() + wait
        self._tell_error(error)
        return True

    def _time_for_less(self, now: float, deadline: float | None) -> float:
        """Seconds for a call that is no alert: alerts may come meanwhile, and the process may end.

        Half the time that the process has for its end then remains for the alerts.
        """
        share = max(_LEAST_FOR_LESS, self._config.exit_timeout / 2)
        return share if deadline is None else min(share, max(_LEAST_TIMEOUT, deadline - now))

    def _follow_up(self, now: float) -> bool:
        """Escalate or ask about one emergency; whether the service was called."""
        if not self.incidents.ringing:
            return False
        with self.lock:
            unanswered = self.incidents.to_escalate(now)
        if unanswered is not None:
            status = self._target.receipt(unanswered.receipt, self._time_for_less(now, None))
            if status is not None:
                self._learn(unanswered, status, now)
            with self.lock:
                if unanswered.rings(now):
                    self._escalate(unanswered, now)
            return True
        with self.lock:
            # Operators read in a durable store who has acknowledged.
            listens = self._hooks.on_acknowledged is not None or self.store.durable
            incident = self.incidents.to_poll(now, someone_listens=listens)
        if incident is None:
            return False
        status = self._target.receipt(incident.receipt, self._time_for_less(now, None))
        if status is not None:
            self._learn(incident, status, now)
        return True

    def _learn(self, incident: Incident, status: ReceiptStatus, now: float) -> None:
        """Take in what the service says of an emergency.

        Still happening: an acknowledged emergency rings again after an interval, an expired one at
        once. Whoever acknowledges first, of the users and those of ``escalate_to``, stops both.
        """
        with self.lock:
            incident.polled_at = now
            incident.learn(status)
            if incident.rings(now):
                return
            self.incidents.changed.add(incident)
            answered = incident.state is IncidentState.ACKNOWLEDGED
            other = incident.counterpart if answered else None
            if other is not None and other.rings(now):
                other.state = IncidentState.ACKNOWLEDGED
                other.acknowledged_at = incident.acknowledged_at
                other.acknowledged_by = incident.acknowledged_by
                other.counted_before = dict(incident.counted_before)
                self.incidents.to_cancel[other.receipt] = now
                self.incidents.changed.add(other)
            for group in incident.groups:
                if group.until is None or group.incident is None:
                    continue
                if group.incident is incident or group.incident is other:
                    (self.groups.pushed if answered else self.groups.wait)(group, now)
        if status.acknowledged:
            diagnostics.call_safely("on_acknowledged", self._hooks.on_acknowledged, status)

    def _escalate(self, incident: Incident, now: float) -> None:
        """Ring the users of ``escalate_to`` too."""
        if not incident.groups:  # forgotten, and the text with them
            self.incidents.escalated(incident, None)
            return
        incident.is_escalating = True
        self.incidents.changed.add(incident)
        entry = Entry([], Priority.EMERGENCY, now)
        entry.escalates = incident
        # A successor of this process makes the same id, and cancels by it what this one has sent.
        entry.id = f"to-{incident.receipt[:_ID_LENGTH]}" if self.store.durable else ""
        if incident.is_escalation_in_doubt:
            entry.doubtful = (entry.id,)
        self.outbox.put(entry, now)

    # What the pipeline asks, from any thread.

    def settled(self) -> bool:
        """Whether nothing that is due waits, and nothing is being sent."""
        with self.lock:
            return not self.outbox

    def unsent(self) -> int:
        """How many records no push stands for yet."""
        with self.lock:
            return self.outbox.records + self.groups.pending

    def waiting(self) -> int:
        """How many records wait for a push: not those that are too few for an alert so far."""
        with self.lock:
            return self.unsent() - self.groups.observed_records()

    def has_reports(self) -> bool:
        """Whether a push waits, or is being sent, that stands for no record."""
        with self.lock:
            waiting = [self.outbox.in_hand, *self.outbox]
            return bool(self.turned_away) or any(e is not None and not e.parts for e in waiting)

    def abandon(self) -> int:
        """Give up everything that waits, because the process ends; how many records that were.

        Not the push in hand, whose answer may come yet. Records that wait because the service
        refuses the token are not counted, because that was said.
        """
        with self.lock:
            left = self.waiting()
            parts = self.outbox.clear()
            for group in self.groups.unfinished():
                parts.append(Part(group, self.groups.claim(group)))
            for group in self.groups.observed:
                self._drop_observed(group)
            if lost := sum(part.records for part in parts):
                self.dropped["exit" if self.refused is None else "stopped"] += lost
        self._lost(parts)
        return left if self.refused is None else 0

    def redacted(self, notice: Notice) -> Notice:
        """The notice without credentials, for a store on another machine.

        Everywhere a text comes out the same, so that the processes agree which records are alike.
        """
        snapshot = notice.snapshot
        style = self._config.style if snapshot is None else Style(**notice.style)
        tidy = self._renderer.tidy_for(style)

        def shortened(text: str) -> str:
            """Like ``tidy``, which shows only both ends of an endless text."""
            is_endless = len(text) >= TEXT_BOUND - 1
            return sha256(text.encode("utf-8", "replace")).hexdigest() if is_endless else tidy(text)

        notice = notice._replace(identity=_cleaned(notice.identity, shortened))
        if notice.key is not None and notice.kind != "ringing":  # there it is a receipt
            notice = notice._replace(key=tidy(notice.key))
        if snapshot is None:
            return notice
        return notice._replace(
            snapshot=snapshot._replace(
                text=tidy(filled_in(snapshot, tidy)),
                args=None,
                overrides=_cleaned(snapshot.overrides, tidy),
                exceptions=tuple(e._replace(text=tidy(e.text)) for e in snapshot.exceptions),
                fields=_cleaned(snapshot.fields, tidy),
                complaints=_cleaned(snapshot.complaints, tidy),
            ),
        )

    def seal(self, data: bytes) -> bytes:
        """The data for the store: encrypted if there is a key and it leaves the machine."""
        return seal(data, self._cipher)

    def unseal(self, data: bytes) -> bytes:
        """What `seal` was given. Raises ValueError if the key is another."""
        return unseal(data, self._cipher)

    def drained_in(self, state: Mapping[str, bytes]) -> int:
        """The number of this process's latest drain notice that is done, as the store says."""
        if self._state is None or "totals" not in state:
            return 0
        return self._state.drained(state["totals"]).get(self.store.source, 0)

    def is_in_flight(self, state: Mapping[str, bytes]) -> bool:
        """Whether the state says that a push is being sent."""
        return self._state is not None and self._state.is_in_flight(state)

    def leads(self) -> bool:
        """As for `SharedSender`: nobody relies on the memory of this process."""
        return False

    def drain_is_done(self, seq: int) -> bool:  # noqa: ARG002 - as for `SharedSender`
        """Whether everything is sent."""
        return not self.waiting()

    def forget_groups(self) -> None:
        """Forget all groups and emergencies: the handler was closed, and nothing waits."""
        with self.lock:
            for group in self.groups.observed:
                self._drop_observed(group)
            self.groups = Groups(self._config.grouping)
            self.incidents.stop()

    def lost(self, snapshot: Snapshot, repeats: int = 0) -> None:
        """Tell the application that a record and so many repeats will not be delivered."""
        if self._hooks.on_lost is not None:
            self._hooks.on_lost(snapshot, repeats)

    def _lost(self, parts: list[Part]) -> None:
        for part in parts:
            if part.records:
                shown = part.alert or part.group.shown
                self.lost(shown, part.records - (part.alert is not None))

    def _tell_error(self, error: Exception) -> None:
        diagnostics.call_safely("on_error", self._hooks.on_error, error)


def open_sender(config: HandlerConfig, store: Store | None = None) -> Sender:
    """Load everything that delivers, and put it together for a handler and a store."""
    policy = config.retry_policy
    if not isinstance(policy, RetryPolicy):
        policy = RetryPolicy(**cast("dict[str, Any]", policy))
    target = Target(config)
    target.open()
    redactor = Redactor(config.redact, (config.token, *config.users, *config.escalate_to))
    hooks = Hooks(
        config.on_error, config.on_acknowledged, diagnostics.fallback_for(config.fallback)
    )
    return Sender(store or MemoryStore(), config, target, Renderer(redactor), policy, hooks)


def _cleaned(value: Any, tidy: Callable[[str], str]) -> Any:
    """The value with all its texts cleaned; an encoded image has none."""
    if isinstance(value, str):
        return tidy(value)
    if isinstance(value, Mapping):
        return {
            name: each if name == "attachment_base64" else _cleaned(each, tidy)
            for name, each in value.items()
        }
    if isinstance(value, tuple | list):
        return type(value)(_cleaned(each, tidy) for each in value)
    return value


def _duration(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:g} minutes"


def _place(error: Exception) -> str:
    """What kind of error and where; its text could hold anything."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{where}"
