"""One thread steps through all pipelines, whoever dies on it; the end of the process is bounded."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from pushover_logging import handler
from pushover_logging.delivery.diagnostics import DIAGNOSTICS
from pushover_logging.delivery.worker import Worker


def soon(condition: Callable[[], bool], timeout: float = 30.0) -> bool:
    """Poll until the condition holds, or the time is over."""
    deadline = time.monotonic() + timeout
    pause = threading.Event()
    while not condition() and time.monotonic() < deadline:
        pause.wait(0.002)
    return condition()


class FakePipeline:
    """Does one task a step; a task may be an exception, which the step raises."""

    def __init__(self, exit_timeout: float = 5.0) -> None:
        self.config = SimpleNamespace(exit_timeout=exit_timeout)
        self.quiet = True
        self.news = False
        self.waiting: list[BaseException | str] = []
        self.done: list[str] = []
        self.threads: set[int] = set()
        self.deadlines: list[float | None] = []
        self.steps = 0
        self.stuck = False
        self.abandoned = 0
        self.loads = 0

    def load_for_children(self) -> None:
        self.loads += 1

    def submit(self, *tasks: BaseException | str) -> None:
        self.waiting.extend(tasks)
        self.news = True

    def step(self, deadline: float | None) -> float | None:
        self.news = False
        self.steps += 1
        self.threads.add(threading.get_ident())
        self.deadlines.append(deadline)
        if self.stuck:
            return time.monotonic() + 0.01
        if not self.waiting:
            return None
        task = self.waiting.pop(0)
        if isinstance(task, BaseException):
            raise task
        self.done.append(task)
        return time.monotonic()

    def unsent(self) -> int:
        return len(self.waiting)

    def is_unfinished(self) -> bool:
        return bool(self.waiting)

    def abandon(self) -> int:
        left = len(self.waiting)
        self.abandoned += left
        self.waiting.clear()
        return left

    def after_fork(self) -> None:
        self.waiting.clear()


class EndOfThread(GeneratorExit):
    """Ends the worker thread, as an interpreter that finalises does."""


class LastPipeline(FakePipeline):
    """Ends every thread that steps it: `Worker.wake` may start another if the first ends soon."""

    def step(self, deadline: float | None) -> float | None:
        raise EndOfThread


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    worker._comes_first_at_exit = True  # nothing of this worker is to run at the end of the tests
    yield worker
    last = LastPipeline()
    worker._exiting = False
    if worker.alive:
        worker.wake(last)  # type: ignore[arg-type]
    assert soon(lambda: not worker.alive)


def enlisted(worker: Worker, exit_timeout: float = 5.0) -> FakePipeline:
    pipeline = FakePipeline(exit_timeout)
    worker.enlist(pipeline)  # type: ignore[arg-type]
    return pipeline


def wake(worker: Worker, pipeline: FakePipeline) -> None:
    worker.wake(pipeline)  # type: ignore[arg-type]


def test_every_pipeline_is_stepped_on_one_other_thread(worker: Worker) -> None:
    first, second = enlisted(worker), enlisted(worker)
    for pipeline in (first, second):
        pipeline.submit("a", "b")
        wake(worker, pipeline)

    assert soon(lambda: first.done == second.done == ["a", "b"])

    (thread,) = first.threads | second.threads
    assert thread != threading.get_ident()


def test_a_pipeline_is_quiet_when_nothing_is_left_and_can_be_woken_again(worker: Worker) -> None:
    pipeline = enlisted(worker)
    pipeline.submit("a")
    wake(worker, pipeline)
    assert soon(lambda: pipeline.quiet and pipeline.done == ["a"])

    pipeline.submit("b")
    wake(worker, pipeline)

    assert soon(lambda: pipeline.done == ["a", "b"])


def test_a_pipeline_without_anything_due_is_not_stepped_again(worker: Worker) -> None:
    idle, busy = enlisted(worker), enlisted(worker)
    wake(worker, idle)
    assert soon(lambda: idle.quiet and idle.steps > 0)
    before = idle.steps

    busy.submit(*"abcdefghij")
    wake(worker, busy)
    assert soon(lambda: len(busy.done) == 10 and busy.quiet)

    assert idle.steps == before


@pytest.mark.parametrize("end", [SystemExit(1), ZeroDivisionError(), MemoryError()])
def test_a_step_that_fails_is_named_and_costs_no_other_pipeline(
    worker: Worker, end: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    failing, other = enlisted(worker), enlisted(worker)
    failing.submit(end, "after")
    other.submit("a")
    wake(worker, failing)
    wake(worker, other)

    assert soon(lambda: failing.done == ["after"] and other.done == ["a"])

    assert f"a step of the worker failed, it goes on: {type(end).__name__}" in (
        capsys.readouterr().err
    )


def test_a_thread_that_ended_is_replaced_at_the_next_record(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = enlisted(worker)
    pipeline.submit(EndOfThread(), "after")
    wake(worker, pipeline)
    assert soon(lambda: pipeline.quiet and not worker.alive)

    wake(worker, pipeline)

    assert soon(lambda: pipeline.done == ["after"])
    assert capsys.readouterr().err == "pushover_logging: the worker thread ended by EndOfThread\n"


def test_where_no_thread_can_start_the_records_are_delivered_at_once(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    pipeline = enlisted(worker)
    pipeline.submit("a", "b")
    with monkeypatch.context() as patch:
        patch.setattr(worker, "_start_thread", refuse)
        wake(worker, pipeline)

    assert pipeline.done == ["a", "b"]
    assert pipeline.threads == {threading.get_ident()}
    assert not worker.delivering


def test_waiting_ends_when_everything_is_done(worker: Worker) -> None:
    pipeline = enlisted(worker)
    pipeline.submit("a")

    assert worker.wait(pipeline, lambda: pipeline.done == ["a"], timeout=30)  # type: ignore[arg-type]


def test_waiting_ends_when_the_time_is_over(worker: Worker) -> None:
    pipeline = enlisted(worker)
    pipeline.submit("a")
    began = time.monotonic()

    assert not worker.wait(pipeline, lambda: False, timeout=0.05)  # type: ignore[arg-type]
    assert time.monotonic() - began >= 0.05


def test_waiting_on_the_workers_own_thread_returns_at_once(worker: Worker) -> None:
    answers = []

    class Asking(FakePipeline):
        def step(self, deadline: float | None) -> float | None:
            if not answers:
                answers.append(worker.wait(self, lambda: False, timeout=60))  # type: ignore[arg-type]
            return super().step(deadline)

    pipeline = Asking()
    pipeline.submit("a")
    wake(worker, pipeline)

    assert soon(lambda: pipeline.done == ["a"])
    assert answers == [False]


def test_flushes_that_wait_in_vain_one_after_another_share_one_timeout(worker: Worker) -> None:
    pipeline = enlisted(worker)

    assert not worker.wait_in_turn(pipeline, lambda: False, timeout=0.05)  # type: ignore[arg-type]
    assert not worker.wait_in_turn(pipeline, lambda: False, timeout=3600)  # type: ignore[arg-type]


@pytest.mark.timeout(60)
def test_whoever_waits_for_a_thread_that_ends_is_told(worker: Worker) -> None:
    pipeline = enlisted(worker)
    pipeline.submit(EndOfThread())

    assert not worker.wait(pipeline, lambda: False, timeout=3600)  # type: ignore[arg-type]


def test_the_end_delivers_the_records_that_wait_within_its_deadline(worker: Worker) -> None:
    pipeline = enlisted(worker)
    pipeline.submit("a", "b")

    worker.finish()

    assert pipeline.done == ["a", "b"]
    assert pipeline.abandoned == 0
    assert None not in pipeline.deadlines


def test_the_end_gives_up_in_one_line_when_its_time_is_over(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    pipelines = [enlisted(worker, exit_timeout=1.0) for _ in range(20)]
    for pipeline in pipelines:
        pipeline.stuck = True
        pipeline.submit("a", "b")
        wake(worker, pipeline)
    began = time.monotonic()

    worker.finish()

    assert time.monotonic() - began < 10  # one timeout for all of them; one each would be 20 s
    assert [pipeline.abandoned for pipeline in pipelines] == [2] * 20
    for pipeline in pipelines:
        pipeline.stuck = False
    assert capsys.readouterr().err == (
        "pushover_logging: 40 records were not delivered before the process ended\n"
    )


def test_the_end_with_nothing_waiting_takes_no_time_and_starts_no_thread(worker: Worker) -> None:
    pipeline = enlisted(worker)

    worker.finish()

    assert not worker.alive
    assert pipeline.steps == 0


def test_a_record_during_the_end_is_delivered_before_the_call_returns(worker: Worker) -> None:
    pipeline = enlisted(worker)
    worker.finish()

    pipeline.submit("late")
    wake(worker, pipeline)

    assert pipeline.done == ["late"]


@pytest.mark.timeout(60)
def test_at_the_end_a_thread_that_dies_is_stood_in_for(worker: Worker) -> None:
    pipeline = enlisted(worker, exit_timeout=3600)
    wake(worker, pipeline)
    assert soon(lambda: pipeline.quiet and worker.alive)
    pipeline.submit(EndOfThread(), "after")

    worker.finish()

    assert pipeline.done == ["after"]
    assert pipeline.abandoned == 0


def test_other_pipelines_records_are_not_lost_to_a_thread_that_died(worker: Worker) -> None:
    deadly, other = enlisted(worker), enlisted(worker)
    deadly.submit(EndOfThread())
    other.quiet = False  # its token was in the queue, not yet taken out
    wake(worker, deadly)

    assert soon(lambda: other.quiet)


def test_no_pipeline_is_kept_alive(worker: Worker) -> None:
    enlisted(worker)
    gc.collect()

    assert worker.pipelines() == []
    assert worker._known == {}


def test_no_thread_of_a_forked_child_passes_for_one_that_was_writing(worker: Worker) -> None:
    DIAGNOSTICS.writing.add(threading.get_ident())

    worker.after_fork_in_child()

    assert handler._writing == set()


def test_a_forked_child_begins_anew(worker: Worker) -> None:
    pipeline = enlisted(worker)
    pipeline.waiting.append("the parent's")

    worker.before_fork()
    worker.after_fork_in_child()

    assert pipeline.loads == 1  # in the parent, once for all children
    assert pipeline.waiting == []
    pipeline.submit("the child's")
    wake(worker, pipeline)
    assert soon(lambda: pipeline.done == ["the child's"])


@pytest.mark.slow
def test_a_fork_does_not_wait_for_ever_for_modules_that_are_being_loaded(worker: Worker) -> None:
    held, forked = threading.Event(), threading.Event()

    def load() -> None:
        with worker.loading:
            held.set()
            forked.wait(60)

    thread = threading.Thread(target=load)
    thread.start()
    assert held.wait(30)

    worker.before_fork()
    worker.after_fork_in_parent()
    forked.set()
    thread.join(30)

    assert worker.loading.acquire(blocking=False)
    worker.loading.release()


# Threads that log while another one delivers at the end.


class Gated(FakePipeline):
    """Lets a test stop a step in its middle."""

    def __init__(self, exit_timeout: float = 60.0) -> None:
        super().__init__(exit_timeout)
        self.entered, self.may_go_on = threading.Event(), threading.Event()

    def step(self, deadline: float | None) -> float | None:
        if self.waiting:
            self.entered.set()
            assert self.may_go_on.wait(30)
        return super().step(deadline)


@pytest.mark.parametrize("threads_start", [True, False])
def test_a_second_thread_that_logs_at_the_end_gives_up_nothing_of_the_first(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, threads_start: bool
) -> None:
    if not threads_start:
        monkeypatch.setattr(worker, "_start_thread", refuse_to_start)
    pipeline = Gated()
    worker.enlist(pipeline)  # type: ignore[arg-type]
    worker._exiting = True
    pipeline.submit("first", "first again")
    first = threading.Thread(target=worker.finish)
    first.start()
    assert pipeline.entered.wait(30)

    pipeline.submit("second")
    second = threading.Thread(target=wake, args=(worker, pipeline))
    second.start()
    second.join(0.2)
    abandoned = pipeline.abandoned
    pipeline.may_go_on.set()
    first.join(30)
    second.join(30)

    assert abandoned == pipeline.abandoned == 0
    assert pipeline.done == ["first", "first again", "second"]


def test_threads_that_log_at_the_end_do_not_extend_its_deadline(worker: Worker) -> None:
    pipeline = enlisted(worker, exit_timeout=2.0)
    pipeline.stuck = True
    pipeline.submit("a")

    def ends() -> set[float]:
        return {deadline for deadline in pipeline.deadlines if deadline is not None}

    def wake_once_it_ends() -> None:
        assert soon(lambda: bool(ends()))
        wake(worker, pipeline)

    others = [threading.Thread(target=wake_once_it_ends) for _ in range(5)]
    worker._exiting = True
    for other in others:
        other.start()

    worker.finish()

    for other in others:
        other.join(30)
    pipeline.stuck = False
    assert len(ends()) == 1


def refuse_to_start(*_: object) -> int:
    raise RuntimeError("can't create new thread at interpreter shutdown")
