"""How a command answers: lines for people, or one JSON object for scripts."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from datetime import datetime


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help="print the result as a JSON object")


def answer(arguments: argparse.Namespace, facts: Mapping[str, object], *lines: str) -> None:
    """Print the facts as JSON if --json asks for it, else the lines."""
    if arguments.json:
        print(json.dumps(facts, default=_plain))
    else:
        for line in lines:
            print(line)


def time_of(moment: datetime | None) -> str:
    """A moment as people read it, in the machine's time zone."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S %Z}" if moment else "an unknown time"


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
