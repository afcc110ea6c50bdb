"""End-to-end encryption: the format, and that no text leaves in clear by mistake."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.client import Application
from pushover_logging.client.encryption import SEALED, Cipher
from pushover_logging.devserver import DevServer

KEY = "00" * 32
VECTOR = (
    "AQEBAQEBAQEBAQEBAQEBAU0FqlkYIHEPzHs0NklFY9QT8ZekMQAM/J6iku1rmOJcEcm1SgT5ASVxoQW5SUFLnyWhe0y1"
    "Tp7q0YmS2iTpk4k="
)


@pytest.fixture
def server() -> Iterator[DevServer]:
    with DevServer(port=0) as server:
        yield server


def test_published_vector_decrypts() -> None:
    assert Cipher(KEY).decrypt(VECTOR) == "secret"


def test_key_may_be_hex_digits_or_bytes() -> None:
    assert Cipher(bytes(32)).decrypt(VECTOR) == Cipher(KEY).decrypt(VECTOR)


@given(st.text(), st.binary(min_size=32, max_size=32))
def test_every_text_comes_back(text: str, key: bytes) -> None:
    sealed = Cipher(key).encrypt(text)

    assert Cipher(key.hex()).decrypt(sealed) == text
    assert len(base64.b64decode(sealed)) % 16 == 0


def test_no_two_sealed_texts_are_alike() -> None:
    cipher = Cipher(KEY)

    assert len({cipher.encrypt("same") for _ in range(10)}) == 10


@given(st.integers(0, 79), st.integers(1, 255))
def test_altered_text_is_refused(position: int, change: int) -> None:
    raw = bytearray(base64.b64decode(VECTOR))
    raw[position] ^= change

    with pytest.raises(ValueError, match="altered"):
        Cipher(KEY).decrypt(base64.b64encode(raw).decode())


@pytest.mark.parametrize("text", ["", "no base64!", "AAAA", VECTOR[:-8]])
def test_a_text_that_was_never_encrypted_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"altered|not base64"):
        Cipher(KEY).decrypt(text)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(ValueError, match="another key"):
        Cipher("11" * 32).decrypt(VECTOR)


@pytest.mark.parametrize("key", ["", "00", "zz" * 32, bytes(16), KEY + "0", None])
def test_wrong_key_is_refused_and_not_shown(key: object) -> None:
    with pytest.raises(ValueError, match="64 hex digits") as caught:
        Cipher(key)  # type: ignore[arg-type]

    assert not key or str(key) not in str(caught.value)


def test_message_is_readable_only_with_the_key(server: DevServer) -> None:
    user = Application(server.token, api_url=server.url).get_user(server.user)
    texts = {"message": "hi " * 300, "title": "T", "url": "https://a", "url_title": "A"}

    sent = user.send_message(**texts, sound="bike", encryption_key=KEY)  # type: ignore[arg-type]

    assert sent.is_sent, sent.error
    received = server.messages[0].params
    assert received["encrypted"] == "1"
    assert received["sound"] == "bike"
    assert {name: Cipher(KEY).decrypt(received[name]) for name in SEALED} == texts
    assert not any(text in received.values() for text in texts.values())
    assert KEY not in server.requests[0].body.decode()


def test_title_is_always_sent_sealed(server: DevServer) -> None:
    user = Application(server.token, api_url=server.url).get_user(server.user)

    user.send_message("hi", encryption_key=KEY)

    received = server.messages[0].params
    assert Cipher(KEY).decrypt(received["title"]) == ""
    assert "url" not in received


def test_params_do_not_slip_past_the_seal(server: DevServer) -> None:
    user = Application(server.token, api_url=server.url).get_user(server.user)

    user.send_message("hi", encryption_key=KEY, params={"title": "clear", "encrypted": 0})

    received = server.messages[0].params
    assert received["encrypted"] == "1"
    assert Cipher(KEY).decrypt(received["title"]) == "clear"


def test_without_the_library_a_key_is_an_error_and_nothing_is_sent() -> None:
    script = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from pushover_logging import Application\n"
        "user = Application('a' * 30).get_user('u' * 30)\n"
        "user.create_message('clear')\n"
        f"user.create_message('hi', encryption_key='{KEY}')\n"
    )

    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )

    assert run.returncode == 1
    assert "pip install 'pushover-logging[encryption]'" in run.stderr.splitlines()[-1]
    assert KEY not in run.stderr.splitlines()[-1]


def test_client_without_a_key_does_not_load_the_library() -> None:
    script = (
        "import sys, pushover_logging as p\n"
        "p.Application('a' * 30).get_user('u' * 30).create_message('hi')\n"
        "print('cryptography' in sys.modules)"
    )

    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True
    )

    assert run.stdout.strip() == "False"
