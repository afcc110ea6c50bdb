"""The server of a scenario, and the stage its programs run on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from black_hole import BlackHole
from harness import Scenario
from store_processes import Processes, RedisServer, free_port, memory_folder, redis_program


@pytest.fixture
def server() -> Iterator[Any]:
    """A Pushover of one's own on loopback, fresh for each scenario."""
    from pushover_logging.devserver import DevServer

    with DevServer() as running:
        yield running


@pytest.fixture
def scenario(server: Any, tmp_path: Path) -> Scenario:
    """Runs a program against the server."""
    return Scenario(tmp_path, server)


@pytest.fixture
def black_hole() -> Iterator[BlackHole]:
    """A network that takes everything and never answers."""
    with BlackHole() as hole:
        yield hole


@pytest.fixture
def mute_scenario(black_hole: BlackHole, tmp_path: Path) -> Scenario:
    """Runs a program against the black hole."""
    return Scenario(tmp_path, black_hole)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server that ends with the tests; without redis-server they are skipped."""
    program = redis_program()
    if program is None:
        pytest.skip("neither redis-server nor valkey-server is installed")
    pytest.importorskip("redis", reason="the extra redis is not installed")
    server = RedisServer(program, tmp_path_factory.mktemp("redis"), free_port())
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["sqlite", "redis"])
def processes(
    request: pytest.FixtureRequest, scenario: Scenario, server: Any, tmp_path: Path
) -> Iterator[Processes]:
    """Processes that share a store of their own, once in sqlite and once in redis."""
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("there is no /dev/shm to write to")
    with memory_folder() as spool:
        if request.param == "sqlite":
            url = f"sqlite://{tmp_path}/store.db?spool={spool}"
        else:
            redis = request.getfixturevalue("redis_server")
            url = f"{redis.url}?spool={spool}&namespace={spool.name}"
        started = Processes(scenario, server, url)
        try:
            yield started
        finally:
            started.end()


@pytest.fixture
def sqlite_processes(scenario: Scenario, server: Any, tmp_path: Path) -> Iterator[Processes]:
    """Processes that share a sqlite store."""
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("there is no /dev/shm to write to")
    with memory_folder() as spool:
        started = Processes(scenario, server, f"sqlite://{tmp_path}/store.db?spool={spool}")
        try:
            yield started
        finally:
            started.end()


@pytest.fixture
def redis_processes(
    redis_server: RedisServer, scenario: Scenario, server: Any
) -> Iterator[Processes]:
    """Processes that share a redis store."""
    with memory_folder() as spool:
        url = f"{redis_server.url}?spool={spool}&namespace={spool.name}"
        started = Processes(scenario, server, url)
        try:
            yield started
        finally:
            started.end()
