"""``messages.json``: what the service refuses, who gets a message, and the receipt it returns."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from pushover_logging.client.constants import (
    ATTACHMENT_LIMIT,
    EXPIRE_MAXIMUM,
    KEY_PATTERN,
    MESSAGE_LIMIT,
    RETRY_MINIMUM,
    TITLE_LIMIT,
    URL_LIMIT,
    URL_TITLE_LIMIT,
    USERS_MAXIMUM,
    Priority,
)
from pushover_logging.devserver.account import Member, ReceivedMessage, new_key
from pushover_logging.devserver.answers import Refusal, bad_user, over_quota, too_long
from pushover_logging.devserver.call import Call, Fields, integer
from pushover_logging.devserver.emergencies import Emergency
from pushover_logging.devserver.parameters import Attachment, Parameters

LIMITS = {
    "message": MESSAGE_LIMIT,
    "title": TITLE_LIMIT,
    "url": URL_LIMIT,
    "url_title": URL_TITLE_LIMIT,
}
ENCRYPTED_FACTOR = 8
"""No text within its limit is longer than this many times the limit once it is encrypted."""
OWN_LIMITS = {"device": 2_000, "tags": 1_000, "sound": 250, "callback": 1_000}
"""Limits that the service does not document; they keep the server's memory bounded."""
LATEST_TIMESTAMP = 253_402_300_799
"""The last second of the year 9999. Milliseconds, a common mistake, are later than that."""

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)
_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
}
_UNDECLARED = ("", "application/octet-stream", "binary/octet-stream")


def send_message(call: Call) -> Fields:
    """Accept a message, or refuse it with everything that is wrong with it."""
    refusals: list[Refusal] = []
    members: list[Member] = []
    try:
        members = _members(call)
    except Refusal as refusal:
        refusals.append(refusal)
    refusals.extend(_wrong(call.parameters))
    attachment = None
    try:
        attachment = attachment_of(call.parameters)
    except Refusal as refusal:
        refusals.append(refusal)
    if refusals:
        raise Refusal.all_of(refusals)
    if not call.account.quota.spend(len(members)):
        raise over_quota(call.account.quota.limit)
    recipients = _recipients(call, members)
    receipt = _start_emergency(call, recipients)
    call.account.keep(
        ReceivedMessage(
            number=call.account.received + 1,
            params={n: text for n, text in call.parameters.fields.items() if n != "token"},
            received_at=call.now,
            request=call.request,
            receipt=receipt,
            attachment=attachment,
            recipients=recipients,
        )
    )
    answer: Fields = {} if receipt is None else {"receipt": receipt}
    if not recipients:
        answer["info"] = "no active devices to send to"
    return answer


def attachment_of(parameters: Parameters) -> Attachment | None:
    """The image of a message, from its file part or from its base64 text.

    Its type is the declared one; if none is declared, it is recognised by the first bytes.
    """
    attachment = parameters.attachment
    text = parameters.get("attachment_base64")
    if attachment is None:
        # A text beside a file is the file's name or path in some clients; alone it is a mistake.
        if parameters.get("attachment"):
            raise Refusal.of("attachment", "must be a file part of a multipart body")
        if not text:
            return None
        if not parameters.get("attachment_type"):
            raise Refusal.of("attachment_type", "must be supplied with attachment_base64")
        try:
            data = base64.b64decode(text, validate=True)
        except ValueError:  # binascii.Error is one, and so is the error about non-ASCII text
            raise Refusal.of("attachment_base64", "is not valid base64") from None
        attachment = Attachment("attachment", parameters.get("attachment_type"), data)
    size = len(attachment.data)
    if size > ATTACHMENT_LIMIT:
        reason = f"is too large ({size} bytes is more than {ATTACHMENT_LIMIT} byte limit)"
        raise Refusal.of("attachment", reason)
    declared = (attachment.type or "").partition(";")[0].strip().lower()
    if declared in _UNDECLARED:
        found = recognised_type(attachment.data)
        if found is None:
            raise Refusal.of("attachment", "is not an image")
        return Attachment(attachment.name, found, attachment.data)
    if not declared.startswith("image/"):
        raise Refusal.of("attachment", "is not an image")
    return attachment


