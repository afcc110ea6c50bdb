"""Lines that are passed over in bulk: never an alert, and nothing is read differently."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.forward.entry import Entry
from pushover_logging.forward.envelopes import Unwrapped, Unwrapper
from pushover_logging.forward.reading import completed, read_line, read_text
from pushover_logging.forward.records import RecordReader
from pushover_logging.forward.skipping import Skipper, may_be_alert

SAMPLES = Path(__file__).parent / "samples"
FILES = sorted(SAMPLES.rglob("*.log"))
LINES = [
    line
    for path in FILES
    for line in path.read_text("utf-8", "replace").splitlines()
    if line.strip() and "\0" not in line
]
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "error", "Error", "CRITICAL", "warn", "fatal", "E")


def read_line_by_line(text: str) -> Entry | None:
    """The same reader under another name, for which nothing is passed over."""
    return read_text(text)


def records_of(data: bytes, *, in_bulk: bool, chunk: int = 1 << 20) -> list[tuple[object, ...]]:
    records = RecordReader(read_text if in_bulk else read_line_by_line, clock=lambda: 0.0)
    found: list[Entry] = []
    lines = [line + b"\n" for line in data.removesuffix(b"\n").split(b"\n")]
    part: list[bytes] = []
    for line in lines:
        part.append(line)
        if sum(map(len, part)) > chunk:
            found += records.read(b"".join(part))
            part = []
    found += records.read(b"".join(part))
    found += records.end()
    return [entry[:6] for entry in found]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_alert_is_worth_reading(path: Path) -> None:
    lines = [line for line in path.read_bytes().splitlines() if line.strip()]
    if lines and b"\0" in lines[0]:
        return  # UTF-16, which is read as UTF-8 from the file on

    for line in lines:
        records = RecordReader(read_line_by_line)
        alone = [*records.read(line + b"\n"), *records.finish()]

        assert not alone or may_be_alert(line), line


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_bulk_reads_a_log_as_line_by_line_does(path: Path) -> None:
    data = path.read_bytes()
    if b"\0" in data:
        return
    data = data if data.endswith(b"\n") else data + b"\n"
    quiet = b"2026-03-07 04:05:06,789 INFO shop.db: all is well\n" * 120

    content = quiet + (data + quiet) * 3

    line_by_line = records_of(content, in_bulk=False)
    for chunk in (200, 1 << 20):
        assert records_of(content, in_bulk=True, chunk=chunk) == line_by_line, chunk


@pytest.mark.parametrize("seed", range(12))
def test_bulk_reads_a_mixture_as_line_by_line_does(seed: int) -> None:
    chosen = random.Random(seed)
    first = chosen.sample(LINES, 60)
    lines = [altered(chosen, chosen.choice(first)) for _ in range(3000)]
    content = "\n".join(lines).encode() + b"\n"

    assert records_of(content, in_bulk=True, chunk=20_000) == records_of(content, in_bulk=False)


def altered(chosen: random.Random, line: str) -> str:
    """A line like another: with other digits, another level, or the end of yet another line."""
    kind = chosen.randrange(6)
    if kind == 0:
        return re.sub(r"\d", lambda _: str(chosen.randrange(10)), line)
    if kind == 1:
        return re.sub(
            r"INFO|ERROR|WARN(?:ING)?|error|warn|info", chosen.choice(LEVELS), line, count=1
        )
    if kind == 2:
        at = chosen.randrange(len(line))
        return line[:at] + chosen.choice(LINES)[at:]
    if kind == 3:
        return re.sub(r"shop|[a-z]+\.[a-z]+", chosen.choice(LEVELS), line, count=1)
    if kind == 4:
        return f"{line} {chosen.choice(LINES)}"
    return line


def skipper_for(quiet: str) -> Skipper:
    """One that knows how this line begins, if it is quiet."""
    known = Unwrapper().unwrap(quiet)
    entry = known and completed(read_text(known.text), known)
    skipper = Skipper()
    if entry and known:
        skipper.learn(quiet, known, entry)
    return skipper


def alerts_passed_over(skipper: Skipper, line: str) -> list[Entry]:
    """What the reader finds in a line that the skipper passes over."""
    line = line.replace("\n", " ").replace("\r", " ")
    data = f"\n{line}\n".encode()
    if skipper.next(data, 1) == 1:
        return []
    records = RecordReader(read_line_by_line)
    return [*records.read(data[1:]), *records.finish()]


@given(st.integers(0, len(LINES) - 1), st.randoms(use_true_random=False))
def test_what_begins_like_a_quiet_line_is_no_alert(index: int, chosen: random.Random) -> None:
    skipper = skipper_for(LINES[index])

    for _ in range(20):
        line = altered(chosen, LINES[index])
        assert alerts_passed_over(skipper, line) == [], line


@pytest.mark.parametrize(
    ("quiet", "quoted"),
    [
        (
            "2026-03-07T04:05:06.789+0000 I NETWORK  [conn7] end connection",
            'UTC [12402] FATAL:  password authentication failed for user "shop"',
        ),
        (
            "2026-11-25 22:55:18.153 | SUCCESS  | __main__:<module>:19 - yes",
            "FATAL:  the database system is starting up",
        ),
        (
            "2026-03-07T04:05:06+0000 [-] Main loop terminated.",
            "ERROR:    Exception in ASGI application",
        ),
    ],
)
def test_a_quiet_line_may_quote_an_error_of_postgresql(quiet: str, quoted: str) -> None:
    assert alerts_passed_over(skipper_for(quiet), f"{quiet} {quoted}") == []


def test_a_quiet_line_may_quote_any_other() -> None:
    for quiet in LINES:
        skipper = skipper_for(quiet)
        for quoted in LINES:
            for line in f"{quiet} {quoted}", quiet[: len(quiet) // 2] + quoted:
                assert alerts_passed_over(skipper, line) == [], line


def test_lines_that_begin_alike_are_passed_over_together() -> None:
    skipper = Skipper()
    line = "2026-03-07 04:05:06,789 INFO shop.db: all is well"
    skipper.learn(line, Unwrapped(line), read_line(line) or Entry(line))
    data = ("\n" + f"{line}\n" * 1000 + "2026-03-07 04:05:07,001 ERROR shop: no\n").encode()

    ahead = skipper.next(data, 1)

    assert data[ahead:] == b"2026-03-07 04:05:07,001 ERROR shop: no\n"
