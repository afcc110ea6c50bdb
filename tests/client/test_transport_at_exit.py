"""The transport at the end of the process, after urllib3 has emptied its pools."""

from __future__ import annotations

import os
import subprocess
import sys

from pushover_logging.devserver import DevServer

PROGRAM = """
import atexit, sys
atexit.register(lambda: application.send({"user": user, "message": "sent at exit"}))
from pushover_logging import Application
token, user, api_url = sys.argv[1:]
application = Application(token, api_url=api_url)
application.send({"user": user, "message": "sent before"})
"""


def test_an_exit_hook_sends_after_urllib3_has_emptied_its_pools() -> None:
    with DevServer(port=0) as server:
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM, server.token, server.user, server.url],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    texts = [message.params["message"] for message in server.messages]
    assert texts == ["sent before", "sent at exit"], run.stderr
