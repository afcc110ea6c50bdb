"""Silences, resolves and pushes that wait in a durable store, also across two senders."""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import pytest

from pushover_logging.client.constants import Priority
from pushover_logging.client.errors import TransportError
from pushover_logging.client.receipts import Receipt
from pushover_logging.config import read_config
from pushover_logging.delivery.retry import RetryPolicy
from pushover_logging.delivery.sender import Hooks, Sender
from pushover_logging.delivery.state import IncidentState, view
from pushover_logging.delivery.target import Delivered, RetryLater
from pushover_logging.ingest.fingerprint import digest
from pushover_logging.notice import Notice, Snapshot, encode
from pushover_logging.render.alert import Alert
from pushover_logging.render.record import Renderer
from pushover_logging.render.redact import Redactor
from pushover_logging.stores import Taken

from .bench import refusal

START = 1_800_000_000.0


class Store:
    """A durable store in memory; its clock is the test's."""

    durable = True
    wire = "marshal"
    spool = None
    source = "0123456789abcdef"

    def __init__(self) -> None:
        self.time = START
        self.notices: list[bytes] = []
        self.state: dict[str, bytes] = {}
        self._seq = 0

    def acquire(self) -> bool:
        return True

    def take(self, limit: int) -> Sequence[Taken]:
        taken, self.notices = self.notices, []
        self._seq += len(taken)
        first = self._seq - len(taken)
        return [Taken(self.source, first + n, data) for n, data in enumerate(taken, 1)]

    def load(self) -> Mapping[str, bytes]:
        return dict(self.state)

    def commit(self, changes: Mapping[str, bytes | None], taken: Mapping[str, int]) -> None:
        for key, value in changes.items():
            if value is None:
                self.state.pop(key, None)
            else:
                self.state[key] = value

    def now(self) -> float:
        return self.time


@dataclass
class Phone:
    """Takes every push, unless it is out of order."""

    works: bool = True
    knows_token: bool = True
    tries: int = 0
    alerts: list[Alert] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    def deliver(
        self, alert: Alert, timeout: float | None = None, *, escalates: bool = False
    ) -> Any:
        self.tries += 1
        if not self.knows_token:
            return refusal(token="invalid")
        if not self.works:
            return RetryLater(TransportError("no connection"))
        self.alerts.append(alert)
        receipt = f"r{len(self.alerts)}" if alert.priority is Priority.EMERGENCY else None
        return Delivered(receipt, None, 10_000, 9_000, None)

    def reset_users(self) -> None:
        pass

    def cancel(self, receipt: str, timeout: float | None = None) -> None:
        self.cancelled.append(receipt)

    def cancel_by_tag(self, tag: str, timeout: float | None = None) -> None:
        self.cancelled.append(tag)

    def receipt(self, receipt: str, timeout: float | None = None) -> Receipt | None:
        return None

    def store_cipher(self) -> None:
        return None


