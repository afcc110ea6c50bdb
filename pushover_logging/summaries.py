"""Writes the push for what the courier carries: one record, a group's repeats, or many groups."""

from __future__ import annotations

import dataclasses
import html
import logging
import time
from collections.abc import Callable, Mapping, Sequence

from . import markup
from .alerts import Alert, Priority, cut
from .client.constants import MESSAGE_LIMIT
from .parcels import Share
from .quota import Allowance
from .rendering import Capture, Renderer, Style

__all__ = ["Writer"]

_MOST_LINES = 30
_LINE_LIMIT = 200
_MOST_GROUP_TAGS = 50
"""What the service takes is not known; a digest of more groups than this is no one's to resolve."""


class Writer:
    """Writes alerts in one style; a push that stands for several records says for how many.

    ``formatter`` gives the formatter that all texts of records go through: it may be set late.
    """

    def __init__(
        self, style: Style, renderer: Renderer, formatter: Callable[[], logging.Formatter | None]
    ) -> None:
        self._style = style
        self._renderer = renderer
        self._formatter = formatter

    def write(self, shares: Sequence[Share[Capture]], priority: Priority) -> Alert:
        """The alert for all these shares together."""
        records = sum(share.records for share in shares)
        if len(shares) > 1:
            alert = self._digest(shares, priority)
        elif shares[0].item is not None:
            alert = self._renderer.render(shares[0].item, priority)
        else:
            alert = self._summary(shares[0], priority)
        tags = [share.group.tag for share in shares if share.group.tag is not None]
        return dataclasses.replace(
            alert.counted(records), tags=(*alert.tags, *tags[:_MOST_GROUP_TAGS])
        )

    def _summary(self, share: Share[Capture], priority: Priority) -> Alert:
        latest = self._latest(share)
        alert = self._renderer.render(latest, priority)
        began = share.group.noted.record.created if share.group.noted else latest.record.created
        ended = alert.timestamp
        times = "1 more time" if share.records == 1 else f"{share.records} more times"
        heading = f"{times}, {_span(began, ended)}. The last:\n"
        shorten = markup.cut if alert.html else cut
        text = heading + shorten(alert.message, MESSAGE_LIMIT - len(heading))
        return dataclasses.replace(alert, message=text)

    def _latest(self, share: Share[Capture]) -> Capture:
        """The last of the repeats, as it is known: without its traceback, if it had one."""
        last = share.group.last
        noted: Capture | None = share.group.noted
        if isinstance(last, logging.LogRecord):
            return self._renderer.capture(last, self._formatter())
        if noted is None:
            raise LookupError("a group without a first record was summed up")
        if last is None:
            return noted
        msg, args, created = last
        known = {"msg": msg, "args": args, "created": created, "exc_info": None}
        record = logging.makeLogRecord({**noted.record.__dict__, **known})
        return self._renderer.capture(record, self._formatter())._replace(trouble=noted.trouble)

    def _digest(self, shares: Sequence[Share[Capture]], priority: Priority) -> Alert:
        """The largest groups by name, the most urgent first, and how many more there are."""
        ranked = sorted(shares, key=lambda s: (s.group.priority, s.records), reverse=True)
        lines = [self._line(share) for share in ranked[:_MOST_LINES]]
        return self._plain(
            f"{len(ranked)} different messages", _fitted(lines, len(ranked)), priority
        )

    def losses(self, by_level: Mapping[int, int], capacity: int) -> Alert:
        """The report of records that found no room."""
        total = sum(by_level.values())
        counts = (
            f"{count} {logging.getLevelName(level)}"
            for level, count in sorted(by_level.items(), reverse=True)
        )
        message = (
            f"{', '.join(counts)}: not pushed, for {capacity} more urgent or earlier ones were"
            " waiting already while the service could not be reached."
        )
        return self._plain(f"{total} log records were dropped", message, Priority.NORMAL)

    def allowance(self, allowance: Allowance, reserve: int) -> Alert:
        """The report that the month's messages run low."""
        until = f" until {allowance.reset:%Y-%m-%d %H:%M} UTC" if allowance.reset else ""
        message = (
            f"{allowance.remaining} of {allowance.limit} messages are left{until}. The last"
            f" {reserve} are kept for HIGH and EMERGENCY; all else waits for the next month."
        )
        return self._plain("The month's pushes run low", message, Priority.HIGH)

    def _plain(self, title: str, message: str, priority: Priority) -> Alert:
        """A text of our own, with what the handler's style says of every push."""
        style = self._style
        return Alert(
            message=message,
            title=title,
            priority=priority,
            timestamp=int(time.time()),
            device=style.device,
            sound=style.sound,
            ttl=style.ttl,
            retry=style.retry,
            expire=style.expire,
            callback=style.callback,
            tags=style.tags,
            params=style.params,
        )

    def _line(self, share: Share[Capture]) -> str:
        capture = share.item or self._latest(share)
        alert = self._renderer.render(capture, share.group.priority)
        text = html.unescape(markup.strip(alert.message)) if alert.html else alert.message
        times = f" \N{MULTIPLICATION SIGN}{share.records}" if share.records > 1 else ""
        first_line = text.partition("\n")[0]
        return cut(f"{alert.title}{times}: {first_line}", _LINE_LIMIT)


def _fitted(lines: Sequence[str], total: int) -> str:
    """As many of the lines as fit, and how many of all there are beside them."""
    for count in range(len(lines), 0, -1):
        more = [f"… and {total - count} more"] if total > count else []
        text = "\n".join([*lines[:count], *more])
        if len(text) <= MESSAGE_LIMIT:
            return text
    return cut(lines[0], MESSAGE_LIMIT)


def _span(began: float, ended: float) -> str:
    """Two moments in Unix seconds, in local time, for a person."""
    first, last = time.localtime(began), time.localtime(ended)
    whole = "%H:%M:%S" if first[:3] == last[:3] else "%Y-%m-%d %H:%M:%S"
    return f"{time.strftime(whole, first)} to {time.strftime(whole, last)}"
