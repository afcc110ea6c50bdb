"""The service: down, confused, full or annoyed, and we stay a good guest and lose nothing."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest
from harness import Outcome, Scenario, each_once, mark

ONE_RECORD = """
import logging, stage
phone = stage.attach("shop", priorities={"ERROR": "HIGH"}, timeout=5)
logging.getLogger("shop").error(stage.mark(0))
stage.note(settled=stage.until(lambda: phone.stats().pending == 0, 10))
stage.accounts(phone)
"""


def pauses(outcome: Outcome) -> list[float]:
    """The seconds between the end of each send and the beginning of the next."""
    return [
        after.started_at - before.ended_at for before, after in itertools.pairwise(outcome.sends)
    ]


@pytest.mark.scenario("H1")
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500, "body": {"status": 0, "errors": ["try again"]}},
        {"kind": "status", "status": 502, "body": "<html>Bad gateway</html>"},
        {"kind": "status", "status": 503, "body": ""},
        {"kind": "reset"},
        {"kind": "garbage"},
        {"kind": "status", "status": 200, "body": ""},
        {"kind": "status", "status": 200, "body": "[1]"},
    ],
    ids=["500", "502 with HTML", "503", "reset", "garbage", "empty 200", "200 with a list"],
)
def test_a_broken_service_is_tried_again_until_it_recovers(
    scenario: Scenario, server: Any, fault: dict[str, Any]
) -> None:
    """H1: repeated, never sooner than wait_initial, and it arrives when the service recovers."""
    server.fault(count=3, **fault)
    outcome = scenario.run(ONE_RECORD)

    assert outcome.marks == each_once(1)
    assert len(outcome.sends) == 4
    assert all(0.1 <= pause < 2 for pause in pauses(outcome))
    assert outcome.notes["delivered"] == 1


@pytest.mark.scenario("H1")
@pytest.mark.slow
def test_by_default_nothing_is_repeated_before_five_seconds(
    scenario: Scenario, server: Any
) -> None:
    """H1: Pushover asks its clients to leave it alone for so long."""
    program = """
import logging, stage
phone = stage.attach("shop", retry_policy=None)
logging.getLogger("shop").error(stage.mark(0))
stage.note(settled=stage.until(lambda: phone.stats().pending == 0, 15))
"""

    server.fault("status", status=500)
    outcome = scenario.run(program)

    assert outcome.marks == each_once(1)
    assert len(outcome.sends) == 2
    assert pauses(outcome)[0] >= 5.0


@pytest.mark.scenario("H1")
def test_the_pauses_grow_to_a_cap_and_are_not_all_the_same(scenario: Scenario, server: Any) -> None:
    """H1: jitter and a cap: a fleet that lost the service together doesn't come back together."""
    program = ONE_RECORD.replace(
        "timeout=5", 'retry_policy={"wait_initial": 0.05, "wait_max": 0.5}'
    )

    server.fault("status", count=8, status=503)
    outcome = scenario.run(program)

    waited = pauses(outcome)
    assert outcome.marks == each_once(1)
    assert len(waited) == 8
    assert all(0.05 <= pause < 0.5 + 0.3 for pause in waited)
    assert max(waited) - min(waited) > 0.02


@pytest.mark.slow
@pytest.mark.scenario("H2")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("token", "application token is invalid, see https://pushover.net/api"),
        ("user", "user identifier is not a valid user, group, or subscribed user key"),
    ],
)
def test_a_refused_key_stops_sending_with_one_loud_line(
    scenario: Scenario, server: Any, name: str, words: str
) -> None:
    """H2: not repeated, by no record; stderr has the service's own words and the request's id."""
    program = """
import logging, stage
phone = stage.attach("shop")
for number in range(20):
    logging.getLogger("shop").error(stage.mark(number))
    phone.flush(0.2)
stage.accounts(phone)
"""
    request = "5042853c-402d-4a18-abcb-168734a801de"
    body = {name: "invalid", "errors": [words], "status": 0, "request": request}

    server.fault("status", status=400, body=body)
    outcome = scenario.run(program)

    assert len(outcome.requests) == 1
    assert len(outcome.complaints) == 1
    assert words in outcome.stderr
    assert request in outcome.stderr
    assert outcome.notes["accepted"] == 20
    assert outcome.notes["pending"] + sum(outcome.notes["dropped"].values()) == 20


@pytest.mark.scenario("H3")
def test_a_full_quota_is_waited_for_though_it_blames_the_token(
    scenario: Scenario, server: Any
) -> None:
    """H3: 429 with "token": "invalid" is the quota: it waits for the reset, then goes on."""
    server.set_quota(limit=10_000, remaining=0, reset=int(time.time()) + 3)
    outcome = scenario.run(ONE_RECORD)

    assert outcome.marks == each_once(1)
    assert [send.status for send in outcome.sends] == [429, 200]
    assert "token is invalid" not in outcome.stderr
    assert outcome.notes["delivered"] == 1


