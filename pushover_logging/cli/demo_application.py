"""Runs an unchanged application and writes the counts of its handlers to a file, for ``demo``.

python -m pushover_logging.cli.demo_application STATS.json APPLICATION.py [ARGUMENT...]
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
"""Seconds to wait for pending alerts at the end; the outage of the demo is far shorter."""
_ASK_AGAIN = 1.0
"""Seconds until it is asked again whether the service refuses the token."""


def main() -> None:
    """Run the application as ``__main__``, and write the counts however it ends."""
    stats, application, *arguments = sys.argv[1:]
    sys.argv = [application, *arguments]
    # Exit hooks run last in, first out: this one after the handlers', which send the last counts.
    # Those are registered when the application configures its handlers, which is later.
    atexit.register(lambda: Path(stats).write_text(json.dumps(_counts()), "utf-8"))
    try:
        runpy.run_path(application, run_name="__main__")
    finally:
        until = time.monotonic() + _PATIENCE
        for handler in _handlers():
            while not handler.drain(_ASK_AGAIN) and time.monotonic() < until:
                if handler.stats().refused is not None:
                    break  # the next attempt is a minute away


def _counts() -> Counter[str]:
    """The sums over all handlers."""
    counts = Counter[str](accepted=0, delivered=0, pending=0, dropped=0, pushes=0)
    for handler in _handlers():
        stats = handler.stats()
        counts["accepted"] += stats.accepted
        counts["delivered"] += stats.delivered
        counts["pending"] += stats.pending
        counts["dropped"] += sum(stats.dropped.values())
        counts["pushes"] += stats.pushes
    return counts


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
