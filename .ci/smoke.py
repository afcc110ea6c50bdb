"""Uses an installed package as a new user does: nothing but requests and tenacity beside it."""

from __future__ import annotations

import http.server
import importlib.metadata
import json
import logging.config
import subprocess
import sys
import threading
from typing import Any, ClassVar


class Service(http.server.BaseHTTPRequestHandler):
    """Accepts every message."""

    bodies: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps({"status": 1, "request": "smoke"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: Any) -> None:
        """Print nothing."""


def main(command: str) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    handler = {
        "class": "pushover_logging.PushoverHandler",
        "token": "a" * 30,
        "user": "u" * 30,
        "priorities": {"ERROR": "HIGH"},
        "api_url": f"http://127.0.0.1:{server.server_port}/1/",
    }
    logging.config.dictConfig(
        {"version": 1, "handlers": {"phone": handler}, "root": {"handlers": ["phone"]}}
    )
    logging.error("the smoke test")
    logging.shutdown()
    assert len(Service.bodies) == 1, Service.bodies
    assert b"the+smoke+test" in Service.bodies[0], Service.bodies
    server.shutdown()
    for arguments in (["--help"], ["send", "--help"], ["--version"]):
        subprocess.run([command, *arguments], check=True, stdout=subprocess.DEVNULL)
    version = subprocess.run([command, "--version"], check=True, capture_output=True, text=True)
    assert importlib.metadata.version("pushover-logging") in version.stdout
    print("installed, configured, sent, and helped")


if __name__ == "__main__":
    main(sys.argv[1])
