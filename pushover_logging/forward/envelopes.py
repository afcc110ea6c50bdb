"""Takes a line out of what collectors wrap around it: colours, docker, Kubernetes, compose, syslog.

The inside may be wrapped again, so it goes on until nothing more comes off, a few rounds at most.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from .headers import LEVEL
from .levels import from_fields, from_severity, from_word
from .times import TIME

_ROUNDS: Final = 6
_LONGEST_PARTIAL: Final = 1_048_576
_PARTIAL_SOURCES: Final = 64
_ESCAPES: Final = re.compile(
    r"\x1b(?:\[[0-9;:?]{0,40}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)|[@-Z\\^_=>]|\(B)"
)
_CRI: Final = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}(?:Z|[+-]\d\d:\d\d)) "
    r"(?P<stream>stdout|stderr) (?P<part>[PF])(?::\S{0,20})?(?: |\Z)"
)
_STAMPED: Final = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(?:Z|[+-]\d\d:\d\d)) {1,2}(?=\S)"
)
"""What ``docker logs -t`` and ``kubectl logs --timestamps`` put before a line."""
_COMPOSE: Final = re.compile(
    r"(?:\d\d:\d\d:\d\d )?(?P<source>[A-Za-z][\w.@/-]{0,100}?) {0,40}\| ?(?!\|)"
)
_POD: Final = re.compile(r"\[(?P<source>(?:pod|deployment|statefulset)/[^\]\s]{1,200})\] ")
_PRIORITY: Final = re.compile(r"<(?P<pri>\d{1,2}|1[0-8]\d|19[01])>")
_SYSLOG: Final = re.compile(
    rf"(?P<time>{TIME}) (?P<host>[\w.:%/-]{{1,100}}) "
    r"(?:[a-z0-9]{2,8}\.(?P<severity>[a-z]{3,7}) )?"
    r"(?P<tag>[A-Za-z_./(-][\w./@+-]{0,80}(?:\([\w-]{1,40}\))?)"
    r"(?P<pid>\[\d{1,10}\])?: ?(?P<rest>.*)",
    re.DOTALL,
)
_HEROKU: Final = re.compile(
    rf"(?P<time>{TIME}) (?P<tag>app|heroku)\[(?P<pid>[\w.-]{{1,40}})\]: ?(?P<rest>.*)", re.DOTALL
)
_SYSLOG_5424: Final = re.compile(
    r"1 (?P<time>\S{1,40}) (?P<host>\S{1,255}) (?P<tag>\S{1,48}) (?P<pid>\S{1,128}) \S{1,32} ",
)
_OWN_LEVEL: Final = frozenset({"level", "levelname", "severity", "lvl"})
_NOT_A_HOST: Final = re.compile(r"(?:-|\d+|---|\W+)\Z")


class Unwrapped(NamedTuple):
    """The inside of a line, and what its wrapping said."""

    text: str
    source: str = ""
    """What keeps the lines of several programs in one file apart; empty if nothing does."""
    logger: str | None = None
    level: int | None = None
    time: str | float | None = None
    format: str = ""
    """The name of the outermost wrapping; empty where there is none."""


class Unwrapper:
    """Unwraps the lines of one file; puts the parts of lines together that a collector has cut."""

    def __init__(self) -> None:
        self._parts: dict[str, str] = {}

    @property
    def holds(self) -> bool:
        """Whether the beginning of a line waits for its rest."""
        return bool(self._parts)

    def unwrap(self, line: str) -> Unwrapped | None:
        """The inside of a line; None for a part whose rest is still to come."""
        known = Unwrapped(line)
        for _ in range(_ROUNDS):
            text = known.text
            if "\x1b" in text:
                text = _ESCAPES.sub("", text)
            text = text.removeprefix("\ufeff").rstrip("\r\n")
            known = known._replace(text=text)
            inner = _inside(known)
            if inner is None:
                break
            known, is_part = inner
            if is_part or known.source in self._parts:
                whole = self._joined(known, is_part)
                if whole is None:
                    return None
                known = whole
        return known

    def _joined(self, known: Unwrapped, is_part: bool) -> Unwrapped | None:
        if known.source not in self._parts and len(self._parts) >= _PARTIAL_SOURCES:
            self._parts.clear()
        text = (self._parts.pop(known.source, "") + known.text)[:_LONGEST_PARTIAL]
        if is_part:
            self._parts[known.source] = text
            return None
        return known._replace(text=text)


def _inside(known: Unwrapped) -> tuple[Unwrapped, bool] | None:
    """The text without its outermost wrapping, and whether it is only a part of a line."""
    text = known.text
    first = text[:1]
    if first == "{":
        return _docker(known) or _journal(known)
    if first == "<" and (found := _PRIORITY.match(text)):
        level = from_severity(int(found["pri"]) & 7)
        rest = text[found.end() :]
        new = _SYSLOG_5424.match(rest)
        if new:
            after = _without_data(rest[new.end() :])
            return _taken(known, after, new["tag"], new["time"], level, new["pid"]), False
        return known._replace(text=rest, level=level, format=known.format or "syslog"), False
    if first.isdigit() and (found := _CRI.match(text)):
        source = f"{known.source}{found['stream']}"
        inner = known._replace(
            text=text[found.end() :],
            source=source,
            time=found["time"],
            format=known.format or "cri",
        )
        return inner, found["part"] == "P"
    stamped = _STAMPED.match(text) if first.isdigit() else None
    if stamped and not LEVEL.match(text, stamped.end()):
        inner = known._replace(
            text=text[stamped.end() :], time=stamped["time"], format=known.format or "timestamps"
        )
        return inner, False
    if first.isalnum() and (found := _HEROKU.match(text) or _SYSLOG.match(text)):
        named = found.groupdict()
        if _is_syslog(named.get("host") or "host", found["tag"]):
            level = from_word(named["severity"]) if named.get("severity") else None
            inner = _taken(known, found["rest"], found["tag"], found["time"], level, found["pid"])
            return inner, False
    if first.isalnum() and "|" in text[:140] and (found := _COMPOSE.match(text)):
        source = found["source"]
        if from_word(source) is not None or TIME_ALONE.match(source):
            return None
        return _from_source(known, text[found.end() :], source), False
    found = _POD.match(text)
    return (_from_source(known, text[found.end() :], found["source"]), False) if found else None


TIME_ALONE: Final = re.compile(TIME)


def _from_source(known: Unwrapped, text: str, source: str) -> Unwrapped:
    return known._replace(
        text=text,
        source=f"{known.source}{source} ",
        logger=known.logger or source,
        format=known.format or "compose",
    )


def _is_syslog(host: str, tag: str) -> bool:
    """Whether two words are a host and a program, not a level and a logger."""
    if _NOT_A_HOST.match(host) or tag.startswith("("):
        return False
    return not (LEVEL.match(host) or LEVEL.fullmatch(tag))


def _taken(
    known: Unwrapped, text: str, tag: str, time: str, level: int | None, pid: str | None
) -> Unwrapped:
    return Unwrapped(
        text.removeprefix("\ufeff"),
        f"{known.source}{tag}{pid or ''} ",
        tag if tag != "-" else known.logger,
        level if level is not None else known.level,
        time if time != "-" else known.time,
        known.format or "syslog",
    )


def _without_data(text: str) -> str:
    """Syslog's structured data skipped: ``[id name="value"]``, with quotes and escapes."""
    if not text.startswith("["):
        return text.removeprefix("-").removeprefix(" ")
    quoted = False
    skip = False
    for index, char in enumerate(text):
        if skip:
            skip = False
        elif char == "\\":
            skip = True
        elif char == '"':
            quoted = not quoted
        elif char == "]" and not quoted and text[index + 1 : index + 2] != "[":
            return text[index + 1 :].removeprefix(" ")
    return text


