"""RQ, which forks for each job and ends the child by ``os._exit``."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from running import Example

pytest.importorskip("rq")


@pytest.mark.slow
def test_forked_jobs_lose_nothing(example: Callable[[str], Example], redis_url: str) -> None:
    shop = example("rq")
    shop.extra_environment = {"REDIS_URL": redis_url}

    shop.run(shop.command("python order.py"))
    output = shop.run(shop.command("python worker.py"))
    shop.drain_store()

    own = shop.push("order 1 is not paid")
    assert own == ("ERROR shop", "order 1 is not paid", 2)
    assert shop.records("ERROR shop") == 4, f"{shop.pushes}\n{output}"
    assert shop.records("ERROR rq.worker") == 2
    assert any("KeyError: 3" in push.text for push in shop.pushes)
    assert shop.rings == 2
