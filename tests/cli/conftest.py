"""A Pushover of one's own for each test of the command line, and what leads to it."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator

import pytest
from stores.conftest import memory_folder, redis_url

from pushover_logging.devserver import DevServer

__all__ = ["memory_folder", "pipe", "redis_url", "server"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[DevServer]:
    with DevServer(port=0) as server:
        monkeypatch.setenv("PUSHOVER_API_URL", server.url)
        monkeypatch.setenv("PUSHOVER_TOKEN", server.token)
        monkeypatch.setenv("PUSHOVER_USER", server.user)
        yield server


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Makes bytes what the command reads from standard input."""

    def pipe(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), "utf-8"))

    return pipe
