"""Reads a handler's options as a whole, and puts together what delivers for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .client.address import is_loopback
from .credentials import resolve_encryption_key
from .defaults import Terms
from .delivery import Delivery
from .grouping import Grouping, keyed_by
from .intake import Intake
from .options import Settings, read_grouping, read_retry_policy, read_settings, read_style
from .phone import Phone
from .redaction import Redaction
from .rendering import Capture, Renderer, Style
from .retrying import POLITE_WAIT, RetryPolicy
from .summaries import Writer

if TYPE_CHECKING:
    from .client.encryption import Cipher

__all__ = ["Plan", "read_plan"]


@dataclass(frozen=True)
class Plan:
    """A handler's options, checked."""

    settings: Settings
    style: Style
    grouping: Grouping
    retry_policy: RetryPolicy
    renderer: Renderer
    cipher: Cipher | None

    def terms(self) -> Terms:
        """What logging calls must know of it."""
        settings = self.settings
        return Terms(
            priorities=settings.priorities.by_level,
            ignore=settings.ignore,
            own_key=keyed_by(self.grouping),
            shows_more=self.renderer.shows_more,
            capacity=settings.capacity,
            most_groups=self.grouping.most_groups,
            exit_timeout=settings.exit_timeout,
        )

    def delivery(
        self,
        token: str,
        users: tuple[str, ...],
        intake: Intake,
        formatter: Callable[[], logging.Formatter | None],
        again: Callable[[logging.LogRecord], None],
        load: Callable[[Callable[[], None]], None],
    ) -> Delivery[Capture]:
        """What delivers to these users what comes in.

        ``formatter`` gives the handler's formatter, ``again`` notes what was set aside, and
        ``load`` has something imported while no fork can come between.
        """
        settings = self.settings
        writer = Writer(self.style, self.renderer, formatter)
        return Delivery(
            Phone(token, users, settings, writer, self.cipher),
            intake,
            grouping=self.grouping,
            retry_policy=self.retry_policy,
            quota_reserve=settings.quota_reserve,
            someone_listens=settings.on_acknowledged is not None,
            again=again,
            load=load,
        )


def read_plan(options: Mapping[str, object]) -> Plan:
    """The plan for the handler's options as given; raises TypeError or ValueError for wrong ones.

    The keys of the application and its users are none of it.
    """
    settings = read_settings(options)
    style = Style(**read_style(options))
    given = options.get("grouping")
    return Plan(
        settings,
        style,
        given if isinstance(given, Grouping) else Grouping(**read_grouping(given)),
        _retry_policy(options.get("retry_policy"), settings.api_url),
        Renderer(style, redact=Redaction(settings.redact)),
        _cipher(options.get("encryption_key")),
    )


def _cipher(encryption_key: object) -> Cipher | None:
    key = resolve_encryption_key(encryption_key)
    if key is None:
        return None
    from .client.encryption import Cipher  # only who encrypts needs the library, and needs it now

    return Cipher(key)


def _retry_policy(given: object, api_url: str) -> RetryPolicy:
    policy = given if isinstance(given, RetryPolicy) else RetryPolicy(**read_retry_policy(given))
    if policy.wait_initial < POLITE_WAIT and not is_loopback(api_url):
        raise ValueError(
            f"retry_policy.wait_initial is {policy.wait_initial:g}; at least {POLITE_WAIT:g} "
            "seconds are needed, except for a server on this machine"
        )
    return policy
