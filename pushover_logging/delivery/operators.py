"""What operators do with a durable store, from a process that neither logs nor sends.

They read the sender's state, and hand over notices that resolve and silence groups. The sender
takes those as it takes the notices of a process that logs.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .. import notice as notices
from ..notice import Notice
from ..render.record import Renderer
from ..render.redact import Redactor
from ..stores import opened
from .incidents import IncidentState
from .state import GroupView, StateView, unseal, view

if TYPE_CHECKING:
    from ..client.encryption import Cipher
    from ..config import HandlerConfig
    from ..stores.base import DurableStore, Overview

__all__ = ["Checked", "Cleared", "HandedOver", "Operators", "Report"]

_LEAST_PREFIX = 4
_TAKEN_WITHIN = 3.0
"""Seconds to wait until the sender has taken a notice."""
_LOOK_AGAIN = 0.05
_BATCH = 1000
_HEX = frozenset("0123456789abcdef")

Progress = Callable[[int, int], object]
"""Is told how many notices are done, and about how many there are."""


@dataclass(frozen=True)
class Report:
    """What there is to know about a store."""

    state: StateView
    overview: Overview
    waiting: int
    """Notices that the sender has not taken in."""
    problems: tuple[str, ...]


@dataclass(frozen=True)
class HandedOver:
    """What became of a notice for the sender."""

    names: tuple[str, ...]
    """The keys and ids of groups that it names."""
    groups: tuple[GroupView, ...]
    """The groups that the sender knows by these names."""
    until: float | None
    """When a silence ends, in Unix seconds."""
    has_sender: bool
    is_taken: bool


@dataclass(frozen=True)
class Checked:
    """What a check of a store has found."""

    keys: int
    notices: Mapping[str, int]
    """How many notices wait, by kind."""
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Cleared:
    """What was in a store that is empty now."""

    keys: int
    notices: int
    records: int
    """Records that the sender had taken in, and that no push stands for."""
    ringing: tuple[str, ...]
    """Receipts of emergencies that ring on: the service knows nothing of stores."""


class Operators:
    """An operator's access to a store; `close` ends it."""

    def __init__(self, config: HandlerConfig) -> None:
        """Raises ValueError if the store cannot be opened as it is named."""
        assert config.store is not None
        self._store: DurableStore
        self._store, self._numbers = opened.store_for(config.store, config.token, config.users)
        secrets = (config.token, *config.users, *config.escalate_to)
        self._renderer = Renderer(Redactor(config.redact, secrets))
        self._cipher: Cipher | None = None
        if config.encryption_key is not None and self._store.wire == "json":
            from ..client.encryption import Cipher

            self._cipher = Cipher(config.encryption_key)

    def close(self) -> None:
        opened.close(self._store)

    def report(self) -> Report:
        """Raises StoreError, and ValueError if no process has used the store."""
        overview = self._known()
        return Report(self._view(), overview, self._store.waiting(), tuple(self._store.problems()))

    def resolve(self, name: str) -> HandedOver:
        """Resolve the problem with this key or id, and cancel its emergencies."""
        overview, state = self._known(), self._view()
        return self._hand_over("resolved", (_name_in(state, name),), state, overview)

    def silence(self, name: str, seconds: float) -> HandedOver:
        """Only count the records of the group with this key or id, for so long."""
        overview, state = self._known(), self._view()
        until = self._store.now() + seconds
        return self._hand_over("silence", (_name_in(state, name),), state, overview, until)

    def unsilence(self, name: str) -> HandedOver:
        """End a silence now. Raises ValueError if there is no silence for this key or id."""
        overview, state = self._known(), self._view()
        name = _name_in(state, name)
        aliases = {name}
        for group in state.groups:
            if name in (group.id, group.key):
                aliases |= {group.id, group.key or group.id}
        silenced = tuple(sorted(aliases & state.silenced.keys()))
        if not silenced:
            raise ValueError(f"no silence holds for {name}")
        return self._hand_over("unsilence", silenced, state, overview)

    def check(self, progress: Progress) -> Checked:
        """Read everything in the store, and say what cannot be read."""
        self._known()
        problems = list(self._store.faults())
        state = self._store.peek()
        for key, data in state.items():
            try:
                view({key: data}, self._store.now(), self._renderer, self._cipher)
            except ValueError as error:
                problems.append(f"The state {key} cannot be read: {error}.")
        total, kinds = self._store.waiting(), Counter[str]()
        for number, (source, seq, data) in enumerate(self._store.browse(), 1):
            try:
                kinds[notices.decode(unseal(data, self._cipher)).kind] += 1
            except ValueError as error:
                problems.append(f"Notice {seq} of {source} cannot be read: {error}.")
            progress(number, max(number, total))
        return Checked(len(state), dict(kinds), (*problems, *self._store.problems()))

    def clear(self, progress: Progress) -> Cleared:
        """Forget groups, incidents, silences and counts, and delete every notice that waits.

        A process that sends begins anew. Raises LeaseLost if a process becomes the sender before
        it is done.
        """
        self._known()
        store = self._store
        store.seize()
        state = store.load()
        try:
            known = view(state, store.now(), self._renderer, self._cipher)
        except ValueError:
            known = StateView()  # clearing is how a damaged state is mended
        store.commit(dict.fromkeys(state), {})
        total, count = store.waiting(), 0
        while batch := store.take(_BATCH):
            store.acquire()
            taken: dict[str, int] = {}
            for source, seq, _ in batch:
                taken[source] = max(seq, taken.get(source, 0))
            store.commit({}, taken)
            count += len(batch)
            progress(count, max(count, total))
        store.release()
        ringing = [i.receipt for i in known.incidents if i.state is IncidentState.RINGING]
        return Cleared(len(state), count, known.pending, tuple(ringing))

    def _known(self) -> Overview:
        overview = self._store.overview()
        if not overview.known:
            raise ValueError("the store is empty: no process with this token and user has used it")
        return overview

    def _view(self) -> StateView:
        return view(self._store.peek(), self._store.now(), self._renderer, self._cipher)

    def _hand_over(
        self,
        kind: Literal["resolved", "silence", "unsilence"],
        names: tuple[str, ...],
        state: StateView,
        overview: Overview,
        until: float | None = None,
    ) -> HandedOver:
        last = 0
        new = []
        for name in names:
            last = next(self._numbers)
            notice = Notice(kind, last, self._store.now(), key=name, until=until or 0.0)
            new.append((last, notices.encode(notice, self._store.wire)))
        self._store.append(new)
        has_sender = overview.sender is not None
        deadline = time.monotonic() + (_TAKEN_WITHIN if has_sender else 0.0)
        while not (is_taken := self._store.covered(last)) and time.monotonic() < deadline:
            time.sleep(_LOOK_AGAIN)
        groups = tuple(g for g in state.groups if g.id in names or g.key in names)
        return HandedOver(names, groups, until, has_sender, is_taken)


def _name_in(state: StateView, name: str) -> str:
    """The key or id that a name stands for: itself, or the id that alone begins with it.

    A name that is not known may be the key of a problem that has not happened yet.
    """
    ids = {group.id for group in state.groups} | {n for n in state.silenced if len(n) == 16}
    keys = {group.key for group in state.groups} | state.silenced.keys()
    if not name.strip():
        raise ValueError("the key or group is blank; expected a key, or an id as status shows it")
    if name in ids or name in keys or len(name) < _LEAST_PREFIX or not _HEX.issuperset(name):
        return name
    found = sorted(each for each in ids if each.startswith(name))
    if len(found) > 1:
        raise ValueError(f"{name} begins the ids of {len(found)} groups: {', '.join(found)}")
    return found[0] if found else name
