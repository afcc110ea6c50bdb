"""Python logging on your phone: PushoverHandler, and a complete Pushover client.

The names load at first use, so that importing the package is cheap.
"""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

TYPE_CHECKING = False  # typing's own takes longer to load than all that a handler needs
if TYPE_CHECKING:
    from .client.application import Application as Application
    from .client.application import User as User
    from .client.constants import EMERGENCY as EMERGENCY
    from .client.constants import HIGH as HIGH
    from .client.constants import LOW as LOW
    from .client.constants import LOWEST as LOWEST
    from .client.constants import NORMAL as NORMAL
    from .client.constants import Priority as Priority
    from .client.errors import APIError as APIError
    from .client.errors import PushoverError as PushoverError
    from .client.errors import RateLimitError as RateLimitError
    from .client.errors import ServerError as ServerError
    from .client.errors import TransportError as TransportError
    from .client.messages import EmergencyMessage as EmergencyMessage
    from .client.messages import Message as Message
    from .client.teams import Team as Team
    from .config.fields import Grouping as Grouping
    from .delivery.incidents import IncidentReport as IncidentReport
    from .delivery.incidents import IncidentState as IncidentState
    from .delivery.retry import RetryPolicy as RetryPolicy
    from .delivery.stats import Stats as Stats
    from .handler import PushoverHandler as PushoverHandler
    from .hooks import drain as drain
    from .hooks import install_hooks as install_hooks
    from .hooks import notify as notify
    from .hooks import remove_hooks as remove_hooks
    from .oneshot import pushover as pushover
    from .oneshot import pushover_defaults as pushover_defaults

_HOMES = {
    "Application": ".client.application",
    "User": ".client.application",
    "EMERGENCY": ".client.constants",
    "HIGH": ".client.constants",
    "LOW": ".client.constants",
    "LOWEST": ".client.constants",
    "NORMAL": ".client.constants",
    "Priority": ".client.constants",
    "APIError": ".client.errors",
    "PushoverError": ".client.errors",
    "RateLimitError": ".client.errors",
    "ServerError": ".client.errors",
    "TransportError": ".client.errors",
    "EmergencyMessage": ".client.messages",
    "Message": ".client.messages",
    "Team": ".client.teams",
    "Stats": ".delivery.stats",
    "Grouping": ".config.fields",
    "IncidentReport": ".delivery.incidents",
    "IncidentState": ".delivery.incidents",
    "PushoverHandler": ".handler",
    "drain": ".hooks",
    "install_hooks": ".hooks",
    "notify": ".hooks",
    "remove_hooks": ".hooks",
    "pushover": ".oneshot",
    "pushover_defaults": ".oneshot",
    "RetryPolicy": ".delivery.retry",
}

__all__ = ["__version__", *_HOMES]


if not TYPE_CHECKING:  # or a type checker would believe in every name

    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value: object = getattr(importlib.import_module(home, __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
