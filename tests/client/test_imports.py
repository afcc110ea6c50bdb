"""The light modules of the client load neither requests nor cryptography."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pushover_logging import client

HEAVY = {"requests", "urllib3", "cryptography", "tenacity", "asyncio"}


@pytest.mark.parametrize("module", ["", ".constants", ".errors", ".address", ".callbacks"])
def test_light_module_loads_nothing_heavy(module: str) -> None:
    script = f"import sys, pushover_logging.client{module}; print(*{HEAVY} & sys.modules.keys())"

    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True
    )

    assert run.stdout.split() == []


def test_every_public_name_is_there_and_listed() -> None:
    found = {name: getattr(client, name) for name in client.__all__}

    assert {name for name, value in found.items() if value.__class__ is type(client)} == set()
    assert set(client.__all__) <= set(dir(client))
    with pytest.raises(AttributeError, match="has no attribute 'Nonsense'"):
        getattr(client, "Nonsense")  # noqa: B009


def test_a_stand_in_for_requests_holds_although_the_client_is_loaded_after_it() -> None:
    """A test's mock is often active before anything needs the client."""
    script = """
import requests_mock
with requests_mock.Mocker() as service:
    service.post("https://api.pushover.net/1/messages.json", json={"status": 1, "request": "id"})
    from pushover_logging import Application
    Application("a" * 30).get_user("u" * 30).send_message("hello")
    print(service.call_count)
"""
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )

    assert (run.stdout, run.stderr) == ("1\n", "")
