"""What a logging call must know of a record: what may be kept as it is, and what it asks for.

All of it runs in logging calls, and so loads nothing.
"""

from __future__ import annotations

import logging

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .capturing import Capture

    Plain = tuple[str, Any, logging.LogRecord, str, int]
    """A record in which nothing can change: msg, args, the record itself, name, levelno. What is
    told apart by is here too, for another handler may rewrite the record afterwards."""

__all__ = [
    "PLAIN_TYPES",
    "TEXT_BOUND",
    "Early",
    "asked_priority",
    "is_plain",
    "own_key",
    "resolved_key",
]

TEXT_BOUND = 8_192
"""A longer text is shortened before any regular expression sees it: what can be shown is an eighth
of it, and what waits to be sent must not hold ten megabytes each."""
_PRIORITIES = {"LOWEST": -2, "LOW": -1, "NORMAL": 0, "HIGH": 1, "EMERGENCY": 2}
PLAIN_TYPES = frozenset({int, float, bool, type(None)})


class Early:
    """A record that came before the modules were loaded that freeze it.

    Its text is made; what else may change, such as the exception, is frozen by the courier, which
    loads them at once.
    """

    __slots__ = ("capture", "record")

    def __init__(self, record: logging.LogRecord) -> None:
        try:
            text = str(record.getMessage())
        except Exception:  # noqa: BLE001 - the user's objects; words are found for it when frozen
            text = ""
        # Of a kind of its own only as long as that is needed to make the text.
        copy = object.__new__(logging.LogRecord if text else type(record))
        copy.__dict__.update(record.__dict__)
        if text:
            copy.msg, copy.args = text, None
        if isinstance(own := getattr(record, "pushover", None), dict):
            copy.__dict__["pushover"] = own.copy()
        self.record = copy
        self.capture: Capture | None = None


def is_plain(msg: object, args: object) -> bool:
    """Whether these can neither change after the logging call nor keep much alive."""
    if args and type(args) is not tuple:
        return False
    values = (msg, *args) if isinstance(args, tuple) else (msg,)
    return type(msg) is str and all(
        len(value) <= TEXT_BOUND if type(value) is str else type(value) in PLAIN_TYPES
        for value in values
    )


def asked_priority(overrides: object) -> int | None:
    """The priority a record's ``pushover`` asks for; None if it asks for none that there is."""
    try:
        given = overrides["priority"]  # type: ignore[index]
        if isinstance(given, bool) or not isinstance(given, (int, str)):
            return None
        text = str(int(given) if isinstance(given, int) else given).strip().upper()
        number = _PRIORITIES[text] if text in _PRIORITIES else int(text)
    except Exception:  # noqa: BLE001 - anything may stand there; read_overrides says what was wrong
        return None
    return number if number in _PRIORITIES.values() else None


def own_key(overrides: object) -> str | None:
    """The group a record says it belongs to, or None."""
    return _text_at(overrides, "key")


def resolved_key(overrides: object) -> str | None:
    """The key of the trouble that a record says is over, or None."""
    return _text_at(overrides, "resolve")


def _text_at(overrides: object, name: str) -> str | None:
    try:
        given = overrides.get(name)  # type: ignore[attr-defined]
        return None if given is None else str(given)
    except Exception:  # noqa: BLE001 - anything may stand there; read_overrides says what was wrong
        return None
