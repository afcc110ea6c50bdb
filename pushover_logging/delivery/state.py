"""The sender's state as bytes in a store, from which another process goes on where it stopped.

Times are stored in Unix seconds, by the clock of the store, and are ``time.monotonic()`` seconds
inside a process. A stored time in the future counts as now, so that a wall clock that was set back
for a day holds nothing up for a day.
"""

from __future__ import annotations

import base64
import marshal
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, cast

from ..client.constants import EXPIRE_MAXIMUM, Priority
from ..config.fields import Style
from ..ingest.fingerprint import digest
from ..notice import plain, restored
from ..stores.opened import ENTRY
from .grouping import Group
from .incidents import Incident, IncidentState
from .limits import Quota
from .outbox import Entry, Part

if TYPE_CHECKING:
    from ..client.encryption import Cipher
    from ..render.record import Renderer
    from .sender import Sender

__all__ = [
    "EntryView",
    "GroupView",
    "IncidentView",
    "LimitsView",
    "State",
    "StateView",
    "seal",
    "unseal",
    "view",
]

_VERSION = 1
_SEALED = b"sealed:"
_MINUTE = 60.0


@dataclass(frozen=True)
class GroupView:
    """A problem, as the sender knows it."""

    id: str
    key: str | None
    logger: str
    level: str
    priority: Priority
    title: str
    message: str
    """The text of its first record, without credentials."""
    first_at: datetime
    last_at: datetime | None
    repeats: int
    """Repeats of its first records that the sender knows of."""
    pending: int
    """Repeats that no push stands for."""
    is_open: bool
    """Further records are counted. The next record of a group that is not open makes an alert."""
    silenced_until: datetime | None
    receipt: str | None
    """The emergency that was last raised for it."""


@dataclass(frozen=True)
class EntryView:
    """A push that waits to be sent."""

    groups: tuple[str, ...]
    priority: Priority
    records: int
    since: datetime
    tries: int
    not_before: datetime | None
    is_in_flight: bool


@dataclass(frozen=True)
class IncidentView:
    """An emergency, as the sender knows it."""

    receipt: str
    title: str
    state: IncidentState
    groups: tuple[str, ...]
    expires_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    """The key of the user who acknowledged."""


@dataclass(frozen=True)
class LimitsView:
    """What limits the sender."""

    limit: int | None
    remaining: int | None
    reset: datetime | None
    pushes_last_minute: int
    paused_until: datetime | None
    """When the month ends whose messages are used up."""
    refused: str | None
    """The service's words as long as it refuses the token or the users."""


