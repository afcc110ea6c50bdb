"""Each deliberate difference from chump is real, and the docs describe it."""

from __future__ import annotations

import re
from pathlib import Path

import chump  # type: ignore[import-untyped]
import pytest

import pushover_logging

from .differences import DIFFERENCES, Difference
from .sides import LocalService

PAGE = Path(__file__).parents[2] / "docs" / "coming-from-chump.rst"
# chump makes its datetimes in a way that Python 3.12 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning")

each_difference = pytest.mark.parametrize("row", DIFFERENCES, ids=lambda row: row.name)


@each_difference
def test_chump_does_what_the_row_says(
    row: Difference, service: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert row.program(service.side(chump, monkeypatch)) == row.chump


@each_difference
def test_ours_does_what_the_row_says(
    row: Difference, service: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert row.program(service.side(pushover_logging, monkeypatch)) == row.ours


def test_docs_tell_every_difference_and_no_other() -> None:
    table = PAGE.read_text("utf-8").partition(".. list-table::")[2]

    told = re.findall(r"^   \* - (.+?)\n     - (.+?)(?=\n   \* - |\n\n|\Z)", table, re.M | re.S)

    rows = {name: " ".join(sentence.split()) for name, sentence in told}
    assert rows == {row.name: row.sentence for row in DIFFERENCES}
