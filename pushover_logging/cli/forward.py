"""``pushover-logging forward``: existing log files become alerts, through the same handler."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pushover_logging.config.levels import to_level
from pushover_logging.config.parsing import to_int, to_seconds

from .account import add_account, add_command, check_account, option_type
from .answering import add_json
from .endings import Exit
from .handler_options import add_handler_options, handler_options
from .wakeups import wakeups

if TYPE_CHECKING:
    from pushover_logging.forward import Reader, Result, Row, Session
    from pushover_logging.handler import PushoverHandler

_EXAMPLE = """
pushover-logging forward /var/log/app.log --state /var/lib/app/forward.json
journalctl -o json -f | pushover-logging forward -
pushover-logging forward --explain app.log
pushover-logging forward app.log --pattern '(?P<level>[A-Z]+) - (?P<logger>\\S+) - (?P<message>.*)'
"""
_SHOW_EVERY = 0.1
_WIDTHS = {"level": 8, "time": 19, "logger": 24, "text": 56}
_DEFAULTS: dict[str, object] = {
    # The logs keep what is not delivered, so it need not be given up while the service is away.
    "retry_policy": {"give_up_after": "30d"},
    "exit_timeout": "30s",
    "quota_reserve": "500",
    # The loggers are other programs': records about our own delivery are not among them.
    "ignore": [],
}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = add_command(commands, "forward", "turn the records of log files into alerts", _EXAMPLE)
    parser.add_argument(
        "logs", nargs="+", metavar="FILE", help="a log to follow, or - for standard input"
    )
    parser.add_argument(
        "--level",
        type=option_type(to_level),
        default=logging.WARNING,
        help="the lowest level to push; default: WARNING",
    )
    _add_reading(parser)
    parser.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help="store how far the logs were read, and continue there",
    )
    parser.add_argument(
        "--from-start",
        action="store_true",
        help="begin at the start of logs that were not read before",
    )
    parser.add_argument("--once", action="store_true", help="read to the end, deliver, and exit")
    add_handler_options(parser, "priorities.ERROR=HIGH")
    add_json(parser)
    add_account(parser)
    parser.set_defaults(run=run)


def _add_reading(parser: argparse.ArgumentParser) -> None:
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--pattern",
        type=option_type(_pattern),
        dest="reader",
        metavar="REGEX",
        help="how a record begins, with groups named level, logger, message and time",
    )
    how.add_argument(
        "--format",
        type=option_type(_format),
        dest="reader",
        metavar="NAME",
        help="the only format to read, by the name that --explain shows",
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="show how the first lines of each log are read, and send nothing",
    )


def _pattern(text: str, _: str) -> Reader:
    from pushover_logging.forward import reader_for  # the other commands need none of it

    return reader_for(text)


def _format(text: str, _: str) -> Reader:
    from pushover_logging.forward import reader_of

    return reader_of(text)


def run(arguments: argparse.Namespace) -> Exit:
    """Follow the logs until a signal comes, or to their ends."""
    from pushover_logging.forward import Places, Session, Settings, read_text

    if arguments.explain:
        return _explain(arguments)
    check_account(arguments)
    options = handler_options(arguments, _DEFAULTS)
    for name in ("token", "user", "api_url"):
        options[name] = getattr(arguments, name)
    settings = Settings(
        names=arguments.logs,
        level=arguments.level,
        reader=arguments.reader or read_text,
        once=arguments.once,
        from_start=arguments.from_start,
        patience=to_seconds(options["exit_timeout"], "exit_timeout"),
        quota_reserve=to_int(options["quota_reserve"], "quota_reserve"),
    )
    handler = _handler(options)
    try:
        places = Places(arguments.state) if arguments.state else None
    except BlockingIOError as error:
        _say(str(error))
        return Exit.LATER
    progress = _Progress() if arguments.from_start and sys.stderr.isatty() else None
    with wakeups(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        show = progress.show if progress else lambda _: None
        session = Session(settings, handler, places, signals, _say, show)
        result = session.run()
    if progress:
        progress.end(session)
    if arguments.json:
        stats = handler.stats()
        counts = {"accepted": stats.accepted, "delivered": stats.delivered}
        print(json.dumps({**counts, "pushes": stats.pushes, "dropped": dict(stats.dropped)}))
    return _ending(result)


def _ending(result: Result) -> Exit:
    if result.refused:
        return Exit.REFUSED
    if result.lost or result.unsaved:
        return Exit.LATER
    return Exit.USAGE if result.unread else Exit.DONE


def _explain(arguments: argparse.Namespace) -> Exit:
    """Print a table for each log."""
    from pushover_logging.forward import explain, read_text

    ending = Exit.DONE
    for name in arguments.logs:
        path = Path("/dev/stdin" if name == "-" else name)
        try:
            rows = list(explain(path, arguments.reader or read_text))
        except OSError as error:
            _say(f"{name} cannot be read: {error.strerror or error}")
            ending = Exit.USAGE
            continue
        if arguments.json:
            print(json.dumps({"file": name, "lines": [row._asdict() for row in rows]}))
        else:
            _print_table(name, rows)
    return ending


def _print_table(name: str, rows: Sequence[Row]) -> None:
    headings = {field: field.upper() for field in _WIDTHS}
    widths = {
        field: min(width, max([len(field), *(len(getattr(row, field)) for row in rows)]))
        for field, width in _WIDTHS.items()
    }
    print(f"{name}:")
    print(
        "LINE",
        *(headings[field].ljust(width) for field, width in widths.items()),
        "FORMAT",
        sep="  ",
    )
    for row in rows:
        cells = [_cut(getattr(row, field), width).ljust(width) for field, width in widths.items()]
        print(f"{row.number:>4}", *cells, row.format, sep="  ")
    known = sum(bool(row.level) for row in rows)
    alerts = sum(row.level in ("WARNING", "ERROR", "CRITICAL") for row in rows)
    print(f"{len(rows)} lines, {known} with a level, {alerts} of them WARNING or above\n")


def _cut(text: str, width: int) -> str:
    line = " ".join(text.split()) if not text[:1].isspace() else text.expandtabs(4).rstrip()
    line = "".join(char if char.isprintable() else " " for char in line)
    return line if len(line) <= width else f"{line[: width - 1]}…"


def _handler(options: dict[str, object]) -> PushoverHandler:
    from pushover_logging.handler import PushoverHandler

    try:
        return PushoverHandler(**options)  # type: ignore[arg-type]
    except TypeError as error:
        raise ValueError(str(error)) from None  # an option that doesn't exist is wrong usage here


class _Progress:
    """How far the logs were read, on the last line of a terminal."""

    def __init__(self) -> None:
        self._shown = 0.0
        self._ended = False

    def show(self, session: Session) -> None:
        """Draw it, unless it was drawn just now."""
        if time.monotonic() - self._shown >= _SHOW_EVERY:
            self._shown = time.monotonic()
            self._draw(session)

    def end(self, session: Session) -> None:
        """Leave the last state on the screen."""
        self._draw(session)
        print(file=sys.stderr)

    def _draw(self, session: Session) -> None:
        read, size = session.progress
        part = f"{100 * read // size if size else 100:3} % of {size / 1e6:,.1f} MB"
        line = f"{part} read, {session.sender.handled:,} records to push"
        print(f"\r{line}\033[K", end="", file=sys.stderr, flush=True)


def _say(text: str) -> None:
    print(f"pushover-logging forward: {text}", file=sys.stderr, flush=True)
