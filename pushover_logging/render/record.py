"""Renders one record: what the phone shows for a Snapshot.

What a person needs first stands first: logger and level in the title, then the message, the
exception and the call that raised it. Every text is cleaned and redacted before it is cut.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..client.constants import MESSAGE_LIMIT, TITLE_LIMIT, URL_LIMIT, URL_TITLE_LIMIT, Priority
from ..config.fields import Style
from ..notice import TEXT_BOUND
from .alert import Alert, clean, cut, halves, is_blank
from .exceptions import TRACEBACK_START, fitted, plain_text, sections, without_copy
from .html import MARKUP, PLAIN, changed
from .redact import LONG_WORD, Redactor
from .templates import fill

if TYPE_CHECKING:
    from ..notice import Snapshot

__all__ = ["Renderer", "replay"]

_DEFAULT_TITLE = Style().title
_TRACEBACK_SIGN = "\n  File "
_LATEST = 253_402_300_799
"""The end of the year 9999; a later time is a mistake, such as milliseconds for seconds."""
_OVERRIDES = (
    *("device", "sound", "html", "monospace", "ttl", "retry", "expire", "callback", "tags"),
    "params",
)
"""The style's options that a record can override; its texts are no templates."""
_VALUES_SHOWN = 10
_VALUE_LIMIT = 200


class Renderer:
    """Renders records with the credentials taken out that ``redact`` finds."""

    def __init__(self, redact: Redactor) -> None:
        self._redact = redact

    def render(
        self,
        snapshot: Snapshot,
        style: Style,
        priority: int,
        *,
        limit: int = MESSAGE_LIMIT,
    ) -> Alert:
        """The push for a record, its message at most ``limit`` characters. Never raises.

        Reads source files, so never in a logging call.
        """
        try:
            return self._render(snapshot, style, Priority(priority), limit)
        except Exception as error:  # noqa: BLE001 - the alert goes out, whatever is in it
            return self._last_resort(snapshot, style, priority, error, limit)

    def _render(self, snapshot: Snapshot, style: Style, priority: Priority, limit: int) -> Alert:
        tidy = self.tidy_for(style)
        given = snapshot.overrides
        style = _overridden(style, given) if given else style
        text = filled_in(snapshot, tidy)

        title = given.get("title")
        if title is None and style.title != _DEFAULT_TITLE:
            title, is_complete = fill("title", style.title, snapshot, text, tidy)
            # Nothing is left of it because the record lacks its fields, not because it is blank.
            title = None if not title.strip() and not is_complete else title
        if title is None:
            title = f"{snapshot.levelname} {snapshot.name}"
        title = cut(" ".join(tidy(title).split()), TITLE_LIMIT) if title else ""
        url, url_title, complaints = "", "", snapshot.complaints
        if style.url or "url" in given:
            url, url_title = _link(snapshot, style, text, tidy)
            if len(url) > URL_LIMIT:
                complaint = f"url is {len(url)} characters; at most {URL_LIMIT} fit; left out"
                url, complaints = "", (*complaints, complaint)
        return Alert(
            message=_message(snapshot, style, text, limit, tidy),
            title=title,
            priority=priority,
            timestamp=_timestamp(given.get("timestamp", snapshot.created)),
            levelno=snapshot.levelno,
            html=style.html,
            monospace=style.monospace,
            url=url or None,
            url_title=url_title or None,
            device=style.device and tidy(style.device),
            sound=style.sound and tidy(style.sound),
            ttl=style.ttl,
            retry=style.retry,
            expire=style.expire,
            callback=style.callback and tidy(style.callback),
            tags=tuple(map(tidy, style.tags)),
            params={
                name: value if name == "attachment_base64" else tidy(value)
                for name, value in style.params.items()
            },
            complaints=tuple(map(tidy, complaints)),
        )

    def tidy_for(self, style: Style) -> Callable[[str], str]:
        """The function that cleans and redacts the texts of records in this style.

        It shortens endless texts to both their ends, which is more than a push can show, and takes
        out what a credential could be that the cut left halves of. It never raises.
        """
        redact = self._redact.with_patterns(style.redact) if style.redact else self._redact
        hints = redact.hints

        def tidy(text: str) -> str:
            try:
                if len(text) < TEXT_BOUND - 1:  # so that it was not cut
                    if not text.isprintable():
                        text = clean(text)
                    lowered = text.lower()
                    for hint in hints:
                        if hint in lowered:
                            return redact(text)
                    if LONG_WORD.search(text) is None:
                        return text
                return redact(text)
            except Exception as error:  # noqa: BLE001 - no text leaves that redact has not seen
                return f"(withheld: redact raised {type(error).__name__})"

        return tidy

    def _last_resort(
        self, snapshot: Snapshot, style: Style, priority: int, error: Exception, limit: int
    ) -> Alert:
        """Little more than the text, when all else failed."""
        try:
            tidy = self.tidy_for(style)
        except Exception as broken:  # noqa: BLE001 - a pattern of the style cannot be compiled
            withheld = f"(withheld: redact raised {type(broken).__name__})"

            def tidy(_: str) -> str:
                return withheld

        reason = f"this record could not be laid out: {type(error).__name__}"
        title = tidy(f"{_text(snapshot.levelname)} {_text(snapshot.name)}")
        return Alert(
            message=f"{cut(tidy(_text(snapshot.text)), limit - 100)}\n({reason})".lstrip(),
            title=cut(" ".join(title.split()), TITLE_LIMIT),
            priority=Priority(priority),
            timestamp=int(time.time()),
            complaints=(reason,),
        )


