"""The reason of a failed connection is a plain sentence, without a secret in it."""

from __future__ import annotations

import datetime
import errno
import os
import re
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
from tls import Certificate, make_certificate

from pushover_logging.client import Transport, TransportError

from .raw_server import Behaviour, raw_server, sends

TOKEN = "azGDORePK8gMaC0QOYAMyEEuzJnyUi"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def failure(transport: Transport) -> TransportError:
    with pytest.raises(TransportError) as caught:
        transport.get("sounds.json", {"token": TOKEN})
    text = str(caught.value)
    assert TOKEN not in text
    assert "://" not in text
    assert not re.search(r"\w+(Error|Exception)\b", text)
    return caught.value


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path)


def context_of(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate.pair)
    return context


def test_refused_connection() -> None:
    port = free_port()

    error = failure(Transport(f"http://127.0.0.1:{port}/1/"))

    assert str(error) == f"cannot connect to 127.0.0.1:{port}: the connection was refused"
    assert not error.may_have_arrived


def test_name_that_is_not_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    error = failure(Transport())

    assert str(error) == "cannot connect to api.pushover.net: the name could not be resolved"
    assert not error.may_have_arrived


def test_certificate_of_an_unknown_authority(certificate: Certificate) -> None:
    with raw_server(sends(ANSWER), context_of(certificate)) as server:
        error = failure(Transport(f"https://localhost:{server.port}/1/"))

    assert str(error) == (
        f"no trusted connection to localhost:{server.port}: its certificate is not trusted: "
        "no authority that this machine knows has issued it"
    )
    assert not error.may_have_arrived


def test_certificate_for_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("example.org").configure_cert(context)

    with raw_server(sends(ANSWER), context) as server:
        error = failure(Transport(f"https://localhost:{server.port}/1/"))

    assert str(error).endswith("its certificate is for another name")


def test_expired_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    issued = authority.issue_cert("localhost", not_after=past)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)

    with raw_server(sends(ANSWER), context) as server:
        error = failure(Transport(f"https://localhost:{server.port}/1/"))

    assert str(error).endswith("its certificate has expired; or the clock of this machine is wrong")


def test_plain_http_where_tls_was_expected() -> None:
    with raw_server(sends(ANSWER), greeting=b"HTTP/1.0 400 Bad Request\r\n\r\n") as server:
        error = failure(Transport(f"https://127.0.0.1:{server.port}/1/"))

    assert str(error).endswith("the other end does not speak TLS")
    assert not error.may_have_arrived


@pytest.mark.parametrize(
    ("variable", "content", "reason"),
    [
        ("REQUESTS_CA_BUNDLE", None, "cannot be read: No such file or directory"),
        ("CURL_CA_BUNDLE", None, "cannot be read: No such file or directory"),
        ("SSL_CERT_FILE", None, "cannot be read: No such file or directory"),
        ("SSL_CERT_FILE", "no certificate", "cannot be used: the file holds no certificate"),
    ],
)
def test_certificates_that_cannot_be_used(
    tmp_path: Path,
    certificate: Certificate,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    content: str | None,
    reason: str,
) -> None:
    path = tmp_path / "company.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv(variable, str(path))
    with raw_server(sends(ANSWER), context_of(certificate)) as server:
        transport = Transport(f"https://localhost:{server.port}/1/")

        errors = [failure(transport) for _ in range(2)]

    sentence = f"the certificates {str(path)!r} that {variable} names {reason}"
    assert [str(error) for error in errors] == [sentence] * 2
    assert not any(error.may_have_arrived for error in errors)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_certificates_that_may_not_be_read(
    tmp_path: Path, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "company.pem"
    path.write_bytes(certificate.ca_file.read_bytes())
    path.chmod(0)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with raw_server(sends(ANSWER), context_of(certificate)) as server:
        error = failure(Transport(f"https://localhost:{server.port}/1/"))

    assert str(error).endswith("cannot be read: Permission denied")


def test_the_first_variable_that_names_certificates_counts(
    tmp_path: Path, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(certificate.ca_file))
    with raw_server(sends(ANSWER), context_of(certificate)) as server:
        transport = Transport(f"https://localhost:{server.port}/1/")

        assert transport.get("sounds.json", {}).body == b"{}"
        transport.close()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
            "it wants a user name and a password (HTTP 407)",
        ),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "it refused (HTTP 403)"),
    ],
)
def test_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch, answer: bytes, reason: str) -> None:
    with raw_server(sends(answer)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ada:secret@127.0.0.1:{proxy.port}")

        error = failure(Transport())

    assert str(error) == f"the proxy gave no connection to api.pushover.net: {reason}"
    assert not error.may_have_arrived


def test_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://ada:secret@127.0.0.1:{free_port()}")

    error = failure(Transport())

    assert str(error) == (
        "the proxy gave no connection to api.pushover.net: the connection was refused"
    )


@pytest.mark.parametrize("proxy", ["gopher://127.0.0.1:70", "http://:3128", "http://a b:1"])
def test_proxy_whose_address_is_not_valid(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)

    error = failure(Transport())

    assert str(error) == (
        "the proxy that the environment names cannot be used: its address is not valid"
    )


WITHOUT_PYSOCKS = """
import sys
sys.modules["socks"] = None
from pushover_logging.client import Transport, TransportError
try:
    Transport().get("sounds.json", {})
except TransportError as error:
    print(error)
"""


def test_socks_proxy_without_pysocks() -> None:
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_PYSOCKS],
        env={**os.environ, "HTTPS_PROXY": "socks5h://ada:secret@127.0.0.1:1080", "NO_PROXY": ""},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert run.stdout == (
        "the proxy that the environment names cannot be used: a SOCKS proxy needs the PySocks "
        "package; install it with: pip install PySocks\n"
    )


def test_socks_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("socks")
    monkeypatch.setenv("HTTPS_PROXY", f"socks5h://ada:secret@127.0.0.1:{free_port()}")

    error = failure(Transport())

    assert str(error) == "cannot connect to api.pushover.net: the connection was refused"


def test_tls_that_breaks_after_the_request_may_have_arrived(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_tls(connection: socket.socket, _: object) -> None:
        # Bytes that are no TLS record, past the encryption.
        os.write(connection.fileno(), b"no record of TLS at all")

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.ca_file))
    with raw_server(break_tls, context_of(certificate)) as server:
        error = failure(Transport(f"https://localhost:{server.port}/1/"))

    assert str(error).startswith(f"the connection to localhost:{server.port} broke: ")
    assert error.may_have_arrived


def test_a_process_without_free_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(socket, "socket", fail)

    error = failure(Transport("http://127.0.0.1:9/1/"))

    assert str(error) == "cannot connect to 127.0.0.1:9: Too many open files"


def closes(connection: socket.socket, _: object) -> None:
    connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (closes, "it was closed before an answer came"),
        (sends(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "the answer is not HTTP"),
    ],
)
def test_answer_that_does_not_come(behaviour: Behaviour, reason: str) -> None:
    with raw_server(behaviour) as server:
        error = failure(Transport(server.api_url))

    assert str(error) == f"the connection to 127.0.0.1:{server.port} broke: {reason}"
    assert error.may_have_arrived
