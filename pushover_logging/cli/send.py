"""``pushover-logging send``: one message, from an argument or standard input."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pushover_logging.client.constants import MESSAGE_LIMIT, Priority
from pushover_logging.config.fields import DEFAULTS
from pushover_logging.config.levels import to_priority
from pushover_logging.config.parsing import masked, to_seconds, to_whole_seconds
from pushover_logging.config.secrets import resolve_encryption_key
from pushover_logging.render import html
from pushover_logging.render.alert import cut, trim

from .account import add_account, add_command, application, option_type, users
from .answering import add_json, answer
from .endings import Exit

if TYPE_CHECKING:
    from pushover_logging.client.parameters import Value
    from pushover_logging.client.transport import File

_EXAMPLE = """
pushover-logging send 'The backup is done' --title nas --priority low --ttl 12h
tail -n 5 backup.log | pushover-logging send --title 'backup failed' --priority emergency
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = add_command(commands, "send", "send one message", _EXAMPLE)
    parser.add_argument(
        "text",
        nargs="?",
        default="-",
        help="the message; default: read it from standard input, as with -",
    )
    parser.add_argument(
        "--no-cut",
        action="store_true",
        help="refuse a text that is too long; default: shorten its middle",
    )
    _add_content(parser)
    _add_urgency(parser)
    _add_more(parser)
    add_json(parser)
    add_account(parser)
    parser.set_defaults(run=run)


