"""A secret that a Kubernetes manifest mounts as files."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

import pytest
from running import Example


def test_the_mounted_secret_is_read(example: Callable[[str], Example]) -> None:
    yaml = pytest.importorskip("yaml")
    shop = example("kubernetes")
    secret, deployment = yaml.safe_load_all((shop.folder / "shop.yaml").read_text())
    pod = deployment["spec"]["template"]["spec"]
    [container], [volume] = pod["containers"], pod["volumes"]
    [mount] = container["volumeMounts"]
    mounted = shop.folder / "mounted"
    mounted.mkdir()
    keys = {"token": shop.server.token, "user": shop.server.user}
    for name in secret["stringData"]:
        (mounted / name).write_text(keys[name])
    environment = {
        each["name"]: each["value"].replace(mount["mountPath"], str(mounted))
        for each in container["env"]
    }
    environment |= {"PUSHOVER_TOKEN": "", "PUSHOVER_USER": ""}

    with shop.start([sys.executable, *container["command"][1:]], **environment) as service:
        service.until(lambda: shop.pushes)
        exit_code = service.stop()

    assert volume["secret"]["secretName"] == secret["metadata"]["name"]
    assert mount["name"] == volume["name"]
    assert exit_code == -signal.SIGTERM
    assert shop.pushes[0] == ("ERROR shop", "order 0 is not paid", 2)
    assert shop.rings == 1
    assert shop.records() == 3
    assert pod["terminationGracePeriodSeconds"] > 5
