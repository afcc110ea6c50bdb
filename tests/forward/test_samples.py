"""The formats by their own samples, and logs of many programs by a person's count of the alerts."""

from __future__ import annotations

import csv
import logging
from pathlib import Path

import pytest

from pushover_logging.forward.crashes import HEADLINES, Headline, headline
from pushover_logging.forward.entry import Entry
from pushover_logging.forward.formats import FORMATS, Format, Sample
from pushover_logging.forward.reading import NAMES, read_line, reader_of
from pushover_logging.forward.records import RecordReader

SAMPLES = Path(__file__).parent / "samples"
LEVELS = {"at WARNING and above": logging.WARNING, "at ERROR and above": logging.ERROR}
every_sample = pytest.mark.parametrize(
    ("known", "sample"),
    [(known, sample) for known in FORMATS for sample in known.samples],
    ids=lambda value: value.name if isinstance(value, Format) else value.line[:30],
)


def counts() -> list[tuple[Path, int, int]]:
    found = []
    for table in (SAMPLES / "expected.tsv", SAMPLES / "cases" / "expected.tsv"):
        with table.open(newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                path = table.with_name(row["file"])
                found += [(path, level, int(row[title])) for title, level in LEVELS.items()]
    return found


def alerts(path: Path, level: int) -> list[Entry]:
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16").encode()
    records = RecordReader(least=level)
    return [*records.read(data), *records.end()]


@every_sample
def test_format_reads_its_samples(known: Format, sample: Sample) -> None:
    entry = known.read(sample.line)

    assert entry is not None
    assert Sample(sample.line, entry.level, entry.logger, entry.time, entry.message) == sample  # type: ignore[arg-type]


@every_sample
def test_format_is_found_without_being_named(known: Format, sample: Sample) -> None:
    entry = read_line(sample.line)

    assert entry is not None
    assert Sample(sample.line, entry.level, entry.logger, entry.time, entry.message) == sample  # type: ignore[arg-type]


@every_sample
def test_format_is_read_by_its_name(known: Format, sample: Sample) -> None:
    entry = reader_of(known.name)(sample.line)

    assert entry is not None
    assert entry.level == sample.level


@pytest.mark.parametrize(
    ("path", "level", "count"), counts(), ids=lambda value: getattr(value, "name", None)
)
def test_as_many_alerts_as_a_person_counts(path: Path, level: int, count: int) -> None:
    found = alerts(path, level)

    assert len(found) == count, [(entry.level, entry.message[:60]) for entry in found]


@pytest.mark.parametrize(
    ("known", "line"),
    [(known, line) for known in HEADLINES for line in known.samples],
    ids=lambda value: value.name if isinstance(value, Headline) else value[:30],
)
def test_crash_is_known_by_its_first_line(known: Headline, line: str) -> None:
    assert headline(line) is known


def test_names_of_formats_are_unique_and_each_has_a_sample() -> None:
    names = [known.name for known in FORMATS]

    assert len(set(names)) == len(names)
    assert all(known.samples for known in FORMATS)
    assert set(names) < set(NAMES)


def test_unknown_name_of_a_format_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"'postgres'; did you mean postgresql\?"):
        reader_of("postgres")
