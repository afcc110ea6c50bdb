"""Stores carry notices from every process to the sender, and keep the sender's state."""

from __future__ import annotations

import os
from urllib.parse import parse_qsl, unquote, urlsplit

from .base import LeaseLost, Source, Store, StoreError, StoreTooNew, Taken
from .memory import MemoryStore

__all__ = [
    "LeaseLost",
    "MemoryStore",
    "Source",
    "Store",
    "StoreError",
    "StoreTooNew",
    "Taken",
    "open_store",
]

_FORMS = "'local', 'sqlite:///path', 'redis://host:port/number' or 'rediss://host:port/number'"


def open_store(url: str, namespace: str) -> Store:
    """Opens the store that a URL names; it connects to nothing yet.

    ``namespace`` separates applications in one store; ``?namespace=`` in the URL is added to it.
    ``?spool=`` names a folder for spools. Raises ValueError, without the URL's password.
    """
    try:
        parts = urlsplit(url)
        options = dict(
            parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        )
        parts.port  # noqa: B018  # raises ValueError for anything that is no number
    except ValueError:
        raise ValueError(f"store is not a valid URL; use {_FORMS}") from None
    if "namespace" in options:
        namespace = f"{namespace}:{options.pop('namespace')}"
    spool = options.pop("spool", None)
    if url != "local" and parts.scheme not in ("sqlite", "redis", "rediss"):
        raise ValueError(f"store has the scheme {parts.scheme!r}; use {_FORMS}")
    if spool is not None and not os.path.isdir(spool):
        raise ValueError(f"store: spool={spool} is no folder")
    if options:
        raise ValueError(f"store has the unknown option {min(options)!r}; known: namespace, spool")
    if os.name != "posix":
        raise ValueError("store needs the file locks of a POSIX system; leave it out here")
    if parts.scheme in ("redis", "rediss"):
        from .redis import RedisStore  # here, because redis is an extra

        address = parts._replace(query="").geturl()
        return RedisStore(address, namespace, spool)
    from .sqlite import SqliteStore  # here, because it needs POSIX

    if url == "local":
        state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
        name = "".join(c if c.isalnum() else "-" for c in namespace)[:40]
        return SqliteStore(os.path.join(state, "pushover-logging", f"{name}.sqlite"), namespace)
    if parts.netloc or not parts.path.strip("/"):
        raise ValueError("store: a sqlite URL has three slashes and a path: sqlite:///path")
    return SqliteStore(unquote(parts.path), namespace, spool)
