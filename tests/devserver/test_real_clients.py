"""Clients of other projects get from the dev server the answers that the real service gives.

Each sends a message, an emergency and an image if it can. The Python packages come with the extra
``test``. The others are found as a user's shell finds them, and their tests skip without them:
``curl``, ``node`` and ``prometheus-alertmanager`` on the PATH (on Debian: curl, nodejs and
prometheus-alertmanager), and the npm package ``pushover-notifications`` in a folder that NODE_PATH
names. ``.ci/run`` installs them with apt-get, and the npm package with
``npm install --prefix FOLDER pushover-notifications`` and ``NODE_PATH=FOLDER/node_modules``.
"""

from __future__ import annotations

import contextlib
import datetime
import http.client
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.request import build_opener

import pytest
import requests
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
def image(tmp_path: Path) -> Path:
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)
    return path


def assert_rings(server: DevServer, message: str) -> None:
    """The newest message has this text, and an emergency rings for it."""
    newest = server.messages[-1]
    assert newest.params["message"] == message
    emergency = server.emergency(str(newest.receipt))
    assert emergency.is_ringing(emergency.sent_at)


def assert_has_image(server: DevServer) -> None:
    """The newest message has the image, recognised as a PNG."""
    attachment = server.messages[-1].attachment
    assert attachment is not None
    assert (attachment.name, attachment.type, attachment.data) == ("cat.png", "image/png", PNG)


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


class TestPushoverComplete:
    @pytest.fixture
    def api(self, server: DevServer, monkeypatch: pytest.MonkeyPatch) -> Any:
        package = pytest.importorskip("pushover_complete")
        monkeypatch.setattr("pushover_complete.pushover_api.PUSHOVER_API_URL", server.url)
        return package.PushoverAPI(server.token)

    def test_sends_a_message_an_emergency_and_an_image(
        self, api: Any, server: DevServer, image: Path
    ) -> None:
        api.send_message(server.user, "Größe ☃", title="Title")
        assert server.messages[-1].params["message"] == "Größe ☃"

        api.send_message(server.user, "Fire", priority=2, retry=30, expire=600)
        assert_rings(server, "Fire")

        api.send_message(server.user, "Look", image=str(image))
        assert_has_image(server)

    def test_reads_with_a_get_that_has_a_form_body(self, api: Any, server: DevServer) -> None:
        receipt = api.send_message(server.user, "Fire", priority=2, retry=30, expire=600)["receipt"]

        assert api.get_sounds()["siren"] == "Siren"
        assert api.check_receipt(receipt)["acknowledged"] == 0
        assert {seen.method for seen in server.requests} == {"POST", "GET"}

    def test_knows_why_it_was_refused(self, api: Any) -> None:
        with pytest.raises(Exception, match="user identifier is not a valid user"):
            api.send_message(NOBODY, "Hello")


