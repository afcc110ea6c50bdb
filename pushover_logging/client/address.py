"""Which address the service is asked at, and that no token ever leaves for it in clear."""

from __future__ import annotations

import ipaddress
import os
import re
from urllib.parse import SplitResult, urlsplit

from .constants import API_URL

ENVIRONMENT_VARIABLE = "PUSHOVER_API_URL"


def resolve_api_url(api_url: str | None = None) -> str:
    """Settle on an address: the argument, else ``PUSHOVER_API_URL``, else Pushover's own.

    Raises ValueError for what is no address, and for plain http to anywhere but this machine.
    """
    address = api_url or os.environ.get(ENVIRONMENT_VARIABLE) or API_URL
    parts = _split(address)
    if parts.scheme == "http" and not is_loopback(address):
        raise ValueError(
            f"api_url {parts.scheme}://{parts.hostname} would send the token in clear; "
            "plain http is for loopback addresses only, use https"
        )
    return address if address.endswith("/") else address + "/"


def is_loopback(api_url: str) -> bool:
    """Whether the address is on this machine."""
    host = urlsplit(api_url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # A name other than localhost: who answers to it is for the network to say.
        return False


def _split(address: str) -> SplitResult:
    # Parsers disagree on what blanks and backslashes mean; none may decide where tokens go.
    valid = not re.search(r"[\s\\]", address)
    try:
        parts = urlsplit(address)
        valid &= parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    # The address itself is not shown: one with a password in it is among the wrong ones.
    if not valid:
        raise ValueError(f"api_url must be an http or https address such as {API_URL}")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError(
            f"api_url must hold no user name, query or fragment; it looks like {API_URL}"
        )
    return parts
