"""dictConfig from YAML and from JSON."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from running import Example


@pytest.mark.parametrize("script", ["with_yaml.py", "with_json.py"])
def test_a_file_configures_the_handler(example: Callable[[str], Example], script: str) -> None:
    if script == "with_yaml.py":
        pytest.importorskip("yaml")
    shop = example("dictconfig")

    output = shop.run(shop.command(f"python {script}"))

    warning, error = shop.push("tea is sold out"), shop.push("order 0")
    summary = shop.push("order 2")
    assert warning.title.startswith("WARNING shop on ")
    assert (warning.text, warning.priority) == ("tea is sold out", 0)
    assert error.title.startswith("ERROR shop on ")
    assert (error.text, error.priority) == ("order 0 is not paid", 2)
    assert summary.title.endswith(" \N{MULTIPLICATION SIGN}2")
    assert shop.records() == 4
    assert shop.rings == 1
    assert "INFO shop: open" in output
