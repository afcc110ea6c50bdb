"""No input makes the server fail: 20,000 requests, in-process, none is answered with a 500."""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections.abc import Callable
from urllib.parse import quote, urlencode

import pytest
from starlette.types import ASGIApp, Message

from pushover_logging.devserver import DevServer
from pushover_logging.devserver.app import make_app
from pushover_logging.devserver.calls import CALLS

REQUESTS = 20_000
SEED = 20261126

NAMES = """
    token user message title url url_title device priority retry expire callback tags html monospace
    sound timestamp ttl attachment attachment_base64 attachment_type encrypted text subtext count
    percent name memo email admin instant group subscription device_name os status errors request
    before unknown
"""
NASTY: tuple[object, ...] = (
    "", " ", "0", "1", "2", "-1", "1e999", "nan", "9" * 30, "9" * 18, "-" + "9" * 18, "٢", "é",
    "☃", "\x00", "\ud800", "\U0001f4a9" * 300, "x" * 1_025, "a,b", "," * 3_000, "%", "../../etc",
    "http://127.0.0.1:1/", "http://[", "https://x" * 50, "<b><i></b>" * 40, "<a href=x>" * 30,
    "true", "9" * 5_000, "a@b", "@",
    base64.b64encode(b"\x89PNG\r\n\x1a\n").decode(), "data:image/png;base64,AA",
)  # fmt: skip
VALUES: tuple[object, ...] = (
    *NASTY, None, True, False, 0, -1, 1.5, 10**400, float("nan"), float("inf"), [], {}, [1],
    {"a": []},
)  # fmt: skip
CONTROLS = {
    "faults": ("kind", "count", "path", "status", "body", "seconds", "headers"),
    "quota": ("limit", "remaining", "reset", "headers"),
    "acknowledge": ("user", "device"),
    "expire": ("self", "receipt"),
}
HARMLESS_FAULTS = ("status", "garbage", "explode", 7, None)
DEEP = b"[" * 100_000
DEEP_OBJECT = b'{"a":' * 50_000

Request = tuple[str, str, bytes, list[tuple[bytes, bytes]], bytes]


