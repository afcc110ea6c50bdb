"""The sender's groups, made from notices alone: what is an alert, what repeats, what falls due."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging import Grouping
from pushover_logging.delivery.grouping import Groups, tag_of
from pushover_logging.notice import Notice, Snapshot

SEQUENCE = itertools.count(1)


def snapshot(text: str, created: float = 1.0) -> Snapshot:
    return Snapshot(created, "shop", 40, "ERROR", text)


def new(text: str = "disk is full", *, key: str | None = None, created: float = 1.0) -> Notice:
    """The notice of a new alert."""
    identity = ("text", text) if key is None else ("key", key)
    shown = snapshot(text, created)
    return Notice("new", next(SEQUENCE), created, identity, 1, key, shown)


def counted(total: int, text: str = "disk is full", *, epoch: int = 1, at: float = 2.0) -> Notice:
    """The notice of a group's running total."""
    return Notice(
        *("counted", next(SEQUENCE), at, ("text", text), 1, None, snapshot(f"the last {text}", at)),
        epoch=epoch,
        total=total,
        is_last=True,
    )


def groups_of(**policy: float) -> Groups:
    return Groups(Grouping(**policy))  # type: ignore[arg-type]


def test_the_first_notice_of_a_problem_is_an_alert_and_the_next_a_repeat() -> None:
    groups = groups_of()

    first, is_alert = groups.take_in(new())
    again, is_alert_again = groups.take_in(new())

    assert (is_alert, is_alert_again) == (True, False)
    assert again is first
    assert groups.pending == first.pending == 1


def test_another_process_repeats_the_same_group() -> None:
    groups = groups_of()
    group, _ = groups.take_in(new())

    groups.count(counted(3), "one")
    groups.count(counted(4), "other")

    assert group.pending == 7


def test_a_running_total_that_arrives_twice_or_late_counts_once() -> None:
    groups = groups_of()
    group, _ = groups.take_in(new())

    results = [groups.count(counted(total), "source") for total in (5, 5, 3, 8)]

    assert [repeats for _, repeats in results] == [5, 0, 0, 3]
    assert group.pending == 8


def test_a_total_that_began_anew_counts_in_full() -> None:
    groups = groups_of()
    group, _ = groups.take_in(new())
    groups.count(counted(5, epoch=1), "source")

    groups.count(counted(2, epoch=9), "source")

    assert group.pending == 7


def test_total_is_known_however_many_began_after_it() -> None:
    groups = groups_of()
    group, _ = groups.take_in(new())
    for epoch in range(1, 41):
        groups.count(counted(5, epoch=epoch), "source")

    for epoch in range(1, 41):
        groups.count(counted(6, epoch=epoch), "source")

    assert group.pending == 40 * 6


def test_total_is_known_when_its_problem_was_counted_together_with_others_meanwhile() -> None:
    groups = groups_of(max_groups=2)
    first, second = groups.take_in(new("one"))[0], groups.take_in(new("another"))[0]
    groups.count(counted(3, "two", epoch=2), "source")
    for group in (first, second):
        groups.close(group)

    group, repeats = groups.count(counted(4, "two", epoch=2), "source")

    assert group.identity[0] != "other"
    assert repeats == 1
    assert groups.pending == 4


def test_totals_of_a_process_that_was_silent_for_long_are_known() -> None:
    groups = groups_of()
    groups.take_in(new())
    for process in range(1200):
        groups.count(counted(5), f"process {process}")

    _, repeats = groups.count(counted(6), "process 0")

    assert repeats == 1


def test_full_table_is_not_walked_for_each_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unwalkable(dict[Any, Any]):
        def walk(self, *_: object) -> Any:
            raise AssertionError("every group was looked at")

        items = values = keys = __iter__ = walk

    groups = groups_of(max_groups=3)
    for text in ("one", "another", "a third"):
        groups.take_in(new(text))
    monkeypatch.setattr(groups, "_known", Unwalkable(groups._known))

    group, _ = groups.take_in(new("a fourth"))

    assert group.identity[0] == "other"


def test_count_that_is_no_running_total_counts_in_full_each_time() -> None:
    groups = groups_of()
    group, _ = groups.take_in(new())

    for total in (2, 1, 2):
        groups.count(counted(total, epoch=0), "source")

    assert group.pending == 5


def test_totals_of_problems_that_are_counted_together_do_not_disturb_each_other() -> None:
    groups = groups_of(max_groups=1)
    groups.take_in(new("the only one"))

    for total in (1, 2, 3):
        groups.count(counted(total, "one", epoch=1), "source")
        groups.count(counted(total, "two", epoch=2), "source")

    assert groups.pending == 6


def test_a_total_of_an_unknown_group_has_everything_that_a_group_needs() -> None:
    groups = groups_of()

    group, repeats = groups.count(counted(7), "source")

    assert repeats == group.pending == groups.pending == 7
    assert group.first.text == "the last disk is full"
    assert not group.is_open


def test_a_closed_groups_next_notice_is_an_alert() -> None:
    groups = groups_of()
    group, _ = groups.take_in(new())
    groups.close(group)

    again, is_alert = groups.take_in(new(created=50.0))

    assert is_alert
    assert again is group
    assert group.first.created == 50.0


def test_an_interval_of_0_makes_a_group_of_each_notice() -> None:
    groups = groups_of(interval=0)

    taken = [groups.take_in(new()) for _ in range(3)]

    assert len({id(group) for group, _ in taken}) == 3
    assert all(is_alert for _, is_alert in taken)
    assert list(groups) == []


