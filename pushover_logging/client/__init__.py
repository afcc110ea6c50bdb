"""The client of the Pushover service: applications, users, messages, groups and teams.

The names load at first use, so importing the package is cheap.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # importing typing takes longer than all that a handler needs
if TYPE_CHECKING:
    from .answers import Allowance as Allowance
    from .answers import Answer as Answer
    from .application import Application as Application
    from .application import Retries as Retries
    from .callbacks import Acknowledgement as Acknowledgement
    from .constants import EMERGENCY as EMERGENCY
    from .constants import HIGH as HIGH
    from .constants import LOW as LOW
    from .constants import LOWEST as LOWEST
    from .constants import NORMAL as NORMAL
    from .constants import Priority as Priority
    from .errors import APIError as APIError
    from .errors import PushoverError as PushoverError
    from .errors import RateLimitError as RateLimitError
    from .errors import ServerError as ServerError
    from .errors import TransportError as TransportError
    from .groups import Group as Group
    from .groups import GroupUser as GroupUser
    from .messages import EmergencyMessage as EmergencyMessage
    from .messages import Message as Message
    from .receipts import Receipt as Receipt
    from .teams import Team as Team
    from .teams import TeamDevice as TeamDevice
    from .teams import TeamState as TeamState
    from .teams import TeamUser as TeamUser
    from .transport import Transport as Transport
    from .users import User as User
    from .users import Validation as Validation

_HOMES = {
    "Acknowledgement": "callbacks",
    "Allowance": "answers",
    "Answer": "answers",
    "APIError": "errors",
    "Application": "application",
    "EMERGENCY": "constants",
    "EmergencyMessage": "messages",
    "Group": "groups",
    "GroupUser": "groups",
    "HIGH": "constants",
    "LOW": "constants",
    "LOWEST": "constants",
    "Message": "messages",
    "NORMAL": "constants",
    "Priority": "constants",
    "PushoverError": "errors",
    "RateLimitError": "errors",
    "Receipt": "receipts",
    "Retries": "application",
    "ServerError": "errors",
    "Team": "teams",
    "TeamDevice": "teams",
    "TeamState": "teams",
    "TeamUser": "teams",
    "Transport": "transport",
    "TransportError": "errors",
    "User": "users",
    "Validation": "users",
}

__all__ = [*_HOMES]

if not TYPE_CHECKING:  # a type checker sees the names above, and refuses others

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
