"""Configuring costs a program little: it loads almost nothing, and nothing in a logging call."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import pushover_logging

ROOT = Path(pushover_logging.__file__).parent.parent
BEGIN = f"""
import logging, logging.config, sys
sys.path.insert(0, {str(ROOT)!r})
before = set(sys.modules)
from pushover_logging.config import read_config
from pushover_logging.config.overrides import asked_priority, read_overrides
KEYS = {{"token": "t" * 30, "user": "u" * 30}}
"""
LOADED = "\nprint(*sorted(set(sys.modules) - before - of_python))"
OF_PYTHON = """
of_python = {"__future__", "importlib", "importlib._bootstrap", "importlib._bootstrap_external"}
"""
ALWAYS = {
    "pushover_logging",
    "pushover_logging.client",
    "pushover_logging.client.constants",
    "pushover_logging.config",
    *(f"pushover_logging.config.{name}" for name in ("fields", "levels", "overrides", "parsing")),
}
SECRETS = {"pushover_logging.config.secrets"}
TEMPLATES = {
    *("pushover_logging.config.templates", "pushover_logging.notice", "pushover_logging.values"),
    "marshal",  # built in
}


def printed(program: str) -> list[str]:
    # Without site: what an environment loads at its start must not hide what is loaded here.
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", BEGIN + program],
        env={"PUSHOVER_TOKEN": "t" * 30, "PUSHOVER_USER": "u" * 30, "MY_TOKEN": "t" * 30},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ("{}", set()),
        ("KEYS", set()),
        ("{'level': 'WARNING', 'priorities': {'ERROR': 'HIGH'}, 'grouping': {'after': 3}}", set()),
        ("{'retry': '2m', 'sound': 'none', 'tags': ['a'], 'fallback': 'x', 'capacity': 5}", set()),
        ("{'retry_policy': {'attempts': 3}, 'loggers': {'a': {'priority': 'LOW'}}}", set()),
        ("{'token': 'env:MY_TOKEN'}", SECRETS),
        ("{'store': 'local'}", SECRETS),
        ("{'title': '{levelname} on {tenant}'}", TEMPLATES),
    ],
)
def test_reading_options_loads_only_what_they_need(options: str, more: set[str]) -> None:
    loaded = printed(f"read_config({options}){OF_PYTHON}{LOADED}")

    assert set(loaded) | {"marshal"} == ALWAYS | more | {"marshal"}


def test_reading_overrides_loads_and_opens_nothing() -> None:
    given = (
        "{'message': 'm', 'title': 't', 'url': 'https://x', 'sound': 'siren', 'device': ['a'],"
        " 'priority': 'high', 'ttl': '1m', 'html': True, 'retry': 5, 'expire': '1h', 'tags': 'a,b',"
        " 'callback': 'https://c', 'timestamp': 5, 'params': {'a': 1}, 'new': 2, 'monospace': 7,"
        " 'key': 'k'}"
    )
    seen = printed(
        f"""
read_config(KEYS)
seen = []
sys.addaudithook(lambda event, _: seen.append(event) if event in ("import", "open") else None)
overrides, complaints = read_overrides({given})
asked_priority({given})
print(len(overrides), len(complaints), *seen)
"""
    )

    assert seen == ["13", "2"]
