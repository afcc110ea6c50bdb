"""What the lines of a log say, in the formats that there are, and which of them are one record."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import datetime, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pushover_logging.cli.forwarding.entries import Entry, level_of, time_of
from pushover_logging.cli.forwarding.formats import read_line, reader_for
from pushover_logging.cli.forwarding.joining import Joined, Joiner

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=timezone.utc).timestamp()
PYTHON_FORMATS = (
    "%(levelname)s:%(name)s:%(message)s",
    "%(asctime)s - %(name)s - %(levelname)s - %(message)s",
    "%(asctime)s %(levelname)s %(name)s: %(message)s",
    "%(asctime)s %(name)s %(levelname)s %(message)s",
    "%(asctime)s [%(process)d] [%(levelname)s] [%(name)s] %(message)s",
    "%(asctime)s | %(levelname)-8s | %(name)s:%(funcName)s:%(lineno)d - %(message)s",
    "[%(levelname)s] %(name)s: %(message)s",
    "%(asctime)s %(threadName)s %(levelname)s [%(name)s:%(lineno)d] %(message)s",
)
levels = st.sampled_from(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
loggers = st.from_regex(r"[a-z_]{1,8}(\.[a-z_]{1,8}){0,2}", fullmatch=True)
messages = st.from_regex(r"[a-z][ -~]{0,60}[a-z]", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=200)


@pytest.mark.parametrize("style", PYTHON_FORMATS)
@given(level=levels, logger=loggers, message=messages)
def test_pythons_formats_are_read_back(style: str, level: str, logger: str, message: str) -> None:
    record = logging.makeLogRecord({"name": logger, "levelname": level, "msg": message})
    record.created, record.msecs = 1_790_000_000.0, 0.0
    line = logging.Formatter(style).format(record)

    entry = read_line(line, NOW)

    assert entry is not None
    assert (entry.level, entry.logger) == (getattr(logging, level), logger)
    assert entry.message == message
    assert entry.time == (1_790_000_000.0 if "asctime" in style else None)


@given(level=levels, logger=loggers, message=texts.filter(str.strip))
def test_json_lines_are_read_back(level: str, logger: str, message: str) -> None:
    line = json.dumps({"level": level.lower(), "logger": logger, "message": message, "ts": 1.5})

    assert read_line(line, NOW) == Entry(message, getattr(logging, level), logger, 1.5)


@given(level=levels, message=texts.filter(str.strip))
def test_logfmt_is_read_back(level: str, message: str) -> None:
    quoted = message.replace("\\", "\\\\").replace('"', '\\"')

    entry = read_line(f'time=2026-11-23T04:00:00Z level={level} msg="{quoted}" n=1', NOW)

    assert entry == Entry(message, getattr(logging, level), None, NOW)


@given(
    severity=st.integers(min_value=0, max_value=7),
    message=messages.filter(lambda text: "=" not in text),
)
def test_syslog_is_read_back(severity: int, message: str) -> None:
    levels = [50, 50, 50, 40, 30, 20, 20, 10]

    old = read_line(f"<{8 + severity}>Nov 23 04:00:00 host sshd[7]: {message}", NOW)
    new = read_line(f"<{8 + severity}>1 2026-11-23T04:00:00Z host sshd 7 - - {message}", NOW)

    assert old is not None
    assert (old.message, old.level, old.logger) == (message, levels[severity], "sshd")
    assert new == Entry(message, levels[severity], "sshd", NOW)


@given(texts)
@example("{" * 100_000)
@example('{"level": {"a": 1}, "message": []}')
@example('{"MESSAGE": null, "__REALTIME_TIMESTAMP": "x", "_BOOT_ID": 1}')
@example("2026-99-99 99:99:99 ERROR x")
@example("<999>1 - - - - - -")
@example("level=error")
@example("Feb 31 25:61:61 host a: b")
def test_no_line_is_too_odd_to_be_read(line: str) -> None:
    entry = read_line(line, NOW)

    assert entry is None or isinstance(entry.message, str)


@pytest.mark.parametrize(
    ("line", "level", "logger", "message"),
    [
        ("[2026-11-23 03:40:46 +0000] [123] [ERROR] Worker died", 40, None, "Worker died"),
        ("ERROR:    Exception in ASGI application", 40, None, "Exception in ASGI application"),
        ("[23/Nov/2026 03:40:46] ERROR [django.request:12] Bad: x", 40, "django.request", "Bad: x"),
        ("[2026-11-23 03:40:46,123: ERROR/MainProcess] Task x", 40, None, "Task x"),
        ("2026/11/23 03:40:46 [error] 12#0: *1 upstream", 40, None, "12#0: *1 upstream"),
        ("2026-11-23 03:40:46.1 UTC [9] FATAL:  no space left", 50, None, "no space left"),
        ("[ERROR]\t2026-11-23T03:40:46.123Z\tid\tmsg", 40, None, "id\tmsg"),
        ("ERROR Connection refused: retry", 40, None, "Connection refused: retry"),
        ("2026-11-23T03:40:46+01:00 host app[3]: WARNING:db:slow", 30, "db", "slow"),
        ('level=warn msg="disk slow" err=timeout', 30, None, "disk slow: timeout"),
        ('{"severity":"ERROR","message":"m","error":{"message":"why"}}', 40, None, "m: why"),
        ('{"level":50,"time":1,"pid":1,"hostname":"h","msg":"pino"}', 40, None, "pino"),
        ('{"levelno":50,"msg":"python"}', 50, None, "python"),
        ('{"level":"info","log":{"logger":"a.b"},"message":"ecs"}', 20, None, "ecs"),
    ],
)
def test_formats_of_other_programs_are_read(
    line: str, level: int, logger: str | None, message: str
) -> None:
    entry = read_line(line, NOW)

    assert entry is not None
    assert (entry.level, entry.message) == (level, message)
    assert entry.logger == logger or "log" in line


def test_journal_is_read_bytes_and_all() -> None:
    fields = {
        "PRIORITY": "3",
        "SYSLOG_IDENTIFIER": "sshd",
        "__REALTIME_TIMESTAMP": "1795406400000000",
        "MESSAGE": [*b"caf\xe9"],
    }

    entry = read_line(json.dumps(fields), NOW)

    assert entry == Entry("caf\N{REPLACEMENT CHARACTER}", 40, "sshd", 1795406400.0)


def test_what_a_service_prints_says_its_level_itself() -> None:
    fields = {
        "PRIORITY": "6",
        "SYSLOG_IDENTIFIER": "shop",
        "__REALTIME_TIMESTAMP": "1",
        "_PID": "1",
    }

    entry = read_line(json.dumps({**fields, "MESSAGE": "CRITICAL:shop.oven:too hot"}), NOW)

    assert entry is not None
    assert (entry.level, entry.logger, entry.message) == (50, "shop.oven", "too hot")


@pytest.mark.parametrize("line", ["plain text", "ERRORS happen", "the INFO desk", "", "x=1 y=2"])
def test_lines_without_a_level_begin_no_record(line: str) -> None:
    assert read_line(line, NOW) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-23T04:00:00Z", NOW),
        ("2026-11-23 05:00:00.250+01:00", NOW + 0.25),
        ("2026-11-22T23:00:00,5-0500", NOW + 0.5),
        ("23/Nov/2026 04:00:00 +0000", NOW),
        (1795406400123, 1795406400.123),
        ("1795406400000000", NOW),
        ("yesterday", None),
        ("2026-02-31 00:00:00", None),
        (True, None),
    ],
)
def test_times_are_understood(text: object, seconds: float | None) -> None:
    assert time_of(text, NOW) == seconds


def test_syslogs_december_is_last_years_in_january() -> None:
    january = datetime(2027, 1, 1, 0, 0, 5).timestamp()

    assert time_of("Dec 31 23:59:59", january) == january - 6


@pytest.mark.parametrize(
    ("value", "level"), [("Warn", 30), ("3", 40), (40, 40), ("15", 15), (True, None), ("x", None)]
)
def test_levels_are_understood_by_name_and_number(value: object, level: int | None) -> None:
    assert level_of(value) == level


def test_pattern_reads_what_its_groups_name() -> None:
    read = reader_for(r"(?P<time>\S+) <(?P<level>\w+)> (?P<logger>\w+): (?P<message>.*)")

    assert read("2026-11-23T04:00:00Z <crit> oven: hot", NOW) == Entry("hot", 50, "oven", NOW)
    assert read("nothing of the kind", NOW) is None


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "no regular expression"),
        ("(?P<levle>x)", "levle; did you mean level?"),
        (".*", "no named group; it may have level, logger, message, time"),
    ],
)
def test_pattern_that_cannot_work_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace("?", r"\?")):
        reader_for(pattern)


def joined(*lines: str) -> list[Entry]:
    joiner = Joiner(read_line)
    whole: list[Joined | None] = [
        joiner.feed(line, number, NOW) for number, line in enumerate(lines, start=1)
    ]
    return [each.entry for each in [*whole, joiner.finish()] if each is not None]


def a_traceback() -> list[str]:
    def look_up() -> None:
        {}["inner\nsecond line"]

    def fail() -> None:
        try:
            look_up()
        except KeyError as error:
            raise ValueError("outer") from error

    try:
        fail()
    except ValueError:
        return traceback.format_exc().splitlines()
    raise AssertionError


def test_traceback_belongs_to_the_record_before_it() -> None:
    trace = a_traceback()

    error, after = joined("ERROR:shop:Payment failed", *trace, "INFO:shop:next")

    assert error.message == "Payment failed"
    assert error.traceback == "\n".join(trace)
    assert after == Entry("next", 20, "shop")


@pytest.mark.parametrize("before", [[], ["INFO:shop:all is well"], ["started", "listening"]])
def test_crash_that_nobody_logged_is_an_error_of_its_own(before: list[str]) -> None:
    *_, crash = joined(*before, *a_traceback())

    assert crash.level == logging.ERROR
    assert crash.message == "ValueError: outer"
    assert crash.traceback == "\n".join(a_traceback())


def test_lines_without_a_format_are_records_of_their_own() -> None:
    assert [entry.message for entry in joined("one", "two", "  more of two", "three")] == [
        "one",
        "two\n  more of two",
        "three",
    ]


def test_lines_after_a_record_in_a_known_format_are_more_of_it() -> None:
    first, second = joined("ERROR:db:query failed", "SELECT 1", "", "FROM x", "WARNING:db:slow")

    assert first.message == "query failed\nSELECT 1\n\nFROM x"
    assert second.message == "slow"


def test_endless_record_is_bounded_and_says_so() -> None:
    (entry,) = joined("ERROR:db:dump", *(f"  row {number}" for number in range(100_000)))

    assert len(entry.message.splitlines()) == 402
    assert "... 99600 lines ..." in entry.message
    assert entry.message.endswith("row 99999")


@given(st.lists(st.sampled_from(["ERROR:a:x", "INFO:b:y", "plain", "  more", "", *a_traceback()])))
def test_no_line_is_lost_or_doubled(lines: list[str]) -> None:
    marked = [f"{line} #{number}" if line.strip() else line for number, line in enumerate(lines)]

    text = "".join(map(whole_text, joined(*marked)))

    for number, line in enumerate(lines):
        if line.strip() and not line.startswith("Traceback") and "Error" not in line:
            assert text.count(f"#{number}\n") == 1, marked


def whole_text(entry: Entry) -> str:
    """All of a record; the message of a crash is the last line of its traceback."""
    trace = entry.traceback or ""
    return f"{trace}\n" if trace.endswith(entry.message) else f"{entry.message}\n{trace}\n"
