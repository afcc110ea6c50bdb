"""The server of a scenario, and the stage its programs run on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from black_hole import BlackHole
from harness import Scenario


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
