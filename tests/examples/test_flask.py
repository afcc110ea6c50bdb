"""Flask, in two processes of gunicorn."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from running import Example, free_port


@pytest.mark.slow
def test_one_bug_in_two_processes_rings_once(example: Callable[[str], Example]) -> None:
    pytest.importorskip("flask")
    pytest.importorskip("gunicorn")
    shop, port = example("flask"), free_port()

    with shop.start(shop.command("gunicorn").replace("8000", str(port))) as server:
        statuses = [server.get(f"http://127.0.0.1:{port}/order/{n}")[0] for n in range(1, 8)]
        server.until(lambda: shop.pushes)
        exit_code = server.stop()
    shop.drain_store()

    assert statuses == [200, 200, 500, 500, 500, 500, 500]
    assert exit_code == 0
    first = shop.pushes[0]
    assert (first.title, first.priority) == ("ERROR app", 2)
    # Each process logs a part of the five, and either may be the first to be read.
    assert re.match(
        r"Exception on /order/(\d) \[GET\]\nKeyError: \1\nat order, flask/app\.py", first.text
    )
    assert shop.rings == 1
    assert shop.records("ERROR app") == shop.records() == 5
