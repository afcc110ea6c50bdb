"""Simulated faults: what goes wrong, how often, and for which calls."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from pushover_logging.devserver.account import is_finite

FaultKind = Literal["status", "delay", "hang", "reset", "garbage", "lost"]
FaultBody = str | bytes | Mapping[str, object]

FAULTS_MAXIMUM = 1_000
"""At most this many faults wait for their requests."""
SECONDS_MAXIMUM = 86_400
COUNT_MAXIMUM = 1_000_000_000

_OPTIONS = ("status", "body", "seconds", "headers")
_MEANINGFUL = {
    "status": ("status", "body", "headers"),
    "delay": ("seconds",),
    "garbage": ("body", "headers"),
}
_HTML = "<html><body><h1>{status}</h1><p>This answer simulates a fault.</p></body></html>"
_GARBAGE = "{'this': is not JSON"
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_TEXT = re.compile(r"[ -~\u00a0-\u00ff]{0,4000}")
_FRAMING = ("content-length", "transfer-encoding", "connection")


@dataclass
class Fault:
    """A simulated fault for the next ``count`` requests, or for all requests if it is None.

    ``"status"`` answers with ``status``, ``body`` and ``headers`` instead of handling the request.
    ``"delay"`` answers as usual, ``seconds`` late. ``"hang"`` does not answer until faults are
    cleared, and then as usual to clients that still wait. ``"reset"`` breaks the connection.
    ``"garbage"`` answers 200 with a body that isn't JSON. ``"lost"`` handles the request and closes
    the connection without an answer. ``path`` is the beginning of an address below ``/1/``.
    """

    kind: FaultKind
    count: int | None = 1
    path: str | None = None
    status: int | None = None
    body: FaultBody | None = field(default=None, repr=False)
    seconds: float | None = None
    headers: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"kind is {self.kind!r:.80}; it must be one of {get_args(FaultKind)}")
        for name in _OPTIONS:
            if getattr(self, name) is not None and name not in _MEANINGFUL.get(self.kind, ()):
                raise ValueError(f"{name} means nothing to a fault of kind {self.kind!r}")
        count, status, seconds = self.count, self.status, self.seconds
        if count is not None and not (type(count) is int and 1 <= count <= COUNT_MAXIMUM):
            raise ValueError(
                f"count is {count!r:.40}; it must be at least 1 and at most {COUNT_MAXIMUM}, "
                "or None for all requests"
            )
        if status is not None and not (type(status) is int and 200 <= status <= 599):
            raise ValueError(f"status is {status!r:.40}; it must be from 200 to 599")
        if seconds is not None and not (is_finite(seconds) and 0 <= seconds <= SECONDS_MAXIMUM):
            raise ValueError(
                f"seconds is {seconds!r:.40}; it must be 0 or more, and at most {SECONDS_MAXIMUM}"
            )
        if self.path is not None and not isinstance(self.path, str):
            raise TypeError(f"path is {self.path!r:.80}; it must be a text such as messages.json")
        self._check_answer()

    def _check_answer(self) -> None:
        if not isinstance(self.body, str | bytes | Mapping | None):
            raise TypeError(f"body is {self.body!r:.80}; it must be a text, bytes or an object")
        _ = self.answer_body  # raises ValueError if it cannot be encoded
        if self.headers is None:
            return
        if not isinstance(self.headers, Mapping):
            raise TypeError(f"headers is {self.headers!r:.80}; it must be an object of texts")
        for name, text in self.headers.items():
            valid = isinstance(name, str) and isinstance(text, str)
            if not (valid and _HEADER_NAME.fullmatch(name) and _HEADER_TEXT.fullmatch(text)):
                raise ValueError(f"headers has {name!r:.80}: {text!r:.80}, which HTTP cannot carry")
            if name.lower() in _FRAMING:
                raise ValueError(f"headers has {name!r}, which the server sets itself")

    def matches(self, path: str) -> bool:
        """Whether it applies to a request to that address."""
        return self.path is None or _below(path).startswith(_below(self.path))

    @property
    def delay(self) -> float:
        """By how many seconds it delays an answer."""
        return 1.0 if self.seconds is None else self.seconds

    @property
    def answer_status(self) -> int:
        """The HTTP status it answers with."""
        return 200 if self.kind == "garbage" else self.status or 500

    @property
    def answer_body(self) -> tuple[str, bytes]:
        """The content type and the bytes it answers with."""
        if self.answer_status in (204, 304):
            return "text/plain", b""
        if isinstance(self.body, Mapping):
            return "application/json", json.dumps(self.body, default=str).encode()
        if self.body is not None:
            text = self.body.encode() if isinstance(self.body, str) else self.body
            return "text/html; charset=utf-8", text
        if self.kind == "garbage":
            return "application/json", _GARBAGE.encode()
        if self.answer_status < 500:
            refusal = {"errors": ["this refusal is simulated"], "status": 0, "request": "-"}
            return "application/json", json.dumps(refusal).encode()
        return "text/html; charset=utf-8", _HTML.format(status=self.answer_status).encode()


class FaultPlan:
    """The faults still to come, in the order in which they were added.

    Takes no lock: the caller that shares it between threads holds the lock.
    """

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Add a fault. Raises ValueError if too many wait already."""
        if len(self._faults) >= FAULTS_MAXIMUM:
            raise ValueError(f"{FAULTS_MAXIMUM} faults wait already; clear them first")
        self._faults.append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    def as_plain(self) -> list[dict[str, object]]:
        """The faults still to come, for people to read."""
        return [
            {"kind": each.kind, "count": each.count, "path": each.path} for each in self._faults
        ]

    def take(self, path: str) -> Fault | None:
        """The first fault that applies to a request to that address; counts it as used once."""
        for fault in self._faults:
            if fault.matches(path):
                if fault.count is not None:
                    fault.count -= 1
                    if not fault.count:
                        self._faults.remove(fault)
                return fault
        return None


def _below(path: str) -> str:
    return path.lstrip("/").removeprefix("1/")
