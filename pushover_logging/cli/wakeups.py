"""Signals as bytes to read, so that one ``select`` waits for them and for everything else."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def wakeups(*numbers: signal.Signals) -> Iterator[socket.socket]:
    """A socket that gets the number of each of these signals as a byte, while the block runs.

    What was ignored, as SIGHUP is under nohup, stays ignored; SIGCHLD alone is always caught.
    """
    receiver, sender = socket.socketpair()
    receiver.setblocking(False)
    sender.setblocking(False)
    before = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    # A handler of Python's is gone in a child that is started meanwhile; an ignored signal is not.
    replaced = {
        number: signal.signal(number, _nothing)
        for number in numbers
        if number is signal.SIGCHLD or signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield receiver
    finally:
        for number, handler in replaced.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(before)
        receiver.close()
        sender.close()


def _nothing(number: int, frame: FrameType | None) -> None:
    """The socket says it all."""