class Bench:
    """A sender, its store and its phone, on a clock that the test turns."""

    def __init__(self) -> None:
        self.store = Store()
        self.phone = Phone()
        self._seq = 0
        self.begin_anew()

    def begin_anew(self, **grouping: float) -> None:
        """Another process becomes the sender."""
        config = read_config({"token": "a" * 30, "user": "u" * 30, "grouping": grouping})
        self.sender = Sender(
            self.store,  # type: ignore[arg-type]
            config,
            self.phone,  # type: ignore[arg-type]
            Renderer(Redactor()),
            RetryPolicy(),
            Hooks(),
            clock=lambda: self.store.time - START + 1000,
            today=lambda: datetime.fromtimestamp(self.store.time, timezone.utc),
        )

    def run(self, seconds: float = 0.0) -> None:
        """Let time pass in steps of a second, and the sender do its part."""
        for second in range(int(seconds) + 1):
            self.store.time += bool(second)
            self.sender.begin(self.sender._clock())
            for _ in range(50):
                due = self.sender.step(None)
                if due is None or due > self.sender._clock():
                    break

    def log(self, text: str, key: str | None = None, priority: int = 2, age: float = 0.0) -> None:
        at = self.store.time - age
        snapshot = Snapshot(at, "shop", 40, "ERROR", text)
        self._notice(
            "new", at, identity=("shop", text), priority=priority, key=key, snapshot=snapshot
        )

    def count(self, text: str, total: int, priority: int = 1) -> None:
        """A process that has an interval says how many repeats it has counted so far."""
        at = self.store.time
        snapshot = Snapshot(at, "shop", 40, "ERROR", text)
        self._notice(
            *("counted", at),
            identity=("shop", text),
            priority=priority,
            snapshot=snapshot,
            epoch=1,
            total=total,
        )

    def tell(self, kind: Any, name: str, until: float = 0.0) -> None:
        self._notice(kind, self.store.time, key=name, until=until)

    def _notice(self, kind: Any, at: float, **fields: Any) -> None:
        self._seq += 1
        self.store.notices.append(encode(Notice(kind, self._seq, at, **fields)))

    def records(self) -> int:
        """The records that the pushes stand for."""
        counts = [title.partition(" \N{MULTIPLICATION SIGN}")[2] for title, _ in self.titles()]
        return sum(int(count or 1) for count in counts)

    def titles(self) -> list[tuple[str, int]]:
        return [(alert.title, alert.priority) for alert in self.phone.alerts]


@pytest.fixture
def bench() -> Bench:
    return Bench()


DISK = digest(("shop", "disk is full"))


@pytest.mark.parametrize("name", ["disk", DISK])
def test_silence_holds_counts_and_ends_by_itself_with_a_summary(bench: Bench, name: str) -> None:
    bench.tell("silence", name, START + 3600)
    for _ in range(5):
        bench.log("disk is full", "disk")
        bench.run(600)
    held = bench.titles()
    bench.run(700)

    assert held == []
    assert bench.titles() == [("ERROR shop \N{MULTIPLICATION SIGN}5", Priority.NORMAL)]
    assert "5 more times" in bench.phone.alerts[0].message


def test_next_record_after_a_silence_rings(bench: Bench) -> None:
    bench.tell("silence", "disk", START + 60)
    bench.log("disk is full", "disk")
    bench.run(70)
    bench.log("disk is full", "disk")
    bench.run()

    assert bench.titles()[1:] == [("ERROR shop", Priority.EMERGENCY)]


def test_silence_stops_the_ringing(bench: Bench) -> None:
    bench.log("disk is full", "disk")
    bench.run()
    bench.tell("silence", "disk", START + 3600)
    bench.run(30)

    assert len(bench.phone.cancelled) == 1


def test_silence_holds_an_alert_that_waits_for_the_service(bench: Bench) -> None:
    bench.phone.works = False
    bench.log("disk is full", "disk")
    bench.run()
    bench.tell("silence", "disk", START + 600)
    bench.phone.works = True
    bench.run(300)
    held = bench.titles()
    bench.run(400)

    assert held == []
    assert [priority for _, priority in bench.titles()] == [Priority.NORMAL]


def test_drain_ends_no_silence_and_is_done(bench: Bench) -> None:
    bench.tell("silence", "disk", START + 3600)
    bench.log("disk is full", "disk")
    bench.run()
    bench.tell("drain", "")
    bench.run(5)

    assert bench.titles() == []
    assert bench.sender.drained == {bench.store.source: 3}


def test_unsilence_ends_it_at_once_with_a_summary(bench: Bench) -> None:
    bench.tell("silence", "disk", START + 3600)
    bench.log("disk is full", "disk")
    bench.log("disk is full", "disk")
    bench.run(10)
    bench.tell("unsilence", "disk")
    bench.run()

    assert bench.titles() == [("ERROR shop \N{MULTIPLICATION SIGN}2", Priority.NORMAL)]


