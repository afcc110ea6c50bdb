"""Lines of a crontab, run as cron runs them: by sh, with nothing else in the environment."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from running import Example


def commands_and_settings(crontab: Path) -> tuple[list[str], dict[str, str]]:
    """The commands of a crontab without their times, and its environment."""
    commands, settings = [], {}
    for line in crontab.read_text().splitlines():
        if line and line[0].isalpha():
            name, _, value = line.partition("=")
            settings[name] = value
        elif line:
            commands.append(line.split(None, 5)[5])
    return commands, settings


@pytest.mark.parametrize(("job", "exit_code"), [("backup", 3), ("report", 0)])
def test_a_job_pushes_how_it_ended(
    example: Callable[[str], Example], job: str, exit_code: int
) -> None:
    shop = example("cron")
    commands, settings = commands_and_settings(shop.folder / "crontab")
    (command,) = [each for each in commands if job in each]
    for name, secret in (("TOKEN", shop.server.token), ("USER", shop.server.user)):
        path = shop.folder / Path(settings[f"PUSHOVER_{name}_FILE"]).name
        path.write_text(f"{secret}\n")
        settings[f"PUSHOVER_{name}_FILE"] = str(path)
    del settings["PATH"]

    shop.run(
        ["sh", "-c", command],
        env={**settings, "PUSHOVER_TOKEN": None, "PUSHOVER_USER": None},
        exit_code=exit_code,
    )

    [push] = shop.pushes
    if job == "backup":
        assert push.title == f"sh failed on {socket.gethostname()}"
        assert push.priority == 1
        assert push.text.startswith("exit code 3 after ")
        assert "12 files saved" in push.text
        assert "tea.db: no space left" in push.text
    else:
        assert push.title == "weekly report"
        assert push.priority == -1
        assert push.text.endswith("7 orders")
