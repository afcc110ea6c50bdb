"""An asyncio service: exceptions of tasks, and SIGTERM."""

from __future__ import annotations

import signal
from collections.abc import Callable

from running import Example


def test_exceptions_of_tasks_ring_and_sigterm_loses_nothing(
    example: Callable[[str], Example],
) -> None:
    shop = example("asyncio")

    with shop.start(shop.command("python")) as service:
        service.until(lambda: shop.rings == 2)
        exit_code = service.stop()

    assert exit_code == -signal.SIGTERM
    uncaught = next(p for p in shop.pushes if p.title == "CRITICAL pushover.uncaught")
    assert "\nConnectionError: the bank does not answer\nat billing, " in uncaught.text
    assert shop.records("ERROR shop") == 4
    assert shop.records("CRITICAL pushover.uncaught") == 4
    assert shop.records() == 8
    assert shop.rings == 2