def test_silence_outlives_the_sender(bench: Bench) -> None:
    bench.tell("silence", "disk", START + 600)
    bench.log("disk is full", "disk")
    bench.run(10)
    bench.begin_anew()
    bench.log("disk is slow", "disk")
    bench.run(300)
    held = bench.titles()
    bench.run(300)

    assert held == []
    assert bench.titles() == [("ERROR shop", Priority.NORMAL)] * 2


def test_silence_that_ended_without_a_sender_ends_with_a_summary(bench: Bench) -> None:
    bench.tell("silence", "disk", START + 600)
    bench.log("disk is full", "disk")
    bench.run(10)
    bench.store.time += 3600
    bench.begin_anew()
    bench.run()

    assert bench.titles() == [("ERROR shop", Priority.NORMAL)]


def test_silence_holds_every_record_of_a_sender_without_an_interval(bench: Bench) -> None:
    bench.begin_anew(interval=0)
    bench.tell("silence", "disk", START + 600)
    for _ in range(3):
        bench.log("disk is full", "disk")
    bench.run(300)
    held = bench.titles()
    bench.run(301)

    assert held == []
    assert bench.titles() == [("ERROR shop \N{MULTIPLICATION SIGN}3", Priority.NORMAL)]
    assert bench.sender.unsent() == 0


@pytest.mark.parametrize("name", ["disk", DISK])
def test_what_was_resolved_before_it_was_read_does_not_ring(bench: Bench, name: str) -> None:
    bench.log("disk is full", "disk", age=5.0)
    bench.store.notices.insert(0, encode(Notice("resolved", 9, START, key=name)))
    bench.run()

    assert bench.titles() == [("ERROR shop", Priority.NORMAL)]


def test_every_push_that_waits_outlives_the_sender(bench: Bench) -> None:
    bench.phone.works = False
    for text in ("disk is full", "database is away", "queue is stuck"):
        bench.log(text, priority=1)
    bench.run(2)
    bench.begin_anew()
    bench.phone.works = True
    bench.run(120)

    assert sorted(alert.message.splitlines()[-1] for alert in bench.phone.alerts) == [
        "database is away",
        "disk is full",
        "queue is stuck",
    ]
    assert not [key for key in bench.store.state if key.startswith("entry:")]


def test_sender_without_an_interval_pushes_what_others_have_counted(bench: Bench) -> None:
    bench.begin_anew(interval=0)
    bench.log("disk is full", priority=1)
    for total in range(1, 6):
        bench.count("disk is full", total)
        bench.run(1)

    assert bench.records() == 6
    assert bench.sender.taken == bench.sender.delivered == 6
    assert bench.sender.unsent() == 0


def test_drain_of_a_sender_without_an_interval_waits_for_what_others_have_counted(
    bench: Bench,
) -> None:
    bench.begin_anew(interval=0)
    bench.phone.works = False
    bench.count("disk is full", 2)
    bench.run(1)
    bench.count("disk is full", 5)
    bench.tell("drain", "")
    bench.run(1)
    assert bench.sender.drained == {}

    bench.phone.works = True
    bench.run(60)

    assert bench.sender.drained == {bench.store.source: 3}
    assert bench.records() == 5


def test_outage_makes_no_push_of_each_count_for_a_sender_without_an_interval(
    bench: Bench,
) -> None:
    bench.begin_anew(interval=0)
    bench.phone.works = False
    for total in range(1, 101):
        bench.count("disk is full", total)
        bench.run()

    assert len(list(bench.sender.outbox)) == 1
    assert bench.sender.unsent() == 100


def test_totals_are_known_to_the_successor_of_a_sender_without_an_interval(bench: Bench) -> None:
    texts = [f"disk {name} is full" for name in "abcdefghij"]
    bench.begin_anew(interval=0)
    for text in texts:
        bench.log(text, priority=1)
        bench.count(text, 5)
    bench.phone.works = False
    bench.run()
    bench.phone.works = True
    bench.begin_anew(interval=300)
    for text in texts:
        bench.count(text, 6)
    bench.run(400)

    assert bench.records() == 10 * (1 + 6)


