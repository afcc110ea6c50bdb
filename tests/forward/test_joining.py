"""Which lines are one record, when it ends, and what of it is kept."""

from __future__ import annotations

import logging
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.forward.entry import Entry
from pushover_logging.forward.reading import read_text
from pushover_logging.forward.records import RecordReader


class Clock:
    """A time that stands until it is moved on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def joined(*lines: str, level: int = logging.WARNING) -> list[Entry]:
    records = RecordReader(least=level, clock=Clock())
    return [*records.read("\n".join(lines).encode()), *records.finish()]


def a_traceback() -> list[str]:
    def fetch() -> None:
        {}["inner\nsecond line"]

    def fail() -> None:
        try:
            fetch()
        except KeyError as error:
            raise ValueError("outer") from error

    try:
        fail()
    except ValueError:
        return traceback.format_exc().splitlines()
    raise AssertionError


def test_traceback_belongs_to_the_record_before_it() -> None:
    trace = a_traceback()

    error, after = joined("ERROR:shop:Payment failed", *trace, "WARNING:shop:next")

    assert error.message == "Payment failed"
    assert error.traceback == "\n".join(trace)
    assert after.message == "next"


@pytest.mark.parametrize(
    "before",
    [[], ["INFO:shop:all is well"], ["started", "listening"], ['{"level":"error","msg":"other"}']],
)
def test_crash_that_nobody_logged_is_an_error(before: list[str]) -> None:
    *_, crash = joined(*before, *a_traceback())

    assert crash.level == logging.ERROR
    assert crash.message == "ValueError: outer"
    assert crash.traceback == "\n".join(a_traceback())


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["panic: out", "", "goroutine 1 [running]:", "main.main()", "\t/a.go:8 +0x1d"],
            "panic: out",
        ),
        (["Error: boom", "    at f (/a.js:1:2)"], "boom"),
        (["TypeError: boom", "    at f (/a.js:1:2)"], "TypeError: boom"),
        (
            ["java.lang.Error: boom", "\tat a.B.c(B.java:1)", "\t... 2 more"],
            "java.lang.Error: boom",
        ),
        (
            ["Unhandled exception. A.B: boom", "   at A.B() in a.cs:line 1"],
            "Unhandled exception. A.B: boom",
        ),
        (
            ["thread 'main' panicked at a.rs:3:5:", "boom"],
            "thread 'main' panicked at a.rs:3:5:\nboom",
        ),
        (['  File "a.py", line 3', "    x(", "     ^", "SyntaxError: boom"], "SyntaxError: boom"),
    ],
)
def test_crash_says_what_happened_and_is_one_record(lines: list[str], message: str) -> None:
    (crash,) = joined("ready", *lines, "ready again")

    assert (crash.level, crash.message) == (logging.ERROR, message)


def test_class_that_sounds_like_an_error_is_no_crash_without_a_call() -> None:
    assert joined("TypeError: is a class", "of Python", "    indented text") == []


def test_group_of_exceptions_is_named_by_the_group() -> None:
    (crash,) = joined(
        "  + Exception Group Traceback (most recent call last):",
        '  |   File "a.py", line 1, in <module>',
        "  | ExceptionGroup: several (2 sub-exceptions)",
        "  +-+---------------- 1 ----------------",
        "    | ValueError: a",
        "    +------------------------------------",
        "plain",
    )

    assert crash.message == "ExceptionGroup: several (2 sub-exceptions)"


def test_line_at_column_0_that_continues_nothing_ends_the_record() -> None:
    (entry,) = joined("ERROR:db:query failed", "  SELECT 1", "unrelated", "  more of it")

    assert entry.message == "query failed\n  SELECT 1"


def test_lines_without_a_level_are_records_where_info_is_wanted() -> None:
    entries = joined("one", "two", "  more of two", "three", level=logging.INFO)

    assert [entry.message for entry in entries] == ["one", "two\n  more of two", "three"]


def test_warning_below_the_level_keeps_its_traceback() -> None:
    assert joined("WARNING:shop:slow", *a_traceback(), level=logging.ERROR) == []


def test_detail_of_a_database_is_part_of_its_error() -> None:
    (entry,) = joined(
        "2026-01-05 10:00:00.212 UTC [7] ERROR:  no table",
        "2026-01-05 10:00:00.212 UTC [7] DETAIL:  none",
        "2026-01-05 10:00:00.212 UTC [7] STATEMENT:  SELECT",
        "\tFROM x",
        "2026-01-05 10:00:00.212 UTC [7] LOG:  next",
    )

    assert entry.message == "no table\nDETAIL:  none\nSTATEMENT:  SELECT\n\tFROM x"


def test_first_line_of_java_util_logging_is_no_alert_and_the_second_is() -> None:
    (entry,) = joined("Jan 05, 2026 10:00:00 AM a.b.C start", "SEVERE: no port")

    assert (entry.level, entry.message) == (logging.ERROR, "no port")


def test_programs_in_one_file_do_not_end_each_others_records() -> None:
    web, db = joined(
        "web-1 | ERROR:shop:Payment failed",
        "db-1  | FATAL:  no such role",
        "web-1 | Traceback (most recent call last):",
        'web-1 |   File "a.py", line 1, in f',
        "db-1  | LOG:  ready",
        "web-1 | ValueError: no card",
    )[::-1]

    assert (web.message, (web.traceback or "").splitlines()[-1]) == (
        "Payment failed",
        "ValueError: no card",
    )
    assert db.message == "no such role"


def test_alert_leaves_by_the_clock_whatever_follows() -> None:
    clock = Clock()
    records = RecordReader(clock=clock)
    records_read = [*records.read(b"ERROR:shop:failed\nTraceback (most recent call last):\n")]

    clock.now += 0.8
    leaving = [*records.read(b'  File "a.py", line 1, in f\n')]

    assert records_read == []
    assert [entry.message for entry in leaving] == ["failed"]


def test_rest_of_a_record_that_left_is_passed_over() -> None:
    clock = Clock()
    records = RecordReader(clock=clock)
    list(records.read(b"ERROR:shop:failed\nTraceback (most recent call last):\n"))
    clock.now += 0.8

    rest = [*records.expired(), *records.read(b'  File "a.py", line 1\nValueError: x\n')]
    after = [*records.read(b"ERROR:shop:another\n"), *records.finish()]

    assert [entry.message for entry in rest] == ["failed"]
    assert [entry.message for entry in after] == ["another"]


def test_endless_record_is_bounded_in_lines_and_says_so() -> None:
    (entry,) = joined("ERROR:db:dump", *(f"  row {number}" for number in range(100_000)))

    assert len(entry.message.splitlines()) == 402
    assert "... 99600 lines ..." in entry.message
    assert entry.message.endswith("row 99999")


def test_endless_record_is_bounded_in_size() -> None:
    (entry,) = joined("ERROR:db:dump", *(f"  {'x' * 10_000}" for number in range(1000)))

    assert len(entry.message) < 300_000


parts = st.sampled_from(["ERROR:a:x", "INFO:b:y", "plain", "  more", "", *a_traceback()])


@given(st.lists(parts))
def test_no_alert_is_lost_or_doubled(lines: list[str]) -> None:
    marked = [f"{line} #{n}" if line.startswith("ERROR") else line for n, line in enumerate(lines)]

    messages = [entry.message.splitlines()[0] for entry in joined(*marked)]

    for number, line in enumerate(lines):
        if line.startswith("ERROR"):
            assert messages.count(f"x #{number}") == 1, marked


def said_by(lines: list[str]) -> list[str]:
    said: list[str] = []
    records = RecordReader(read_text, say=said.append, clock=Clock())
    list(records.read("\n".join(lines).encode()))
    list(records.end())
    return said


def test_log_without_levels_is_said_once_with_a_sample_and_what_to_do() -> None:
    (said,) = said_by([f"tick {number}" for number in range(20_000)])

    assert said.startswith(
        "none of the first 100 lines has a level that it knows, such as 'tick 0'"
    )
    assert "--pattern" in said
    assert "--format" in said
    assert "--explain" in said


def test_long_stretch_without_levels_is_said_once() -> None:
    lines = ["INFO:shop:ready"] * 200 + [f"tick {number}" for number in range(50_000)]

    (said,) = said_by(lines)

    assert "lines in a row have no level that it knows, such as 'tick" in said


@pytest.mark.parametrize(
    "line", ["INFO:shop:ready", '1.2.3.4 - - [05/Jan/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 2',
             "Jan  5 10:00:00 host sshd[7]: Accepted key"]
)  # fmt: skip
def test_nothing_is_said_of_what_is_understood(line: str) -> None:
    assert said_by([line] * 5000) == []


def test_short_log_without_levels_is_said_at_its_end() -> None:
    (said,) = said_by(["tick"])

    assert said.startswith("no line has a level that it knows")
