"""fileConfig from an INI file."""

from __future__ import annotations

from collections.abc import Callable

from running import Example


def test_a_section_configures_the_handler(example: Callable[[str], Example]) -> None:
    shop = example("fileconfig")

    output = shop.run(shop.command("python"))

    error = shop.push("ERROR")
    assert shop.records() == 2
    assert shop.push("tea") == ("WARNING shop", "tea is sold out", 1)
    assert (error.title, error.priority) == ("ERROR shop", 2)
    assert error.text.startswith("the price is wrong\nZeroDivisionError: division by zero\n")
    assert "INFO shop: open" in output
