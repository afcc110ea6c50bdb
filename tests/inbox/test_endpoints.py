"""What the inbox page is made of, asked for without a browser."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from pushover_logging.devserver import DevServer

from .browser_page import picture, ring, send

FILES = ["", "inbox/inbox.css", "inbox/main.js", "inbox/words.js", "inbox/icon.svg"]


def get(server: DevServer, path: str, **options: Any) -> requests.Response:
    return requests.get(f"{server.base_url}/{path}", timeout=10, **options)


def newest(server: DevServer) -> dict[str, Any]:
    return dict(get(server, "inbox/pushes").json()[0])


@contextmanager
def events(server: DevServer) -> Iterator[Iterator[tuple[str, Any]]]:
    """The stream as pairs of name and data."""
    with requests.get(f"{server.base_url}/inbox/events", stream=True, timeout=10) as answer:
        yield read(answer)


def read(answer: requests.Response) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


@pytest.mark.parametrize("path", [*FILES, "inbox/pushes"])
def test_everything_is_sent_with_a_strict_policy(server: DevServer, path: str) -> None:
    answer = get(server, path)

    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert answer.status_code == 200
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'"} <= set(policy)
    assert {"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} <= set(policy)
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_page_asks_for_nothing_from_elsewhere_and_holds_nothing_inline(
    server: DevServer,
) -> None:
    page = get(server, "").text

    assert "style=" not in page
    assert "<style" not in page
    assert " on" + "click" not in page
    assert page.count("<script") == page.count('<script type="module" src="/inbox/')
    assert "https://" not in page
    assert "http://" not in page


@pytest.mark.parametrize("name", ["__init__.py", "..%2fserver.py", "%2e%2e/server.py", "no.js"])
def test_no_other_file_is_given_away(server: DevServer, name: str) -> None:
    answer = get(server, f"inbox/{name}")

    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["", "inbox/pushes", "inbox/events", "inbox/main.js"])
def test_another_sites_name_is_refused(server: DevServer, path: str) -> None:
    answer = get(server, path, headers={"Host": "evil.example"})

    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["dev/state", "dev/requests", "inbox/pushes", "inbox/events"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_pages_may_not_even_read(server: DevServer, path: str, site: str) -> None:
    answer = get(server, path, headers={"Sec-Fetch-Site": site})

    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost:1"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "dev/reset"),
        ("POST", "dev/faults"),
        ("DELETE", "dev/faults"),
        ("POST", "dev/quota"),
        ("POST", "dev/acknowledge/x"),
        ("POST", "inbox/text"),
    ],
)
def test_pages_of_other_origins_change_nothing(
    server: DevServer, method: str, path: str, headers: dict[str, str]
) -> None:
    send(server)

    answer = requests.request(method, f"{server.base_url}/{path}", headers=headers, timeout=10)

    assert answer.status_code == 403
    assert len(server.messages) == 1


def test_the_page_itself_may_use_the_controls(server: DevServer) -> None:
    own = {"Origin": server.base_url, "Sec-Fetch-Site": "same-origin"}

    answer = requests.post(f"{server.base_url}/dev/reset", headers=own, timeout=10)

    assert answer.status_code == 200


def test_a_link_from_elsewhere_opens_the_page(server: DevServer) -> None:
    answer = get(server, "", headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 200


def test_a_push_is_told_as_a_phone_shows_it(server: DevServer) -> None:
    send(server, "moo", sound="tugboat", url="https://e.org", url_title="E", priority=1, ttl=60)

    push = newest(server)

    assert push["title"] == "Shop"
    assert push["text"] == [{"text": "moo"}]
    assert (push["sound"], push["url"], push["url_title"]) == ("Tug Boat", "https://e.org", "E")
    assert (push["priority"], push["ttl"], push["devices"]) == (1, 60, ["phone"])


def test_a_timestamp_is_the_time_that_is_shown(server: DevServer) -> None:
    send(server, timestamp=1_700_000_000)

    assert newest(server)["shown_at"] == 1_700_000_000


def test_neither_token_nor_user_key_reaches_the_page(server: DevServer) -> None:
    server.acknowledge(ring(server, callback="http://127.0.0.1:9/"))
    send(server, "<b>x</b>", html=1)

    with events(server) as stream:
        hello = json.dumps(next(stream))
    told = get(server, "inbox/pushes").text + get(server, "").text + hello

    assert server.token not in told
    assert server.user not in told


@pytest.mark.parametrize(
    ("html", "runs"),
    [
        ("<b>a</b>c", [{"text": "a", "bold": True}, {"text": "c"}]),
        ("<i><u>a</u></i>", [{"text": "a", "italic": True, "underline": True}]),
        ("<font color='red'>a</font>", [{"text": "a", "color": "red"}]),
        ("<a href='https://e.org'>a</a>", [{"text": "a", "href": "https://e.org"}]),
        ("a &lt;b&gt; &amp; c", [{"text": "a <b> & c"}]),
        ("<script>alert(1)</script>a", [{"text": "a"}]),
        ("<style>*{}</style>a", [{"text": "a"}]),
        ("<img src=x onerror=alert(1)>a", [{"text": "a"}]),
        ("<b onmouseover=alert(1)>a</b>", [{"text": "a", "bold": True}]),
        ("<a href='javascript:alert(1)'>a</a>", [{"text": "a"}]),
        ("<a href='JaVa\tscript:alert(1)'>a</a>", [{"text": "a"}]),
        ("<a href='data:text/html,x'>a</a>", [{"text": "a"}]),
        ("<font color='red' size=9 style='x'>a</font>", [{"text": "a", "color": "red"}]),
        ("<iframe src='//e.org'>x</iframe><h1>a</h1>", [{"text": "x"}, {"text": "a"}]),
    ],
)
def test_html_is_told_as_clean_pieces_of_text(
    server: DevServer, html: str, runs: list[dict[str, object]]
) -> None:
    send(server, html, html=1)

    text = newest(server)["text"]

    assert "".join(run["text"] for run in text) == "".join(str(run["text"]) for run in runs)
    assert [run for run in text if len(run) > 1] == [run for run in runs if len(run) > 1]


def test_html_is_text_where_it_was_not_asked_for(server: DevServer) -> None:
    send(server, "<b>a</b>")

    assert newest(server)["text"] == [{"text": "<b>a</b>"}]


def test_what_the_page_decrypted_is_cleaned_and_not_kept(server: DevServer) -> None:
    html = "<b>a</b><script>x</script>"

    answer = requests.post(f"{server.base_url}/inbox/text", data=html, timeout=10)

    assert answer.json() == [{"text": "a", "bold": True}]
    assert server.messages == []
    assert server.requests == []


def test_an_image_is_served_as_what_it_is(server: DevServer) -> None:
    send(server, files={"attachment": ("a.png", picture(), "image/png")})

    image = newest(server)["image"]
    answer = get(server, image["address"].lstrip("/"))

    assert answer.content == picture()
    assert answer.headers["Content-Type"] == "image/png"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_picture_that_may_hold_a_script_is_only_named(server: DevServer) -> None:
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    send(server, files={"attachment": ("a.svg", svg, "image/svg+xml")})

    image = newest(server)["image"]

    assert (image["name"], image["address"]) == ("a.svg", None)
    assert get(server, "inbox/images/1").status_code == 404


def test_pages_go_back_to_the_first_push(server: DevServer) -> None:
    for number in range(3):
        send(server, str(number))

    older = get(server, "inbox/pushes?before=3").json()

    assert [push["number"] for push in older] == [2, 1]
    assert get(server, "inbox/pushes?before=1").json() == []
    assert get(server, "inbox/pushes?before=x").status_code == 400


def test_the_stream_tells_of_pushes_as_they_arrive(server: DevServer) -> None:
    send(server, "before")

    with events(server) as stream:
        hello = next(stream)
        send(server, "after")
        name, pushes = next(stream)

    assert (hello[0], hello[1]["newest"]) == ("hello", 1)
    assert (name, [push["number"] for push in pushes]) == ("pushes", [2])


def test_the_stream_tells_what_becomes_of_an_emergency(server: DevServer) -> None:
    receipt = ring(server)

    with events(server) as stream:
        next(stream)
        server.acknowledge(receipt)
        name, changed = next(stream)

    assert name == "emergencies"
    assert changed[0]["number"] == 1
    assert changed[0]["emergency"]["acknowledged_by_device"] == "phone"


def test_the_stream_tells_of_cancelling_quota_and_faults(server: DevServer) -> None:
    receipt = ring(server)
    cancel = f"{server.url}receipts/{receipt}/cancel.json"

    with events(server) as stream:
        next(stream)
        requests.post(cancel, data={"token": server.token}, timeout=10)
        canceled = next(stream)
        server.set_quota(remaining=7)
        quota = next(stream)
        server.fault("hang")
        faults = next(stream)

    assert canceled[1][0]["emergency"]["canceled"] is True
    assert quota[1]["quota"]["remaining"] == 7
    assert [each["kind"] for each in faults[1]["faults"]] == ["hang"]


def test_the_stream_starts_over_after_a_reset(server: DevServer) -> None:
    send(server)

    with events(server) as stream:
        next(stream)
        server.reset()
        name, told = next(stream)

    assert (name, told["newest"]) == ("hello", 0)


def test_an_open_stream_keeps_no_server_from_its_end() -> None:
    with DevServer() as server:
        answer = requests.get(f"{server.base_url}/inbox/events", stream=True, timeout=10)
        next(read(answer))
        started = time.monotonic()

    assert time.monotonic() - started < 5
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{server.port}/", timeout=10)
    answer.close()
