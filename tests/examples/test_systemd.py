"""A systemd unit: its command and environment, and its stop and restart."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from running import Example

SECONDS_TO_STOP = 5
"""The default of ``exit_timeout``."""


def service_section(folder: Path) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The single settings of ``[Service]``, and all its ``NAME=VALUE`` lines in order."""
    lines = (folder / "shop.service").read_text().split("[Service]")[1].split("[Install]")[0]
    pairs = [(n, v) for n, _, v in (line.partition("=") for line in lines.split("\n") if line)]
    return dict(pairs), pairs


def test_a_stopped_and_restarted_service_rings_once(example: Callable[[str], Example]) -> None:
    shop = example("systemd")
    settings, pairs = service_section(shop.folder)
    credentials, state = shop.folder / "credentials", shop.folder / settings["StateDirectory"]
    credentials.mkdir()
    state.mkdir()
    environment = {"STATE_DIRECTORY": str(state)}
    for name, value in pairs:
        if name == "Environment":
            variable, _, path = value.partition("=")
            environment[variable] = path.replace("%d", str(credentials))
    secrets = {"pushover-token": shop.server.token, "pushover-user": shop.server.user}
    for name, value in pairs:
        if name == "LoadCredential":
            (credentials / value.partition(":")[0]).write_text(secrets[value.partition(":")[0]])
    for name in ("PUSHOVER_TOKEN", "PUSHOVER_USER"):
        environment[name] = ""
    program = shop.folder / "service.py"
    program.write_text(
        program.read_text().replace("threading.Event()", 'print("ready")\nthreading.Event()')
    )
    command = settings["ExecStart"].replace("/opt/shop/venv/bin/python", sys.executable)
    command = command.replace("/opt/shop", str(shop.folder))

    with shop.start(command, **environment) as service:
        service.until(lambda: shop.pushes)
        exit_code = service.stop()
        after_stop = shop.records()
    with shop.start(command, **environment) as service:
        service.until(lambda: "ready" in service.output)
        service.stop()

    assert exit_code == -signal.SIGTERM
    assert shop.pushes[0] == ("ERROR shop", "order 0 is not paid", 2)
    assert after_stop == 3
    assert shop.records() == 6
    assert shop.rings == 1
    assert int(settings["TimeoutStopSec"]) > SECONDS_TO_STOP


def test_systemd_accepts_the_unit(example: Callable[[str], Example]) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    shop = example("systemd")
    path = shop.folder / "shop.service"
    path.write_text(path.read_text().replace("/opt/shop/venv/bin/python", sys.executable))

    done = subprocess.run(
        ["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False
    )

    complaints = [line for line in done.stderr.splitlines() if "shop.service" in line]
    assert complaints == []
