"""A local Pushover server, to develop and test alerts without an account.

``server`` is the object that programs use; it runs ``app`` with ``http_server``. A request to the
service passes ``loopback``, ``traffic`` and ``calls``, and changes ``account``. ``inbox`` and
``views`` feed the page in ``page/``.
"""

from __future__ import annotations

try:
    import nh3  # noqa: F401
    import python_multipart  # noqa: F401
    import sse_starlette  # noqa: F401
    import starlette  # noqa: F401
    import uvicorn  # noqa: F401
except ModuleNotFoundError as _missing:
    _library = (_missing.name or "").partition(".")[0]
    raise ModuleNotFoundError(
        f"The dev server needs {_library}: pip install 'pushover-logging[devserver]'", name=_library
    ) from _missing

from pushover_logging.devserver.account import Glance, ReceivedMessage
from pushover_logging.devserver.emergencies import Emergency
from pushover_logging.devserver.faults import Fault, FaultKind
from pushover_logging.devserver.parameters import Attachment
from pushover_logging.devserver.server import DEFAULT_PORT, DevServer, serve
from pushover_logging.devserver.traffic import Rejection, SeenRequest

__all__ = [
    "DEFAULT_PORT",
    "Attachment",
    "DevServer",
    "Emergency",
    "Fault",
    "FaultKind",
    "Glance",
    "ReceivedMessage",
    "Rejection",
    "SeenRequest",
    "serve",
]
