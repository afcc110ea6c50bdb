"""The README's first screen, and the two commands that a newcomer copies."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path

from pushover_logging.cli import build_parser

PROJECT = Path(__file__).parent.parent
README = (PROJECT / "README.rst").read_text("utf-8")
FIRST_SCREEN = "\n".join(README.splitlines()[:40])


def the_command_ending_in(end: str) -> str:
    found = re.findall(rf"^ +(python3 -m venv .*{re.escape(end)})$", README, re.MULTILINE)
    assert len(found) == 1, f"{len(found)} commands end in {end!r}"
    return str(found[0])


def extras_in(command: str) -> set[str]:
    return {name for names in re.findall(r"\.\[([\w,]+)\]", command) for name in names.split(",")}


def test_first_screen_shows_the_entry_and_the_first_command() -> None:
    assert '"class": "pushover_logging.PushoverHandler"' in FIRST_SCREEN
    assert "pip install --quiet '.[devserver]'" in FIRST_SCREEN


def test_one_command_runs_the_demo_and_one_the_tests() -> None:
    demo = shlex.split(the_command_ending_in("pushover-logging demo"))
    tests = the_command_ending_in("-m pytest -n auto")

    build_parser().parse_args(demo[demo.index(".venv/bin/pushover-logging") + 1 :])
    assert extras_in(" ".join(demo)) == {"devserver"}
    assert extras_in(tests) == {"test"}


def test_extras_it_names_exist() -> None:
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.read(PROJECT / "setup.cfg", "utf-8")

    assert extras_in(README) <= set(metadata["options.extras_require"])


def test_pages_it_points_to_exist() -> None:
    paths = re.findall(r"``((?:docs|examples)/[^`]*|[A-Z]+(?:\.rst)?)``", README)
    files = [path for path in paths if "/" in path or path.endswith(".rst") or path == "LICENSE"]

    assert [path for path in files if not (PROJECT / path).exists()] == []
    assert files