def _fields(text: str) -> Mapping[str, object] | None:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None  # it only begins like JSON
    return fields if isinstance(fields, dict) else None


def _docker(known: Unwrapped) -> tuple[Unwrapped, bool] | None:
    """The line in docker's json-file, or in what Fluent Bit makes of one."""
    if '"log"' not in known.text or '"stream"' not in known.text:
        return None
    fields = _fields(known.text)
    log = fields.get("log") if fields else None
    if fields is None or not isinstance(log, str) or not _OWN_LEVEL.isdisjoint(fields):
        return None
    time = fields.get("time")
    inner = known._replace(
        text=log.rstrip("\r\n"),
        source=f"{known.source}{fields.get('stream')}",
        time=time if isinstance(time, str) else known.time,
        format=known.format or "docker",
    )
    return inner, not log.endswith("\n") and "kubernetes" not in fields


def _journal(known: Unwrapped) -> tuple[Unwrapped, bool] | None:
    """The line in a record of ``journalctl -o json``."""
    if '"MESSAGE"' not in known.text:
        return None
    fields = _fields(known.text)
    if fields is None or not ({"__REALTIME_TIMESTAMP", "_BOOT_ID", "PRIORITY"} & fields.keys()):
        return None
    message = fields.get("MESSAGE")
    if isinstance(message, list) and all(
        isinstance(each, int) and 0 <= each < 256 for each in message
    ):
        message = bytes(message).decode("utf-8", "replace")  # the journal's way for odd bytes
    name = fields.get("SYSLOG_IDENTIFIER") or fields.get("_COMM") or fields.get("_SYSTEMD_UNIT")
    pid = fields.get("_PID") or fields.get("SYSLOG_PID") or ""
    time = fields.get("_SOURCE_REALTIME_TIMESTAMP") or fields.get("__REALTIME_TIMESTAMP")
    inner = Unwrapped(
        message if isinstance(message, str) else "",
        f"{known.source}{name}[{pid}] ",
        str(name) if name else known.logger,
        from_fields("PRIORITY", fields.get("PRIORITY"), fields),
        time if isinstance(time, str) else known.time,
        known.format or "journal",
    )
    return inner, False
