"""``pushover-logging status``: what a store holds, who sends, and what rings."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pushover_logging.client.masking import mask

from .account import add_command
from .answering import answer, time_of
from .endings import Exit
from .store_access import add_store_access, operators

if TYPE_CHECKING:
    from pushover_logging.delivery.operators import Report
    from pushover_logging.delivery.state import GroupView, IncidentView, LimitsView

_EXAMPLE = """
pushover-logging status --store local
pushover-logging status --store redis://redis.example.org/0 --json | jq '.groups[].id'
"""
_LINE = 100


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands,
        "status",
        "show the state of a store: groups, emergencies, and the process that sends",
        _EXAMPLE,
    )
    add_store_access(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Exit:
    """Read the store and print it."""
    with operators(arguments) as access:
        report = access.report()
    answer(arguments, _facts(report), *_lines(report))
    return Exit.DONE


def _facts(report: Report) -> dict[str, object]:
    state, limits = report.state, report.state.limits
    sender = report.overview.sender
    return {
        "sender": None if sender is None else {"host": sender.host, "pid": sender.pid},
        "taken": state.taken,
        "delivered": state.delivered,
        "pending": state.pending,
        "dropped": dict(state.dropped),
        "pushes": state.pushes,
        "waiting": report.waiting,
        "quota": {"limit": limits.limit, "remaining": limits.remaining, "reset": limits.reset},
        "pushes_last_minute": limits.pushes_last_minute,
        "paused_until": limits.paused_until,
        "refused": limits.refused,
        "silenced": {name: until.isoformat() for name, until in state.silenced.items()},
        "incidents": [
            {
                "receipt": each.receipt,
                "title": each.title,
                "state": each.state.value,
                "groups": each.groups,
                "expires_at": each.expires_at,
                "acknowledged_at": each.acknowledged_at,
                "acknowledged_by": None
                if each.acknowledged_by is None
                else mask(each.acknowledged_by),
            }
            for each in state.incidents
        ],
        "outbox": [
            {
                "groups": entry.groups,
                "priority": entry.priority.name,
                "records": entry.records,
                "since": entry.since,
                "tries": entry.tries,
                "not_before": entry.not_before,
                "in_flight": entry.is_in_flight,
            }
            for entry in state.entries
        ],
        "groups": [
            {
                "id": group.id,
                "key": group.key,
                "logger": group.logger,
                "level": group.level,
                "priority": group.priority.name,
                "title": group.title,
                "message": group.message,
                "first_at": group.first_at,
                "last_at": group.last_at,
                "repeats": group.repeats,
                "pending": group.pending,
                "open": group.is_open,
                "silenced_until": group.silenced_until,
                "receipt": group.receipt,
            }
            for group in state.groups
        ],
        "spools": [spool._asdict() for spool in report.overview.spools],
        "problems": report.problems,
    }


def _lines(report: Report) -> Iterator[str]:
    state, sender = report.state, report.overview.sender
    if sender is None:
        yield "sender:  no process sends now"
    else:
        yield f"sender:  process {sender.pid} on {sender.host}"
    dropped = "".join(f", {count} dropped ({why})" for why, count in state.dropped.items())
    yield (
        f"records: {state.taken} taken, {state.delivered} delivered in {state.pushes} pushes,"
        f" {state.pending} pending{dropped}"
    )
    yield f"waiting: {report.waiting} notices for the sender, {len(state.entries)} pushes to go"
    yield from _quota(state.limits)
    for name, until in state.silenced.items():
        yield f"silence: {name} until {time_of(until)}"
    for incident in state.incidents:
        yield _incident(incident)
    if state.groups:
        yield ""
        yield "group             repeats  pending  last seen"
    for group in state.groups:
        yield from _group(group)
    spools = report.overview.spools
    if spools:
        yield ""
        alive = sum(spool.alive for spool in spools)
        yield f"spools:  {len(spools)} on this host, {alive} of processes that run"
    for spool in spools:
        if not spool.in_memory:
            yield f"  {spool.path} is on a disk: process {spool.pid} keeps alerts after 0.1 s"
        elif spool.waiting and not spool.alive:
            yield f"  {spool.path}: {spool.waiting} notices of process {spool.pid}, which ended"
    for problem in report.problems:
        yield f"problem: {problem}"


def _quota(limits: LimitsView) -> Iterator[str]:
    pace = f"{limits.pushes_last_minute} pushes in the last minute"
    if limits.limit is None or limits.remaining is None:
        yield f"quota:   not known yet; {pace}"
    else:
        ends = f" until {time_of(limits.reset)}" if limits.reset else ""
        yield f"quota:   {limits.remaining:,} of {limits.limit:,} messages left{ends}; {pace}"
    if limits.paused_until:
        yield f"paused:  the month's messages are used up until {time_of(limits.paused_until)}"
    if limits.refused:
        yield f"refused: {limits.refused}"


def _incident(incident: IncidentView) -> str:
    what = f"{incident.title} (receipt {incident.receipt})"
    if incident.state.value == "ringing":
        return f"rings:   {what} until {time_of(incident.expires_at)}"
    if incident.acknowledged_at is not None:
        by = f" by {mask(incident.acknowledged_by)}" if incident.acknowledged_by else ""
        return f"rang:    {what}, acknowledged{by} at {time_of(incident.acknowledged_at)}"
    return f"rang:    {what}, {incident.state.value}"


def _group(group: GroupView) -> Iterator[str]:
    state = "" if group.is_open else "  closed"
    if group.silenced_until is not None:
        state += f"  silenced until {time_of(group.silenced_until)}"
    last = time_of(group.last_at or group.first_at)
    yield f"{group.id}  {group.repeats:>7}  {group.pending:>7}  {last}{state}"
    key = f"[{group.key}] " if group.key is not None else ""
    first, _, _ = group.message.strip().partition("\n")
    line = f"    {key}{group.title}: {first}"
    yield line if len(line) <= _LINE else f"{line[: _LINE - 3]}..."
