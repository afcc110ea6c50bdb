"""What a message's parameters may say, and the service's words where they say something else."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator

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
from pushover_logging.devserver.parameters import Attachment, Parameters
from pushover_logging.devserver.refusals import Refusal, bad_user, too_long

_LIMITS = {
    "message": MESSAGE_LIMIT,
    "title": TITLE_LIMIT,
    "url": URL_LIMIT,
    "url_title": URL_TITLE_LIMIT,
}
# int() would also take blanks, underscores and the digits of other scripts, and any number of them.
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


def integer(text: str) -> int | None:
    """The whole number a parameter spells, or None."""
    return int(text) if _INTEGER.fullmatch(text) else None


def split_users(text: str) -> list[str]:
    """The keys of a ``user`` parameter, refused where one is no key or too many are given."""
    keys = text.split(",")
    if not all(KEY_PATTERN.fullmatch(key) for key in keys):
        raise bad_user()
    if len(keys) > USERS_MAXIMUM:
        raise Refusal.of("user", f"has too many keys (maximum is {USERS_MAXIMUM})")
    return keys


def check_message(parameters: Parameters) -> None:
    """Refuse what the service refuses about a message, everything wrong with it in one answer."""
    wrong = [refusal for check in _CHECKS for refusal in check(parameters)]
    if wrong:
        raise Refusal.all_of(wrong)


def attachment_of(parameters: Parameters) -> Attachment | None:
    """The image of a message, from its file part or from its base64 text."""
    if parameters.attachment or not parameters.get("attachment_base64"):
        return parameters.attachment
    data = base64.b64decode(parameters.get("attachment_base64"), validate=True)
    return Attachment("attachment", parameters.get("attachment_type"), data)


def _check_texts(parameters: Parameters) -> Iterator[Refusal]:
    if not parameters.get("message").strip():
        yield Refusal.of("message", "cannot be blank")
    if parameters.get("encrypted") == "1":
        return  # the limits are on the clear text, which the service cannot see
    for name, maximum in _LIMITS.items():
        if len(parameters.get(name)) > maximum:
            yield too_long(name, maximum)


def _check_priority(parameters: Parameters) -> Iterator[Refusal]:
    text = parameters.get("priority")
    if text and integer(text) not in list(Priority):
        yield Refusal.of("priority", "is invalid, see https://pushover.net/api#priority")


def _check_emergency(parameters: Parameters) -> Iterator[Refusal]:
    if integer(parameters.get("priority")) != Priority.EMERGENCY:
        return
    yield from _check_seconds(parameters, "retry", RETRY_MINIMUM, None)
    yield from _check_seconds(parameters, "expire", 1, EXPIRE_MAXIMUM)
    callback = parameters.get("callback")
    if callback and not callback.startswith(("http://", "https://")):
        yield Refusal.of("callback", "is not a valid URL")


def _check_seconds(
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


def _check_format(parameters: Parameters) -> Iterator[Refusal]:
    if parameters.get("html") == parameters.get("monospace") == "1":
        yield Refusal.of("monospace", "cannot be used with html")


def _check_times(parameters: Parameters) -> Iterator[Refusal]:
    timestamp, ttl = parameters.get("timestamp"), parameters.get("ttl")
    if timestamp and (integer(timestamp) is None or int(timestamp) < 0):
        yield Refusal.of("timestamp", "is not a valid Unix timestamp")
    if integer(parameters.get("priority")) == Priority.EMERGENCY:
        return  # the service ignores a ttl there
    if ttl and (integer(ttl) or 0) <= 0:
        yield Refusal.of("ttl", "must be a number of seconds greater than 0")


def _check_attachment(parameters: Parameters) -> Iterator[Refusal]:
    if parameters.get("attachment"):
        yield Refusal.of("attachment", "must be a file part of a multipart body")
    if parameters.get("attachment_base64") and not parameters.get("attachment_type"):
        yield Refusal.of("attachment_type", "must be supplied with attachment_base64")
    try:
        attachment = attachment_of(parameters)
    except binascii.Error:
        yield Refusal.of("attachment_base64", "is not valid base64")
        return
    if attachment is not None:
        yield from _check_image(attachment)


def _check_image(attachment: Attachment) -> Iterator[Refusal]:
    size = len(attachment.data)
    if size > ATTACHMENT_LIMIT:
        reason = f"is too large ({size} bytes is more than {ATTACHMENT_LIMIT} byte limit)"
        yield Refusal.of("attachment", reason)
    if attachment.type and not attachment.type.lower().startswith("image/"):
        yield Refusal.of("attachment", "is not an image")


_CHECKS: tuple[Callable[[Parameters], Iterator[Refusal]], ...] = (
    _check_texts,
    _check_priority,
    _check_emergency,
    _check_format,
    _check_times,
    _check_attachment,
)
