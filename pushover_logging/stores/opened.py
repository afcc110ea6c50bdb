"""The stores that this process has opened, with the numbers of its notices.

Quick to import, because a store is opened when logging is configured.
"""

from __future__ import annotations

import hashlib
import itertools

from . import open_store
from .base import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .base import DurableStore

__all__ = ["ENTRY", "after_fork", "close", "namespace_of", "needs_a_sender", "store_for"]

ENTRY = "entry:"
"""How the keys of the sender's state begin under which alerts wait."""

_opened: dict[tuple[str, str], tuple[DurableStore, Iterator[int]]] = {}


def namespace_of(token: str, users: Sequence[str]) -> str:
    """What separates applications in one store; it tells neither the token nor the user keys."""
    keys = "\0".join([token, *sorted(users)])
    return hashlib.sha256(keys.encode()).hexdigest()[:32]


def store_for(url: str, token: str, users: Sequence[str]) -> tuple[DurableStore, Iterator[int]]:
    """The store of these users at that address, and the numbers for the notices of this process.

    Both are the same for all handlers of the process. Raises ValueError for a wrong address.
    """
    key = url, namespace_of(token, users)
    if key not in _opened:
        _opened[key] = open_store(*key), itertools.count(1)
    return _opened[key]


def close(store: DurableStore) -> None:
    """Close a store; the next call of `store_for` opens it again."""
    for key, (each, _) in list(_opened.items()):
        if each is store:
            del _opened[key]
    store.close()


def needs_a_sender(store: DurableStore) -> bool:
    """Whether alerts wait in the store, or it fails, so that a sender must have a look at once."""
    try:
        return store.waiting() > 0 or any(key.startswith(ENTRY) for key in store.peek())
    except StoreError:
        return True


def after_fork() -> None:
    """In a forked child: no file and connection of the parent's is used."""
    for store, _ in _opened.values():
        store.after_fork()
