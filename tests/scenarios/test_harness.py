"""The harness notices what it must: each of these programs does one thing that no scenario may."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from harness import STANDS_FOR, Outcome, Scenario
from invariants import Evidence, violations


@dataclass
class Request:
    """A request as the server remembers it."""

    params: dict[str, str]
    status: int | None = 200
    path: str = "/1/messages.json"
    method: str = "POST"
    query: str = ""
    body: bytes = field(default=b"")


def outcome(**facts: Any) -> Outcome:
    plain: dict[str, Any] = {"exit_code": 0, "stdout": "", "stderr": "", "notes": {}}
    return Outcome(duration=0.0, ending=0.0, **{**plain, **facts})


def broken(of: Outcome, **facts: Any) -> list[str]:
    plain: dict[str, Any] = {"processes": 1, "secrets": (), "max_connections": 1}
    evidence = {"expected_exit_code": 0, "max_in_flight": 1, **plain, **facts}
    return violations(Evidence(outcome=of, **evidence))


def test_a_good_run_breaks_nothing() -> None:
    request = Request({"message": "m" * 1024, "priority": "2", "retry": "30", "expire": "10800"})

    assert broken(outcome(requests=[request])) == []


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"message": "m" * 1025}, "message is 1025 characters; at most 1024 fit"),
        ({"message": "m", "title": "t" * 251}, "title is 251 characters; at most 250 fit"),
        ({"message": " \n"}, "a blank message"),
        ({"message": "m", "priority": "2"}, "an emergency with retry 0"),
        (
            {"message": "m", "priority": "2", "retry": "30", "expire": "86400"},
            "an emergency with retry 30 and expire 86400",
        ),
    ],
)
def test_a_push_that_the_service_refuses_is_noticed(params: dict[str, str], complaint: str) -> None:
    found = broken(outcome(requests=[Request(params)]))

    assert len(found) == 1
    assert complaint in found[0]


def test_a_refused_request_sent_again_is_noticed() -> None:
    refused = Request({"message": "m"}, status=400, body=b"message=m")

    assert "again after it was refused" in broken(outcome(requests=[refused, refused]))[0]


def test_a_request_sent_again_after_the_quota_is_fine() -> None:
    limited = Request({"message": "m"}, status=429, body=b"message=m")

    assert broken(outcome(requests=[limited, limited])) == []


def test_a_secret_in_a_stream_or_a_query_is_noticed() -> None:
    request = Request({"message": "m"}, query="token=abc")

    found = broken(outcome(stderr="...abc...", requests=[request]), secrets=("abc",))

    assert len(found) == 2


def test_connections_side_by_side_are_noticed() -> None:
    assert len(broken(outcome(), max_connections=2, max_in_flight=2)) == 2


def test_a_program_that_hangs_is_stopped_and_its_stack_shown(mute_scenario: Scenario) -> None:
    program = "import stage, threading\nthreading.Event().wait()"

    with pytest.raises(AssertionError, match=r"(?s)didn't end within 1\.5 s.*in wait"):
        mute_scenario.run(program, deadline=1.5)


def test_a_direct_handler_hangs_on_a_mute_network(mute_scenario: Scenario) -> None:
    program = """
import logging, naive
logging.getLogger().addHandler(naive.Direct())
logging.error("to nobody")
"""

    with pytest.raises(AssertionError, match="didn't end within"):
        mute_scenario.run(program, deadline=2)


def test_another_exit_code_is_noticed(mute_scenario: Scenario) -> None:
    with pytest.raises(AssertionError, match="exit code 3, not 0"):
        mute_scenario.run("raise SystemExit(3)")


def test_a_thread_left_behind_is_noticed() -> None:
    assert "left" in broken(outcome(notes={"lasting_threads": ["left"]}))[0]


def test_children_that_outlive_the_program_are_killed(mute_scenario: Scenario) -> None:
    program = """
import stage, subprocess
stage.note(child=subprocess.Popen(["sleep", "60"]).pid)
"""

    child = mute_scenario.run(program).notes["child"]

    assert _is_gone(child)


def test_the_ending_is_measured_from_the_end_of_main(mute_scenario: Scenario) -> None:
    program = "import atexit, stage, time\natexit.register(time.sleep, 0.5)\nstage.main_ends()"

    assert 0.5 < mute_scenario.run(program).ending < 2.0


def test_a_title_says_how_many_records_a_push_stands_for() -> None:
    counted = STANDS_FOR.search("ERROR shop \N{MULTIPLICATION SIGN}12")

    assert counted is not None
    assert counted[1] == "12"


def _is_gone(pid: int) -> bool:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            state = re.search(r"^State:\s+(\S)", Path(f"/proc/{pid}/status").read_text(), re.M)
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state is not None and state[1] == "Z":
            return True  # dead, only nobody has asked after it yet
        os.sched_yield()
    return False
