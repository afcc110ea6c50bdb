"""``--option NAME=VALUE``: the options of PushoverHandler on a command line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from pushover_logging.config.parsing import masked

from .account import option_type


def add_handler_options(parser: argparse.ArgumentParser, example: str) -> None:
    """Add --option; the help text shows ``example``, a NAME=VALUE."""
    parser.add_argument(
        "--option",
        action="append",
        type=option_type(_option),
        default=[],
        metavar="NAME=VALUE",
        help=f"an option of PushoverHandler, such as {example}; may be repeated",
    )


def handler_options(
    arguments: argparse.Namespace, defaults: Mapping[str, object]
) -> dict[str, object]:
    """The defaults and options, with those below a dot in a mapping of their own."""
    options = dict(defaults)
    for (outer, *inner), value in arguments.option:
        if inner:
            known = options.get(outer)
            nested = dict(known) if isinstance(known, dict) else {}
            options[outer] = {**nested, ".".join(inner): value}
        else:
            options[outer] = value
    return options


def _option(text: str, option: str) -> tuple[list[str], str]:
    name, sign, value = text.partition("=")
    if not (name and sign):
        raise ValueError(f"{option} is {masked(text)}; expected NAME=VALUE")
    return name.split("."), value
