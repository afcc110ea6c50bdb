"""``pushover-logging completion``: each shell offers what the parser will take."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
DEADLINE = 60.0
LINES = {
    "pushover-logging re": {"receipt", "relay", "resolve"},
    "pushover-logging st": {"status", "store"},
    "pushover-logging store clear --y": {"--yes"},
    "pushover-logging silence disk 2h --st": {"--store"},
    "pushover-logging groups re": {"remove", "rename"},
    "pushover-logging send --ti": {"--title", "--timestamp"},
    "pushover-logging --api-url x groups add --me": {"--memo"},
    "pushover-logging send --attach": {"--attachment", "--attachment-type"},
    "pushover-logging completion ": {"bash", "zsh", "fish"},
}
every_line = pytest.mark.parametrize(("line", "offered"), LINES.items())


def script(shell: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "pushover_logging", "completion", shell],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=True,
    ).stdout


def run(shell: str, program: str) -> set[str]:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed")
    bare = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    ended = subprocess.run(
        [path, *bare, "-c", program], capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert ended.stderr == ""
    return {line.split("\t")[0] for line in ended.stdout.splitlines()}


@every_line
def test_bash_offers_what_fits(line: str, offered: set[str]) -> None:
    words = " ".join(f"'{word}'" for word in line.split(" "))
    program = (
        f"{script('bash')}\n"
        f"COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n"
        "_pushover_logging\n"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )

    assert offered <= run("bash", program) <= offered | {"--help"}


@every_line
def test_zsh_offers_what_fits(line: str, offered: set[str]) -> None:
    words = " ".join(f"'{word}'" for word in line.split(" "))
    program = (
        "compdef() { :; }; _files() { :; }\n"
        '_describe() { local each; for each in "${(@P)2}"; do print -r -- "${each%%:*}"; done }\n'
        f"{script('zsh')}\n"
        f"words=({words}); CURRENT=${{#words}}\n"
        "_pushover_logging"
    )
    last = line.rpartition(" ")[2]

    found = {word for word in run("zsh", program) if word.startswith(last)}

    assert offered <= found <= offered | {"--help", "--json"}


@every_line
def test_fish_offers_what_fits(line: str, offered: set[str], tmp_path: Path) -> None:
    program = f"{script('fish')}\ncomplete -C '{line}'"

    found = run("fish", program)

    assert offered <= found
    assert {word for word in found if word.startswith("-")} <= offered | {"--help", "--json"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_is_good_grammar(shell: str, tmp_path: Path) -> None:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(script(shell), "utf-8")

    ended = subprocess.run(
        [path, "-n", str(tmp_path / "script")], capture_output=True, timeout=DEADLINE, check=False
    )

    assert (ended.returncode, ended.stderr) == (0, b"")
