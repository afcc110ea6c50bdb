"""One thread carries what it is handed, whoever dies on it; the end of the process is bounded."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from pushover_logging.courier import Courier
from pushover_logging.notices import NOTICES


def soon(condition: Callable[[], bool], timeout: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout
    pause = threading.Event()
    while not condition() and time.monotonic() < deadline:
        pause.wait(0.002)
    return condition()


class Errands:
    """A Work whose errands are run one a step; one may be a failure."""

    def __init__(self, exit_timeout: float = 5.0) -> None:
        self.quiet = True
        self.exit_timeout = exit_timeout
        self.waiting: list[Exception | BaseException | str] = []
        self.done: list[str] = []
        self.threads: set[int] = set()
        self.deadlines: list[float | None] = []
        self.stuck = False
        self.abandoned = 0
        self._news = False

    def submit(self, *errands: BaseException | str) -> None:
        self.waiting.extend(errands)
        self._news = True

    def prepare(self) -> None:
        """Nothing to import."""

    def step(self, deadline: float | None) -> float | None:
        self._news = False
        self.threads.add(threading.get_ident())
        self.deadlines.append(deadline)
        if self.stuck:
            return time.monotonic() + 0.01
        if not self.waiting:
            return None
        errand = self.waiting.pop(0)
        if isinstance(errand, BaseException):
            raise errand
        self.done.append(errand)
        return time.monotonic()

    def has_news(self) -> bool:
        return self._news

    def unsent(self) -> int:
        return len(self.waiting)

    def abandon(self) -> int:
        left = len(self.waiting)
        self.abandoned += left
        self.waiting.clear()
        return left

    def start_over(self) -> None:
        self.waiting.clear()


@pytest.fixture
def courier(monkeypatch: pytest.MonkeyPatch) -> Iterator[Courier]:
    monkeypatch.setattr(NOTICES, "_last", {})
    monkeypatch.setattr(NOTICES, "_withheld", {})
    courier = Courier()
    yield courier
    last = Errands()  # its thread is a daemon with nothing to do; end it all the same
    last.submit(SystemExit())
    courier.wake(last)
    assert soon(lambda: not courier.alive)


def enlisted(courier: Courier, **options: float) -> Errands:
    work = Errands(**options)
    courier.enlist(work)
    return work


def test_what_it_is_handed_is_done_on_one_other_thread(courier: Courier) -> None:
    first, second = enlisted(courier), enlisted(courier)
    for work in (first, second):
        work.submit("a", "b")
        courier.wake(work)

    assert soon(lambda: first.done == second.done == ["a", "b"])

    (thread,) = first.threads | second.threads
    assert thread != threading.get_ident()


def test_it_becomes_quiet_when_nothing_is_left_and_can_be_woken_again(courier: Courier) -> None:
    work = enlisted(courier)
    work.submit("a")
    courier.wake(work)
    assert soon(lambda: work.quiet and work.done == ["a"])

    work.submit("b")
    courier.wake(work)

    assert soon(lambda: work.done == ["a", "b"])


@pytest.mark.parametrize("end", [SystemExit(1), ZeroDivisionError()])
def test_a_thread_that_died_is_replaced_at_the_next_record(
    courier: Courier, end: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    work = enlisted(courier)
    work.submit(end, "after")
    courier.wake(work)
    assert soon(lambda: work.quiet and not courier.alive)

    courier.wake(work)

    assert soon(lambda: work.done == ["after"])
    assert capsys.readouterr().err == (
        f"pushover_logging: the courier thread ended by {type(end).__name__}\n"
    )


def test_where_no_thread_can_start_it_is_done_at_once(
    courier: Courier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    work = enlisted(courier)
    work.submit("a", "b")
    with monkeypatch.context() as patch:
        patch.setattr(courier, "_start_thread", refuse)
        courier.wake(work)

    assert work.done == ["a", "b"]
    assert work.threads == {threading.get_ident()}
    assert not courier.speaking


def test_waiting_ends_when_it_is_done(courier: Courier) -> None:
    work = enlisted(courier)
    work.submit("a")

    assert courier.wait_for(work, lambda: work.done == ["a"], timeout=10)


def test_waiting_ends_when_time_is_over(courier: Courier) -> None:
    work = enlisted(courier)
    work.submit("a")
    began = time.monotonic()

    assert not courier.wait_for(work, lambda: False, timeout=0.05)
    assert 0.05 <= time.monotonic() - began < 5


def test_waiting_on_its_own_thread_returns_at_once(courier: Courier) -> None:
    answers = []

    class Asking(Errands):
        def step(self, deadline: float | None) -> float | None:
            if not answers:
                answers.append(courier.wait_for(self, lambda: False, timeout=60))
            return super().step(deadline)

    work = Asking()
    work.submit("a")
    courier.wake(work)

    assert soon(lambda: work.done == ["a"])
    assert answers == [False]


def test_the_end_delivers_what_waits_within_its_deadline(courier: Courier) -> None:
    work = enlisted(courier)
    work.submit("a", "b")

    courier.finish()

    assert work.done == ["a", "b"]
    assert work.abandoned == 0
    assert None not in work.deadlines


def test_the_end_gives_up_in_one_line_when_its_time_is_over(
    courier: Courier, capsys: pytest.CaptureFixture[str]
) -> None:
    works = [enlisted(courier, exit_timeout=0.1) for _ in range(5)]
    for work in works:
        work.stuck = True
        work.submit("a", "b")
        courier.wake(work)
    began = time.monotonic()

    courier.finish()

    assert time.monotonic() - began < 2  # one budget for all of them
    assert [work.abandoned for work in works] == [2] * 5
    for work in works:
        work.stuck = False
    assert "10 records were not delivered" in capsys.readouterr().err


def test_the_end_with_nothing_waiting_takes_no_time_and_starts_no_thread(
    courier: Courier,
) -> None:
    enlisted(courier)

    courier.finish()

    assert not courier.alive


def test_a_record_during_the_end_is_delivered_before_the_call_returns(courier: Courier) -> None:
    work = enlisted(courier)
    courier.finish()

    work.submit("late")
    courier.wake(work)

    assert work.done == ["late"]


def test_it_keeps_no_handlers_work_alive(courier: Courier) -> None:
    enlisted(courier)
    gc.collect()

    assert courier.works() == []
    assert courier._known == {}


def test_a_forked_child_begins_anew(courier: Courier) -> None:
    work = enlisted(courier)
    work.waiting.append("the parent's")

    courier.before_fork()
    courier.after_fork_in_child()

    assert work.waiting == []
    work.submit("the child's")
    courier.wake(work)
    assert soon(lambda: work.done == ["the child's"])


def test_flushes_that_wait_in_vain_one_after_another_share_one_patience(courier: Courier) -> None:
    work = enlisted(courier)

    assert not courier.wait_in_turn(work, lambda: False, timeout=0.05)
    assert not courier.wait_in_turn(work, lambda: False, timeout=3600)  # or this test times out


@pytest.mark.timeout(20)
def test_who_waits_for_a_courier_that_dies_is_told(courier: Courier) -> None:
    work = enlisted(courier)
    work.submit(SystemExit(1))

    assert not courier.wait_for(work, lambda: False, timeout=3600)


@pytest.mark.timeout(20)
def test_at_the_end_a_courier_that_dies_is_stood_in_for(courier: Courier) -> None:
    work = enlisted(courier, exit_timeout=3600)
    courier.wake(work)
    assert soon(lambda: work.quiet and courier.alive)
    work.submit(SystemExit(1), "after")

    courier.finish()

    assert work.done == ["after"]
    assert work.abandoned == 0


def test_another_works_records_are_not_lost_to_a_courier_that_died(courier: Courier) -> None:
    deadly, other = enlisted(courier), enlisted(courier)
    deadly.submit(SystemExit(1))
    other.quiet = False  # its token was in the queue, not yet taken out
    courier.wake(deadly)

    assert soon(lambda: other.quiet)
