"""``pushover-logging forward``: existing log files become alerts, through the same handler."""

from __future__ import annotations

import argparse
import json
import logging
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pushover_logging.config.levels import to_level
from pushover_logging.config.parsing import masked, to_int, to_seconds

from .account import add_account, add_command, option_type
from .answering import add_json
from .endings import Exit
from .forwarding.following import Follower
from .forwarding.formats import Reader, read_line, reader_for
from .forwarding.piping import Pipe
from .forwarding.places import Places
from .forwarding.sending import Sender, Stopped
from .wakeups import wakeups

if TYPE_CHECKING:
    from pushover_logging.handler import PushoverHandler

_EXAMPLE = """
pushover-logging forward /var/log/app.log --state /var/lib/app/forward.json
journalctl -o json -f | pushover-logging forward -
pushover-logging forward app.log --pattern '(?P<level>[A-Z]+) - (?P<logger>\\S+) - (?P<message>.*)'
"""
_LOOK = 0.25
_LOOK_AT_PROGRESS = 0.1
_DEFAULTS: dict[str, object] = {
    # The logs keep what waits, so nothing need be given up while the service is away.
    "retry_policy": {"give_up_after": "30d"},
    "exit_timeout": "30s",
    "quota_reserve": "500",
    # The loggers are other programs': what this one sends with cannot feed on itself here.
    "ignore": [],
}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = add_command(commands, "forward", "turn the records of log files into alerts", _EXAMPLE)
    parser.add_argument(
        "logs", nargs="+", metavar="FILE", help="a log to follow; -: standard input"
    )
    parser.add_argument(
        "--level",
        type=option_type(to_level),
        default=logging.WARNING,
        help="the least level to push; default: WARNING",
    )
    parser.add_argument(
        "--pattern",
        type=option_type(lambda text, _: reader_for(text)),
        default=read_line,
        metavar="REGEX",
        help="how a record begins, with groups named level, logger, message and time",
    )
    parser.add_argument(
        "--state", type=Path, metavar="FILE", help="remember how far the logs were read, and go on"
    )
    parser.add_argument(
        "--from-start", action="store_true", help="begin at the start of logs not read before"
    )
    parser.add_argument("--once", action="store_true", help="read to the end, deliver, and exit")
    parser.add_argument(
        "--option",
        action="append",
        type=option_type(_option),
        default=[],
        metavar="NAME=VALUE",
        help="an option of PushoverHandler, such as priorities.ERROR=HIGH; may be repeated",
    )
    add_json(parser)
    add_account(parser)
    parser.set_defaults(run=run)


def _option(text: str, option: str) -> tuple[list[str], str]:
    name, sign, value = text.partition("=")
    if not (name and sign):
        raise ValueError(f"{option} is {masked(text)}; expected NAME=VALUE")
    return name.split("."), value


