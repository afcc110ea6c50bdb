"""What the courier does with what a handler submits, step by step on the bench."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from pushover_logging.alerts import Priority
from pushover_logging.grouping import Grouping
from pushover_logging.notices import NOTICES
from pushover_logging.retrying import RetryPolicy

from .bench import Bench, TransportError, quota_error, refusal, server_error

LOWEST, LOW, NORMAL, HIGH, EMERGENCY = sorted(Priority)


@pytest.fixture(autouse=True)
def _each_test_has_its_own_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NOTICES, "_last", {})
    monkeypatch.setattr(NOTICES, "_withheld", {})


def texts(bench: Bench) -> list[str | None]:
    return [text for push in bench.pushes for text in push.texts]


def test_the_first_record_is_pushed_at_once() -> None:
    bench = Bench()

    bench.log()
    bench.run()

    assert [push.at for push in bench.pushes] == [1000.0]


@pytest.mark.parametrize("repeats", [1, 2, 99_999])
def test_repeats_become_one_summary_when_the_interval_ends(repeats: int) -> None:
    bench = Bench(grouping=Grouping(interval=300))
    bench.log()
    bench.run()

    bench.log(times=repeats)
    bench.run(299)
    assert len(bench.pushes) == 1
    bench.run(1)

    assert [push.records for push in bench.pushes] == [1, repeats]
    assert bench.pushes[1].at == 1300.0
    assert bench.the_books_balance()


def test_what_goes_on_is_summed_up_once_an_interval() -> None:
    bench = Bench(grouping=Grouping(interval=60))

    for _ in range(100):
        bench.log()
        bench.run(6)
    bench.end()

    assert [push.at - 1000 for push in bench.pushes] == pytest.approx(list(range(0, 601, 60)))
    assert bench.the_books_balance()


def test_an_interval_without_repeats_makes_the_next_record_a_first_one() -> None:
    bench = Bench(grouping=Grouping(interval=60))
    bench.log()
    bench.run(61)

    bench.log()
    bench.run()

    assert [push.at - 1000 for push in bench.pushes] == [0, 61]


def test_an_interval_of_0_pushes_every_record_by_itself() -> None:
    bench = Bench(grouping=Grouping(interval=0))

    for _ in range(5):
        bench.log()
        bench.run(1)

    assert [push.records for push in bench.pushes] == [1] * 5


def test_the_most_urgent_goes_first_and_the_oldest_of_equals() -> None:
    bench = Bench()
    for text, priority in [("a", LOW), ("b", HIGH), ("c", EMERGENCY), ("d", HIGH)]:
        bench.log(text, priority)

    bench.run()

    assert texts(bench) == ["c", "b", "d", "a"]


def test_more_than_a_minute_holds_goes_as_one_digest() -> None:
    bench = Bench(grouping=Grouping(max_per_minute=10))
    for number in range(1000):
        bench.log("trouble " + "x" * number, HIGH)

    bench.run(60)

    assert len(bench.pushes) <= 10
    assert bench.pushes[-1].records == 1000 - (len(bench.pushes) - 1)
    assert bench.pushes[-1].priority is HIGH
    assert bench.the_books_balance()


def test_a_digest_that_holds_an_emergency_is_one() -> None:
    bench = Bench(grouping=Grouping(max_per_minute=2))

    for number, priority in enumerate([LOW, EMERGENCY, LOW]):
        bench.log("trouble " + "x" * number, priority)
    bench.run(60)

    assert [(push.priority, push.records) for push in bench.pushes] == [(EMERGENCY, 3)]


@pytest.mark.parametrize("more", [1, 2, 3, 40])
@pytest.mark.parametrize("most", [2, 3, 10])
def test_not_even_at_the_end_more_pushes_a_minute_than_allowed(most: int, more: int) -> None:
    bench = Bench(grouping=Grouping(max_per_minute=most))
    for number in range(most - 1 + more):
        bench.log("trouble " + "x" * number, HIGH)
        bench.run(0.1)

    bench.end()

    assert len(bench.pushes) <= most
    assert bench.the_books_balance()
    assert bench.stats.pending == 0


@pytest.mark.parametrize("most", [1, 2, 3, 10])
def test_never_more_pushes_a_minute_than_allowed(most: int) -> None:
    bench = Bench(grouping=Grouping(interval=60, max_per_minute=most))

    for number in range(400):
        bench.log("trouble " + "x" * (number % 50), list(Priority)[number % 5])
        bench.run(1)

    moments = [push.at for push in bench.pushes]
    assert all(sum(at <= moment < at + 60 for moment in moments) <= most for at in moments)
    assert len(moments) >= 3
    assert bench.the_books_balance()


def test_a_thousand_emergencies_in_a_second_ring_a_few_times() -> None:
    bench = Bench()

    for number in range(1000):
        bench.log("trouble " + "x" * number, EMERGENCY)
    bench.run(600)

    assert len(bench.pushes) <= 10
    assert bench.the_books_balance()


def test_below_the_reserve_what_is_not_urgent_waits_and_high_goes() -> None:
    bench = Bench(quota_reserve=5)
    service = bench.service
    service.limit, service.remaining = 100, 5
    service.reset = bench.clock.date + timedelta(days=1)
    bench.log("at first", HIGH)
    bench.run()

    for text, priority in [("low", LOW), ("normal", NORMAL), ("high", HIGH), ("fire", EMERGENCY)]:
        bench.log(text, priority)
    bench.run(600)

    assert [text for text in texts(bench) if text != "4"] == ["at first", "fire", "high"]
    assert bench.stats.pending == 2
    assert bench.the_books_balance()


def test_what_the_reserve_held_back_goes_after_the_reset_by_itself() -> None:
    bench = Bench(quota_reserve=5)
    service = bench.service
    service.limit, service.remaining = 100, 5
    service.reset = bench.clock.date + timedelta(hours=1)
    bench.log("at first", HIGH)
    bench.log("later", LOW)
    bench.run(3000)
    service.remaining, service.reset = 100, bench.clock.date + timedelta(days=30)

    bench.run(700)

    assert texts(bench)[-1] == "later"


def test_a_month_that_runs_low_is_said_once_and_is_no_record() -> None:
    bench = Bench(quota_reserve=50)
    service = bench.service
    service.limit, service.remaining = 100, 51
    service.reset = bench.clock.date + timedelta(days=10)

    for number in range(5):
        bench.log("trouble " + "x" * number, HIGH)
        bench.run(10)

    reports = [push for push in bench.pushes if push.title == "report of the month"]
    assert len(reports) == 1
    assert bench.the_books_balance()


def test_emergencies_go_down_to_the_last_message() -> None:
    bench = Bench(quota_reserve=500)
    service = bench.service
    service.limit, service.remaining = 1000, 3
    service.reset = bench.clock.date + timedelta(days=10)

    for number in range(5):
        bench.log("trouble " + "x" * number, EMERGENCY)
        bench.run(10)

    assert service.remaining == 0
    assert len(bench.pushes) == 3


def test_a_spent_month_is_waited_out_and_then_goes_on() -> None:
    bench = Bench()
    reset = bench.clock.date + timedelta(hours=2)
    bench.service.troubles.append(quota_error(reset))

    bench.log("a")
    bench.run(60)
    bench.log("b", EMERGENCY)
    bench.run(7000)
    assert len(bench.service.tried) == 1
    bench.run(400)

    assert sorted(map(str, texts(bench))) == ["a", "b"]
    assert bench.the_books_balance()


def test_a_month_spent_without_a_date_ends_with_the_month_for_low_priorities_too() -> None:
    bench = Bench(quota_reserve=5)
    bench.service.troubles.append(quota_error())
    bench.log("a", LOW)
    bench.run()

    bench.clock.date += timedelta(days=25)
    bench.run(120)

    assert "a" in texts(bench)


def test_a_clock_ahead_of_the_services_does_not_cost_another_month() -> None:
    bench = Bench()
    reset = bench.clock.date + timedelta(hours=1)
    bench.service.troubles.extend([quota_error(reset), quota_error(reset)])

    bench.log("a")
    bench.run(3600 + 301)

    assert texts(bench) == ["a"]


def test_a_low_month_does_not_hold_up_the_repeat_of_what_is_urgent() -> None:
    bench = Bench(quota_reserve=5, retry_policy=RetryPolicy(wait_initial=5, wait_max=5))
    service = bench.service
    service.limit, service.remaining = 100, 4
    service.reset = bench.clock.date + timedelta(days=10)
    bench.log("at first", HIGH)
    bench.run(1)
    service.troubles.append(server_error())

    bench.log("fire", EMERGENCY)
    bench.run(6)

    assert "fire" in texts(bench)


def test_the_wall_clock_may_jump_while_a_month_is_waited_out() -> None:
    bench = Bench()
    bench.service.troubles.append(quota_error(bench.clock.date + timedelta(days=2)))
    bench.log("a")
    bench.run(1)

    bench.clock.date += timedelta(days=3)
    bench.run(61)

    assert texts(bench) == ["a"]


def test_intervals_hold_when_the_wall_clock_jumps() -> None:
    bench = Bench(grouping=Grouping(interval=60))
    bench.log(times=2)
    bench.run(30)

    bench.clock.date += timedelta(days=1)
    bench.run(29)
    assert len(bench.pushes) == 1
    bench.run(1)

    assert [push.records for push in bench.pushes] == [1, 1]


@pytest.mark.parametrize("trouble", [server_error(), TransportError("no answer")])
def test_what_may_succeed_later_is_tried_again_not_before_5_seconds(trouble: Exception) -> None:
    bench = Bench()
    bench.service.troubles.extend([trouble] * 3)

    bench.log()
    bench.run(600)

    moments = [at for at, _ in bench.service.tried]
    assert len(moments) == 4
    assert min(b - a for a, b in itertools.pairwise(moments)) >= 5
    assert len(bench.pushes) == 1
    assert bench.the_books_balance()


def test_an_outage_is_probed_by_one_alert_at_a_time() -> None:
    bench = Bench(grouping=Grouping(max_per_minute=100))
    bench.service.troubles.extend([server_error()] * 4)

    for number in range(50):
        bench.log("trouble " + "x" * number)
    bench.run(20)

    assert len(bench.service.tried) <= 4


def test_a_refused_alert_is_dropped_once_and_others_go_on() -> None:
    bench = Bench()
    bench.service.troubles.append(refusal(message="cannot be blank"))

    bench.log("bad")
    bench.run()
    bench.log("good")
    bench.run()

    assert texts(bench) == ["good"]
    assert bench.stats.dropped == {"refused": 1}
    assert bench.service.fallback == [("bad", 1)]
    assert len(bench.service.tried) == 2


@pytest.mark.parametrize("what", ["token", "user"])
def test_a_refused_token_or_user_stops_everything(
    what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = Bench()
    bench.service.troubles.append(refusal(**{what: "invalid"}))
    bench.log("a", times=3)
    bench.log("b")

    bench.run(600)
    bench.log("c")
    bench.run(600)

    assert len(bench.service.tried) == 1
    assert dict(bench.stats.dropped) == {"stopped": 5}
    assert bench.the_books_balance()
    (line,) = capsys.readouterr().err.splitlines()
    assert "sending stopped" in line
    assert "5042853c" in line


def test_the_reports_of_a_full_room_are_by_level_and_after_the_outage() -> None:
    bench = Bench(capacity=3)
    bench.service.troubles.append(server_error())
    bench.log("first", LOW)
    bench.run()

    for number in range(5):
        bench.log("info " + "x" * number, LOW)
        bench.run()
    bench.log("error", HIGH)
    bench.run(600)

    (report,) = [push for push in bench.pushes if push.title == "report of losses"]
    dropped = bench.stats.dropped["full"]
    assert report.texts == (repr({20: dropped}),)
    assert bench.pushes[-1] is report
    assert "error" in texts(bench)
    assert len(bench.service.fallback) == dropped
    assert bench.the_books_balance()


def test_what_found_no_room_is_a_first_record_again_when_there_is_some() -> None:
    bench = Bench(capacity=1)
    bench.log("lost", LOW, times=4)
    bench.log("fire", EMERGENCY)
    bench.run(1)

    bench.log("lost", LOW)
    bench.run(1)

    assert texts(bench).count("lost") == 1
    assert [push.records for push in bench.pushes if push.texts == ("None",)] == [3]
    assert bench.the_books_balance()


def test_an_alert_is_given_up_after_its_attempts_and_handed_to_the_fallback() -> None:
    bench = Bench(retry_policy=RetryPolicy(attempts=3))
    bench.service.troubles.extend([server_error()] * 3)

    bench.log("a")
    bench.run(3000)

    assert len(bench.service.tried) == 3
    assert dict(bench.stats.dropped) == {"gave_up": 1}
    assert bench.service.fallback == [("a", 1)]
    assert bench.the_books_balance()


def test_an_alert_is_given_up_after_its_time() -> None:
    bench = Bench(retry_policy=RetryPolicy(give_up_after=120, wait_max=10))
    bench.service.troubles.extend([server_error()] * 1000)

    bench.log("a")
    bench.run(1000)

    assert dict(bench.stats.dropped) == {"gave_up": 1}
    assert bench.service.tried[-1][0] <= 1000 + 120 + 10


def test_one_alert_the_service_chokes_on_does_not_block_the_others() -> None:
    bench = Bench()
    bench.service.troubles.append(server_error())
    bench.log("poison", EMERGENCY)
    bench.run()

    bench.log("fine")
    bench.run(11)

    assert bench.pushes[0].texts == ("fine",)


def test_a_more_urgent_alert_does_not_wait_for_the_trouble_of_a_lesser_one() -> None:
    bench = Bench(retry_policy=RetryPolicy(wait_initial=100))
    bench.service.troubles.append(server_error())
    bench.log("low", LOW)
    bench.run()

    bench.log("fire", EMERGENCY)
    bench.run()

    assert texts(bench) == ["fire"]


def test_a_defect_costs_one_alert_and_is_counted() -> None:
    bench = Bench()
    bench.service.troubles.append(ZeroDivisionError())

    bench.log("a")
    bench.log("b")
    bench.run()

    assert texts(bench) == ["b"]
    assert dict(bench.stats.dropped) == {"error": 1}
    assert bench.the_books_balance()


@pytest.mark.parametrize("end", [SystemExit(1), KeyboardInterrupt()])
def test_what_was_in_hand_when_the_thread_ended_is_sent_by_the_next(end: BaseException) -> None:
    bench = Bench()
    bench.service.troubles.append(end)
    bench.log("a")

    with pytest.raises(type(end)):
        bench.run()
    assert bench.stats.pending == 1
    bench.run()

    assert texts(bench) == ["a"]
    assert bench.the_books_balance()


def test_a_broken_installation_is_tried_again_and_loses_nothing() -> None:
    bench = Bench()
    bench.service.no_installation = ImportError("requests")
    bench.log("a")
    bench.run(60)
    assert bench.stats.pending == 1

    bench.service.no_installation = None
    bench.run(10)

    assert texts(bench) == ["a"]


def test_the_end_sends_all_that_waits_in_few_pushes() -> None:
    bench = Bench(capacity=5000)
    for number in range(2000):
        bench.log("trouble " + "x" * (number % 500), HIGH)
        bench.log("again", LOW)

    bench.end()

    assert len(bench.pushes) <= 10
    assert bench.stats.pending == 0
    assert bench.stats.delivered == 4000
    assert bench.the_books_balance()


@pytest.mark.parametrize("interval", [0, 2, 300])
def test_the_end_waits_for_nothing_but_what_is_to_be_sent(interval: float) -> None:
    bench = Bench(capacity=2, grouping=Grouping(interval=interval))
    bench.log("a", EMERGENCY)
    bench.run(30)
    for number in range(5):
        bench.log("trouble " + "x" * number, LOW)

    assert bench.step(deadline=bench.clock.now + 5) == bench.clock.now
    assert [bench.step(deadline=bench.clock.now + 5) for _ in range(5)][-1] is None


def test_the_end_gives_each_send_no_more_than_is_left() -> None:
    bench = Bench()
    bench.log()

    bench.end(3.0)

    assert bench.service.timeouts == [3.0]


def test_what_the_end_cannot_send_is_counted_and_handed_to_the_fallback() -> None:
    bench = Bench()
    bench.service.troubles.extend([server_error()] * 100)
    bench.log("a", times=4)

    bench.end(3.0)

    assert dict(bench.stats.dropped) == {"exit": 4}
    assert sum(records for _, records in bench.service.fallback) == 4
    assert bench.the_books_balance()


def test_settled_is_when_nothing_due_waits_though_counts_go_on() -> None:
    bench = Bench()
    bench.log(times=3)
    assert not bench.delivery.settled()

    bench.run(1)

    assert bench.delivery.settled()
    assert bench.delivery.unsent() == 2


def test_closing_makes_no_second_first_record_of_one_that_waits() -> None:
    bench = Bench()
    bench.service.troubles.append(quota_error())
    bench.log("another")
    bench.run()
    bench.log(times=2)

    for _ in range(2):
        bench.intake.wrapping_up = bench.intake.news = True
        bench.run()
    bench.log()

    assert len(bench.intake) == 1
    assert bench.the_books_balance()


def test_a_child_starts_with_empty_books() -> None:
    bench = Bench()
    bench.log(times=3)

    bench.intake.start_over()
    bench.delivery.start_over()

    assert bench.delivery.unsent() == 0
    assert bench.stats.accepted == 0


def test_a_record_that_could_not_be_noted_is_in_the_books() -> None:
    bench = Bench()

    bench.intake.missed.add()

    assert (bench.stats.accepted, dict(bench.stats.dropped)) == (1, {"error": 1})


def test_refused_pushes_keep_the_pace_too() -> None:
    bench = Bench()
    bench.service.troubles.extend([refusal(url="invalid")] * 200)

    for number in range(150):
        bench.log("trouble " + "x" * number, HIGH)
        bench.run(0.01)

    assert len(bench.service.tried) <= 10
    assert bench.the_books_balance()


def test_an_emergency_finds_a_slot_after_a_flood_of_lesser_things() -> None:
    bench = Bench()
    for number in range(9):
        bench.log("news " + "x" * number, LOW)
        bench.run(0.1)

    bench.log("fire", EMERGENCY)
    bench.run(1)

    assert bench.pushes[-1].priority is EMERGENCY


def test_a_new_emergency_is_not_turned_away_for_summaries_that_failed() -> None:
    bench = Bench(capacity=3, grouping=Grouping(interval=60))
    for text in "abc":
        bench.log(text, LOW, times=3)
    bench.run(10)
    bench.service.troubles.extend([server_error()] * 50)
    bench.run(90)

    bench.log("fire", EMERGENCY)
    bench.service.troubles.clear()
    bench.run(400)

    assert "fire" in texts(bench)
    assert bench.the_books_balance()


def test_after_a_refused_token_each_record_is_a_first_one_and_heard_of() -> None:
    bench = Bench()
    bench.service.troubles.append(refusal(token="invalid"))
    bench.log("a")
    bench.run(1)

    for _ in range(3):
        bench.log("a")
        assert bench.intake.news
        bench.run(1)

    assert dict(bench.stats.dropped) == {"stopped": 4}
