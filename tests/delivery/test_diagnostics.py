"""The operator hears of each kind of problem once a minute, whatever has become of stderr."""

from __future__ import annotations

import io
import logging
import sys
from types import SimpleNamespace

import pytest

from pushover_logging.delivery import diagnostics
from pushover_logging.delivery.diagnostics import Diagnostics, call_safely, fallback_for
from pushover_logging.notice import Snapshot

from .bench import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(diagnostics, "time", SimpleNamespace(monotonic=clock))
    return clock


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_line_says_whose_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Diagnostics().say("outage", "cannot deliver now")

    assert lines(capsys) == ["pushover_logging: cannot deliver now"]


def test_a_text_of_many_lines_is_written_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    Diagnostics().say("outage", "cannot\ndeliver  now\n")

    assert lines(capsys) == ["pushover_logging: cannot deliver now"]


def test_a_kind_is_written_once_a_minute_and_withheld_lines_are_counted(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = Diagnostics()
    for _ in range(60):
        mine.say("outage", "cannot deliver now")
        clock.pass_to(clock.now + 1)
    assert lines(capsys) == ["pushover_logging: cannot deliver now"]

    mine.say("outage", "still not")
    clock.pass_to(clock.now + 60)
    mine.say("outage", "nor now")

    assert lines(capsys) == [
        "pushover_logging: still not (59 more like this since the last line)",
        "pushover_logging: nor now",
    ]


def test_another_kind_is_written_at_once(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    mine = Diagnostics()

    mine.say("outage", "a")
    mine.say("full", "b")

    assert lines(capsys) == ["pushover_logging: a", "pushover_logging: b"]


def test_a_minute_without_like_lines_counts_none(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = Diagnostics()
    mine.say("outage", "a")
    clock.pass_to(clock.now + 60)

    mine.say("outage", "b")

    assert lines(capsys) == ["pushover_logging: a", "pushover_logging: b"]


def test_a_line_of_a_logging_call_is_written_later(capsys: pytest.CaptureFixture[str]) -> None:
    mine = Diagnostics()

    mine.say_later("key", "a key failed")
    assert lines(capsys) == []
    mine.say_what_waits()
    mine.say_what_waits()

    assert lines(capsys) == ["pushover_logging: a key failed"]


def test_the_lines_that_wait_are_bounded() -> None:
    mine = Diagnostics()

    for number in range(10_000):
        mine.say_later(str(number), "text")

    assert len(mine.waiting) == 100


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError("no space left on device")


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [None, closed(), Broken(), object()])
def test_a_stderr_that_is_none_closed_or_broken_is_survived(
    stream: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    mine = Diagnostics()

    mine.say("outage", "cannot deliver now")

    assert not mine.writing


@pytest.mark.parametrize("error", [RuntimeError("the user's"), SystemExit(3)])
def test_a_function_of_the_users_that_fails_is_named_without_its_text(
    error: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(argument: object) -> None:
        raise error

    call_safely("on_error", fail, None)

    (line,) = lines(capsys)
    assert line == f"pushover_logging: on_error failed: {type(error).__name__}"


class Kept(logging.Handler):
    """A fallback that keeps what it gets."""

    def __init__(self, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


LOST = Snapshot(1.0, "shop", logging.ERROR, "ERROR", "%s is full", ("disk",))


def test_the_fallback_gets_the_record_and_how_many_more_are_lost() -> None:
    kept = Kept()
    hand_over = fallback_for(kept)
    assert hand_over is not None

    hand_over(LOST, 0)
    hand_over(LOST, 7)

    assert kept.texts == ["disk is full", "disk is full (and 7 more like it)"]


def test_a_percent_sign_in_a_lost_text_is_kept() -> None:
    kept = Kept()
    hand_over = fallback_for(kept)
    assert hand_over is not None

    hand_over(LOST._replace(text="disk 90% full", args=None), 2)

    assert kept.texts == ["disk 90% full (and 2 more like it)"]


def test_a_fallback_gets_nothing_below_its_level() -> None:
    kept = Kept(logging.CRITICAL)
    hand_over = fallback_for(kept)
    assert hand_over is not None

    hand_over(LOST, 0)

    assert kept.texts == []


def test_a_fallback_is_found_by_its_name_when_it_is_needed() -> None:
    hand_over = fallback_for("the file of test_diagnostics")
    assert hand_over is not None
    kept = Kept()
    kept.set_name("the file of test_diagnostics")

    hand_over(LOST, 0)

    assert kept.texts == ["disk is full"]


def test_a_fallback_that_does_not_exist_is_named_on_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hand_over = fallback_for("the fiel")
    assert hand_over is not None

    hand_over(LOST, 0)

    assert lines(capsys) == ["pushover_logging: fallback: no handler is named the fiel"]
