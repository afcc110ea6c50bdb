"""Celery's prefork pool, whose children are recycled and end by ``os._exit``."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from running import Example, complaints

pytest.importorskip("celery")


@pytest.mark.slow
def test_recycled_children_lose_nothing(example: Callable[[str], Example], redis_url: str) -> None:
    shop = example("celery")
    shop.extra_environment = {"BROKER_URL": redis_url, "C_FORCE_ROOT": "1"}
    command = shop.command("celery") + " --max-tasks-per-child 1 --without-gossip --without-mingle"

    shop.run(shop.command("python"))
    with shop.start(command) as worker:
        worker.until(lambda: worker.output.count("is not paid\n") == 6)
        worker.until(lambda: worker.output.count("KeyError: ") >= 4)
        worker.until(lambda: shop.rings == 2)
        exit_code = worker.stop()
    shop.drain_store()

    assert exit_code == 0
    own = next(push for push in shop.pushes if push.title.strip() == "ERROR shop")
    failed = next(p for p in shop.pushes if p.title == "ERROR celery.app.trace shop.charge")
    assert own.text.endswith("is not paid")
    assert "raised unexpected: KeyError(" in failed.text
    assert "at charge, celery/shop.py" in failed.text
    assert shop.records("ERROR shop") == 6
    assert shop.records("ERROR celery.app.trace") == 4
    assert shop.rings == 2
    assert complaints(worker.output) == []
