"""A pipe as a log: standard input, a FIFO, or what a shell passes as ``/dev/fd/63``."""

from __future__ import annotations

import codecs
import os
import re
import select
import stat
from collections.abc import Callable, Iterator

from .entry import Entry
from .files import LONGEST
from .records import RecordReader

_CHUNK = 65_536
_DESCRIPTOR = re.compile(r"(?:/dev/fd|/proc/self/fd)/(\d{1,9})\Z")


def descriptor_of(name: str) -> int | None:
    """The open descriptor that a name stands for; None for the name of a file."""
    if name in ("-", "/dev/stdin"):
        return 0
    found = _DESCRIPTOR.match(name)
    return int(found[1]) if found else None


def is_pipe(name: str) -> bool:
    """Whether a name is that of a FIFO, a socket or a device, which has no places to remember."""
    try:
        mode = os.stat(name).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)


class Pipe:
    """The records that come through a descriptor, until its other end is closed.

    A FIFO by name is opened anew when its writer has gone, unless that is to be the end.
    """

    def __init__(
        self,
        name: str,
        records: RecordReader,
        say: Callable[[str], None] = lambda _: None,
        *,
        once: bool = False,
    ) -> None:
        """Raises OSError for a name that cannot be opened."""
        known = descriptor_of(name)
        self.name: str = "stdin" if known == 0 else os.path.basename(name)
        self.ended: bool = False
        self._path = None if known is not None else name
        self._opens_again = not once and known is None and stat.S_ISFIFO(os.stat(name).st_mode)
        self.descriptor: int = self._opened() if known is None else known
        self._records = records
        self._say = say
        self._decoder: codecs.IncrementalDecoder | None = None
        self._begun = False
        self._rest = b""
        self._skipping = False
        self._said = False

    def read(self, between: Callable[[], None] = lambda: None) -> Iterator[Entry]:
        """The records that are whole by now; ``between`` is called between two chunks."""
        while not self.ended and select.select([self.descriptor], [], [], 0)[0]:
            try:
                chunk = os.read(self.descriptor, _CHUNK)
            except BlockingIOError:
                break
            if not chunk:
                yield from self._take_rest()
                self._at_end()
                break
            yield from self._take(chunk)
            yield from self._records.expired()
            between()
        yield from self._records.expired()

    def finish(self) -> Iterator[Entry]:
        """The records in hand, and a last line without an end."""
        yield from self._take_rest()
        yield from self._records.end()

    def close(self) -> None:
        """Close what was opened here."""
        if self._path is not None and self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _opened(self) -> int:
        return os.open(self._path or "", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def _at_end(self) -> None:
        if self._opens_again:
            os.close(self.descriptor)
            self.descriptor = self._opened()
        else:
            self.ended = True

    def _take(self, chunk: bytes) -> Iterator[Entry]:
        if not self._begun:
            self._begun = True
            if chunk[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                self._decoder = codecs.getincrementaldecoder("utf-16")("replace")
        if self._decoder is not None:
            chunk = self._decoder.decode(chunk).encode("utf-8", "replace")
        end = chunk.rfind(b"\n") + 1
        if not end:
            self._keep(chunk)
            return
        whole = self._rest + chunk[:end]
        if self._skipping:
            whole = whole[whole.find(b"\n") + 1 :]
            self._skipping = False
        self._rest = b""
        self._keep(chunk[end:])
        yield from self._records.read(whole)

    def _take_rest(self) -> Iterator[Entry]:
        rest, self._rest = self._rest, b""
        if rest and not self._skipping:
            yield from self._records.read(rest)
        self._skipping = False

    def _keep(self, part: bytes) -> None:
        """Keep the beginning of a line; of a line that is too long only that."""
        self._rest += part
        if len(self._rest) <= LONGEST:
            return
        if not self._skipping and not self._said:
            self._said = True
            self._say(f"{self.name} has a line longer than {LONGEST:,} bytes; it is left out")
        self._skipping = True
        self._rest = b""
