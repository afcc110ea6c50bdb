"""The sender: takes notices from the store, decides what to push and when, pushes, and commits.

One process sends for a store. With the memory store that is this process, always. Every method that
is not said to be for any thread runs on the worker thread.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, cast

from .. import notice as notices
from ..client.constants import Priority
from ..client.errors import PushoverError
from ..config.fields import Style
from ..notice import Notice, Snapshot
from ..render import summary
from ..render.alert import Alert
from ..render.record import Renderer
from ..render.redact import Redactor
from ..stores.memory import MemoryStore

from . import diagnostics
from .grouping import Group, Groups, tag_of
from .incidents import Incidents, IncidentState
from .limits import Limits
from .outbox import Entry, Outbox, Part
from .retry import Backoff, RetryPolicy
from .target import Delivered, Outcome, QuotaSpent, Rejected, RetryLater, Target

if TYPE_CHECKING:
    from ..config import HandlerConfig
    from ..stores.base import Store

__all__ = ["Hooks", "Sender", "open_sender"]

_BATCH = 1000
"""Notices that are taken from the store at a time."""
_MOST_TAGS = 50
"""The service's bound is not known; nobody resolves a digest of more groups than this."""
_CANCEL_AGAIN = 5.0
_LEAST_TIMEOUT = 0.1


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
        self.store = store
        self._config = config
        self._target = target
        self._renderer = renderer
        self._policy = policy
        self._hooks = hooks
        self._clock = clock
        self._today = today
        self.lock = threading.RLock()
        """Guards everything below: each record is in one place at a time."""
        self.groups = Groups(config.grouping)
        self.outbox = Outbox()
        self.limits = Limits(
            policy,
            max_per_minute=config.grouping.max_per_minute,
            quota_reserve=config.quota_reserve,
        )
        self.incidents = Incidents()
        self.delivered = 0
        """Records that an accepted push stands for."""
        self.pushes = 0
        self.dropped: Counter[str] = Counter()
        """Records that will not be delivered, by reason."""
        self.refused: str | None = None
        """The service's words as long as it refuses the token or the users."""
        self._turned_away: Counter[int] = Counter()
        """Records that found no room, by level, as far as no push has said so yet."""
        self._reported_totals: dict[tuple[str, int], int] = {}
        self._drains = False
        self._latest_style: tuple[Mapping[str, Any], Style] = ({}, Style())
        self._taken: dict[str, int] = {}
        """The notices of each process that the next commit covers."""

    # One step.

    def step(
        self, deadline: float | None, *, drains: bool = False, may_report: bool = True
    ) -> float | None:
        """Send once at most; when to come again (``time.monotonic()``), None: not before news.

        A ``deadline`` is set when the process ends: what would be held back longer goes now.
        ``drains``: summaries go before their interval ends. ``may_report``: nothing else of this
        process waits to be sent.
        """
        now, ending = self._clock(), deadline is not None
        with self.lock:
            self._sum_up(now, quietly=ending or drains or self._drains)
            self._drains = False
            if may_report:
                self._report(now)
            verdict = self.limits.verdict(now, self._today())
            entry = self.outbox.take_next(
                verdict,
                now,
                self.groups.claim,
                ending=ending,
                untried_first=self.limits.in_outage,
            )
        if entry is not None:
            self._send(entry, deadline)
        self.store.commit({}, self._taken)
        self._taken.clear()
        if entry is None:
            emergencies = self.incidents.ringing or self.incidents.to_cancel
            if emergencies and not ending and self._follow_up(now):
                return self._clock()
        elif self.outbox or self.incidents.to_cancel or self._turned_away:
            return self._clock()
        with self.lock:
            return self._next_due(now, verdict.opens_at, ending=ending)

    def take_in(self, now: float) -> None:
        """Apply the notices in the store to the groups."""
        while batch := self.store.take(_BATCH):
            with self.lock:
                for source, seq, data in batch:
                    try:
                        self._apply(notices.decode(data), source, now)
                    except ValueError as error:
                        diagnostics.say("notice", f"a notice could not be read: {error}")
                    self._taken[source] = max(seq, self._taken.get(source, 0))
            if len(batch) < _BATCH:
                return

    def needs_counts(self, now: float, arriving: int) -> bool:
        """Whether what happens next depends on how often groups were repeated.

        ``arriving``: alerts of this process that are about to be taken in.
        """
        if self.outbox.alerts + arriving > 1 and self.limits.slots(now) <= 1:
            return True  # a digest takes the repeats of its groups along
        due = self.groups.next_due()
        if due is not None and due <= now:
            return True
        if not self.incidents.ringing:
            return False
        due = self.incidents.next_due()
        return due is not None and due <= now

    def _apply(self, notice: Notice, source: str, now: float) -> None:
        if notice.kind == "new":
            group, is_alert = self.groups.take_in(notice)
            if is_alert:
                part = Part(group, 1, notice.snapshot)
                self.outbox.put(Entry([part], Priority(notice.priority), now), now)
        elif notice.kind == "counted":
            group, repeats = self.groups.count(notice, source)
            if repeats and not group.is_open:
                # It was counted as a repeat of a group that is over for the sender.
                self.groups.reopen(group, now)
        elif notice.kind == "resolved" and notice.key is not None:
            self._resolve(notice, now)
        elif notice.kind == "dropped":
            level = int(notice.identity[1])
            known = self._reported_totals.get((source, level), 0)
            self._reported_totals[source, level] = notice.total
            self._turned_away[level] += notice.total - known
        elif notice.kind == "drain":
            self._drains = True

    def _resolve(self, notice: Notice, now: float) -> None:
        assert notice.key is not None
        tag = tag_of(notice.key)
        self.incidents.resolve(tag, now)
        self.outbox.lower(tag, now)
        for group in self.groups.with_key(notice.key):
            if group.pending and group.until is not None:
                entry = Entry([Part(group, self.groups.claim(group))], Priority.NORMAL, now)
                # It may have been put off for as long as the ringing would have lasted.
                entry.not_before = min(group.until, now + self._config.grouping.interval)
                self.outbox.put(entry, now)
            self.groups.close(group)

    def _sum_up(self, now: float, *, quietly: bool) -> None:
        """Make the summaries of groups whose interval has ended, or of all."""
        for group in self.groups.unfinished() if quietly else self.groups.due(now):
            incident = group.incident
            if incident is not None and incident.rings(now) and not quietly:
                self.groups.wait(group, incident.expires_at)
            elif group.pending:
                priority = group.priority
                is_over = incident is not None and not incident.is_still_happening(group)
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
        if self._turned_away and not self.outbox and not self.limits.in_outage:
            text = summary.dropped_report(
                self._renderer,
                dict(self._turned_away),
                self._config.capacity,
                self._config.style,
            )
            self._turned_away.clear()
            self.outbox.put(Entry([], text.priority, now, text), now)

    def _next_due(self, now: float, opens_at: float, *, ending: bool) -> float | None:
        # When the process ends everything is summed up already, and nobody is asked any more.
        due = [] if ending else [self.groups.next_due()]
        if not ending and (self.incidents.ringing or self.incidents.to_cancel):
            due.append(self.incidents.next_due())
        waits = self.outbox.next_due()
        if waits is not None:
            if self.outbox.has_emergency() and not self.limits.holds(now):
                opens_at = min(opens_at, self.limits.emergency_opens_at(now))
            due.append(max(waits, opens_at))
        return min([at for at in due if at is not None], default=None)

    def trim(self, room: int) -> None:
        """Drop the least urgent alerts as far as more wait than there is room for."""
        while self.outbox.alerts > max(0, room):
            with self.lock:
                victim = self.outbox.turn_away()
                if victim is None:
                    return
                self.dropped["full"] += victim.records
                for part in victim.parts:
                    self._turned_away[part.group.first.levelno] += part.records
                    self.groups.pushed(part.group, self._clock())
            self._lost(victim.parts)

    # One send, and what became of it.

    def _send(self, entry: Entry, deadline: float | None) -> None:
        timeout = None if deadline is None else max(_LEAST_TIMEOUT, deadline - self._clock())
        entry.tries += 1
        try:
            entry.text = entry.text or self._write(entry)
            outcome = self._target.deliver(entry.text, timeout)
            self._settle(entry, outcome, is_last_chance=deadline is not None)
        except Exception as error:  # noqa: BLE001 - a defect must cost one alert, not the worker
            diagnostics.say("error", f"an alert was lost to a defect: {_place(error)}")
            self._drop(entry, "error", error)
        finally:
            with self.lock:
                if self.outbox.in_hand is entry:  # the thread ends in the middle of a send
                    self.outbox.put(entry, self._clock())

    def _settle(self, entry: Entry, outcome: Outcome, *, is_last_chance: bool) -> None:
        now = self._clock()
        if isinstance(outcome, Delivered):
            self._delivered(entry, outcome, now)
        elif isinstance(outcome, RetryLater):
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
            self.refused = None
            self.delivered += entry.records
            self.pushes += 1
            self.outbox.finished(entry)
            if entry.text.priority is Priority.EMERGENCY and outcome.receipt:
                groups = [p.group for p in entry.parts if p.group.priority is Priority.EMERGENCY]
                incident = self.incidents.open(
                    outcome.receipt, entry.text.title, groups, entry.text.expire, now
                )
                for group in groups:
                    group.incident = incident
            for part in entry.parts:
                self.groups.pushed(part.group, now)
        if outcome.info:
            diagnostics.say("info", f"a push was accepted, but the service says: {outcome.info}")

    def _try_later(
        self, entry: Entry, error: PushoverError, now: float, *, quietly: bool
    ) -> None:
        with self.lock:
            entry.backoff = entry.backoff or Backoff(self._policy, now)
            wait = entry.backoff.wait_after(error, now)
            until = self.limits.failed(error, entry.priority, now)
            if wait is not None:
                entry.not_before = max(until, now + wait)
                self.outbox.put(entry, now)
        if wait is None:
            diagnostics.say(
                "gave_up", f"an alert was given up after {entry.tries} tries: {error}"
            )
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
            if entry.priority is Priority.EMERGENCY:
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
            self.dropped[reason] += entry.records
            self.outbox.finished(entry)
            for part in entry.parts:
                self.groups.pushed(part.group, self._clock())
        self._lost(entry.parts)
        self._tell_error(error)

    def _write(self, entry: Entry) -> Alert:
        """The text of a push, whose title ends in the number of records if there are several."""
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
        tags = [tag for p in parts if (tag := p.group.tag) is not None]
        if not tags:
            return text
        return dataclasses.replace(text, tags=(*text.tags, *tags[:_MOST_TAGS]))

    def _style_of(self, group: Group) -> Style:
        """Most notices of a process have the same style."""
        if group.style != self._latest_style[0]:
            self._latest_style = group.style, Style(**group.style)
        return self._latest_style[1]

    # Emergencies.

    def _follow_up(self, now: float) -> bool:
        """Ask about one emergency, or cancel one; whether the service was called.

        Cancels come after alerts, one at a time, and use a slot of the minute.
        """
        for tag, at in list(self.incidents.to_cancel.items()):
            if at > now or not self.limits.verdict(now, self._today()).slots:
                continue
            del self.incidents.to_cancel[tag]
            error = self._target.cancel(tag)
            if error is None:
                self.limits.used_slot(self._clock())
                return True
            diagnostics.say("cancel", f"an emergency could not be cancelled: {error}")
            if error.retryable:
                wait = max(self._policy.wait_initial, min(_CANCEL_AGAIN, self._policy.wait_max))
                self.incidents.to_cancel[tag] = self._clock() + wait
            self._tell_error(error)
            return True
        with self.lock:
            listens = self._hooks.on_acknowledged is not None
            incident = self.incidents.to_poll(now, someone_listens=listens)
        if incident is None:
            return False
        status = self._target.receipt(incident.receipt)
        if status is None:
            return True
        with self.lock:
            incident.learn(status)
            if not incident.rings(now):
                # Still happening: an acknowledged emergency rings again after an interval, an
                # expired one at once.
                answered = incident.state is IncidentState.ACKNOWLEDGED
                for group in incident.groups:
                    if group.incident is incident and group.until is not None:
                        (self.groups.pushed if answered else self.groups.wait)(group, now)
        if status.acknowledged:
            diagnostics.call_safely("on_acknowledged", self._hooks.on_acknowledged, status)
        return True

    # What the pipeline asks, from any thread.

    def settled(self) -> bool:
        """Whether nothing that is due waits, and nothing is being sent."""
        with self.lock:
            return not self.outbox

    def unsent(self) -> int:
        """How many records no push stands for yet."""
        with self.lock:
            return self.outbox.records + self.groups.pending

    def abandon(self) -> int:
        """Give up everything that waits, because the process ends; how many records that were.

        Not the push in hand, whose answer may come yet. Records that wait because the service
        refuses the token are not counted, because that was said.
        """
        with self.lock:
            left = self.unsent()
            parts = self.outbox.clear()
            for group in self.groups.unfinished():
                parts.append(Part(group, self.groups.claim(group)))
            if lost := sum(part.records for part in parts):
                self.dropped["exit" if self.refused is None else "stopped"] += lost
        self._lost(parts)
        return left if self.refused is None else 0

    def forget_groups(self) -> None:
        """Forget all groups and emergencies: the handler was closed, and nothing waits."""
        with self.lock:
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


def open_sender(config: HandlerConfig) -> Sender:
    """Load everything that delivers, and put it together for a handler."""
    policy = config.retry_policy
    if not isinstance(policy, RetryPolicy):
        policy = RetryPolicy(**cast("dict[str, Any]", policy))
    target = Target(config)
    target.open()
    redactor = Redactor(config.redact, (config.token, *config.users))
    hooks = Hooks(config.on_error, config.on_acknowledged, diagnostics.fallback_for(config.fallback))
    return Sender(MemoryStore(), config, target, Renderer(redactor), policy, hooks)


def _duration(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:g} minutes"


def _place(error: Exception) -> str:
    """What kind of error and where; its text could hold anything."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{where}"
