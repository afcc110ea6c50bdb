"""Clients that nobody here wrote get from the dev server what the real service would give them."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import build_opener

import pytest
from apprise import AppriseAttachment, NotifyFormat
from apprise.plugins.pushover import NotifyPushover
from tls import Certificate

from pushover_logging.devserver import DevServer

with warnings.catch_warnings():
    # It was written for Python 2 as well, and never warned of this by itself.
    warnings.simplefilter("ignore")
    import chump
    from chump import connection_pool

NOBODY = "x" * 30
PNG = bytes.fromhex("89504e470d0a1a0a") + bytes(100)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:chump")


@pytest.fixture
def chump_app(
    tls_server: DevServer, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> Iterator[chump.Application]:
    """A chump application whose requests to api.pushover.net end at the dev server."""
    handler = connection_pool.PushoverPooledConnectionHandler(context=certificate.client_context())
    monkeypatch.setattr(chump, "ENDPOINT", tls_server.url)
    monkeypatch.setattr(connection_pool, "HOST", f"127.0.0.1:{tls_server.port}")
    monkeypatch.setattr(chump, "pool", build_opener(handler))
    yield chump.Application(tls_server.token)
    for connection in handler.pool:
        connection.close()


@pytest.fixture
def chump_user(chump_app: chump.Application, tls_server: DevServer) -> chump.User:
    return chump_app.get_user(tls_server.user)


class TestChump:
    def test_knows_a_good_token_its_sounds_and_the_devices(
        self, chump_app: chump.Application, chump_user: chump.User
    ) -> None:
        assert chump_app.is_authenticated
        assert chump_app.sounds["siren"] == "Siren"
        assert chump_user.is_authenticated
        assert chump_user.devices == {"phone"}

    def test_knows_a_bad_token_and_a_bad_user(self, chump_app: chump.Application) -> None:
        stranger = chump_app.get_user(NOBODY)

        assert not chump.Application(NOBODY).is_authenticated
        assert not stranger.is_authenticated
        assert chump_app.is_authenticated

    def test_takes_a_user_without_devices_for_a_valid_one(
        self, chump_app: chump.Application, tls_server: DevServer
    ) -> None:
        user = chump_app.get_user(tls_server.add_user(devices=()))

        assert user.is_authenticated
        assert user.devices == set()

    def test_sends_a_message_and_reads_the_limits(
        self, chump_app: chump.Application, chump_user: chump.User, tls_server: DevServer
    ) -> None:
        sent = chump_user.send_message(
            "Größe ☃", title="Title", url="https://example.org", url_title="There", html=True
        )

        received = tls_server.messages[0]
        assert sent.is_sent
        assert sent.error is None
        assert sent.id == received.request
        assert sent.sent_at.tzinfo is not None
        assert received.params == {
            "user": tls_server.user,
            "message": "Größe ☃",
            "title": "Title",
            "url": "https://example.org",
            "url_title": "There",
            "html": "1",
        }
        assert (chump_app.limit, chump_app.remaining) == (10_000, 9_999)
        assert chump_app.reset > datetime.datetime.now(datetime.timezone.utc)

    def test_reads_why_it_was_refused(
        self, chump_user: chump.User, chump_app: chump.Application
    ) -> None:
        blank = chump_user.send_message(" ")
        stranger = chump_app.get_user(NOBODY).send_message("Hello")

        assert not blank.is_sent
        assert blank.error.errors == ["message cannot be blank"]
        assert blank.error.bad_inputs == {"message": "cannot be blank"}
        assert blank.error.id
        assert "user" in stranger.error.bad_inputs

    def test_has_a_default_for_expire_that_is_refused_nowadays(
        self, chump_user: chump.User
    ) -> None:
        alarm = chump_user.send_message("Fire", priority=chump.EMERGENCY)

        assert not alarm.is_sent
        assert alarm.error.errors == ["expire is too large, must be at most 10800 seconds"]

    def test_follows_an_emergency_to_its_acknowledgement(
        self, chump_user: chump.User, tls_server: DevServer
    ) -> None:
        alarm = chump_user.send_message("Fire", priority=chump.EMERGENCY, retry=30, expire=600)
        waiting = alarm.poll()

        tls_server.acknowledge(alarm.receipt)
        after = alarm.poll()

        assert alarm.is_sent
        assert alarm.last_delivered_at is not None
        assert (waiting, after) == (True, False)
        assert (alarm.is_acknowledged, alarm.is_expired, alarm.is_called_back) == (
            True,
            False,
            False,
        )
        assert alarm.acknowledged_by is chump_user
        assert alarm.acknowledged_at <= alarm.expires_at
        assert tls_server.impolite == 2

    def test_sees_an_emergency_expire(self, chump_user: chump.User, tls_server: DevServer) -> None:
        alarm = chump_user.send_message("Fire", priority=chump.EMERGENCY, retry=30, expire=600)

        tls_server.expire(alarm.receipt)

        assert alarm.poll() is False
        assert (alarm.is_acknowledged, alarm.is_expired) == (False, True)

    def test_cancels_an_emergency(self, chump_user: chump.User, tls_server: DevServer) -> None:
        alarm = chump_user.send_message("Fire", priority=chump.EMERGENCY, retry=30, expire=600)

        assert alarm.cancel()
        assert tls_server.emergency(alarm.receipt).canceled

    def test_takes_the_spent_quota_for_a_bad_token(
        self, chump_user: chump.User, tls_server: DevServer
    ) -> None:
        tls_server.set_quota(remaining=0)

        refused = chump_user.send_message("Hello")

        assert refused.error.bad_inputs == {"token": "invalid"}
        assert refused.error.errors == ["application has exceeded current limit of 10000 messages"]

    def test_keeps_one_connection_alive(
        self, chump_user: chump.User, tls_server: DevServer
    ) -> None:
        for _ in range(3):
            chump_user.send_message("Hello")

        assert len({seen.client_port for seen in tls_server.requests}) == 1


@pytest.fixture
def redirected(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets apprise speak to the dev server, without the pause it makes before each request."""
    monkeypatch.setattr(NotifyPushover, "notify_url", f"{server.url}messages.json")
    monkeypatch.setattr(NotifyPushover, "request_rate_per_sec", 0)


