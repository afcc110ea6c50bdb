"""Turns a log record into an alert: what may change is frozen in the logging call, the rest waits.

The logging call pays for as little as can be: a record with a text template and plain arguments is
only noted. Formatting, cutting and reading lines of source happen on the courier's thread.
"""

from __future__ import annotations

import dataclasses
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import defaults
from .alerts import Alert, clean, cut, is_blank, trim
from .capturing import Capture, filled_in, freeze
from .client.constants import MESSAGE_LIMIT, TITLE_LIMIT, URL_LIMIT, URL_TITLE_LIMIT, Priority
from .layout import MARKUP, PLAIN, compose
from .noting import Early, is_plain
from .overrides import NO_OVERRIDES, Overrides
from .templates import Templates, Texts

if TYPE_CHECKING:
    from .noting import Plain

__all__ = ["Capture", "Renderer", "Style"]


@dataclass(frozen=True)
class Style:
    """All that shapes a push and is not the record's own; the defaults of these options."""

    title: str = defaults.TITLE
    device: str | None = None
    sound: str | None = None
    url: str | None = None
    url_title: str | None = None
    html: bool = False
    monospace: bool = False
    ttl: int | None = None
    retry: int = defaults.RETRY
    expire: int = defaults.EXPIRE
    callback: str | None = None
    tags: tuple[str, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)

    def alert(
        self,
        message: str,
        texts: Texts,
        priority: Priority,
        timestamp: int,
        *,
        levelno: int = 0,
        complaints: tuple[str, ...] = (),
    ) -> Alert:
        """An alert in this style; ``message`` is markup already where the style is HTML."""
        return Alert(
            message=message,
            title=texts.title,
            priority=priority,
            timestamp=timestamp,
            levelno=levelno,
            html=self.html,
            monospace=self.monospace,
            url=texts.url or None,
            url_title=texts.url_title or None,
            device=self.device,
            sound=self.sound,
            ttl=self.ttl,
            retry=self.retry,
            expire=self.expire,
            callback=self.callback,
            tags=self.tags,
            params=self.params,
            complaints=complaints,
        )


