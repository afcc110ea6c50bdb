"""``pushover-logging serve``: prints what an application needs to find it, and ends by Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pushover_logging.cli import main

DEADLINE = 15.0


@contextmanager
def serving(*words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "pushover_logging", "serve", "--port", "0", *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def exports(process: subprocess.Popen[str]) -> dict[str, str]:
    """The variables it prints, as a shell would set them."""
    found: dict[str, str] = {}
    for line in process.stdout or ():
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").strip().partition("=")
            found[name] = value
        if line.startswith("What arrived"):
            break
    return found


def test_what_it_prints_leads_an_application_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as process:
        for name, value in exports(process).items():
            monkeypatch.setenv(name, value)

        assert main(["send", "hello"]) == 0


def test_keys_that_were_given_are_the_valid_ones_and_stay_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token, user = "t" * 30, "u" * 30
    monkeypatch.setenv("SERVER_TOKEN", token)

    with serving("--token", "env:SERVER_TOKEN", "--user", user) as process:
        printed = exports(process)
        url = printed["PUSHOVER_API_URL"]
        code = main(["send", "hello", "--token", token, "--user", user, "--api-url", url])

    assert code == 0
    assert printed["PUSHOVER_TOKEN"] == printed["PUSHOVER_USER"] == "..."


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT, which only POSIX systems deliver")
def test_interrupt_is_its_regular_end() -> None:
    with serving() as process:
        exports(process)

        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=DEADLINE)

    assert process.returncode == 0
    assert complaints == ""


def test_port_that_is_taken_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as process:
        port = exports(process)["PUSHOVER_API_URL"].split(":")[2].split("/")[0]

        code = main(["serve", "--port", port])

    complaint = capsys.readouterr().err
    assert code == 2
    assert port in complaint
    assert complaint.count("\n") == 1
