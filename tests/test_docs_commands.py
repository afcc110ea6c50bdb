"""The pages about the command line name every command, option and exit code of the parsers."""

from __future__ import annotations

import argparse
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from pushover_logging.cli import build_parser
from pushover_logging.cli.endings import Exit

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "command-line.rst").read_text("utf-8")


def the_generator() -> ModuleType:
    """docs/command_reference.py, which Sphinx calls."""
    place = DOCS / "command_reference.py"
    spec = importlib.util.spec_from_file_location("command_reference", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = the_generator()
REFERENCE = GENERATOR.command_reference()


def commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command, as it is typed after ``pushover-logging``, with its parser."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield below.prog.removeprefix("pushover-logging "), below
                yield from commands(below)


COMMANDS = dict(commands(build_parser()))


def part_about(command: str) -> str:
    """What the reference says under the heading of a command."""
    heading = re.search(rf"^{re.escape(command)}\n[-~]+\n", REFERENCE, re.MULTILINE)
    assert heading, f"{command} has no heading"
    return re.split(r"^[a-z ]+\n[-~]{3,}\n", REFERENCE[heading.end() :], flags=re.MULTILINE)[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_reference_names_every_option_of_a_command(command: str) -> None:
    part = part_about(command)

    options = [name for action in COMMANDS[command]._actions for name in action.option_strings]

    assert [name for name in options if f"``{name}" not in part] == []


@pytest.mark.parametrize("command", [name for name in COMMANDS if " " not in name])
def test_page_shows_every_command_in_use(command: str) -> None:
    heading = f"\n{command}\n{'-' * len(command)}\n"

    assert heading in PAGE, f"docs/command-line.rst has no section {command!r}"
    section = PAGE.partition(heading)[2]
    assert f"pushover-logging {command}" in section.partition("\n\n\n")[0]


def test_page_lists_every_exit_code() -> None:
    table = PAGE.partition("\nExit codes\n")[2]

    listed = [int(code) for code in re.findall(r"^(\d+) {2,}\S", table, re.MULTILINE)]

    assert listed == [int(code) for code in Exit]


def test_help_lists_every_exit_code() -> None:
    epilog = build_parser().epilog or ""

    listed = [int(code) for code in re.findall(r"^  (\d+) +\S", epilog, re.MULTILINE)]

    assert listed == [int(code) for code in Exit]


def test_place_of_the_reference_is_on_its_page() -> None:
    page = (DOCS / "command-reference.rst").read_text("utf-8")

    assert page.count(GENERATOR.PLACE) == 1
