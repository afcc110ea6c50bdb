"""The benchmarks run from end to end; what they measure is read by eye, on a quiet machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
ROWS = (
    "new template",
    "new text",
    "f-string",
    "repeat with exc_info",
    "8 threads at once",
    "records of 1,000 templates",
    "in a burst, lost",
    "from the logging call to the server",
    "beside urllib3's PoolManager",
    "whole process",
    "nothing sent",
    "sent and idle",
    "waiting, server at 50 ms",
    "server mute",
    "beside 4 busy threads",
    "from the logging call to the server, sqlite",
    "8 processes",
)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_every_row_of_the_table_is_measured() -> None:
    command = [sys.executable, "-m", "benchmarks", "--quick"]

    run = subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, timeout=540, check=False
    )

    assert run.returncode == 0, run.stderr
    assert [row for row in ROWS if row not in run.stdout] == []
