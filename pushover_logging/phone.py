"""Where a handler's alerts go: the application and its users, and the handler to fall back on."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from .alerts import Alert, Priority
from .incidents import ReceiptNews
from .notices import NOTICES
from .noting import Early
from .options import Settings
from .parcels import Receipt, Share
from .quota import Allowance
from .rendering import Capture
from .summaries import Writer, let_go

if TYPE_CHECKING:
    from .client.application import Application
    from .client.encryption import Cipher
    from .client.transport import Transport

__all__ = ["Phone"]


class Phone:
    """Writes and sends one handler's pushes, on the courier's thread."""

    def __init__(
        self,
        token: str,
        users: tuple[str, ...],
        settings: Settings,
        writer: Writer,
        cipher: Cipher | None = None,
    ) -> None:
        self._token = token
        self._user = ",".join(users)
        self._settings = settings
        self._writer = writer
        self._cipher = cipher
        self._application: Application | None = None
        self._transport: Transport | None = None

    def open(self) -> None:
        from .client.application import Application  # loads requests, so not before it is needed

        self._transport = _shared_transport(self._settings.api_url, self._settings.timeout)
        self._application = Application(self._token, transport=self._transport)

    def freeze(self, early: Early) -> None:
        self._writer.captured(early)

    def write(self, shares: Sequence[Share[Capture]], priority: Priority) -> Alert:
        for share in shares:
            self._capture(share)
        alert = self._writer.write(shares, priority)
        for complaint in alert.complaints:
            NOTICES.say("override", f"of a record's own wishes: {complaint}")
        for share in shares:
            let_go(share)
        return alert

    def report_losses(self, by_level: Mapping[int, int], capacity: int) -> Alert:
        return self._writer.losses(by_level, capacity)

    def report_allowance(self, allowance: Allowance, reserve: int) -> Alert:
        return self._writer.allowance(allowance, reserve)

    def send(self, alert: Alert, timeout: float | None) -> Receipt:
        application = self._connected(timeout)
        parameters = {**alert.parameters(), "user": self._user}
        return application.send(
            parameters if self._cipher is None else self._cipher.seal(parameters)
        )

    def ask(self, receipt: str) -> ReceiptNews:
        return self._connected(None).receipt(receipt)

    def cancel(self, tag: str) -> None:
        self._connected(None).cancel_by_tag(tag)

    def acknowledged(self, news: ReceiptNews) -> None:
        _call("on_acknowledged", self._settings.on_acknowledged, news)

    def failed(self, error: Exception) -> None:
        _call("on_error", self._settings.on_error, error)

    def lost(self, share: Share[Capture]) -> None:
        fallback = self._fallback()
        self._capture(share)
        capture = share.item or share.group.noted
        let_go(share)
        # A handler's level is looked at by the logger, not by `handle`.
        if fallback is None or capture is None or capture.record.levelno < fallback.level:
            return
        record = capture.replay()
        repeats = share.records - (share.item is not None)
        if repeats:
            record.msg = f"{record.getMessage()} (and {repeats} more like it)"
            record.args = None
        _call("fallback", fallback.handle, record)

    def _capture(self, share: Share[Capture]) -> None:
        """Frame what a logging call left as it is; to do more there would cost the program."""
        if share.item is not None:
            share.item = self._writer.captured(share.item)
        if share.group.noted is not None:
            share.group.noted = self._writer.captured(share.group.noted)

    def _connected(self, timeout: float | None) -> Application:
        if self._application is None or self._transport is None:
            raise RuntimeError("the phone was used before it was opened")
        connect, read = self._settings.timeout
        if timeout is not None:
            connect, read = min(connect, timeout), min(read, timeout)
        self._transport.timeout = (connect, read)
        return self._application

    def _fallback(self) -> logging.Handler | None:
        fallback = self._settings.fallback
        if not isinstance(fallback, str):
            return fallback
        # logging.getHandlerByName is new in 3.12.
        by_name: Mapping[str, logging.Handler] = getattr(logging, "_handlers", {})
        if fallback not in by_name:
            NOTICES.say("fallback", f"fallback: no handler is named {fallback}")
        return by_name.get(fallback)


def _call(what: str, function: Callable[..., object] | None, argument: object) -> None:
    """Call what the user gave; delivery goes on whatever it does."""
    if function is None:
        return
    try:
        function(argument)
    except Exception as error:  # noqa: BLE001 - the user's function
        NOTICES.say(what, f"{what} failed: {type(error).__name__}")


_transports: weakref.WeakValueDictionary[tuple[int, str], Transport] = weakref.WeakValueDictionary()
"""By process and address: handlers for one service share one connection. The courier's alone."""


def _shared_transport(api_url: str, timeout: tuple[float, float]) -> Transport:
    from .client.transport import Transport

    key = (os.getpid(), api_url)
    transport = _transports.get(key)
    if transport is None:
        transport = _transports[key] = Transport(api_url, timeout)
    return transport
