"""The store of a handler that was given none: its state is the process's, and ends with it."""

from __future__ import annotations

from collections.abc import Hashable, MutableMapping, MutableSequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from ..groups import Group
from ..incidents import Incident
from ..parcels import Parcel
from ..quota import Allowance

if TYPE_CHECKING:
    from ..noting import Plain

__all__ = ["MemoryStore"]

Item = TypeVar("Item")


@dataclass
class MemoryStore(Generic[Item]):
    """Plain collections."""

    groups: MutableMapping[Hashable, Group | Plain] = field(default_factory=dict)
    incidents: MutableSequence[Incident] = field(default_factory=list)
    parcels: MutableSequence[Parcel[Item]] = field(default_factory=list)
    pushes: MutableSequence[float] = field(default_factory=list)
    allowance: Allowance = field(default_factory=Allowance)
