"""What tests send to a server, and the inbox page in a browser."""

from __future__ import annotations

import json
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import requests
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from pushover_logging.devserver import DevServer

T = TypeVar("T")

DEADLINE = 60.0


def poll(check: Callable[[], T], what: str, timeout: float = DEADLINE) -> T:
    """Wait until ``check`` returns something true, and return it. Raises AssertionError."""
    until = time.monotonic() + timeout
    while not (seen := check()):
        assert time.monotonic() < until, f"not within {timeout:g} s: {what}; seen: {seen!r}"
        time.sleep(0.02)
    return seen


def send(server: DevServer, message: str = "Hello", files: Any = None, **fields: object) -> str:
    """Send one push; returns its receipt if it has one."""
    form = {"token": server.token, "user": server.user, "message": message, **fields}
    answer = requests.post(f"{server.url}messages.json", data=form, files=files, timeout=10)
    assert answer.status_code == 200, answer.text
    return str(answer.json().get("receipt", ""))


def ring(server: DevServer, message: str = "Fire", **fields: object) -> str:
    """Send one emergency; returns its receipt."""
    return send(server, message, **{"priority": 2, "retry": 30, "expire": 600, **fields})


def picture(width: int = 24, height: int = 16) -> bytes:
    """A small PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\x2f\x62\xd9" * width) * height
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


class InboxPage:
    """The inbox page of one server in a browser, as a user sees it."""

    def __init__(self, driver: webdriver.Chrome, server: DevServer) -> None:
        self.driver = driver
        self.server = server

    def restore_defaults(self) -> None:
        """Start as wide and light as a desktop, with no log of former pages."""
        self.shape(1180, 900)
        self.prefer("light")
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)

    def open(self) -> None:
        """Open the page, and wait until it has loaded all pushes."""
        self.driver.get(self.server.base_url)
        poll(self.is_ready, "the page is live and has loaded all pushes")

    def is_ready(self) -> bool:
        loaded = self.find("#feed").get_attribute("aria-busy") == "false"
        return loaded and self.text("#connection") == "live"

    def shape(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, scheme: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def run(self, script: str, *values: object) -> Any:
        return self.driver.execute_script(script, *values)

    def text(self, selector: str) -> str:
        """Its whole text content, seen or not."""
        found = self.run("return document.querySelector(arguments[0])?.textContent ?? ''", selector)
        return str(found)

    def titles(self) -> list[str]:
        script = "return [...document.querySelectorAll('.push .title')].map(e => e.textContent)"
        return list(self.run(script))

    def await_push(self, message: str) -> None:
        """Wait until a push with that text is the newest one shown."""
        poll(lambda: self.text(".push .text") == message, f"a push that says {message!r}")
        self.settle()

    def settle(self) -> None:
        """Wait until the browser has drawn everything."""
        frame = "requestAnimationFrame(() => requestAnimationFrame(arguments[0]))"
        self.driver.execute_async_script(frame)

    def press(self, *keys: str) -> None:
        """Type into the focused element."""
        self.driver.switch_to.active_element.send_keys(*keys)

    def escape(self) -> None:
        self.press(Keys.ESCAPE)

    def focused(self) -> str:
        """The id of the focused element."""
        return str(self.run("return document.activeElement.id"))

    def complaints(self) -> list[str]:
        """The messages in the browser's console."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def asked_for(self) -> Iterator[str]:
        """Every address the browser has requested since the page was opened."""
        for entry in self.driver.get_log("performance"):
            event = json.loads(entry["message"])["message"]
            if event["method"] == "Network.requestWillBeSent":
                yield event["params"]["request"]["url"]