def apprise_to(server: DevServer, **options: Any) -> NotifyPushover:
    return NotifyPushover(user_key=server.user, token=server.token, **options)


@pytest.mark.usefixtures("redirected")
class TestApprise:
    def test_sends_to_all_devices(self, server: DevServer) -> None:
        sent = apprise_to(server).notify(title="Title", body="Größe ☃")

        message = server.messages[0]
        assert sent
        assert message.params["message"] == "Größe ☃"
        assert message.params["sound"] == "pushover"
        assert message.recipients == {server.user: ("phone",)}

    def test_sends_to_a_device_and_a_group(self, server: DevServer) -> None:
        server.add_user("d" * 30, devices=("desk",))
        group = server.add_group("Ops", ["d" * 30])

        sent = apprise_to(server, targets=["phone", f"#{group}"]).notify(body="Hello")

        assert sent
        assert [list(message.recipients) for message in server.messages] == [
            [server.user],
            ["d" * 30],
        ]

    def test_rings_with_retry_and_expire(self, server: DevServer) -> None:
        sent = apprise_to(server, priority="emergency").notify(body="Fire")

        emergency = server.emergency(str(server.messages[0].receipt))
        assert sent
        assert (emergency.retry, emergency.expires_at - emergency.sent_at) == (900, 3600)

    def test_sends_an_image(self, server: DevServer, tmp_path: Path) -> None:
        image = tmp_path / "cat.png"
        image.write_bytes(PNG)

        sent = apprise_to(server).notify(body="Look", attach=AppriseAttachment(str(image)))

        attachment = server.messages[0].attachment
        assert sent
        assert attachment is not None
        assert (attachment.name, attachment.data) == ("cat.png", PNG)

    def test_sends_html(self, server: DevServer) -> None:
        apprise_to(server).notify(body="<b>Fire</b>", body_format=NotifyFormat.HTML)

        assert server.messages[0].params["html"] == "1"

    def test_encrypts(self, server: DevServer) -> None:
        sent = apprise_to(server, encryption_key="0" * 64).notify(body="secret " * 100)

        assert sent
        assert server.messages[0].params["encrypted"] == "1"
        assert b"secret" not in server.requests[0].body

    @pytest.mark.parametrize(
        ("trouble", "status"), [("user", 400), ("quota", 429), ("outage", 500)]
    )
    def test_knows_that_it_failed(self, server: DevServer, trouble: str, status: int) -> None:
        if trouble == "quota":
            server.set_quota(remaining=0)
        if trouble == "outage":
            server.fault("status")
        user = NOBODY if trouble == "user" else server.user

        sent = NotifyPushover(user_key=user, token=server.token).notify(body="Hello")

        assert not sent
        assert [seen.status for seen in server.requests] == [status]

    def test_knows_that_no_answer_is_a_failure(self, server: DevServer) -> None:
        server.fault("lost")

        assert not apprise_to(server).notify(body="Hello")
        assert len(server.messages) == 1
