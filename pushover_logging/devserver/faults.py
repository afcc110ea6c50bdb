"""The troubles a test may ask for: what goes wrong, how often, and for which calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

FaultKind = Literal["status", "delay", "hang", "reset", "garbage", "lost"]
FaultBody = str | bytes | Mapping[str, object]

_HTML = "<html><body><h1>{status}</h1><p>The dev server was asked to answer so.</p></body></html>"
_GARBAGE = "{'this': is not JSON"


@dataclass
class Fault:
    """One trouble for the next ``count`` requests, or for all that come where ``count`` is None.

    ``"status"`` answers with ``status`` and ``body``. ``"delay"`` answers as usual, but late.
    ``"hang"`` doesn't answer before faults are cleared. ``"reset"`` breaks the connection off.
    ``"garbage"`` answers 200 with a body that isn't JSON. ``"lost"`` does what was asked and drops
    the connection without an answer. ``path`` is the beginning of an address below ``/1/``.
    """

    kind: FaultKind
    count: int | None = 1
    path: str | None = None
    status: int | None = None
    body: FaultBody | None = field(default=None, repr=False)
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"kind is {self.kind!r}; it must be one of {get_args(FaultKind)}")
        if self.count is not None and self.count < 1:
            raise ValueError(f"count is {self.count}; it must be at least 1, or None for no end")
        self._refuse_stray_options()

    def _refuse_stray_options(self) -> None:
        allowed = {"status": ("status", "body"), "delay": ("seconds",), "garbage": ("body",)}
        for name in ("status", "body", "seconds"):
            if getattr(self, name) is not None and name not in allowed.get(self.kind, ()):
                raise ValueError(f"{name} means nothing to a fault of kind {self.kind!r}")
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError(f"status is {self.status}; it must be from 200 to 599")

    def matches(self, path: str) -> bool:
        """Whether it is meant for a request to that address."""
        return self.path is None or _below(path).startswith(_below(self.path))

    @property
    def answer_status(self) -> int:
        """The HTTP status it answers with."""
        return 200 if self.kind == "garbage" else self.status or 500

    @property
    def answer_body(self) -> tuple[str, bytes]:
        """The content type and the bytes it answers with."""
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