def test_sender_without_an_interval_pushes_what_is_stored(bench: Bench) -> None:
    bench.log("disk is full", priority=1)
    bench.run(1)
    bench.count("disk is full", 4)
    bench.run(1)
    assert bench.records() == 1

    bench.begin_anew(interval=0)
    bench.run(1)

    assert bench.records() == 5
    assert bench.sender.unsent() == 0


def test_push_that_waits_outlives_its_group_and_a_sender_without_an_interval(bench: Bench) -> None:
    bench.begin_anew(interval=0, max_groups=2)
    bench.count("disk is full", 3)
    bench.run(1)
    bench.phone.works = False
    bench.log("disk is full", priority=1)
    bench.run(100)
    bench.phone.works = True
    bench.log("database is away", priority=2)
    bench.run()
    bench.log("disk is full", priority=1)
    bench.run()
    bench.count("queue is stuck", 1)
    bench.run()
    assert bench.sender.unsent() == 1
    assert bench.sender.groups.find(("shop", "disk is full")) is None

    bench.begin_anew(interval=0)
    bench.run(400)

    assert bench.records() == 7
    assert bench.sender.taken == bench.sender.delivered == 7


def test_refused_token_is_tried_by_no_new_sender_before_its_pause_is_over(bench: Bench) -> None:
    bench.phone.knows_token = False
    bench.log("disk is full", priority=1)
    bench.run(1)
    for _ in range(4):
        bench.begin_anew()
        bench.log("disk is full", priority=1)
        bench.run(10)
    assert bench.phone.tries == 1
    bench.run(30)
    assert bench.phone.tries == 2

    bench.begin_anew()
    bench.phone.knows_token = True
    bench.run(280)
    assert bench.phone.tries == 2
    bench.run(30)

    assert bench.titles()
    bench.begin_anew()
    bench.run()
    assert not bench.sender.limits.holds(bench.sender._clock())


def test_clock_that_was_set_back_holds_a_refused_token_up_for_one_pause(bench: Bench) -> None:
    bench.phone.knows_token = False
    bench.log("disk is full", priority=1)
    bench.run(1)

    *fields, refused_until = marshal.loads(bench.store.state["limits"])
    bench.store.state["limits"] = marshal.dumps((*fields, refused_until + 86_400), 4)
    bench.begin_anew()
    bench.run(61)

    assert bench.phone.tries == 2


def test_state_of_a_sender_that_stored_no_refusals_is_read(bench: Bench) -> None:
    bench.phone.knows_token = False
    bench.log("disk is full", priority=1)
    bench.run(1)
    bench.store.state["limits"] = marshal.dumps(marshal.loads(bench.store.state["limits"])[:-2], 4)

    seen = view(bench.store.state, bench.store.time, Renderer(Redactor()), None)
    bench.begin_anew()
    bench.run(1)

    assert seen.limits.refused == bench.sender.refused is not None
    assert bench.phone.tries == 2


def test_view_says_what_the_sender_knows(bench: Bench) -> None:
    bench.log("disk is full", "disk")
    bench.log("disk is full", "disk")
    bench.run(5)
    bench.tell("silence", "queue", START + 60)
    bench.log("queue is stuck token=abcdefgh12345678", "queue")
    bench.run(1)

    seen = view(bench.store.state, bench.store.time, Renderer(Redactor()), None)

    assert (seen.taken, seen.delivered, seen.pushes, seen.pending) == (3, 1, 1, 2)
    disk, queue = sorted(seen.groups, key=lambda group: group.key or "")
    assert (disk.id, disk.repeats, disk.pending, disk.receipt) == (DISK, 1, 1, "r1")
    assert queue.silenced_until == datetime.fromtimestamp(START + 60, timezone.utc)
    assert "abcdefgh" not in queue.message
    assert [(i.state, i.groups) for i in seen.incidents] == [(IncidentState.RINGING, (DISK,))]
    assert (seen.limits.remaining, seen.limits.pushes_last_minute) == (9_000, 1)
