"""A missing token: what ``dictConfig`` and a development machine make of it."""

from __future__ import annotations

import logging
import logging.config
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from pushover_logging import PushoverHandler

CONFIGURE = """
import logging.config
logging.config.dictConfig({
    "version": 1,
    "handlers": {"phone": {"class": "pushover_logging.PushoverHandler"}},
    "root": {"handlers": ["phone"]},
})
"""


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("TOKEN", "USER", "TOKEN_FILE", "USER_FILE", "API_URL"):
        monkeypatch.delenv(f"PUSHOVER_{name}", raising=False)
    yield
    logging.getLogger().handlers = [
        h for h in logging.getLogger().handlers if not isinstance(h, PushoverHandler)
    ]


def configure(**options: Any) -> PushoverHandler:
    handler = {"class": "pushover_logging.PushoverHandler", **options}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"phone": handler},
            "loggers": {"shop": {"handlers": ["phone"]}},
        }
    )
    [made] = logging.getLogger("shop").handlers
    assert isinstance(made, PushoverHandler)
    return made


def test_a_missing_token_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"^token") as raised:
        PushoverHandler(token=None, user="u" * 30)

    assert "PUSHOVER_TOKEN" in str(raised.value)


def test_dict_config_names_the_reason_in_the_last_line_of_our_error() -> None:
    run = subprocess.run(
        [sys.executable, "-c", CONFIGURE], capture_output=True, text=True, timeout=30, check=False
    )

    ours, _, theirs = run.stderr.partition("\n\nThe above exception was the direct cause")
    assert run.returncode == 1
    last = ours.splitlines()[-1]
    assert "Error: token " in last
    assert "PUSHOVER_TOKEN" in last
    assert theirs.splitlines()[-1] == "ValueError: Unable to configure handler 'phone'"


def test_the_cause_of_the_error_of_dict_config_is_the_reason() -> None:
    with pytest.raises(ValueError, match="phone") as raised:
        configure()

    assert "PUSHOVER_TOKEN" in str(raised.value.__cause__)
    assert "\n" not in str(raised.value.__cause__)


def test_auto_does_nothing_without_a_token_and_says_so_once() -> None:
    script = (
        CONFIGURE.replace('Handler"}', 'Handler", "enabled": "auto"}')
        + """
import logging, sys
for number in range(3):
    logging.error("nobody hears this")
    logging.config.dictConfig({
        "version": 1,
        "handlers": {"phone": {"class": "pushover_logging.PushoverHandler", "enabled": "auto"}},
        "root": {"handlers": ["phone"]},
    })
[handler] = logging.getLogger().handlers
assert handler.drain() and handler.flush()
assert handler.stats().accepted == 0
assert "requests" not in sys.modules
"""
    )

    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )

    assert run.returncode == 0, run.stderr
    [line] = run.stderr.splitlines()
    assert line.startswith("pushover_logging: a PushoverHandler does nothing: token")


def test_auto_with_a_token_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSHOVER_TOKEN", "a" * 30)
    monkeypatch.setenv("PUSHOVER_USER", "u" * 30)

    handler = configure(enabled="auto", api_url="http://127.0.0.1:9/1/")

    assert handler._config.enabled is True


def test_auto_still_refuses_a_wrong_token_and_other_wrong_options() -> None:
    with pytest.raises(ValueError, match="phone") as token:
        configure(enabled="auto", token="short")
    with pytest.raises(ValueError, match="phone") as option:
        configure(enabled="auto", capacity=0)

    assert str(token.value.__cause__).startswith("token is of length 5")
    assert str(option.value.__cause__).startswith("capacity is 0")