@pytest.mark.scenario("H4")
def test_a_200_that_says_status_0_is_a_failure(scenario: Scenario, server: Any) -> None:
    """H4: it is not counted as delivered, and its words are said."""
    body = {"status": 0, "errors": ["a gremlin ate it"], "request": "5042853c-402d-4a18-abcb"}

    server.fault("status", status=200, body=body)
    outcome = scenario.run(ONE_RECORD)

    assert outcome.notes["delivered"] == len(outcome.messages)
    assert outcome.notes["delivered"] + sum(outcome.notes["dropped"].values()) == 1
    assert "a gremlin ate it" in outcome.stderr


@pytest.mark.scenario("H4")
def test_a_200_with_an_info_is_a_warning(scenario: Scenario, server: Any) -> None:
    """H4: "no active devices to send to" is a success that rang nowhere: it is said."""
    body = {"status": 1, "info": "no active devices to send to", "request": "5042853c-402d-4a18"}

    server.fault("status", status=200, body=body)
    outcome = scenario.run(ONE_RECORD)

    assert len(outcome.sends) == 1
    assert outcome.notes["delivered"] == 1
    assert len(outcome.complaints) == 1
    assert "no active devices to send to" in outcome.stderr


@pytest.mark.scenario("H5")
@pytest.mark.parametrize("name", ["retry", "expire", "callback", "tags"])
def test_an_emergency_refused_for_its_parameters_goes_out_as_high(
    scenario: Scenario, server: Any, name: str
) -> None:
    """H5: rather a push that rings once than none at all."""
    program = """
import logging, stage
phone = stage.attach("shop", callback="https://example.org/acknowledged", tags="shop")
logging.getLogger("shop").error(stage.mark(0))
stage.note(settled=stage.until(lambda: phone.stats().pending == 0, 10))
"""
    reason = "is not to our liking"
    body = {name: reason, "errors": [f"{name} {reason}"], "status": 0, "request": "5042853c"}

    server.fault("status", status=400, body=body)
    outcome = scenario.run(program)

    assert [send.params["priority"] for send in outcome.sends] == ["2", "1"]
    assert outcome.marks == each_once(1)


@pytest.mark.slow
@pytest.mark.scenario("H6")
def test_an_outage_is_bounded_and_its_victims_reach_the_fallback(
    scenario: Scenario, server: Any
) -> None:
    """H6: what is given up goes to the fallback, all else arrives, none is in neither place."""
    program = """
import logging, stage, time
given_up = logging.FileHandler("given-up.log")
policy = {"wait_initial": 0.05, "wait_max": 0.1, "give_up_after": 0.5}
phone = stage.attach("shop", fallback=given_up, retry_policy=policy)
log = logging.getLogger("shop")
for number in range(20):
    log.error(stage.mark(number))
    phone.flush(0.02)
stage.until(lambda: sum(phone.stats().dropped.values()) >= 20)
for number in range(20, 25):
    log.error(stage.mark(number))
stage.clear_faults()
for number in range(25, 30):
    log.error(stage.mark(number))
stage.until(lambda: phone.stats().pending == 0)
stage.accounts(phone)
stage.note(given_up=open("given-up.log").read().split())
"""

    server.fault("status", count=10_000, status=503)
    outcome = scenario.run(program)

    given_up = set(outcome.notes["given_up"])
    assert given_up >= {mark(number) for number in range(20)}
    assert given_up | set(outcome.marks) == set(each_once(30))
    assert not given_up & set(outcome.marks)
    assert sum(outcome.notes["dropped"].values()) == len(given_up)
    assert len(outcome.sends) < 100


@pytest.mark.scenario("H7")
@pytest.mark.parametrize("headers", ["missing", "garbage"])
def test_limit_headers_may_be_missing_or_nonsense(
    scenario: Scenario, server: Any, headers: str
) -> None:
    """H7: nothing stops, nothing is repeated, nothing is said."""
    program = """
import logging, stage
phone = stage.attach("shop")
for number in range(3):
    logging.getLogger("shop").info(stage.mark(number))
phone.flush(10)
"""

    server.set_quota_headers(headers)
    outcome = scenario.run(program)

    assert outcome.marks == each_once(3)
    assert len(outcome.requests) == 3
    assert outcome.stderr == ""


@pytest.mark.scenario("H9")
def test_an_answer_lost_on_the_way_causes_one_repeat_at_most(
    scenario: Scenario, server: Any
) -> None:
    """H9: the service has no idempotency key: a push may come twice, never thrice."""
    server.fault("lost")
    outcome = scenario.run(ONE_RECORD)

    assert 1 <= outcome.marks[mark(0)] <= 2
    assert len(outcome.sends) == 2
    assert outcome.notes["delivered"] == 1
