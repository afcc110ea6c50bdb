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
        known = {key: _loads(unseal(data, cipher)) for key, data in state.items()}
    except (EOFError, TypeError) as error:
        raise ValueError(f"the state is damaged: {type(error).__name__}") from None
    limits = LimitsView(None, None, None, 0, None, None)
    silenced: dict[str, float] = {}
    if "limits" in known:
        limit, remaining, reset, pushes, month_ends, names, _, refused = known["limits"]
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
            parts, priority, since, tries, not_before, in_flight, _ = fields
            entries.append(
                EntryView(
                    tuple(digest(identity) for identity, _, _ in parts),
                    Priority(priority),
                    sum(records for _, records, _ in parts),
                    _known_moment(since),
                    tries,
                    _moment(not_before or None),
                    in_flight,
                )
            )
        elif kind == "incident":
            title, members, expires, value, at, by, _, _ = fields
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
        self._limits = b""
        self._totals = b""

    # Out of the sender.

    def changes(self, sender: Sender) -> dict[str, bytes | None]:
        """What a commit must change; the caller holds the lock of the sender."""
        ahead = self._unix() - self._clock()
        changes: dict[str, bytes | None] = {}
        groups = sender.groups
        for group in groups.changed:
            key = f"group:{digest(group.identity)}"
            known = groups.find(group.identity) is group
            changes[key] = _dumps(self._group(group, ahead)) if known else None
        groups.changed.clear()
        for entry in sender.outbox.changed:
            entry.id = entry.id or os.urandom(6).hex()
            waits = entry.parts and sender.outbox.holds(entry)
            changes[f"entry:{entry.id}"] = _dumps(self._entry(entry, ahead)) if waits else None
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

    def drained(self, totals: bytes) -> dict[str, int]:
        """By process, the number of its latest drain notice that is done."""
        return dict(_loads(self._unseal(totals))[5])

    def is_in_flight(self, state: Mapping[str, bytes]) -> bool:
        """Whether a push is being sent, or was when its sender died."""
        entries = (data for key, data in state.items() if key.startswith("entry:"))
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

    def _entry(self, entry: Entry, ahead: float) -> tuple[Any, ...]:
        parts = tuple(
            (part.group.identity, part.records, None if part.alert is None else plain(part.alert))
            for part in entry.parts
        )
        return (
            parts,
            int(entry.priority),
            entry.since + ahead,
            entry.tries,
            entry.not_before + ahead if entry.not_before else 0.0,
            entry.is_in_flight,
            entry.text.title if entry.text is not None else "",
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
        )

    def _of_totals(self, sender: Sender) -> tuple[Any, ...]:
        return (
            sender.taken,
            sender.delivered,
            sender.pushes,
            dict(sender.dropped),
            tuple(sender.resolved_at.items()),
            tuple(sender.drained.items()),
        )

    # Into the sender.

    def restore(self, sender: Sender, state: Mapping[str, bytes]) -> None:
        """Give a sender that knows nothing what the last one knew."""
        state = {key: self._unseal(data) for key, data in state.items()}
        ahead = self._unix() - self._clock()
        now = self._clock()
        groups: dict[Any, Group] = {}
        receipts: dict[str, list[Group]] = {}
        for key, data in state.items():
            if not key.startswith("group:"):
                continue
            fields = _loads(data)
            identity, priority, own_key, first, style, shown, shown_is_last, last_at = fields[:8]
            is_open, pending, claimed, until, receipt, totals, occurrences = fields[8:]
            snapshot = restored(first)
            group = Group(
                identity,
                Priority(priority),
                own_key,
                snapshot,
                style,
                snapshot if shown is None else restored(shown),
                shown_is_last,
                last_at,
                is_open,
                pending,
                claimed,
            )
            group.occurrences.extend(min(at - ahead, now) for at in occurrences)
            groups[identity] = group
            if receipt is not None:
                receipts.setdefault(receipt, []).append(group)
            horizon = now + max(sender.interval, EXPIRE_MAXIMUM)
            group.totals = totals
            ends = None if until is None else min(until - ahead, horizon)
            sender.groups.restore(group, ends)
        for key, data in state.items():
            if key.startswith("incident:"):
                title, members, expires, value, at, by, counted, escalates = _loads(data)
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
                )
                sender.incidents.restore(incident)
                for group in receipts.get(incident.receipt, ()):
                    group.incident = incident
        entries = [item for item in state.items() if item[0].startswith("entry:")]
        for key, data in sorted(entries, key=lambda item: _loads(item[1])[2]):
            parts, priority, since, tries, not_before, in_flight, _ = _loads(data)
            members = [
                Part(groups[identity], records, None if alert is None else restored(alert))
                for identity, records, alert in parts
                if identity in groups
            ]
            if not members:
                continue
            entry = Entry(members, Priority(priority), min(since - ahead, now), id=key[6:])
            entry.tries = tries
            entry.not_before = min(not_before - ahead, now + 60) if not_before else 0.0
            entry.is_in_doubt = in_flight
            sender.outbox.put(entry, now)
        if "limits" in state:
            limits = sender.limits
            limit, remaining, reset, pushes, month_ends, silenced, cancels, refused = _loads(
                state["limits"]
            )
            limits.quota = Quota(limit, remaining, _moment(reset))
            limits.pushes.extend(min(at - ahead, now) for at in pushes)
            limits.month_ends = _moment(month_ends)
            sender.silenced.update(silenced)
            sender.incidents.to_cancel.update((tag, now) for tag in cancels)
            sender.refused = refused
        if "totals" in state:
            taken, delivered, pushes, dropped, resolved, drained = _loads(state["totals"])
            sender.taken, sender.delivered, sender.pushes = taken, delivered, pushes
            sender.dropped.update(dropped)
            sender.resolved_at.update(resolved)
            sender.drained.update(drained)
        sender.groups.changed.clear()
        sender.outbox.changed.clear()
        sender.incidents.changed.clear()


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
