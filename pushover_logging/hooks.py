"""Functions for the ends of an application: a shutdown hook, or the end of a forked job."""

from __future__ import annotations

from .delivery.worker import WORKER

__all__ = ["drain"]


def drain(timeout: float | None = None) -> bool:
    """Have every handler send everything that waits and everything that was counted.

    Returns whether all of it is sent. Waits at most ``timeout`` seconds for all handlers together,
    by default the longest ``exit_timeout``. Call it where the process ends without Python's own
    exit: in the shutdown hook of a server that a signal ends, or before ``os._exit``.
    """
    return WORKER.drain(WORKER.pipelines(), timeout)
