"""What a program gets from ``install_hooks`` and ``notify``, up to the push."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from harness import Scenario, mark

NOTIFICATION = """
import logging, stage
from pushover_logging import notify
logging.getLogger().addHandler(stage.handler())
"""


@pytest.mark.scenario("C4")
@pytest.mark.parametrize(
    ("ending", "place"),
    [
        ("raise error", "uncaught exception"),
        (
            "t = threading.Thread(target=fail, name='importer'); t.start(); t.join()",
            "uncaught exception in the thread importer",
        ),
        ("asyncio.run(lose())", "asyncio: Task exception was never retrieved"),
        ("Resource()", "Resource.__del__"),
    ],
    ids=["main", "thread", "task", "finaliser"],
)
def test_an_exception_that_nobody_catches_is_one_push(
    scenario: Scenario, ending: str, place: str
) -> None:
    """C4: CRITICAL, with the traceback, and stderr and exit code are the program's own."""
    program = f"""
import asyncio, logging, threading, pushover_logging, stage
logging.getLogger().addHandler(stage.handler())
pushover_logging.install_hooks()
error = RuntimeError(stage.mark(0))
def fail():
    raise error
async def afail():
    fail()
async def lose():
    task = asyncio.ensure_future(afail())
    await asyncio.wait([task])
class Resource:
    def __del__(self):
        fail()
{ending}
"""

    outcome = scenario.run(program, exit_code=1 if ending == "raise error" else 0)

    [message] = outcome.messages
    assert message.params["title"] == "CRITICAL pushover.uncaught"
    assert place in message.params["message"]
    assert f"RuntimeError: {mark(0)}" in message.params["message"]
    # asyncio's own handler does not print, it logs.
    assert ("Traceback (most recent call last)" in outcome.stderr) is (place[:7] != "asyncio")


@pytest.mark.scenario("C4")
def test_ctrl_c_and_exit_are_no_uncaught_exceptions(scenario: Scenario) -> None:
    """C4: nothing is pushed."""
    program = """
import logging, sys, pushover_logging, stage
logging.getLogger().addHandler(stage.handler())
pushover_logging.install_hooks()
sys.exit(3)
"""

    outcome = scenario.run(program, exit_code=3)

    assert outcome.messages == []


SIGTERM_PROGRAM = """
import logging, os, signal, sys, time, pushover_logging, stage
{before}
stage.attach("shop", **{options})
pushover_logging.install_hooks(exceptions=False)
pushover_logging.install_hooks(exceptions=False)
log = logging.getLogger("shop")
log.error(stage.mark(0))
for number in range(10):
    log.warning("item %d is sold out", number)
{meanwhile}
stage.note(ready=True)
stage.main_ends()
os.kill(os.getpid(), signal.SIGTERM)
{after}
"""


def sigterm(
    before: str, after: str = "signal.pause()", meanwhile: str = "", options: str = "{}"
) -> str:
    return SIGTERM_PROGRAM.format(before=before, after=after, meanwhile=meanwhile, options=options)


@pytest.mark.scenario("U2")
@pytest.mark.parametrize(
    ("before", "after", "exit_code"),
    [
        ("signal.signal(signal.SIGTERM, signal.SIG_DFL)", "signal.pause()", -signal.SIGTERM),
        ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))", "signal.pause()", 5),
        ("signal.signal(signal.SIGTERM, lambda *_: print('ended'))", "os._exit(6)", 6),
    ],
    ids=["default", "a handler that exits", "a handler that returns"],
)
def test_sigterm_sends_everything_and_does_what_it_did_before(
    scenario: Scenario, server: Any, before: str, after: str, exit_code: int
) -> None:
    """U2: what waits and what was counted arrives; the exit status is as without the hook."""
    server.fault("delay", seconds=0.2)
    outcome = scenario.run(sigterm(before, after), exit_code=exit_code)

    assert outcome.records == 11
    assert outcome.marks == {mark(0): 1}
    assert ("ended" in outcome.stdout) is (exit_code == 6)
    assert outcome.stderr == ""


@pytest.mark.scenario("U2")
def test_a_process_that_ignores_sigterm_goes_on_ignoring_it(scenario: Scenario) -> None:
    """U2: its child processes as well, which would not inherit a handler."""
    program = sigterm(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "stage.note(ignored=signal.getsignal(signal.SIGTERM) is signal.SIG_IGN)",
    )

    outcome = scenario.run(program)

    assert outcome.notes["ignored"]
    assert outcome.records == 11


@pytest.mark.scenario("U2")
def test_sigterm_in_a_black_hole_costs_the_exit_timeout(mute_scenario: Scenario) -> None:
    """U2: the process ends within its budget, killed by the signal."""
    program = sigterm(
        "signal.signal(signal.SIGTERM, signal.SIG_DFL)", options="{'exit_timeout': 0.5}"
    )

    outcome = mute_scenario.run(program, exit_code=-signal.SIGTERM)

    assert 0.4 < outcome.ending < 5.0


