"""OpenTelemetry beside the handler: a push links to the trace."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from running import Example

pytest.importorskip("opentelemetry.sdk")


def test_a_push_links_to_its_trace(example: Callable[[str], Example]) -> None:
    shop = example("opentelemetry")

    output = shop.run(shop.command("python"))

    trace_id = output.split()[1]
    first, last = shop.server.messages
    assert first.params["message"] == "order 1 is not paid"
    assert first.params["url"] == f"https://traces.example.com/trace/{trace_id}"
    assert first.params["url_title"] == f"Trace {trace_id}"
    assert shop.push("closing") == ("CRITICAL shop", "closing", 2)
    assert "url" not in last.params
