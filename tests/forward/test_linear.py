"""Every line costs time in proportion to its length, whatever it is made of."""

from __future__ import annotations

import random
import time

import pytest

from pushover_logging.forward.records import RecordReader

BEGINNINGS = (
    *("", "2026-01-05 10:00:00 ", "[2026-01-05 10:00:00] ", "Jan 05 10:00:00 host app[1]: "),
    *("2026-01-05T10:00:00.123456789Z stderr F ", "<11>1 2026-01-05T10:00:00Z h a - - [", "E, ["),
    *("web-1 | ", "E0105 10:00:00.000000 1 ", 'level=error msg="', "time=", "ERROR: ", "npm "),
    *('{"log":"', '{"MESSAGE":"', "2026-01-05 10:00:00.123 UTC,", "PHP Fatal error:  ", "[pid: "),
    *("Traceback (most recent call last):", "thread '", '  File "', "a.b.C", "10.0.0.7 - - ["),
)
PARTS = (
    *("-", "=", "a", "a=", "a b ", "[", "]", "{", "}", "(", ":", ": ", "::", "|", " ", "\t", '"'),
    *(
        "\\",
        '\\"',
        "'",
        ".",
        "a.",
        "0",
        "0:",
        "2026-01-05 10:00:00 ",
        "E",
        "ERROR ",
        "error: ",
        "<1>",
    ),
    *("\x1b", "\x1b[", "\x1b]", "#0 ", "/", "a/", '{"a":', '["', '"a":1,', 'a="', "a='", "at "),
    *(
        "Caused by: ",
        "Aa",
        "\u00e9",
        "\u2500",
        "\x00",
        "$",
        "a:",
        "0.",
        "- ",
        "Jan 05 ",
        "E/",
        "a::",
    ),
)
SHORT, LONG = 60_000, 240_000
"""Four times as long may take four times as long; sixteen times would be quadratic."""


def growth(beginning: str, part: str) -> float:
    """How many times as long the long line takes; the least of some measurements is the truest."""
    found = []
    for _ in range(6):
        line = beginning + part * (SHORT // len(part))
        short = min(seconds(line), seconds(line))
        long = seconds(beginning + part * (LONG // len(part)))
        found.append(long / max(short, 0.0002))
        if found[-1] < 8:
            break
    return min(found)


def seconds(line: str) -> float:
    data = line.encode() + b"\n"
    records = RecordReader()
    start = time.thread_time()
    for _ in records.read(data):
        pass
    for _ in records.finish():
        pass
    return time.thread_time() - start


@pytest.mark.slow
@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_line_four_times_as_long_costs_about_four_times_as_much(beginning: str) -> None:
    for part in PARTS:
        ratio = growth(beginning, part)

        assert ratio < 8, (beginning, part, ratio)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_so_does_one_of_random_parts(seed: int) -> None:
    chosen = random.Random(seed)
    unit = "".join(chosen.choice(PARTS) for _ in range(chosen.randrange(1, 12)))
    beginning = chosen.choice(BEGINNINGS)

    assert growth(beginning, unit) < 8, (beginning, unit)


def test_line_of_a_million_dashes_is_read_at_once() -> None:
    assert seconds("-" * 1_000_000) < 1.0
