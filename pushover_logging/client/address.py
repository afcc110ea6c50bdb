"""Finds the address of the service, and refuses an address that would get tokens in clear."""

from __future__ import annotations

import os
import re

from .constants import API_URL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from urllib.parse import SplitResult

__all__ = ["is_loopback", "resolve_api_url"]


def resolve_api_url(api_url: object = None) -> str:
    """Return the address of the service, ending in a slash.

    The address is the argument, else ``PUSHOVER_API_URL``, else Pushover's own. Tokens travel to
    it, so it must be https unless it is on this machine. Raises ValueError for another address.
    """
    if api_url is None:
        text = os.environ.get("PUSHOVER_API_URL", "").strip()
        source = "api_url from the environment variable PUSHOVER_API_URL"
        return _checked_url(text, source) if text else API_URL
    if not isinstance(api_url, str):
        raise TypeError(f"api_url is of type {type(api_url).__name__}; expected a string")
    return _checked_url(api_url.strip(), "api_url")


def is_loopback(api_url: str) -> bool:
    """Whether the address is on this machine."""
    from urllib.parse import urlsplit  # the usual address needs no import

    return api_url != API_URL and _is_this_machine(urlsplit(api_url).hostname or "")


def _checked_url(text: str, source: str) -> str:
    url = _split(text)
    if url is None:
        raise ValueError(f"{source} is no address; expected one such as {API_URL}")
    if url.query or url.fragment or "@" in url.netloc:
        raise ValueError(f"{source} holds a query, fragment or password; expected only a path")
    if url.scheme == "http" and not _is_this_machine(url.hostname or ""):
        raise ValueError(
            f"{source} is plain http to {url.hostname}; expected https, "
            "because http is for this machine only (127.0.0.1, ::1, localhost)"
        )
    return text if text.endswith("/") else f"{text}/"


def _split(text: str) -> SplitResult | None:
    from urllib.parse import urlsplit  # the usual address needs no import

    # Parsers disagree about blanks and backslashes, so an address with them has no sure host.
    if re.search(r"[\s\\]", text):
        return None
    try:
        url = urlsplit(text)
        valid = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        return None
    return url if valid else None


def _is_this_machine(host: str) -> bool:
    from ipaddress import ip_address  # only plain http needs it

    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
