"""Where a handler's state lives between the courier's steps: one Protocol, in memory so far.

The rules are not here: they stand once, in `grouping`, `incidents`, `gate` and `room`, and work on
whatever store they are given.
"""

from __future__ import annotations

from collections.abc import Hashable, MutableMapping, MutableSequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from ..groups import Group
from ..incidents import Incident
from ..parcels import Parcel
from ..quota import Allowance

if TYPE_CHECKING:
    from ..noting import Plain

__all__ = ["Store"]

Item = TypeVar("Item")


class Store(Protocol[Item]):
    """A handler's state as collections, which only the courier changes, but for ``groups``."""

    groups: MutableMapping[Hashable, Group | Plain]
    """The groups that are known, a record for one of which there is no more yet: the intake's own.

    Logging calls ``get`` and ``setdefault``: both must be atomic."""
    incidents: MutableSequence[Incident]
    """The latest emergencies, the oldest first."""
    parcels: MutableSequence[Parcel[Item]]
    """Pushes that are made up and wait."""
    pushes: MutableSequence[float]
    """When the pushes of the last minute went, the oldest first: `time.monotonic` seconds."""
    allowance: Allowance
    """What the service last said of the month."""
