"""Stand-in until the real module lands."""

from __future__ import annotations

from ..values import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Style"]


class Style(NamedTuple):
    """The options that shape a push."""

    title: str = "{levelname} {name}"
    device: str | None = None
    sound: str | None = None
    url: str | None = None
    url_title: str | None = None
    html: bool = False
    monospace: bool = False
    ttl: int | None = None
    retry: int = 60
    expire: int = 3600
    callback: str | None = None
    tags: tuple[str, ...] = ()
    params: Mapping[str, str] = {}
    redact: tuple[tuple[str, int], ...] = ()