@dataclass(frozen=True)
class StateView:
    """What a sender has stored, to be read by people."""

    groups: tuple[GroupView, ...] = ()
    entries: tuple[EntryView, ...] = ()
    incidents: tuple[IncidentView, ...] = ()
    silenced: Mapping[str, datetime] = field(default_factory=dict)
    """Keys and ids of groups that make no push, and until when."""
    limits: LimitsView = LimitsView(None, None, None, 0, None, None)
    taken: int = 0
    """Records that the sender has taken in, of all processes."""
    delivered: int = 0
    pushes: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Records that are not delivered, by reason."""

    @property
    def pending(self) -> int:
        """Records that the sender has taken in, and that no push stands for."""
        return sum(g.pending for g in self.groups) + sum(e.records for e in self.entries)


def view(
    state: Mapping[str, bytes], now: float, renderer: Renderer, cipher: Cipher | None
) -> StateView:
    """What a stored state says at ``now``, in Unix seconds by the clock of the store.

    Raises ValueError if it cannot be read: encrypted with another key, or damaged.
    """
    try:
        known = {
            key: _loads(unseal(data, cipher)) for key, data in state.items() if key != "writer"
        }
    except (EOFError, TypeError) as error:
        raise ValueError(f"the state is damaged: {type(error).__name__}") from None
    limits = LimitsView(None, None, None, 0, None, None)
    silenced: dict[str, float] = {}
    if "limits" in known:
        limit, remaining, reset, pushes, month_ends, names, _, refused = known["limits"][:8]
        recent = sum(now - _MINUTE < at <= now for at in pushes)
        month_ends = month_ends if month_ends and month_ends > now else None
        limits = LimitsView(limit, remaining, _moment(reset), recent, _moment(month_ends), refused)
        silenced = {name: until for name, until in names if until > now}
    groups = []
    entries = []
    incidents = []
    for key, fields in known.items():
        kind, _, name = key.partition(":")
        if kind == "group":
            identity, priority, own_key, first, style, _, _, last_at = fields[:8]
            is_open, pending, claimed, _, receipt, _, _ = fields[8:]
            snapshot = restored(first)
            alert = renderer.render(snapshot, Style(**style), priority)
            until = max(silenced.get(name, 0.0), silenced.get(own_key, 0.0))
            groups.append(
                GroupView(
                    digest(identity),
                    own_key,
                    snapshot.name,
                    snapshot.levelname,
                    Priority(priority),
                    alert.title,
                    alert.message,
                    _known_moment(snapshot.created),
                    _moment(last_at or None),
                    pending + claimed,
                    pending,
                    is_open,
                    _moment(until or None),
                    receipt,
                )
            )
        elif kind == "entry":
            parts, priority, since, tries, not_before, doubtful, _, _ = fields
            entries.append(
                EntryView(
                    tuple(digest(identity) for identity, *_ in parts),
                    Priority(priority),
                    sum(records for _, records, *_ in parts),
                    _known_moment(since),
                    tries,
                    _moment(not_before or None),
                    bool(doubtful),
                )
            )
        elif kind == "incident":
            title, members, expires, value, at, by = fields[:6]
            is_over = value == IncidentState.RINGING.value and expires <= now
            incidents.append(
                IncidentView(
                    name,
                    title,
                    IncidentState.EXPIRED if is_over else IncidentState(value),
                    tuple(digest(identity) for identity in members),
                    _known_moment(expires),
                    _moment(at),
                    by,
                )
            )
    totals = known.get("totals", [0, 0, 0, {}])
    return StateView(
        tuple(sorted(groups, key=lambda group: group.last_at or group.first_at, reverse=True)),
        tuple(sorted(entries, key=lambda entry: (-entry.priority, entry.since))),
        tuple(sorted(incidents, key=lambda incident: incident.expires_at)),
        {name: _known_moment(until) for name, until in sorted(silenced.items())},
        limits,
        *totals[:4],
    )


def seal(data: bytes, cipher: Cipher | None) -> bytes:
    """The data as it stands in the store: encrypted if there is a key."""
    if cipher is None:
        return data
    return _SEALED + cipher.encrypt(base64.b64encode(data).decode()).encode()


def unseal(data: bytes, cipher: Cipher | None) -> bytes:
    """What `seal` was given. Raises ValueError if the key is another."""
    if not data.startswith(_SEALED):
        return data
    if cipher is None:
        raise ValueError("it is encrypted, and there is no encryption_key")
    return base64.b64decode(cipher.decrypt(data.removeprefix(_SEALED).decode()))


_CLOCK_WAS_SET = 1.0
"""Seconds by which the store's clock and the monotonic one must drift apart until that counts."""