def _message(
    snapshot: Snapshot, style: Style, text: str, limit: int, tidy: Callable[[str], str]
) -> str:
    """The record's text, or the one that an override gives, and below it the exceptions."""
    own = snapshot.overrides.get("message")
    source = own or text
    missing = 0 if own else snapshot.cut
    if style.html and (own or snapshot.is_markup):
        # A credential is found in the text as it reads, or in an address inside a tag.
        ink, shown = MARKUP, tidy(changed(source, tidy))
    else:
        ink, shown = (MARKUP if style.html else PLAIN), tidy(source)
        if len(source) >= TEXT_BOUND - 1 and halves(source) is not None:
            missing += max(len(source) - len(shown), 0)
        if snapshot.exceptions and TRACEBACK_START in shown:
            shown = without_copy(shown, tidy(snapshot.exceptions[0].text))
        shown = ink.encode(shown)
    shown = shown.strip("\n").rstrip()
    # A traceback that is part of the text ends in what matters most.
    tail = 2 / 3 if _TRACEBACK_SIGN in shown else 1 / 3
    if snapshot.exceptions:
        written = sections(snapshot.exceptions, ink, tidy, limit)
        share = max(limit * 2 // 5, limit - len(fitted(written)) - 1)
        if style.html or len(shown) > share:
            shown = ink.cut(shown, share, missing=missing, tail=tail)
        below = fitted(written, limit - len(shown) - 1)
        message = "\n".join(part for part in (shown, below) if part)
    elif style.html or len(shown) > limit:
        message = ink.cut(shown, limit, missing=missing, tail=tail)
    else:
        message = shown
    if is_blank(ink.decode(message) if style.html else message):
        file = snapshot.pathname.replace("\\", "/").rpartition("/")[2]
        return ink.encode(f"(blank message, logged at {tidy(file)}:{snapshot.lineno})")
    return message


def _link(
    snapshot: Snapshot, style: Style, text: str, tidy: Callable[[str], str]
) -> tuple[str, str]:
    """The address and its name; blank if the record lacks a part of the address."""
    given = snapshot.overrides
    url, url_title = given.get("url"), given.get("url_title")
    is_complete = True
    if url is None:
        url, is_complete = fill("url", style.url or "", snapshot, text, tidy)
    if url_title is None:
        url_title, _ = fill("url_title", style.url_title or "", snapshot, text, tidy)
    url_title = cut(" ".join(tidy(url_title).split()), URL_TITLE_LIMIT)
    return (tidy(url).strip(), url_title) if is_complete else ("", "")


def filled_in(snapshot: Snapshot, tidy: Callable[[str], str]) -> str:
    """The template with its arguments; a text that says so if they do not fit."""
    if not snapshot.args:
        return snapshot.text
    try:
        return snapshot.text % snapshot.args
    except Exception as error:  # noqa: BLE001 - the template is the application's
        # An argument of "password=%s %d" is a credential, which its own text does not give away.
        if tidy(snapshot.text) != snapshot.text:
            values = ", ".join(type(value).__name__ for value in snapshot.args)
        else:
            shown = snapshot.args[:_VALUES_SHOWN]
            values = ", ".join(cut(tidy(repr(value)), _VALUE_LIMIT) for value in shown)
        return (
            f"{snapshot.text}\n({snapshot.levelname} {snapshot.name}: this text could not be filled"
            f" in with {values}: {type(error).__name__}: {error})"
        )


def _overridden(style: Style, given: Mapping[str, Any]) -> Style:
    """The style with a record's own wishes in it; ``html`` and ``monospace`` exclude each other."""
    wishes = {name: given[name] for name in _OVERRIDES if name in given}
    if wishes.get("html"):
        wishes["monospace"] = False
    elif wishes.get("monospace"):
        wishes["html"] = False
    if "params" in wishes:
        wishes["params"] = {**style.params, **wishes["params"]}
    return style._replace(**wishes)


def _timestamp(seconds: float) -> int:
    """Unix seconds that the service takes: now for any that it would not."""
    return int(seconds) if 0 <= seconds <= _LATEST else int(time.time())


def replay(snapshot: Snapshot) -> logging.LogRecord:
    """A record for another handler, such as the fallback: everything in it is text.

    It is made without the application's record factory, which may do anything.
    """
    filename = re.split(r"[/\\]", snapshot.pathname)[-1]
    record = object.__new__(logging.LogRecord)
    record.__dict__.update(
        {name: text for name, text in snapshot.fields.items() if name.isidentifier()},
        name=snapshot.name,
        msg=filled_in(snapshot, str),
        args=None,
        levelname=snapshot.levelname,
        levelno=snapshot.levelno,
        pathname=snapshot.pathname,
        filename=filename,
        module=filename.rpartition(".")[0] or filename,
        exc_info=None,
        exc_text=plain_text(snapshot.exceptions) or None,
        stack_info=None,
        lineno=snapshot.lineno,
        funcName=snapshot.function or None,
        created=snapshot.created,
        msecs=snapshot.created % 1 * 1000,
        relativeCreated=0.0,
        thread=None,
        threadName=None,
        processName=None,
        process=None,
        taskName=None,
    )
    return record


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - the value broke everything else already
        return f"<{type(value).__name__}>"
