"""FastAPI in two processes of uvicorn, configured by ``--log-config``."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from running import Example, free_port

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_is_lost_at_sigterm(example: Callable[[str], Example], workers: int) -> None:
    shop, port = example("fastapi"), free_port()
    command = shop.command("uvicorn").replace("--workers 2", f"--workers {workers}")

    with shop.start(command.replace("8000", str(port))) as server:
        statuses = [server.get(f"http://127.0.0.1:{port}/order/{n}")[0] for n in range(1, 7)]
        server.until(lambda: server.output.count("startup complete") == workers)
        server.stop()
    shop.drain_store()

    assert statuses == [200, 200, 500, 500, 500, 500]
    first = shop.pushes[0]
    assert first.title == "ERROR uvicorn.error"
    words = r"Exception in ASGI application\nKeyError: (\d)\nat order, fastapi/"
    shown = re.match(words, first.text)
    # Of two processes each logs a part of the four, and either may be the first to be read.
    assert shown is not None
    assert shown[1] in ("3" if workers == 1 else "3456")
    assert shop.records("ERROR uvicorn.error") == 4
    assert shop.records("ERROR shop") == workers
    assert shop.rings == 2
