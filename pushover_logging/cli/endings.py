"""How a command ends: the exit code that a script can act on."""

from __future__ import annotations

import enum

from pushover_logging.client.errors import PushoverError, RateLimitError
from pushover_logging.stores.base import StoreError, StoreTooNew


class Exit(enum.IntEnum):
    """What a script can tell from the exit code."""

    DONE = 0
    REFUSED = 1
    """The service said no; the same again will not work."""
    USAGE = 2
    """Called wrongly, or an extra is missing; argparse ends with it too."""
    LATER = 75
    """No usable answer or store, or no messages left this month (sysexits.h: EX_TEMPFAIL)."""
    INTERRUPTED = 130
    """Ctrl-C, as a shell reports it."""


def ending(error: Exception) -> Exit | None:
    """The exit code for what a command raised; None for a defect, which deserves its traceback."""
    if isinstance(error, PushoverError):
        return Exit.LATER if error.retryable or isinstance(error, RateLimitError) else Exit.REFUSED
    if isinstance(error, StoreError):
        return Exit.USAGE if isinstance(error, StoreTooNew) else Exit.LATER
    # Options, files and addresses that are wrong, a port that is taken, an extra not installed.
    if isinstance(error, ValueError | OSError | ModuleNotFoundError):
        return Exit.USAGE
    return None