@given(st.lists(st.sampled_from(["new", "count", "push"])))
def test_without_an_interval_a_group_with_repeats_is_due_and_no_other(events: list[str]) -> None:
    groups, total = groups_of(interval=0), 0

    for now, kind in enumerate(events):
        if kind == "new":
            group, _ = groups.take_in(new())
        else:
            total += kind == "count"
            group, _ = groups.count(counted(total), "source")
        if kind == "push":
            groups.claim(group)
            groups.pushed(group, now)
        elif group.pending and not group.is_open:
            groups.reopen(group, now)

        assert groups.pending == sum(group.pending for group in groups)
        assert [group.is_open for group in groups] == [bool(group.pending) for group in groups]
        assert all((group.until is not None) == bool(group.pending) for group in groups)


def test_too_many_problems_are_counted_together_by_level_and_priority() -> None:
    groups = groups_of(max_groups=2)
    for text in ("a", "b"):
        groups.take_in(new(text))

    first, is_alert = groups.take_in(new("c", key="payments"))
    others = [groups.take_in(new(text)) for text in ("d", "e")]

    assert is_alert
    assert all(group is first and not alert for group, alert in others)
    assert first.tag is None
    assert first.pending == 2


@given(st.lists(st.tuples(st.sampled_from("abcdefghij"), st.booleans())), st.integers(1, 5))
def test_never_more_groups_than_allowed_half_as_many_closed_and_one_for_the_rest(
    events: list[tuple[str, bool]], most: int
) -> None:
    groups = groups_of(max_groups=most)
    for text, closes in events:
        group, _ = groups.take_in(new(text))
        if closes:
            groups.claim(group)
            groups.close(group)

    assert len(list(groups)) <= most + max(1, most // 2) + 1


def test_the_longest_closed_groups_are_forgotten_first() -> None:
    groups = groups_of(max_groups=4)
    known = [groups.take_in(new(text))[0] for text in "abcd"]

    for group in known:
        groups.close(group)

    assert list(groups) == known[2:]


def test_groups_with_repeats_are_not_forgotten() -> None:
    groups = groups_of(max_groups=4)
    known = [groups.take_in(new(text))[0] for text in "abcd"]
    groups.take_in(new("a"))

    for group in known:
        groups.close(group)

    assert known[0] in list(groups)
    assert groups.unfinished() == [known[0]]


def test_a_group_that_is_reopened_is_not_forgotten_as_a_closed_one() -> None:
    groups = groups_of(max_groups=2)
    group, _ = groups.take_in(new("a"))
    groups.close(group)
    groups.reopen(group, 100.0)
    for text in "bcd":
        other, _ = groups.take_in(new(text))
        groups.close(other)

    assert group in list(groups)


def test_a_group_is_due_once_when_its_latest_interval_ends() -> None:
    groups = groups_of(interval=60)
    group, _ = groups.take_in(new())
    groups.pushed(group, 0.0)
    groups.pushed(group, 30.0)

    assert groups.due(89.0) == []
    assert groups.due(90.0) == [group]
    assert groups.due(1000.0) == []
    assert groups.next_due() is None


def test_while_its_alert_waits_a_group_has_no_timer() -> None:
    groups = groups_of(interval=60)
    groups.take_in(new())

    assert groups.next_due() is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["new", "count", "push", "close", "reopen", "wait"]),
            st.sampled_from("abcde"),
            st.floats(0, 50),
        )
    )
)
def test_looking_at_what_is_due_leaves_only_later_moments(
    events: list[tuple[str, str, float]],
) -> None:
    groups, now = groups_of(interval=60, max_groups=3), 0.0
    totals = dict.fromkeys("abcde", 0)

    for kind, text, pause in events:
        now += pause
        group = groups.find(("text", text))
        if kind == "new":
            groups.take_in(new(text))
        elif kind == "count":
            totals[text] += 1
            groups.count(counted(totals[text], text, epoch=ord(text)), "source")
        elif group is None:
            continue
        elif kind == "push":
            groups.claim(group)
            groups.pushed(group, now)
        elif kind == "close":
            groups.close(group)
        elif kind == "reopen":
            groups.reopen(group, now)
        else:
            groups.wait(group, now)
        assert groups.pending == sum(group.pending for group in groups)
        groups.due(now)
        following = groups.next_due()
        assert following is None or following > now


def test_the_summary_shows_the_last_repeat_of_which_the_text_is_known() -> None:
    groups = groups_of()
    group, _ = groups.take_in(new())
    assert (group.shown.text, group.shown_is_last) == ("disk is full", False)

    groups.count(counted(3, at=9.0), "source")
    groups.count(counted(4, at=20.0)._replace(is_last=False), "source")

    assert (group.shown.text, group.shown_is_last) == ("the last disk is full", True)
    assert group.last_at == 20.0


def test_forgetting_thousands_of_groups_takes_no_long_time() -> None:
    groups = groups_of(max_groups=16_000)
    known = [groups.take_in(new(str(number)))[0] for number in range(16_000)]
    for number, group in enumerate(known):
        groups.take_in(new(str(number)))
        groups.pushed(group, float(number))
    started = time.process_time()

    for group in groups.due(1e9):
        groups.claim(group)
        groups.close(group)

    assert time.process_time() - started < 2  # it took 11 s when each looked at all


@given(st.text(st.characters(exclude_categories=())))
def test_a_tag_is_made_of_characters_that_any_tag_may_have(key: str) -> None:
    assert tag_of(key).replace("-", "").isalnum()
    assert len(tag_of(key)) == 24


@pytest.mark.parametrize("key", ["a", "b"])
def test_a_tag_is_the_same_in_every_process(key: str) -> None:
    expected = {"a": "key-ca978112ca1bbdcafac2", "b": "key-3e23e8160039594a3389"}

    assert tag_of(key) == expected[key]
