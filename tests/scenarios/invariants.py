"""What must hold after every scenario, whatever it is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LIMITS = {"message": 1024, "title": 250, "url": 512, "url_title": 100}
RETRY_MINIMUM = 30
EXPIRE_MAXIMUM = 10_800


@dataclass(frozen=True)
class Evidence:
    """One run, and what was to be expected of it."""

    outcome: Any
    expected_exit_code: int
    processes: int
    """How many processes may send: each one may hold one connection."""
    secrets: tuple[str, ...]
    max_connections: int
    max_in_flight: int


def violations(evidence: Evidence) -> list[str]:
    """What did not hold, a sentence each."""
    requests = evidence.outcome.requests
    return [
        *_ended_well(evidence),
        *_one_connection(evidence),
        *_leaks(evidence),
        *(line for request in requests for line in _bad_push(request)),
        *_repeated_refusals(requests),
    ]


def _ended_well(evidence: Evidence) -> Iterator[str]:
    outcome = evidence.outcome
    if outcome.exit_code != evidence.expected_exit_code:
        yield f"exit code {outcome.exit_code}, not {evidence.expected_exit_code}"
    if threads := outcome.notes.get("lasting_threads"):
        yield f"threads left but main: {threads}"


def _one_connection(evidence: Evidence) -> Iterator[str]:
    if evidence.max_connections > evidence.processes:
        yield f"{evidence.max_connections} connections at once by {evidence.processes} process(es)"
    if evidence.max_in_flight > evidence.processes:
        yield f"{evidence.max_in_flight} requests at once by {evidence.processes} process(es)"


def _leaks(evidence: Evidence) -> Iterator[str]:
    for secret in evidence.secrets:
        for stream in ("stdout", "stderr"):
            if secret in getattr(evidence.outcome, stream):
                yield f"a secret that starts {secret[:3]!r} on {stream}"
        for request in evidence.outcome.requests:
            if request.method == "POST" and secret in str(request.query):
                yield f"a secret in the query of {request.method} {request.path}"
            if secret in str(getattr(request, "headers", "")):
                yield f"a secret in the headers of {request.method} {request.path}"


def _bad_push(request: Any) -> Iterator[str]:
    if not request.path.endswith("messages.json"):
        return
    params = request.params
    for name, limit in LIMITS.items():
        if len(params.get(name, "")) > limit:
            yield f"{name} is {len(params[name])} characters; at most {limit} fit"
    if not params.get("message", "").strip():
        yield "a blank message"
    if params.get("priority") == "2":
        retry, expire = int(params.get("retry", 0)), int(params.get("expire", 10**9))
        if retry < RETRY_MINIMUM or expire > EXPIRE_MAXIMUM:
            yield f"an emergency with retry {retry} and expire {expire}"


def _repeated_refusals(requests: Any) -> Iterator[str]:
    refused: set[bytes] = set()
    for request in requests:
        if request.method == "POST" and request.body in refused:
            yield f"the same {request.path} again after it was refused"
        if request.status is not None and 400 <= request.status < 500 and request.status != 429:
            refused.add(request.body)
