"""An emergency rings once: repeats count; acknowledging, expiry and resolving end the ringing."""

from __future__ import annotations

import itertools

import pytest

from pushover_logging import Grouping
from pushover_logging.client.constants import Priority
from pushover_logging.delivery.diagnostics import DIAGNOSTICS
from pushover_logging.delivery.grouping import tag_of
from pushover_logging.delivery.incidents import IncidentState

from .bench import Bench, Push, Status, no_answer, refusal, server_error

EMERGENCY, HIGH, NORMAL = Priority.EMERGENCY, Priority.HIGH, Priority.NORMAL


def ringing(**options: object) -> tuple[Bench, Push]:
    """A bench whose first push rings; its interval is a minute, it rings for an hour."""
    bench = Bench(grouping=Grouping(interval=60), **options)  # type: ignore[arg-type]
    bench.log(priority=EMERGENCY)
    bench.run(1)
    return bench, bench.pushes[0]


def shown(bench: Bench) -> list[tuple[Priority, int]]:
    return [(push.priority, push.records) for push in bench.pushes]


def test_repeats_of_a_ringing_problem_are_only_counted() -> None:
    bench, _ = ringing()

    bench.log(priority=EMERGENCY, times=100_000)
    bench.run(3500)

    assert shown(bench) == [(EMERGENCY, 1)]
    assert bench.stats.pending == 100_000
    assert bench.balances()


def test_repeats_that_go_on_while_it_rings_are_only_counted() -> None:
    bench, _ = ringing()

    for _ in range(350):
        bench.log(priority=EMERGENCY)
        bench.run(10)

    assert shown(bench) == [(EMERGENCY, 1)]
    assert bench.balances()


def test_acknowledged_and_still_happening_rings_again_after_the_interval() -> None:
    bench, push = ringing()
    bench.log(priority=EMERGENCY, times=3)
    bench.acknowledge(push)
    bench.run(30)
    assert bench.stats.incidents[0].state is IncidentState.ACKNOWLEDGED
    assert shown(bench) == [(EMERGENCY, 1)]
    acknowledged_at = bench.target.polled[0]

    bench.log(priority=EMERGENCY, times=2)
    bench.run(100)

    assert shown(bench) == [(EMERGENCY, 1), (EMERGENCY, 5)]
    assert bench.pushes[1].at == pytest.approx(acknowledged_at + 60, abs=1)
    assert bench.balances()


def test_acknowledged_with_nothing_after_it_is_summed_up_without_a_ring() -> None:
    bench, push = ringing()
    bench.log(priority=EMERGENCY, times=3)
    bench.acknowledge(push)

    bench.run(300)

    assert shown(bench) == [(EMERGENCY, 1), (NORMAL, 3)]


def test_acknowledged_summed_up_and_then_still_happening_rings_again() -> None:
    bench, push = ringing()
    bench.log(priority=EMERGENCY, times=5)
    bench.acknowledge(push)
    bench.run(75)
    assert shown(bench) == [(EMERGENCY, 1), (NORMAL, 5)]

    bench.log(priority=EMERGENCY, times=2)  # fewer than there were at the acknowledgement
    bench.run(120)

    assert shown(bench)[2][0] is EMERGENCY
    assert sum(records for _, records in shown(bench)) == 8
    assert bench.balances()


def test_an_interval_without_repeats_after_the_acknowledgement_makes_the_next_an_alert() -> None:
    bench, push = ringing(someone_listens=True)
    bench.acknowledge(push)
    bench.run(300)

    bench.log(priority=EMERGENCY)
    bench.run()

    assert shown(bench) == [(EMERGENCY, 1), (EMERGENCY, 1)]


def test_expired_and_still_happening_rings_again_at_once() -> None:
    bench, push = ringing()
    bench.log(priority=EMERGENCY, times=7)

    bench.run(3600)

    assert shown(bench) == [(EMERGENCY, 1), (EMERGENCY, 7)]
    assert bench.pushes[1].at == pytest.approx(push.at + 3600, abs=1)


def test_a_receipt_that_the_service_forgot_counts_as_expired() -> None:
    bench, push = ringing()
    bench.log(priority=EMERGENCY, times=7)
    assert push.receipt
    bench.target.statuses[push.receipt] = Status(gone=True)

    bench.run(200)

    assert shown(bench) == [(EMERGENCY, 1), (EMERGENCY, 7)]
    assert bench.pushes[1].at == pytest.approx(bench.target.polled[0])


def test_nobody_is_asked_about_an_emergency_without_repeats_or_a_listener() -> None:
    bench, push = ringing()
    bench.acknowledge(push)

    bench.run(3000)

    assert bench.target.polled == []


