"""An emergency rings, then is acknowledged, expired or resolved; nothing is asked needlessly."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.client.constants import Priority
from pushover_logging.delivery.grouping import Group, tag_of
from pushover_logging.delivery.incidents import IncidentReport, Incidents, IncidentState
from pushover_logging.notice import Snapshot

from .bench import TODAY, Status

RINGING, ACKNOWLEDGED = IncidentState.RINGING, IncidentState.ACKNOWLEDGED
EXPIRED, RESOLVED = IncidentState.EXPIRED, IncidentState.RESOLVED


def group(key: str | None = "key") -> Group:
    snapshot = Snapshot(1.0, "shop", 40, "ERROR", "disk is full")
    return Group(("text", key), Priority.EMERGENCY, key, snapshot, {}, snapshot)


def test_a_new_incident_rings_until_it_expires() -> None:
    incident = Incidents().open("r", "title", [group()], 60, now=100.0)

    assert incident.rings(159.9)
    assert not incident.rings(160.0)
    assert incident.state is EXPIRED
    assert not incident.rings(100.0)  # whatever a clock says later


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (Status(), RINGING),
        (Status(acknowledged=True), ACKNOWLEDGED),
        (Status(expired=True), EXPIRED),
        (Status(gone=True), EXPIRED),
        (Status(acknowledged=True, expired=True), ACKNOWLEDGED),
    ],
)
def test_the_services_answer_becomes_its_state(status: Status, state: IncidentState) -> None:
    incident = Incidents().open("r", "title", [group()], 60, now=0.0)

    incident.learn(status)

    assert incident.state is state
    assert incident.rings(1.0) == (state is RINGING)


def test_an_acknowledgement_is_reported_with_its_time_and_user() -> None:
    incidents = Incidents()
    incident = incidents.open("r", "disk is full", [group()], 60, now=0.0)

    incident.learn(Status(True, TODAY, "uSomebody"))

    assert incidents.reports() == (
        IncidentReport("r", "disk is full", ACKNOWLEDGED, TODAY, "uSomebody"),
    )


def test_the_user_who_acknowledged_is_in_no_repr() -> None:
    report = IncidentReport("r", "disk is full", ACKNOWLEDGED, TODAY, "uSomebody")

    assert "uSomebody" not in repr(report)


def test_nobody_is_asked_when_the_answer_changes_nothing() -> None:
    incidents, ringing = Incidents(), group()
    incidents.open("r", "title", [ringing], 3600, now=0.0)

    assert incidents.to_poll(1000.0, someone_listens=False) is None
    ringing.pending += 1

    assert incidents.to_poll(1010.0, someone_listens=False) is not None


@given(st.lists(st.floats(0, 20), max_size=60), st.booleans())
def test_an_emergency_is_never_asked_about_more_often_than_every_5_seconds(
    pauses: list[float], someone_listens: bool
) -> None:
    incidents, now, polled, ringing = Incidents(), 0.0, [0.0], group()
    incidents.open("r", "title", [ringing], 3600, now)
    ringing.pending += 1

    for pause in pauses:
        now += pause
        if incidents.to_poll(now, someone_listens=someone_listens):
            polled.append(now)
        following = incidents.next_due()
        assert following is not None
        assert following > now  # or the worker would never sleep

    assert all(later - earlier >= 5 for earlier, later in itertools.pairwise(polled))


def test_each_of_many_is_asked_about_in_turn() -> None:
    incidents = Incidents()
    opened = [incidents.open(str(n), "title", [group()], 3600, now=0.0) for n in range(3)]

    polled = [incidents.to_poll(60.0, someone_listens=True) for _ in range(4)]

    assert polled == [*opened, None]


def test_an_expired_emergency_is_not_asked_about() -> None:
    incidents = Incidents()
    incidents.open("r", "title", [group()], 30, now=0.0)

    assert incidents.to_poll(30.0, someone_listens=True) is None
    assert incidents.next_due() is None


def test_resolving_ends_the_ringing_of_its_groups_once() -> None:
    incidents, resolved = Incidents(), group("mine")
    mine = incidents.open("1", "title", [resolved, group(None)], 60, now=0.0)
    other = incidents.open("2", "title", [group("other")], 60, now=0.0)

    incidents.resolve([resolved], 1.0)
    incidents.resolve([resolved], 2.0)

    assert (mine.state, other.state) == (RESOLVED, RINGING)
    assert incidents.to_cancel == {tag_of("mine"): 1.0}
    assert incidents.cancel_due() == 1.0


def test_resolving_an_expired_emergency_cancels_nothing() -> None:
    incidents, expired = Incidents(), group("mine")
    incidents.open("1", "title", [expired], 60, now=0.0)

    incidents.resolve([expired], 61.0)

    assert incidents.to_cancel == {}


def test_only_the_latest_hundred_are_reported_but_no_ringing_one_is_forgotten() -> None:
    incidents = Incidents()
    for number in range(250):
        incidents.open(str(number), "title", [group()], 60, now=100.0 * number)
    assert [report.receipt for report in incidents.reports()] == list(map(str, range(150, 250)))

    for number in range(250, 400):
        incidents.open(str(number), "title", [group()], 60, now=100_000.0)

    assert [report.receipt for report in incidents.reports()] == list(map(str, range(250, 400)))


def test_a_problem_still_happens_when_more_came_than_before_the_acknowledgement() -> None:
    acknowledged = group()
    incident = Incidents().open("r", "title", [acknowledged], 60, now=0.0)
    acknowledged.pending = 5
    incident.learn(Status(acknowledged=True))

    assert not incident.is_still_happening(acknowledged)
    acknowledged.claim()
    acknowledged.pending += 1

    assert incident.is_still_happening(acknowledged)
