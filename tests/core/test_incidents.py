"""An emergency rings, then is acknowledged, expired or resolved; nothing is asked needlessly."""

from __future__ import annotations

import itertools
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pushover_logging.alerts import Priority
from pushover_logging.groups import Group, glimpse_of, tag_of
from pushover_logging.incidents import IncidentReport, Incidents, IncidentState

from .bench import TODAY, News, record

RINGING, ACKNOWLEDGED = IncidentState.RINGING, IncidentState.ACKNOWLEDGED
EXPIRED, RESOLVED = IncidentState.EXPIRED, IncidentState.RESOLVED


def group(own_key: str | None = "key") -> Group:
    return Group("key", "shop", logging.ERROR, None, Priority.EMERGENCY, None, own_key)


def test_a_new_incident_rings_until_it_expires() -> None:
    incident = Incidents([], someone_listens=False).open("r", "title", [group()], 60, now=100.0)

    assert incident.rings(159.9)
    assert not incident.rings(160.0)
    assert incident.state is EXPIRED
    assert not incident.rings(100.0)  # whatever a clock may say later


@pytest.mark.parametrize(
    ("news", "state"),
    [
        (News(), RINGING),
        (News(acknowledged=True), ACKNOWLEDGED),
        (News(expired=True), EXPIRED),
        (News(gone=True), EXPIRED),
        (News(acknowledged=True, expired=True), ACKNOWLEDGED),
    ],
)
def test_what_the_service_says_becomes_its_state(news: News, state: IncidentState) -> None:
    incident = Incidents([], someone_listens=False).open("r", "title", [group()], 60, now=0.0)

    incident.heed(news)

    assert incident.state is state
    assert incident.rings(1.0) == (state is RINGING)


def test_an_acknowledgement_is_reported_with_when_and_by_whom() -> None:
    incidents = Incidents([], someone_listens=False)
    incidents.open("r", "disk is full", [group()], 60, now=0.0).heed(News(True, TODAY, "uSomebody"))

    assert incidents.reports() == (
        IncidentReport("r", "disk is full", ACKNOWLEDGED, TODAY, "uSomebody"),
    )


def test_the_user_who_acknowledged_is_in_no_repr() -> None:
    report = IncidentReport("r", "disk is full", ACKNOWLEDGED, TODAY, "uSomebody")

    assert "uSomebody" not in repr(report)


def test_nobody_is_asked_when_the_answer_changes_nothing() -> None:
    incidents = Incidents([], someone_listens=False)
    trouble = group()
    incidents.open("r", "title", [trouble], 3600, now=0.0)

    assert incidents.to_ask(1000.0) is None
    trouble.count(glimpse_of(record()))

    assert incidents.to_ask(1010.0) is not None


@given(st.lists(st.floats(0, 20), max_size=60), st.booleans())
def test_an_emergency_is_never_asked_about_more_often_than_every_5_seconds(
    pauses: list[float], someone_listens: bool
) -> None:
    incidents, now, asked = Incidents([], someone_listens=someone_listens), 0.0, [0.0]
    trouble = group()
    incidents.open("r", "title", [trouble], 3600, now)
    trouble.count(glimpse_of(record()))

    for pause in pauses:
        now += pause
        if incidents.to_ask(now):
            asked.append(now)
        following = incidents.next_question()
        assert following is not None
        assert following > now  # or the courier would go round and round

    assert all(later - earlier >= 5 for earlier, later in itertools.pairwise(asked))


def test_each_of_many_is_asked_about_in_turn() -> None:
    incidents = Incidents([], someone_listens=True)
    opened = [incidents.open(str(n), "title", [group()], 3600, now=0.0) for n in range(3)]

    asked = [incidents.to_ask(60.0) for _ in range(4)]

    assert asked == [*opened, None]


def test_what_no_longer_rings_is_not_asked_about() -> None:
    incidents = Incidents([], someone_listens=True)
    incidents.open("r", "title", [group()], 30, now=0.0)

    assert incidents.to_ask(30.0) is None
    assert incidents.next_question() is None


def test_resolving_ends_the_ringing_of_its_tag_once() -> None:
    incidents = Incidents([], someone_listens=False)
    mine = incidents.open("1", "title", [group("mine"), group(None)], 60, now=0.0)
    other = incidents.open("2", "title", [group("other")], 60, now=0.0)

    tag = tag_of("mine")
    assert [incidents.resolve(tag, 1.0), incidents.resolve(tag, 2.0)] == [True, False]
    assert (mine.state, other.state) == (RESOLVED, RINGING)


def test_an_earlier_runs_emergency_is_cancelled_once() -> None:
    incidents = Incidents([], someone_listens=False)

    assert [incidents.resolve("mine", 1.0), incidents.resolve("mine", 2.0)] == [True, False]


def test_only_the_latest_hundred_are_reported_but_what_rings_is_never_forgotten() -> None:
    incidents = Incidents([], someone_listens=False)
    for number in range(250):
        incidents.open(str(number), "title", [group()], 60, now=100.0 * number)
    assert [report.receipt for report in incidents.reports()] == list(map(str, range(150, 250)))

    for number in range(250, 400):
        incidents.open(str(number), "title", [group()], 60, now=100_000.0)

    assert [report.receipt for report in incidents.reports()] == list(map(str, range(250, 400)))


def test_trouble_goes_on_when_more_came_than_at_the_answer() -> None:
    incident = Incidents([], someone_listens=False).open("r", "title", [group()], 60, now=0.0)
    trouble = group()
    for _ in range(5):
        trouble.count(glimpse_of(record()))
    incident.counted_then[trouble] = 5

    assert not incident.goes_on(trouble, trouble.unclaimed())
    trouble.claim()
    trouble.count(glimpse_of(record()))
    assert incident.goes_on(trouble, trouble.unclaimed())
