"""What single lines say: level, logger, time and text, wrapped or not."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pushover_logging.forward.entry import Entry
from pushover_logging.forward.envelopes import Unwrapper
from pushover_logging.forward.levels import from_fields, from_severity, from_word
from pushover_logging.forward.reading import read_line, reader_for
from pushover_logging.forward.times import time_of

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=timezone.utc).timestamp()
PYTHON_FORMATS = (
    "%(levelname)s:%(name)s:%(message)s",
    "%(asctime)s - %(name)s - %(levelname)s - %(message)s",
    "%(asctime)s %(levelname)s %(name)s: %(message)s",
    "%(asctime)s %(name)s %(levelname)s %(message)s",
    "%(asctime)s %(name)s %(levelname)s: %(message)s",
    "%(asctime)s [%(process)d] [%(levelname)s] [%(name)s] %(message)s",
    "%(asctime)s | %(levelname)-8s | %(name)s:%(funcName)s:%(lineno)d - %(message)s",
    "[%(levelname)s] %(name)s: %(message)s",
    "%(asctime)s %(threadName)s %(levelname)s [%(name)s:%(lineno)d] %(message)s",
    "%(levelname)-8s %(asctime)s %(name)s: %(message)s",
    "%(asctime)s|%(levelname)s|%(name)s|%(message)s",
    "%(asctime)s;%(levelname)s;%(name)s: %(message)s",
    "[%(asctime)s: %(levelname)s/%(processName)s] %(name)s: %(message)s",
    "%(asctime)s\t%(levelname)s\t%(name)s\t%(message)s",
)
DATES = (None, "%Y-%m-%dT%H:%M:%S%z", "%d/%b/%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M:%S")
levels = st.sampled_from(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
loggers = st.from_regex(r"[a-z_]{3,8}\.[a-z_]{3,8}(\.[a-z_]{3,8})?", fullmatch=True)
messages = st.from_regex(r"[a-z]{2,8} [ -~]{0,60}[a-z]", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=200)


def formatted(style: str, date: str | None, level: str, logger: str, message: str) -> str:
    record = logging.makeLogRecord({"name": logger, "levelname": level, "msg": message})
    record.created, record.msecs = 1_790_000_000.0, 0.0
    return logging.Formatter(style, date).format(record)


@pytest.mark.parametrize("date", DATES)
@pytest.mark.parametrize("style", PYTHON_FORMATS)
@settings(max_examples=15)
@given(level=levels, logger=loggers)
def test_pythons_formats_are_read_back(
    style: str, date: str | None, level: str, logger: str
) -> None:
    entry = read_line(formatted(style, date, level, logger, "the database is gone"))

    assert entry is not None
    assert entry.level == getattr(logging, level)
    assert entry.message.endswith("the database is gone")
    assert entry.logger == logger
    expected = 1_790_000_000.0 if "asctime" in style else None
    assert (time_of(entry.time, NOW) if entry.time else None) == expected


@given(level=levels, logger=loggers, message=texts.filter(str.strip))
def test_json_lines_are_read_back(level: str, logger: str, message: str) -> None:
    line = json.dumps({"level": level.lower(), "logger": logger, "message": message, "ts": 1.5})

    entry = read_line(line)

    assert entry is not None
    assert (entry.message, entry.level) == (message, getattr(logging, level))
    assert (entry.logger, entry.time) == (logger, 1.5)


@given(level=levels, message=texts.filter(str.strip).filter(lambda text: "\x1b" not in text))
def test_logfmt_is_read_back(level: str, message: str) -> None:
    quoted = message.replace("\\", "\\\\").replace('"', '\\"')

    entry = read_line(f'time=2026-11-23T04:00:00Z level={level} msg="{quoted}" n=1')

    assert entry is not None
    assert (entry.message, entry.level) == (message, getattr(logging, level))


@given(severity=st.integers(min_value=0, max_value=7))
def test_syslog_is_read_back(severity: int) -> None:
    level = from_severity(severity)

    old = read_line(f"<{8 + severity}>Nov 23 04:00:00 host sshd[7]: no key")
    new = read_line(f'<{8 + severity}>1 2026-11-23T04:00:00Z host sshd 7 - [a b="]"] no key')

    assert old is not None
    assert new is not None
    assert (old.message, old.level, old.logger) == ("no key", level, "sshd")
    assert (new.message, new.level, new.logger) == ("no key", level, "sshd")


@given(texts)
@example("{" * 100_000)
@example('{"level": {"a": 1}, "message": []}')
@example('{"MESSAGE": null, "__REALTIME_TIMESTAMP": "x", "_BOOT_ID": 1}')
@example('{"level": NaN, "time": Infinity, "message": {"message": {}}}')
@example('{"level": ' + "9" * 5000 + "}")
@example("2026-99-99 99:99:99 ERROR x")
@example("<999>1 - - - - - -")
@example("level=error")
@example("Feb 31 25:61:61 host a: b")
@example("[")
@example("- ")
def test_no_line_is_too_odd_to_be_read(line: str) -> None:
    entry = read_line(line)

    assert entry is None or isinstance(entry.message, str)
    assert entry is None or time_of(entry.time, NOW) is None or entry.time


@pytest.mark.parametrize(
    ("line", "level", "logger", "text"),
    [
        ("2026-11-23 03:40:46 Error no card", 40, None, "no card"),
        ("2026-11-23 03:40:46 <error> no card", 40, None, "no card"),
        ("2026-11-23 03:40:46 (shop.pay) error: no card", 40, "shop.pay", "no card"),
        ("2026-11-23T03:40:46Z   SEVERE no card", 40, None, "no card"),
        ("03:40:46.123 [main] EMERG  shop.pay - no card", 50, "shop.pay", "no card"),
        ("ERR: no card", 40, None, "no card"),
        ("[WRN] no card", 30, None, "no card"),
        ("fatal: not a git repository", 50, None, "not a git repository"),
        ("2026-11-23 03:40:46,1 WARN  [x.Y:12] no card", 30, "x.Y", "no card"),
        ("2026-11-23 03:40:46,1 INFO (QuartzWorker-90) [virt.vm] up", 20, "virt.vm", "up"),
        ("2026-11-23T03:40:46Z\tinfo\tflag/sync.go:87\tup", 20, None, "up"),
        ('{"severity":"ERROR","message":"m","error":{"message":"why"}}', 40, None, "m: why"),
        ('{"level":50,"time":1,"pid":1,"hostname":"h","msg":"pino"}', 40, None, "pino"),
        ('{"levelno":50,"msg":"python"}', 50, None, "python"),
        ('{"level":"info","log":{"logger":"a.b"},"message":"ecs"}', 20, "a.b", "ecs"),
        ('{"level":3,"short_message":"gelf","host":"h"}', 40, None, "gelf"),
        ('{"level":3,"reqId":"x","message":"nextcloud"}', 40, None, "nextcloud"),
        ('{"SeverityNumber":17,"Body":"otel"}', 40, None, "otel"),
        ('{"level":{"name":"WARNING","no":30},"message":"x"}', 30, None, "x"),
        ('level=warn msg="disk slow" err=timeout', 30, None, "disk slow: timeout"),
    ],
)
def test_levels_are_found_wherever_they_stand(
    line: str, level: int, logger: str | None, text: str
) -> None:
    entry = read_line(line)

    assert entry is not None
    assert (entry.level, entry.logger, entry.message) == (level, logger, text)


@pytest.mark.parametrize(
    "line",
    [
        *("plain text", "ERRORS happen", "the INFO desk", "", "x=1 y=2", "an ERROR occurred"),
        *("errors: 0", "error handling is on", "-" * 100, "=" * 100, "note the ERROR here"),
        "Traceback (most recent call last):",
    ],
)
def test_lines_without_a_level_begin_no_record(line: str) -> None:
    assert read_line(line) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-23T04:00:00Z", NOW),
        ("2026-11-23 05:00:00.250+01:00", NOW + 0.25),
        ("2026-11-22T23:00:00,5-0500", NOW + 0.5),
        ("2026-11-23 05:00:00 CET", NOW),
        ("2026-11-23T04:00:00.123456789Z", NOW + 0.123456),
        ("23/Nov/2026 04:00:00 +0000", NOW),
        ("23-Nov-2026 04:00:00 UTC", NOW),
        (1795406400123, 1795406400.123),
        ("1795406400000000", NOW),
        ("yesterday", None),
        ("2026-02-31 00:00:00", None),
        ("0001-01-01 00:00:00", None),
        (True, None),
        (float("nan"), None),
    ],
)
def test_times_are_understood(text: object, seconds: float | None) -> None:
    assert time_of(text, NOW) == seconds


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2026-03-07 04:05:06",
            "2026/03/07 04:05:06",
            "07.03.2026 04:05:06",
            "07/Mar/2026:04:05:06",
        ),
        *("Sat Mar  7 04:05:06 2026", "Mar  7 04:05:06", "Mar 7, 2026 4:05:06 AM", "0307 04:05:06"),
        *("20260307 04:05:06", "260307 04:05:06", "260307 040506", "26/03/07 04:05:06"),
        *("07 Mar 2026 04:05:06", "03-07 04:05:06", "3/7/2026 4:05:06 AM"),
    ],
)
def test_times_of_all_kinds_are_the_same_moment(text: str) -> None:
    moment = datetime(2026, 3, 7, 4, 5, 6).timestamp()

    assert time_of(text, moment + 60) == moment


@pytest.mark.parametrize(
    "text",
    [
        *("Sat Mar  7 04:05:06 2026", "Sat Mar  7 04:05:06.000 2026", "Mar 7, 2026 4:05:06 AM"),
        *("07 Mar 2026 04:05:06", "260307 04:05:06", "3/7/2026 4:05:06 AM", "07.03.2026 04:05:06"),
    ],
)
def test_year_that_a_time_names_is_read(text: str) -> None:
    moment = datetime(2026, 3, 7, 4, 5, 6).timestamp()
    years_later = datetime(2031, 1, 1).timestamp()

    assert time_of(text, years_later) == moment


def test_december_without_a_year_is_last_years_in_january() -> None:
    january = datetime(2027, 1, 1, 0, 0, 5).timestamp()

    assert time_of("Dec 31 23:59:59", january) == january - 6


@pytest.mark.parametrize(
    ("word", "level"),
    [("Warn", 30), (" ERR ", 40), ("E", 40), ("fatal", 50), ("emerg", 50), ("x", None), ("", None)],
)
def test_levels_are_understood_by_name(word: str, level: int | None) -> None:
    assert from_word(word) == level


@pytest.mark.parametrize(
    ("key", "value", "beside", "level"),
    [
        ("level", 30, {"pid": 1, "hostname": "web-1"}, 20),
        ("level", 30, {"lineno": 1, "msg": "x"}, 30),
        ("level", 300, {"channel": "app"}, 30),
        ("severity", 500, {}, 40),
        ("level_value", 40_000, {}, 40),
        ("PRIORITY", "4", {}, 30),
        ("level", 2, {}, None),
        ("level", True, {}, None),
    ],
)
def test_neighbours_tell_the_scale_of_a_number(
    key: str, value: object, beside: dict[str, object], level: int | None
) -> None:
    assert from_fields(key, value, {key: value, **beside}) == level


def test_what_a_service_prints_says_its_level_itself() -> None:
    fields = {
        "PRIORITY": "6",
        "SYSLOG_IDENTIFIER": "shop",
        "__REALTIME_TIMESTAMP": "1",
        "_PID": "1",
    }

    entry = read_line(json.dumps({**fields, "MESSAGE": "CRITICAL:shop.oven:too hot"}))

    assert entry is not None
    assert (entry.level, entry.logger, entry.message) == (50, "shop.oven", "too hot")


def test_wrappings_come_off_one_after_the_other() -> None:
    inner = "\x1b[31m<11>Nov 23 04:00:00 host shop[7]: level=warn msg=hot\x1b[0m\n"
    line = "web-1 | " + json.dumps({"log": inner, "stream": "stderr", "time": "x"})

    entry = read_line(line)

    assert entry is not None
    assert (entry.level, entry.message) == (30, "hot")


def test_wrapped_again_and_again_ends() -> None:
    line = "x"
    for _ in range(12):
        line = json.dumps({"log": line + "\n", "stream": "stderr"})

    assert Unwrapper().unwrap(line) is not None


def test_parts_of_a_line_are_put_together_for_each_stream() -> None:
    unwrapper = Unwrapper()

    def unwrap(stream: str, part: str, text: str) -> str | None:
        known = unwrapper.unwrap(f"2026-11-23T04:00:00.123456789Z {stream} {part} {text}")
        return known and known.text

    assert unwrap("stderr", "P", "ERROR: a") is None
    assert unwrap("stdout", "F", "other") == "other"
    assert unwrap("stderr", "P", "b") is None
    assert unwrap("stderr", "F", "c") == "ERROR: abc"
    assert not unwrapper.holds


def test_pattern_reads_what_its_groups_name() -> None:
    read = reader_for(r"(?P<time>\S+) <(?P<level>\w+)> (?P<logger>\w+): (?P<message>.*)")

    entry = read("2026-11-23T04:00:00Z <crit> oven: hot")

    assert entry == Entry("hot", 50, "oven", "2026-11-23T04:00:00Z", format="pattern")
    assert read("nothing of the kind") is None


def test_pattern_of_the_slow_kind_costs_no_more_for_a_longer_line() -> None:
    read = reader_for(r"(?P<level>[A-Z]+)(a|b)*c")

    assert read("ERROR" + "d" * 1_000_000) is None


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
