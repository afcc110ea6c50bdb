"""Every code block of the README and the docs runs, or at least is what it claims to be."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pushover_logging.cli import build_parser
from pushover_logging.devserver import DevServer

PROJECT = Path(__file__).parent.parent
PAGES = [PROJECT / "README.rst", *sorted((PROJECT / "docs").rglob("*.rst"))]
DEADLINE = 60.0
READ_BY_EYE = {"text", "rst", "yaml", "ini"}
OTHER_PROGRAMS = {
    *("export", "unset", "tail", "python", "python3", "pip", "curl", "journalctl"),
    *("gunicorn", "uvicorn", "uwsgi", "flask", "celery", "rq", "dramatiq", "scrapy"),
    *("docker", "kubectl", "systemctl", "redis-server", "sage"),
}
"""Programs whose commands are not run here: ``.ci/run`` runs those of the README, and the tests of
the examples those of the how-to pages."""


class Block(NamedTuple):
    page: Path
    line: int
    language: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """The ``code-block`` directives of a page."""
    lines = page.read_text("utf-8").splitlines()
    for number, line in enumerate(lines):
        if found := re.fullmatch(r"( *)\.\. code-block:: *(\S+)", line):
            yield Block(page, *body_below(lines, number, len(found[1]), found[2]))


def body_below(lines: list[str], number: int, indent: int, language: str) -> tuple[int, str, str]:
    """Where the body of a directive begins, its language, and its text without indentation."""
    start = number + 1
    while lines[start].strip().startswith(":") or not lines[start].strip():
        start += 1
    end = start
    while end < len(lines) and (not lines[end].strip() or lines[end][: indent + 1].isspace()):
        end += 1
    return start, language, textwrap.dedent("\n".join(lines[start:end])).rstrip()


BLOCKS = [block for page in PAGES for block in blocks(page)]


def page_name(page: Path) -> str:
    return page.relative_to(PROJECT).as_posix().removeprefix("docs/")


def of(*languages: str) -> pytest.MarkDecorator:
    found = [block for block in BLOCKS if block.language in languages]
    return pytest.mark.parametrize(
        "block", found, ids=lambda block: f"{page_name(block.page)}:{block.line}"
    )


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of an application that sends to a local server."""
    with DevServer(port=0) as server:
        account = {
            "PUSHOVER_API_URL": server.url,
            "PUSHOVER_TOKEN": server.token,
            "PUSHOVER_USER": server.user,
        }
        yield {
            **os.environ,
            **account,
            "PYTHONPATH": str(PROJECT),
            "HOME": str(tmp_path),
            "XDG_STATE_HOME": str(tmp_path),
            "XDG_RUNTIME_DIR": str(tmp_path),
        }


def script_of(page: Path) -> str:
    """The page's Python blocks as one program, each on the lines where the page has it."""
    lines: list[str] = []
    for block in blocks(page):
        if block.language == "python":
            lines += [""] * (block.line - len(lines))
            lines += block.text.splitlines()
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("page", [page for page in PAGES if script_of(page).strip()], ids=page_name)
def test_python_of_the_page_runs_from_top_to_bottom(
    page: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    script = tmp_path / f"{page.stem}.py"
    script.write_text(script_of(page), "utf-8")

    run = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert "Logging error" not in run.stderr


@of("json")
def test_json_configures_logging(block: Block, environment: dict[str, str], tmp_path: Path) -> None:
    config = json.loads(block.text)
    if "version" not in config:
        return
    script = "import json, sys, logging.config; logging.config.dictConfig(json.load(sys.stdin))"

    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        input=block.text,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )

    assert run.returncode == 0, run.stderr


@of("console")
def test_commands_are_spelt_as_the_command_line_reads_them(block: Block) -> None:
    commands = [line[2:] for line in block.text.splitlines() if line.startswith("$ ")]

    calls = [words for command in commands for words in ours_among(command)]

    assert commands, "a console block shows its commands after a $"
    for words in calls:
        build_parser().parse_args(words)


def ours_among(command: str) -> Iterator[list[str]]:
    """The arguments of each call of ours in a shell command."""
    for part in re.split(r"\|\|?|&&|;", command):
        words = shlex.split(part, comments=True)
        while words and ("=" in words[0] or words[0] == "exec"):
            words.pop(0)
        name = words[0].rpartition("/")[2] if words else ""
        if name == "pushover-logging":
            yield words[1:]
        else:
            assert not words or name in OTHER_PROGRAMS, part


def test_every_block_is_in_a_language_that_some_test_runs() -> None:
    known = {"python", "json", "console", "sh", *READ_BY_EYE}

    assert [block for block in BLOCKS if block.language not in known] == []
