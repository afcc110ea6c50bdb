"""Counterexamples: the handlers that one finds in gists. The scenarios must fail with these.

Run them with ``SCENARIO_HANDLER=naive:Direct python -m pytest tests/scenarios``.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
from types import SimpleNamespace
from typing import Any

import requests


class Direct(logging.Handler):
    """Sends from the logging call itself."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.timeout = options.get("timeout", 10)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1
        self.send(self.format(record))

    def send(self, text: str) -> None:
        payload = {
            "token": os.environ["PUSHOVER_TOKEN"],
            "user": os.environ["PUSHOVER_USER"],
            "message": text,
        }
        url = os.environ["PUSHOVER_API_URL"] + "messages.json"
        requests.post(url, data=payload, timeout=self.timeout).raise_for_status()

    def flush(self, timeout: float | None = None) -> bool:
        return True

    def stats(self) -> Any:
        return SimpleNamespace(accepted=self.count, delivered=self.count, pending=0, dropped={})


class Threaded(Direct):
    """Sends from a thread, through an unbounded queue."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.queue: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self.work, daemon=True).start()
        atexit.register(self.queue.join)

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1
        self.queue.put(self.format(record))

    def work(self) -> None:
        while True:
            text = self.queue.get()
            try:
                self.send(text)
            except Exception:
                logging.getLogger(__name__).exception("cannot push")
            self.queue.task_done()

    def flush(self, timeout: float | None = None) -> bool:
        self.queue.join()
        return True