def test_a_listener_hears_who_acknowledged_and_the_stats_say_so() -> None:
    bench, push = ringing(someone_listens=True)

    bench.acknowledge(push, by="uSomebody")
    bench.run(30)

    assert [status.acknowledged_by for status in bench.acknowledged] == ["uSomebody"]
    report = bench.stats.incidents[0]
    assert (report.receipt, report.acknowledged_by) == (push.receipt, "uSomebody")
    assert report.acknowledged_at is not None


def test_the_service_is_asked_at_most_every_5_seconds_and_not_after_the_answer() -> None:
    bench, push = ringing(someone_listens=True)
    bench.run(100)

    bench.acknowledge(push)
    bench.run(1000)

    polled = bench.target.polled
    assert len(polled) == 11
    assert min(b - a for a, b in itertools.pairwise(polled)) >= 5


def test_a_question_without_an_answer_is_asked_again() -> None:
    bench, push = ringing(someone_listens=True)
    assert push.receipt
    bench.target.statuses[push.receipt] = None
    bench.run(25)

    bench.acknowledge(push)
    bench.run(10)

    assert len(bench.acknowledged) == 1


def test_while_an_emergency_rings_the_worker_is_hardly_awake() -> None:
    bench, _ = ringing()
    before = bench.steps.total()

    bench.run(3000)

    assert bench.steps.total() - before < 1000


def test_resolving_cancels_once_and_the_next_record_rings_anew() -> None:
    bench = Bench(grouping=Grouping(interval=60))
    bench.log(priority=EMERGENCY, key="payments")
    bench.run(1)

    bench.resolve("payments")
    bench.resolve("payments")
    bench.run(1)
    bench.log(priority=EMERGENCY, key="payments")
    bench.run(1)

    assert bench.pushes[0].tags == (tag_of("payments"),)
    assert bench.target.cancelled == [tag_of("payments")]
    assert shown(bench) == [(EMERGENCY, 1), (EMERGENCY, 1)]
    assert [report.state for report in bench.stats.incidents] == [
        IncidentState.RESOLVED,
        IncidentState.RINGING,
    ]


def test_resolving_calls_the_service_only_where_something_rings() -> None:
    bench = Bench()
    bench.log(priority=HIGH, key="payments")
    bench.run(1)

    bench.resolve("payments")
    bench.resolve("mail")
    bench.run(100)

    assert bench.target.cancelled == []


def test_resolving_a_problem_that_rings_anew_cancels_again() -> None:
    bench = Bench()
    for _ in range(3):
        bench.log(priority=EMERGENCY, key="payments")
        bench.run(1)
        bench.resolve("payments")
        bench.run(1)

    assert len(bench.target.cancelled) == 3


def test_emergencies_are_cancelled_one_at_a_time_after_alerts_and_within_the_pace() -> None:
    bench = Bench(grouping=Grouping(max_per_minute=6))
    keys = ["payments", "mail", "disk"]
    for key in keys:
        bench.log(f"{key} broken", priority=EMERGENCY, key=key)
    bench.run(1)

    for key in keys:
        bench.resolve(key)
    bench.log("slow", priority=NORMAL)
    bench.run(1)
    soon = list(bench.target.cancelled)
    bench.run(120)

    assert bench.pushes[-1].text == "slow"
    assert len(soon) == 2
    assert sorted(bench.target.cancelled) == sorted(map(tag_of, keys))


def test_a_cancel_that_failed_is_repeated_after_5_seconds() -> None:
    bench = Bench()
    bench.log(priority=EMERGENCY, key="payments")
    bench.run(1)
    bench.target.cancel_errors.extend([no_answer().error, refusal().error])

    bench.resolve("payments")
    bench.run(4)
    assert len(bench.target.cancelled) == 1
    bench.run(300)

    assert len(bench.target.cancelled) == 2  # the second was refused, which is final
    assert len(bench.errors) == 2


def test_a_resolved_problems_repeats_are_summed_up_without_a_ring() -> None:
    bench = Bench(grouping=Grouping(interval=60))
    bench.log(priority=EMERGENCY, key="payments", times=5)
    bench.run(1)

    bench.resolve("payments")
    bench.run(100)

    assert shown(bench) == [(EMERGENCY, 1), (NORMAL, 4)]
    assert bench.balances()


def test_a_problem_that_rang_for_long_is_summed_up_within_an_interval_of_its_resolving() -> None:
    bench = Bench(grouping=Grouping(interval=60))
    bench.log(priority=EMERGENCY, key="payments", times=5)
    bench.run(200)

    bench.resolve("payments")
    bench.run(60)

    assert shown(bench) == [(EMERGENCY, 1), (NORMAL, 4)]


