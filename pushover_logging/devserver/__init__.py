"""A Pushover of one's own on loopback, to develop and test alerts without an account or a phone."""

from __future__ import annotations

try:
    import nh3  # noqa: F401
    import python_multipart  # noqa: F401
    import starlette  # noqa: F401
    import uvicorn  # noqa: F401
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        f"The dev server needs {missing.name}: pip install 'pushover-logging[devserver]'",
        name=missing.name,
    ) from missing

from pushover_logging.devserver.emergencies import Emergency
from pushover_logging.devserver.faults import Fault, FaultKind
from pushover_logging.devserver.parameters import Attachment
from pushover_logging.devserver.server import DEFAULT_PORT, DevServer, serve
from pushover_logging.devserver.state import Glance, ReceivedMessage
from pushover_logging.devserver.traffic import SeenRequest

__all__ = [
    "DEFAULT_PORT",
    "Attachment",
    "DevServer",
    "Emergency",
    "Fault",
    "FaultKind",
    "Glance",
    "ReceivedMessage",
    "SeenRequest",
    "serve",
]
