"""Pools of processes, and a QueueListener in the parent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from running import Example, complaints


@pytest.mark.parametrize("script", ["pool.py", "executor.py", "listener.py"])
def test_children_ring_once_and_lose_nothing(
    example: Callable[[str], Example], script: str
) -> None:
    shop = example("multiprocessing")

    output = shop.run(shop.command(f"python {script}"))

    first = shop.pushes[0]
    assert (first.title, first.priority) == ("ERROR shop", 2)
    assert first.text.startswith("order ")
    assert shop.rings == 1
    assert shop.records() == 10
    assert complaints(output) == []


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("script", ["pool.py", "executor.py"])
def test_every_start_method_works(
    example: Callable[[str], Example], script: str, method: str
) -> None:
    shop = example("multiprocessing")
    path = shop.folder / script
    text = path.read_text().replace(
        "    configure()\n    with",
        f"    import multiprocessing\n    multiprocessing.set_start_method({method!r})\n"
        "    configure()\n    with",
    )
    path.write_text(text)

    shop.run(shop.command(f"python {script}"))

    assert method in text
    assert shop.rings == 1
    assert shop.records() == 10