class TestNotifiers:
    @pytest.fixture
    def notify(self, server: DevServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
        package = pytest.importorskip("notifiers")
        monkeypatch.setattr("notifiers.providers.pushover.PushoverMixin.base_url", server.url)

        def notify(**fields: object) -> Any:
            given = {"user": server.user, "token": server.token, **fields}
            return package.get_notifier("pushover").notify(**given)

        return notify

    def test_sends_a_message_an_emergency_and_an_image(
        self, notify: Callable[..., Any], server: DevServer, image: Path
    ) -> None:
        assert notify(message="Größe ☃", title="Title").ok
        assert server.messages[-1].params["message"] == "Größe ☃"

        assert notify(message="Fire", priority=2, retry=30, expire=600).ok
        assert_rings(server, "Fire")

        assert notify(message="Look", attachment=str(image)).ok
        assert_has_image(server)

    def test_knows_why_it_was_refused(self, notify: Callable[..., Any]) -> None:
        answer = notify(message="Hello", user=NOBODY)

        assert not answer.ok
        assert "user identifier is not a valid user" in answer.errors[0]


def test_logbook_sends_its_records(
    tls_server: DevServer, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    logbook = pytest.importorskip("logbook")
    notifiers = pytest.importorskip("logbook.notifiers")

    def connect(_host: str) -> http.client.HTTPSConnection:
        context = certificate.client_context()
        return http.client.HTTPSConnection("127.0.0.1", tls_server.port, context=context)

    monkeypatch.setattr(notifiers, "http_client", SimpleNamespace(HTTPSConnection=connect))
    handler = notifiers.PushoverHandler(
        application_name="Shop", apikey=tls_server.token, userkey=tls_server.user, priority=1
    )

    # Logbook has neither emergencies nor images, declares no type, and reads no answer.
    with handler.applicationbound():
        logbook.Logger("shop").error("Größe")

    [message] = tls_server.wait_for(1)
    assert message.params["message"] == "Größe"
    assert (message.params["title"], message.params["priority"]) == ("Shop", "1")


NODE_SCRIPT = """
const fs = require("fs");
const Pushover = require("pushover-notifications");
const { token, user, port, ca, image } = JSON.parse(process.argv[1]);
const httpOptions = { host: "127.0.0.1", hostname: "127.0.0.1", port, ca: fs.readFileSync(ca) };
const pushover = new Pushover({ token, user, httpOptions });
const send = (fields) => new Promise((resolve, reject) =>
  pushover.send(fields, (error, answer) => (error ? reject(error) : resolve(answer))));
(async () => {
  await send({ message: "Größe ☃", title: "Title" });
  await send({ message: "Fire", priority: 2, retry: 30, expire: 600 });
  await send({ message: "Look", file: image });
})();
"""


def test_pushover_notifications_of_npm_sends_a_message_an_emergency_and_an_image(
    tls_server: DevServer, certificate: Certificate, image: Path
) -> None:
    node = shutil.which("node")
    folders = [Path(each) for each in os.environ.get("NODE_PATH", "").split(os.pathsep) if each]
    if node is None or not any((each / "pushover-notifications").is_dir() for each in folders):
        pytest.skip("needs node on the PATH, and pushover-notifications in a folder of NODE_PATH")
    given = {
        "token": tls_server.token,
        "user": tls_server.user,
        "port": tls_server.port,
        "ca": str(certificate.ca_file),
        "image": str(image),
    }

    run = subprocess.run(
        [node, "-e", NODE_SCRIPT, json.dumps(given)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (run.returncode, run.stderr) == (0, "")
    texts = [each.params["message"] for each in tls_server.messages]
    assert texts == ["Größe ☃", "Fire", "Look"]
    assert tls_server.messages[1].receipt
    assert_has_image(tls_server)


class Tunnel:
    """An HTTP proxy that leads every CONNECT to one port of this machine."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._listening]
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._target), timeout=60)
                self._open += [client, server]
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += client.recv(1)
                client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                for source, sink in ((client, server), (server, client)):
                    thread = threading.Thread(target=self._pump, args=(source, sink))
                    self._threads.append(thread)
                    thread.start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


ALERTMANAGER = """
route:
  receiver: normal
  group_by: [alertname]
  group_wait: 0s
  routes:
    - receiver: emergency
      matchers: [severity="critical"]
receivers:
  - name: normal
    pushover_configs: [{{priority: "0", {common}}}]
  - name: emergency
    pushover_configs: [{{priority: "2", retry: 30s, expire: 10m, {common}}}]
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.slow
def test_alertmanager_sends_a_message_and_an_emergency(
    certificate: Certificate, tmp_path: Path
) -> None:
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None:
        pytest.skip("prometheus-alertmanager is not on the PATH")
    server = DevServer(tls=certificate.pair, hosts=["api.pushover.net"]).start()
    tunnel = Tunnel(server.port)
    common = (
        f"user_key: {server.user}, token: {server.token}, title: Alert, message: "
        "'{{ .CommonLabels.alertname }} fires', http_config: {proxy_url: '%s', tls_config: "
        "{ca_file: '%s'}}" % (tunnel.url, certificate.ca_file)
    )
    config = tmp_path / "alertmanager.yml"
    config.write_text(ALERTMANAGER.format(common=common))
    port = free_port()
    command = [
        program,
        f"--config.file={config}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    alerts = [
        {"labels": {"alertname": "DiskFull", "severity": "warning"}},
        {"labels": {"alertname": "Fire", "severity": "critical"}},
    ]

    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            post_when_ready(f"http://127.0.0.1:{port}/api/v2/alerts", alerts, process)
            messages = server.wait_for(2, timeout=60)
        finally:
            process.kill()
            tunnel.close()
            server.stop()

    by_text = {each.params["message"]: each for each in messages}
    assert by_text.keys() == {"DiskFull fires", "Fire fires"}
    assert by_text["DiskFull fires"].receipt is None
    assert by_text["Fire fires"].receipt
    assert server.requests[0].query


def post_when_ready(url: str, body: object, process: subprocess.Popen[bytes]) -> None:
    """Post JSON as soon as the program answers; bounded by a minute."""
    until = time.monotonic() + 60
    while True:
        try:
            requests.post(url, json=body, timeout=10).raise_for_status()
        except requests.RequestException:
            assert process.poll() is None, "the program has ended"
            assert time.monotonic() < until, f"no answer from {url} within 60 s"
            time.sleep(0.05)
        else:
            return


class TestCurl:
    @pytest.fixture
    def curl(self, server: DevServer) -> Callable[..., Any]:
        program = shutil.which("curl")
        if program is None:
            pytest.skip("curl is not on the PATH")

        def curl(*options: str) -> Any:
            command = [program, "-s", "--noproxy", "*", *options, f"{server.url}messages.json"]
            run = subprocess.run(command, capture_output=True, timeout=60, check=True)
            return json.loads(run.stdout)

        return curl

    def test_sends_the_examples_of_the_documentation(
        self, curl: Callable[..., Any], server: DevServer, image: Path
    ) -> None:
        token, user = f"token={server.token}", f"user={server.user}"
        account = ("--form-string", token, "--form-string", user)

        assert curl(*account, "--form-string", "message=hello ☃")["status"] == 1
        assert server.messages[-1].params["message"] == "hello ☃"

        emergency = ("priority=2", "retry=30", "expire=600", "message=Fire")
        assert curl(*account, *(word for each in emergency for word in ("-F", each)))["receipt"]
        assert_rings(server, "Fire")

        assert curl(*account, "-F", "message=Look", "-F", f"attachment=@{image}")["status"] == 1
        assert_has_image(server)

    def test_sends_bare_utf8_in_a_form(self, curl: Callable[..., Any], server: DevServer) -> None:
        data = f"token={server.token}&user={server.user}&message=Größe ☃"

        assert curl("-d", data)["status"] == 1
        assert server.messages[-1].params["message"] == "Größe ☃"
