"""The systemd unit and the compose file of ``examples/relay``: their command lines run."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import uuid
from pathlib import Path
from typing import Any

import pytest

from pushover_logging.devserver import DevServer

from .test_store_commands import APPLICATION, arguments_of, log, sender_of, started

EXAMPLES = Path(__file__).parents[2] / "examples" / "relay"
UNIT = EXAMPLES / "pushover-relay.service"
DEADLINE = 60.0


def unit_command() -> list[str]:
    # systemd lets an option come again, and its names are case-sensitive.
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return shlex.split(parser["Service"]["ExecStart"])


def compose_file() -> Any:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    return yaml.safe_load((EXAMPLES / "compose.yaml").read_text("utf-8"))


def sends(words: list[str], server: DevServer) -> None:
    """Run the command, log in another process, and see the alert arrive."""
    assert words[0].rpartition("/")[2] == "pushover-logging"
    store = words[words.index("--store") + 1]
    command = arguments_of(*words[1:])
    with started(*command, ready="no callbacks", stream="stderr") as relay:
        application = [sys.executable, "-c", textwrap.dedent(APPLICATION), store, "5"]
        with started(*application, ready="ready", stream="stdout") as process:
            log(process, "the disk is full")

        assert server.wait_for(1, DEADLINE)[0].params["message"] == "the disk is full"
        relay.terminate()
        relay.communicate(timeout=DEADLINE)
    assert relay.returncode == 0
    assert sender_of(store) is None


def test_command_of_the_unit_sends(server: DevServer, tmp_path: Path, memory_folder: Path) -> None:
    for name, secret in (("token", server.token), ("user", server.user)):
        (tmp_path / f"pushover-{name}").write_text(secret)
    words = [word.replace("${CREDENTIALS_DIRECTORY}", str(tmp_path)) for word in unit_command()]
    place = words.index("--store") + 1
    assert words[place] == "sqlite:////var/lib/shop/alerts.sqlite"
    words[place] = f"sqlite://{tmp_path}/alerts.sqlite?spool={memory_folder}"

    sends(words, server)


def test_command_of_the_compose_file_sends(
    server: DevServer,
    redis_url: str,
    tmp_path: Path,
    memory_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    relay = compose_file()["services"]["relay"]
    for name, secret in (("token", server.token), ("user", server.user)):
        (tmp_path / f"pushover_{name}").write_text(secret)
        variable = f"PUSHOVER_{name.upper()}_FILE"
        path = relay["environment"][variable].replace("/run/secrets", str(tmp_path))
        monkeypatch.setenv(variable, path)
        monkeypatch.delenv(f"PUSHOVER_{name.upper()}")
    words = list(relay["command"])
    place = words.index("--store") + 1
    assert words[place] == "redis://redis:6379/0"
    words[place] = f"{redis_url}?spool={memory_folder}&namespace={uuid.uuid4().hex}"

    sends(words, server)


def test_compose_file_hangs_together() -> None:
    found = compose_file()

    relay = found["services"]["relay"]
    assert set(relay["depends_on"]) <= set(found["services"])
    assert set(relay["secrets"]) <= set(found["secrets"])
    assert set(relay["secrets"]) == {
        path.removeprefix("/run/secrets/") for path in relay["environment"].values()
    }
    assert "yes" in found["services"]["redis"]["command"]  # a fleet's alerts survive a restart


def test_compose_reads_the_file(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    has_compose = (
        docker
        and not subprocess.run(
            [docker, "compose", "version"], capture_output=True, check=False
        ).returncode
    )
    if not docker or not has_compose:
        pytest.skip("docker compose is not installed")

    run = subprocess.run(
        [docker, "compose", "-f", str(EXAMPLES / "compose.yaml"), "config", "--quiet"],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )

    assert (run.returncode, run.stderr) == (0, "")


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    program = tmp_path / "pushover-logging"
    program.symlink_to(shutil.which("true") or "/bin/true")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text("utf-8").replace(unit_command()[0], str(program)), "utf-8")

    run = subprocess.run(
        [analyze, "verify", "--man=no", str(unit)],
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )

    complaints = re.findall(rf".*{re.escape(UNIT.name)}.*", run.stderr)
    assert (run.returncode, complaints) == (0, [])
