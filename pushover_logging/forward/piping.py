"""Standard input as a log: what another program prints."""

from __future__ import annotations

import codecs
import os
import select
import time
from collections.abc import Iterator

from .formats import Reader
from .joining import Joined, Joiner

_CHUNK = 65_536
_QUIET = 1.0
_LONGEST = 1_048_576


class Pipe:
    """The records that come through a file descriptor, until its other end is closed."""

    def __init__(self, descriptor: int, reader: Reader) -> None:
        self.descriptor = descriptor
        self.ended = False
        self._joiner = Joiner(reader)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._heard = time.monotonic()

    def read(self, now: float) -> Iterator[Joined]:
        """The records that are whole by now."""
        while not self.ended and select.select([self.descriptor], [], [], 0)[0]:
            chunk = os.read(self.descriptor, _CHUNK)
            self.ended = not chunk
            self._heard = time.monotonic()
            yield from self._take(self._decoder.decode(chunk, self.ended), now)
        if time.monotonic() - self._heard > _QUIET:
            yield from self._whole(self._joiner.finish())

    def finish(self, now: float) -> Iterator[Joined]:
        """The records that only waited for more."""
        rest, self._rest = self._rest, ""
        if rest:
            yield from self._whole(self._joiner.feed(rest, 0, now))
        yield from self._whole(self._joiner.finish())

    def _take(self, text: str, now: float) -> Iterator[Joined]:
        *lines, self._rest = (self._rest + text).split("\n")
        self._rest = self._rest[:_LONGEST]
        for line in lines:
            yield from self._whole(self._joiner.feed(line.rstrip("\r"), 0, now))

    def _whole(self, joined: Joined | None) -> Iterator[Joined]:
        if joined is not None:
            yield joined
