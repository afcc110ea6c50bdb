"""uWSGI, whose master forks in C after it has loaded the application."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable

import pytest
from running import Example, complaints, free_port, need_command


def workers_that_answered(output: str) -> set[str]:
    return set(re.findall(r"^\[pid: (\d+)\|", output, re.MULTILINE))


@pytest.mark.slow
@pytest.mark.parametrize("options", ["", " --lazy-apps"])
def test_two_workers_ring_once(example: Callable[[str], Example], options: str) -> None:
    need_command("uwsgi")
    shop, port = example("uwsgi"), free_port()
    config = shop.folder / "uwsgi.ini"
    config.write_text(config.read_text().replace("8000", str(port)))

    with shop.start(shop.command("uwsgi") + options) as server:
        visits = 0
        while visits < 3 or len(workers_that_answered(server.output)) < 2:
            visits += 1
            assert visits < 500, "one worker answers every visit"
            address = f"http://127.0.0.1:{port}/order/item-{visits}"
            assert server.get(address) == (200, "ordered")
        server.until(lambda: shop.pushes)
        exit_code = server.stop(signal.SIGTERM)
    shop.drain_store()

    assert exit_code == 0
    assert shop.pushes[0].title == "ERROR shop"
    assert shop.pushes[0].text.endswith("is missing")
    assert shop.rings == 1
    assert shop.records() == visits
    assert complaints(server.output) == []
