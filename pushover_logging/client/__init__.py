"""Speaks Pushover: applications, users, messages; knows nothing of logging or threads.

The names load at first use, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .answers import Answer as Answer
    from .application import Application as Application
    from .errors import APIError as APIError
    from .errors import PushoverError as PushoverError
    from .errors import RateLimitError as RateLimitError
    from .errors import ServerError as ServerError
    from .errors import TransportError as TransportError
    from .transport import Transport as Transport

_HOMES = {
    "Answer": "answers",
    "Application": "application",
    "APIError": "errors",
    "PushoverError": "errors",
    "RateLimitError": "errors",
    "ServerError": "errors",
    "TransportError": "errors",
    "Transport": "transport",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
