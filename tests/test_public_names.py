"""The public names: those exported are there and documented, and no others are."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import pushover_logging

DOCS = Path(__file__).parent.parent / "docs"
DIRECTIVE = re.compile(
    r"^\.\. (?:auto)?(?:class|exception|function|data):: pushover_logging\.(\w+)$", re.MULTILINE
)
NAMES = sorted({*pushover_logging.__all__} - {"__version__"})


def test_exported_names_are_the_documented_ones() -> None:
    documented = [
        name for page in DOCS.glob("*.rst") for name in DIRECTIVE.findall(page.read_text("utf-8"))
    ]

    assert sorted(documented) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_public_name_is_there_and_says_what_it_is(name: str) -> None:
    value = getattr(pushover_logging, name)

    assert name in dir(pushover_logging)
    assert name.isupper() or name == "pushover_defaults" or value.__doc__


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'PushoverHandel'"):
        pushover_logging.PushoverHandel  # type: ignore[attr-defined] # noqa: B018


def test_star_import_brings_the_public_names_only() -> None:
    script = (
        "before = {*dir()}; from pushover_logging import *; print(*{*dir()} - before - {'before'})"
    )

    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True
    )

    assert {*run.stdout.split()} - {"__version__"} == {*NAMES}
