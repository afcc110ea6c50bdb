"""``pushover-logging demo``: records arrive, also after an outage, and the sums match."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from pushover_logging.cli import main
from pushover_logging.cli.demo_processes import find_example
from pushover_logging.devserver import DevServer

DEADLINE = 60.0


def demo(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pushover_logging", "demo", *words],
        env={**os.environ, "PYTHONUTF8": "1", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=DEADLINE,
        check=False,
    )


def priorities(table: str) -> list[str]:
    """The priority of each push in the table."""
    return re.findall(r"^ *\d+\.\d s  \S ([A-Z]+) ", table, re.MULTILINE)


@pytest.fixture(scope="module")
def kept() -> tuple[subprocess.CompletedProcess[str], requests.Response]:
    """One run of the demo, ended by Ctrl-C, and the inbox that stayed open until then."""
    command = [sys.executable, "-m", "pushover_logging", "demo", "--keep"]
    with subprocess.Popen(
        command,
        env={**os.environ, "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        assert process.stdout
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("The inbox stays open"):
                break
        else:
            pytest.fail(f"the inbox did not stay open: {said}")
        inbox = requests.get(re.findall(r"http://\S+", line)[0], timeout=10)
        os.killpg(process.pid, signal.SIGINT)
        rest, errors = process.communicate(timeout=DEADLINE)
    return subprocess.CompletedProcess(command, process.returncode, said + rest, errors), inbox


@pytest.fixture
def local(
    kept: tuple[subprocess.CompletedProcess[str], requests.Response],
) -> subprocess.CompletedProcess[str]:
    return kept[0]


@pytest.fixture
def inbox(kept: tuple[subprocess.CompletedProcess[str], requests.Response]) -> requests.Response:
    return kept[1]


def test_demo_adds_up(local: subprocess.CompletedProcess[str]) -> None:
    sums = re.search(
        r"(\S+) records logged = (\S+) delivered \+ 0 pending \+ 0 dropped\n"
        r"(\d+) pushes stand for (\S+) records\n",
        local.stdout,
    )

    assert local.returncode == 0, local.stderr
    assert local.stderr == ""
    assert sums
    assert sums[1] == sums[2] == sums[4]
    assert int(sums[3]) == len(priorities(local.stdout[: sums.end()]))


@pytest.mark.parametrize("priority", ["LOWEST", "LOW", "NORMAL", "EMERGENCY"])
def test_demo_shows_every_level_of_urgency(
    local: subprocess.CompletedProcess[str], priority: str
) -> None:
    assert re.search(rf"^ *\d+\.\d s  \S {priority} ", local.stdout, re.MULTILINE)


def test_demo_keeps_its_inbox_open_until_it_is_ended(
    local: subprocess.CompletedProcess[str], inbox: requests.Response
) -> None:
    assert "text/html" in inbox.headers["Content-Type"]
    assert local.returncode == 0


def test_demo_delivers_after_an_outage(local: subprocess.CompletedProcess[str]) -> None:
    events = ["the service fails", "requests failed", "CRITICAL shop"]

    assert sorted(events, key=local.stdout.index) == events


def test_demo_fits_80_columns_without_colours_where_nobody_watches(
    local: subprocess.CompletedProcess[str],
) -> None:
    table = local.stdout.partition("\n\n")[2].partition("\n\n")[0].splitlines()

    assert max(map(len, table)) <= 80
    assert "\033" not in local.stdout


def test_demo_rings_once_for_the_same_trouble(local: subprocess.CompletedProcess[str]) -> None:
    assert len(re.findall(r"EMERGENCY  ERROR shop.payment", local.stdout)) == 1
    assert re.search("ERROR shop.payment \N{MULTIPLICATION SIGN}[2-9]", local.stdout)


def test_demo_rings_once_for_a_hundred_thousand_errors_and_then_counts_them(
    local: subprocess.CompletedProcess[str],
) -> None:
    storm = local.stdout.partition("runs into a loop of 100,000 errors\n")[2]
    storm = storm.partition("records logged")[0]

    assert priorities(storm) == ["EMERGENCY", "NORMAL"]
    assert "ERROR shop.stock \N{MULTIPLICATION SIGN}99999 " in storm
    assert "somebody acknowledged ERROR shop.stock" in storm


@pytest.mark.slow
def test_demo_for_a_real_phone_shows_all_records_and_counts_the_pushes() -> None:
    with DevServer(port=0) as server:
        account = {
            "PUSHOVER_API_URL": server.url,
            "PUSHOVER_TOKEN": server.token,
            "PUSHOVER_USER": server.user,
        }

        run = demo("--real", **account)

    records = f"{len(priorities(run.stdout)) + 100_000:,} records"
    assert run.returncode == 0, run.stderr
    assert f"{records} logged" in run.stdout
    assert f"{len(server.messages)} pushes stand for {records}" in run.stdout


def test_demo_for_a_real_phone_wants_its_keys(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("PUSHOVER_TOKEN", "PUSHOVER_TOKEN_FILE", "PUSHOVER_USER", "PUSHOVER_USER_FILE"):
        monkeypatch.delenv(name, raising=False)

    code = main(["demo", "--real"])

    assert code == 2
    assert "PUSHOVER_TOKEN" in capsys.readouterr().err


@pytest.mark.slow
def test_demo_says_why_when_the_service_refuses() -> None:
    with DevServer(port=0) as server:
        account = {
            "PUSHOVER_API_URL": server.url,
            "PUSHOVER_TOKEN": "w" * 30,
            "PUSHOVER_USER": server.user,
        }

        run = demo("--real", **account)

    assert run.returncode == 1
    assert "does not add up" in run.stderr
    assert "application token is invalid" in run.stderr
    assert "w" * 30 not in run.stdout + run.stderr


def test_demo_rings_once_for_four_processes_and_loses_nothing_of_a_killed_one(
    local: subprocess.CompletedProcess[str],
) -> None:
    shared = local.stdout.partition("four workers of the shop share a store")[2]

    assert len(re.findall(r"EMERGENCY  ERROR shop.worker ", shared)) == 1
    assert re.search(r"killed(?s:.)*EMERGENCY  CRITICAL shop.worker +out of memory", shared)
    assert "1,001 records logged by 4 processes; pushes stand for 1,001 records\n" in shared


@pytest.mark.parametrize("name", ["shop.py", "stocktaking.py", "shop_worker.py"])
def test_example_knows_of_the_package_by_its_configuration_only(name: str) -> None:
    example = find_example(name)

    config = json.loads(example.with_name("logging.json").read_text("utf-8"))

    code = example.read_text("utf-8").replace("has never heard of Pushover", "")
    assert "pushover" not in code.lower()
    assert config["handlers"]["phone"] == {"class": "pushover_logging.PushoverHandler"}


@pytest.mark.slow
def test_example_runs_by_itself(tmp_path: Path) -> None:
    with DevServer(port=0) as server:
        account = {
            "PUSHOVER_API_URL": server.url,
            "PUSHOVER_TOKEN": server.token,
            "PUSHOVER_USER": server.user,
        }

        run = subprocess.run(
            [sys.executable, str(find_example())],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **account},
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )

    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert {message.params["priority"] for message in server.messages} == {"-2", "-1", "0", "2"}


def test_demo_without_the_extra_says_what_to_install(tmp_path: Path) -> None:
    for name in ("starlette", "uvicorn", "python_multipart"):
        (tmp_path / f"{name}.py").write_text("raise ModuleNotFoundError(name=__name__)\n", "utf-8")

    run = demo(PYTHONPATH=os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])]))

    assert run.returncode == 2
    assert "pip install 'pushover-logging[devserver]'" in run.stderr
    assert run.stderr.count("\n") == 1
