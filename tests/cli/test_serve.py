"""``pushover-logging serve``: prints what an application needs to find it, and ends by Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tls import make_certificate

from pushover_logging.cli import main

DEADLINE = 15.0


@contextmanager
def serving(*words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "pushover_logging", "serve", "--port", "0", *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def exports(process: subprocess.Popen[str]) -> dict[str, str]:
    """The variables it prints, as a shell would set them."""
    found: dict[str, str] = {}
    for line in process.stdout or ():
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").strip().partition("=")
            found[name] = value
        if line.startswith("Inbox"):
            break
    return found


def test_what_it_prints_leads_an_application_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as process:
        for name, value in exports(process).items():
            monkeypatch.setenv(name, value)

        assert main(["send", "hello"]) == 0


def test_keys_that_were_given_are_the_valid_ones_and_stay_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token, user = "t" * 30, "u" * 30
    monkeypatch.setenv("SERVER_TOKEN", token)

    with serving("--token", "env:SERVER_TOKEN", "--user", user) as process:
        printed = exports(process)
        url = printed["PUSHOVER_API_URL"]
        code = main(["send", "hello", "--token", token, "--user", user, "--api-url", url])

    assert code == 0
    assert printed["PUSHOVER_TOKEN"] == printed["PUSHOVER_USER"] == "..."


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT, which only POSIX systems deliver")
def test_interrupt_is_its_regular_end() -> None:
    with serving() as process:
        exports(process)

        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=DEADLINE)

    assert process.returncode == 0
    assert complaints == ""


def test_port_that_is_taken_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as process:
        port = exports(process)["PUSHOVER_API_URL"].split(":")[2].split("/")[0]

        code = main(["serve", "--port", port])

    complaint = capsys.readouterr().err
    assert code == 2
    assert port in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--port", "70000"], "port is 70000; it must be from 0 to 65535"),
        (["--port", "-1"], "port is -1; it must be from 0 to 65535"),
        (["--host", "0.0.0.0"], "host is '0.0.0.0'; the dev server binds to loopback only"),
        (["--host-name", "a:443"], "host name is 'a:443'; it must be a name"),
        (["--tls-cert", "a.pem"], "--tls-cert and --tls-key must be given together"),
        (
            ["--tls-cert", "/no/a.pem", "--tls-key", "/no/a.key"],
            "cannot use the certificate /no/a.pem with the key /no/a.key",
        ),
        (["--db", "/no/folder/inbox.db"], "cannot keep the inbox in /no/folder/inbox.db"),
    ],
)
def test_a_wrong_option_is_one_line(
    capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    code = main(["serve", "--port", "0", *options])

    complaint = capsys.readouterr().err
    assert code == 2
    assert sentence in complaint
    assert complaint.count("\n") == 1


def test_a_client_with_a_fixed_https_address_can_be_pointed_at_it(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    name = "api.pushover.net"
    tls = ("--tls-cert", str(certificate.cert_file), "--tls-key", str(certificate.key_file))

    with serving("--host-name", name, *tls) as process:
        printed = exports(process)
        port = int(printed["PUSHOVER_API_URL"].split(":")[2].split("/")[0])
        plain = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        with certificate.client_context().wrap_socket(plain, server_hostname=name) as connection:
            query = f"token={printed['PUSHOVER_TOKEN']}"
            head = (
                f"GET /1/sounds.json?{query} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
            )
            connection.sendall(head.encode())
            answer = connection.recv(100)

    assert printed["PUSHOVER_API_URL"].startswith("https://127.0.0.1:")
    assert answer.startswith(b"HTTP/1.1 200")
