"""Ends that nobody planned: Ctrl-C while the exit waits, and interpreters that are destroyed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from harness import BUSY, Scenario, each_once


@pytest.mark.scenario("U7")
@pytest.mark.parametrize(("ending", "code"), [("", 0), ("sys.exit(3)", 3), ("1 / 0", 1)])
@pytest.mark.parametrize("presses", [1, 3])
def test_ctrl_c_while_the_exit_waits_ends_the_wait_and_nothing_else(
    mute_scenario: Scenario, ending: str, code: int, presses: int
) -> None:
    """U7: the exit ends at once, with its own code, without a traceback of ours."""
    program = f"""
import logging, os, sys, threading, stage
handler = stage.attach("shop", exit_timeout=8)
log = logging.getLogger("shop")
for number in range(3):
    log.error(stage.mark(number))
in_hand = lambda sender: sender is not None and sender.outbox.in_hand is not None
stage.until(lambda: in_hand(handler._pipeline._sender))
stage.main_ends()
{ending}
"""
    pressed_at = 0.0

    def press(process: subprocess.Popen[bytes]) -> None:
        nonlocal pressed_at
        folder = mute_scenario.folder / f"run{mute_scenario.runs - 1}"
        end = time.monotonic() + 15
        while "main_ended" not in _text(folder / "notes") and time.monotonic() < end:
            time.sleep(0.02)
        for _ in range(presses):
            time.sleep(0.7)  # nothing tells that the exit waits
            if "not delivered" in _text(folder / "stderr"):
                break  # it waits no more; after Python's own end, a signal ends the process
            pressed_at = pressed_at or time.monotonic()
            os.kill(process.pid, signal.SIGINT)

    script = mute_scenario.folder / "interrupted.py"
    script.write_text(program)
    # A shell may have started the tests with the signal ignored, which children inherit.
    starter = "import runpy, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    starter += "runpy.run_path(sys.argv[1], run_name='__main__')"
    outcome = mute_scenario.run_command(
        [sys.executable, "-c", starter, str(script)], meanwhile=press, exit_code=code
    )

    assert outcome.ending < 4 + BUSY
    assert "KeyboardInterrupt" not in outcome.stderr
    assert outcome.stderr.count("Traceback") == (1 if code == 1 else 0)
    ours = [line for line in outcome.complaints if "pushover_logging:" in line]
    assert len(ours) == 1
    assert "3 records were not delivered" in ours[0]


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


@pytest.mark.scenario("U7")
@pytest.mark.parametrize("end", ["", "handler.drain(10)", "handler.close()"])
@pytest.mark.parametrize("fault", [0.0, 0.5])
def test_a_subinterpreter_that_logs_and_is_destroyed_delivers(
    scenario: Scenario, server: Any, end: str, fault: float
) -> None:
    """U7: neither an abort nor a hang, and its records arrive."""
    program = f'''
import logging, stage
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

CODE = """
import logging, pushover_logging
handler = pushover_logging.PushoverHandler(exit_timeout=10)
log = logging.getLogger("shop")
log.addHandler(handler)
log.error({{mark!r}})
log.warning("item %d is sold out", 1)
log.warning("item %d is sold out", 2)
{end}
"""
config = ("legacy",) if hasattr(interpreters, "get_config") else ()
for number in range(2):
    interpreter = interpreters.create(*config) if config else interpreters.create(isolated=False)
    run = getattr(interpreters, "exec", None) or interpreters.run_string
    failed = run(interpreter, CODE.format(mark=stage.mark(number)))
    assert failed is None, failed
    interpreters.destroy(interpreter)
stage.attach("shop")
logging.getLogger("shop").error(stage.mark(2))
stage.note(survived=True)
'''
    if sys.version_info < (3, 12):
        pytest.skip("subinterpreters are usable from Python 3.12 on")

    if fault:
        server.fault("delay", seconds=fault)
    outcome = scenario.run(program, processes=3)

    assert outcome.notes["survived"]
    assert outcome.marks == each_once(3)
    assert outcome.records == 7
    assert "pushover_logging:" not in outcome.stderr
