"""The way in keeps the most urgent, counts exactly, and never holds more than it may."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.alerts import Priority
from pushover_logging.intake import Intake, Tally

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


def taken(intake: Intake[int]) -> list[tuple[Priority, int]]:
    everything = []
    while (entry := intake.take()) is not None:
        everything.append(entry)
    return everything


@given(st.lists(PRIORITIES))
def test_the_most_urgent_comes_out_first_and_the_oldest_of_equals(
    priorities: list[Priority],
) -> None:
    intake: Intake[int] = Intake(1000)
    for number, priority in enumerate(priorities):
        assert intake.put(priority, number) is None

    came = taken(intake)

    assert came == sorted(
        ((priority, number) for number, priority in enumerate(priorities)),
        key=lambda entry: (-entry[0], entry[1]),
    )


@given(st.lists(PRIORITIES), st.integers(1, 10))
def test_what_had_to_go_was_the_newest_of_the_least_urgent(
    priorities: list[Priority], capacity: int
) -> None:
    intake: Intake[int] = Intake(capacity)
    kept: list[tuple[Priority, int]] = []

    for number, priority in enumerate(priorities):
        kept.append((priority, number))
        gone = intake.put(priority, number)
        if len(kept) > capacity:
            loser = min(kept, key=lambda entry: (entry[0], -entry[1]))
            kept.remove(loser)
            assert gone == loser[1]
        else:
            assert gone is None

    assert len(intake) == len(kept) <= capacity
    assert sorted(taken(intake)) == sorted(kept)


@given(st.lists(PRIORITIES), PRIORITIES)
def test_only_what_is_urgent_enough_is_taken(priorities: list[Priority], least: Priority) -> None:
    intake: Intake[int] = Intake(1000)
    for number, priority in enumerate(priorities):
        intake.put(priority, number)
    urgent = [priority for priority in priorities if priority >= least]

    assert intake.count(least) == len(urgent)
    assert intake.most_urgent(least) == max(urgent, default=None)
    for _ in urgent:
        assert intake.take(least) is not None
    assert intake.take(least) is None
    assert len(intake) == len(priorities) - len(urgent)


def test_a_full_room_keeps_the_error() -> None:
    intake: Intake[str] = Intake(2)
    intake.put(Priority.LOW, "info 1")
    intake.put(Priority.LOW, "info 2")

    gone = intake.put(Priority.EMERGENCY, "error")

    assert gone == "info 2"
    assert intake.take() == (Priority.EMERGENCY, "error")


def test_threads_lose_and_double_nothing() -> None:
    intake: Intake[int] = Intake(500)
    gone: list[list[int]] = [[] for _ in range(THREADS)]

    def put_many(thread: int) -> None:
        for number in range(2000):
            loser = intake.put(list(Priority)[number % 5], thread * 2000 + number)
            if loser is not None:
                gone[thread].append(loser)

    in_threads(put_many)

    stayed = [number for _, number in taken(intake)]
    assert len(stayed) <= 500 + THREADS
    assert sorted([*stayed, *(number for each in gone for number in each)]) == list(
        range(THREADS * 2000)
    )


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
