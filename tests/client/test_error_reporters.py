"""An error reporter that keeps local variables and traces requests finds no secret of ours.

sentry-sdk walks mappings, lists and texts among the variables of every frame, and shows the
``repr`` of anything else. It also keeps the address of every request that http.client sends.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.stdlib import StdlibIntegration
from sentry_sdk.transport import Transport as SentryTransport

from pushover_logging import PushoverHandler
from pushover_logging.client import Application, Message, PushoverError, Team
from pushover_logging.client.encryption import Cipher
from pushover_logging.client.transport import Transport

from .raw_server import Behaviour, raw_server, sends

TOKEN = "azGDORePK8gMaC0QOYAMyEEuzJnyUi"
USER = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG"
GROUP = "gznej3rKEVAvPUxu9vvNnqpmZpokzF"
KEY = "5ea1" * 16
EMAIL, PASSWORD = "ada@example.org", "correct-horse-battery"
SECRETS = (TOKEN, USER, GROUP, KEY, repr(bytes.fromhex(KEY))[2:-1], EMAIL, PASSWORD)

HTML = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\n<html>"
REFUSAL = json.dumps(
    {"user": "invalid", "errors": [f"{USER} is unknown to {TOKEN}"], "status": 0, "request": "id"}
).encode()
REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n" % len(REFUSAL) + REFUSAL
FAILURES: dict[str, Behaviour] = {
    "foreign": sends(HTML),
    "refused": sends(REFUSED),
    "not http": sends(b"SSH-2.0-OpenSSH\r\n\r\n"),
    "bad header": sends(b"HTTP/1.1 200 OK\r\nno colon here\r\nContent-Length: 2\r\n\r\n{}"),
    "closed": lambda connection, _: connection.close(),
    "mute": lambda _, over: over.wait(30),
}


class Captured(SentryTransport):
    """Keeps what sentry-sdk would send, as text."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[str] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        for item in envelope.items:
            event: Any = item.get_event() or item.get_transaction_event() or {}
            self.events.append(json.dumps(event, default=repr))


@pytest.fixture
def sentry() -> Iterator[Captured]:
    captured = Captured()
    sentry_sdk.init(
        dsn="http://public@127.0.0.1:9/1",
        transport=captured,
        include_local_variables=True,
        traces_sample_rate=1.0,
        add_full_stack=True,
        # Others patch what later tests in this process use.
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[StdlibIntegration()],
        max_value_length=100_000,
        event_scrubber=sentry_sdk.scrubber.EventScrubber(denylist=[], pii_denylist=[]),
    )
    with sentry_sdk.isolation_scope() as scope:
        scope.clear_breadcrumbs()
        yield captured
    sentry_sdk.get_global_scope().set_client(None)


def parameters() -> dict[str, Any]:
    return {"user": USER, "message": "hi", "title": "x"}


CALLS: dict[str, Callable[[Application], object]] = {
    "send": lambda app: app.send(parameters()),
    "send sealed": lambda app: app.send(Cipher(KEY).seal(parameters())),
    "send with a timeout": lambda app: app.send(parameters(), timeout=0.5),
    "post": lambda app: app.post(f"groups/{GROUP}/add_user.json", parameters()),
    "get": lambda app: app.get(f"groups/{GROUP}.json"),
    "limits": lambda app: app.limits(),
    "validate": lambda app: app.validate(USER),
    "is_authenticated": lambda app: app.get_user([USER, GROUP]).devices,
    "glance": lambda app: app.glance(USER, text="hi"),
    "get_group": lambda app: app.get_group(GROUP),
    "migrate": lambda app: app.migrate_subscription(GROUP, USER),
    "license": lambda app: app.assign_license(user=USER),
    "license by email": lambda app: app.assign_license(email=EMAIL),
    "team": lambda app: team_of(app).add_user(EMAIL, password=PASSWORD),
    "team list": lambda app: team_of(app).users,
    "team remove": lambda app: team_of(app).remove_user(EMAIL),
    "team revoke": lambda app: team_of(app).revoke_invitation(EMAIL),
}


def team_of(app: Application) -> Team:
    return Team(TOKEN, transport=app._transport)


def report(call: Callable[[], object]) -> None:
    try:
        with sentry_sdk.start_transaction(name="test"):
            call()
    except BaseException as error:
        sentry_sdk.capture_exception(error)
        if not isinstance(error, (PushoverError, KeyboardInterrupt, TypeError)):
            raise


def shown_secrets(captured: Captured) -> set[str]:
    assert any("pushover_logging/client/application.py" in event for event in captured.events)
    return {secret for secret in SECRETS for event in captured.events if secret in event}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("failure", ["foreign", "closed"])
