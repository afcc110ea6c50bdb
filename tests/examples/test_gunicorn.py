"""gunicorn with each of its usual workers: its own errors, the application's, and its end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from running import Example, free_port

pytest.importorskip("gunicorn")


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
    pytest.importorskip(
        "uvicorn_worker"
        if asynchronous
        else worker.replace("sync", "gunicorn").replace("gthread", "gunicorn")
    )
    shop, port = example("gunicorn"), free_port()
    command = shop.command("gunicorn --worker-class uvicorn" if asynchronous else "gunicorn -w")
    command = command.replace("8000", str(port))
    if not asynchronous:
        command += f" --worker-class {worker} {options}"

    with shop.start(command) as server:
        address = f"http://127.0.0.1:{port}"
        statuses = [server.get(f"{address}/order/{number}")[0] for number in range(1, 6)]
        for item in ("tea", "cups", "kettle"):
            server.get(f"{address}/missing/{item}")
        server.until(lambda: shop.rings == 2)
        exit_code = server.stop()
    shop.drain_store()

    assert statuses == [200, 200, 500, 500, 500]
    assert exit_code == 0
    framework = "ERROR uvicorn.error" if asynchronous else "ERROR gunicorn.error"
    assert shop.records(framework) == 3
    assert shop.records("ERROR shop") == 3
    assert shop.records() == 6 + shop.records("ERROR gunicorn.error Worker")
    assert shop.rings == 2
    assert any("KeyError: '/order/3'" in push.text for push in shop.pushes)
    assert any(push.text == "tea is missing" for push in shop.pushes)