def run(arguments: argparse.Namespace) -> Exit:
    """Follow the logs until a signal comes, or to their ends."""
    if "-" in arguments.logs and arguments.state:
        raise ValueError("--state remembers places in files, and standard input has none")
    handler = _handler(arguments)
    try:
        places = Places(arguments.state) if arguments.state else None
    except BlockingIOError as error:
        print(f"pushover-logging forward: {error}", file=sys.stderr)
        return Exit.LATER
    with wakeups(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as news:
        return _Forwarding(arguments, handler, places, news).run()


def _options(arguments: argparse.Namespace) -> dict[str, object]:
    """The handler's options, with those below a dot in a mapping of their own."""
    options = dict(_DEFAULTS)
    for (outer, *inner), value in arguments.option:
        if inner:
            known = options.get(outer)
            nested = dict(known) if isinstance(known, dict) else {}
            options[outer] = {**nested, ".".join(inner): value}
        else:
            options[outer] = value
    return options


def _handler(arguments: argparse.Namespace) -> PushoverHandler:
    from pushover_logging.handler import PushoverHandler

    options = _options(arguments)
    for name in ("token", "user", "api_url"):
        options[name] = getattr(arguments, name)
    try:
        return PushoverHandler(**options)  # type: ignore[arg-type]
    except TypeError as error:
        raise ValueError(str(error)) from None  # an option that doesn't exist is wrong usage here


class _Forwarding:
    """One run: reads, hands over, and remembers what was delivered."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        handler: PushoverHandler,
        places: Places | None,
        news: socket.socket,
    ) -> None:
        self._once: bool = arguments.once
        self._as_json: bool = arguments.json
        self._handler = handler
        self._places = places
        self._news = news
        self._complained = False
        options = _options(arguments)
        reserve = to_int(options["quota_reserve"], "quota_reserve")
        self._patience = to_seconds(options["exit_timeout"], "exit_timeout")
        self._sender = Sender(handler, arguments.level, reserve, self._pause)
        self._pipes = [Pipe(0, arguments.pattern)] if "-" in arguments.logs else []
        from_start = arguments.from_start or (arguments.once and places is None)
        names = dict.fromkeys(name for name in arguments.logs if name != "-")
        self._logs = list(self._followers(names, arguments.pattern, from_start))
        shows = arguments.from_start and sys.stderr.isatty()
        self._progress = _Progress(self._logs, self._sender) if shows else None

    def _followers(
        self, names: Sequence[str] | dict[str, None], reader: Reader, from_start: bool
    ) -> Iterator[Follower]:
        for name in names:
            path = Path(name)
            is_there = path.exists()
            if not is_there:
                if self._once:
                    raise FileNotFoundError(f"{name} is not there")
                _say(f"{name} is not there yet; waiting for it")
            known = self._places.of(path) if self._places else ()
            # A log that is made from now on is all new, even before we get to open it.
            follower = Follower(path, reader, known, at_end=is_there and not from_start)
            if follower.behind:
                _say(f"{name} was rotated away since the last run; what it got then is not read")
            yield follower

    def run(self) -> Exit:
        try:
            self._read()
            while not self._is_at_end():
                self._remember()
                self._pause(_LOOK)
                self._read()
            self._read(finish=True)
            self._settle()
        except Stopped:
            if self._places is None and not self._sender.refused:
                self._read(finish=True)
        return self._end()

    def _settle(self) -> None:
        """Let everything go as usual, before what still waits goes together."""
        until = time.monotonic() + self._patience
        while not self._sender.settled(_LOOK) and time.monotonic() < until:
            self._pause()

    def _is_at_end(self) -> bool:
        return (self._once or not self._logs) and all(pipe.ended for pipe in self._pipes)

    def _read(self, *, finish: bool = False) -> None:
        now = time.time()
        for log in self._logs:
            whole = log.finish(now, last_line=self._places is None) if finish else log.read(now)
            for joined in whole:
                self._sender.send(joined.entry, log.path.name, now)
                if self._progress:
                    self._progress.show()
        for pipe in self._pipes:
            for joined in pipe.finish(now) if finish else pipe.read(now):
                self._sender.send(joined.entry, "stdin", now)
        if self._progress and (finish or not self._once):
            self._progress.end()
            self._progress = None

    def _remember(self) -> None:
        if self._places is not None and self._sender.settled():
            self._save(self._places)

    def _save(self, places: Places) -> None:
        try:
            places.save({log.path: log.places() for log in self._logs})
        except OSError as error:
            # Alerts go on; a restart will repeat what is not remembered.
            if not self._complained:
                _say(f"the places could not be saved: {error}")
            self._complained = True

    def _pause(self, seconds: float = 0.0) -> None:
        """Wait for news; raises Stopped when there is no use in going on."""
        if self._sender.refused:
            raise Stopped
        heard: list[socket.socket | int] = [self._news]
        heard += (pipe.descriptor for pipe in self._pipes if not pipe.ended)
        ready, _, _ = select.select(heard, [], [], seconds)
        if self._news in ready:
            self._news.recv(100)
            raise Stopped

    def _end(self) -> Exit:
        from pushover_logging.courier import COURIER

        COURIER.finish()
        books = self._handler.stats()
        lost = {"exit", "stopped", "gave_up", "error"} & books.dropped.keys()
        if self._places is not None and not (lost or books.pending):
            self._save(self._places)
        for log in self._logs:
            log.close()
        if self._as_json:
            counts = {"accepted": books.accepted, "delivered": books.delivered}
            print(json.dumps({**counts, "pushes": books.pushes, "dropped": dict(books.dropped)}))
        if self._sender.refused:
            return Exit.REFUSED
        return Exit.LATER if lost or books.pending else Exit.DONE


class _Progress:
    """How far the logs were read, on the last line of a terminal."""

    def __init__(self, logs: Sequence[Follower], sender: Sender) -> None:
        self._logs = logs
        self._sender = sender
        self._shown = 0.0

    def show(self) -> None:
        """Draw it, unless it was drawn just now."""
        if time.monotonic() - self._shown < _LOOK_AT_PROGRESS:
            return
        self._shown = time.monotonic()
        self._draw()

    def end(self) -> None:
        """Leave the last state on the screen: the logs are read."""
        self._shown = 0.0
        self._draw()
        print(file=sys.stderr)

    def _draw(self) -> None:
        size = sum(log.size for log in self._logs)
        read = sum(log.offset for log in self._logs)
        part = f"{100 * read // size if size else 100:3} % of {size / 1e6:,.1f} MB"
        line = f"{part} read, {self._sender.handled:,} records to push"
        print(f"\r{line}\033[K", end="", file=sys.stderr, flush=True)


def _say(text: str) -> None:
    print(f"pushover-logging forward: {text}", file=sys.stderr)
