"""The same programs run with chump and with this client: results and requests are the same."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from operator import attrgetter
from pathlib import Path

import chump  # type: ignore[import-untyped]
import pytest

import pushover_logging

from .sides import BOTH, LocalService, Observed, Program, Side, is_aware, outcome_of

# chump makes its datetimes in a way that Python 3.12 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning")

OTHER_TOKEN = "b" * 30
UNKNOWN_USER = "n" * 30


def constants(side: Side) -> Observed:
    package = side.package
    return [int(getattr(package, n)) for n in ("LOWEST", "LOW", "NORMAL", "HIGH", "EMERGENCY")]


def application_before_any_message(side: Side) -> Observed:
    app = side.app
    return app.token, app.limit, app.remaining, app.reset, app.is_authenticated, app.sounds


def application_with_a_refused_token(side: Side) -> Observed:
    app = side.package.Application(OTHER_TOKEN)
    return app.is_authenticated, app.sounds


def application_whose_token_changes(side: Side) -> Observed:
    app = side.package.Application(OTHER_TOKEN)
    before = app.is_authenticated
    app.token = side.server.token
    return before, app.is_authenticated


def application_told_what_it_is(side: Side) -> Observed:
    app, user = side.app, side.user
    app.is_authenticated, app.sounds = True, {"bike": "Bike"}
    user.is_authenticated, user.devices = True, {"watch"}
    return app.is_authenticated, app.sounds, user.devices


def applications_and_users_compare_by_token(side: Side) -> Observed:
    app, twin, other = side.app, side.app, side.package.Application(OTHER_TOKEN)
    user, person = app.get_user("u" * 30), side.package.User(twin, "u" * 30)
    same = (app == twin, app != twin, user == person, user != person)
    return same, app == other, app == 5, user == other.get_user("u" * 30), user == 5


def no_order_among_applications(side: Side) -> Observed:
    return outcome_of(lambda: side.app < side.app), outcome_of(lambda: side.user >= side.user)


def user_with_devices(side: Side) -> Observed:
    user = side.user
    return user.token, user.app.token, user.is_authenticated, user.devices


def user_of_another_application(side: Side) -> Observed:
    user = side.package.Application(OTHER_TOKEN).get_user(side.server.user)
    refused = user.is_authenticated, user.devices
    user.app = side.app
    user.is_authenticated = None
    return refused, user.is_authenticated, user.devices


def user_whom_nobody_knows(side: Side) -> Observed:
    user = side.app.get_user(UNKNOWN_USER)
    return user.is_authenticated, user.devices


def user_without_devices(side: Side) -> Observed:
    user = side.app.get_user("d" * 30)
    return user.is_authenticated, user.devices


def user_whose_token_changes(side: Side) -> Observed:
    user = side.app.get_user(UNKNOWN_USER)
    before = user.is_authenticated
    user.token = side.server.user
    return before, user.is_authenticated


def message_with_nothing_but_a_text(side: Side) -> Observed:
    made = side.user.create_message("hello")
    shown = [made.message, made.html, made.title, made.timestamp, made.url, made.url_title]
    state = [made.device, made.priority, made.sound, made.id, made.is_sent, made.sent_at]
    return type(made).__name__, made.user == side.user, shown, state, made.error, str(made)


def message_made_by_hand(side: Side) -> Observed:
    made = side.package.Message(side.user, "hello", True, "title", None, "https://a", "a")
    return made.send(), made.html, made.title, made.url, made.url_title, str(made)


def emergency_made_by_hand(side: Side) -> Observed:
    kind = side.package.EmergencyMessage
    made = kind(side.user, "hello", callback="https://a/b", retry=60, expire=600)
    return made.send(), made.callback, made.retry, made.expire, made.priority


def emergency_with_nothing_but_a_text(side: Side) -> Observed:
    made = side.user.create_message("hello", priority=side.package.EMERGENCY)
    asked = [made.callback, made.retry, made.expire, made.receipt, made.last_polled_at]
    acknowledged = [made.is_acknowledged, made.acknowledged_at, made.acknowledged_by]
    ended = [made.is_expired, made.expires_at, made.is_called_back, made.called_back_at]
    return type(made).__name__, asked, acknowledged, ended, made.last_delivered_at


def message_with_everything(side: Side) -> Observed:
    user = side.user
    when = datetime(2026, 10, 13, 12, 0, 30, tzinfo=timezone(timedelta(hours=2)))
    sent = user.send_message(
        "<b>Grüße</b> & 1+1", True, "Title", when, "https://example.org/?a=b", "There", None, -1
    )
    allowance = (user.app.limit, user.app.remaining, user.app.reset)
    state = (sent.is_sent, sent.error, is_aware(sent.sent_at), len(sent.id), sent.timestamp)
    return state, allowance, user.is_authenticated, user.app.is_authenticated


def message_to_a_device_with_a_sound(side: Side) -> Observed:
    sent = side.user.send_message("hello", device="phone", sound="bike")
    return sent.is_sent, sent.device, sent.sound


def message_with_unix_seconds(side: Side) -> Observed:
    sent = side.user.send_message("hello", timestamp=1790000000)
    return sent.is_sent, sent.timestamp


def message_sent_again(side: Side) -> Observed:
    sent = side.user.send_message("hello")
    first = sent.id
    sent.message = "hello again"
    return sent.send(), sent.id != first


def parameters_of_emergencies_are_dropped_from_others(side: Side) -> Observed:
    sent = side.user.send_message("hello", priority=1, callback="https://a", retry=60, expire=90)
    return sent.is_sent, hasattr(sent, "retry")


def priority_as_a_text(side: Side) -> Observed:
    return side.user.send_message("hello", priority="1").priority


def messages_compare_by_id(side: Side) -> Observed:
    one, two = side.user.create_message("a"), side.user.create_message("b")
    unsent = one == two
    one.id = two.id = "the same"
    return bool(unsent), one == two, one != two, one == 5


def emergencies_compare_by_receipt(side: Side) -> Observed:
    one, two = (side.user.create_message(text, priority=2) for text in "ab")
    one.receipt = two.receipt = "the same"
    return one == two, one != two


def message_to_nobody(side: Side) -> Observed:
    user = side.app.get_user(UNKNOWN_USER)
    sent = user.send_message("hello")
    error = sent.error
    seen = (error.status, error.errors, error.bad_inputs, error.receipt, is_aware(error.timestamp))
    request = error.request == {
        "token": side.server.token,
        "user": UNKNOWN_USER,
        "message": "hello",
    }
    same = error.response["request"] == error.id, str(error) == f"({error.id}) {error.errors[0]}"
    return sent.is_sent, sent.id, sent.sent_at, seen, request, same, user.is_authenticated


def message_with_a_refused_token(side: Side) -> Observed:
    app = side.package.Application(OTHER_TOKEN)
    sent = app.get_user(side.server.user).send_message("hello")
    known = isinstance(sent.error, side.package.APIError), sent.error.bad_inputs
    return sent.is_sent, known, sent.error.errors, app.is_authenticated, app.sounds


def error_made_by_hand(side: Side) -> Observed:
    when = datetime(2026, 10, 13, tzinfo=timezone.utc)
    response = {"request": "id", "status": 0, "errors": ["a", "b"], "user": "invalid"}
    error = side.package.APIError("https://a", {"user": "u"}, response, when)
    seen = error.url, error.request, error.response, error.timestamp
    return seen, error.id, error.status, error.errors, error.bad_inputs, error.receipt, str(error)


def emergency_that_waits(side: Side) -> Observed:
    sent = side.user.send_message("hello", priority=2, retry=60, expire=600)
    asked = is_aware(sent.last_polled_at), is_aware(sent.last_delivered_at)
    waiting = sent.is_acknowledged, sent.acknowledged_at, sent.acknowledged_by, sent.is_expired
    rest = is_aware(sent.expires_at), sent.is_called_back, sent.called_back_at, len(sent.receipt)
    return asked, waiting, rest, sent.poll()


def emergency_acknowledged(side: Side) -> Observed:
    sent = side.user.send_message("hello", priority=2, expire=600)
    side.server.acknowledge(sent.receipt)
    polled = sent.poll()
    who = sent.acknowledged_by == sent.user, is_aware(sent.acknowledged_at)
    return polled, sent.is_acknowledged, who, sent.is_expired


def emergency_acknowledged_by_another_user(side: Side) -> Observed:
    sent = side.user.send_message("hello", priority=2, expire=600)
    side.server.acknowledge(sent.receipt, user="o" * 30)
    sent.poll()
    return type(sent.acknowledged_by).__name__, sent.acknowledged_by.token


def emergency_called_back(side: Side) -> Observed:
    sent = side.user.send_message("hello", priority=2, expire=600, callback="https://a.invalid/")
    side.server.acknowledge(sent.receipt)
    side.server.emergency(sent.receipt).called_back_at = 1790000000.0
    return sent.poll(), sent.is_called_back, sent.called_back_at


def emergency_expired(side: Side) -> Observed:
    sent = side.user.send_message("hello", priority=2, expire=600)
    side.server.expire(sent.receipt)
    return sent.poll(), sent.is_expired, sent.is_acknowledged, is_aware(sent.expires_at)


def emergency_cancelled(side: Side) -> Observed:
    sent = side.user.send_message("hello", priority=2, expire=600)
    return sent.cancel()


def emergency_polled_before_it_was_sent(side: Side) -> Observed:
    made = side.user.create_message("hello", priority=2, expire=600)
    return side.server.requests == [], made.poll() is not None, made.is_sent


def emergency_that_was_refused(side: Side) -> Observed:
    sent = side.app.get_user(UNKNOWN_USER).send_message("hello", priority=2, expire=600)
    return sent.is_sent, sent.receipt, sent.poll()


SAME: list[Program] = [
    constants,
    application_before_any_message,
    application_with_a_refused_token,
    application_whose_token_changes,
    application_told_what_it_is,
    applications_and_users_compare_by_token,
    no_order_among_applications,
    user_with_devices,
    user_of_another_application,
    user_whom_nobody_knows,
    user_without_devices,
    user_whose_token_changes,
    message_with_nothing_but_a_text,
    message_made_by_hand,
    emergency_made_by_hand,
    emergency_with_nothing_but_a_text,
    message_with_everything,
    message_with_unix_seconds,
    message_sent_again,
    parameters_of_emergencies_are_dropped_from_others,
    priority_as_a_text,
    messages_compare_by_id,
    emergencies_compare_by_receipt,
    message_to_nobody,
    message_with_a_refused_token,
    error_made_by_hand,
    emergency_that_waits,
    emergency_acknowledged,
    emergency_acknowledged_by_another_user,
    emergency_called_back,
    emergency_expired,
    emergency_cancelled,
    emergency_polled_before_it_was_sent,
    emergency_that_was_refused,
]


@pytest.mark.parametrize("program", SAME, ids=lambda program: program.__name__)
def test_program_sees_and_sends_the_same(
    program: Program, service: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    chumps, ours = (_run(program, service, package, monkeypatch) for package in BOTH)

    assert ours == chumps


def test_message_to_a_device_with_a_sound_is_the_same_message(
    service: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = message_to_a_device_with_a_sound

    (chump_saw, chump_sent), (we_saw, we_sent) = (
        _run(program, service, package, monkeypatch) for package in BOTH
    )

    # chump asks for the sounds and the devices first: see the table of differences.
    assert (we_saw, we_sent) == (chump_saw, chump_sent[-1:])


def _run(
    program: Program, service: LocalService, package: object, monkeypatch: pytest.MonkeyPatch
) -> tuple[Observed, Observed]:
    side = service.side(package, monkeypatch)  # type: ignore[arg-type]
    return program(side), side.requests


WRONG = [
    ("message", "", ValueError),
    ("message", "x" * 1025, ValueError),
    ("message", 5, TypeError),
    ("title", "x" * 251, ValueError),
    ("title", 5, TypeError),
    ("url", "x" * 513, ValueError),
    ("url_title", "x" * 101, ValueError),
    ("device", "a b", ValueError),
    ("device", 5, TypeError),
    ("sound", 5, TypeError),
    ("html", "yes", TypeError),
    ("html", 2, TypeError),
    ("priority", "high", TypeError),
    ("timestamp", "yesterday", TypeError),
    ("timestamp", [], TypeError),
    ("callback", 5, TypeError),
    ("retry", 29, ValueError),
    ("retry", "often", TypeError),
    ("expire", 0, ValueError),
    ("expire", 86401, ValueError),
    ("expire", "late", TypeError),
]


@pytest.mark.parametrize(("name", "value", "error"), WRONG)
@pytest.mark.parametrize("package", BOTH, ids=lambda package: package.__name__)
def test_wrong_value_is_refused_when_it_is_set(
    package: object,
    name: str,
    value: object,
    error: type[Exception],
    service: LocalService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    side = service.side(package, monkeypatch)  # type: ignore[arg-type]
    made = side.user.create_message("hello", priority=2)

    with pytest.raises(error):
        setattr(made, name, value)

    assert side.requests == []


@pytest.mark.parametrize(("token", "error"), [("short", ValueError), (5, TypeError)])
@pytest.mark.parametrize("package", BOTH, ids=lambda package: package.__name__)
def test_wrong_token_is_refused_when_it_is_set(
    package: object,
    token: object,
    error: type[Exception],
    service: LocalService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    side = service.side(package, monkeypatch)  # type: ignore[arg-type]

    for attempt in (side.package.Application, side.app.get_user):
        with pytest.raises(error):
            attempt(token)


def test_every_name_of_chumps_interface_is_used_here() -> None:
    source = Path(__file__).read_text("utf-8")
    documented = set(
        re.findall(r"^\t\tself\.([a-z]\w*) = ", Path(chump.__file__).read_text(), re.M)
    )
    kinds = [chump.Application, chump.User, chump.Message, chump.EmergencyMessage, chump.APIError]
    documented |= {name for kind in kinds for name in vars(kind) if not name.startswith("_")}

    unused = {name for name in documented if not re.search(rf"\.{name}\b", source)}

    assert unused == set()


@pytest.mark.parametrize(
    "kind", ["Application", "User", "Message", "EmergencyMessage"], ids=lambda kind: kind
)
def test_ours_has_every_public_name_of_chumps(kind: str) -> None:
    theirs, ours = getattr(chump, kind), getattr(pushover_logging, kind)

    missing = {name for name in vars(theirs) if not name.startswith("_")} - set(dir(ours))

    assert missing == set()


@pytest.mark.parametrize(
    "path",
    [
        *("Application", "Application.get_user", "User", "User.create_message"),
        *("User.send_message", "Message", "EmergencyMessage", "APIError"),
    ],
)
def test_positions_and_defaults_are_chumps(path: str) -> None:
    chumps, ours = (parameters_of(attrgetter(path)(package)) for package in BOTH)

    assert ours[: len(chumps)] == chumps


def parameters_of(function: Callable[..., object]) -> list[tuple[str, object]]:
    found = inspect.signature(function).parameters.values()
    return [(each.name, each.default) for each in found]
