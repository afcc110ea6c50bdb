"""The controls over HTTP, for tests in other processes and other languages."""

from __future__ import annotations

import json

import pytest

from pushover_logging.devserver import DevServer

from .conftest import Client


def test_messages_are_listed(server: DevServer, client: Client) -> None:
    client.send("one", title="T")
    client.send("two", priority=2, retry=30, expire=60)

    one, two = client.control("GET", "messages").json()

    assert one["number"] == 1
    assert one["params"] == {"user": server.user, "message": "one", "title": "T"}
    assert (one["receipt"], len(two["receipt"])) == (None, 30)
    assert two["recipients"] == {server.user: ["phone"]}


def test_an_image_is_listed_by_its_size(server: DevServer, client: Client) -> None:
    fields = {"token": server.token, "user": server.user, "message": "cat"}
    files = {"attachment": ("c.png", b"\x89png", "image/png")}
    client.session.post(f"{server.url}messages.json", data=fields, files=files, timeout=10)

    listed = client.control("GET", "messages").json()

    assert listed[0]["attachment"] == {"name": "c.png", "type": "image/png", "size": 4}


def test_requests_are_listed_refused_ones_too(client: Client) -> None:
    client.send("")

    listed = client.control("GET", "requests").json()

    assert [(each["path"], each["status"]) for each in listed] == [("/1/messages.json", 400)]
    assert listed[0]["body"].endswith("message=")


def test_the_state_is_told_in_figures(client: Client) -> None:
    receipt = client.send(priority=2, retry=30, expire=60).json()["receipt"]

    state = client.control("GET", "state").json()

    assert (state["messages"], state["requests"], state["impolite"]) == (1, 1, 0)
    assert state["quota"]["remaining"] == 9_999
    assert state["emergencies"][receipt]["ringing"] is True


def test_faults_are_made_and_cleared(client: Client) -> None:
    made = client.control("POST", "faults", {"kind": "status", "status": 500, "count": None})
    broken = client.send().status_code
    cleared = client.control("DELETE", "faults")

    assert made.json()["faults"] == [{"kind": "status", "count": None, "path": None}]
    assert broken == 500
    assert cleared.json()["faults"] == []
    assert client.send().status_code == 200


def test_an_emergency_is_acknowledged(client: Client) -> None:
    receipt = client.send(priority=2, retry=30, expire=60).json()["receipt"]

    client.control("POST", f"acknowledge/{receipt}", {"device": "watch"})

    body = client.get(f"receipts/{receipt}.json").json()
    assert (body["acknowledged"], body["acknowledged_by_device"]) == (1, "watch")
    assert body["acknowledged_by"] == client.server.user


def test_an_emergency_expires_on_request(client: Client) -> None:
    receipt = client.send(priority=2, retry=30, expire=60).json()["receipt"]

    client.control("POST", f"expire/{receipt}")

    body = client.get(f"receipts/{receipt}.json").json()
    assert (body["acknowledged"], body["expired"]) == (0, 1)


def test_the_quota_is_set(client: Client) -> None:
    client.control("POST", "quota", {"remaining": 0, "headers": "missing"})

    answer = client.send()

    assert answer.status_code == 429
    assert "X-Limit-App-Limit" not in answer.headers


def test_reset_forgets_all(server: DevServer, client: Client) -> None:
    client.send()

    state = client.control("POST", "reset").json()

    assert (state["messages"], state["requests"]) == (0, 0)
    assert server.messages == []


@pytest.mark.parametrize(
    ("path", "options", "sentence"),
    [
        ("faults", {"kind": "explode"}, "kind is 'explode'"),
        ("faults", {"kind": "hang", "sauce": 1}, "'sauce' is not an option of this call"),
        ("faults", None, "kind"),
        ("faults", [1], "the body must be a JSON object of options"),
        ("acknowledge/nothing", None, "no emergency has the receipt 'nothing'"),
        ("expire/nothing", None, "no emergency has the receipt 'nothing'"),
        ("quota", {"remaining": -1}, "remaining is -1"),
        ("quota", {"remaining": float("nan")}, "remaining is nan"),
        ("faults", {"kind": "status", "path": "\ud800"}, "the body is not valid JSON"),
        ("faults", {"kind": "status", "path": 5}, "path is 5; it must be a text"),
        ("faults", {"kind": "status", "headers": [1]}, "headers is [1]; it must be an object"),
        ("acknowledge/nothing", {"device": 5}, "device is 5; it must be a text"),
    ],
)
def test_what_cannot_be_done_is_said(
    client: Client, path: str, options: object, sentence: str
) -> None:
    url, body = f"{client.server.base_url}/dev/{path}", json.dumps(options)
    answer = client.session.post(url, data=None if options is None else body, timeout=10)

    assert answer.status_code == 400
    assert sentence in answer.json()["error"]


def test_controls_are_no_requests_to_the_service(server: DevServer, client: Client) -> None:
    client.control("GET", "state")

    assert server.requests == []


@pytest.mark.parametrize("verb", ["acknowledge", "expire"])
def test_an_emergency_that_no_longer_rings_cannot_be_stopped(server: DevServer, verb: str) -> None:
    receipt = Client(server).send(priority=2, retry=30, expire=60).json()["receipt"]
    getattr(server, verb)(receipt)

    with pytest.raises(ValueError, match="no longer rings"):
        getattr(server, verb)(receipt)
