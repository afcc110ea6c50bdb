"""Remembers how far each log was read, in a file that is never half written."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from .files import Place

_VERSION = 1


class Places:
    """The places in one state file; only one process at a time may use it."""

    def __init__(self, path: Path) -> None:
        """Read it. Raises ValueError for another kind of file, BlockingIOError if in use."""
        self._path = path.absolute()
        self._lock = _locked(self._path)
        self._known = _read(self._path)

    def of(self, log: Path) -> Sequence[Place]:
        """How far a log was read; empty for a log that was not read."""
        return self._known.get(str(log.absolute()), ())

    def save(self, places: Mapping[Path, Sequence[Place]]) -> None:
        """Replace the file, if there is something new; other logs' places stay in it.

        Raises OSError, and leaves the file as it was and none beside it.
        """
        known = {**self._known, **{str(log): tuple(each) for log, each in places.items()}}
        if known == self._known:
            return
        files = {log: [dataclasses.asdict(place) for place in each] for log, each in known.items()}
        fresh = self._path.with_name(f"{self._path.name}.new")
        try:
            with open(fresh, "w", encoding="utf-8", opener=_private) as file:
                json.dump({"version": _VERSION, "files": files}, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, self._path)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        self._known = known

    def close(self) -> None:
        """Let another process use it."""
        os.close(self._lock)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _read(path: Path) -> dict[str, tuple[Place, ...]]:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    try:
        state = json.loads(text)
        files = {_VERSION: state["files"]}[state["version"]]
        return {log: tuple(Place(**place) for place in places) for log, places in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        # Beginning anew could lose alerts or repeat them; a person has to choose.
        raise ValueError(f"--state {path} holds no places that this version wrote") from None


def _locked(path: Path) -> int:
    """A lock that ends with the process, on a file beside the one that is replaced."""
    import fcntl  # not on every system, and only needed here

    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise BlockingIOError(f"--state {path} is in use by another forward") from None
    return lock
