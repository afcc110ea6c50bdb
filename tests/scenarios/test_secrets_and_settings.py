"""Secrets stay secret, and every way there is to configure logging leads to a push."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from typing import Any

import pytest
from harness import Scenario, each_once, mark


@pytest.mark.scenario("K1")
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 400, "body": {"status": 0, "errors": ["no"]}},
        {"kind": "status", "status": 500, "body": "oops"},
        {"kind": "reset"},
        {"kind": "hang"},
        {"kind": "garbage"},
    ],
    ids=["400", "500", "reset", "hang", "garbage"],
)
def test_no_failure_shows_a_secret(scenario: Scenario, server: Any, fault: dict[str, Any]) -> None:
    """K1: not with all of logging on the screen, in no repr, no notice and no callback's error."""
    program = """
import logging, stage
logging.basicConfig(level="DEBUG")
on_error = lambda *args: print("on_error:", args, *map(repr, args), *map(vars_of, args))
vars_of = lambda value: getattr(value, "__dict__", "")
phone = stage.attach(on_error=on_error, timeout=0.3, exit_timeout=0.3,
                     retry_policy={"attempts": 2, "wait_initial": 0.05, "wait_max": 0.05})
logging.getLogger("shop").error(stage.mark(0))
phone.flush(2)
print(repr(phone), str(phone), phone.stats())
"""

    server.fault(count=None, **fault)
    outcome = scenario.run(program)

    assert "PushoverHandler" in outcome.stdout
    assert "shop" in outcome.stderr


@pytest.mark.scenario("K1")
@pytest.mark.parametrize(
    "options",
    [
        "tokn=token",
        "token=token + 'x'",
        "user=[user, user + '!']",
        "params={'token': token}",
        "token=token, title=user, retry=-1",
        "api_url='http://' + token + '@example.org/'",
        "token='file:' + token",
        "token='env:' + token",
        "grouping={'key': 3, 'token': token}",
    ],
)
def test_no_configuration_error_shows_a_secret(scenario: Scenario, options: str) -> None:
    """K1: the sentence names the option, never what was given for a secret, traceback and all."""
    program = f"""
import os, stage
token, user = os.environ["PUSHOVER_TOKEN"], os.environ["PUSHOVER_USER"]
stage.handler({options})
"""
    outcome = scenario.run(program, exit_code=1)

    assert "Error: " in outcome.complaints[-1]


@pytest.mark.scenario("L1")
def test_options_are_understood_as_strings_and_at_any_depth(
    scenario: Scenario, server: Any
) -> None:
    """L1: what ext:// and cfg:// stand for arrives, in nested mappings and lists too."""
    program = """
import logging.config, stage
SOUND, SECONDS, TOKEN_NAME = "siren", "0.1s", "env:PUSHOVER_TOKEN"
logging.config.dictConfig({
    "version": 1,
    "waits": {"longest": ["1s", "0.5s"]},
    "people": {"user": "env:PUSHOVER_USER"},
    "levels": {"critical": "ext://logging.CRITICAL"},
    "handlers": {
        "phone": {
            "class": "pushover_logging.PushoverHandler",
            "token": "ext://__main__.TOKEN_NAME",
            "user": ["cfg://people.user"],
            "level": "INFO",
            "priorities": {"ERROR": "HIGH", "WARNING": 0, "INFO": None},
            "sound": "ext://__main__.SOUND",
            "title": "{levelname} on {hostname}",
            "html": "false",
            "ttl": "1h",
            "timeout": ["5s", "ext://__main__.SECONDS"],
            "params": {"nested": "cfg://people.user"},
            "retry_policy": {
                "attempts": "5",
                "wait_initial": "ext://__main__.SECONDS",
                "wait_max": "cfg://waits.longest[1]",
            },
            "grouping": {"interval": "5m", "max_per_minute": "600"},
            "exit_timeout": "2s",
            "capacity": "100",
        }
    },
    "root": {"level": "DEBUG", "handlers": ["phone"]},
})
logging.error(stage.mark(0))
logging.info(stage.mark(1))
logging.getHandlerByName("phone").flush(10) if hasattr(logging, "getHandlerByName") else None
"""

    server.fault("status", count=3, status=500)
    outcome = scenario.run(program)

    (message,) = outcome.messages
    assert outcome.marks == each_once(1)
    assert message.params["user"] == server.user
    assert message.params["priority"] == "1"
    assert message.params["sound"] == "siren"
    assert message.params["ttl"] == "3600"
    assert message.params["title"] == f"ERROR on {socket.gethostname()}"
    assert message.params["nested"] == "env:PUSHOVER_USER"


