"""Tokens are sent only to an https address, or to an address on this machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.client.address import resolve_api_url
from pushover_logging.client.constants import API_URL


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUSHOVER_API_URL", raising=False)


def test_the_address_is_that_of_the_service_unless_another_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert resolve_api_url() == API_URL

    monkeypatch.setenv("PUSHOVER_API_URL", "http://127.0.0.1:8765/1")
    assert resolve_api_url() == "http://127.0.0.1:8765/1/"
    assert resolve_api_url("https://example.com/1/") == "https://example.com/1/"

    monkeypatch.setenv("PUSHOVER_API_URL", "")
    assert resolve_api_url() == API_URL


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.10:80", "[::1]:8765", "localhost:1", "LOCALHOST"]
)
def test_plain_http_may_stay_on_this_machine(host: str) -> None:
    assert resolve_api_url(f"http://{host}/1/") == f"http://{host}/1/"


@pytest.mark.parametrize(
    "host", ["example.com", "10.0.0.1", "0.0.0.0", "localhost.example.com", "127.0.0.1.nip.io"]
)
def test_plain_http_to_another_machine_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match=rf"^api_url is plain http to {host}; expected https"):
        resolve_api_url(f"http://{host}/1/")


@pytest.mark.parametrize(
    "url",
    [
        "api.pushover.net",
        "",
        "ftp://127.0.0.1/",
        "https://",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1 .example.com/",
        "http://127.0.0.1\\@example.com/",
    ],
)
def test_a_text_that_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"^api_url is no address; expected one such as https://"):
        resolve_api_url(url)


@pytest.mark.parametrize("rest", ["me:hunter2@127.0.0.1/", "127.0.0.1/?token=hunter2", "[::1]/#x"])
def test_an_address_with_more_than_a_path_is_refused_and_not_printed(rest: str) -> None:
    with pytest.raises(ValueError, match=r"^api_url holds a query, fragment or password") as caught:
        resolve_api_url(f"http://{rest}")

    assert "hunter2" not in str(caught.value)


def test_the_error_for_a_wrong_address_names_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSHOVER_API_URL", "http://example.com")

    with pytest.raises(
        ValueError, match=r"^api_url from the environment variable PUSHOVER_API_URL"
    ):
        resolve_api_url()
    with pytest.raises(TypeError, match=r"^api_url is of type int; expected a string$"):
        resolve_api_url(1)


@given(st.text())
def test_no_text_breaks_the_reading_of_addresses(text: str) -> None:
    complaint = url = ""

    try:
        url = resolve_api_url(text)
    except ValueError as error:
        complaint = str(error)

    assert url.endswith("/") or complaint.startswith("api_url ")