def test_no_call_shows_a_secret(
    sentry: Captured, call: Callable[[Application], object], failure: str
) -> None:
    with raw_server(FAILURES[failure]) as server:
        app = Application(TOKEN, api_url=server.api_url, timeout=(0.5, 0.5))

        report(lambda: call(app))

    assert shown_secrets(sentry) == set()


@pytest.mark.parametrize("behaviour", FAILURES.values(), ids=FAILURES)
def test_no_failure_shows_a_secret(sentry: Captured, behaviour: Behaviour) -> None:
    with raw_server(behaviour) as server:
        app = Application(TOKEN, api_url=server.api_url, timeout=(0.5, 0.5))

        report(lambda: app.send(parameters()))
        report(lambda: app.get("sounds.json", parameters()))

    assert shown_secrets(sentry) == set()


def test_an_unreachable_service_shows_no_secret(sentry: Captured) -> None:
    app = Application(TOKEN, api_url="http://127.0.0.1:1/1/")

    report(lambda: app.send(parameters()))

    assert shown_secrets(sentry) == set()


def test_a_value_of_the_wrong_type_shows_no_secret(sentry: Captured) -> None:
    app = Application(TOKEN, api_url="http://127.0.0.1:1/1/")

    report(lambda: app.send({**parameters(), "title": object()}))  # type: ignore[dict-item]

    assert shown_secrets(sentry) == set()


def test_an_interrupt_shows_no_secret(sentry: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with raw_server(sends(HTML)) as server:
        app = Application(TOKEN, api_url=server.api_url)
        monkeypatch.setattr("http.client.HTTPResponse.begin", interrupt)

        report(lambda: app.send(parameters()))
        report(lambda: message_to(app).send())

    assert shown_secrets(sentry) == set()


def message_to(app: Application) -> Message:
    return app.get_user(USER).create_message("hi", encryption_key=KEY)


def test_a_repeated_call_shows_no_secret(sentry: Captured) -> None:
    class Twice:
        def call(self, send: Callable[[], Any]) -> Any:
            try:
                return send()
            except PushoverError:
                return send()

    with raw_server(sends(HTML)) as server:
        app = Application(TOKEN, transport=Transport(server.api_url), retry_policy=Twice())

        report(lambda: app.send(parameters()))
        report(lambda: app.assign_license(user=USER))
        report(lambda: app.create_group("ops"))

    assert shown_secrets(sentry) == set()


def test_the_addresses_that_tracing_tools_see_are_masked(sentry: Captured) -> None:
    with raw_server(
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", b'{"status":1}')
    ) as server:
        app = Application(TOKEN, api_url=server.api_url)

        report(lambda: app.get(f"groups/{GROUP}.json"))

    asked = server.requests[0].split(b"\r\n")[0]
    assert asked == f"GET /1/groups/{GROUP}.json?token={TOKEN} HTTP/1.1".encode()
    assert any("azG" in event for event in sentry.events)
    assert {s for s in SECRETS for event in sentry.events if s in event} == set()


# The handler, whose on_error gives each failure to the reporter.


@pytest.mark.parametrize("behaviour", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("users", [USER, [USER, GROUP]], ids=["a user", "users"])
def test_a_failed_delivery_shows_no_secret(
    sentry: Captured, behaviour: Behaviour, users: str | list[str]
) -> None:
    reported = threading.Event()
    with raw_server(behaviour) as server:
        handler = handler_for(server.api_url, reported, user=users)

        handler.handle(logging.makeLogRecord({"msg": "hi", "levelno": 40}))
        assert reported.wait(30)

        handler.close()
    assert shown_secrets(sentry) == set()


def test_a_defect_in_a_delivery_shows_no_secret(
    sentry: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a defect")

    reported = threading.Event()
    monkeypatch.setattr(Application, "_ask_once", fail)
    handler = handler_for("http://127.0.0.1:9/1/", reported, encryption_key=KEY)

    handler.handle(logging.makeLogRecord({"msg": "hi", "levelno": 40}))
    assert reported.wait(30)

    handler.close()
    assert shown_secrets(sentry) == set()


def handler_for(api_url: str, reported: threading.Event, **options: Any) -> PushoverHandler:
    def report_it(error: Exception) -> None:
        sentry_sdk.capture_exception(error)
        reported.set()

    once = {"attempts": 1}  # or it would try on while other tests run
    more = {
        "user": USER,
        "exit_timeout": 0.1,
        "timeout": 0.5,
        "retry_policy": once,
        **options,
    }
    return PushoverHandler(
        TOKEN,
        api_url=api_url,
        on_error=report_it,
        escalate_to=GROUP,
        escalate_after=60,
        **more,
    )
