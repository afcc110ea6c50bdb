"""Promises of the priority table: every level has its priority, custom levels too."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.client.constants import EMERGENCY, HIGH, LOW, LOWEST, NORMAL, Priority
from pushover_logging.priorities import PriorityTable, priority_table

entries = st.dictionaries(st.integers(0, 60), st.sampled_from([*Priority, None]))


@pytest.mark.parametrize(
    ("level", "priority"),
    [
        (logging.NOTSET, LOWEST),
        (5, LOWEST),
        (logging.DEBUG, LOWEST),
        (logging.INFO, LOW),
        (25, LOW),
        (logging.WARNING, NORMAL),
        (logging.ERROR, EMERGENCY),
        (45, EMERGENCY),
        (logging.CRITICAL, EMERGENCY),
        (1000, EMERGENCY),
    ],
)
def test_errors_ring_and_the_rest_is_quieter_by_default(level: int, priority: Priority) -> None:
    assert priority_table().for_level(level) is priority


def test_entries_of_the_user_are_laid_over_the_defaults() -> None:
    table = priority_table({"warning": "HIGH", 35: 1, "ERROR": Priority.HIGH, "DEBUG": None})

    priorities = [table.for_level(level) for level in (5, 10, 20, 30, 35, 40, 50)]

    assert priorities == [None, None, LOW, HIGH, HIGH, HIGH, HIGH]


def test_numbers_may_be_spelled_as_text() -> None:
    assert priority_table({"35": "1"}).for_level(36) is HIGH


@given(entries, st.integers(-10, 100))
def test_a_level_takes_the_nearest_threshold_at_or_below_it(
    chosen: dict[int, Priority | None], level: int
) -> None:
    merged = {10: LOWEST, 20: LOW, 30: NORMAL, 40: EMERGENCY, **chosen}
    below = [threshold for threshold in merged if threshold <= level]

    expected = merged[max(below)] if below else merged[min(merged)]

    assert priority_table(chosen).for_level(level) is expected


@given(entries, st.lists(st.integers(-10, 100)))
def test_an_answer_stays_the_same_when_it_is_remembered(
    chosen: dict[int, Priority | None], levels: list[int]
) -> None:
    table = priority_table(chosen)

    first = [table.by_level[level] for level in levels]

    assert [table.by_level[level] for level in levels] == first


def test_the_memory_of_levels_is_bounded() -> None:
    table = priority_table()

    answers = {table.by_level[level] for level in range(50, 10_000)}

    assert answers == {EMERGENCY}
    assert len(table.by_level) <= 256


def test_a_table_is_a_value() -> None:
    first, second = priority_table({"INFO": 0}), priority_table({20: "NORMAL"})

    first.for_level(25)

    assert first == second
    assert hash(first) == hash(second)
    assert priority_table(first) is first


def test_thresholds_rise() -> None:
    assert PriorityTable() == priority_table()
    assert [level for level, _ in priority_table({5: 0, 99: 0, 25: 0}).thresholds] == [
        *(5, 10, 20, 25, 30, 40, 99)
    ]


def test_a_wrong_entry_is_refused_with_its_level() -> None:
    with pytest.raises(ValueError, match=r"^priorities\[ERROR\] is 'HGIH'; .*did you mean HIGH\?$"):
        priority_table({"ERROR": "HGIH"})
    with pytest.raises(ValueError, match=r"^a level in priorities is 'EROR'; .*mean ERROR\?$"):
        priority_table({"EROR": "HIGH"})
    with pytest.raises(TypeError, match=r"^priorities is of type str; expected a mapping"):
        priority_table("HIGH")


def test_one_level_under_two_names_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^priorities names level 30 twice"):
        priority_table({"WARNING": 1, 30: 0})
