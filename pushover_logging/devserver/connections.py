"""Connections that are counted and can be broken off; the only place inside uvicorn's protocol."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Callable
from email.utils import formatdate
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

# uvicorn's own loggers may belong to the very program that is under test, and what they say would
# come back here as a push. This one has no parent: only a bug of the app gets through, to stderr.
_QUIET = logging.Logger("devserver.uvicorn", logging.ERROR)

Report = Callable[[int], None]


class Connection(H11Protocol):
    """One connection of a client, which the app finds as ``scope["connection"]``."""

    def __init__(
        self, config: uvicorn.Config, server_state: ServerState, report_open: Report
    ) -> None:
        super().__init__(config, server_state, {})
        self.logger = _QUIET
        self.access_logger = _QUIET
        self.access_log = False
        self._report_open = report_open
        self._app = self.app
        self.app = self._with_connection

    async def _with_connection(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_dated(message: Any) -> None:
            if message["type"] == "http.response.start":
                date = formatdate(usegmt=True).encode("ascii")
                message = {**message, "headers": [*message["headers"], (b"date", date)]}
            await send(message)

        await self._app({**scope, "connection": self}, receive, send_dated)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        super().connection_made(cast(asyncio.Transport, transport))
        self._report_open(len(self.connections))

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, or was broken off."""
        super().connection_lost(exc)
        self._report_open(len(self.connections))

    def is_gone(self) -> bool:
        """Whether nobody waits for an answer any more."""
        return self.transport.is_closing()

    def drop(self) -> None:
        """Close without an answer, as a server does that dies."""
        self.transport.abort()

    def reset(self) -> None:
        """Break off at once, so that the client sees its connection reset."""
        raw: socket.socket = self.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
