"""One handler's alerts on their way: when they are sent, and what became of each.

All of it runs on the courier's thread, but for what says that any thread may call it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, Generic, TypeVar

from . import retrying
from .alerts import Alert, Priority
from .books import Books, Stats
from .client.errors import APIError, PushoverError, RateLimitError
from .gate import Gate
from .grouping import Grouping, Groups
from .groups import Group
from .intake import Intake
from .losses import Losses
from .notices import NOTICES
from .parcels import Parcel, Post, Receipt, Share
from .retrying import Outage, RetryPolicy
from .room import Room
from .stores import Store
from .stores.memory import MemoryStore
from .watch import Watch

__all__ = ["Delivery"]

Item = TypeVar("Item")


def _today() -> datetime:
    return datetime.now(timezone.utc)


def _forget(record: object) -> None:
    """Do nothing with what was set aside."""


def _call(function: Callable[[], None]) -> None:
    function()


class Delivery(Generic[Item]):
    """Takes what logging calls left in the intake to the service, the most urgent first, one send
    at a time.

    ``again`` gets what was set aside in the logging call, to note it after all; ``load`` calls what
    imports, where that is safe.
    """

    def __init__(
        self,
        post: Post[Item],
        intake: Intake,
        *,
        grouping: Grouping,
        retry_policy: RetryPolicy,
        quota_reserve: int,
        someone_listens: bool,
        again: Callable[[Any], None] = _forget,
        load: Callable[[Callable[[], None]], None] = _call,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], datetime] = _today,
    ) -> None:
        self._post = post
        self._intake = intake
        self._grouping = grouping
        self._policy = retry_policy
        self._quota_reserve = quota_reserve
        self._someone_listens = someone_listens
        self._clock = clock
        self._today = today
        self._again = again
        self._load = load
        self._refused = False
        self.start_over()

    def start_over(self) -> None:
        """Begin with empty rooms and books; a forked child's parent keeps its own."""
        store: Store[Item] = MemoryStore[Item](self._intake.known)
        self.groups = Groups(self._grouping, self._intake)
        self._lock = threading.RLock()
        """Guards the room and the books: each record is in one place at a time."""
        self._room: Room[Item] = Room(self._intake, store.parcels)
        self._books = Books()
        self._gate = Gate(
            store,
            self._policy,
            max_per_minute=self._grouping.max_per_minute,
            quota_reserve=self._quota_reserve,
        )
        self._watch = Watch(
            self._post,
            store,
            self._intake.resolved,
            self.groups,
            self._lock,
            someone_listens=self._someone_listens,
            patience=self._policy.wait_initial,
        )
        self._losses = Losses(self._post, self._intake, self._room, self.groups, self._lock)
        self.is_open = False
        """Whether all that a send needs is loaded."""
        self._opens_at = 0.0

    def prepare(self) -> None:
        """Load and open what a send needs; what fails is tried again later."""
        if self.is_open or self._clock() < self._opens_at:
            return
        try:
            self._post.open()
            self.is_open = True
        except Exception as error:  # noqa: BLE001 - a broken installation; it may be mended
            NOTICES.say("open", f"cannot send: {_place(error)}")
            self._opens_at = self._clock() + self._policy.wait_initial

    def step(self, deadline: float | None) -> float | None:
        """Send once at most; when to come again, None: not before news. See `courier.Work`."""
        now, ending = self._clock(), deadline is not None
        intake = self._intake
        intake.news = False  # before anything is looked at: what comes meanwhile is seen next time
        while intake.early:
            self._post.freeze(intake.early.popleft())
        while intake.set_aside:
            self._again(intake.set_aside.popleft())
        self._losses.hand_over(now)
        if not self.is_open:
            return self._opens_at if self.unsent() else None
        if self._refused:
            self._drop_everything("stopped")
            return None
        self._end_the_resolved(now)
        self._sum_up(now, ending=ending)
        self._report(now)
        self._make_room(now)
        parcel = self._choose(now, ending=ending)
        if parcel is not None:
            self._deliver(parcel, deadline)
        elif ending or not self._watch.ask(now):
            return self._next_due(now, ending=ending)
        return self._clock()

    def _end_the_resolved(self, now: float) -> None:
        for tag in self._watch.take_resolved(now):
            with self._lock:
                self._room.quieten(tag, now)
                for group in self.groups.everyone():
                    if group.tag == tag:
                        self._end_one(group, now)
        self._watch.cancel_the_resolved(now)

    def _end_one(self, group: Group, now: float) -> None:
        if group.unclaimed() and group.until is not None:
            parcel = Parcel([Share[Item](group, group.claim())], Priority.NORMAL, now)
            # It may have been put off for as long as the ringing would have lasted.
            parcel.not_before = min(group.until, now + self._grouping.interval)
            self._room.put(parcel)
        self.groups.close(group, now)

    def _sum_up(self, now: float, *, ending: bool) -> None:
        """Make up the summaries of groups whose interval has ended, or of all."""
        quietly = ending or self._intake.wrapping_up
        self._intake.wrapping_up = False
        with self._lock:
            due = self.groups.unfinished() if quietly else self.groups.due(now)
            for group in due:
                self._sum_up_one(group, now, quietly=quietly)
            self.groups.forget_idle(now)

    def _sum_up_one(self, group: Group, now: float, *, quietly: bool) -> None:
        incident, repeats = group.incident, group.unclaimed()
        if incident is not None and incident.rings(now) and not quietly:
            self.groups.wait(group, incident.expires_at)
        elif repeats:
            priority = Priority(group.priority)
            answered = incident is not None and not incident.goes_on(group, repeats)
            if priority is Priority.EMERGENCY and (quietly or answered):
                priority = Priority.NORMAL  # it rang for this already
            self._room.put(Parcel([Share(group, group.claim())], priority, since=now))
        elif not quietly or group.until is not None:  # without: its first record still waits
            self.groups.close(group, now)

    def _report(self, now: float) -> None:
        """Say in a push of its own what no record's push can say."""
        with self._lock:
            gate = self._gate
            if gate.should_warn(self._today()):
                alert = self._post.report_allowance(gate.allowance, self._quota_reserve)
                self._room.put(Parcel((), alert.priority, now, alert))
            report = None if gate.in_outage else self._losses.report(now)
            if report is not None:
                self._room.put(report)

    def _make_room(self, now: float) -> None:
        with self._lock:
            for victim in self._room.make_room():
                self._books.enter_drop(victim.records, "full")
                self._rest(victim, now)
                self._losses.give_up(victim.shares)

    def _choose(self, now: float, *, ending: bool) -> Parcel[Item] | None:
        with self._lock:
            least = self._gate.least(now, self._today())
            if least is None:
                return None
            return self._room.take_next(self._gate, least, now, ending=ending)

    def _next_due(self, now: float, *, ending: bool) -> float | None:
        # At the end all is summed up already, and nobody is asked any more.
        due = [] if ending else [self.groups.next_due(), self._watch.next_due()]
        with self._lock:
            next_try = self._room.next_try()
            if next_try is not None:
                urgent = self._room.has_emergencies()
                slot = self._gate.slot_opens_at(now, urgent=urgent)
                due.append(max(self._gate.opens_at(now, self._today()), slot, next_try))
        return min((at for at in due if at is not None), default=None)

    # One send, and what became of it.

    def _deliver(self, parcel: Parcel[Item], deadline: float | None) -> None:
        timeout = None if deadline is None else max(0.1, deadline - self._clock())
        parcel.tries += 1
        try:
            alert = parcel.alert = parcel.alert or self._post.write(parcel.shares, parcel.priority)
            receipt = self._post.send(alert, timeout)
        except RateLimitError as error:
            self._wait_for_the_month(parcel, error)
        except PushoverError as error:
            self._failed(parcel, error, quietly=deadline is not None)
        except Exception as error:  # noqa: BLE001 - a defect must cost one alert, not the courier
            NOTICES.say("error", f"an alert was lost to a defect: {_place(error)}")
            self._drop(parcel, "error", error)
        else:
            self._delivered(parcel, alert, receipt)
        finally:
            self._keep_if_in_hand(parcel)

    def _keep_if_in_hand(self, parcel: Parcel[Item]) -> None:
        """Whatever ends the thread in the middle of a send, the alert is tried again."""
        with self._lock:
            if self._room.in_hand is parcel:
                self._room.put(parcel)

    def _put_off(self, parcel: Parcel[Item], until: float) -> None:
        with self._lock:
            parcel.not_before = until
            self._room.put(parcel)

    def _delivered(self, parcel: Parcel[Item], alert: Alert, receipt: Receipt) -> None:
        now = self._clock()
        with self._lock:
            self._room.in_hand = None
            allowance = self._gate.allowance.updated(
                receipt.limit, receipt.remaining, receipt.reset
            )
            self._gate.succeeded(allowance, now, self._today())
            self._books.enter_delivery(parcel.records)
            if alert.priority is Priority.EMERGENCY and receipt.receipt:
                self._watch.rings(parcel, alert, receipt.receipt, now)
            self._rest(parcel, now)
        if receipt.info:
            NOTICES.say("info", f"a push was accepted, but the service says: {receipt.info}")

    def _rest(self, parcel: Parcel[Item], now: float) -> None:
        for share in parcel.shares:
            self.groups.rest(share.group, now)

    def _wait_for_the_month(self, parcel: Parcel[Item], error: RateLimitError) -> None:
        with self._lock:
            ends = self._gate.spent(error, self._today())
            self._put_off(parcel, 0.0)
        NOTICES.say(
            "quota", f"{_words(error)}; what waits goes out from {ends:%Y-%m-%d %H:%M} UTC on"
        )
        self._post.failed(error)

    def _failed(self, parcel: Parcel[Item], error: PushoverError, *, quietly: bool) -> None:
        if error.retryable:
            self._try_later(parcel, error, quietly=quietly)
            return
        self._gate.refused(self._clock())
        if isinstance(error, APIError) and {"token", "user"} & error.bad_inputs.keys():
            self._refused = True
            NOTICES.say(
                "stopped", f"sending stopped, this handler delivers nothing more: {_words(error)}"
            )
            self._drop(parcel, "stopped", error)
        elif parcel.priority is Priority.EMERGENCY:
            NOTICES.say("emergency", f"an emergency was refused, it goes as HIGH: {_words(error)}")
            self._post.failed(error)
            parcel.priority, parcel.alert = Priority.HIGH, None
            self._put_off(parcel, 0.0)
        else:
            NOTICES.say("refused", f"an alert was refused: {_words(error)}")
            self._drop(parcel, "refused", error)

    def _try_later(self, parcel: Parcel[Item], error: PushoverError, *, quietly: bool) -> None:
        self._load(retrying.load)
        now = self._clock()
        parcel.failures = parcel.failures or Outage(self._policy)
        until = self._gate.failed(error, parcel.failures, parcel.priority, now)
        if self._policy.gives_up(parcel.tries, now - parcel.since):
            NOTICES.say("gave_up", f"an alert was given up after {parcel.tries} tries: {error}")
            self._drop(parcel, "gave_up", error)
            return
        self._put_off(parcel, until)
        if not quietly:
            NOTICES.say("outage", f"cannot deliver now, will try again: {error}")
        self._post.failed(error)

    def _drop(self, parcel: Parcel[Item], reason: str, error: Exception) -> None:
        with self._lock:
            self._room.in_hand = None
            self._books.enter_drop(parcel.records, reason)
            self._rest(parcel, self._clock())
        for share in parcel.shares:
            self._post.lost(share)
        self._post.failed(error)

    def _drop_everything(self, reason: str) -> None:
        with self._lock:
            shares = self._room.clear()
            for group in self.groups.unfinished():
                shares.append(Share(group, group.claim()))
                group.close()  # what comes later is a first record again, and heard of
            self._books.enter_drop(sum(share.records for share in shares), reason)
        for share in shares:
            if share.records:
                self._post.lost(share)

    # Any thread.

    def abandon(self) -> int:
        """Give up what waits, but for what is in hand: its answer may come yet; how much it was."""
        left = self.unsent()
        self._drop_everything("exit")
        return left

    def settled(self) -> bool:
        """Whether nothing that is due waits, and nothing is in hand."""
        with self._lock:
            return self._room.is_empty() and not (self._intake.news or self._intake.set_aside)

    def unsent(self) -> int:
        """How many records no push stands for yet."""
        with self._lock:
            return self._room.records() + self.groups.unclaimed() + len(self._intake.set_aside)

    def stats(self) -> Stats:
        """The books of this moment; the numbers add up whatever happens meanwhile."""
        with self._lock:
            return self._books.snapshot(
                pending=self.unsent(),
                turned_away=sum(self._intake.turned_away().values()),
                missed=self._intake.missed.value(),
                allowance=self._gate.allowance,
                incidents=self._watch.reports(),
            )


def _words(error: PushoverError) -> str:
    """The service's own words and its id of the request, in one line; keys are masked in it."""
    return " ".join(str(error).split())


def _place(error: Exception) -> str:
    """What kind of error and where; its text could hold anything."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{where}"
