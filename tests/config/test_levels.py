"""Every logging level has a priority, custom levels too."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.client.constants import EMERGENCY, HIGH, LOW, LOWEST, NORMAL, Priority
from pushover_logging.config import read_config
from pushover_logging.config.levels import PriorityByLevel, read_priorities

KEYS = {"token": "a" * 30, "user": "u" * 30}


def by_level(priorities: object = None) -> PriorityByLevel:
    return PriorityByLevel(read_config({**KEYS, "priorities": priorities}).thresholds)


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
    assert by_level()[level] == priority


def test_given_entries_are_merged_over_the_defaults() -> None:
    table = by_level({"warning": "HIGH", 35: 1, "ERROR": Priority.HIGH, "DEBUG": None})

    priorities = [table[level] for level in (5, 10, 20, 30, 35, 40, 50)]

    assert priorities == [None, None, LOW, HIGH, HIGH, HIGH, HIGH]


def test_numbers_may_be_spelled_as_text() -> None:
    assert by_level({"35": "1"})[36] == HIGH


@given(entries, st.integers(-10, 100))
def test_a_level_takes_the_nearest_threshold_at_or_below_it(
    chosen: dict[int, Priority | None], level: int
) -> None:
    merged = {10: LOWEST, 20: LOW, 30: NORMAL, 40: EMERGENCY, **chosen}
    below = [threshold for threshold in merged if threshold <= level]

    expected = merged[max(below)] if below else merged[min(merged)]

    assert by_level(chosen)[level] == expected


@given(entries, st.lists(st.integers(-10, 100)))
def test_an_answer_stays_the_same_when_it_is_remembered(
    chosen: dict[int, Priority | None], levels: list[int]
) -> None:
    table = by_level(chosen)

    first = [table[level] for level in levels]

    assert [table[level] for level in levels] == first


def test_the_number_of_remembered_levels_is_bounded() -> None:
    table = by_level()

    answers = {table[level] for level in range(50, 10_000)}

    assert answers == {EMERGENCY}
    assert len(table) <= 256


def test_thresholds_rise_and_hold_plain_numbers() -> None:
    thresholds = read_priorities({5: 0, 99: Priority.HIGH, 25: None}, "priorities")

    assert thresholds == ((5, 0), (10, -2), (20, -1), (25, None), (30, 0), (40, 2), (99, 1))
    assert {type(priority) for _, priority in thresholds} == {int, type(None)}


def test_a_wrong_entry_is_refused_with_its_level() -> None:
    with pytest.raises(ValueError, match=r"^priorities\[ERROR\] is 'HGIH'; .*did you mean HIGH\?$"):
        by_level({"ERROR": "HGIH"})
    with pytest.raises(ValueError, match=r"^a level in priorities is 'EROR'; .*mean ERROR\?$"):
        by_level({"EROR": "HIGH"})
    with pytest.raises(TypeError, match=r"^priorities is of type str; expected a mapping"):
        by_level("HIGH")


def test_one_level_under_two_names_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^priorities names level 30 twice"):
        by_level({"WARNING": 1, 30: 0})
