"""The operator hears of each kind of trouble once a minute, whatever has become of stderr."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest
from pushover_logging.notices import Notices

from pushover_logging import notices

from .bench import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(notices, "time", SimpleNamespace(monotonic=clock))
    return clock


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_line_says_whose_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Notices().say("outage", "cannot deliver now")

    assert lines(capsys) == ["pushover_logging: cannot deliver now"]


def test_a_kind_is_written_once_a_minute_and_what_was_withheld_is_counted(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = Notices()
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
    mine = Notices()

    mine.say("outage", "a")
    mine.say("full", "b")

    assert lines(capsys) == ["pushover_logging: a", "pushover_logging: b"]


def test_a_minute_without_like_lines_counts_none(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = Notices()
    mine.say("outage", "a")
    clock.pass_to(clock.now + 60)

    mine.say("outage", "b")

    assert lines(capsys) == ["pushover_logging: a", "pushover_logging: b"]


def test_what_a_logging_call_leaves_is_written_later(capsys: pytest.CaptureFixture[str]) -> None:
    mine = Notices()

    mine.leave("key", "a key failed")
    assert lines(capsys) == []
    mine.say_what_was_left()
    mine.say_what_was_left()

    assert lines(capsys) == ["pushover_logging: a key failed"]


def test_what_is_left_is_bounded() -> None:
    mine = Notices()

    for number in range(10_000):
        mine.leave(str(number), "text")

    assert len(mine._later) == 100


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

    Notices().say("outage", "cannot deliver now")
