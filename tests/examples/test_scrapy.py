"""Scrapy: a crawl whose callback fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from running import Example

pytest.importorskip("scrapy")


class Shop(BaseHTTPRequestHandler):
    """Shows a price on two of its four pages."""

    def do_GET(self) -> None:
        body = b"<b>7 EUR</b>" if self.path in ("/0", "/1") else b"<i>sold out</i>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_errors_of_a_crawl_ring_once_for_each_bug(
    example: Callable[[str], Example], address: str
) -> None:
    shop = example("scrapy")
    shop.extra_environment = {"SHOP": address, "no_proxy": "127.0.0.1"}

    output = shop.run(shop.command("scrapy"))

    own = shop.pushes[0]
    assert (own.title, own.priority) == ("ERROR prices", 2)
    assert own.text.startswith(f"no price on {address}/")
    assert shop.records("ERROR prices") == 2
    assert shop.records("ERROR scrapy.core.scraper") == 2
    assert shop.rings == 2
    assert any("AttributeError: 'NoneType'" in push.text for push in shop.pushes)
    assert "'item_scraped_count': 2" in output