def recognised_type(data: bytes) -> str | None:
    """The MIME type of an image by its first bytes; None if they are no image's."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12])
    return next((name for start, name in _SIGNATURES if data.startswith(start)), None)


def _wrong(parameters: Parameters) -> Iterator[Refusal]:
    get = parameters.get
    if not get("message").strip():
        yield Refusal.of("message", "cannot be blank")
    # The limits hold for the clear text, which the service cannot see.
    factor = ENCRYPTED_FACTOR if get("encrypted") == "1" else 1
    limits = {**{name: factor * limit for name, limit in LIMITS.items()}, **OWN_LIMITS}
    for name, maximum in limits.items():
        if len(get(name)) > maximum:
            yield too_long(name, maximum)
    priority = integer(get("priority")) if get("priority") else 0
    if priority not in list(Priority):
        yield Refusal.of("priority", "is invalid, see https://pushover.net/api#priority")
    if get("html") == get("monospace") == "1":
        yield Refusal.of("monospace", "cannot be used with html")
    timestamp = integer(get("timestamp")) if get("timestamp") else 0
    if timestamp is None or not 0 <= timestamp <= LATEST_TIMESTAMP:
        yield Refusal.of("timestamp", "is not a valid Unix timestamp")
    if priority != Priority.EMERGENCY:  # the service ignores a ttl there
        if get("ttl") and (integer(get("ttl")) or 0) <= 0:
            yield Refusal.of("ttl", "must be a number of seconds greater than 0")
        return
    yield from _wrong_seconds(parameters, "retry", RETRY_MINIMUM, None)
    yield from _wrong_seconds(parameters, "expire", 1, EXPIRE_MAXIMUM)
    if get("callback") and not get("callback").startswith(("http://", "https://")):
        yield Refusal.of("callback", "is not a valid URL")


def _wrong_seconds(
    parameters: Parameters, name: str, minimum: int, maximum: int | None
) -> Iterator[Refusal]:
    text = parameters.get(name)
    seconds = integer(text)
    if not text:
        yield Refusal.of(name, "must be supplied with priority=2")
    elif seconds is None:
        yield Refusal.of(name, "is not a number")
    elif seconds < minimum:
        yield Refusal.of(name, f"is too small, must be at least {minimum} seconds")
    elif maximum is not None and seconds > maximum:
        yield Refusal.of(name, f"is too large, must be at most {maximum} seconds")


def _members(call: Call) -> list[Member]:
    keys = call.get("user").split(",", USERS_MAXIMUM + 1)
    if not all(KEY_PATTERN.fullmatch(key) for key in keys[:USERS_MAXIMUM]):
        raise bad_user()
    if len(keys) > USERS_MAXIMUM:
        raise Refusal.of("user", f"has too many keys (maximum is {USERS_MAXIMUM})")
    members: list[Member] = []
    for key in keys:
        found = call.account.members_of(key)
        if found is None:
            raise bad_user()
        members.extend(found)
    return members


def _recipients(call: Call, members: list[Member]) -> dict[str, tuple[str, ...]]:
    several = "," in call.get("user")
    wanted = "" if several else call.get("device")
    reached: dict[str, tuple[str, ...]] = {}
    for member in members:
        devices = call.account.devices_of(member, wanted)
        if devices:
            reached[member.user] = tuple(dict.fromkeys((*reached.get(member.user, ()), *devices)))
    return reached


def _start_emergency(call: Call, recipients: dict[str, tuple[str, ...]]) -> str | None:
    if integer(call.get("priority")) != Priority.EMERGENCY:
        return None
    receipt = new_key()
    user, devices = next(iter(recipients.items()), ("", ("",)))
    call.account.emergencies[receipt] = Emergency(
        receipt=receipt,
        sent_at=call.now,
        retry=int(call.get("retry")),
        expires_at=call.now + int(call.get("expire")),
        user=user,
        device=devices[0],
        rings=bool(recipients),
        callback=call.get("callback") or None,
        tags=frozenset(tag.strip() for tag in call.get("tags").split(",") if tag.strip()),
    )
    return receipt