class State:
    """Makes changes for a store of what changed in a sender, and restores a sender from a store."""

    def __init__(
        self,
        clock: Callable[[], float],
        unix: Callable[[], float],
        seal: Callable[[bytes], bytes],
        unseal: Callable[[bytes], bytes],
    ) -> None:
        """``clock`` is ``time.monotonic``, ``unix`` the store's clock; ``seal`` may encrypt."""
        self._clock = clock
        self._unix = unix
        self._seal = seal
        self._unseal = unseal
        self._ahead: float | None = None
        self.writer: bytes = os.urandom(8).hex().encode()
        """Tells whether the state in the store is this sender's."""
        self._begin_anew({})

    def _begin_anew(self, state: Mapping[str, bytes]) -> None:
        self._limits = b""
        self._totals = b""
        self._is_marked = False
        self._replaced: Mapping[str, bytes] = state
        """The state that the next changes replace as a whole."""

    def _offset(self) -> float:
        """Seconds to add to a time of ``time.monotonic()`` for one that is stored."""
        ahead = self._unix() - self._clock()
        if self._ahead is None or abs(ahead - self._ahead) > _CLOCK_WAS_SET:
            self._ahead = ahead
        return self._ahead

    # Out of the sender.

    def changes(self, sender: Sender) -> dict[str, bytes | None]:
        """What a commit must change; the caller holds the lock of the sender."""
        ahead = self._offset()
        changes: dict[str, bytes | None] = dict.fromkeys(self._replaced)
        self._replaced = {}
        if not self._is_marked:
            changes["writer"] = self.writer
            self._is_marked = True
        groups = sender.groups
        for group in groups.changed:
            key = f"group:{digest(group.identity)}"
            # Without an interval, several groups of one problem may have changed.
            current = groups.find(group.identity)
            changes[key] = None if current is None else _dumps(self._group(current, ahead))
        groups.changed.clear()
        for entry in sender.outbox.changed:
            waits = entry.parts and entry.is_held
            if not waits and not entry.id:
                continue  # it came and went between two commits
            entry.id = entry.id or os.urandom(6).hex()
            fields = self._entry(entry, sender, ahead) if waits else ()
            changes[ENTRY + entry.id] = _dumps(fields) if waits else None
        sender.outbox.changed.clear()
        for incident in sender.incidents.changed:
            known = sender.incidents.remembers(incident)
            key = f"incident:{incident.receipt}"
            changes[key] = _dumps(self._incident(incident, ahead)) if known else None
        sender.incidents.changed.clear()
        limits, totals = _dumps(self._of_limits(sender, ahead)), _dumps(self._of_totals(sender))
        if limits != self._limits:
            changes["limits"] = self._limits = limits
        if totals != self._totals:
            changes["totals"] = self._totals = totals
        return {k: None if v is None else self._seal(v) for k, v in changes.items()}

    def is_mine(self, state: Mapping[str, bytes]) -> bool:
        """Whether nobody else has written the state, so that what this sender knows replaces it."""
        return not state or self._unseal(state.get("writer", b"")) == self.writer

    def replace(self, sender: Sender, state: Mapping[str, bytes]) -> None:
        """Let the next commit store everything that the sender knows, in place of the state."""
        self._begin_anew(state)
        sender.groups.changed.update(sender.groups)
        sender.outbox.changed.update(sender.outbox)
        sender.incidents.changed.update(sender.incidents)

    def drained(self, totals: bytes) -> dict[str, int]:
        """By process, the number of its latest drain notice that is done."""
        return dict(_loads(self._unseal(totals))[5])

    def is_in_flight(self, state: Mapping[str, bytes]) -> bool:
        """Whether a push is being sent, or was when its sender died."""
        entries = (data for key, data in state.items() if key.startswith(ENTRY))
        return any(_loads(self._unseal(data))[5] for data in entries)

    def _group(self, group: Group, ahead: float) -> tuple[Any, ...]:
        return (
            group.identity,
            int(group.priority),
            group.key,
            plain(group.first),
            dict(group.style),
            None if group.shown is group.first else plain(group.shown),
            group.shown_is_last,
            group.last_at,
            group.is_open,
            group.pending,
            group.claimed,
            _add(group.until, ahead),
            None if group.incident is None else group.incident.receipt,
            {source: dict(totals) for source, totals in group.totals.items()},
            tuple(at + ahead for at in group.occurrences),
        )

    def _entry(self, entry: Entry, sender: Sender, ahead: float) -> tuple[Any, ...]:
        parts = tuple(
            (
                part.group.identity,
                part.records,
                None if part.alert is None else plain(part.alert),
                # Without an interval, or once it is forgotten, nothing else may know the group.
                None
                if sender.interval and sender.groups.find(part.group.identity) is part.group
                else self._group(part.group, ahead),
            )
            for part in entry.parts
        )
        return (
            parts,
            int(entry.priority),
            entry.since + ahead,
            entry.tries,
            entry.not_before + ahead if entry.not_before else 0.0,
            (*entry.doubtful, *([entry.id] if entry.is_in_flight else [])),
            entry.text.title if entry.text is not None else "",
            entry.is_drained,
        )

    def _incident(self, incident: Incident, ahead: float) -> tuple[Any, ...]:
        acknowledged = incident.acknowledged_at
        return (
            incident.title,
            tuple(group.identity for group in incident.groups),
            incident.expires_at + ahead,
            incident.state.value,
            None if acknowledged is None else acknowledged.timestamp(),
            incident.acknowledged_by,
            tuple((group.identity, n) for group, n in incident.counted_before.items()),
            _add(incident.escalates_at, ahead),
            incident.is_escalating,
            None if incident.counterpart is None else incident.counterpart.receipt,
        )

    def _of_limits(self, sender: Sender, ahead: float) -> tuple[Any, ...]:
        limits = sender.limits
        quota = limits.quota
        return (
            quota.limit,
            quota.remaining,
            None if quota.reset is None else quota.reset.timestamp(),
            tuple(round(at + ahead, 2) for at in limits.pushes),
            None if limits.month_ends is None else limits.month_ends.timestamp(),
            tuple(sorted(sender.silenced.items())),
            tuple(sorted(sender.incidents.to_cancel)),
            sender.refused,
            limits.refusals,
            round(limits.refused_until + ahead, 2) if limits.refused_until else 0.0,
        )

    def _of_totals(self, sender: Sender) -> tuple[Any, ...]:
        return (
            sender.taken,
            sender.delivered,
            sender.pushes,
            dict(sender.dropped),
            tuple(sender.resolved_at.items()),
            tuple(sender.drained.items()),
            tuple(sender.draining.items()),
            tuple(sender.reported_totals.items()),
            dict(sender.turned_away),
        )

    # Into the sender.

    def restore(self, sender: Sender, state: Mapping[str, bytes]) -> None:
        """Give a sender that knows nothing what the last one knew."""
        self._begin_anew({})
        state = {key: self._unseal(data) for key, data in state.items()}
        ahead = self._offset()
        now = self._clock()
        groups: dict[Any, Group] = {}
        receipts: dict[str, list[Group]] = {}
        for key, data in state.items():
            if not key.startswith("group:"):
                continue
            group, until, receipt = _restored_group(_loads(data), ahead, now)
            groups[group.identity] = group
            if receipt is not None:
                receipts.setdefault(receipt, []).append(group)
            # The interval may be shorter now, and the clocks may have been set.
            ends = None if until is None else min(until - ahead, now + sender.interval)
            sender.groups.restore(group, ends)
        incidents: dict[str, Incident] = {}
        counterparts: list[tuple[Incident, str]] = []
        for key, data in state.items():
            if key.startswith("incident:"):
                title, members, expires, value, at, by, counted, escalates, *rest = _loads(data)
                is_escalating, counterpart = rest
                incident = Incident(
                    key.removeprefix("incident:"),
                    title,
                    tuple(groups[identity] for identity in members if identity in groups),
                    min(expires - ahead, now + EXPIRE_MAXIMUM),
                    polled_at=now,
                    state=IncidentState(value),
                    acknowledged_at=_moment(at),
                    acknowledged_by=by,
                    counted_before={groups[i]: n for i, n in counted if i in groups},
                    escalates_at=None if escalates is None else escalates - ahead,
                    is_escalation_in_doubt=is_escalating,
                )
                incidents[incident.receipt] = incident
                if counterpart is not None:
                    counterparts.append((incident, counterpart))
                sender.incidents.restore(incident)
                for group in receipts.get(incident.receipt, ()):
                    group.incident = incident
        for incident, receipt in counterparts:
            incident.counterpart = incidents.get(receipt)
        self._restore_entries(sender, state, groups, ahead, now)
        waiting = {part.group for entry in sender.outbox for part in entry.parts}
        for group in sender.groups:
            is_counted_on = group in waiting or group in sender.groups.observed
            if group.is_open and group.until is None and not is_counted_on:
                sender.groups.wait(group, now)  # or it would stay open for ever
        if "limits" in state:
            limits = sender.limits
            fields = _loads(state["limits"])
            limit, remaining, reset, pushes, month_ends, silenced, cancels, refused = fields[:8]
            refusals, refused_until = fields[8:] or (0, 0.0)  # an older sender stored neither
            limits.quota = Quota(limit, remaining, _moment(reset))
            limits.pushes.extend(min(at - ahead, now) for at in pushes)
            limits.month_ends = _moment(month_ends)
            sender.silenced.update(silenced)
            sender.incidents.to_cancel.update((tag, now) for tag in cancels)
            sender.refused = refused
            limits.resume_refusals(refusals, refused_until - ahead, now)
        if "totals" in state:
            taken, delivered, pushes, dropped, resolved, drained, *more = _loads(state["totals"])
            draining, reported, turned_away = more
            sender.draining.update(draining)
            sender.reported_totals.update(reported)
            sender.turned_away.update(turned_away)
            sender.taken, sender.delivered, sender.pushes = taken, delivered, pushes
            sender.dropped.update(dropped)
            sender.resolved_at.update(resolved)
            sender.drained.update(drained)
        sender.groups.changed.clear()
        sender.outbox.changed.clear()
        sender.incidents.changed.clear()

    def _restore_entries(
        self,
        sender: Sender,
        state: Mapping[str, bytes],
        groups: Mapping[Any, Group],
        ahead: float,
        now: float,
    ) -> None:
        entries = [(key, _loads(data)) for key, data in state.items() if key.startswith(ENTRY)]
        for key, fields in sorted(entries, key=lambda entry: entry[1][2]):
            parts, priority, since, tries, not_before, doubtful, _, is_drained = fields
            members = []
            for identity, records, alert, own in parts:
                if identity in groups:
                    group = groups[identity]
                elif own is not None:
                    group = _restored_group(own, ahead, now)[0]
                    group.pending = 0  # these went with the group that was forgotten
                else:
                    continue
                members.append(Part(group, records, None if alert is None else restored(alert)))
            if not members:
                continue
            begun = min(since - ahead, now)
            entry = Entry(members, Priority(priority), begun, id=key.removeprefix(ENTRY))
            entry.tries = tries
            entry.not_before = min(not_before - ahead, now + 60) if not_before else 0.0
            entry.doubtful, entry.is_drained = doubtful, is_drained
            sender.outbox.put(entry, now)


