"""A Dockerfile and a compose file: their command and environment, run without Docker."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Callable

import pytest
from running import Example


def test_the_command_and_environment_of_the_image_work(
    example: Callable[[str], Example],
) -> None:
    yaml = pytest.importorskip("yaml")
    shop = example("docker")
    compose = yaml.safe_load((shop.folder / "compose.yaml").read_text())
    dockerfile = (shop.folder / "Dockerfile").read_text()
    environment = dict(re.findall(r"^ENV (\w+)=(.*)$", dockerfile, re.MULTILINE))
    command = json.loads(re.findall(r"^CMD (.*)$", dockerfile, re.MULTILINE)[0])
    keys = {"pushover_token": shop.server.token, "pushover_user": shop.server.user}
    for name, secret in compose["secrets"].items():
        (shop.folder / secret["file"]).write_text(keys[name] + "\n")
    for variable, path in environment.items():
        if variable.endswith("_FILE"):
            name = path.removeprefix("/run/secrets/")
            assert name in compose["services"]["shop"]["secrets"]
            environment[variable] = str(shop.folder / compose["secrets"][name]["file"])
    environment |= {"PUSHOVER_TOKEN": "", "PUSHOVER_USER": ""}

    with shop.start([sys.executable, *command[1:]], **environment) as service:
        service.until(lambda: shop.pushes)
        exit_code = service.stop()

    assert command == ["python", "service.py"]
    assert exit_code == -signal.SIGTERM
    assert shop.pushes[0] == ("ERROR shop", "order 0 is not paid", 2)
    assert shop.rings == 1
    assert shop.records() == 3
    assert int(compose["services"]["shop"]["stop_grace_period"].rstrip("s")) > 5
