"""Remembers how far each log was read, in a file that is never half written."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from .files import Place

_VERSION = 1


class Places:
    """The places in one state file; only one process at a time may use it."""

    def __init__(self, path: Path) -> None:
        """Read it. Raises ValueError for a file that is none of ours, BlockingIOError if in use."""
        self._path = path.absolute()
        self._lock = _locked(self._path)
        self._known = _read(self._path)

    def of(self, log: Path) -> Sequence[Place]:
        """How far a log was read; nothing for one that wasn't."""
        return self._known.get(str(log.absolute()), ())

    def save(self, places: Mapping[Path, Sequence[Place]]) -> None:
        """Replace the file, if there is something new; other logs' places stay in it."""
        known = {**self._known, **{str(log): tuple(each) for log, each in places.items()}}
        if known == self._known:
            return
        files = {log: [dataclasses.asdict(place) for place in each] for log, each in known.items()}
        with tempfile.NamedTemporaryFile(
            "w", dir=self._path.parent, prefix=f"{self._path.name}.", delete=False
        ) as file:
            json.dump({"version": _VERSION, "files": files}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(file.name, self._path)
        self._known = known

    def close(self) -> None:
        """Let another process use it."""
        os.close(self._lock)


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
        # To begin anew could lose alerts or repeat them; a person shall choose.
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