def _add_content(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("content")
    group.add_argument("-t", "--title", help="default: the name of the application")
    group.add_argument("--url", help="a link below the text")
    group.add_argument("--url-title", metavar="TITLE", help="the text to show for the link")
    looks = group.add_mutually_exclusive_group()
    looks.add_argument("--html", action="store_const", const=1, help="the text is HTML")
    looks.add_argument(
        "--monospace", action="store_const", const=1, help="show the text in a monospace font"
    )
    group.add_argument(
        "--timestamp", type=int, metavar="SECONDS", help="Unix time to show instead of now"
    )


def _add_urgency(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("delivery")
    group.add_argument(
        "-d", "--device", help="a device, or several separated by commas; default: all devices"
    )
    group.add_argument(
        "-p",
        "--priority",
        type=option_type(as_priority),
        default=Priority.NORMAL,
        help="lowest, low, normal (default), high, emergency, or -2 to 2",
    )
    group.add_argument("-s", "--sound", help="default: the sound that is set in the app")
    for name, purpose in (
        ("ttl", "delete it after this time, such as 90, 30m or 12h"),
        ("retry", f"emergency: ring again after this time; default: {DEFAULTS['retry']}s"),
        ("expire", f"emergency: stop ringing after this time; default: {DEFAULTS['expire']}s"),
    ):
        group.add_argument(
            f"--{name}", type=option_type(to_whole_seconds), metavar="TIME", help=purpose
        )
    group.add_argument(
        "--wait",
        type=option_type(to_seconds),
        default=0.0,
        metavar="TIME",
        help="keep trying for this long while the service does not answer; default: one attempt",
    )
    group.add_argument(
        "--callback", metavar="URL", help="emergency: an address to call when it is acknowledged"
    )
    group.add_argument("--tags", help="emergency: tags to cancel it by, separated by commas")


def _add_more(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("more")
    group.add_argument("-a", "--attachment", metavar="FILE", help="an image to show below the text")
    group.add_argument(
        "--attachment-type",
        metavar="TYPE",
        help="such as image/png; default: found from its first bytes",
    )
    group.add_argument(
        "--encryption-key",
        metavar="KEY",
        help="encrypt the texts: 64 hex digits, or env:NAME, or file:PATH",
    )
    group.add_argument(
        "--param",
        action="append",
        type=option_type(_parameter),
        default=[],
        metavar="NAME=VALUE",
        help="any other parameter, passed unchanged to the service; may be repeated",
    )


def as_priority(text: str, option: str) -> Priority:
    """A priority by name or number; ``none`` is refused."""
    priority = to_priority(text, option)
    if priority is None:
        raise ValueError("it is none; a message has a priority from lowest to emergency")
    return priority


def _parameter(text: str, option: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign):
        raise ValueError(f"{option} is {masked(text)}; expected NAME=VALUE")
    return name, value


def run(arguments: argparse.Namespace) -> Exit:
    """Send it and print the service's ids; a remark of the service goes to stderr."""
    image = _image(arguments)
    parameters = _sealed(arguments, _parameters(arguments))
    sent = application(arguments, try_for=arguments.wait).send(parameters, image)
    receipt = f", receipt {sent.receipt}" if sent.receipt else ""
    facts = {
        "request": sent.id,
        "receipt": sent.receipt,
        "info": sent.info,
        "limit": sent.limit,
        "remaining": sent.remaining,
        "reset": sent.reset,
    }
    answer(arguments, facts, f"sent, request {sent.id}{receipt}")
    if sent.info:
        print(f"pushover-logging send: the service remarks: {sent.info}", file=sys.stderr)
    return Exit.DONE


def _image(arguments: argparse.Namespace) -> File | None:
    if arguments.attachment is None:
        if arguments.attachment_type is not None:
            raise ValueError("--attachment-type belongs to --attachment")
        return None
    from pushover_logging.client import attachments

    return attachments.load(arguments.attachment, arguments.attachment_type)


def _sealed(arguments: argparse.Namespace, parameters: Mapping[str, Value]) -> Mapping[str, Value]:
    key = resolve_encryption_key(arguments.encryption_key)
    if key is None:
        return parameters
    from pushover_logging.client.encryption import Cipher

    return Cipher(key).seal(parameters)


def _parameters(arguments: argparse.Namespace) -> Mapping[str, Value]:
    """Pushover's parameters; an option that was not given leaves the choice to the service."""
    names = ("title", "url", "url_title", "html", "monospace", "timestamp", "device", "sound")
    emergency = ("retry", "expire", "callback", "tags")
    given: dict[str, str | int | None] = {
        name: getattr(arguments, name) for name in (*names, "ttl", *emergency)
    }
    unused = [name for name in emergency if given[name] is not None]
    if unused and arguments.priority != Priority.EMERGENCY:
        raise ValueError(f"--{unused[0]} belongs to --priority emergency")
    return {
        "user": ",".join(users(arguments)),
        "message": _message(arguments),
        "priority": int(arguments.priority),
        **emergency_defaults(arguments.priority),
        **{
            name: sendable(value) if isinstance(value, str) else value
            for name, value in given.items()
            if value is not None
        },
        **dict(arguments.param),
    }


def emergency_defaults(priority: Priority) -> dict[str, int]:
    """The parameters that the service requires of an emergency."""
    if priority != Priority.EMERGENCY:
        return {}
    return {"retry": DEFAULTS["retry"], "expire": DEFAULTS["expire"]}


def sendable(text: str) -> str:
    """A text with replacement characters for bytes of the command line that are not UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _message(arguments: argparse.Namespace) -> str:
    """The text, with its middle left out if it is too long, which stderr says."""
    text = _text(arguments.text)
    if len(text) <= MESSAGE_LIMIT:
        return text
    said = f"the text is {len(text)} characters; at most {MESSAGE_LIMIT} fit"
    if arguments.no_cut:
        raise ValueError(said)
    print(f"pushover-logging send: {said}, so its middle is left out", file=sys.stderr)
    trimmed, missing = trim(text)
    if arguments.html:
        return html.cut(trimmed, MESSAGE_LIMIT, missing=missing)
    return cut(trimmed, MESSAGE_LIMIT, missing=missing)


def _text(argument: str) -> str:
    if argument == "-" and sys.stdin is None:
        raise ValueError("there is no text: standard input is closed; give it as an argument")
    if argument == "-" and sys.stdin.isatty():
        raise ValueError("there is no text: give it as an argument or on standard input")
    given = sys.stdin.buffer.read() if argument == "-" else os.fsencode(argument)
    # Output of other programs need not be UTF-8; better a replacement character than no alert.
    text = given.decode("utf-8", "replace").strip()
    if not text:
        raise ValueError(f"the text is blank; 1 to {MESSAGE_LIMIT} characters fit")
    return text
