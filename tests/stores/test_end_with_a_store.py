"""The end of a process that has sent something and still has to commit it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pushover_logging.devserver import DevServer

PROGRAM = """
import logging, sys, threading, pushover_logging
from pushover_logging.stores.sqlite import SqliteStore

sent, commit = threading.Event(), SqliteStore.commit

def commit_slowly(store, changes, taken):
    ended = [key for key, value in changes.items() if value is None and key.startswith("entry:")]
    if sys.argv[1] == "log" and ended:
        sent.set()
        threading.Event().wait(0.5)
    drained_too_early.append(handler._pipeline.is_drained())
    commit(store, changes, taken)

drained_too_early = []
SqliteStore.commit = commit_slowly
handler = pushover_logging.PushoverHandler(store="local")
log = logging.getLogger("shop")
log.addHandler(handler)
if sys.argv[1] == "log":
    log.error("tea is missing")
    assert sent.wait(10)
else:
    assert handler.drain(10)
"""


@pytest.mark.parametrize("end", ["", "handler.drain(10); import os; os._exit(0)"])
def test_an_alert_that_was_sent_is_not_sent_again(tmp_path: Path, end: str) -> None:
    program = f"{PROGRAM}\n{end}\n"
    with DevServer() as server:
        environment = {
            **os.environ,
            "XDG_STATE_HOME": str(tmp_path),
            "PUSHOVER_API_URL": server.url,
            "PUSHOVER_TOKEN": server.token,
            "PUSHOVER_USER": server.user,
        }
        for action in ("log", "drain"):
            command = [sys.executable, "-c", program, action]
            subprocess.run(command, env=environment, check=True, timeout=30)

        assert [message.params["message"] for message in server.messages] == ["tea is missing"]


def test_drain_does_not_return_before_the_commit(tmp_path: Path) -> None:
    check = """
handler.drain(10)
first = drained_too_early.index(False)  # before anything came, nothing waited
assert not any(drained_too_early[first:]), drained_too_early
"""
    with DevServer() as server:
        environment = {
            **os.environ,
            "XDG_STATE_HOME": str(tmp_path),
            "PUSHOVER_API_URL": server.url,
            "PUSHOVER_TOKEN": server.token,
            "PUSHOVER_USER": server.user,
        }

        subprocess.run(
            [sys.executable, "-c", PROGRAM + check, "log"],
            env=environment,
            check=True,
            timeout=30,
        )
