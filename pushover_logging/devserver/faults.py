"""The troubles a test may ask for: what goes wrong, how often, and for which calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

FaultKind = Literal["status", "delay", "hang", "reset", "garbage", "lost"]
FaultBody = str | bytes | Mapping[str, object]

_OPTIONS = ("status", "body", "seconds", "headers")
_MEANINGFUL = {
    "status": ("status", "body", "headers"),
    "delay": ("seconds",),
    "garbage": ("body", "headers"),
}
_HTML = "<html><body><h1>{status}</h1><p>The dev server was asked to answer so.</p></body></html>"
_GARBAGE = "{'this': is not JSON"


@dataclass
class Fault:
    """One trouble for the next ``count`` requests, or for all that come where ``count`` is None.

    ``"status"`` answers with ``status``, ``body`` and ``headers`` instead of doing what was asked.
    ``"delay"`` answers as usual, ``seconds`` late. ``"hang"`` doesn't answer before faults are
    cleared, and then as usual to those who still wait. ``"reset"`` breaks the connection off.
    ``"garbage"`` answers 200 with a body that isn't JSON. ``"lost"`` does what was asked and closes
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
            raise ValueError(f"kind is {self.kind!r}; it must be one of {get_args(FaultKind)}")
        for name in _OPTIONS:
            if getattr(self, name) is not None and name not in _MEANINGFUL.get(self.kind, ()):
                raise ValueError(f"{name} means nothing to a fault of kind {self.kind!r}")
        self._check_numbers()

    def _check_numbers(self) -> None:
        if self.count is not None and not (isinstance(self.count, int) and self.count >= 1):
            raise ValueError(f"count is {self.count!r}; it must be at least 1, or None for no end")
        if self.status is not None and self.status not in range(200, 600):
            raise ValueError(f"status is {self.status!r}; it must be from 200 to 599")
        if not isinstance(self.seconds, int | float | None) or (self.seconds or 0) < 0:
            raise ValueError(f"seconds is {self.seconds!r}; it must be 0 or more")

    def matches(self, path: str) -> bool:
        """Whether it is meant for a request to that address."""
        return self.path is None or _below(path).startswith(_below(self.path))

    @property
    def delay(self) -> float:
        """By how many seconds it holds an answer up."""
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
        if self.body is None:
            return self._default_body()
        if isinstance(self.body, Mapping):
            return "application/json", json.dumps(self.body).encode()
        text = self.body.encode() if isinstance(self.body, str) else self.body
        return "text/html; charset=utf-8", text

    def _default_body(self) -> tuple[str, bytes]:
        if self.kind == "garbage":
            return "application/json", _GARBAGE.encode()
        if self.answer_status < 500:
            refusal = {
                "errors": ["the dev server was asked to refuse"],
                "status": 0,
                "request": "-",
            }
            return "application/json", json.dumps(refusal).encode()
        return "text/html; charset=utf-8", _HTML.format(status=self.answer_status).encode()


class FaultPlan:
    """The faults still to come, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let a fault wait for its requests."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Forget all that is still to come."""
        self._faults.clear()

    def as_plain(self) -> list[dict[str, object]]:
        """The faults still to come, for people to read."""
        return [
            {"kind": each.kind, "count": each.count, "path": each.path} for each in self._faults
        ]

    def take(self, path: str) -> Fault | None:
        """The fault for a request to that address, which is used up by one."""
        for fault in self._faults:
            if fault.matches(path):
                self._use_up(fault)
                return fault
        return None

    def _use_up(self, fault: Fault) -> None:
        if fault.count is None:
            return
        fault.count -= 1
        if not fault.count:
            self._faults.remove(fault)


def _below(path: str) -> str:
    return path.lstrip("/").removeprefix("1/")
