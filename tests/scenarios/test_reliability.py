"""Processes without resources, hostile networks, threads at exit: the alert still arrives."""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from black_hole import EXAMPLE_TOKEN, EXAMPLE_USER
from client.raw_server import RawServer, drips, raw_server
from harness import BUSY, Scenario, each_once, mark, quickest
from tls import make_certificate

TAKEN = json.dumps({"status": 1, "request": "5042853c"}).encode()
HTML = b"<html><body>Not Pushover</body></html>"
ONE_RECORD = """
import logging, stage
phone = stage.attach("shop")
logging.getLogger("shop").error(stage.mark(0))
stage.note(settled=stage.until(lambda: phone.stats().pending == 0, 20))
stage.accounts(phone)
"""
WAITS_FOR_A_FAILURE = """
import logging, stage, sys
sys.modules["socks"] = None  # as if PySocks were not installed
heard = []
phone = stage.attach("shop", exit_timeout=0, on_error=heard.append, retry_policy=None)
logging.getLogger("shop").error(stage.mark(0))
stage.until(lambda: heard, 30)
"""
BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
NO_NETWORK = dict.fromkeys((*BUNDLES, "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"), "")


def answer(status: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def in_turn(*answers: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Gives each request the next answer, and the last one to all that follow."""
    left = list(answers)

    def behave(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(left.pop(0) if len(left) > 1 else left[0])

    return behave


class Foreign:
    """Makes a RawServer look to a Scenario like a server."""

    def __init__(self, raw: RawServer, url: str | None = None) -> None:
        self.raw, self.url = raw, url or raw.api_url
        self.token, self.user = EXAMPLE_TOKEN, EXAMPLE_USER
        self.messages: list[object] = []
        self.requests: list[object] = []
        self.max_connections = self.max_in_flight = 0


# The worker.


@pytest.mark.scenario("issue 10: no descriptors")
@pytest.mark.skipif(sys.platform == "win32", reason="has no resource limits")
def test_the_first_record_of_a_process_without_descriptors_arrives_when_some_are_free(
    scenario: Scenario,
) -> None:
    program = """
import io, logging, os, resource, stage, sys, time
phone = stage.attach("shop")
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
sys.stderr = said = io.StringIO()
taken = []
try:
    while True:
        taken.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
logging.getLogger("shop").error(stage.mark(0))
failed = stage.until(lambda: "Too many open files" in said.getvalue())
for descriptor in taken:
    os.close(descriptor)
freed = time.monotonic()
arrived = stage.until(lambda: phone.stats().delivered == 1)
stage.note(failed=failed, arrived=arrived, seconds=time.monotonic() - freed)
"""

    outcome = quickest(lambda: scenario.run(program), 5.0, lambda run: run.notes["seconds"])

    assert outcome.notes["failed"]
    assert outcome.marks == each_once(1)
    assert outcome.notes["seconds"] < 5.0


@pytest.mark.scenario("U7")
@pytest.mark.parametrize("error", ["SystemExit", "MemoryError", "KeyboardInterrupt"])
def test_a_callback_that_raises_anything_costs_no_alert(
    scenario: Scenario, server: Any, error: str
) -> None:
    program = f"""
import logging, stage
def fail(error):
    raise {error}
phone = stage.attach("shop", on_error=fail)
logging.getLogger("shop").error(stage.mark(0))
stage.note(settled=stage.until(lambda: phone.stats().pending == 0))
logging.getLogger("shop").error(stage.mark(1))
"""
    server.fault("status", count=2, status=502)

    outcome = scenario.run(program)

    assert outcome.marks == each_once(2)
    assert f"on_error failed: {error}" in outcome.stderr


@pytest.mark.scenario("issue 10: exit")
def test_threads_that_log_at_exit_cost_no_record_of_the_main_thread(
    scenario: Scenario, server: Any
) -> None:
    program = """
import atexit, logging, stage, threading
phone = stage.attach("shop", exit_timeout=20)
log = logging.getLogger("shop")
exiting = threading.Event()

def chatter():
    exiting.wait()
    for number in range(8, 40):
        log.error(stage.mark(number))
        threading.Event().wait(0.01)

threading.Thread(target=chatter, daemon=True).start()
for number in range(8):
    log.error(stage.mark(number))
atexit.register(exiting.set)
"""
    server.fault("delay", count=10, seconds=0.1)

    outcome = scenario.run(program, deadline=60)

    assert all(outcome.marks[mark(number)] == 1 for number in range(8))


@pytest.mark.scenario("U10")
def test_at_exit_alerts_go_before_a_cancel_that_hangs_and_the_deadline_holds(
    scenario: Scenario, server: Any
) -> None:
    program = """
import logging, stage
priorities = {"ERROR": "NORMAL", "CRITICAL": "EMERGENCY"}
phone = stage.attach("shop", exit_timeout=2, priorities=priorities)
log = logging.getLogger("shop")
log.critical("the shop is down", extra={"pushover": {"key": "shop"}})
stage.note(rang=stage.until(lambda: phone.stats().delivered == 1))
log.error("it is over", extra={"pushover": {"resolve": "shop"}})
for number in range(3):
    log.error(stage.mark(number))
stage.main_ends()
"""
    server.fault("hang", count=None, path="receipts/")

    outcome = quickest(lambda: scenario.run(program), 2.0 + BUSY)

    assert outcome.notes["rang"]
    assert outcome.marks == each_once(3)
    assert outcome.ending < 2.0 + BUSY


@pytest.mark.slow
@pytest.mark.scenario("U10")
@pytest.mark.parametrize("call", ["cancel", "receipt"])
def test_alerts_that_come_at_exit_while_another_call_hangs_arrive(
    scenario: Scenario, server: Any, call: str
) -> None:
    program = """
import logging, stage
from pushover_logging.delivery import incidents
incidents._POLL_INTERVAL = 0.1
phone = stage.attach(
    "shop",
    exit_timeout=8,
    on_acknowledged=print,
    priorities={"ERROR": "NORMAL", "CRITICAL": "EMERGENCY"},
)
log = logging.getLogger("shop")
log.critical("the shop is down", extra={"pushover": {"key": "shop"}})
stage.until(lambda: phone.stats().delivered == 1)
CALL
stage.note(hangs=stage.until(lambda: stage.requests_begun() == 2))
for number in range(3):
    log.error(stage.mark(number))
stage.main_ends()
"""
    resolve = 'log.error("it is over", extra={"pushover": {"resolve": "shop"}})'
    server.fault("hang", count=None, path="receipts/")

    outcome = scenario.run(program.replace("CALL", resolve if call == "cancel" else ""))

    assert outcome.notes["hangs"]
    assert outcome.marks == each_once(3)
    assert outcome.ending < 8.0 + BUSY


@pytest.mark.scenario("U10")
def test_resolving_what_never_rang_asks_the_service_nothing(
    scenario: Scenario, server: Any
) -> None:
    program = """
import logging, stage
phone = stage.attach("shop", priorities={"ERROR": "NORMAL"})
log = logging.getLogger("shop")
for number in range(300):
    log.error("it is over", extra={"pushover": {"resolve": f"job {number}"}})
log.error(stage.mark(0))
for number in range(300):
    log.error("it is over", extra={"pushover": {"resolve": f"job {number}"}})
"""

    outcome = scenario.run(program)

    assert outcome.marks == each_once(1)
    assert len(outcome.requests) == 1


@pytest.mark.scenario("U11")
@pytest.mark.parametrize("kind", ["mute", "dripping"])
def test_a_slow_server_of_another_handler_holds_an_alert_back_by_one_limit_at_most(
    scenario: Scenario, kind: str
) -> None:
    program = """
import logging, os, stage, time
slow = stage.attach("slow", api_url=os.environ["SLOW"], timeout=(1, 1), exit_timeout=0.5)
phone = stage.attach("shop")
longest = 0
for number in range(4):
    logging.getLogger("slow").error("to nobody %s", "abcd"[number])
    began = time.monotonic()
    logging.getLogger("shop").error(stage.mark(number))
    stage.until(lambda: phone.stats().delivered == number + 1, 30)
    longest = max(longest, time.monotonic() - began)
stage.note(longest=longest)
"""
    behave = drips(b"x" * 1000, 0.2, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    with raw_server(behave if kind == "dripping" else lambda _, over: over.wait(60)) as slow:
        env = {"SLOW": slow.api_url}

        outcome = quickest(
            lambda: scenario.run(program, env=env, deadline=60),
            3.0,
            lambda run: run.notes["longest"],
        )

    assert outcome.marks == each_once(4)
    assert outcome.notes["longest"] < 3.0  # a limit of 2 s, and the push itself


# The service and what stands before it.


@pytest.mark.scenario("U8")
@pytest.mark.parametrize(
    "status",
    [
        b"403 Forbidden",
        b"407 Proxy Authentication Required",
        b"413 Payload Too Large",
        b"425 Too Early",
        b"429 Too Many Requests",
    ],
)
def test_a_4xx_of_somebody_else_is_tried_again(tmp_path: Path, status: bytes) -> None:
    foreign, taken = answer(status, HTML), answer(b"200 OK", TAKEN)
    with raw_server(in_turn(foreign, foreign, taken)) as raw:
        outcome = Scenario(tmp_path, Foreign(raw)).run(ONE_RECORD)

    assert outcome.notes["delivered"] == 1
    assert len(raw.requests) == 3
    (line,) = outcome.complaints
    assert f"HTTP {status[:3].decode()} did not come from Pushover" in line


@pytest.mark.scenario("issue 10: 1xx")
@pytest.mark.parametrize("interim", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
def test_an_interim_answer_causes_no_second_push(tmp_path: Path, interim: bytes) -> None:
    early = b"HTTP/1.1 %s\r\nLink: </style.css>\r\n\r\n" % interim
    with raw_server(in_turn(early * 3 + answer(b"200 OK", TAKEN))) as raw:
        outcome = Scenario(tmp_path, Foreign(raw)).run(ONE_RECORD)

    assert outcome.notes["delivered"] == 1
    assert len(raw.requests) == 1
    assert outcome.stderr == ""


REASONS = {
    "refused": ({"PUSHOVER_API_URL": "http://127.0.0.1:9/1/"}, "the connection was refused"),
    "socks": ({"HTTPS_PROXY": "socks5h://127.0.0.1:9"}, "needs the PySocks package"),
    "bundle": ({"SSL_CERT_FILE": "/no/such/file.pem"}, "cannot be read: No such file"),
    "proxy": ({"HTTPS_PROXY": "http://127.0.0.1:9"}, "the proxy gave no connection"),
}


@pytest.mark.scenario("U8")
@pytest.mark.parametrize(("env", "words"), REASONS.values(), ids=REASONS)
def test_stderr_says_in_our_words_why_a_connection_failed(
    tmp_path: Path, env: dict[str, str], words: str
) -> None:
    with raw_server(in_turn(HTML)) as raw:
        server = Foreign(raw, "https://pushover.example/1/")
        outcome = Scenario(tmp_path, server).run(
            WAITS_FOR_A_FAILURE, env={**NO_NETWORK, **env}, deadline=60
        )

    assert words in outcome.complaints[0]
    assert "Error" not in outcome.stderr
    assert "0x" not in outcome.stderr


@pytest.mark.scenario("U8")
def test_stderr_says_that_a_proxy_wants_a_password(tmp_path: Path) -> None:
    with raw_server(in_turn(answer(b"407 Proxy Authentication Required", HTML))) as raw:
        env = {**NO_NETWORK, "HTTPS_PROXY": f"http://ann:hunter2@127.0.0.1:{raw.port}"}
        server = Foreign(raw, "https://pushover.example/1/")
        outcome = Scenario(tmp_path, server).run(WAITS_FOR_A_FAILURE, env=env, deadline=60)

    assert "it wants a user name and a password (HTTP 407)" in outcome.complaints[0]
    assert "hunter2" not in outcome.stderr


@pytest.mark.scenario("U8")
@pytest.mark.parametrize("variable", BUNDLES)
def test_the_environment_names_the_certificates_to_trust(tmp_path: Path, variable: str) -> None:
    certificate = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate.pair)
    with raw_server(in_turn(answer(b"200 OK", TAKEN)), context) as raw:
        server = Foreign(raw, f"https://127.0.0.1:{raw.port}/1/")
        outcome = Scenario(tmp_path, server).run(
            ONE_RECORD, env={**NO_NETWORK, variable: str(certificate.ca_file)}
        )

    assert outcome.notes["delivered"] == 1
    assert outcome.stderr == ""


@pytest.mark.scenario("U14")
def test_one_refused_user_of_several_is_named_by_number_and_the_others_get_everything(
    scenario: Scenario, server: Any
) -> None:
    program = """
import logging, os, stage
users = [os.environ["PUSHOVER_USER"], os.environ["REFUSED"], os.environ["OTHER"]]
phone = stage.attach("shop", user=users)
for number in range(5):
    logging.getLogger("shop").error(stage.mark(number))
    phone.flush(20)
"""
    refused, other = "u" + "R8f" * 9 + "Xq", server.add_user()

    outcome = scenario.run(program, env={"REFUSED": refused, "OTHER": other})

    assert outcome.marks == each_once(5)
    assert {message.params["user"] for message in outcome.messages} == {f"{server.user},{other}"}
    (line,) = outcome.complaints
    assert "user key 2 of 3 gets no alerts" in line
    assert refused not in outcome.stderr


@pytest.mark.scenario("issue 10: created")
@pytest.mark.parametrize("created", ["-1.0", "1e300", "float('nan')", "float('-inf')"])
def test_a_record_of_an_impossible_time_arrives(scenario: Scenario, created: str) -> None:
    program = f"""
import logging, stage
phone = stage.attach("shop")
record = logging.makeLogRecord({{"msg": stage.mark(0), "levelno": 40, "levelname": "ERROR"}})
record.created = {created}
phone.handle(record)
"""

    outcome = scenario.run(program)

    assert outcome.marks == each_once(1)
    assert outcome.stderr == ""


# Secrets.


@pytest.mark.scenario("K1")
def test_the_handlers_own_token_and_keys_are_blanked_wherever_they_are_logged(
    scenario: Scenario, server: Any
) -> None:
    program = """
import logging, os, stage
token, user = os.environ["PUSHOVER_TOKEN"], os.environ["PUSHOVER_USER"]
phone = stage.attach("shop", title="{levelname} {what}", url="https://example.org/?q={what}")
log = logging.getLogger("shop")
log.error("%s posts as %s to %s", stage.mark(0), token, user, extra={"what": token})
try:
    raise RuntimeError(f"cannot reach {user}")
except RuntimeError:
    log.exception(stage.mark(1), extra={"what": user[:-1] + user[-1]})
"""

    outcome = scenario.run(program)

    assert outcome.marks == each_once(2)
    for message in outcome.messages:
        shown = {
            name: text for name, text in message.params.items() if name not in ("token", "user")
        }
        assert server.token not in str(shown)
        assert server.user not in str(shown)
    assert outcome.text(mark(0)).endswith("posts as *** to ***")


@pytest.mark.scenario("issue 10: bounds")
def test_a_megabyte_in_a_link_meets_the_users_pattern_cut(scenario: Scenario) -> None:
    program = """
import logging, stage
phone = stage.attach("shop", url="https://example.org/?q={body}", redact=[r"(a+)+$"])
logging.getLogger("shop").error(stage.mark(0), extra={"body": "x" * 1_000_000})
stage.note(settled=stage.until(lambda: phone.stats().pending == 0))
stage.main_ends()
"""

    outcome = scenario.run(program)

    assert outcome.notes["settled"]
    assert outcome.marks == each_once(1)
