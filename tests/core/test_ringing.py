"""An emergency rings once: repeats count, acknowledgements and ends of ringing are heeded."""

from __future__ import annotations

import itertools

import pytest
from pushover_logging.alerts import Priority
from pushover_logging.grouping import Grouping
from pushover_logging.groups import tag_of
from pushover_logging.incidents import IncidentState

from .bench import Bench, News, Push, refusal, server_error

EMERGENCY, HIGH, NORMAL = Priority.EMERGENCY, Priority.HIGH, Priority.NORMAL


def ringing(**options: object) -> tuple[Bench, Push]:
    """A bench whose first push rings; its interval is a minute, it rings for an hour."""
    bench = Bench(grouping=Grouping(interval=60), **options)  # type: ignore[arg-type]
    bench.log(priority=EMERGENCY)
    bench.run(1)
    return bench, bench.pushes[0]


def shown(bench: Bench) -> list[tuple[Priority, int]]:
    return [(push.priority, push.records) for push in bench.pushes]


def test_repeats_of_what_rings_are_only_counted() -> None:
    bench, _ = ringing()

    bench.log(priority=EMERGENCY, times=100_000)
    bench.run(3500)

    assert shown(bench) == [(EMERGENCY, 1)]
    assert bench.stats.pending == 100_000
    assert bench.the_books_balance()


def test_acknowledged_and_going_on_rings_again_after_the_interval() -> None:
    bench, push = ringing()
    bench.log(priority=EMERGENCY, times=3)
    bench.acknowledge(push)
    bench.run(30)
    answered_at = bench.clock.now

    bench.log(priority=EMERGENCY, times=2)
    bench.run(100)

    assert shown(bench) == [(EMERGENCY, 1), (EMERGENCY, 5)]
    assert bench.pushes[1].at >= answered_at + 30
    assert bench.pushes[1].at <= answered_at + 60
    assert bench.the_books_balance()


def test_acknowledged_with_nothing_after_it_is_summed_up_without_a_ring() -> None:
    bench, push = ringing()
    bench.log(priority=EMERGENCY, times=3)
    bench.acknowledge(push)

    bench.run(300)

    assert shown(bench) == [(EMERGENCY, 1), (NORMAL, 3)]


def test_acknowledged_summed_up_and_then_going_on_rings_again() -> None:
    bench, push = ringing()
    bench.log(priority=EMERGENCY, times=5)
    bench.acknowledge(push)
    bench.run(75)
    assert shown(bench) == [(EMERGENCY, 1), (NORMAL, 5)]

    bench.log(priority=EMERGENCY, times=2)  # fewer than there were at the acknowledgement
    bench.run(120)

    assert shown(bench) == [(EMERGENCY, 1), (NORMAL, 5), (EMERGENCY, 2)]
    assert bench.the_books_balance()


def test_a_quiet_interval_after_the_acknowledgement_makes_the_next_record_a_first_one() -> None:
    bench, push = ringing(someone_listens=True)
    bench.acknowledge(push)
    bench.run(300)

    bench.log(priority=EMERGENCY)
    bench.run()

    assert shown(bench) == [(EMERGENCY, 1), (EMERGENCY, 1)]


def test_expired_and_going_on_rings_again_at_once() -> None:
    bench, push = ringing()
    bench.log(priority=EMERGENCY, times=7)

    bench.run(3600)

    assert shown(bench) == [(EMERGENCY, 1), (EMERGENCY, 7)]
    assert bench.pushes[1].at == pytest.approx(push.at + 3600, abs=1)


def test_a_receipt_the_service_forgot_counts_as_expired() -> None:
    bench, push = ringing()
    bench.log(priority=EMERGENCY, times=7)
    assert push.receipt
    bench.service.news[push.receipt] = News(gone=True)

    bench.run(200)

    assert shown(bench) == [(EMERGENCY, 1), (EMERGENCY, 7)]
    assert bench.pushes[1].at == bench.service.asked[0]  # at once, not an interval later


def test_an_acknowledgement_is_noticed_within_30_seconds_of_the_next_repeat() -> None:
    bench, push = ringing()
    bench.acknowledge(push)
    bench.run(500)
    assert bench.service.asked == []  # it could change nothing

    bench.log(priority=EMERGENCY)
    bench.run(30)

    assert len(bench.service.asked) == 1
    assert bench.stats.incidents[0].state is IncidentState.ACKNOWLEDGED


def test_a_listener_hears_who_acknowledged_and_it_is_in_the_books() -> None:
    bench, push = ringing(someone_listens=True)

    bench.acknowledge(push, by="uSomebody")
    bench.run(30)

    assert [news.acknowledged_by for news in bench.service.heard] == ["uSomebody"]
    report = bench.stats.incidents[0]
    assert (report.receipt, report.acknowledged_by) == (push.receipt, "uSomebody")
    assert report.acknowledged_at is not None


def test_the_service_is_asked_at_most_every_5_seconds_and_not_after_the_answer() -> None:
    bench, push = ringing(someone_listens=True)
    bench.run(100)

    bench.acknowledge(push)
    bench.run(1000)

    asked = bench.service.asked
    assert len(asked) == 11
    assert min(b - a for a, b in itertools.pairwise(asked)) >= 5


