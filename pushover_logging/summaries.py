"""Writes the push for what the courier carries: one record, a group's repeats, or many groups."""

from __future__ import annotations

import dataclasses
import html
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from . import markup
from .alerts import Alert, Priority, cut
from .capturing import copy_of
from .client.constants import MESSAGE_LIMIT
from .noting import Early, is_plain
from .parcels import Share
from .quota import Allowance
from .rendering import Capture, Renderer, Style
from .templates import Texts

if TYPE_CHECKING:
    from .noting import Plain

__all__ = ["Writer", "let_go"]

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

    def captured(self, item: Capture | Early | Plain) -> Capture:
        """What was noted of a record, frozen if it could not be in the logging call."""
        return self._renderer.captured(item, self._formatter())

    def write(self, shares: Sequence[Share[Capture]], priority: Priority) -> Alert:
        """The alert for all these shares together."""
        records = sum(share.records for share in shares)
        if len(shares) > 1:
            alert = self._digest(shares, priority)
        elif shares[0].item is not None:
            alert = self._renderer.render(shares[0].item, priority)
        else:
            alert = self._summary(shares[0], priority)
        alert = alert.counted(records)
        tags = [share.group.tag for share in shares if share.group.tag is not None]
        if not tags:
            return alert
        return dataclasses.replace(alert, tags=(*alert.tags, *tags[:_MOST_GROUP_TAGS]))

    def _summary(self, share: Share[Capture], priority: Priority) -> Alert:
        which, shown = self._latest(share)
        alert = self._renderer.render(shown, priority)
        began = share.group.noted.record.created
        ended = alert.timestamp
        times = "1 more time" if share.records == 1 else f"{share.records} more times"
        heading = f"{times}, {_span(began, ended)}. The {which}:\n"
        shorten = markup.cut if alert.html else cut
        text = heading + shorten(alert.message, MESSAGE_LIMIT - len(heading))
        return dataclasses.replace(alert, message=text)

    def _latest(self, share: Share[Capture]) -> tuple[str, Capture]:
        """Which of the records is shown for the repeats, at the time of the last one.

        That is the last, as far as it is known, unless its arguments could have changed since, or
        a push shows what hung on the record, which nobody kept: then it is the first.
        """
        noted: Capture | None = share.group.noted
        if noted is None:
            raise LookupError("a group without a first record was summed up")
        if share.group.last is None:
            return "first", noted
        msg, args, created, name, levelno = share.group.last
        record = copy_of(noted.record)
        record.created, record.msecs = created, created % 1 * 1000
        if noted.shows_extra or not is_plain(msg, args):
            return "first", noted._replace(record=record)
        record.name, record.levelno, record.msg = name, levelno, msg
        record.levelname, record.args = logging.getLevelName(levelno), args
        if noted.trouble:
            record.exc_text = None  # the work of another handler's formatter
        last = self._renderer.capture(record, self._formatter())
        return "last", last._replace(trouble=noted.trouble, overrides=noted.overrides)

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
        alert = self._style.alert(message, Texts(title), priority, int(time.time()))
        return dataclasses.replace(alert, html=False, monospace=False)

    def _line(self, share: Share[Capture]) -> str:
        capture = share.item or self._latest(share)[1]
        alert = self._renderer.render(capture, Priority(share.group.priority))
        text = html.unescape(markup.strip(alert.message)) if alert.html else alert.message
        times = f" \N{MULTIPLICATION SIGN}{share.records}" if share.records > 1 else ""
        first_line = text.partition("\n")[0]
        return cut(f"{alert.title}{times}: {first_line}", _LINE_LIMIT)


def let_go(share: Share[Capture]) -> None:
    """Keep no more of a group's records than its next summary needs, once they were written of."""
    group = share.group
    noted, last = group.noted, group.last
    if noted is not None:
        group.noted = noted.slimmed()
    if last is not None and not is_plain(last[0], last[1]) and group.last is last:
        group.last = None


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
    try:
        first, last = time.localtime(began), time.localtime(ended)
    except (ValueError, OverflowError, OSError):
        return "at a time that no clock shows"  # a record made by hand may say anything
    whole = "%H:%M:%S" if first[:3] == last[:3] else "%Y-%m-%d %H:%M:%S"
    return f"{time.strftime(whole, first)} to {time.strftime(whole, last)}"
