"""``pushover-logging forward`` as a program, and logs whose records carry marks to count."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from pathlib import Path

from pushover_logging.devserver import DevServer

DEADLINE = 60.0
FORWARD = (sys.executable, "-m", "pushover_logging", "forward")
EACH_ONE = (
    *("--option", "grouping.interval=0", "--option", "grouping.max_per_minute=100000"),
    *("--option", "retry_policy.wait_initial=0.1", "--option", "retry_policy.wait_max=0.2"),
    *("--option", "quota_reserve=0"),
)
"""Every record is a push of its own, so that marks can be counted."""


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUTF8": "1"}


def append(log: Path, *marks: object) -> None:
    with log.open("a") as file:
        file.writelines(f"ERROR:shop:mark {mark}.\n" for mark in marks)


def marks(server: DevServer) -> Counter[str]:
    text = "\n".join(message.params["message"] for message in server.messages)
    return Counter(re.findall(r"mark (\w+)\.", text))


def once(*numbers: object) -> Counter[str]:
    return Counter(map(str, numbers))
