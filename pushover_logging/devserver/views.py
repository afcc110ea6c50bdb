"""What the inbox page shows: pushes as a device would show them, without tokens or user keys."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from html.parser import HTMLParser
from itertools import islice

import nh3

from pushover_logging.devserver.account import KEPT, Account, ReceivedMessage
from pushover_logging.devserver.emergencies import Emergency
from pushover_logging.devserver.loopback import is_reachable
from pushover_logging.devserver.traffic import Traffic

View = dict[str, object]
Run = dict[str, str | bool]

PAGE_LENGTH = 500
"""How many pushes one answer holds; more would delay other requests."""
IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/avif"}
"""The types that are shown; an image that can hold a script, such as SVG, is only named."""
ENCRYPTED = ("message", "title", "url", "url_title")
LINK_SCHEMES = {"http", "https", "mailto", "tel"}

_SWITCHES = {"b": "bold", "i": "italic", "u": "underline"}
_ATTRIBUTES = {"font": "color", "a": "href"}


def page_before(account: Account, number: int) -> list[View]:
    """The newest pushes that are older than that one, newest first."""
    older = (each for each in reversed(account.messages) if each.number < number)
    return [push(account, each) for each in islice(older, PAGE_LENGTH)]


def push(account: Account, message: ReceivedMessage) -> View:
    """One push. The texts of an encrypted one are as they came; the page decrypts them."""
    params = message.params
    encrypted = params.get("encrypted") == "1"
    text = params.get("message", "")
    sound = params.get("sound")
    # The service ignores a ttl at priority 2, and nothing has checked it there.
    ttl = params.get("ttl") if params.get("priority") != "2" else None
    image = message.attachment
    return {
        "number": message.number,
        "received_at": message.received_at,
        "shown_at": int(params.get("timestamp") or message.received_at),
        "priority": int(params.get("priority") or 0),
        "encrypted": {name: params.get(name, "") for name in ENCRYPTED} if encrypted else None,
        "title": "" if encrypted else params.get("title", "").strip() or account.name,
        "text": [] if encrypted else runs(text) if params.get("html") == "1" else [{"text": text}],
        "html": params.get("html") == "1",
        "monospace": params.get("monospace") == "1",
        "url": "" if encrypted else params.get("url", ""),
        "url_title": "" if encrypted else params.get("url_title", ""),
        "image": None
        if image is None
        else {
            "name": image.name[:200],
            "type": image.type,
            "size": len(image.data),
            "address": f"/inbox/images/{message.number}"
            if (image.type or "").lower() in IMAGES
            else None,
        },
        "sound": account.sounds.get(sound, sound) if sound else None,
        "ttl": int(ttl) if ttl else None,
        "devices": sorted({name for names in message.recipients.values() for name in names}),
        "tags": params.get("tags", ""),
        "emergency": emergency(account.emergencies.get(message.receipt or "")),
    }


def emergency(ringing: Emergency | None) -> View | None:
    """The state of an emergency; the page's clock decides whether it has expired by now."""
    if ringing is None:
        return None
    callback = None
    if ringing.callback:
        callback = "local" if is_reachable(ringing.callback) else "elsewhere"
    return {
        "receipt": ringing.receipt,
        "sent_at": ringing.sent_at,
        "retry": ringing.retry,
        "expires_at": ringing.expires_at,
        "acknowledged_at": ringing.acknowledged_at,
        "acknowledged_by_device": ringing.acknowledged_by_device,
        "canceled": ringing.canceled,
        "callback": callback,
        "called_back_at": ringing.called_back_at,
    }


def rejections(traffic: Traffic, after: int) -> list[View]:
    """The kept rejected requests after that number, newest first."""
    return [
        dataclasses.asdict(each) for each in reversed(traffic.rejections) if each.number > after
    ]


def figures(account: Account, faults: Iterable[Mapping[str, object]], problem: str | None) -> View:
    """What the page shows beside the pushes; ``problem`` says why the file is not written."""
    account.quota.renew(account.clock())
    return {
        "received": account.received,
        "kept": KEPT,
        "faults": list(faults),
        "quota": account.quota.as_plain(),
        "problem": problem,
    }


def runs(html: str) -> list[Run]:
    """The text of a message as pieces, each with ``text`` and its formatting.

    ``bold``, ``italic`` and ``underline`` are present if they are True, ``color`` and ``href`` if
    they are given. Pushover knows no other markup: other tags are removed, their content stays.
    """
    clean = nh3.clean(
        html,
        tags={*_SWITCHES, *_ATTRIBUTES},
        attributes={tag: {name} for tag, name in _ATTRIBUTES.items()},
        url_schemes=LINK_SCHEMES,
        link_rel=None,
    )
    reader = _HtmlReader()
    reader.feed(clean)
    reader.close()
    return reader.runs


class _HtmlReader(HTMLParser):
    """Reads HTML that is clean already, so that every tag is known and closed."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[Run] = []
        self._formats: list[Run] = [{}]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """The text that follows is formatted."""
        format_ = {**self._formats[-1], **{name: text for name, text in attrs if text}}
        if tag in _SWITCHES:
            format_[_SWITCHES[tag]] = True
        self._formats.append(format_)

    def handle_endtag(self, _tag: str) -> None:
        """The text that follows is formatted as before."""
        self._formats.pop()

    def handle_data(self, data: str) -> None:
        """A piece of text."""
        self.runs.append({"text": data, **self._formats[-1]})
