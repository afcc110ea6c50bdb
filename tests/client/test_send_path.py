"""A successful send visits few files of the client, and comes back to each seldom."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from types import FrameType

from pushover_logging import client
from pushover_logging.client import Application
from pushover_logging.client.parameters import Value
from pushover_logging.devserver import DevServer

CLIENT = Path(client.__file__).parent


@contextmanager
def visited_files() -> Iterator[list[str]]:
    """The client's files in the order of the calls into them."""
    files: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.parent == CLIENT:
            files.append(path.name)

    sys.setprofile(note)
    try:
        yield files
    finally:
        sys.setprofile(None)


def test_a_send_visits_three_files_and_changes_between_them_at_most_eight_times() -> None:
    with DevServer(port=0) as server:
        app = Application(server.token, api_url=server.url)
        message: dict[str, Value] = {
            "user": server.user,
            "message": "disk full",
            "title": "db",
            "priority": 1,
        }
        app.send(message)

        with visited_files() as files:
            app.send(message)
        app.close()

    assert set(files) == {"application.py", "transport.py", "answers.py"}
    assert len(list(groupby(files))) - 1 <= 8
