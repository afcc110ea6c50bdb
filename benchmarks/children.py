"""Runs the parts of the benchmark in processes of their own, so that none disturbs another."""

from __future__ import annotations

import compileall
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["PROJECT", "environment", "measure", "seconds_to_end", "seconds_to_run"]

PROJECT = Path(__file__).parent.parent
_DEADLINE = 600.0


@cache
def _compile() -> None:
    """Import compiled modules, as an installed package's are: compiling is not what we measure."""
    compileall.compile_dir(PROJECT / "pushover_logging", quiet=1)


def environment(api_url: str = "http://127.0.0.1:9/1/") -> dict[str, str]:
    """What a child finds: our project, the way to a server, and bytecode that is kept."""
    _compile()
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {
        **inherited,
        "PYTHONPATH": str(PROJECT),
        "PUSHOVER_API_URL": api_url,
        "PUSHOVER_TOKEN": "a" * 30,
        "PUSHOVER_USER": "u" * 30,
        "NO_PROXY": "127.0.0.1",
    }


def measure(module: str, *args: object, api_url: str) -> Any:
    """What ``python -m benchmarks.<module> ...`` measured: the JSON of its last line."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, args)]
    run = subprocess.run(
        command,
        env=environment(api_url),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=_DEADLINE,
        check=False,
    )
    if run.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {run.returncode}:\n{run.stderr}")
    return json.loads(run.stdout.splitlines()[-1])


def seconds_to_run(program: str, env: Mapping[str, str]) -> float:
    """From the start of a process to its end."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", program], env=env)
    exit_code = process.wait()  # without a timeout, for that one polls and so ends late
    seconds = time.perf_counter() - started
    if exit_code:
        raise RuntimeError(f"this program ended with {exit_code}:\n{program}")
    return seconds


def seconds_to_end(program: str, env: Mapping[str, str]) -> float:
    """From the last statement of a program to the end of its process."""
    marked = f"{program}\nimport os, time; os.write(1, str(time.monotonic()).encode())\n"
    process = subprocess.Popen(
        [sys.executable, "-c", marked], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    with process.stdout:
        main_ended = float(process.stdout.read())
    process.wait()  # without a timeout, for that one polls and so ends late
    return time.monotonic() - main_ended