def test_repeats_before_and_after_a_resolve_are_told_apart() -> None:
    bench = Bench(grouping=Grouping(interval=60))
    bench.log(priority=EMERGENCY, key="payments", times=5)
    bench.run(1)

    bench.resolve("payments")
    bench.log(priority=EMERGENCY, key="payments", times=4)
    bench.run(3000)

    assert sorted(shown(bench)) == [(NORMAL, 4), (EMERGENCY, 1), (EMERGENCY, 1)]
    assert bench.stats.pending == 3
    assert bench.balances()


def test_a_process_that_ends_cancels_what_was_just_resolved() -> None:
    bench = Bench()
    bench.log(priority=EMERGENCY, key="payments")
    bench.run(1)

    bench.resolve("payments")
    assert bench.pipeline.is_unfinished()
    bench.end()

    assert bench.target.cancelled == [tag_of("payments")]
    assert not bench.pipeline.is_unfinished()


def test_an_emergency_is_resolved_although_other_problems_are_resolved_many_times() -> None:
    bench = Bench()
    bench.log(priority=EMERGENCY, key="payments")
    bench.run(1)

    bench.resolve("payments")
    for _ in range(1500):
        bench.resolve("mail")
    bench.run(1)

    assert tag_of("payments") in bench.target.cancelled


def test_resolves_that_find_no_room_are_said_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(DIAGNOSTICS, "_last", {})
    bench = Bench()

    for number in range(1003):
        bench.resolve(str(number))
    bench.run(1)

    [line] = capsys.readouterr().err.splitlines()
    assert "3 resolves dropped: 1000 wait already" in line


def test_resolving_leaves_other_problems_ringing() -> None:
    bench = Bench()
    bench.log(priority=EMERGENCY, key="payments")
    bench.log("other", priority=EMERGENCY, key="mail")
    bench.run(1)

    bench.resolve("payments")
    bench.run(1)

    assert {report.state for report in bench.stats.incidents} == {
        IncidentState.RESOLVED,
        IncidentState.RINGING,
    }


def test_an_emergency_that_is_refused_for_its_parameters_goes_as_high() -> None:
    bench = Bench()
    bench.target.outcomes.append(refusal(expire="is invalid"))

    bench.log(priority=EMERGENCY)
    bench.run(1)

    assert shown(bench) == [(HIGH, 1)]
    assert len(bench.errors) == 1
    assert bench.balances()


def test_at_exit_the_repeats_of_a_ringing_problem_are_said_without_a_second_ring() -> None:
    bench, _ = ringing()
    bench.log(priority=EMERGENCY, times=9)

    bench.end()

    assert shown(bench) == [(EMERGENCY, 1), (NORMAL, 9)]
    assert bench.stats.pending == 0


def test_closing_sends_the_repeats_of_a_ringing_problem_without_a_second_ring() -> None:
    bench, _ = ringing()
    bench.log(priority=EMERGENCY, times=9)

    bench.close()
    bench.run()

    assert shown(bench) == [(EMERGENCY, 1), (NORMAL, 9)]


def test_after_draining_the_same_problem_does_not_ring_beside_what_still_rings() -> None:
    bench, _ = ringing()
    bench.log(priority=EMERGENCY, times=9)
    bench.drain()
    bench.run()

    bench.log(priority=EMERGENCY, times=4)
    bench.run(600)

    assert shown(bench) == [(EMERGENCY, 1), (NORMAL, 9)]
    assert bench.balances()


def test_a_problem_that_is_over_before_it_could_be_sent_never_rings() -> None:
    bench = Bench()
    bench.target.outcomes.append(server_error())
    bench.log(priority=EMERGENCY, key="payments")
    bench.run(0.1)

    bench.resolve("payments")
    bench.run(100)

    assert shown(bench) == [(NORMAL, 1)]


def test_a_problem_that_is_over_in_the_same_moment_never_rings() -> None:
    bench = Bench()

    bench.log(priority=EMERGENCY, key="payments")
    bench.resolve("payments")
    bench.run(1)

    assert shown(bench) == [(NORMAL, 1)]


def test_a_problem_that_is_back_after_it_was_resolved_rings_although_nothing_was_sent_yet() -> None:
    bench = Bench()

    bench.log(priority=EMERGENCY, key="payments")
    bench.resolve("payments")
    bench.log(priority=EMERGENCY, key="payments")
    bench.run(1)

    assert sorted(shown(bench)) == [(NORMAL, 1), (EMERGENCY, 1)]
    assert bench.balances()