@pytest.mark.scenario("U2")
def test_a_second_sigterm_ends_the_wait(mute_scenario: Scenario) -> None:
    """U2: whoever sends it again does not want to wait."""
    program = sigterm(
        "signal.signal(signal.SIGTERM, signal.SIG_DFL)",
        meanwhile=(
            "import threading; threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGTERM]).start()"
        ),
        options="{'exit_timeout': 60}",
    )

    outcome = mute_scenario.run(program, exit_code=-signal.SIGTERM)

    assert outcome.ending < 15


@pytest.mark.scenario("U2")
def test_sigterm_while_logging_is_configured_loses_nothing(scenario: Scenario) -> None:
    """U2: the interrupted code holds the lock that delivery needs."""
    program = sigterm(
        "signal.signal(signal.SIGTERM, signal.SIG_DFL)",
        meanwhile="logging._lock.acquire()",
        after="""
time.sleep(0.1)
logging._lock.release()
signal.pause()
""",
    )

    outcome = scenario.run(program, exit_code=-signal.SIGTERM)

    assert outcome.records == 11


@pytest.mark.scenario("U2")
def test_sigterm_from_outside_interrupts_a_sleeping_program(scenario: Scenario) -> None:
    """U2: as ``docker stop`` and ``kill`` send it."""
    program = """
import logging, signal, sys, time, pushover_logging, stage
signal.signal(signal.SIGTERM, signal.SIG_DFL)
stage.attach("shop")
pushover_logging.install_hooks()
logging.getLogger("shop").error(stage.mark(0))
stage.note(ready=True)
while True:
    time.sleep(0.05)  # a signal that comes just before a long sleep does not interrupt it
"""
    script = scenario.folder / "service.py"
    script.write_text(program, encoding="utf-8")

    def stop(process: subprocess.Popen[bytes]) -> None:
        notes = scenario.folder / "run0" / "notes"
        while "ready" not in (notes.read_text() if notes.exists() else ""):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)

    outcome = scenario.run_command(
        [sys.executable, str(script)], exit_code=-signal.SIGTERM, meanwhile=stop
    )

    assert outcome.marks == {mark(0): 1}


@pytest.mark.scenario("U2")
def test_drain_sends_everything_of_all_handlers(scenario: Scenario, server: Any) -> None:
    """U2: for the shutdown hook of a server; nothing else may run afterwards."""
    program = """
import logging, os, pushover_logging, stage
for name in ("shop", "stock"):
    stage.attach(name)
    logging.getLogger(name).error(stage.mark(0))
    for number in range(5):
        logging.getLogger(name).warning("item %d is sold out", number)
stage.note(drained=pushover_logging.drain())
os._exit(0)
"""

    server.fault("delay", seconds=0.2)
    outcome = scenario.run(program)

    assert outcome.notes["drained"] is True
    assert outcome.records == 12


@pytest.mark.scenario("U2")
def test_all_handlers_share_the_timeout_of_drain(mute_scenario: Scenario) -> None:
    """U2: False when it is over."""
    program = """
import logging, os, time, pushover_logging, stage
for number in range(10):
    stage.attach(f"shop{number}")
    logging.getLogger(f"shop{number}").error("lost")
start = time.monotonic()
stage.note(drained=pushover_logging.drain(0.5), seconds=time.monotonic() - start)
os._exit(0)
"""

    outcome = mute_scenario.run(program)

    assert outcome.notes["drained"] is False
    assert 0.4 < outcome.notes["seconds"] < 4


def test_the_end_of_a_job_is_a_push_with_its_name(scenario: Scenario) -> None:
    """The priority is that of the level; INFO is pushed although the root logger is at WARNING."""
    program = (
        NOTIFICATION
        + """
for name in ("training", "upload"):
    with notify(name):
        pass
"""
    )

    outcome = scenario.run(program)

    assert [
        (m.params["title"], m.params["message"], m.params["priority"]) for m in outcome.messages
    ] == [
        ("training finished", "training finished after 0.0 s", "-1"),
        ("upload finished", "upload finished after 0.0 s", "-1"),
    ]


def test_the_failure_of_a_job_is_one_push_with_its_exception(scenario: Scenario) -> None:
    """The exception goes on, and the exit code is the program's own."""
    program = (
        NOTIFICATION
        + """
@notify("training")
def train():
    raise ValueError(stage.mark(0))
train()
"""
    )

    outcome = scenario.run(program, exit_code=1)

    [message] = outcome.messages
    assert message.params["title"] == "training failed"
    assert message.params["priority"] == "2"
    assert "training failed after 0.0 s" in message.params["message"]
    assert f"ValueError: {mark(0)}" in message.params["message"]


def test_without_any_handler_a_traceback_is_printed_once(scenario: Scenario) -> None:
    """Logging prints what nobody handles, and so does Python."""
    program = """
import pushover_logging, stage
pushover_logging.install_hooks()
raise RuntimeError("disk is full")
"""

    outcome = scenario.run(program, exit_code=1)

    assert outcome.stderr.count("RuntimeError: disk is full") == 1
