"""Dramatiq with two worker processes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from running import Example

pytest.importorskip("dramatiq")


@pytest.mark.slow
def test_two_processes_ring_once_and_lose_nothing(
    example: Callable[[str], Example], redis_url: str
) -> None:
    shop = example("dramatiq")
    shop.extra_environment = {"REDIS_URL": redis_url}

    shop.run(shop.command("python order.py"))
    with shop.start(shop.command("dramatiq")) as worker:
        worker.until(lambda: worker.output.count("is not paid\n") == 4)
        worker.until(lambda: worker.output.count("KeyError: ") >= 2)
        worker.until(lambda: shop.rings == 2)
        exit_code = worker.stop()
    shop.drain_store()

    assert exit_code == 0
    assert shop.records("ERROR shop") == 4
    failures = "ERROR dramatiq.worker.WorkerThread"
    assert shop.records(failures) == 2
    assert shop.rings == 2
    assert any("KeyError: 3" in push.text for push in shop.pushes)
