"""uWSGI, whose master forks in C after it has loaded the application."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from running import Example, free_port, need_command


@pytest.mark.slow
@pytest.mark.parametrize("options", ["", " --lazy-apps"])
def test_two_workers_ring_once(example: Callable[[str], Example], options: str) -> None:
    need_command("uwsgi")
    shop, port = example("uwsgi"), free_port()
    config = shop.folder / "uwsgi.ini"
    config.write_text(config.read_text().replace("8000", str(port)))

    with shop.start(shop.command("uwsgi") + options) as server:
        for item in ("tea", "cups", "kettle", "milk"):
            assert server.get(f"http://127.0.0.1:{port}/order/{item}") == (200, "ordered")
        server.until(lambda: shop.pushes)
        exit_code = server.stop(signal.SIGTERM)
    shop.drain_store()

    assert exit_code == 0
    assert shop.pushes[0] == ("ERROR shop", "tea is missing", 2)
    assert shop.rings == 1
    assert shop.records() == 4
    assert "pushover_logging:" not in server.output
