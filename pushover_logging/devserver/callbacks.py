"""Telling an application that its emergency was acknowledged, as the service does it."""

from __future__ import annotations

import asyncio
from urllib.parse import SplitResult, urlencode, urlsplit

from pushover_logging.devserver.listening import loopback

ANSWER_SECONDS = 10.0


def is_reachable(url: str) -> bool:
    """Whether the dev server may call there: plain http to this machine, and nowhere else."""
    try:
        parts = urlsplit(url)
        loopback(parts.hostname or "")
    except ValueError:
        return False
    return parts.scheme == "http"


async def post_form(url: str, form: dict[str, str]) -> bool:
    """Post a form once; True where the answer was a 2xx."""
    posting = asyncio.ensure_future(_post(urlsplit(url), form))
    try:
        # Not wait_for, which before Python 3.12 may swallow the cancelling of the caller.
        await asyncio.wait({posting}, timeout=ANSWER_SECONDS)
        return posting.done() and 200 <= posting.result() < 300
    except (OSError, ValueError, IndexError):
        # Nobody there, or no answer that is HTTP: the caller asks again in a while.
        return False
    finally:
        posting.cancel()


async def _post(parts: SplitResult, form: dict[str, str]) -> int:
    body = urlencode(form).encode()
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    try:
        writer.write(_head(parts, len(body)) + body)
        await writer.drain()
        status_line = await reader.readline()
        return int(status_line.split()[1])
    finally:
        writer.close()


def _head(parts: SplitResult, length: int) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = (
        f"POST {target} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {length}",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode("ascii")
