"""Programs that use the package are typed as promised, wrong ones are refused: mypy says so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted(PROJECT.glob("tests/typing/*.py")), ids=lambda f: f.name)
def test_mypy_finds_in_programs_what_they_say_it_finds(file: Path) -> None:
    pytest.importorskip("mypy")

    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", str(file)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert run.returncode == 0, run.stdout
