"""What is pushed of the records that a handler takes in, and when, step by step on the bench."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from pushover_logging import Grouping, RetryPolicy
from pushover_logging.client.constants import Priority
from pushover_logging.delivery.target import Outcome

from .bench import Bench, no_answer, quota_spent, refusal, server_error

LOWEST, LOW, NORMAL, HIGH, EMERGENCY = sorted(Priority)


def kinds(count: int) -> list[str]:
    """So many texts of different problems."""
    return ["problem " + "x" * number for number in range(1, count + 1)]


# Groups and their intervals.


def test_the_first_record_is_pushed_at_once() -> None:
    bench = Bench()

    bench.log()
    bench.run()

    assert [push.at for push in bench.pushes] == [0.0]


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
    assert bench.pushes[1].at == pytest.approx(300.0)
    assert bench.balances()


def test_what_goes_on_is_summed_up_once_an_interval() -> None:
    bench = Bench(grouping=Grouping(interval=60))

    for _ in range(100):
        bench.log()
        bench.run(6)
    bench.end()

    assert [push.at for push in bench.pushes] == pytest.approx(list(range(0, 601, 60)))
    assert bench.balances()


def test_an_interval_without_repeats_makes_the_next_record_an_alert() -> None:
    bench = Bench(grouping=Grouping(interval=60))
    bench.log()
    bench.run(61)

    bench.log()
    bench.run()

    assert [push.at for push in bench.pushes] == pytest.approx([0, 61])


def test_an_interval_of_0_pushes_every_record_by_itself() -> None:
    bench = Bench(grouping=Grouping(interval=0))

    for _ in range(5):
        bench.log()
        bench.run(1)

    assert [push.records for push in bench.pushes] == [1] * 5


def test_a_repeat_that_comes_as_its_interval_ends_is_not_left_unsent() -> None:
    for offset in (-0.001, 0.0, 0.001):
        bench = Bench(grouping=Grouping(interval=60))
        bench.log()
        bench.run(60 + offset)

        bench.log()
        bench.run(121)

        assert sum(push.records for push in bench.pushes) == 2, offset
        assert bench.stats.pending == 0
        assert bench.balances()


def test_intervals_hold_when_the_wall_clock_jumps() -> None:
    bench = Bench(grouping=Grouping(interval=60))
    bench.log(times=2)
    bench.run(30)

    bench.clock.date += timedelta(days=1)
    bench.run(29)
    assert len(bench.pushes) == 1
    bench.run(1)

    assert [push.records for push in bench.pushes] == [1, 1]


def test_a_drain_sends_what_was_counted_before_its_interval_ends() -> None:
    bench = Bench()
    bench.log(times=4)
    bench.run(1)

    bench.drain()
    bench.run()

    assert [push.records for push in bench.pushes] == [1, 3]
    assert bench.stats.pending == 0


def test_a_closed_handler_wants_no_step_once_nothing_waits() -> None:
    bench = Bench()
    bench.log(priority=EMERGENCY, times=5)
    bench.run(1)

    bench.close()
    bench.run()

    assert bench.step() is None
    assert [push.records for push in bench.pushes] == [1, 4]
    assert list(bench.sender.groups) == []
    assert not bench.handler._groups.open()


def test_a_handler_closed_while_alerts_wait_sends_them_and_then_ends() -> None:
    bench = Bench()
    bench.target.outcomes.extend([server_error()] * 3)
    bench.log(times=3)
    bench.run(1)
    bench.log("mail is down")

    bench.close()
    bench.run(600)

    assert sum(push.records for push in bench.pushes) == 4
    assert bench.step() is None
    assert bench.balances()


def test_closing_makes_no_second_alert_of_a_problem_that_waits() -> None:
    bench = Bench()
    bench.target.outcomes.append(quota_spent())
    bench.log("another")
    bench.run()
    bench.log(times=2)

    for _ in range(2):
        bench.close()
        bench.run()
    bench.log()
    bench.run()

    assert bench.sender.outbox.alerts == 2
    assert bench.balances()


# The pace.


def test_the_most_urgent_goes_first_and_the_oldest_of_equals() -> None:
    bench = Bench()
    for text, priority in [("go", LOW), ("hi", HIGH), ("oh", EMERGENCY), ("up", HIGH)]:
        bench.log(text, priority)

    bench.run()

    assert bench.texts == ["oh", "hi", "up", "go"]


def test_more_than_a_minute_holds_goes_as_one_digest_in_its_last_slot() -> None:
    bench = Bench(grouping=Grouping(max_per_minute=10))
    for text in kinds(900):
        bench.log(text)

    bench.run(60)

    assert [push.records for push in bench.pushes] == [1] * 9 + [891]
    assert bench.pushes[-1].priority is HIGH
    assert bench.balances()


def test_the_last_slot_takes_a_single_alert_as_it_is() -> None:
    bench = Bench(grouping=Grouping(max_per_minute=3))
    for text in kinds(3):
        bench.log(text)

    bench.run(60)

    assert bench.texts == kinds(3)


def test_a_digest_that_holds_an_emergency_is_an_emergency() -> None:
    bench = Bench(grouping=Grouping(max_per_minute=1))

    for text, priority in zip(kinds(3), [LOW, EMERGENCY, LOW], strict=True):
        bench.log(text, priority)
    bench.run(59)

    assert [(push.priority, push.records) for push in bench.pushes] == [(EMERGENCY, 3)]


def test_a_digest_takes_the_repeats_of_its_groups_along() -> None:
    bench = Bench(grouping=Grouping(max_per_minute=1))

    for text in kinds(3):
        bench.log(text, times=5)
    bench.run(59)

    assert [push.records for push in bench.pushes] == [15]
    assert bench.stats.pending == 0


@pytest.mark.parametrize("most", [1, 2, 3, 10])
def test_never_more_pushes_a_minute_than_allowed(most: int) -> None:
    bench = Bench(grouping=Grouping(interval=60, max_per_minute=most))

    for number in range(400):
        bench.log("problem " + "x" * (number % 50), list(Priority)[number % 4])
        bench.run(1)

    moments = [push.at for push in bench.pushes]
    assert all(sum(at <= moment < at + 59.999 for moment in moments) <= most for at in moments)
    assert len(moments) >= 3
    assert bench.balances()


@pytest.mark.parametrize("most", [1, 2, 10])
def test_a_full_minute_takes_one_emergency_more(most: int) -> None:
    bench = Bench(grouping=Grouping(interval=0, max_per_minute=most))
    for text in kinds(most + 3):
        bench.log(text, LOW)
        bench.run(0.1)
    assert len(bench.pushes) == most

    bench.log("on fire", EMERGENCY)
    bench.run()
    bench.log("under water", EMERGENCY)
    bench.run(30)

    assert len(bench.pushes) == most + 1
    assert bench.pushes[-1].text == "on fire"
    bench.run(60)
    assert "under water" in "".join(push.message for push in bench.pushes)


def test_never_more_pushes_a_minute_than_allowed_and_one_emergency() -> None:
    bench = Bench(grouping=Grouping(interval=60, max_per_minute=4))

    for number in range(400):
        bench.log("problem " + "x" * (number % 50), list(Priority)[number % 5])
        bench.run(1)

    moments = [push.at for push in bench.pushes]
    assert all(sum(at <= moment < at + 59.999 for moment in moments) <= 5 for at in moments)
    assert bench.balances()


def test_a_thousand_emergencies_in_a_second_ring_a_few_times() -> None:
    bench = Bench()

    for text in kinds(1000):
        bench.log(text, EMERGENCY)
    bench.run(600)

    assert len(bench.pushes) <= 10
    assert bench.balances()


def test_refused_pushes_keep_the_pace_too() -> None:
    bench = Bench()
    bench.target.outcomes.extend([refusal(url="invalid") for _ in range(200)])

    for text in kinds(150):
        bench.log(text, HIGH)
        bench.run(0.01)

    assert len(bench.target.tried) <= 10
    assert bench.balances()


def test_while_the_minute_is_full_the_worker_sleeps_until_it_is_not() -> None:
    bench = Bench(grouping=Grouping(max_per_minute=2))
    for text in kinds(5):
        bench.log(text, HIGH)
        bench.run(0.1)
    before = bench.steps.total()

    bench.run(50)

    assert bench.steps.total() - before < 5


# The month's quota.


def test_below_the_reserve_low_priorities_wait_and_high_ones_go() -> None:
    bench = Bench(quota_reserve=5)
    target = bench.target
    target.limit, target.remaining = 100, 5
    target.reset = bench.clock.date + timedelta(days=1)
    bench.log("at first", HIGH)
    bench.run()

    for text, priority in [("low", LOW), ("normal", NORMAL), ("high", HIGH), ("fire", EMERGENCY)]:
        bench.log(text, priority)
    bench.run(600)

    pushed = [push.text for push in bench.pushes if "run low" not in push.title]
    assert pushed == ["at first", "fire", "high"]
    assert bench.stats.pending == 2
    assert bench.balances()


def test_the_worker_is_hardly_awake_while_alerts_wait_for_the_next_month() -> None:
    bench = Bench(quota_reserve=5)
    target = bench.target
    target.limit, target.remaining = 100, 5
    target.reset = bench.clock.date + timedelta(days=10)
    bench.log("at first", HIGH)
    bench.log("later", LOW)
    bench.run(1)
    before = bench.steps.total()

    bench.run(6000)

    assert bench.steps.total() - before < 250


def test_alerts_that_the_reserve_held_back_go_after_the_reset() -> None:
    bench = Bench(quota_reserve=5)
    target = bench.target
    target.limit, target.remaining = 100, 5
    target.reset = bench.clock.date + timedelta(hours=1)
    bench.log("at first", HIGH)
    bench.log("later", LOW)
    bench.run(3000)
    target.remaining, target.reset = 100, bench.clock.date + timedelta(days=30)

    bench.run(700)

    assert bench.texts[-1] == "later"


def test_an_account_below_the_reserve_has_no_reserve() -> None:
    bench = Bench(quota_reserve=500)
    target = bench.target
    target.limit, target.remaining = 100, 50
    target.reset = bench.clock.date + timedelta(days=10)

    for text in kinds(3):
        bench.log(text, LOW)
        bench.run(30)

    assert bench.texts == kinds(3)


def test_a_month_that_runs_low_is_said_once_and_is_no_record() -> None:
    bench = Bench(quota_reserve=50)
    target = bench.target
    target.limit, target.remaining = 100, 51
    target.reset = bench.clock.date + timedelta(days=10)

    for text in kinds(5):
        bench.log(text, HIGH)
        bench.run(10)

    assert [push.records for push in bench.pushes].count(0) == 1
    assert bench.balances()


def test_emergencies_go_down_to_the_last_message() -> None:
    bench = Bench(quota_reserve=500)
    target = bench.target
    target.limit, target.remaining = 1000, 3
    target.reset = bench.clock.date + timedelta(days=10)

    for text in kinds(5):
        bench.log(text, EMERGENCY)
        bench.run(10)

    assert target.remaining == 0
    assert len(bench.pushes) == 3


def test_a_spent_month_is_waited_out_and_then_goes_on() -> None:
    bench = Bench()
    bench.target.outcomes.append(quota_spent(bench.clock.date + timedelta(hours=2)))

    bench.log("disk is full")
    bench.run(60)
    bench.log("on fire", EMERGENCY)
    bench.run(7000)
    assert len(bench.target.tried) == 1
    bench.run(400)

    assert sorted(bench.texts) == ["disk is full", "on fire"]
    assert bench.balances()


def test_an_alert_that_waits_for_quota_is_not_given_up() -> None:
    bench = Bench(retry_policy=RetryPolicy(attempts=2, give_up_after=600))
    bench.target.outcomes.extend(
        [server_error(), quota_spent(bench.clock.date + timedelta(days=1))]
    )

    bench.log()
    bench.run(100)
    bench.target.outcomes.append(server_error())
    bench.run(2 * 86_400)

    assert bench.texts == ["disk is full"]
    assert bench.balances()


def test_a_month_spent_without_a_date_ends_with_the_month_for_low_priorities_too() -> None:
    bench = Bench(quota_reserve=5)
    bench.target.outcomes.append(quota_spent())
    bench.log("disk is full", LOW)
    bench.run()

    bench.clock.date += timedelta(days=25)
    bench.run(120)

    assert bench.texts == ["disk is full"]


def test_a_clock_ahead_of_the_services_does_not_cost_another_month() -> None:
    bench = Bench()
    reset = bench.clock.date + timedelta(hours=1)
    bench.target.outcomes.extend([quota_spent(reset), quota_spent(reset)])

    bench.log()
    bench.run(3600 + 301)

    assert bench.texts == ["disk is full"]


def test_a_low_month_does_not_hold_up_the_repeat_of_an_urgent_alert() -> None:
    bench = Bench(quota_reserve=5, retry_policy=RetryPolicy(wait_initial=5, wait_max=5))
    target = bench.target
    target.limit, target.remaining = 100, 4
    target.reset = bench.clock.date + timedelta(days=10)
    bench.log("at first", HIGH)
    bench.run(1)
    target.outcomes.append(server_error())

    bench.log("on fire", EMERGENCY)
    bench.run(6)

    assert "on fire" in bench.texts


def test_the_wall_clock_may_jump_while_a_month_is_waited_out() -> None:
    bench = Bench()
    bench.target.outcomes.append(quota_spent(bench.clock.date + timedelta(days=2)))
    bench.log()
    bench.run(1)

    bench.clock.date += timedelta(days=3)
    bench.run(61)

    assert bench.texts == ["disk is full"]


# Failures.


@pytest.mark.parametrize("failure", [server_error(), no_answer()], ids=["5xx", "no answer"])
def test_what_may_succeed_later_is_tried_again_not_before_5_seconds(failure: Outcome) -> None:
    bench = Bench()
    bench.target.outcomes.extend([failure] * 3)

    bench.log()
    bench.run(600)

    moments = [at for at, _ in bench.target.tried]
    assert len(moments) == 4
    assert min(b - a for a, b in itertools.pairwise(moments)) >= 5
    assert len(bench.pushes) == 1
    assert bench.balances()


def test_an_outage_is_tried_by_one_alert_at_a_time() -> None:
    bench = Bench(grouping=Grouping(max_per_minute=100))
    bench.target.outcomes.extend([server_error()] * 4)

    for text in kinds(50):
        bench.log(text)
    bench.run(20)

    assert len(bench.target.tried) <= 4


def test_after_an_outage_everything_goes_within_the_longest_wait() -> None:
    bench = Bench()
    bench.target.outcomes.extend([no_answer()] * 1000)
    bench.log("disk is full")
    bench.log("mail is down")
    bench.run(3600)

    bench.target.outcomes.clear()
    bench.run(2 * 30)

    assert sorted(bench.texts) == ["disk is full", "mail is down"]
    assert bench.balances()


def test_a_refused_alert_is_dropped_once_and_others_go_on() -> None:
    bench = Bench()
    bench.target.outcomes.append(refusal(message="cannot be blank"))

    bench.log("disk is full")
    bench.log("mail is down")
    bench.run(600)

    assert bench.texts == ["mail is down"]
    assert dict(bench.stats.dropped) == {"refused": 1}
    assert bench.lost == [("disk is full", 0)]
    assert len(bench.errors) == 1
    assert bench.balances()


def test_an_alert_is_given_up_after_its_attempts_and_handed_to_the_fallback() -> None:
    bench = Bench(retry_policy=RetryPolicy(attempts=3))
    bench.target.outcomes.extend([server_error()] * 3)

    bench.log()
    bench.run(3000)

    assert len(bench.target.tried) == 3
    assert dict(bench.stats.dropped) == {"gave_up": 1}
    assert bench.lost == [("disk is full", 0)]
    assert bench.balances()


def test_an_alert_is_given_up_so_long_after_its_first_failure() -> None:
    bench = Bench(retry_policy=RetryPolicy(give_up_after=120, wait_max=10))
    bench.target.outcomes.extend([server_error()] * 1000)

    bench.log()
    bench.run(1000)

    assert dict(bench.stats.dropped) == {"gave_up": 1}
    assert 120 <= bench.target.tried[-1][0] <= 120 + 10


def test_the_age_of_an_alert_counts_from_its_first_failure_not_from_its_record() -> None:
    bench = Bench(retry_policy=RetryPolicy(give_up_after=120, wait_max=10), quota_reserve=0)
    bench.target.outcomes.append(quota_spent(bench.clock.date + timedelta(hours=1)))
    bench.log()
    bench.run(3600 - 1)

    bench.target.outcomes.append(server_error())
    bench.run(60)

    assert bench.texts == ["disk is full"]


def test_an_alert_at_which_the_service_fails_does_not_block_the_others() -> None:
    bench = Bench()
    bench.target.outcomes.append(server_error())
    bench.log("poison", EMERGENCY)
    bench.run()

    bench.log("harmless")
    bench.run(11)

    assert bench.texts[0] == "harmless"


def test_a_more_urgent_alert_does_not_wait_for_the_failure_of_a_lesser_one() -> None:
    bench = Bench(retry_policy=RetryPolicy(wait_initial=100, wait_max=100))
    bench.target.outcomes.append(server_error())
    bench.log("disk is full", LOW)
    bench.run()

    bench.log("on fire", EMERGENCY)
    bench.run()

    assert bench.texts == ["on fire"]


def test_a_defect_costs_one_alert_and_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench()
    bench.target.outcomes.append(ZeroDivisionError("the secret"))

    bench.log("disk is full")
    bench.log("mail is down")
    bench.run()

    assert bench.texts == ["mail is down"]
    assert dict(bench.stats.dropped) == {"error": 1}
    assert bench.balances()
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said
    assert "the secret" not in said


@pytest.mark.parametrize("end", [SystemExit(1), KeyboardInterrupt()])
def test_an_alert_in_hand_when_the_thread_ended_is_sent_by_the_next(end: BaseException) -> None:
    bench = Bench()
    bench.target.outcomes.append(end)
    bench.log()

    with pytest.raises(type(end)):
        bench.run()
    assert bench.stats.pending == 1
    bench.run()

    assert bench.texts == ["disk is full"]
    assert bench.balances()


def test_a_broken_installation_is_tried_again_and_loses_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench = Bench()
    working = bench.opened

    def fail() -> None:
        raise ImportError("requests")

    bench.opened = fail  # type: ignore[assignment]
    bench.log(times=3)
    bench.run(60)
    assert bench.stats.pending == 3
    assert "cannot send: ImportError: requests" in capsys.readouterr().err

    bench.opened = working
    bench.run(10)

    assert bench.texts == ["disk is full"]
    assert bench.balances()


# A refused token or user.


def test_a_refused_token_pauses_and_is_tried_again(capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench()
    bench.target.outcomes.extend([refusal(token="invalid")] * 5)

    bench.log()
    bench.run(100_000)

    moments = [at for at, _ in bench.target.tried]
    pauses = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert pauses == pytest.approx([60, 300, 1800, 21_600, 21_600])
    assert bench.texts == ["disk is full"]
    assert bench.target.resets == 5
    assert bench.balances()
    (line,) = capsys.readouterr().err.splitlines()
    assert "sending stopped" in line
    assert "5042853c" in line


@pytest.mark.parametrize("name", ["token", "user"])
def test_while_the_service_refuses_the_credentials_the_stats_say_so(name: str) -> None:
    bench = Bench()
    bench.target.outcomes.append(refusal(**{name: "invalid"}))
    bench.log("disk is full", times=2)
    bench.run(1)

    bench.log("on fire", EMERGENCY)
    bench.run(50)
    refused = bench.stats.refused
    assert len(bench.target.tried) == 1
    bench.run(10)

    assert refused is not None
    assert "5042853c" in refused
    assert bench.stats.refused is None
    assert set(bench.texts) == {"disk is full", "on fire"}
    assert bench.balances()


def test_at_the_end_records_behind_a_refused_token_are_dropped_as_stopped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench = Bench()
    bench.target.outcomes.extend([refusal(token="invalid")] * 2)
    bench.log("disk is full", times=4)
    bench.log("mail is down")
    bench.run(1)

    bench.end()

    assert dict(bench.stats.dropped) == {"stopped": 5}
    assert sorted(bench.lost) == [("disk is full", 0), ("disk is full", 3), ("mail is down", 0)]
    assert bench.balances()


# More than there is room for.


def test_the_report_of_dropped_records_is_by_level_and_comes_after_the_outage() -> None:
    bench = Bench(capacity=3)
    bench.target.outcomes.append(server_error())
    bench.log("at first", LOW)
    bench.run()

    for text in kinds(5):
        bench.log(text, LOW)
        bench.run()
    bench.log("on fire", HIGH)
    bench.run(600)

    (report,) = [push for push in bench.pushes if not push.records]
    dropped = bench.stats.dropped["full"]
    assert report.title == f"{dropped} log records were dropped"
    assert report.message.startswith(f"{dropped} INFO: ")
    assert bench.pushes[-1] is report
    assert "on fire" in bench.texts
    assert len(bench.lost) == dropped
    assert bench.balances()


def test_the_end_does_not_forget_the_report_of_dropped_records() -> None:
    bench = Bench(capacity=3)
    for number in range(5):
        bench.log(f"disk {number} is full", key=str(number))
    while bench.stats.pending:
        bench.step()
    assert not bench.pushes[-1].title.endswith("dropped")

    assert bench.pipeline.is_unfinished()
    bench.end()

    assert bench.pushes[-1].title == "2 log records were dropped"
    assert not bench.pipeline.is_unfinished()


def test_an_error_finds_room_although_lesser_alerts_fill_it() -> None:
    bench = Bench(capacity=2)
    for text in kinds(5):
        bench.log(text, LOW)

    bench.log("on fire", EMERGENCY)
    bench.run(1)

    assert bench.texts[0] == "on fire"
    assert bench.stats.dropped["full"] == 4


def test_a_problem_that_found_no_room_is_an_alert_again_when_there_is_some() -> None:
    bench = Bench(capacity=1)
    bench.log("mail is down", LOW, times=4)
    bench.log("on fire", EMERGENCY)
    bench.run(1)

    bench.log("mail is down", LOW)
    bench.run(1)

    assert bench.texts.count("mail is down") >= 1
    assert bench.balances()
    bench.run(1000)
    assert bench.stats.pending == 0
    assert dict(bench.stats.dropped) == {"full": 1}
    assert bench.balances()


def test_a_new_emergency_is_not_turned_away_for_summaries_that_failed() -> None:
    bench = Bench(capacity=3, grouping=Grouping(interval=60))
    for text in kinds(3):
        bench.log(text, LOW, times=3)
    bench.run(10)
    bench.target.outcomes.extend([server_error()] * 50)
    bench.run(90)

    bench.log("on fire", EMERGENCY)
    bench.target.outcomes.clear()
    bench.run(400)

    assert "on fire" in bench.texts
    assert bench.balances()


@pytest.mark.parametrize("interval", [0, 60])
@pytest.mark.parametrize("most", [1, 10])
def test_a_long_outage_keeps_no_more_alerts_than_the_capacity(interval: int, most: int) -> None:
    bench = Bench(
        capacity=8, grouping=Grouping(interval=interval, max_per_minute=most, max_groups=100)
    )
    bench.target.outcomes.extend([server_error()] * 10_000)

    for number in range(500):
        bench.log("problem " + "x" * (number % 97))
        bench.run(7)

    kept = [part for entry in bench.sender.outbox for part in entry.parts if part.alert]
    assert len(kept) <= 8
    assert bench.balances()


# The end of the process.


def test_the_end_sends_alerts_one_by_one_up_to_the_pace_and_then_a_digest() -> None:
    bench = Bench(capacity=5000, grouping=Grouping(max_per_minute=5))
    for text in kinds(12):
        bench.log(text, HIGH, times=2)

    bench.end()

    assert [push.records for push in bench.pushes[:5]] == [1] * 5
    assert len(bench.pushes) == 6
    assert bench.stats.pending == 0
    assert bench.stats.delivered == 24
    assert bench.balances()


def test_the_end_sends_everything_that_waits_in_few_pushes() -> None:
    bench = Bench(capacity=5000)
    for number in range(2000):
        bench.log("problem " + "x" * (number % 500), HIGH)
        bench.log("again", LOW)

    bench.end()

    assert len(bench.pushes) <= 11
    assert bench.stats.pending == 0
    assert bench.stats.delivered == 4000
    assert bench.balances()


@pytest.mark.parametrize("more", [1, 2, 3, 40])
@pytest.mark.parametrize("most", [1, 2, 3, 10])
def test_at_the_end_a_full_minute_takes_one_digest_more(most: int, more: int) -> None:
    bench = Bench(grouping=Grouping(max_per_minute=most))
    for text in kinds(most - 1 + more):
        bench.log(text, HIGH)
        bench.run(0.1)

    bench.end()

    assert len(bench.pushes) <= most + 1
    assert bench.balances()
    assert bench.stats.pending == 0


@pytest.mark.parametrize("interval", [0, 2, 300])
def test_the_end_waits_only_for_what_is_to_be_sent(interval: float) -> None:
    bench = Bench(capacity=2, grouping=Grouping(interval=interval))
    bench.log("disk is full", EMERGENCY)
    bench.run(30)
    for text in kinds(5):
        bench.log(text, LOW)

    assert bench.step(deadline=bench.clock.now + 5) == bench.clock.now
    assert [bench.step(deadline=bench.clock.now + 5) for _ in range(5)][-1] is None


def test_the_end_gives_each_send_no_more_than_the_time_that_is_left() -> None:
    bench = Bench()
    bench.log()

    bench.end(3.0)

    assert bench.target.timeouts == [pytest.approx(3.0)]


def test_what_the_end_cannot_send_is_counted_and_handed_to_the_fallback() -> None:
    bench = Bench()
    bench.target.outcomes.extend([server_error()] * 100)
    bench.log(times=4)

    bench.end(3.0)

    assert dict(bench.stats.dropped) == {"exit": 4}
    assert sorted(bench.lost) == [("disk is full", 0), ("disk is full", 3)]
    assert bench.balances()


# What the handler asks.


def test_settled_is_when_nothing_due_waits_though_repeats_are_counted() -> None:
    bench = Bench()
    bench.log(times=3)
    assert not bench.pipeline.settled()

    bench.run(1)

    assert bench.pipeline.settled()
    assert bench.pipeline.unsent() == 2


def test_a_forked_child_starts_with_empty_counts() -> None:
    bench = Bench()
    bench.log(times=3)
    bench.run(1)

    bench.pipeline.after_fork()

    assert bench.pipeline.unsent() == 0
    assert bench.stats.accepted == 0
    assert not bench.handler._known


def test_a_record_that_nothing_could_read_is_in_the_counts() -> None:
    bench = Bench()

    bench.queue.unreadable.add()
    bench.queue.accepted.add()

    assert (bench.stats.accepted, dict(bench.stats.dropped)) == (1, {"error": 1})
