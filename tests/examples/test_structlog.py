"""structlog through the standard library's handlers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from running import Example

pytest.importorskip("structlog")


def test_values_are_shown_and_events_grouped(example: Callable[[str], Example]) -> None:
    shop = example("structlog")

    output = shop.run(shop.command("python"))

    first = shop.pushes[0]
    assert first == ("ERROR shop", "order not paid\norder: 0\ncustomer: Ada", 2)
    wrong = shop.push("wrong price")
    assert wrong.text.startswith("wrong price\nitem: tea\nexception: Traceback")
    assert wrong.text.endswith("ZeroDivisionError: division by zero")
    assert shop.rings == 2
    assert shop.records() == 4
    assert "open" in output
