"""Renders what stands for many records: a summary of repeats, a digest of groups, and reports.

A push that stands for more than one record ends its title in a multiplication sign and the number
of records.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from ..client.constants import MESSAGE_LIMIT, Priority
from ..notice import Snapshot
from . import html
from .alert import Alert, cut
from .templates import NO_TIME, local_time

if TYPE_CHECKING:
    from ..config.fields import Style
    from .record import Renderer

__all__ = ["Part", "digest", "dropped_report", "quota_report", "summary"]

_MOST_LINES = 30
_LINE_LIMIT = 200
_TITLE_LIMIT = 80
_EXCEPTION_LIMIT = 90
_LEADER_SHARE = 0.6
"""The share of a digest that its most urgent alert may fill if the others need the rest."""


class Part(NamedTuple):
    """A group's share of a digest."""

    snapshot: Snapshot
    style: Style
    priority: int
    records: int


def summary(
    renderer: Renderer,
    first: Snapshot,
    shown: Snapshot,
    is_last: bool,
    style: Style,
    priority: int,
    records: int,
    began: float,
    ended: float,
) -> Alert:
    """The push for ``records`` repeats of ``first``, logged between two times in Unix seconds.

    It shows text and exception of ``shown``: the last repeat or, where that was not kept, the first
    record. The overrides of ``first`` hold if ``shown`` has none.
    """
    is_same_day = local_time(began, "%Y-%m-%d") == local_time(ended, "%Y-%m-%d")
    form = "%H:%M:%S" if is_same_day else "%Y-%m-%d %H:%M:%S"
    start, end = local_time(began, form), local_time(ended, form)
    if NO_TIME in (start, end):
        when = "at an unknown time"
    elif records == 1:
        when = f"at {end}"
    else:
        when = f"{start} to {end}"
    times = "1 more time" if records == 1 else f"{records} more times"
    heading = f"{times}, {when}. The {'last' if is_last else 'first'}:\n"
    given = shown.overrides or first.overrides
    overrides = {**given} if isinstance(given, Mapping) else {}
    overrides.pop("timestamp", None)
    alert = renderer.render(
        shown._replace(created=ended, overrides=overrides),
        style,
        priority,
        limit=MESSAGE_LIMIT - len(heading),
    )
    return alert._replace(message=heading + alert.message).counted(records)


def digest(renderer: Renderer, parts: Sequence[Part], priority: int) -> Alert:
    """The push for many groups: the most urgent alert whole, and a line for each of the others.

    The groups are ranked by priority, then by their number of records. The groups that do not fit
    are counted. Sound, retry, expire, callback and tags are those of the first in rank.
    """
    ranked = sorted(parts, key=lambda part: (part.priority, part.records), reverse=True)
    leader, others = ranked[0], ranked[1:]
    if not others:
        return renderer.render(leader.snapshot, leader.style, priority).counted(leader.records)
    lines = [_line(renderer, part) for part in others[:_MOST_LINES]]
    space = max(int(MESSAGE_LIMIT * _LEADER_SHARE), MESSAGE_LIMIT - len("\n".join(["", *lines])))
    alert = renderer.render(leader.snapshot, leader.style, priority)
    label = _label(alert, leader)
    if len(label) + len(alert.message) > space:
        alert = renderer.render(leader.snapshot, leader.style, priority, limit=space - len(label))
    whole = label + _plain(alert)
    message = ""
    for count in range(len(lines), -1, -1):
        rest = len(others) - count
        more = [f"… and {rest} more"] if rest else []
        message = "\n".join([whole, *lines[:count], *more])
        if len(message) <= MESSAGE_LIMIT:
            break
    return alert._replace(
        message=message,
        title=f"{len(ranked)} different messages",
        timestamp=int(time.time()),
        html=False,
        monospace=False,
        url=None,
        url_title=None,
        device=leader.style.device,
        ttl=leader.style.ttl,
    ).counted(sum(part.records for part in ranked))


def _line(renderer: Renderer, part: Part) -> str:
    """A group in one line: title, count, the first line of its text, and its exception."""
    snapshot = part.snapshot
    alert = renderer.render(snapshot._replace(exceptions=()), part.style, part.priority)
    label = _label(alert, part)
    text = _plain(alert).partition("\n")[0]
    try:
        if snapshot.exceptions:
            tidy = renderer.tidy_for(part.style)
            error = tidy(snapshot.exceptions[0].text).partition("\n")[0]
            kind, _, reason = error.partition(": ")
            if not snapshot.text.strip() and not snapshot.overrides.get("message"):
                text = error
            elif error not in text:
                error = cut(kind if reason and reason in text else error, _EXCEPTION_LIMIT)
                text = f"{cut(text, _LINE_LIMIT - len(label) - len(error) - 3)} ({error})"
    except Exception:  # noqa: BLE001 - the snapshot may hold anything; the line goes out
        text = f"{text} (an exception that cannot be shown)"
    return cut(f"{label}{text}", _LINE_LIMIT)


def _label(alert: Alert, part: Part) -> str:
    times = f" \N{MULTIPLICATION SIGN}{part.records}" if part.records > 1 else ""
    return f"{cut(alert.title, _TITLE_LIMIT)}{times}: "


def _plain(alert: Alert) -> str:
    return html.MARKUP.decode(alert.message) if alert.html else alert.message


def dropped_report(
    renderer: Renderer, by_level: Mapping[int, int], capacity: int, style: Style
) -> Alert:
    """The report of records for which the queue had no space."""
    total = sum(by_level.values())
    counts = ", ".join(
        f"{count} {logging.getLevelName(level)}"
        for level, count in sorted(by_level.items(), reverse=True)
    )
    message = (
        f"{counts}: not pushed, because {capacity} more urgent or earlier records were waiting"
        " already (the option capacity)."
    )
    title = "1 log record was dropped" if total == 1 else f"{total} log records were dropped"
    return _report(renderer, title, message, style, Priority.NORMAL)


def quota_report(
    renderer: Renderer,
    limit: int,
    remaining: int,
    reset: datetime | None,
    reserve: int,
    style: Style,
) -> Alert:
    """The report that the month's messages are nearly used up."""
    until = f" until {reset:%Y-%m-%d %H:%M} UTC" if reset else ""
    message = (
        f"{remaining} of {limit} messages are left{until}. The last {reserve} are kept for HIGH and"
        " EMERGENCY; all other pushes wait for the next month."
    )
    return _report(renderer, "The month's pushes run low", message, style, Priority.HIGH)


def _report(
    renderer: Renderer, title: str, message: str, style: Style, priority: Priority
) -> Alert:
    """A text of our own, with the handler's style."""
    style = style._replace(html=False, monospace=False, url=None, url_title=None)
    snapshot = Snapshot(time.time(), "", 0, "", message, overrides={"title": title})
    return renderer.render(snapshot, style, priority)
