"""Which entry goes next, which goes as a digest, and which is turned away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.client.constants import Priority
from pushover_logging.delivery.grouping import Group
from pushover_logging.delivery.limits import Verdict
from pushover_logging.delivery.outbox import Entry, Outbox, Part
from pushover_logging.notice import Snapshot

LOWEST, LOW, NORMAL, HIGH, EMERGENCY = sorted(Priority)
PRIORITIES = st.sampled_from(Priority)


def alert(text: str = "disk is full", priority: Priority = HIGH, key: str | None = None) -> Entry:
    snapshot = Snapshot(1.0, "shop", 40, "ERROR", text)
    group = Group(("text", text), priority, key, snapshot, {}, snapshot)
    return Entry([Part(group, 1, snapshot)], priority, 0.0)


def summary(text: str = "disk is full", records: int = 5, priority: Priority = HIGH) -> Entry:
    entry = alert(text, priority)
    return Entry([Part(entry.parts[0].group, records)], priority, 0.0)


def outbox_with(*entries: Entry) -> Outbox:
    outbox = Outbox()
    for entry in entries:
        outbox.put(entry, 0.0)
    return outbox


def verdict(slots: int = 10, least: Priority | None = LOWEST, *, emergency: bool = True) -> Verdict:
    return Verdict(least, slots, emergency, 0.0)


def take(outbox: Outbox, slots: int = 10, now: float = 0.0, **options: bool) -> Entry | None:
    return outbox.take_next(verdict(slots), now, Group.claim, **options)


def texts(entry: Entry | None) -> list[str]:
    assert entry is not None
    return [part.group.first.text for part in entry.parts]


@given(st.lists(PRIORITIES))
def test_the_most_urgent_goes_first_and_the_oldest_of_equals(priorities: list[Priority]) -> None:
    outbox = outbox_with(*(alert(str(n), priority) for n, priority in enumerate(priorities)))

    gone = []
    while (entry := take(outbox)) is not None:
        gone.append((entry.priority, int(texts(entry)[0])))
        outbox.finished(entry)

    assert gone == sorted(gone, key=lambda item: (-item[0], item[1]))
    assert len(gone) == len(priorities)
    assert (outbox.records, outbox.alerts) == (0, 0)


@given(st.lists(PRIORITIES), PRIORITIES)
def test_only_urgent_enough_entries_go(priorities: list[Priority], least: Priority) -> None:
    outbox = outbox_with(*(alert(str(n), priority) for n, priority in enumerate(priorities)))

    gone = 0
    while (entry := outbox.take_next(verdict(99, least), 0.0, Group.claim)) is not None:
        assert entry.priority >= least
        outbox.finished(entry)
        gone += 1

    assert gone == sum(priority >= least for priority in priorities)


def test_nothing_goes_while_nothing_may() -> None:
    outbox = outbox_with(alert(priority=EMERGENCY))

    assert outbox.take_next(verdict(10, None), 0.0, Group.claim) is None
    assert outbox.records == 1


def test_the_last_slot_takes_everything_as_a_digest() -> None:
    outbox = outbox_with(alert("one", LOW), alert("two", EMERGENCY), summary("three"))

    digest = take(outbox, slots=1)

    assert texts(digest) == ["two", "three", "one"]
    assert digest is not None
    assert (digest.priority, digest.records) == (EMERGENCY, 7)
    assert take(outbox, slots=1) is None
    outbox.finished(digest)
    assert not outbox
    assert outbox.records == 0


def test_a_digest_has_one_part_for_a_group_that_waits_twice() -> None:
    first = alert("one")
    again = Entry([Part(first.parts[0].group, 4)], HIGH, 0.0)
    outbox = outbox_with(first, again, alert("two"))

    digest = take(outbox, slots=1)

    assert texts(digest) == ["one", "two"]
    assert digest is not None
    assert digest.records == outbox.records == 6


def test_a_digest_takes_the_repeats_that_were_counted_meanwhile() -> None:
    one, two = alert("one"), alert("two")
    one.parts[0].group.pending = 9
    outbox = outbox_with(one, two)

    digest = take(outbox, slots=1)

    assert digest is not None
    assert digest.records == outbox.records == 11


def test_a_report_goes_by_itself_and_is_in_no_digest() -> None:
    report = Entry([], HIGH, 0.0)
    outbox = outbox_with(report, alert("one", LOW), alert("two", LOW))

    digest = take(outbox, slots=1)
    assert texts(digest) == ["one", "two"]
    assert digest is not None
    outbox.finished(digest)

    assert take(outbox, slots=1) is report


def test_a_full_minute_lets_only_an_emergency_through() -> None:
    outbox = outbox_with(alert("high"), alert("fire", EMERGENCY))

    entry = take(outbox, slots=0)
    assert texts(entry) == ["fire"]
    assert entry is not None
    outbox.finished(entry)

    assert take(outbox, slots=0) is None
    more = outbox_with(alert("fire", EMERGENCY))
    assert more.take_next(verdict(0, emergency=False), 0.0, Group.claim) is None


def test_at_the_end_a_full_minute_takes_everything_as_a_digest() -> None:
    outbox = outbox_with(alert("one"), alert("two", LOW))

    assert texts(take(outbox, slots=0, ending=True)) == ["one", "two"]


def test_an_entry_that_failed_is_put_off_and_another_goes() -> None:
    outbox = outbox_with(alert("one"), alert("two"))
    first = take(outbox)
    assert first is not None
    first.tries, first.not_before = 1, 30.0

    outbox.put(first, 0.0)

    assert texts(take(outbox)) == ["two"]
    assert outbox.next_due() == 30.0
    assert take(outbox, now=29.9) is None
    assert take(outbox, now=30.0) is first


def test_in_an_outage_an_untried_entry_goes_first() -> None:
    tried = alert("one", EMERGENCY)
    tried.tries = 1
    outbox = outbox_with(tried, alert("two", LOW))

    assert texts(take(outbox, untried_first=True)) == ["two"]


def test_at_the_end_entries_that_were_put_off_without_a_failure_go() -> None:
    later, failed = alert("later"), alert("failed")
    later.not_before = failed.not_before = 100.0
    failed.tries = 1
    outbox = outbox_with(later, failed)

    assert texts(take(outbox, ending=True)) == ["later"]
    assert take(outbox, ending=True) is None


@given(st.lists(PRIORITIES, min_size=1))
def test_the_newest_of_the_least_urgent_alerts_is_turned_away(priorities: list[Priority]) -> None:
    outbox = outbox_with(
        summary("repeats", priority=LOWEST),
        *(alert(str(n), priority) for n, priority in enumerate(priorities)),
    )

    victim = outbox.turn_away()

    loser = min(enumerate(priorities), key=lambda item: (item[1], -item[0]))
    assert texts(victim) == [str(loser[0])]
    assert outbox.alerts == len(priorities) - 1
    assert outbox.records == len(priorities) - 1 + 5


def test_an_alert_is_turned_away_from_a_digest_that_failed() -> None:
    outbox = outbox_with(alert("one"), alert("two", LOW), alert("three", LOW))
    digest = take(outbox, slots=1)
    assert digest is not None
    digest.tries, digest.not_before = 1, 30.0
    outbox.put(digest, 0.0)
    assert outbox.alerts == 3

    victim = outbox.turn_away()

    assert texts(victim) == ["three"]
    assert texts(digest) == ["one", "two"]
    assert (outbox.alerts, outbox.records) == (2, 2)
    assert take(outbox, now=30.0) is digest


def test_summaries_alone_are_never_turned_away() -> None:
    assert outbox_with(summary(), summary("two")).turn_away() is None


@pytest.mark.parametrize("not_before", [0.0, 50.0])
def test_an_emergency_that_is_resolved_goes_without_ringing(not_before: float) -> None:
    mine, other = alert("one", EMERGENCY, key="mine"), alert("two", EMERGENCY, key="other")
    mine.not_before = not_before
    outbox = outbox_with(mine, other)

    outbox.lower([mine.parts[0].group], 0.0)

    assert (mine.priority, other.priority) == (NORMAL, EMERGENCY)
    assert (outbox.alerts, outbox.records) == (2, 2)


def test_a_digest_of_several_problems_still_rings_when_one_is_resolved() -> None:
    mine = alert("one", EMERGENCY, key="mine")
    outbox = outbox_with(mine, alert("two", EMERGENCY, key="other"))
    digest = take(outbox, slots=1)
    assert digest is not None
    outbox.put(digest, 0.0)

    outbox.lower([mine.parts[0].group], 0.0)

    assert digest.priority is EMERGENCY


def test_clearing_leaves_the_entry_in_hand() -> None:
    outbox = outbox_with(alert("one"), alert("two"), summary("three"))
    in_hand = take(outbox)
    assert in_hand is not None

    parts = outbox.clear()

    assert sorted(part.group.first.text for part in parts) == ["three", "two"]
    assert (outbox.records, outbox.alerts) == (1, 0)
    assert outbox
    outbox.finished(in_hand)
    assert not outbox
