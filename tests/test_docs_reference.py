"""The reference names every reason for which a record can be dropped."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from pushover_logging import Stats

PROJECT = Path(__file__).parent.parent
DELIVERY = PROJECT / "pushover_logging" / "delivery"
TABLE = (PROJECT / "docs" / "reference.rst").read_text("utf-8").partition("in ``dropped``:")[2]
REASONS = re.findall(r"^``(\w+)`` +\S", TABLE.partition("\nThe client\n")[0], re.MULTILINE)


def test_reference_lists_the_reasons_that_the_sender_counts() -> None:
    code = "".join(path.read_text("utf-8") for path in DELIVERY.glob("*.py"))

    counted = re.findall(r'dropped\["(\w+)"', code) + re.findall(r'_drop\(entry, "(\w+)"', code)

    assert counted
    assert [reason for reason in counted if reason not in REASONS] == []


def test_stats_describe_the_same_reasons() -> None:
    described = inspect.getsource(Stats).partition("by reason:")[2].partition('"""')[0]

    assert sorted(re.findall(r"``(\w+)``: ", described)) == sorted(REASONS)
