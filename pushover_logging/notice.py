"""Notice: the only thing that leaves the logging call; its wire format; imports nothing of ours.

A Notice is made of plain built-in types alone, so that it can wait in a file or in another process
without keeping an object of the application alive.
"""

from __future__ import annotations

import marshal

from .values import NamedTuple

__all__ = [
    "PLAIN_TYPES",
    "TEXT_BOUND",
    "Frame",
    "Notice",
    "Snapshot",
    "SnapshotError",
    "decode",
    "encode",
    "is_plain",
    "plain",
    "restored",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal

    Plain = str | int | float | bool | None
    Identity = tuple[Any, ...]
    """What makes two records the same problem: names, numbers and texts, see ``fingerprint``."""
    NoticeKind = Literal[
        "new",
        "counted",
        "resolved",
        "dropped",
        "drain",
        "silence",
        "unsilence",
        "known",
        "ringing",
    ]
    Wire = Literal["marshal", "json"]

TEXT_BOUND = 8192
"""Longer texts are shortened before any regular expression sees them."""
_SNAPSHOT, _STYLE = 6, 7
"""Places in a `Notice`."""
_NAME, _PATHNAME, _EXCEPTIONS, _FIELDS, _OVERRIDES = 1, 6, 9, 10, 11
"""Places in a `Snapshot`."""
_NOTHING: Mapping[str, Any] = {}
"""In place of many mappings that are empty."""
_MOST_TEXTS = 1000
_texts: dict[str, str] = {}
"""Names of loggers and files, which are the same in many notices."""
VERSION = 1
"""Changes when an older reader could misunderstand the wire format."""


PLAIN_TYPES = frozenset({int, float, bool, type(None)})
"""Of these and of short texts are the arguments that are kept as they are."""


def is_plain(msg: object, args: object) -> bool:
    """Whether a message and its arguments can neither change nor keep other objects alive."""
    if type(msg) is not str or len(msg) > TEXT_BOUND:
        return False
    if args:
        if type(args) is not tuple:
            return False
        for arg in args:
            if type(arg) not in PLAIN_TYPES and (type(arg) is not str or len(arg) > TEXT_BOUND):
                return False
    return True


class Frame(NamedTuple):
    """One call on the way to an exception."""

    path: str
    line: int
    function: str
    is_application: bool = False
    """Whether the file is neither in the standard library nor in ``site-packages``."""


class SnapshotError(NamedTuple):
    """One exception of a chain or group, as it was when it was logged."""

    relation: str
    """Its relation to the exceptions before it, such as ``caused by``; blank for the first."""
    text: str
    """Its type, message and notes, as the last lines of a traceback show them."""
    cut: int
    """Characters taken out of a very long text."""
    frames: tuple[Frame, ...]
    """Innermost first."""
    omitted: int
    """Frames further out that were not kept."""


class Snapshot(NamedTuple):
    """A log record as it was when it was logged."""

    created: float
    name: str
    levelno: int
    levelname: str
    text: str
    """The formatted message; a template as long as ``args`` holds values to fill in."""
    args: tuple[Plain, ...] | None = None
    pathname: str = ""
    lineno: int = 0
    function: str = ""
    exceptions: tuple[SnapshotError, ...] = ()
    fields: Mapping[str, str] = {}
    """Texts of the placeholders in templates that are not filled from the fields above."""
    overrides: Mapping[str, Any] = {}
    """``extra={"pushover": ...}``, checked."""
    complaints: tuple[str, ...] = ()
    """A sentence for each override that was wrong."""
    cut: int = 0
    """Characters taken out of a very long text."""
    is_markup: bool = False
    """The text is a formatter's own HTML, in which the values of the record are escaped."""


class Notice(NamedTuple):
    """A message from the logging call, or from an operator, to the sender."""

    kind: NoticeKind
    seq: int
    """Rises by one with each notice of a process: one that arrives twice counts once."""
    at: float
    """Unix seconds."""
    identity: Identity = ()
    priority: int = 0
    key: str | None = None
    """The group's explicit key; ``resolved``, ``silence`` and ``unsilence``: the key or group;
    ``ringing``: the receipt of an emergency that this process has sent while the store failed."""
    snapshot: Snapshot | None = None
    style: Mapping[str, Any] = {}
    """The handler's options that shape a push and differ from their defaults."""
    epoch: int = 0
    """``counted``: tells running totals apart that began anew; 0: ``total`` is no running total."""
    total: int = 0
    """``counted``: repeats so far; ``dropped``: records that found no room."""
    is_last: bool = False
    """``counted``: ``snapshot`` shows the latest repeat, not the first record. ``new``: another
    process may have sent it before."""
    until: float = 0.0
    """``silence``, ``ringing``: when it ends, in Unix seconds. ``known``: when the interval of a
    group ends whose alert this process has delivered while the store failed."""


def encode(notice: Notice, wire: Wire = "marshal") -> bytes:
    """The notice as bytes: ``marshal`` for this machine, ``json`` for any other."""
    snapshot = notice.snapshot
    fields: list[Any] = [VERSION, *notice]
    if snapshot is not None:
        fields[1 + _SNAPSHOT] = plain(snapshot)
    if wire == "marshal":
        return marshal.dumps(tuple(fields), 4)
    import json

    return json.dumps(fields, separators=(",", ":")).encode()


def decode(data: bytes) -> Notice:
    """The notice in bytes of either wire format. Raises ValueError for anything else."""
    try:
        if data[:1] == b"[":
            import json

            version, *fields = _tuples(json.loads(data))
        else:
            version, *fields = marshal.loads(data)
        if version != VERSION:
            raise ValueError(f"a notice of version {version}; this is version {VERSION}")
        if fields[_SNAPSHOT] is not None:
            fields[_SNAPSHOT] = restored(fields[_SNAPSHOT])
        fields[_STYLE] = fields[_STYLE] or _NOTHING
        return Notice._make(fields)
    except (EOFError, TypeError, IndexError, KeyError) as error:
        raise ValueError(f"no notice: {type(error).__name__}") from None


def plain(snapshot: Snapshot) -> tuple[Any, ...]:
    """The fields of a snapshot, of plain built-in types at any depth, as ``marshal`` needs them."""
    if not snapshot.exceptions:
        return tuple(snapshot)
    exceptions = []
    for error in snapshot.exceptions:
        exceptions.append((*error[:3], tuple(map(tuple, error.frames)), error.omitted))
    return (*snapshot[:_EXCEPTIONS], tuple(exceptions), *snapshot[_EXCEPTIONS + 1 :])


def restored(fields: Any) -> Snapshot:
    """The snapshot that `plain` made these fields of."""
    fields = list(fields)
    for place in _NAME, _PATHNAME:
        fields[place] = _same(fields[place])
    for place in _FIELDS, _OVERRIDES:
        fields[place] = fields[place] or _NOTHING
    if fields[_EXCEPTIONS]:
        fields[_EXCEPTIONS] = tuple(
            SnapshotError._make((relation, text, cut, tuple(map(Frame._make, frames)), omitted))
            for relation, text, cut, frames, omitted in fields[_EXCEPTIONS]
        )
    return Snapshot._make(fields)


def _same(text: str) -> str:
    """The text, once for all notices that contain it, as many do."""
    if len(_texts) >= _MOST_TEXTS:
        _texts.clear()
    return _texts.setdefault(text, text)


def _tuples(value: Any) -> Any:
    """The value with tuples for its lists at any depth, because JSON has none."""
    if isinstance(value, list):
        return tuple(map(_tuples, value))
    if isinstance(value, dict):
        return {name: _tuples(item) for name, item in value.items()}
    return value
