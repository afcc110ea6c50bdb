"""loguru with the handler as a sink."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from running import Example

pytest.importorskip("loguru")


def test_messages_are_grouped_and_exceptions_shown(example: Callable[[str], Example]) -> None:
    shop = example("loguru")

    output = shop.run(shop.command("python"))

    assert shop.pushes[0] == ("ERROR shop", "order 0 is not paid", 2)
    wrong = shop.push("the price is wrong")
    assert wrong.text.startswith("the price is wrong\nZeroDivisionError: division by zero\nat <mod")
    assert wrong.text.count("ZeroDivisionError") == 1
    assert shop.rings == 2
    assert shop.records() == 4
    assert "open" in output
