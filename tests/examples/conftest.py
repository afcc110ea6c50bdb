"""A copy of an example, the local Pushover server it sends to, and a Redis server."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running import PROJECT, Example, free_port, need_command


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Callable[[str], Example]]:
    """Makes a copy of ``examples/NAME`` that sends to a server of this test."""
    from pushover_logging.devserver import DevServer

    with DevServer() as server:

        def copy(name: str) -> Example:
            folder = tmp_path / name
            shutil.copytree(PROJECT / "examples" / name, folder)
            return Example(name, folder, server)

        yield copy


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """The address of a Redis server of this test."""
    command, port = need_command("redis-server"), free_port()
    server = subprocess.Popen(
        [
            *(command, "--port", str(port), "--bind", "127.0.0.1", "--save", ""),
            *("--appendonly", "no", "--dir", str(tmp_path), "--loglevel", "warning"),
        ],
        stdout=subprocess.DEVNULL,
    )
    import redis
    from redis.backoff import ConstantBackoff
    from redis.retry import Retry

    try:
        redis.Redis(port=port, retry=Retry(ConstantBackoff(0.05), 200)).ping()
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(10)
