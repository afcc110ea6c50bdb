"""Thresholds, the options of single loggers, and escalation; with the memory store and sqlite."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pushover_logging import Grouping
from pushover_logging.client.constants import Priority
from pushover_logging.delivery.incidents import IncidentState
from pushover_logging.delivery.sender import Hooks, Sender
from pushover_logging.delivery.target import Outcome
from pushover_logging.render.alert import Alert
from pushover_logging.render.record import Renderer
from pushover_logging.render.redact import Redactor
from pushover_logging.stores.sqlite import SqliteStore

from .bench import Bench, FakeTarget, no_answer, record, refusal

EMERGENCY = Priority.EMERGENCY
ON_CALL = ("o" * 30,)


@dataclass
class Target(FakeTarget):
    """Also knows to whom each push went, and what it looked like."""

    users: list[tuple[str, ...]] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)

    def deliver(
        self, alert: Alert, timeout: float | None = None, *, escalates: bool = False
    ) -> Outcome:
        before = len(self.pushes)
        outcome = super().deliver(alert, timeout, escalates=escalates)
        if len(self.pushes) > before:
            self.users.append(ON_CALL if escalates else ())
            self.alerts.append(alert)
        return outcome

    def store_cipher(self) -> None:
        return None


class RuleBench(Bench):
    """A bench whose sender may keep its state in sqlite, and be followed by another."""

    target: Target

    def __init__(self, path: Path | None, **options: Any) -> None:
        super().__init__(**options)
        self._path = path
        self.target = Target(self.clock)
        self.sender = self._made()

    def _made(self) -> Sender:
        store: Any = self.sender.store
        if self._path is not None:
            store = SqliteStore(str(self._path / "store"), "test", spool=str(self._path))
            store.now = lambda: 1_790_000_000.0 + self.clock.now - self.clock.started
        return Sender(
            store,
            self.pipeline.config,
            self.target,  # type: ignore[arg-type]
            Renderer(Redactor()),
            self.sender._policy,
            Hooks(self.errors.append, self.acknowledged.append, self._keep_lost),
            clock=self.clock,
            today=self.clock.today,
        )

    def succeed(self) -> None:
        """Let another process become the sender, which knows what the store has."""
        self.handler._groups.clear()
        self.sender.store.release()
        self.sender = self.pipeline._sender = self._made()

    def log_as(self, name: str, text: str = "disk is full", times: int = 1, **given: Any) -> None:
        level = given.pop("level", logging.ERROR)
        for _ in range(times):
            self.handler.handle(record(text, name=name, level=level, **given))
            self.logged += 1

    def balances(self) -> bool:
        stats = self.stats
        shown = sum(
            push.records
            for push, users in zip(self.pushes, self.target.users, strict=True)
            if not users  # an escalation stands for no record
        )
        accounted = stats.delivered + stats.pending + sum(stats.dropped.values())
        return stats.accepted == accounted == self.logged and shown == stats.delivered


Make = Callable[..., RuleBench]


@pytest.fixture(params=["memory", "sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    path = tmp_path if request.param == "sqlite" else None
    benches: list[RuleBench] = []

    def made(**options: Any) -> RuleBench:
        benches.append(RuleBench(path, **options))
        return benches[-1]

    yield made
    for bench in benches:
        bench.sender.store.close()


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[Make]:
    benches: list[RuleBench] = []

    def made(**options: Any) -> RuleBench:
        benches.append(RuleBench(tmp_path, **options))
        return benches[-1]

    yield made
    for bench in benches:
        bench.sender.store.close()


# grouping.after and grouping.within.


def test_the_nth_record_is_pushed_and_counts_those_before(make: Make) -> None:
    bench = make(grouping=Grouping(after=3))
    bench.log(times=2)
    bench.run(10)
    before = list(bench.pushes)
    bench.log()
    bench.run()

    assert before == []
    assert [push.title for push in bench.pushes] == ["ERROR shop \N{MULTIPLICATION SIGN}3"]
    assert bench.stats.pending == 0
    assert bench.balances()


def test_the_push_comes_within_a_second_of_the_nth_record(make: Make) -> None:
    """Repeats are counted without the worker, which has to look at them."""
    bench = make(grouping=Grouping(after=5, within="5m"))
    bench.log()
    bench.run(1)
    bench.log(times=4)
    bench.run(1)

    assert [push.records for push in bench.pushes] == [5]
    assert bench.pushes[0].at < 2


def test_counts_are_looked_at_ten_times_a_second_while_a_group_may_reach_its_number(
    make: Make,
) -> None:
    bench = make(grouping=Grouping(after=5, within="5m"))
    bench.log()
    bench.run(1)
    due = bench.step()

    assert due is not None
    assert due <= bench.clock.now + 0.1


def test_more_records_than_needed_at_once_are_all_in_the_count(make: Make) -> None:
    bench = make(grouping=Grouping(after=3))
    bench.log(times=50)
    bench.run(1)

    assert [push.records for push in bench.pushes] == [50]
    assert bench.balances()


def test_each_group_has_its_own_count(make: Make) -> None:
    bench = make(grouping=Grouping(after=3))
    for text in ("disk is full", "no route"):
        bench.log(text, times=2)
    bench.run(10)

    assert bench.pushes == []
    assert bench.stats.pending == 4
    assert bench.balances()


def test_too_few_records_within_the_time_are_dropped(make: Make) -> None:
    bench = make(grouping=Grouping(after=3, within=60))
    bench.log(times=2)
    bench.run(120)

    assert bench.pushes == []
    assert bench.stats.dropped == {"below_after": 2}
    assert bench.balances()


def test_the_time_slides_along_with_the_records(make: Make) -> None:
    """The first two are no longer within 60 s of the third, the second and third are."""
    bench = make(grouping=Grouping(after=3, within=60))
    for pause in (40, 40, 15):
        bench.log()
        bench.run(pause)
    before = list(bench.pushes)
    bench.log()
    bench.run()

    assert before == []
    assert [push.records for push in bench.pushes] == [4]
    assert bench.balances()


def test_repeats_after_a_drop_need_the_whole_number_again(make: Make) -> None:
    """Also those that a logging call counts as repeats of the group that it knows."""
    bench = make(grouping=Grouping(after=3, within=60, interval=300))
    bench.log(times=2)
    bench.run(120)
    bench.log(times=2)
    bench.run(30)
    before = list(bench.pushes)
    bench.log()
    bench.run(10)

    assert before == []
    assert [push.records for push in bench.pushes] == [3]
    assert bench.stats.dropped == {"below_after": 2}
    assert bench.balances()


def test_repeats_after_the_push_are_summed_up_after_the_interval(make: Make) -> None:
    bench = make(grouping=Grouping(after=3, within=60, interval=300))
    bench.log(times=3)
    bench.run(10)
    bench.log()
    bench.run(310)

    assert [push.records for push in bench.pushes] == [3, 1]
    assert bench.balances()


def test_a_quiet_interval_after_the_push_ends_the_problem(make: Make) -> None:
    bench = make(grouping=Grouping(after=3, within=60, interval=300))
    bench.log(times=3)
    bench.run(400)
    bench.log(times=2)
    bench.run(100)

    assert [push.records for push in bench.pushes] == [3]
    assert bench.stats.dropped == {"below_after": 2}
    assert bench.balances()


def test_the_push_shows_the_record_that_made_it_enough(make: Make) -> None:
    bench = make(grouping=Grouping(after=2))
    bench.log("order 1 lost")
    bench.run()
    bench.log("order 2 lost")
    bench.run(1)

    assert bench.texts == ["order 2 lost"]


def test_drain_leaves_too_few_records_and_is_done(make: Make) -> None:
    bench = make(grouping=Grouping(after=3))
    bench.log("too few", times=2)
    bench.log("enough", times=4)
    bench.run(1)
    bench.log("enough")
    bench.drain()
    bench.run()

    assert bench.pipeline.is_drained()
    assert [push.records for push in bench.pushes] == [4, 1]
    assert bench.stats.pending == 2
    assert bench.balances()


def test_too_few_records_do_not_hold_up_the_end_of_the_process(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = make(grouping=Grouping(after=3))
    bench.log(times=2)
    bench.run(1)
    is_unfinished = bench.pipeline.is_unfinished()
    bench.run(5, deadline=bench.clock.now + 5)

    assert not is_unfinished
    assert bench.pipeline.abandon() == 0
    assert bench.stats.dropped == {"below_after": 2}
    assert bench.balances()
    assert capsys.readouterr().err == ""


def test_a_closed_handler_drops_too_few_records_and_ends(make: Make) -> None:
    bench = make(grouping=Grouping(after=3))
    bench.log(times=2)
    bench.close()
    bench.run(30)

    assert bench.stats.dropped == {"below_after": 2}
    assert bench.stats.pending == 0
    assert bench.balances()


def test_resolving_a_problem_below_its_threshold_drops_its_records(make: Make) -> None:
    bench = make(grouping=Grouping(after=3))
    bench.log(key="disk", times=2)
    bench.run()
    bench.resolve("disk")
    bench.run()
    bench.log(key="disk", times=2)
    bench.run(1)

    assert bench.pushes == []
    assert bench.stats.dropped == {"below_after": 2}
    assert bench.balances()


def test_another_sender_goes_on_counting(durable: Make) -> None:
    bench = durable(grouping=Grouping(after=3, within=60))
    bench.log(times=2)
    bench.run(30)
    bench.succeed()
    bench.run(1)
    bench.log()
    bench.run(1)

    assert [push.records for push in bench.pushes] == [3]


def test_another_sender_drops_too_few_records_in_time(durable: Make) -> None:
    bench = durable(grouping=Grouping(after=3, within=60))
    bench.log(times=2)
    bench.run(30)
    bench.succeed()
    bench.run(120)

    assert bench.sender.dropped == {"below_after": 2}
    assert bench.sender.taken == 2
    assert bench.sender.unsent() == 0


# loggers.


def test_a_logger_has_its_own_priority_and_those_below_it(make: Make) -> None:
    bench = make(loggers={"noisy.lib": {"priority": "LOW"}})
    for name in ("noisy.lib", "noisy.lib.part", "noisy.library", "noisy"):
        bench.log_as(name)
    bench.run()

    assert {push.title: push.priority for push in bench.pushes} == {
        "ERROR noisy.lib": Priority.LOW,
        "ERROR noisy.lib.part": Priority.LOW,
        "ERROR noisy.library": Priority.HIGH,
        "ERROR noisy": Priority.HIGH,
    }
    assert bench.balances()


def test_the_nearest_logger_above_counts(make: Make) -> None:
    bench = make(loggers={"a": {"priority": "LOW"}, "a.b": {"priority": "LOWEST"}})
    for name in ("a", "a.b", "a.b.c", "a.c"):
        bench.log_as(name)
    bench.run()

    priorities = {push.title[6:]: push.priority for push in bench.pushes}
    assert priorities == {"a": -1, "a.b": -2, "a.b.c": -2, "a.c": -1}


def test_a_logger_has_its_own_threshold(make: Make) -> None:
    bench = make(loggers={"noisy": {"after": 3, "within": "1m"}})
    bench.log_as("noisy", times=2)
    bench.log_as("shop")
    bench.run(10)
    before = [push.title for push in bench.pushes]
    bench.log_as("noisy")
    bench.run(1)

    assert before == ["ERROR shop"]
    assert bench.pushes[1].title == "ERROR noisy \N{MULTIPLICATION SIGN}3"
    assert bench.balances()


def test_a_logger_can_be_without_the_threshold_of_the_handler(make: Make) -> None:
    bench = make(grouping=Grouping(after=3, within="1m"), loggers={"payments": {"after": 1}})
    bench.log_as("payments")
    bench.log_as("shop")
    bench.run(120)

    assert [push.title for push in bench.pushes] == ["ERROR payments"]
    assert bench.stats.dropped == {"below_after": 1}
    assert bench.balances()


def test_a_logger_has_its_own_sound_device_and_times(make: Make) -> None:
    options = {"sound": "siren", "device": "pager", "retry": 30, "expire": 90, "ttl": 60}
    bench = make(sound="bike", loggers={"db": options})
    bench.log_as("db", level=logging.CRITICAL)
    bench.log_as("shop", level=logging.CRITICAL)
    bench.run()

    [db, shop] = bench.target.alerts
    assert {name: getattr(db, name) for name in options} == options
    assert (shop.sound, shop.device, shop.retry) == ("bike", None, 60)


def test_titles_and_links_of_a_logger_are_templates(make: Make) -> None:
    options = {
        "title": "{levelname} in {name} for {tenant}",
        "url": "https://logs/{name}?user={data[user]}",
        "url_title": "Logs of {name}",
    }
    bench = make(loggers={"db": options})
    bench.log_as("db", tenant="acme", data={"user": "ada lovelace"})
    bench.run()

    [alert] = bench.target.alerts
    assert alert.title == "ERROR in db for acme"
    assert alert.url == "https://logs/db?user=ada%20lovelace"
    assert alert.url_title == "Logs of db"


def test_the_title_of_a_logger_holds_for_its_summaries(make: Make) -> None:
    bench = make(loggers={"db": {"title": "database: {levelname}"}})
    bench.log_as("db", times=3)
    bench.run(400)

    assert [push.title for push in bench.pushes] == [
        "database: ERROR",
        "database: ERROR \N{MULTIPLICATION SIGN}2",
    ]
    assert bench.balances()


def test_the_options_of_a_record_come_before_those_of_its_logger(make: Make) -> None:
    given = {"title": "{not} a template", "sound": "bike", "priority": "HIGH"}
    bench = make(loggers={"db": {"title": "{name}", "sound": "siren", "priority": "LOW"}})
    bench.log_as("db", pushover=given)
    bench.run()

    [alert] = bench.target.alerts
    assert (alert.title, alert.sound, alert.priority) == ("{not} a template", "bike", 1)


def test_the_title_and_params_of_a_logger_join_those_of_the_handler(make: Make) -> None:
    bench = make(params={"a": "1", "b": "1"}, loggers={"db": {"params": {"b": "2"}}})
    bench.log_as("db", pushover={"params": {"c": "3"}})
    bench.run()

    assert bench.target.alerts[0].params == {"a": "1", "b": "2", "c": "3"}


def test_a_level_that_is_not_pushed_is_not_pushed_for_a_logger(make: Make) -> None:
    bench = make(loggers={"db": {"priority": "HIGH"}})
    bench.handler._priorities[logging.INFO] = None
    bench.handler.handle(record("hello", name="db", level=logging.INFO))
    bench.run()

    assert bench.pushes == []
    assert bench.stats.accepted == 0


# escalate_to and escalate_after.


@pytest.fixture
def escalating(make: Make) -> RuleBench:
    return make(escalate_to=ON_CALL, escalate_after=120)


def test_an_emergency_that_nobody_acknowledges_rings_others_too(escalating: RuleBench) -> None:
    bench = escalating
    bench.log(priority=EMERGENCY)
    bench.run(119)
    before = len(bench.pushes)
    bench.run(2)

    assert before == 1
    assert bench.target.users == [(), ON_CALL]
    assert [push.title for push in bench.pushes] == [
        "CRITICAL shop",
        "Not acknowledged: CRITICAL shop",
    ]
    assert [push.priority for push in bench.pushes] == [EMERGENCY, EMERGENCY]
    assert bench.texts[0] == bench.texts[1]
    assert bench.balances()


def test_it_escalates_once(escalating: RuleBench) -> None:
    bench = escalating
    bench.log(priority=EMERGENCY)
    bench.run(3000)

    assert len(bench.pushes) == 2


def test_an_acknowledged_emergency_is_not_escalated(escalating: RuleBench) -> None:
    bench = escalating
    bench.log(priority=EMERGENCY)
    bench.run(60)
    bench.acknowledge(bench.pushes[0])
    bench.run(600)

    assert len(bench.pushes) == 1
    assert len(bench.acknowledged) == 1
    assert bench.stats.incidents[0].state is IncidentState.ACKNOWLEDGED


def test_alerts_below_emergency_are_not_escalated(escalating: RuleBench) -> None:
    bench = escalating
    bench.log()
    bench.run(600)

    assert len(bench.pushes) == 1


def test_a_resolved_emergency_is_not_escalated(escalating: RuleBench) -> None:
    bench = escalating
    bench.log(priority=EMERGENCY, key="disk")
    bench.run(60)
    bench.resolve("disk")
    bench.run(600)

    assert len(bench.pushes) == 1
    assert bench.target.cancelled == [bench.pushes[0].tags[-1]]


def test_resolving_ends_the_ringing_of_both(escalating: RuleBench) -> None:
    bench = escalating
    bench.log(priority=EMERGENCY, key="disk")
    bench.run(200)
    bench.resolve("disk")
    bench.run(60)

    [tag] = bench.target.cancelled
    assert all(tag in push.tags for push in bench.pushes)
    assert {report.state for report in bench.stats.incidents} == {IncidentState.RESOLVED}


@pytest.mark.parametrize("first", [0, 1], ids=["the user", "the other user"])
def test_whoever_acknowledges_first_stops_both(escalating: RuleBench, first: int) -> None:
    bench = escalating
    bench.log(priority=EMERGENCY)
    bench.run(200)
    bench.acknowledge(bench.pushes[first])
    bench.run(60)

    assert bench.target.cancelled == [f"receipt {1 - first}"]
    assert [report.state for report in bench.stats.incidents] == [IncidentState.ACKNOWLEDGED] * 2
    assert len(bench.acknowledged) == 1


@pytest.mark.parametrize("first", [0, 1], ids=["the user", "the other user"])
def test_an_acknowledged_problem_that_goes_on_rings_again_after_the_interval(
    escalating: RuleBench, first: int
) -> None:
    bench = escalating
    bench.log(priority=EMERGENCY)
    bench.run(200)
    bench.acknowledge(bench.pushes[first])
    bench.run(30)
    bench.log(priority=EMERGENCY)
    bench.run(320)

    assert [push.records for push in bench.pushes] == [1, 1, 1]
    assert bench.target.users == [(), ON_CALL, ()]
    assert 500 < bench.pushes[2].at < 550
    assert bench.balances()


@pytest.fixture
def unheard() -> RuleBench:
    """Escalates, and nobody wants to know who acknowledges: no question without a need."""
    bench = RuleBench(None, escalate_to=ON_CALL, escalate_after=120)
    bench.sender._hooks = Hooks()
    return bench


def test_nobody_is_asked_before_it_is_time_to_escalate(unheard: RuleBench) -> None:
    bench = unheard
    bench.log(priority=EMERGENCY)
    bench.run(119)
    before = list(bench.target.polled)
    bench.run(2)

    assert before == []
    assert bench.target.polled == [120]


def test_both_emergencies_are_asked_about_while_both_ring(unheard: RuleBench) -> None:
    bench = unheard
    bench.log(priority=EMERGENCY)
    bench.run(200)
    bench.acknowledge(bench.pushes[1])
    bench.run(30)
    asked = len(bench.target.polled)
    bench.run(600)

    assert bench.target.cancelled == ["receipt 0"]
    assert len(bench.target.polled) == asked


def test_an_acknowledgement_that_is_learned_late_is_reported(make: Make) -> None:
    """The question before the escalation is the first that is asked."""
    bench = make(escalate_to=ON_CALL, escalate_after=120)
    bench.log(priority=EMERGENCY)
    bench.run()
    bench.sender.incidents.ringing[0].polled_at += 300
    bench.acknowledge(bench.pushes[0])
    bench.run(130)

    assert len(bench.pushes) == 1
    assert len(bench.acknowledged) == 1


def test_no_answer_about_the_acknowledgement_escalates(escalating: RuleBench) -> None:
    bench = escalating
    bench.target.statuses["receipt 0"] = None
    bench.log(priority=EMERGENCY)
    bench.run(130)

    assert len(bench.pushes) == 2


def test_an_outage_puts_the_escalation_off(escalating: RuleBench) -> None:
    bench = escalating
    bench.log(priority=EMERGENCY)
    bench.run(119)
    bench.target.outcomes.extend([no_answer(), no_answer()])
    bench.run(120)

    assert bench.target.users == [(), ON_CALL]
    assert bench.balances()


def test_an_acknowledgement_in_an_outage_ends_the_escalation(escalating: RuleBench) -> None:
    bench = escalating
    bench.log(priority=EMERGENCY)
    bench.run(119)
    bench.target.outcomes.extend([no_answer()] * 3)
    bench.run(2)
    bench.acknowledge(bench.pushes[0])
    bench.run(300)

    assert len(bench.pushes) == 1
    assert bench.stats.dropped == {}
    assert bench.balances()


def test_a_refused_user_of_escalate_to_is_said_and_tried_once(
    escalating: RuleBench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = escalating
    bench.log(priority=EMERGENCY)
    bench.run(119)
    refused = refusal(user="invalid")
    bench.target.outcomes.append(type(refused)(refused.error, is_credential=False))
    bench.run(600)

    assert len(bench.target.tried) == 2
    assert "an alert was refused" in capsys.readouterr().err
    assert bench.stats.dropped == {}
    assert bench.balances()


def test_an_escalation_refused_for_its_parameters_goes_as_high(escalating: RuleBench) -> None:
    bench = escalating
    bench.log(priority=EMERGENCY)
    bench.run(119)
    bench.target.outcomes.append(refusal())
    bench.run(600)

    assert [push.priority for push in bench.pushes] == [EMERGENCY, Priority.HIGH]
    assert bench.target.users == [(), ON_CALL]
    assert bench.balances()


def test_the_escalation_names_no_device_of_the_users(make: Make) -> None:
    bench = make(escalate_to=ON_CALL, escalate_after=120, device="pager", sound="siren")
    bench.log(priority=EMERGENCY, device="tablet")
    bench.run(130)

    assert [alert.device for alert in bench.target.alerts] == ["tablet", None]
    assert [alert.sound for alert in bench.target.alerts] == ["siren", "siren"]


def test_the_escalation_of_a_digest_names_how_many_more_there_are(make: Make) -> None:
    bench = make(escalate_to=ON_CALL, escalate_after=120, grouping=Grouping(max_per_minute=1))
    for text in ("disk is full", "no route", "no memory"):
        bench.log(text, EMERGENCY)
    bench.run(200)

    digest, escalation = bench.target.alerts
    assert digest.title == "3 different messages \N{MULTIPLICATION SIGN}3"
    assert escalation.title == "Not acknowledged: 3 different messages"
    assert escalation.message.endswith("… and 2 more")
    assert bench.balances()


def test_an_escalation_does_not_hold_up_drain(escalating: RuleBench) -> None:
    bench = escalating
    bench.log(priority=EMERGENCY)
    bench.run(10)

    assert bench.pipeline.is_drained()


def test_another_sender_escalates_in_time(durable: Make) -> None:
    bench = durable(escalate_to=ON_CALL, escalate_after=120)
    bench.log(priority=EMERGENCY)
    bench.run(60)
    bench.succeed()
    bench.run(50)
    before = len(bench.pushes)
    bench.run(20)

    assert before == 1
    assert bench.target.users == [(), ON_CALL]


def test_another_sender_stops_both_when_somebody_acknowledges(durable: Make) -> None:
    bench = durable(escalate_to=ON_CALL, escalate_after=120)
    bench.log(priority=EMERGENCY)
    bench.run(200)
    bench.succeed()
    bench.acknowledge(bench.pushes[1])
    bench.run(60)

    assert bench.target.cancelled == ["receipt 0"]


def test_another_sender_sends_an_escalation_that_waited_and_rings_once(durable: Make) -> None:
    """The old sender may have sent it: what rings is ended first."""
    bench = durable(escalate_to=ON_CALL, escalate_after=120)
    bench.log(priority=EMERGENCY)
    bench.run(119)
    bench.target.outcomes.append(no_answer())
    bench.run(1.5)
    bench.succeed()
    bench.run(60)

    [tag] = [tag for tag in bench.target.alerts[1].tags if tag.startswith("push-")]
    assert bench.target.users == [(), ON_CALL]
    assert bench.target.cancelled == [tag]
    assert bench.pushes[1].message.startswith("(This may have been sent before.)")