class Renderer:
    """Makes alerts in one style; holds nothing of the records, so one serves all threads."""

    def __init__(
        self, style: Style, *, hostname: str | None = None, redact: Callable[[str], str] = str
    ) -> None:
        """``redact`` gets every text of a record before it is cut; ``hostname`` is this machine's.

        Raises ValueError for a template that is none.
        """
        self._style = style
        self._redact = redact
        self._templates = Templates(style.title, style.url, style.url_title, hostname)
        self.shows_more = not self._templates.can_wait
        """It shows something of the record that may change after the logging call."""
        self._fill_now = None if self._templates.can_wait else self._templates.fill

    def capture(
        self, record: logging.LogRecord, formatter: logging.Formatter | None = None
    ) -> Capture:
        """Freeze what the record says: in the logging call, without I/O or lock; never raises."""
        try:
            if self._can_stay(record, formatter):
                return Capture(record, record.msg, record.args)
            return freeze(record, formatter, self._style.html, self._fill_now, self._redact)
        except Exception:  # noqa: BLE001 - the stack is full, and may not bear one more call of ours
            copy = object.__new__(logging.LogRecord)
            copy.__dict__.update(record.__dict__)
            copy.exc_info = None
            return tuple.__new__(
                Capture,
                (copy, record.msg, record.args, 0, (), NO_OVERRIDES, None, False, False),
            )

    def captured(
        self,
        item: Capture | Early | Plain,
        formatter: logging.Formatter | None = None,
    ) -> Capture:
        """What was noted of a record, as the capture that it is or would have been."""
        if isinstance(item, Early):
            item.capture = item.capture or self.capture(item.record, formatter)
            return item.capture
        if isinstance(item, Capture):
            return item
        msg, args, record, *_ = item
        return Capture(record, msg, args)

    def _can_stay(self, record: logging.LogRecord, formatter: logging.Formatter | None) -> bool:
        """Whether nothing in the record can change, so that it is noted as it is."""
        has_more = record.exc_info or record.exc_text or record.stack_info
        return (
            not has_more
            and formatter is None
            and self._fill_now is None
            and type(record) is logging.LogRecord
            and not hasattr(record, "pushover")
            and is_plain(record.msg, record.args)
        )

    def render(self, capture: Capture, priority: Priority) -> Alert:
        """The push for a record; reads source files, so never in a logging call. Never raises."""
        try:
            return self._render(capture, priority)
        except Exception as error:  # noqa: BLE001 - the alert goes out, whatever is in it
            return self._last_resort(capture, priority, error)

    def _render(self, capture: Capture, priority: Priority) -> Alert:
        overrides, complaints = capture.overrides, capture.overrides.complaints
        style = _chosen(self._style, overrides)
        text = filled_in(capture.record, capture.msg, capture.args)
        texts = self._texts(capture, text)
        if len(texts.url) > URL_LIMIT:
            too_long = f"url is {len(texts.url)} characters; at most {URL_LIMIT} fit; left out"
            texts, complaints = texts._replace(url=""), (*complaints, too_long)
        return style.alert(
            self._message(capture, text, style.html),
            texts,
            priority,
            _timestamp(capture),
            levelno=capture.record.levelno,
            complaints=complaints,
        )

    def _message(self, capture: Capture, text: str, html: bool) -> str:
        ink = MARKUP if html else PLAIN
        own = capture.overrides.texts.get("message")
        text, gone = trim(own) if own else trim(text)
        tidied = self._tidy(text).strip("\n").rstrip()
        message = compose(
            tidied if own or capture.markup else ink.encode(tidied),
            capture.trouble,
            ink,
            self._tidy,
            gone=gone if own else gone + capture.gone,
        )
        if is_blank(ink.decode(message)):
            return ink.encode(_placeholder(capture.record))
        return message

    def _texts(self, capture: Capture, text: str) -> Texts:
        """The push's title and url, given by the record or by the templates."""
        texts = capture.texts or self._templates.fill(capture.record, text)
        given = capture.overrides.texts
        return Texts(
            self._one_line(given.get("title", texts.title), TITLE_LIMIT),
            self._tidy(given.get("url", texts.url)).strip(),
            self._one_line(given.get("url_title", texts.url_title), URL_TITLE_LIMIT),
        )

    def _one_line(self, text: str, limit: int) -> str:
        return cut(" ".join(self._tidy(trim(text)[0]).split()), limit) if text else ""

    def _tidy(self, text: str) -> str:
        if not text:
            return text  # as most urls are
        try:
            return self._redact(clean(text))
        except Exception as error:  # noqa: BLE001 - no text goes out that it has not seen
            return f"(withheld: redact raised {type(error).__name__})"

    def _last_resort(self, capture: Capture, priority: Priority, error: Exception) -> Alert:
        """Little more than the text, when all else failed."""
        record = capture.record
        reason = f"this record could not be laid out: {type(error).__name__}"
        text = self._tidy(trim(filled_in(record, capture.msg, capture.args))[0])
        return Alert(
            message=f"{cut(text, MESSAGE_LIMIT - 100)}\n({reason})",
            title=self._one_line(f"{record.levelname} {record.name}", TITLE_LIMIT),
            priority=priority,
            timestamp=int(time.time()),
            complaints=(reason,),
        )


def _chosen(style: Style, overrides: Overrides) -> Style:
    """The style with a record's own wishes in it; what it asks for excludes what it doesn't."""
    wishes = overrides.style
    if not wishes:
        return style
    chosen = dataclasses.replace(style, **wishes)
    if wishes.get("html"):
        chosen = dataclasses.replace(chosen, monospace=False)
    elif wishes.get("monospace"):
        chosen = dataclasses.replace(chosen, html=False)
    return dataclasses.replace(chosen, params={**style.params, **chosen.params})


def _placeholder(record: logging.LogRecord) -> str:
    return clean(f"(blank message, logged at {record.filename}:{record.lineno})")


def _timestamp(capture: Capture) -> int:
    given, created = capture.overrides.timestamp, capture.record.created
    if given is not None:
        return given
    return int(created) if math.isfinite(created) else int(time.time())
