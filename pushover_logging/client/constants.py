"""The numbers and names of the Pushover service that both a client and a server must know.

Source: Pushover's API documentation, https://pushover.net/api.
"""

from __future__ import annotations

import enum
import re

TYPE_CHECKING = False  # importing typing takes longer than all that a handler needs
if TYPE_CHECKING:
    from typing import Final

API_URL: Final = "https://api.pushover.net/1/"


class Priority(enum.IntEnum):
    """The urgency of a push, which decides how the phone presents it."""

    LOWEST = -2
    """No sound, no vibration, no banner."""
    LOW = -1
    """A banner, without sound or vibration."""
    NORMAL = 0
    """Sound, vibration and banner; quiet hours turn it into LOW."""
    HIGH = 1
    """Sound, vibration and banner, in quiet hours too."""
    EMERGENCY = 2
    """Like HIGH, repeated until acknowledged or expired."""


LOWEST: Final = Priority.LOWEST
LOW: Final = Priority.LOW
NORMAL: Final = Priority.NORMAL
HIGH: Final = Priority.HIGH
EMERGENCY: Final = Priority.EMERGENCY

# Lengths are counted in characters (code points), never in bytes.
MESSAGE_LIMIT: Final = 1024
TITLE_LIMIT: Final = 250
URL_LIMIT: Final = 512
URL_TITLE_LIMIT: Final = 100

RETRY_MINIMUM: Final = 30
EXPIRE_MAXIMUM: Final = 10_800
EXPIRE_ACCEPTED: Final = 86_400
"""The service's former limit, which older programs still use; sent as EXPIRE_MAXIMUM."""
USERS_MAXIMUM: Final = 50
ATTACHMENT_LIMIT: Final = 5_242_880

KEY_PATTERN: Final = re.compile(r"[A-Za-z0-9]{30}", re.ASCII)
"""An application token, user key, group key or receipt; use ``fullmatch``."""
DEVICE_PATTERN: Final = re.compile(r"[A-Za-z0-9_-]{1,25}", re.ASCII)
"""One device name; use ``fullmatch``."""

SOUNDS: Final[dict[str, str]] = {
    "pushover": "Pushover (default)",
    "bike": "Bike",
    "bugle": "Bugle",
    "cashregister": "Cash Register",
    "classical": "Classical",
    "cosmic": "Cosmic",
    "falling": "Falling",
    "gamelan": "Gamelan",
    "incoming": "Incoming",
    "intermission": "Intermission",
    "magic": "Magic",
    "mechanical": "Mechanical",
    "pianobar": "Piano Bar",
    "siren": "Siren",
    "spacealarm": "Space Alarm",
    "tugboat": "Tug Boat",
    "alien": "Alien Alarm (long)",
    "climb": "Climb (long)",
    "persistent": "Persistent (long)",
    "echo": "Pushover Echo (long)",
    "updown": "Up Down (long)",
    "vibrate": "Vibrate Only",
    "none": "None (silent)",
}
"""The built-in sounds by name. Users may upload sounds of their own, so unknown names are valid."""
