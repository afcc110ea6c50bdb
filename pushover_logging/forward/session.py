"""One run of ``forward``: reads logs, hands their records over, remembers what was delivered."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .files import PACKED, is_rotated
from .following import Follower
from .packed import PackedLog, was_read
from .piping import Pipe, descriptor_of, is_pipe
from .places import Places
from .reading import Reader, read_text
from .records import RecordReader
from .sending import Sender, Stopped

if TYPE_CHECKING:
    from pushover_logging.handler import PushoverHandler

_INTERVAL = 0.25
"""Seconds between two reads of a log."""
_SAVE_EVERY = 0.4
"""Seconds of reading after which the places are saved, so that little is repeated after a crash."""
_AFTER_SIGNAL = 5.0
"""Seconds that delivery may take once a signal has come; the logs keep what is not delivered."""
_DRAIN_STEP = 0.5

Log = Follower | Pipe | PackedLog


@dataclass(frozen=True)
class Settings:
    """What a run is to do."""

    names: Sequence[str]
    level: int
    reader: Reader = read_text
    once: bool = False
    from_start: bool = False
    patience: float = 30.0
    """Seconds that delivery may take at the end."""
    quota_reserve: int = 500


@dataclass(frozen=True)
class Result:
    """How a run ended."""

    refused: bool
    """The service refused the token or the user."""
    lost: bool
    """Some records were not delivered."""
    unsaved: bool
    """The places could not be saved."""
    unread: bool
    """A log could not be read."""


class Session:
    """Follows logs until a signal comes, or to their ends."""

    def __init__(
        self,
        settings: Settings,
        handler: PushoverHandler,
        places: Places | None,
        signals: socket.socket,
        say: Callable[[str], None],
        show: Callable[[Session], None] = lambda _: None,
    ) -> None:
        """``signals`` can be read when a signal has come; ``show`` is called while logs are read.

        Raises ValueError for logs that cannot be followed as they are to be.
        """
        self._settings = settings
        self._places = places
        self._signals = signals
        self._say = say
        self._show = show
        self._unread = False
        self._unsaved = False
        self._saved_at = time.monotonic()
        self._read_in_all: tuple[int, int] | None = None
        self.sender: Sender = Sender(handler, settings.quota_reserve, self._pause)
        self._logs: list[Log] = list(self._opened())

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes of the files that were read, and bytes that there are."""
        if self._read_in_all is not None:
            return self._read_in_all
        files = [log for log in self._logs if isinstance(log, Follower)]
        return sum(log.offset for log in files), sum(log.size for log in files)

    def run(self) -> Result:
        """Read and deliver."""
        patience = self._settings.patience
        try:
            self._read()
            while not self._is_at_end():
                self._remember()
                self._pause(_INTERVAL)
                self._read()
            self._finish()
            self._settle()
            self.sender.finish()
        except Stopped:
            patience = min(patience, _AFTER_SIGNAL)
            if self._places is None and not self.sender.refused:
                self._finish()
        self._drain(patience)
        if self._places is not None and not self.sender.lost:
            self._save(self._places)
        self._read_in_all = self.progress
        for log in self._logs:
            log.close()
        return Result(self.sender.refused, self.sender.lost, self._unsaved, self._unread)

    def _opened(self) -> Iterator[Log]:
        seen: dict[tuple[int, int], str] = {}
        for name in _in_order(self._settings.names):
            path = Path(name)
            if descriptor_of(name) is None and path.exists() and not is_pipe(name):
                state = path.stat()
                identity = (state.st_dev, state.st_ino)
                if identity in seen:
                    self._say(f"{name} is the same file as {seen[identity]}; it is read once")
                    continue
                seen[identity] = name
            log = self._open(name)
            if log is not None:
                yield log

    def _open(self, name: str) -> Log | None:
        if descriptor_of(name) is not None or is_pipe(name):
            if self._places is not None:
                raise ValueError(f"--state remembers places in files, and {_named(name)} has none")
            try:
                return Pipe(name, self._records(name), self._say, once=self._settings.once)
            except OSError as error:
                self._refuse(name, error)
                return None
        if PACKED.search(name):
            return self._open_packed(name)
        return self._open_file(name)

    def _open_file(self, name: str) -> Log | None:
        path, settings = Path(name), self._settings
        is_there = path.exists()
        if not is_there and settings.once:
            self._say(f"{name} is not there")
            self._unread = True
            return None
        if not is_there:
            self._say(f"{name} is not there yet; waiting for it")
        from_start = settings.from_start or (settings.once and self._places is None)
        follower = Follower(
            path,
            self._places.of(path) if self._places else (),
            records=lambda: self._records(name),
            say=self._say,
            # All that is written into a log that is made from now on is new.
            at_end=is_there and not from_start,
            is_static=any(is_rotated(path, Path(other)) for other in settings.names),
        )
        if follower.behind:
            self._say(f"{name} was rotated away since the last run; what it got then is not read")
        if follower.is_unread and is_there and settings.once:
            self._unread = True
        return follower

    def _open_packed(self, name: str) -> Log | None:
        path = Path(name)
        if not (self._settings.from_start or (self._settings.once and self._places is None)):
            self._say(f"{name} is compressed and left out; --from-start reads it")
            return None
        try:
            if self._places is not None and was_read(path, list(self._places.of(path))):
                return None
            return PackedLog(path, self._records(name))
        except (OSError, ValueError) as error:
            self._refuse(name, error)
            return None

    def _refuse(self, name: str, error: Exception) -> None:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        self._say(f"{name} cannot be read: {reason}")
        self._unread = True

    def _records(self, name: str) -> RecordReader:
        settings = self._settings
        shown = _named(name)
        return RecordReader(
            settings.reader, settings.level, lambda text: self._say(f"{shown}: {text}")
        )

    def _is_at_end(self) -> bool:
        if not self._logs:
            return True
        follows = any(isinstance(log, Follower) for log in self._logs)
        return (self._settings.once or not follows) and all(
            log.ended for log in self._logs if not isinstance(log, Follower)
        )

    def _read(self) -> None:
        now = time.time()
        for log in self._logs:
            name = log.path.name if not isinstance(log, Pipe) else log.name
            try:
                for entry in log.read(self._between):
                    self.sender.send(entry, name, now)
                    self._save_in_time()
            except OSError as error:
                self._refuse(name, error)
                if isinstance(log, PackedLog):
                    log.ended = True

    def _finish(self) -> None:
        """Give out the records in hand."""
        now = time.time()
        for log in self._logs:
            last_line = self._places is None
            for entry in (
                log.finish(last_line=last_line) if isinstance(log, Follower) else log.finish()
            ):
                name = log.path.name if not isinstance(log, Pipe) else log.name
                self.sender.send(entry, name, now)

    def _between(self) -> None:
        """What is due between two chunks: signals are heeded, places saved."""
        self._show(self)
        self._pause(0.0, pipes=False)
        self._save_in_time()

    def _save_in_time(self) -> None:
        if self._places is None or time.monotonic() - self._saved_at < _SAVE_EVERY:
            return
        self.sender.settle()
        if self.sender.settled():
            self._save(self._places)
        self._saved_at = time.monotonic()

    def _remember(self) -> None:
        if self._places is not None and self.sender.settled():
            self._save(self._places)

    def _save(self, places: Places) -> None:
        logs = [log for log in self._logs if not isinstance(log, Pipe)]
        self._saved_at = time.monotonic()
        try:
            places.save({log.path: log.places() for log in logs})
        except OSError as error:
            # Alerts go on; the next run repeats what is not remembered.
            if not self._unsaved:
                self._say(f"--state could not be saved: {error.strerror or error}")
            self._unsaved = True
        else:
            self._unsaved = False

    def _settle(self) -> None:
        """Let everything go as usual, before the rest goes together."""
        until = time.monotonic() + self._settings.patience
        while not self.sender.settled(_INTERVAL) and time.monotonic() < until:
            self._pause(0.0)

    def _drain(self, patience: float) -> None:
        """Send the rest; a second signal ends it."""
        until = time.monotonic() + patience
        while not self.sender.refused:
            left = until - time.monotonic()
            if self.sender.drain(max(0.0, min(left, _DRAIN_STEP))) or left <= 0:
                return
            try:
                self._pause(0.0)
            except Stopped:
                return

    def _pause(self, seconds: float = 0.0, *, pipes: bool = True) -> None:
        """Wait for a signal or for input; raises Stopped when there is no use in going on."""
        if pipes and self.sender.refused:
            raise Stopped
        sources: list[socket.socket | int] = [self._signals]
        if pipes:
            open_pipes = (log for log in self._logs if isinstance(log, Pipe) and not log.ended)
            sources += (log.descriptor for log in open_pipes)
        ready, _, _ = select.select(sources, [], [], seconds)
        if self._signals in ready:
            self._signals.recv(100)
            raise Stopped


def _in_order(names: Sequence[str]) -> list[str]:
    """Each name once; rotated files before the log that they come from, the oldest first."""
    once = list(dict.fromkeys(names))

    def older_first(name: str) -> tuple[int, float]:
        path = Path(name)
        of = [index for index, other in enumerate(once) if is_rotated(path, Path(other))]
        if not of:
            return once.index(name), float("inf")
        return of[0], path.stat().st_mtime if path.exists() else 0.0

    return sorted(once, key=older_first)


def _named(name: str) -> str:
    return "standard input" if descriptor_of(name) == 0 else Path(name).name
