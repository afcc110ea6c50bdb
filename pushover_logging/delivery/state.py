"""The sender's state as bytes in a store, from which another process goes on where it stopped.

Times are stored in Unix seconds, by the clock of the store, and are ``time.monotonic()`` seconds
inside a process. A stored time in the future counts as now, so that a wall clock that was set back
for a day holds nothing up for a day.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, cast

from ..client.constants import EXPIRE_MAXIMUM, Priority
from ..ingest.fingerprint import digest
from ..notice import plain, restored
from .grouping import Group, Groups
from .incidents import Incident, IncidentState
from .limits import Quota
from .outbox import Entry, Part

if TYPE_CHECKING:
    from .sender import Sender

__all__ = ["State"]

_VERSION = 1


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
            changes[key] = _dumps(self._group(groups, group, ahead)) if known else None
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

    def _group(self, groups: Groups, group: Group, ahead: float) -> tuple[Any, ...]:
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
            groups.totals_of(group),
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
            ends = None if until is None else min(until - ahead, horizon)
            sender.groups.restore(group, ends, totals)
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
    return None if unix is None else datetime.fromtimestamp(unix, timezone.utc)
