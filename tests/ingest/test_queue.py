"""The queue keeps the most urgent alerts, counts exactly, and never holds more than it may."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import record

from pushover_logging.client.constants import Priority
from pushover_logging.ingest.groups import Group, Groups
from pushover_logging.ingest.queue import Queue, Tally
from pushover_logging.notice import Snapshot

PRIORITIES = st.sampled_from(Priority)
THREADS = 8


def in_threads(work: Callable[[int], None]) -> None:
    ready = threading.Barrier(THREADS)

    def run(number: int) -> None:
        ready.wait(30)
        work(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def put(queue: Queue, priority: int, number: int, level: int = 40) -> Group:
    made = record("record %d", number, level=level)
    group = Group(("text", number), made, int(priority))
    queue.put(group, Snapshot(made.created, made.name, level, "ERROR", str(number)))
    return group


def taken(queue: Queue) -> list[tuple[int, int]]:
    everything = []
    while (entry := queue.take()) is not None:
        everything.append((entry[0].priority, int(entry[1].text)))
    return everything


def turned_away(queue: Queue) -> dict[int, int]:
    return {level: tally.value() for level, tally in queue.turned_away.items()}


@given(st.lists(PRIORITIES))
def test_the_most_urgent_comes_out_first_and_the_oldest_of_equals(
    priorities: list[Priority],
) -> None:
    queue = Queue(1000, Groups(1000))
    for number, priority in enumerate(priorities):
        put(queue, priority, number)

    came = taken(queue)

    assert came == sorted(
        ((priority, number) for number, priority in enumerate(priorities)),
        key=lambda entry: (-entry[0], entry[1]),
    )


@given(st.lists(PRIORITIES), st.integers(1, 10))
def test_the_newest_of_the_least_urgent_alerts_has_to_go(
    priorities: list[Priority], capacity: int
) -> None:
    queue = Queue(capacity, Groups(1000))
    kept: list[tuple[Priority, int]] = []

    for number, priority in enumerate(priorities):
        kept.append((priority, number))
        put(queue, priority, number)
        if len(kept) > capacity:
            loser = min(kept, key=lambda entry: (entry[0], -entry[1]))
            kept.remove(loser)
            assert queue.evicted[-1][1].text == str(loser[1])

    assert len(queue) == len(kept) <= capacity
    assert sum(turned_away(queue).values()) == len(priorities) - len(kept)
    assert sorted(taken(queue)) == sorted(kept)


def test_a_full_queue_keeps_the_emergency() -> None:
    queue = Queue(2, Groups(1000))
    put(queue, Priority.LOW, 1)
    put(queue, Priority.LOW, 2)

    put(queue, Priority.EMERGENCY, 3)

    assert [entry[1].text for entry in queue.evicted] == ["2"]
    assert taken(queue) == [(Priority.EMERGENCY, 3), (Priority.LOW, 1)]


def test_alerts_in_the_outbox_take_room_too() -> None:
    queue = Queue(3, Groups(1000))
    queue.outbox_size, queue.outbox_least = 2, Priority.HIGH

    for number in range(3):
        put(queue, Priority.NORMAL, number)

    assert len(queue) == 1
    assert turned_away(queue) == {40: 2}


def test_a_more_urgent_alert_stays_when_the_outbox_holds_a_lesser_one() -> None:
    queue = Queue(3, Groups(1000))
    queue.outbox_size, queue.outbox_least = 3, Priority.LOW

    put(queue, Priority.EMERGENCY, 1)

    assert len(queue) == 1  # the worker takes the lesser one out
    assert turned_away(queue) == {}


def test_alerts_that_found_no_room_are_counted_by_level() -> None:
    queue = Queue(1, Groups(1000))
    put(queue, Priority.EMERGENCY, 0)

    for number in range(1, 4):
        put(queue, Priority.LOW, number, level=20)
    put(queue, Priority.NORMAL, 4, level=30)

    assert turned_away(queue) == {20: 3, 30: 1}


def test_no_more_evicted_alerts_are_kept_than_may_wait() -> None:
    queue = Queue(5, Groups(1000))

    groups = [put(queue, Priority.NORMAL, number) for number in range(50)]

    assert len(queue.evicted) <= 5
    # Nobody will close these any more, so that their next record is to be an alert.
    kept = {id(entry[0]) for entry in [*queue.evicted, *queue.lanes[0]]}
    assert all(group.levelno == -1 for group in groups if id(group) not in kept)


def test_records_that_could_not_be_read_are_bounded_and_counted() -> None:
    queue = Queue(5, Groups(1000))

    for _ in range(250):
        queue.set_record_aside(record())

    assert len(queue.set_aside) == 100
    assert queue.unreadable.value() == queue.accepted.value() == 150


def test_threads_lose_and_double_nothing_and_the_capacity_holds() -> None:
    queue = Queue(500, Groups(1000))
    most = []

    def put_many(thread: int) -> None:
        for number in range(2000):
            put(queue, number % 5 - 2, thread * 2000 + number)
            most.append(len(queue))

    in_threads(put_many)

    stayed = [number for _, number in taken(queue)]
    assert max(most) <= 500 + THREADS
    assert len(set(stayed)) == len(stayed)
    assert len(stayed) + sum(turned_away(queue).values()) == THREADS * 2000


def test_a_queue_that_is_cleared_starts_at_zero() -> None:
    queue = Queue(1, Groups(1000))
    for number in range(5):
        put(queue, Priority.NORMAL, number)
    queue.accepted.add()
    queue.resolve("payments", 1.0)
    queue.set_record_aside(record())

    queue.clear()

    assert len(queue) == 0
    assert queue.take() is None
    left = [queue.evicted, queue.resolved, queue.set_aside, queue.turned_away]
    assert [len(each) for each in left] == [0, 0, 0, 0]
    assert queue.accepted.value() == queue.unreadable.value() == 0


def test_many_resolves_of_a_problem_leave_those_of_others() -> None:
    queue = Queue(1, Groups(1000))
    queue.resolve("payments", 1.0)

    for at in range(2, 5000):
        queue.resolve("mail", float(at))
    queue.resolve("mail", 3.0)

    assert queue.resolved == {"payments": 1.0, "mail": 4999.0}
    assert queue.unresolved.value() == 0


def test_problems_to_resolve_are_bounded_and_the_rest_is_counted() -> None:
    queue = Queue(1, Groups(1000))

    for number in range(1003):
        queue.resolve(str(number), 1.0)
    queue.resolve("7", 2.0)

    assert len(queue.resolved) == 1000
    assert queue.resolved["7"] == 2.0
    assert queue.unresolved.value() == 3


@pytest.mark.parametrize("reads", [0, 1, 5])
def test_reading_a_tally_changes_nothing(reads: int) -> None:
    tally = Tally()
    for _ in range(7):
        tally.add()

    for _ in range(reads):
        tally.value()

    assert tally.value() == 7


def test_a_tally_is_exact_from_any_number_of_threads() -> None:
    tally = Tally()
    enough_read = threading.Event()

    def add_many(_: int) -> None:
        for _ in range(20_000):
            tally.add()

    def read() -> None:
        while not enough_read.is_set():
            tally.value()

    reader = threading.Thread(target=read)
    reader.start()
    in_threads(add_many)
    enough_read.set()
    reader.join(30)

    assert tally.value() == THREADS * 20_000


# Records that were queued unread.


def unread_queue(capacity: int = 100) -> tuple[Queue, Groups]:
    groups = Groups(1000)
    return Queue(capacity, groups), groups


def texts(queue: Queue) -> list[str]:
    found = []
    while (entry := queue.take()) is not None:
        found.append(entry[1].text)
    return found


def test_a_record_is_queued_unread_and_its_group_is_found_when_it_leaves() -> None:
    queue, groups = unread_queue()
    made = record("order %d failed", 7)

    queue.put_plain(made, Priority.HIGH)

    assert groups.open() == []
    entry = queue.take()
    assert entry is not None
    assert groups.open() == [entry[0]]
    assert entry[0].priority == Priority.HIGH
    shown = entry[1]
    assert (shown.created, shown.name, shown.levelname) == (made.created, made.name, "ERROR")
    assert (shown.text, shown.args, shown.lineno) == ("order %d failed", (7,), made.lineno)
    assert (shown.pathname, shown.function) == (made.pathname, made.funcName)


def test_repeats_among_unread_records_are_counted() -> None:
    queue, groups = unread_queue()
    for number in range(5):
        queue.put_plain(record("order %d failed", number), Priority.HIGH)
        queue.put_plain(record(f"cart {number} is lost"), Priority.HIGH)

    assert len(queue) == queue.accepted_so_far() == 10
    assert texts(queue) == ["order %d failed", "cart 0 is lost"]
    assert sum(repeats for _, repeats in groups.with_unclaimed()) == 8
    assert queue.accepted_so_far() == 10


def test_an_unread_record_that_came_through_two_loggers_counts_once() -> None:
    queue, groups = unread_queue()
    once, again = record("disk is full"), record("disk is full")
    for made in (once, once, again, again):
        queue.put_plain(made, Priority.HIGH)

    assert texts(queue) == ["disk is full"]
    assert [repeats for _, repeats in groups.with_unclaimed()] == [1]
    assert queue.accepted_so_far() == 2


def test_unread_records_leave_room_for_other_alerts() -> None:
    queue, groups = unread_queue(8)
    for _ in range(20):
        queue.put_plain(record("disk is full"), Priority.EMERGENCY)
    queue.put_plain(record("mail is down"), Priority.LOW)

    assert texts(queue) == ["disk is full", "mail is down"]
    assert turned_away(queue) == {}
    assert sum(repeats for _, repeats in groups.with_unclaimed()) == 19


def test_of_unread_records_too_the_most_urgent_stay() -> None:
    queue, groups = unread_queue(4)
    for word in ("a", "b", "b"):
        queue.put_plain(record(f"low {word}", level=20), Priority.LOW)
    for word in ("a", "b", "c"):
        queue.put_plain(record(f"high {word}"), Priority.HIGH)

    assert texts(queue) == ["high a", "high b", "high c", "low a"]
    assert turned_away(queue) == {20: 1}
    assert queue.accepted_so_far() == 6
    assert sum(repeats for _, repeats in groups.with_unclaimed()) == 0 + 1


def test_a_record_that_cannot_be_read_for_want_of_memory_stays_in_the_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue, groups = unread_queue()
    for text in ("disk is full", "mail is down"):
        queue.put_plain(record(text), Priority.HIGH)

    def fails(*_: object) -> tuple[Group, bool]:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(groups, "find_plain", fails)
        with pytest.raises(MemoryError):
            queue.take()

    assert texts(queue) == ["disk is full", "mail is down"]


def test_repeats_that_were_queued_unread_take_no_room_from_other_alerts() -> None:
    queue, groups = unread_queue(40)
    for _ in range(30):
        queue.put_plain(record("disk is full"), Priority.LOW)
    for number in range(38):
        queue.put_plain(record("mail to %s failed", "x" * number), Priority.LOW)
        put(queue, Priority.HIGH, number)

    assert turned_away(queue) == {}
    assert sum(repeats for _, repeats in groups.with_unclaimed()) == 29 + 37
    assert len(texts(queue)) == 40


def test_alerts_that_come_while_unread_records_are_read_find_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A signal handler logs in the midst of it, or another thread."""
    queue, groups = unread_queue(40)
    for _ in range(30):
        queue.put_plain(record("disk is full"), Priority.LOW)
    for number in range(10):
        put(queue, Priority.HIGH, number)
    find = groups.find_plain

    def interrupted(*each: Any) -> tuple[Group, bool]:
        monkeypatch.setattr(groups, "find_plain", find)
        for number in range(10, 20):
            put(queue, Priority.HIGH, number)
        return find(*each)

    monkeypatch.setattr(groups, "find_plain", interrupted)
    queue.read()

    assert turned_away(queue) == {}
    assert sum(repeats for _, repeats in groups.with_unclaimed()) == 29
    assert len(texts(queue)) == 21


def test_the_count_of_accepted_records_never_falls() -> None:
    queue, _ = unread_queue()
    counts = []
    for _ in range(3):
        once = record("disk is full")
        queue.put_plain(once, Priority.HIGH)
        queue.put_plain(once, Priority.HIGH)
        counts.append(queue.accepted_so_far())

    assert counts == [1, 2, 3]


def test_records_without_a_group_of_their_own_do_not_wake_the_worker() -> None:
    """They would wake it each time, because no later one finds a group at a glance."""
    groups = Groups(2)
    queue = Queue(100, groups)
    for text in ("disk is full", "mail is down"):
        assert queue.put_plain(record(text), Priority.HIGH)
    assert len(texts(queue)) == 2

    assert queue.put_plain(record("the first of the others"), Priority.HIGH)
    assert not any(queue.put_plain(record("cart is lost"), Priority.HIGH) for _ in range(5))