@pytest.mark.scenario("L2")
@pytest.mark.parametrize(
    ("options", "unset", "words"),
    [
        ({}, "PUSHOVER_TOKEN", ["token is missing", "PUSHOVER_TOKEN", "PUSHOVER_TOKEN_FILE"]),
        ({}, "PUSHOVER_USER", ["user is missing", "PUSHOVER_USER", "env:", "file:"]),
        ({"titel": "x"}, "", ["titel", "title"]),
        ({"retry_policy": {"wait_inital": 5}}, "", ["wait_inital", "wait_initial"]),
        ({"grouping": {"intervall": 5}}, "", ["intervall", "interval"]),
        ({"retry": 20}, "", ["retry", "20", "30"]),
        ({"expire": "4h"}, "", ["expire", "14400", "10800"]),
        ({"priorities": {"ERROR": "URGENT"}}, "", ["priorities", "URGENT"]),
        ({"api_url": "http://example.org/1/"}, "", ["api_url", "https"]),
        ({"retry_policy": {"wait_initial": 1}, "api_url": ""}, "", ["api_url"]),
        ({"capacity": 0}, "", ["capacity", "0", "1"]),
    ],
)
def test_a_configuration_error_is_one_sentence_that_helps(
    scenario: Scenario, options: dict[str, Any], unset: str, words: list[str]
) -> None:
    """L2: it names the option, the bound or nearest name, the ways to give what is missing."""
    program = f"""
import json, logging.config, os, sys, stage
os.environ.pop({unset!r}, None)
handler = {{"class": "pushover_logging.PushoverHandler", **json.loads({json.dumps(options)!r})}}
try:
    logging.config.dictConfig({{"version": 1, "handlers": {{"phone": handler}}}})
except ValueError as error:
    while error.__cause__: error = error.__cause__
    print(error)
"""

    outcome = scenario.run(program)

    (sentence,) = outcome.stdout.splitlines()
    assert all(word in sentence for word in words), sentence


CONFIGURATIONS = {
    "basicConfig": """
import logging, pushover_logging
logging.basicConfig(level="INFO", handlers=[pushover_logging.PushoverHandler()])
logging.getLogger("shop").error("{mark}")
""",
    "dictConfig": """
import logging.config
logging.config.dictConfig({
    "version": 1,
    "handlers": {"phone": {"class": "pushover_logging.PushoverHandler", "level": "ERROR"}},
    "root": {"handlers": ["phone"]},
})
logging.getLogger("shop").error("{mark}")
""",
    "fileConfig": """
import io, logging.config
logging.config.fileConfig(io.StringIO('''
[loggers]
keys=root
[handlers]
keys=phone
[formatters]
keys=
[logger_root]
level=INFO
handlers=phone
[handler_phone]
class=pushover_logging.PushoverHandler
level=ERROR
kwargs={"priorities": {"ERROR": "HIGH"}, "title": "{levelname}"}
'''))
logging.getLogger("shop").error("{mark}")
""",
    "Django": """
import django, logging
from django.conf import settings
settings.configure(LOGGING={
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"production": {"()": "django.utils.log.RequireDebugFalse"}},
    "handlers": {
        "phone": {
            "class": "pushover_logging.PushoverHandler",
            "level": "ERROR",
            "filters": ["production"],
        },
    },
    "loggers": {"django": {"handlers": ["phone"]}},
})
django.setup()
logging.getLogger("django.request").error("{mark}")
""",
}


@pytest.mark.scenario("L3")
@pytest.mark.parametrize("way", CONFIGURATIONS)
def test_every_way_to_configure_logging_delivers(scenario: Scenario, way: str) -> None:
    """L3: with the defaults, and one real push for the one real record."""
    if way == "Django":
        pytest.importorskip("django")
    program = "import stage\n" + CONFIGURATIONS[way].replace("{mark}", mark(0))

    outcome = scenario.run(program)

    assert outcome.marks == each_once(1)
    assert outcome.records == 1


FAILING_APPLICATION = """
import logging, stage

def application(environ, start_response):
    logging.getLogger("shop").error(environ["PATH_INFO"].strip("/"))
    start_response("204 No Content", [])
    return []

async def asgi(scope, receive, send):
    assert scope["type"] == "http", "no lifespan here"
    logging.getLogger("shop").error(scope["path"].strip("/"))
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})
"""
LOG_CONFIG = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"phone": {"class": "pushover_logging.PushoverHandler", "level": "ERROR"}},
    "root": {"handlers": ["phone"], "level": "INFO"},
    "loggers": {},  # else gunicorn adds its own, and to them handlers that are not here
}


@pytest.mark.scenario("L3")
@pytest.mark.parametrize("web_server", ["uvicorn", "gunicorn"])
def test_a_web_server_configured_by_its_own_means_delivers(
    scenario: Scenario, server: Any, web_server: str
) -> None:
    """L3: uvicorn with --log-config, gunicorn with logconfig_dict in its configuration file."""
    pytest.importorskip(web_server)
    (scenario.folder / "shop.py").write_text(FAILING_APPLICATION)
    (scenario.folder / "logging.json").write_text(json.dumps(LOG_CONFIG))
    (scenario.folder / "gunicorn.conf.py").write_text(f"logconfig_dict = {LOG_CONFIG!r}\n")
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/{mark(0)}"
    module, descriptor, folder = [sys.executable, "-m"], listener.fileno(), str(scenario.folder)
    commands = {
        "uvicorn": "uvicorn --lifespan off --log-config {}/logging.json shop:asgi --fd {}",
        "gunicorn": "gunicorn --config {}/gunicorn.conf.py shop:application --bind fd://{}",
    }

    def visit(server_process: subprocess.Popen[bytes]) -> None:
        urllib.request.urlopen(address, timeout=15).close()
        server.wait_for(1)  # uvicorn ends by the signal itself: no atexit callback runs
        os.kill(server_process.pid, signal.SIGTERM)

    outcome = scenario.run_command(
        [*module, *commands[web_server].format(folder, descriptor).split()],
        env={"PYTHONPATH": os.pathsep.join([scenario.environment()["PYTHONPATH"], folder])},
        exit_code={"uvicorn": -signal.SIGTERM, "gunicorn": 0}[web_server],
        processes=2,
        meanwhile=visit,
        pass_fds=[descriptor],
    )
    listener.close()

    assert outcome.marks == each_once(1)
    assert outcome.records == 1
