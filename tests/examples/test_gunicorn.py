"""gunicorn with each of its usual workers: its own errors, the application's, and its end."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable

import pytest
from running import PAGES, Example, free_port

pytest.importorskip("gunicorn")


def workers_that_logged(output: str) -> set[str]:
    return set(re.findall(r"\[(\d+)\] ERROR item-\d+ is missing", output))


def lines_for_gevent() -> str:
    """The lines that the page puts first for gevent's workers."""
    page = (PAGES / "gunicorn.rst").read_text("utf-8")
    return textwrap.dedent(page.split(".. code-block:: python\n")[1].split("\n\nWith")[0])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("worker", "options"),
    [
        ("sync", ""),
        ("sync", "--preload"),
        ("gthread", "--threads 2"),
        ("gevent", ""),
        ("uvicorn_worker.UvicornWorker", ""),
    ],
)
def test_two_workers_ring_once_for_each_bug(
    example: Callable[[str], Example], worker: str, options: str
) -> None:
    asynchronous = worker.startswith("uvicorn")
    needed = {"gevent": "gevent", "uvicorn_worker.UvicornWorker": "uvicorn_worker"}
    pytest.importorskip(needed.get(worker, "gunicorn"))
    shop, port = example("gunicorn"), free_port()
    command = shop.command("gunicorn --worker-class uvicorn" if asynchronous else "gunicorn -w")
    command = command.replace("8000", str(port))
    if worker == "gevent":
        config = shop.folder / "gunicorn.conf.py"
        config.write_text(f"{lines_for_gevent()}\n{config.read_text()}")
    if not asynchronous:
        command += f" --worker-class {worker} {options}"

    with shop.start(command) as server:
        address = f"http://127.0.0.1:{port}"
        statuses = [server.get(f"{address}/order/{number}")[0] for number in range(1, 6)]
        missing = 0
        while missing < 3 or len(workers_that_logged(server.output)) < 2:
            missing += 1
            assert missing < 500, "one worker serves every visit"
            server.get(f"{address}/missing/item-{missing}")
        server.until(lambda: shop.rings == 2)
        exit_code = server.stop()
    shop.drain_store()

    assert statuses == [200, 200, 500, 500, 500]
    assert exit_code == 0
    assert "MonkeyPatchWarning" not in server.output
    framework = "ERROR uvicorn.error" if asynchronous else "ERROR gunicorn.error"
    assert shop.records(framework) == 3
    assert shop.records("ERROR shop") == missing
    assert shop.records() == 3 + missing
    assert shop.rings == 2
    assert any("KeyError: '/order/3'" in push.text for push in shop.pushes)
    assert any(push.text.endswith("is missing") for push in shop.pushes)
