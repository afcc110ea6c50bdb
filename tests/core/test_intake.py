"""The way in keeps the most urgent, counts exactly, and never holds more than it may."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pushover_logging.alerts import Priority
from pushover_logging.defaults import Terms
from pushover_logging.intake import Intake, Tally

from .bench import record

PRIORITIES = st.sampled_from(Priority)
THREADS = 8


def in_threads(work: Callable[[int], None]) -> None:
    ready = threading.Barrier(THREADS)

    def run(number: int) -> None:
        ready.wait(10)
        work(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


def intake_of(capacity: int = 1000) -> Intake:
    """Each record is one of its own in it, and is what is kept of it."""
    return Intake(Terms(capacity=capacity, most_groups=0), freeze=lambda made: made)


def put(intake: Intake, priority: Priority, number: int) -> None:
    intake.sort(record("record %d", number), priority)


def taken(intake: Intake) -> list[tuple[int, int]]:
    everything = []
    while (entry := intake.take(Priority.LOWEST)) is not None:
        priority, (_, made) = entry
        everything.append((priority, made.args[0]))
    return everything


def turned_out(intake: Intake) -> list[int]:
    return [made.args[0] for _, made in intake.evicted]


@given(st.lists(PRIORITIES))
def test_the_most_urgent_comes_out_first_and_the_oldest_of_equals(
    priorities: list[Priority],
) -> None:
    intake = intake_of()
    for number, priority in enumerate(priorities):
        put(intake, priority, number)

    came = taken(intake)

    assert came == sorted(
        ((priority, number) for number, priority in enumerate(priorities)),
        key=lambda entry: (-entry[0], entry[1]),
    )


@given(st.lists(PRIORITIES), st.integers(1, 10))
def test_what_had_to_go_was_the_newest_of_the_least_urgent(
    priorities: list[Priority], capacity: int
) -> None:
    intake = intake_of(capacity)
    kept: list[tuple[Priority, int]] = []

    for number, priority in enumerate(priorities):
        kept.append((priority, number))
        put(intake, priority, number)
        if len(kept) > capacity:
            loser = min(kept, key=lambda entry: (entry[0], -entry[1]))
            kept.remove(loser)
            assert turned_out(intake)[-1] == loser[1]

    assert len(intake) == len(kept) <= capacity
    assert sum(intake.turned_away().values()) == len(priorities) - len(kept)
    assert sorted(taken(intake)) == sorted(kept)


@given(st.lists(PRIORITIES), PRIORITIES)
def test_only_what_is_urgent_enough_is_taken(priorities: list[Priority], least: Priority) -> None:
    intake = intake_of()
    for number, priority in enumerate(priorities):
        put(intake, priority, number)
    urgent = [priority for priority in priorities if priority >= least]

    assert intake.count(least) == len(urgent)
    assert intake.most_urgent(least) == max(urgent, default=None)
    for _ in urgent:
        assert intake.take(least) is not None
    assert intake.take(least) is None
    assert len(intake) == len(priorities) - len(urgent)


def test_a_full_room_keeps_the_error() -> None:
    intake = intake_of(2)
    put(intake, Priority.LOW, 1)
    put(intake, Priority.LOW, 2)

    put(intake, Priority.EMERGENCY, 3)

    assert turned_out(intake) == [2]
    assert taken(intake) == [(Priority.EMERGENCY, 3), (Priority.LOW, 1)]


def test_a_full_room_turns_out_a_plain_record_and_its_next_is_a_first_one_again() -> None:
    intake = Intake(Terms(capacity=1), freeze=lambda made: made)
    intake.plain_names.add("shop")
    assert intake.note(record("slow", level=logging.INFO))

    intake.sort(record("disk is full"), Priority.EMERGENCY)
    assert intake.turned_away() == {logging.INFO: 1}
    intake.take(Priority.EMERGENCY)

    assert intake.sort(record("slow", level=logging.INFO), Priority.LOW)


def test_no_more_wait_than_may_though_their_groups_were_forgotten() -> None:
    intake = Intake(Terms(capacity=3, most_groups=10), freeze=lambda made: made)
    intake.plain_names.add("shop")
    for text in "abc":
        intake.note(record(text))
        intake.sort(record(text), Priority.EMERGENCY)
    for group in intake.groups():
        group.close()
        intake.forget(group)

    assert intake.note(record("d"))

    assert len(intake) == 3


def test_threads_lose_and_double_nothing() -> None:
    intake = intake_of(500)

    def put_many(thread: int) -> None:
        for number in range(2000):
            put(intake, list(Priority)[number % 5], thread * 2000 + number)

    in_threads(put_many)

    stayed = [number for _, number in taken(intake)]
    assert len(stayed) <= 500 + THREADS
    assert len(set(stayed)) == len(stayed)
    assert len(stayed) + sum(intake.turned_away().values()) == THREADS * 2000


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
    reader.join(10)

    assert tally.value() == THREADS * 20_000
