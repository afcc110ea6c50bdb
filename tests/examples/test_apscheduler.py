"""APScheduler: two jobs that fail through one logging call, and SIGTERM."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable

import pytest
from running import Example

pytest.importorskip("apscheduler")


@pytest.mark.slow
def test_each_job_rings_once_and_sigterm_loses_nothing(
    example: Callable[[str], Example],
) -> None:
    shop = example("apscheduler")

    with shop.start(shop.command("python")) as service:
        service.until(lambda: len(re.findall("^KeyError", service.output, re.MULTILINE)) >= 3)
        exit_code = service.stop()

    failures = len(re.findall("^(?:KeyError|ConnectionError): ", service.output, re.MULTILINE))
    assert exit_code == -signal.SIGTERM
    assert shop.rings == 2
    assert {push.title.split(" \N{MULTIPLICATION SIGN}")[0] for push in shop.pushes} == {
        "ERROR apscheduler.executors.default"
    }
    assert any("\nKeyError: 'kettle'\nat stocktaking, " in push.text for push in shop.pushes)
    assert any("\nConnectionError: the bank does not answer" in p.text for p in shop.pushes)
    assert shop.records() == failures
