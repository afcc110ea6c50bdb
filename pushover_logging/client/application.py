"""The application that messages come from, and the users they go to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from . import parameters as fields
from .answers import Allowance, Answer, read_allowance, understand
from .masking import Payload, mask
from .parameters import Value
from .transport import TIMEOUT, File, Transport


class Application:
    """A Pushover application: whatever is sent or asked goes through it.

    A transport given here may be shared with other applications; otherwise the application makes
    its own at the first request.
    """

    limit: int | None = None
    """How many messages a month may have, as the last answer said."""
    remaining: int | None = None
    """How many of them are left, as the last answer said."""
    reset: datetime | None = None
    """When the next month's allowance begins, as the last answer said."""

    def __init__(
        self,
        token: str,
        *,
        api_url: str | None = None,
        timeout: tuple[float, float] = TIMEOUT,
        transport: Transport | None = None,
    ) -> None:
        self.token = fields.token(token)
        self._transport = transport or Transport(api_url, timeout)

    def send(self, parameters: Mapping[str, Value], file: File | None = None) -> Answer:
        """Send one message, once, as the parameters say; ``limit`` and its kin are then current.

        ``user`` may be a list of keys. The parameters are not checked, the service does that.
        Raises a PushoverError for whatever the network or the service did.
        """
        payload = self._payload(parameters)
        reply = self._transport.post("messages.json", payload, file)
        allowance = read_allowance(reply.headers)
        self._note(allowance)
        return understand(reply, payload, allowance)

    def close(self) -> None:
        """Close the connection; a later request opens another."""
        self._transport.close()

    def _payload(self, parameters: Mapping[str, Value]) -> Payload:
        return Payload(token=self.token, **fields.form(parameters))

    def _note(self, said: Allowance) -> None:
        self.limit = self.limit if said.limit is None else said.limit
        self.remaining = self.remaining if said.remaining is None else said.remaining
        self.reset = said.reset or self.reset

    def __repr__(self) -> str:
        return f"{type(self).__name__}(token={mask(self.token)!r})"
