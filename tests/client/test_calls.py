"""Every call of the service against the local server: its result, and each refusal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timezone

import pytest

from pushover_logging.client import (
    Allowance,
    APIError,
    Application,
    Group,
    GroupUser,
    RateLimitError,
    ServerError,
    TransportError,
    Validation,
)
from pushover_logging.client.constants import SOUNDS
from pushover_logging.client.parameters import Value
from pushover_logging.devserver import DevServer

STRANGER = "n" * 30


@pytest.fixture
def server() -> Iterator[DevServer]:
    with DevServer(port=0) as server:
        yield server


@pytest.fixture
def app(server: DevServer) -> Iterator[Application]:
    app = Application(server.token, api_url=server.url)
    yield app
    app.close()


def refusal(call: Callable[[], object]) -> APIError:
    with pytest.raises(APIError) as caught:
        call()
    return caught.value


def emergency(app: Application, server: DevServer, tags: str = "disk") -> str:
    fields: dict[str, Value] = {"priority": 2, "retry": 30, "expire": 600, "tags": tags}
    receipt = app.send({"user": server.user, "message": "hi", **fields}).receipt
    assert receipt is not None
    return receipt


def test_send_gives_the_answer_and_the_allowance(app: Application, server: DevServer) -> None:
    server.set_quota(limit=10_000, remaining=7_000, reset=1_900_000_000)

    answer = app.send({"user": server.user, "message": "hi", "priority": True, "title": None})

    assert (answer.limit, answer.remaining) == (10_000, 6_999)
    assert answer.reset == datetime.fromtimestamp(1_900_000_000, timezone.utc)
    assert (app.limit, app.remaining, app.reset) == (10_000, 6_999, answer.reset)
    assert answer.receipt is None
    assert answer.info is None
    assert server.messages[0].request == answer.id
    assert server.messages[0].params == {"user": server.user, "message": "hi", "priority": "1"}


def test_send_takes_several_users(app: Application, server: DevServer) -> None:
    second = server.add_user()

    app.send({"user": [server.user, second], "message": "hi"})

    assert server.messages[0].recipients.keys() == {server.user, second}


@pytest.mark.parametrize(
    ("fields", "bad"),
    [
        ({"user": STRANGER}, "user"),
        ({"message": " "}, "message"),
        ({"message": "x" * 1025}, "message"),
        ({"title": "x" * 251}, "title"),
        ({"url": "x" * 513}, "url"),
        ({"url_title": "x" * 101}, "url_title"),
        ({"priority": 3}, "priority"),
        ({"priority": 2, "expire": 60}, "retry"),
        ({"priority": 2, "retry": 30}, "expire"),
        ({"priority": 2, "retry": 29, "expire": 60}, "retry"),
        ({"priority": 2, "retry": 30, "expire": 10_801}, "expire"),
        ({"html": 1, "monospace": 1}, "monospace"),
        ({"ttl": 0}, "ttl"),
        ({"timestamp": "noon"}, "timestamp"),
        ({"attachment_base64": "!", "attachment_type": "image/png"}, "attachment_base64"),
    ],
)
def test_refused_message_names_the_bad_parameter(
    app: Application, server: DevServer, fields: dict[str, Value], bad: str
) -> None:
    error = refusal(lambda: app.send({"user": server.user, "message": "hi", **fields}))

    assert bad in error.bad_inputs
    assert error.http_status == 400
    assert len(server.requests) == 1


def test_refused_token_is_named(server: DevServer) -> None:
    app = Application(STRANGER, api_url=server.url)

    error = refusal(lambda: app.send({"user": server.user, "message": "hi"}))

    assert error.bad_inputs == {"token": "invalid"}


def test_quota_used_up_is_a_rate_limit(app: Application, server: DevServer) -> None:
    server.set_quota(remaining=0, reset=1_900_000_000)

    error = refusal(lambda: app.send({"user": server.user, "message": "hi"}))

    assert isinstance(error, RateLimitError)
    assert error.reset == datetime.fromtimestamp(1_900_000_000, timezone.utc)
    assert app.remaining == 0


def test_message_that_reaches_nobody_has_a_remark(app: Application, server: DevServer) -> None:
    lonely = server.add_user(devices=())

    assert app.send({"user": lonely, "message": "hi"}).info == "no active devices to send to"


@pytest.mark.parametrize("headers", ["missing", "garbage"])
def test_odd_limit_headers_leave_the_allowance_as_it_was(
    app: Application, server: DevServer, headers: str
) -> None:
    app.send({"user": server.user, "message": "hi"})
    before = (app.limit, app.remaining, app.reset)
    server.set_quota_headers(headers)  # type: ignore[arg-type]

    answer = app.send({"user": server.user, "message": "hi"})

    assert (answer.limit, answer.remaining, answer.reset) == (None, None, None)
    assert (app.limit, app.remaining, app.reset) == before


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 500}, ServerError),
        ({"kind": "status", "status": 503}, ServerError),
        ({"kind": "garbage"}, TransportError),
        ({"kind": "reset"}, TransportError),
        ({"kind": "lost"}, TransportError),
    ],
)
def test_a_failure_is_a_single_error_after_a_single_request(
    app: Application, server: DevServer, fault: dict[str, object], error: type[Exception]
) -> None:
    server.fault(**fault)  # type: ignore[arg-type]

    with pytest.raises(error):
        app.send({"user": server.user, "message": "hi"})

    assert len(server.requests) == 1


def test_mute_service_is_given_up_after_the_timeout(server: DevServer) -> None:
    app = Application(server.token, api_url=server.url, timeout=(0.5, 0.2))
    server.fault("hang")

    with pytest.raises(TransportError, match=r"no answer from .* within 0\.2 seconds") as caught:
        app.send({"user": server.user, "message": "hi"})

    assert caught.value.may_have_arrived
    server.clear_faults()


def test_requests_share_one_connection(app: Application, server: DevServer) -> None:
    for _ in range(3):
        app.send({"user": server.user, "message": "hi"})
    app.limits()

    assert len({request.client_port for request in server.requests}) == 1


def test_limits(app: Application, server: DevServer) -> None:
    server.set_quota(limit=25_000, remaining=123, reset=1_900_000_000)

    found = app.limits()

    assert found == Allowance(25_000, 123, datetime.fromtimestamp(1_900_000_000, timezone.utc))
    assert (app.limit, app.remaining, app.reset) == (found.limit, found.remaining, found.reset)


def test_sounds_hold_custom_ones(app: Application, server: DevServer) -> None:
    server.add_sound("fanfare", "Our Fanfare")

    assert app.sounds == {**SOUNDS, "fanfare": "Our Fanfare"}


def test_validate_tells_users_from_groups(app: Application, server: DevServer) -> None:
    group = server.add_group("ops", [server.user])
    lonely = server.add_user(devices=())

    assert app.validate(server.user, "phone") == Validation(False, ("phone",), ("Android",))
    assert app.validate(group) == Validation(True, (), ())
    assert app.validate(lonely) == Validation(False, (), ())


def test_validate_refuses_strangers_and_unknown_devices(
    app: Application, server: DevServer
) -> None:
    assert "user" in refusal(lambda: app.validate(STRANGER)).bad_inputs
    assert "device" in refusal(lambda: app.validate(server.user, "laptop")).bad_inputs


def test_receipt_holds_the_state_of_an_emergency(app: Application, server: DevServer) -> None:
    receipt = emergency(app, server)
    waiting = app.receipt(receipt)
    server.acknowledge(receipt, device="phone")

    found = app.receipt(receipt)

    assert waiting.is_waiting
    assert waiting.acknowledged_at is None
    assert waiting.acknowledged_by is None
    assert waiting.expires_at is not None
    assert waiting.expires_at > waiting.answered_at
    assert not found.is_waiting
    assert (found.acknowledged, found.expired, found.called_back) == (True, False, False)
    assert (found.acknowledged_by, found.acknowledged_by_device) == (server.user, "phone")
    assert found.acknowledged_at is not None
    assert found.last_delivered_at is not None


def test_expired_receipt_waits_no_more(app: Application, server: DevServer) -> None:
    receipt = emergency(app, server)
    server.expire(receipt)

    found = app.receipt(receipt)

    assert (found.expired, found.gone, found.is_waiting) == (True, False, False)


@pytest.mark.parametrize("status", [400, 404])
def test_unknown_receipt_is_gone(app: Application, server: DevServer, status: int) -> None:
    body = {"receipt": "not found", "errors": ["receipt not found"], "status": 0}
    server.fault("status", status=status, body=body)

    found = app.receipt("g" * 30)

    assert (found.gone, found.expired, found.is_waiting) == (True, True, False)


def test_receipt_under_a_refused_token_is_an_error(app: Application, server: DevServer) -> None:
    stranger = Application(STRANGER, api_url=server.url)

    assert refusal(lambda: stranger.receipt("g" * 30)).bad_inputs == {"token": "invalid"}


def test_cancel_stops_the_ringing(app: Application, server: DevServer) -> None:
    receipt = emergency(app, server)

    app.cancel(receipt)

    assert not app.receipt(receipt).is_waiting
    assert "receipt" in refusal(lambda: app.cancel("g" * 30)).bad_inputs


def test_cancel_by_tag_returns_the_number_of_cancelled_emergencies(
    app: Application, server: DevServer
) -> None:
    odd = "a/b c&d?é"
    kept, *stopped = (
        emergency(app, server),
        emergency(app, server, odd),
        emergency(app, server, odd),
    )

    assert app.cancel_by_tag(odd) == 2
    assert app.cancel_by_tag(odd) == 0
    assert [app.receipt(each).is_waiting for each in stopped] == [False, False]
    assert app.receipt(kept).is_waiting


def test_glance_shows_words_and_numbers(app: Application, server: DevServer) -> None:
    app.glance(server.user, "phone", title="Disk", text="a", subtext="b", count=-3, percent=0)

    shown = {"title": "Disk", "text": "a", "subtext": "b", "count": "-3", "percent": "0"}
    assert server.glances[0].params == {"user": server.user, "device": "phone", **shown}
    assert server.messages == []


def test_glance_without_a_valid_user_is_refused(app: Application) -> None:
    assert "user" in refusal(lambda: app.glance(STRANGER, title="Disk")).bad_inputs


@pytest.mark.parametrize(
    ("shown", "sentence"),
    [
        ({}, "at least one of title"),
        ({"text": "x" * 101}, "text is 101 characters; at most 100 fit"),
        ({"percent": 101}, "percent is 101; it must be 0 to 100"),
    ],
)
def test_glance_that_cannot_be_shown_is_not_sent(
    app: Application, server: DevServer, shown: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        app.glance(server.user, **shown)  # type: ignore[arg-type]

    assert server.requests == []


def test_groups_are_made_filled_and_listed(app: Application, server: DevServer) -> None:
    second = server.add_user(devices=("watch",))
    group = app.create_group("ops")
    group.add(server.user)
    group.add(second, "watch", "the boss")
    group.disable(second)

    assert app.groups == (group,)
    assert app.get_group(group.key) == group
    assert group.users == (
        GroupUser(server.user),
        GroupUser(second, "watch", "the boss", disabled=True),
    )


def test_members_of_a_group_are_enabled_and_removed(app: Application, server: DevServer) -> None:
    group = app.create_group("ops")
    group.add(server.user)
    group.disable(server.user)
    group.enable(server.user)
    enabled = group.users

    group.remove(server.user, None)

    assert enabled == (GroupUser(server.user),)
    assert group.users == ()


def test_group_is_renamed(app: Application) -> None:
    group = app.create_group("ops")

    renamed = group.rename("operations")

    assert renamed.name == "operations"
    assert app.groups == (renamed,)


def test_message_to_a_group_reaches_its_members(app: Application, server: DevServer) -> None:
    group = app.create_group("ops")
    group.add(server.user)

    sent = app.get_user(group.key).send_message("hi")

    assert sent.is_sent
    assert server.messages[0].recipients == {server.user: ("phone",)}


def test_groups_refuse_invalid_changes(app: Application, server: DevServer) -> None:
    group = app.create_group("ops")
    group.add(server.user)

    assert refusal(lambda: app.create_group("ops")).errors == ["name has already been taken"]
    assert "name" in refusal(lambda: app.create_group(" ")).bad_inputs
    assert "name" in refusal(lambda: group.rename(" ")).bad_inputs
    assert "group" in refusal(lambda: app.get_group("g" * 30)).bad_inputs
    assert "user" in refusal(lambda: group.add(server.user)).bad_inputs
    assert "user" in refusal(lambda: group.add(STRANGER)).bad_inputs
    assert "device" in refusal(lambda: group.add(server.user, "laptop")).bad_inputs
    assert "user" in refusal(lambda: group.remove(STRANGER)).bad_inputs
    assert "user" in refusal(lambda: group.disable(STRANGER)).bad_inputs
    assert "user" in refusal(lambda: group.enable(STRANGER)).bad_inputs


def test_long_memo_is_not_sent(app: Application, server: DevServer) -> None:
    group = Group(app, "g" * 30, "ops")

    with pytest.raises(ValueError, match="memo is 201 characters; at most 200 fit"):
        group.add(server.user, memo="x" * 201)


def test_subscription_gives_the_user_another_key(app: Application, server: DevServer) -> None:
    subscription = next(iter(server.account.subscriptions))

    key = app.migrate_subscription(subscription, server.user, "phone", "bike")

    assert app.send({"user": key, "message": "hi"}).id
    assert server.requests[0].params["device_name"] == "phone"
    assert server.requests[0].params["sound"] == "bike"


def test_subscription_refuses_strangers(app: Application, server: DevServer) -> None:
    subscription = next(iter(server.account.subscriptions))

    unknown = refusal(lambda: app.migrate_subscription("none", server.user))
    stranger = refusal(lambda: app.migrate_subscription(subscription, STRANGER))

    assert "subscription" in unknown.bad_inputs
    assert "user" in stranger.bad_inputs


def test_licences_are_given_and_counted(app: Application, server: DevServer) -> None:
    before = app.license_credits()

    after_user = app.assign_license(user=server.user, os="iOS")
    after_mail = app.assign_license(email="someone@example.org")

    assert (after_user, after_mail) == (before - 1, before - 2)
    assert app.license_credits() == before - 2


def test_licence_is_refused_to_strangers_and_without_credits(
    app: Application, server: DevServer
) -> None:
    assert "user" in refusal(lambda: app.assign_license(user=STRANGER)).bad_inputs
    assert "os" in refusal(lambda: app.assign_license(user=server.user, os="BeOS")).bad_inputs
    server.account.license_credits = 0

    error = refusal(lambda: app.assign_license(user=server.user))

    assert error.errors == ["account has no license credits left"]


def test_licence_goes_to_a_user_or_an_email_not_both(app: Application, server: DevServer) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        app.assign_license()
    with pytest.raises(ValueError, match="exactly one"):
        app.assign_license(user=server.user, email="someone@example.org")

    assert server.requests == []


@pytest.mark.parametrize("kind", ["lost", "reset"])
def test_licence_is_never_asked_for_twice(app: Application, server: DevServer, kind: str) -> None:
    app.license_credits()
    server.fault(kind)  # type: ignore[arg-type]

    with pytest.raises(TransportError) as caught:
        app.assign_license(user=server.user)

    assert caught.value.may_have_arrived
    assert [request.method for request in server.requests] == ["GET", "POST"]


def test_any_other_call_can_be_made(app: Application, server: DevServer) -> None:
    asked = app.get("sounds.json")
    posted = app.post("messages.json", {"user": server.user, "message": "hi", "brand_new": "yes"})

    assert "bike" in asked.body["sounds"]  # type: ignore[operator]
    assert posted.id
    assert server.messages[0].params["brand_new"] == "yes"


@pytest.mark.parametrize("key", ["../sounds", "", "short", "g" * 31])
def test_a_malformed_key_never_becomes_part_of_an_address(
    app: Application, server: DevServer, key: str
) -> None:
    for call in (app.receipt, app.cancel, app.get_group, app.validate):
        with pytest.raises(ValueError, match="must be 30 letters and digits"):
            call(key)

    assert server.requests == []


def test_an_answer_without_the_requested_value_is_no_answer(
    app: Application, server: DevServer
) -> None:
    for call in (lambda: app.create_group("ops"), app.license_credits):
        server.fault("status", status=200, body={"status": 1})
        with pytest.raises(TransportError, match="lacks"):
            call()


def test_threads_share_two_connections_at_most(app: Application, server: DevServer) -> None:
    server.fault("delay", count=None, seconds=0.02)
    threads = [threading.Thread(target=app.limits) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert [request.status for request in server.requests] == [200] * 8
    assert server.max_in_flight <= 2
    assert server.max_connections <= 2