def test_a_question_without_an_answer_is_asked_again() -> None:
    bench, push = ringing(someone_listens=True)
    assert push.receipt
    bench.service.news[push.receipt] = server_error()
    bench.run(25)

    bench.acknowledge(push)
    bench.run(10)

    assert len(bench.service.heard) == 1


def test_while_something_rings_the_courier_is_hardly_awake() -> None:
    bench, _ = ringing()
    before = bench.steps.total()

    bench.run(3000)

    assert bench.steps.total() - before < 1000


def test_resolving_cancels_once_by_tag_and_the_next_record_rings_anew() -> None:
    bench = Bench(grouping=Grouping(interval=60))
    bench.log(priority=EMERGENCY, key="payments")
    bench.run(1)

    bench.intake.resolve("payments")
    bench.intake.resolve("payments")
    bench.run(1)
    bench.log(priority=EMERGENCY, key="payments")
    bench.run(1)

    assert bench.pushes[0].tags == (tag_of("payments"),)
    assert bench.service.cancelled == [tag_of("payments")]
    assert shown(bench) == [(EMERGENCY, 1), (EMERGENCY, 1)]
    assert [report.state for report in bench.stats.incidents] == [
        IncidentState.RESOLVED,
        IncidentState.RINGING,
    ]


def test_resolving_what_rings_anew_cancels_again() -> None:
    bench = Bench()
    for _ in range(3):
        bench.log(priority=EMERGENCY, key="payments")
        bench.run(1)
        bench.intake.resolve("payments")
        bench.run(1)

    assert len(bench.service.cancelled) == 3


def test_a_resolved_troubles_repeats_are_summed_up_without_a_ring() -> None:
    bench = Bench(grouping=Grouping(interval=60))
    bench.log(priority=EMERGENCY, key="payments", times=5)
    bench.run(1)

    bench.intake.resolve("payments")
    bench.run(100)

    assert shown(bench) == [(EMERGENCY, 1), (NORMAL, 4)]
    assert bench.the_books_balance()


def test_what_rang_for_long_and_was_resolved_is_summed_up_within_an_interval() -> None:
    bench = Bench(grouping=Grouping(interval=60))
    bench.log(priority=EMERGENCY, key="payments", times=5)
    bench.run(200)

    bench.intake.resolve("payments")
    bench.run(60)

    assert shown(bench) == [(EMERGENCY, 1), (NORMAL, 4)]


def test_resolving_leaves_other_troubles_ringing() -> None:
    bench = Bench()
    bench.log(priority=EMERGENCY, key="payments")
    bench.log("other", priority=EMERGENCY, key="mail")
    bench.run(1)

    bench.intake.resolve("payments")
    bench.run(1)

    assert {report.state for report in bench.stats.incidents} == {
        IncidentState.RESOLVED,
        IncidentState.RINGING,
    }


def test_an_emergency_is_refused_for_its_parameters_and_goes_as_high() -> None:
    bench = Bench()
    bench.service.troubles.append(refusal(expire="is invalid"))

    bench.log(priority=EMERGENCY)
    bench.run(1)

    assert shown(bench) == [(HIGH, 1)]
    assert len(bench.service.failures) == 1
    assert bench.the_books_balance()


def test_at_exit_the_repeats_of_what_rings_are_said_without_a_second_ring() -> None:
    bench, _ = ringing()
    bench.log(priority=EMERGENCY, times=9)

    bench.end()

    assert shown(bench) == [(EMERGENCY, 1), (NORMAL, 9)]
    assert bench.stats.pending == 0


def test_closing_sends_the_repeats_of_what_rings_without_a_second_ring() -> None:
    bench, _ = ringing()
    bench.log(priority=EMERGENCY, times=9)

    bench.intake.wrapping_up = bench.intake.news = True
    bench.run()

    assert shown(bench) == [(EMERGENCY, 1), (NORMAL, 9)]


def test_after_closing_the_same_trouble_does_not_ring_beside_what_still_rings() -> None:
    bench, _ = ringing()
    bench.log(priority=EMERGENCY, times=9)
    bench.intake.wrapping_up = bench.intake.news = True
    bench.run()

    bench.log(priority=EMERGENCY, times=4)
    bench.run(600)

    assert shown(bench) == [(EMERGENCY, 1), (NORMAL, 9)]
    assert bench.the_books_balance()


def test_what_is_over_before_it_could_be_sent_never_rings() -> None:
    bench = Bench()
    bench.service.troubles.append(server_error())
    bench.log(priority=EMERGENCY, key="payments")
    bench.run(0.1)

    bench.intake.resolve("payments")
    bench.run(100)

    assert shown(bench) == [(NORMAL, 1)]


def test_what_is_over_in_the_same_moment_never_rings() -> None:
    bench = Bench()

    bench.log(priority=EMERGENCY, key="payments")
    bench.intake.resolve("payments")
    bench.run(1)

    assert shown(bench) == [(NORMAL, 1)]
