"""The deliberate differences from chump: a row for each, for the test and the docs page."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pushover_logging import APIError

from .sides import Observed, Program, Side, is_aware, outcome_of

NAIVE = datetime(2026, 10, 13, 12)


@dataclass(frozen=True)
class Difference:
    """A program that shows a difference, what chump gives for it, and what ours gives."""

    name: str
    program: Program
    chump: Observed
    ours: Observed
    sentence: str
    """What the docs say of it."""


def requests_behind_an_assignment(side: Side) -> Observed:
    side.user.create_message("hello", device="phone", sound="bike")
    return [path for _, path, _ in side.requests]


def unknown_device_and_sound(side: Side) -> Observed:
    user = side.user
    return [
        outcome_of(lambda: user.send_message("hello", device="laptop").is_sent),
        outcome_of(lambda: user.send_message("hello", sound="custom").is_sent),
    ]


def answer_500(side: Side) -> Observed:
    side.server.fault("status", status=500)
    return outcome_of(lambda: type(side.user.send_message("hello").error).__name__)


def answer_that_is_not_json(side: Side) -> Observed:
    side.server.fault("garbage")
    return outcome_of(lambda: type(side.user.send_message("hello").error).__name__)


def no_answer(side: Side) -> Observed:
    side.server.fault("reset")
    return outcome_of(lambda: type(side.user.send_message("hello").error).__name__)


def priority_out_of_range(side: Side) -> Observed:
    return outcome_of(lambda: side.user.create_message("hello", priority=3).priority)


def emergency_without_retry(side: Side) -> Observed:
    return outcome_of(lambda: side.package.Message(side.user, "hello", priority=2).send())


def default_expire(side: Side) -> Observed:
    sent = side.user.send_message("hello", priority=2)
    return sent.is_sent, sent.expire, side.requests[0][2]["expire"]


def blank_text(side: Side) -> Observed:
    return outcome_of(lambda: side.user.send_message("  ").is_sent)


def refused_with(side: Side, body: dict[str, object], status: int = 400) -> Any:
    side.server.fault("status", status=status, body={"status": 0, "request": "id", **body})
    return side.user.send_message("hello").error


def errors_missing(side: Side) -> Observed:
    return outcome_of(lambda: refused_with(side, {"message": "cannot be blank"}).errors)


def errors_as_an_object(side: Side) -> Observed:
    return list(refused_with(side, {"errors": {"name": ["is taken"]}}).errors)


def riders_of_a_refusal(side: Side) -> Observed:
    body = {"errors": ["a"], "user": "invalid", "group": 0, "licenses": ["iOS"]}
    return refused_with(side, body).bad_inputs


def receipt_of_a_refusal(side: Side) -> Observed:
    error = refused_with(side, {"errors": ["a"], "receipt": "not found"})
    return error.receipt, error.bad_inputs


def quota_used_up(side: Side) -> Observed:
    user = side.user
    user.app.is_authenticated = True
    side.server.set_quota(remaining=0)
    sent = user.send_message("hello")
    return sent.is_sent, type(sent.error).__name__, user.app.is_authenticated


def authentication_fails_otherwise(side: Side) -> Observed:
    side.server.fault("status", status=403, body={"status": 0, "request": "id", "errors": ["a"]})
    return outcome_of(lambda: side.app.is_authenticated)


def limit_headers_missing(side: Side) -> Observed:
    side.server.set_quota_headers("missing")
    return outcome_of(lambda: side.user.send_message("hello").is_sent)


def hash_of_equals(side: Side) -> Observed:
    return outcome_of(lambda: hash(side.app) == hash(side.app) and len({side.user, side.user}))


def naive_datetime(side: Side) -> Observed:
    made = side.user.create_message("hello")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made.timestamp = NAIVE
        is_kept_aware = is_aware(made.timestamp)
        made.send()
    places = [each.filename == __file__ for each in caught if each.category is RuntimeWarning]
    return is_kept_aware, places, side.requests[-1][2]["timestamp"]


def fraction_of_a_second(side: Side) -> Observed:
    return side.user.create_message("hello", timestamp=1.5).timestamp.microsecond


def html_read_back(side: Side) -> Observed:
    return repr(side.user.create_message("hello", html=True).html)


def polling_often(side: Side) -> Observed:
    side.monkeypatch.setattr("pushover_logging.client.messages.POLL_INTERVAL", 5.0)
    sent = side.user.send_message("hello", priority=2, expire=600)
    polled = [sent.poll(), sent.poll()]
    return polled, [method for method, _, _ in side.requests].count("GET")


def polling_what_is_over(side: Side) -> Observed:
    sent = side.user.send_message("hello", priority=2, expire=600)
    side.server.acknowledge(sent.receipt)
    polled = [sent.poll(), sent.poll()]
    return polled, [method for method, _, _ in side.requests].count("GET")


def receipt_that_is_gone(side: Side) -> Observed:
    sent = side.user.send_message("hello", priority=2, expire=600)
    sent.receipt = "g" * 30
    polled = outcome_of(sent.poll)
    return getattr(polled, "__name__", (polled, sent.is_expired))


def poll_that_fails(side: Side) -> Observed:
    sent = side.user.send_message("hello", priority=2, expire=600)
    side.server.fault("status", status=503)
    polled = outcome_of(sent.poll)
    return polled, sent.is_sent, type(sent.error).__name__


def cancel_that_fails(side: Side) -> Observed:
    sent = side.user.send_message("hello", priority=2, expire=600)
    sent.receipt = "g" * 30
    cancelled = outcome_of(sent.cancel)
    return getattr(cancelled, "__name__", (cancelled, type(sent.error).__name__))


def emergency_without_a_receipt(side: Side) -> Observed:
    allowance = {f"X-Limit-App-{name}": "1790000000" for name in ("Limit", "Remaining", "Reset")}
    body = {"status": 1, "request": "id"}
    side.server.fault("status", status=200, body=body, headers=allowance)
    made = side.user.create_message("hello", priority=2, expire=600)
    return outcome_of(lambda: (made.send(), made.poll()))


def remark_on_an_accepted_message(side: Side) -> Observed:
    sent = side.app.get_user("d" * 30).send_message("hello")
    return sent.is_sent, getattr(sent, "info", "nowhere")


def tokens_in_texts(side: Side) -> Observed:
    app, user = side.app, side.user
    texts = [str(app), repr(app), str(user), repr(user)]
    return [app.token in text or user.token in text for text in texts]


def token_in_the_url_of_an_error(side: Side) -> Observed:
    sent = side.user.send_message("hello", priority=2, expire=600)
    side.server.fault("status", status=400, body={"status": 0, "errors": ["a"], "request": "id"})
    try:
        sent.poll()
        error = sent.error
    except Exception as raised:
        error = raised
    return side.server.token in error.url, side.server.token in repr(error)


DIFFERENCES = [
    Difference(
        "requests by assignment",
        requests_behind_an_assignment,
        ["/1/users/validate.json", "/1/sounds.json"],
        [],
        "An assignment to an attribute never sends a request: ``device`` and ``sound`` "
        "are not checked with the service.",
    ),
    Difference(
        "unknown devices and sounds",
        unknown_device_and_sound,
        [ValueError, ValueError],
        [True, True],
        "A device or sound that is not in ``devices`` or ``sounds`` is sent anyway. The "
        "service accepts custom sounds, and sends to all devices if it does not know one.",
    ),
    Difference(
        "server errors",
        answer_500,
        UnboundLocalError,
        "ServerError",
        "If the service answers with a 5xx status, ``send()`` returns False and ``error`` "
        "is a ``ServerError``. chump crashes.",
    ),
    Difference(
        "broken answers",
        answer_that_is_not_json,
        json.JSONDecodeError,
        "TransportError",
        "If the answer is not JSON, ``send()`` returns False and ``error`` is a "
        "``TransportError``. chump raises.",
    ),
    Difference(
        "no answer",
        no_answer,
        AttributeError,
        "TransportError",
        "If there is no connection, or no answer in time, ``send()`` returns False and "
        "``error`` is a ``TransportError``. chump crashes or waits forever.",
    ),
    Difference(
        "priorities out of range",
        priority_out_of_range,
        3,
        ValueError,
        "A priority outside -2 to 2 raises ValueError.",
    ),
    Difference(
        "emergencies of the wrong class",
        emergency_without_retry,
        False,
        ValueError,
        "``Message(priority=2)`` raises ValueError, because the service refuses an "
        "emergency without ``retry`` and ``expire``. Use ``EmergencyMessage``.",
    ),
    Difference(
        "expire",
        default_expire,
        (False, 86400, "86400"),
        (True, 86400, "10800"),
        "An ``expire`` of up to 86400 is accepted, but at most 10800 is sent, which is "
        "the limit of the service today. It refuses chump's default.",
    ),
    Difference(
        "blank texts",
        blank_text,
        False,
        ValueError,
        "A message of whitespace raises ValueError. chump sends it, and the service refuses it.",
    ),
    Difference(
        "refusals without errors",
        errors_missing,
        KeyError,
        ["message cannot be blank"],
        "A refusal without ``errors`` is an ``APIError`` that names the bad parameters. "
        "chump crashes.",
    ),
    Difference(
        "errors as an object",
        errors_as_an_object,
        ["name"],
        ["name is taken"],
        "``APIError.errors`` is a list of sentences, even if the service sends an object.",
    ),
    Difference(
        "bad_inputs",
        riders_of_a_refusal,
        {"user": "invalid", "group": 0, "licenses": ["iOS"]},
        {"user": "invalid"},
        "``APIError.bad_inputs`` holds bad parameters only, and no other fields of a "
        "refusal (``group``, ``licenses``).",
    ),
    Difference(
        "receipts of refusals",
        receipt_of_a_refusal,
        ("not found", {}),
        (None, {"receipt": "not found"}),
        "``APIError.receipt`` is a receipt or None. An unknown receipt is in ``bad_inputs``.",
    ),
    Difference(
        "quota",
        quota_used_up,
        (False, "APIError", False),
        (False, "RateLimitError", True),
        "When the quota is used up, the error is a ``RateLimitError``, and the token "
        "still counts as valid, although the answer of the service calls it invalid.",
    ),
    Difference(
        "other failures",
        authentication_fails_otherwise,
        None,
        APIError,
        "``is_authenticated``, ``sounds`` and ``devices`` raise if the service fails for "
        "another reason than a bad token or user. chump returns None or False.",
    ),
    Difference(
        "missing limits",
        limit_headers_missing,
        TypeError,
        True,
        "If the answer has no readable ``X-Limit-App-*`` headers, ``limit``, "
        "``remaining`` and ``reset`` keep their values. chump crashes after the message "
        "was delivered.",
    ),
    Difference(
        "hashes",
        hash_of_equals,
        TypeError,
        1,
        "Applications, users and messages can be members of sets and keys of dicts. Equal "
        "objects have equal hashes.",
    ),
    Difference(
        "naive datetimes",
        naive_datetime,
        (False, [False], "1791892800"),
        (True, [True], "1791892800"),
        "A naive ``timestamp`` becomes an aware datetime in UTC when you set it. The "
        "RuntimeWarning points at the line that sets it.",
    ),
    Difference(
        "fractions of seconds",
        fraction_of_a_second,
        0,
        500_000,
        "A float as ``timestamp`` keeps its fraction in the attribute. Whole seconds are sent.",
    ),
    Difference(
        "html",
        html_read_back,
        "1",
        "True",
        "``Message.html`` is a bool instead of 0 or 1.",
    ),
    Difference(
        "polling",
        polling_often,
        ([True, True], 3),
        ([True, True], 1),
        "``poll()`` asks the service every 5 seconds at most, as the service demands. "
        "Between two requests it returns what it knows. Loops that sleep work as before.",
    ),
    Difference(
        "polling a finished emergency",
        polling_what_is_over,
        ([False, False], 3),
        ([False, False], 2),
        "``poll()`` sends no more requests once an emergency is finished.",
    ),
    Difference(
        "old receipts",
        receipt_that_is_gone,
        "APIError",
        (False, True),
        "A receipt that the service no longer knows, after a week, belongs to an expired "
        "message. ``poll()`` of chump raises.",
    ),
    Difference(
        "polls that fail",
        poll_that_fails,
        (UnboundLocalError, True, "NoneType"),
        (True, True, "ServerError"),
        "If the service cannot be asked, ``poll()`` returns what it knows, and ``error`` "
        "holds the reason. The message stays ``is_sent``.",
    ),
    Difference(
        "cancels that fail",
        cancel_that_fails,
        "APIError",
        (False, "APIError"),
        "``cancel()`` returns False and sets ``error`` instead of raising.",
    ),
    Difference(
        "emergencies without a receipt",
        emergency_without_a_receipt,
        KeyError,
        (True, None),
        "An emergency that was accepted without a receipt counts as sent, and ``poll()`` "
        "returns None. chump crashes.",
    ),
    Difference(
        "remarks",
        remark_on_an_accepted_message,
        (True, "nowhere"),
        (True, "no active devices to send to"),
        "``Message.info`` holds the remark of the service on an accepted message, such as "
        "``no active devices to send to``.",
    ),
    Difference(
        "tokens in texts",
        tokens_in_texts,
        [True, True, True, True],
        [False, False, False, False],
        "``str`` and ``repr`` show tokens and keys as ``azG…``.",
    ),
    Difference(
        "tokens in errors",
        token_in_the_url_of_an_error,
        (True, True),
        (False, False),
        "``APIError.url`` has no query, and ``repr`` masks the token. ``request`` still "
        "holds the real parameters.",
    ),
]
