"""Sends a push with a single call, as ``sage.misc.messaging`` does."""

from __future__ import annotations

import functools
import logging
from typing import Any, Final, cast

from .client.address import resolve_api_url
from .client.application import Application
from .client.attributes import params
from .client.errors import PushoverError
from .client.messages import Extras, Message
from .client.transport import Transport
from .config.secrets import resolve_token, resolve_users

__all__ = ["pushover", "pushover_defaults"]

_logger = logging.getLogger("pushover_logging")

pushover_defaults: Final[dict[str, object]] = {}
"""Default keywords for every call of ``pushover``, such as ``user``."""

_KNOWN = frozenset(
    (
        *("html", "title", "timestamp", "url", "url_title", "device", "priority", "sound"),
        *("callback", "retry", "expire", *Extras.__annotations__),
    )
)


def pushover(message: object, **kwds: object) -> bool:
    """Send a push; True if the service accepted it, else False, and a warning says why not.

    Keywords: ``user``, ``device``, ``title``, ``url``, ``url_title``, ``priority``, ``timestamp``,
    ``sound``, ``token``, and any other parameter of a message. A keyword of the call takes
    precedence over ``pushover_defaults``, and that over the environment (``PUSHOVER_TOKEN``,
    ``PUSHOVER_USER``). The warning goes to the logger ``pushover_logging``. Never raises.
    """
    try:
        made = _message(str(message), {**pushover_defaults, **kwds})
        made.send()
    except (TypeError, ValueError, OSError, ImportError) as error:
        _logger.warning("push not sent: %s", error)
        return False
    _warn_about(made)
    return made.is_sent


def _message(text: str, given: dict[str, object]) -> Message:
    """The message that the keywords describe; an unknown keyword becomes a parameter as it is."""
    # create_message checks the values.
    keywords = cast("dict[str, Any]", {n: v for n, v in given.items() if v is not None})
    token = resolve_token(keywords.pop("token", None))
    users = resolve_users(keywords.pop("user", None))
    known = {name: keywords.pop(name) for name in _KNOWN & keywords.keys()}
    known["params"] = {**params(known.get("params"), "params"), **keywords}
    application = Application(token, transport=_transport(resolve_api_url()))
    return application.get_user(users).create_message(text, **known)


@functools.lru_cache(maxsize=1)
def _transport(api_url: str) -> Transport:
    """The connection that all calls share."""
    return Transport(api_url)


def _warn_about(sent: Message) -> None:
    if isinstance(sent.error, PushoverError):
        _logger.warning("push not sent: %s", sent.error)
    elif sent.info:
        _logger.warning("push sent, but: %s", sent.info)