class Fuzzer:
    """Makes requests that are almost right, in one of very many ways; the seed decides."""

    def __init__(self, server: DevServer) -> None:
        self.random = random.Random(SEED)
        self.server = server

    def request(self) -> Request:
        kinds: list[Callable[[], Request]] = [self.call, self.call, self.call, self.control]
        return self.random.choice([*kinds, self.page, self.noise])()

    def call(self) -> Request:
        calls = list(CALLS)
        method, call = self.random.choice([*calls, *[("POST", "messages.json")] * len(calls)])
        if self.random.random() < 0.1:
            method = self.random.choice(["GET", "POST", "HEAD", "PUT", "OPTIONS", "X"])
        receipts = list(self.server.account.emergencies)[-1:]
        key = self.random.choice(["r" * 30, *receipts, *self.server.account.groups, "x" * 5_000])
        path = call.replace("{tag:path}", "a/b").format(receipt=key, group=key)
        fields = self.fields()
        content_type, body = self.body(fields)
        query = b""
        if self.random.random() < 0.3:
            query, body = urlencode(self.texts(fields)).encode(), self.random.choice([b"", body])
        headers = [(b"host", b"127.0.0.1"), (b"content-type", content_type)]
        return method, f"/1/{path}", query, headers, body

    def fields(self) -> dict[str, object]:
        chosen = self.random.choice
        fields: dict[str, object] = {
            "token": chosen([self.server.token] * 8 + [self.server.team_token] * 3 + ["t"]),
            "user": self.server.user,
            "message": "Hello",
        }
        if self.random.random() < 0.3:
            fields.update(priority="2", retry="30", expire="60")
        for _ in range(self.random.randrange(4)):
            fields[chosen(NAMES.split())] = chosen(VALUES)
        return fields

    def texts(self, fields: dict[str, object]) -> list[tuple[str, bytes]]:
        return [
            (name, str(value).encode("utf-8", "surrogatepass")) for name, value in fields.items()
        ]

    def body(self, fields: dict[str, object]) -> tuple[bytes, bytes]:
        kind = self.random.randrange(5)
        if kind == 0:
            body = json.dumps(fields).encode()
            return b"application/json", self.random.choice(
                [body, body, body[:-3], DEEP, DEEP_OBJECT]
            )
        if kind == 1:
            pairs = b"&".join(name.encode() + b"=" + text for name, text in self.texts(fields))
            return b"application/x-www-form-urlencoded", pairs
        if kind == 2:
            return b"", urlencode(self.texts(fields)).encode()
        if kind == 3:
            return self.random.choice([b"text/plain", b";;", b"\xff", b"image/png"]), b"body"
        return b'multipart/form-data; boundary="b"', self.multipart(fields)

    def multipart(self, fields: dict[str, object]) -> bytes:
        parts = [
            b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
            % (name.encode(), text)
            for name, text in self.texts(fields)
        ]
        data = self.random.choice(
            [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", self.random.randbytes(50)]
        )
        declared = self.random.choice([b"image/png", b"application/octet-stream", b"\xff", b""])
        file = b'--b\r\nContent-Disposition: form-data; name="attachment"; filename="%s"\r\n'
        parts.append(file % self.random.choice([b"a.png", b"\xff", b"\xc3\xa9", b""]))
        parts.append(b"Content-Type: %s\r\n\r\n%s\r\n" % (declared, data))
        body = b"".join(parts) + self.random.choice([b"--b--\r\n", b"--b--", b"", b"--b\r\n"])
        if self.random.random() < 0.3:  # damage it
            at = self.random.randrange(len(body))
            body = body[:at] + self.random.randbytes(self.random.randrange(4)) + body[at + 2 :]
        return body

    def control(self) -> Request:
        name, options = self.random.choice(list(CONTROLS.items()))
        given = {
            self.random.choice([*options, "unknown"]): self.random.choice(VALUES)
            for _ in range(self.random.randrange(4))
        }
        if name == "faults" and "kind" not in given and self.random.random() < 0.9:
            given["kind"] = self.random.choice(HARMLESS_FAULTS)
        if given.get("kind") in ("hang", "delay"):
            given["kind"] = "status"
        path = f"/dev/{name}"
        if name in ("acknowledge", "expire"):
            receipts = list(self.server.account.emergencies) or ["x"]
            path += "/" + self.random.choice([*receipts[-1:], "none", "☃"])
        body = self.random.choice([json.dumps(given).encode()] * 8 + [b"[]", b"{", DEEP, b"\xff"])
        method = self.random.choice(["POST"] * 9 + ["DELETE", "GET"])
        return method, path, b"", [(b"host", b"127.0.0.1")], body

    def page(self) -> Request:
        # uvicorn decodes addresses with replacement characters: they have no lone surrogates.
        text = str(self.random.choice(NASTY)).encode("utf-8", "replace").decode()
        paths = [
            "/",
            "/dev/state",
            "/inbox/pushes",
            "/inbox/pushes",
            "/inbox/main.js",
            "/favicon.ico",
            "/inbox/text",
        ]
        path = self.random.choice([*paths, f"/inbox/images/{text}", f"/inbox/{text}", "/dev/"])
        query = self.random.choice([b"", ("before=" + quote(text)).encode()])
        method = self.random.choice(["GET", "GET", "HEAD", "POST", "DELETE"])
        return method, path, query, [(b"host", b"127.0.0.1")], text.encode()

    def noise(self) -> Request:
        path = self.random.choice(
            ["", "*", "//", "/1", "/1//", "http://x/1/messages.json", "/\x00"]
        )
        noise = self.random.randbytes(self.random.randrange(20))
        names = [b"host", b"origin", b"sec-fetch-site", b"content-type", b"content-length"]
        values = [b"127.0.0.1", b"[::1", b"null", b"http://[", b"99999999999", noise]
        headers = [(self.random.choice(names), self.random.choice(values)) for _ in range(3)]
        return "POST", path, self.random.choice([noise, b"a&" * 2_000]), headers, noise


async def status_of(app: ASGIApp, request: Request) -> int:
    method, path, query, headers, body = request
    statuses: list[int] = []
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": b"",
        "root_path": "",
        "query_string": query,
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1),
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    return statuses[0]


@pytest.mark.slow
def test_no_request_is_answered_with_an_error_of_the_server() -> None:
    server = DevServer()
    app, _ = make_app(server, ())
    fuzzer = Fuzzer(server)
    statuses: dict[int, int] = {}

    async def run() -> None:
        for number in range(REQUESTS):
            if number % 500 == 0:
                server.clear_faults()
            request = fuzzer.request()
            seen = server.traffic.seen
            try:
                status = await status_of(app, request)
            except Exception as error:
                raise AssertionError(f"request {number} raised: {request}") from error
            recorded = server.traffic.requests[-1:] if server.traffic.seen > seen else []
            simulated = any(each.fault for each in recorded)
            assert status < 500 or simulated, f"request {number}: {request}"
            statuses[status] = statuses.get(status, 0) + 1

    asyncio.run(run())

    assert statuses[200] > 1_000
    assert statuses[400] > 1_000
