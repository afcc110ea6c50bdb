"""Who sends, to whom and where: the same options for every command that talks to the service."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from pushover_logging.client.address import resolve_api_url
from pushover_logging.config.secrets import (
    MissingSecretError,
    is_in_environment,
    resolve_token,
    resolve_users,
)

if TYPE_CHECKING:
    from pushover_logging.client.application import Application

T = TypeVar("T")


def add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    purpose: str,
    example: str,
) -> argparse.ArgumentParser:
    """Add a command whose help says what it does and shows it in use."""
    return commands.add_parser(
        name,
        help=purpose,
        description=f"{purpose[0].upper()}{purpose[1:]}.",
        epilog="example:\n" + textwrap.indent(textwrap.dedent(example).strip(), "  "),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_account(
    parser: argparse.ArgumentParser, *, user: bool = True, service: bool = True
) -> None:
    """Add --token, --user unless the command concerns no user, and --api-url.

    ``service``: the command calls the service, so that --api-url has a meaning.
    """
    group = parser.add_argument_group("account")
    where = "or env:NAME, or file:PATH; default: the environment variable"
    group.add_argument("--token", help=f"the token of the application, {where} PUSHOVER_TOKEN")
    if user:
        group.add_argument("--user", help=f"the user or group key, {where} PUSHOVER_USER")
    if service:
        group.add_argument(
            "--api-url",
            metavar="URL",
            help="the service's address; default: PUSHOVER_API_URL, else Pushover's own",
        )


def option_type(convert: Callable[[str, str], T]) -> Callable[[str], T]:
    """Let argparse complain in the words of one of the option converters."""

    def converted(text: str) -> T:
        try:
            return convert(text, "it")
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return converted


def application(arguments: argparse.Namespace, *, try_for: float = 0.0) -> Application:
    """The application that --token and --api-url, or the environment, name.

    It repeats a call that failed until ``try_for`` seconds have passed.
    """
    from pushover_logging.client.application import Application

    check_account(arguments)
    token, api_url = resolve_token(arguments.token), resolve_api_url(arguments.api_url)
    if not try_for:
        return Application(token, api_url=api_url)
    from pushover_logging.delivery.retry import RetryPolicy

    policy = RetryPolicy(give_up_after=try_for)
    return Application(token, api_url=api_url, retry_policy=policy)


def users(arguments: argparse.Namespace) -> tuple[str, ...]:
    """The keys of those who get it, from --user or the environment."""
    check_account(arguments)
    return resolve_users(arguments.user)


def check_account(arguments: argparse.Namespace) -> None:
    """Raise MissingSecretError that names all that is missing, as the command line calls it."""
    missing = [
        name
        for name in ("token", "user")
        if getattr(arguments, name, "") is None and not is_in_environment(name)
    ]
    if missing:
        options = " and ".join(f"--{name}" for name in missing)
        variables = " and ".join(f"PUSHOVER_{name.upper()}" for name in missing)
        raise MissingSecretError(
            f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} missing; "
            f"give {options}, or set {variables} in the environment"
        )
