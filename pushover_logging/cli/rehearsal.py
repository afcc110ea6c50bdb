"""Runs an application just as it is, then writes down what its Pushover handlers did; for ``demo``.

python -m pushover_logging.cli.rehearsal STATS.json APPLICATION.py [ARGUMENT...]
"""

from __future__ import annotations

import atexit
import json
import logging
import runpy
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pushover_logging.handler import PushoverHandler

_PATIENCE = 60.0
"""Seconds for what still waits when the application is done; the demo's outage is far shorter."""


def main() -> None:
    """Run it under its own name; whatever ends it, the books are written."""
    stats, application, *arguments = sys.argv[1:]
    sys.argv = [application, *arguments]
    # Exit hooks run last in, first out: this one after the handlers', which send the last counts.
    # They are registered when the application configures them, for nothing has loaded them yet.
    atexit.register(lambda: Path(stats).write_text(json.dumps(_books()), "utf-8"))
    try:
        runpy.run_path(application, run_name="__main__")
    finally:
        for handler in _handlers():
            _deliver(handler)


def _deliver(handler: PushoverHandler) -> None:
    """Wait until nothing waits, unless the service refuses the token or the user."""
    until = time.monotonic() + _PATIENCE
    while not handler.flush(0.5):
        if handler.stats().refused is not None or time.monotonic() > until:
            return


def _books() -> Counter[str]:
    """The sums over all handlers."""
    books = Counter[str](accepted=0, delivered=0, pending=0, dropped=0, pushes=0)
    for handler in _handlers():
        stats = handler.stats()
        books["accepted"] += stats.accepted
        books["delivered"] += stats.delivered
        books["pending"] += stats.pending
        books["dropped"] += sum(stats.dropped.values())
        books["pushes"] += stats.pushes
    return books


def _handlers() -> Iterator[PushoverHandler]:
    from pushover_logging.handler import PushoverHandler  # no earlier: see main

    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    handlers = {
        handler
        for logger in loggers
        if isinstance(logger, logging.Logger)
        for handler in logger.handlers
    }
    return (handler for handler in handlers if isinstance(handler, PushoverHandler))


if __name__ == "__main__":
    main()