def _restored_group(
    fields: list[Any] | tuple[Any, ...], ahead: float, now: float
) -> tuple[Group, float | None, str | None]:
    """A group, the stored time of its timer, and the receipt of its emergency."""
    identity, priority, key, first, style, shown, shown_is_last, last_at, is_open = fields[:9]
    pending, claimed, until, receipt, totals, occurrences = fields[9:]
    snapshot = restored(first)
    group = Group(
        identity,
        Priority(priority),
        key,
        snapshot,
        style,
        snapshot if shown is None else restored(shown),
        shown_is_last,
        last_at,
        is_open,
        pending,
        claimed,
    )
    group.totals = totals
    group.occurrences = tuple(min(at - ahead, now) for at in occurrences)
    return group, until, receipt


def _dumps(fields: tuple[Any, ...]) -> bytes:
    return marshal.dumps((_VERSION, *fields), 4)


def _loads(data: bytes) -> list[Any]:
    version, *fields = cast("tuple[Any, ...]", marshal.loads(data))
    if version != _VERSION:
        raise ValueError(f"state of version {version}; this is version {_VERSION}")
    return fields


def _add(moment: float | None, seconds: float) -> float | None:
    return None if moment is None else moment + seconds


def _moment(unix: float | None) -> datetime | None:
    return None if unix is None else _known_moment(unix)


def _known_moment(unix: float) -> datetime:
    return datetime.fromtimestamp(unix, timezone.utc)
