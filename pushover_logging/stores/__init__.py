"""Stores carry notices from every process to the sender, and keep the sender's state."""

from __future__ import annotations

import os

from .base import (
    DurableStore,
    Holder,
    LeaseLost,
    Overview,
    Source,
    SpoolReport,
    Store,
    StoreError,
    StoreTooNew,
    Taken,
)
from .memory import MemoryStore

__all__ = [
    "DurableStore",
    "Holder",
    "LeaseLost",
    "MemoryStore",
    "Overview",
    "Source",
    "SpoolReport",
    "Store",
    "StoreError",
    "StoreTooNew",
    "Taken",
    "open_store",
]

_FORMS = "'local', 'sqlite:///path', 'redis://host:port/number' or 'rediss://host:port/number'"


def open_store(url: str, namespace: str) -> DurableStore:
    """Opens the store that a URL names; it connects to nothing yet.

    ``namespace`` separates applications in one store; ``?namespace=`` in the URL is added to it.
    ``?spool=`` names a folder for spools. Raises ValueError, without the URL's password.
    """
    scheme, separator, rest = url.partition("://")
    if url != "local" and (not separator or scheme not in ("sqlite", "redis", "rediss")):
        raise ValueError(f"store has the scheme {scheme if separator else ''!r}; use {_FORMS}")
    if os.name != "posix":
        raise ValueError("store needs the file locks of a POSIX system; leave it out here")
    address, _, query = rest.partition("?")
    options = {}
    for option in query.split("&") if query else ():
        name, _, value = option.partition("=")
        options[name] = _unquoted(value)
    if options.keys() - {"namespace", "spool"}:
        name = min(options.keys() - {"namespace", "spool"})
        raise ValueError(f"store has the unknown option {name!r}; known: namespace, spool")
    if "namespace" in options:
        namespace = f"{namespace}:{options['namespace']}"
    spool = options.get("spool")
    if spool is not None and not os.path.isdir(spool):
        raise ValueError(f"store: spool={spool} is no folder")
    if scheme in ("redis", "rediss"):
        _check_redis_address(address)
        from .redis import RedisStore  # here, because redis is an extra

        return RedisStore(f"{scheme}://{address}", namespace, spool)
    from .sqlite import SqliteStore  # here, because it needs POSIX

    if url == "local":
        state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
        name = "".join(c if c.isalnum() else "-" for c in namespace)[:40]
        return SqliteStore(os.path.join(state, "pushover-logging", f"{name}.sqlite"), namespace)
    if not address.startswith("/") or not address.strip("/"):
        raise ValueError("store: a sqlite URL has three slashes and a path: sqlite:///path")
    return SqliteStore(_unquoted(address), namespace, spool)


def _check_redis_address(address: str) -> None:
    """Finds mistakes when logging is configured, and not when the first alert waits."""
    from importlib.util import find_spec
    from urllib.parse import urlsplit  # both here, because a sqlite store starts faster without

    try:
        parts = urlsplit(f"redis://{address}")
        parts.port  # noqa: B018  # raises ValueError for anything that is no number
    except ValueError:
        raise ValueError(f"store is not a valid URL; use {_FORMS}") from None
    number = parts.path.strip("/")
    if number and not number.isdecimal():
        raise ValueError("store: a redis URL ends with the number of a database, as in /0")
    try:
        installed = find_spec("redis") is not None
    except ValueError:  # a module that stands in for it has no specification
        installed = False
    if not installed:
        raise ValueError("store: redis needs an extra: pip install 'pushover-logging[redis]'")


def _unquoted(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote  # here, because few paths need it, and it loads slowly

    return unquote(text)
