"""What the inbox page is told: pushes as a phone would show them, without a token or a user key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from pushover_logging.devserver.callbacks import is_reachable
from pushover_logging.devserver.emergencies import Emergency
from pushover_logging.devserver.parameters import Attachment
from pushover_logging.devserver.richtext import Run, runs
from pushover_logging.devserver.state import KEPT, Account, ReceivedMessage

View = dict[str, object]

PAGE_LENGTH = 500
"""So many pushes are told at once: few enough to keep no other request waiting."""
IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/avif"}
"""What is shown; a picture that can hold a script, such as SVG, is only named."""
SEALED = ("message", "title", "url", "url_title")


def page_before(account: Account, number: int) -> list[View]:
    """The newest pushes that are older than that one, newest first."""
    older = (each for each in reversed(account.messages) if each.number < number)
    return [push(account, each) for each in islice(older, PAGE_LENGTH)]


def push(account: Account, message: ReceivedMessage) -> View:
    """One push. The texts of an encrypted one are as they came, for the page to open."""
    params = message.params
    encrypted = params.get("encrypted") == "1"
    return {
        "number": message.number,
        "received_at": message.received_at,
        "shown_at": int(params.get("timestamp") or message.received_at),
        "priority": int(params.get("priority") or 0),
        "encrypted": {name: params.get(name, "") for name in SEALED} if encrypted else None,
        "title": "" if encrypted else params.get("title", "").strip() or account.name,
        "text": [] if encrypted else _text(params),
        "html": params.get("html") == "1",
        "monospace": params.get("monospace") == "1",
        "url": "" if encrypted else params.get("url", ""),
        "url_title": "" if encrypted else params.get("url_title", ""),
        "image": _image(message.number, message.attachment),
        "sound": _sound(account, params.get("sound")),
        "ttl": _ttl(params),
        "devices": sorted({name for names in message.recipients.values() for name in names}),
        "tags": params.get("tags", ""),
        "emergency": emergency(account.emergencies.get(message.receipt or "")),
    }


def emergency(ringing: Emergency | None) -> View | None:
    """What became of an emergency; whether it has expired by now is for the page's clock to say."""
    if ringing is None:
        return None
    return {
        "receipt": ringing.receipt,
        "sent_at": ringing.sent_at,
        "retry": ringing.retry,
        "expires_at": ringing.expires_at,
        "acknowledged_at": ringing.acknowledged_at,
        "acknowledged_by_device": ringing.acknowledged_by_device,
        "canceled": ringing.canceled,
        "callback": _callback(ringing),
        "called_back_at": ringing.called_back_at,
    }


def figures(account: Account, faults: Iterable[Mapping[str, object]]) -> View:
    """What the page shows beside the pushes."""
    allowance = account.allowance
    allowance.renew(account.clock())
    return {
        "received": account.received,
        "kept": KEPT,
        "faults": list(faults),
        "quota": {
            "limit": allowance.limit,
            "remaining": allowance.remaining,
            "reset": allowance.reset,
            "headers": allowance.headers,
        },
    }


def _text(params: Mapping[str, str]) -> list[Run]:
    if params.get("html") == "1":
        return runs(params["message"])
    return [{"text": params["message"]}]


def _image(number: int, attachment: Attachment | None) -> View | None:
    if attachment is None:
        return None
    shown = (attachment.type or "").lower() in IMAGES
    return {
        "name": attachment.name,
        "type": attachment.type,
        "size": len(attachment.data),
        "address": f"/inbox/images/{number}" if shown else None,
    }


def _sound(account: Account, name: str | None) -> str | None:
    return account.sounds.get(name, name) if name else None


def _ttl(params: Mapping[str, str]) -> int | None:
    if params.get("priority") == "2":
        return None  # the service ignores it there, and nobody has checked it
    return int(params["ttl"]) if params.get("ttl") else None


def _callback(ringing: Emergency) -> str | None:
    if not ringing.callback:
        return None
    return "local" if is_reachable(ringing.callback) else "elsewhere"
