"""The function that Sage's users know, in plain Python: Sage itself is not needed."""

from __future__ import annotations

import sys
from collections.abc import Callable

from running import Example


def test_the_function_of_sage_sends(example: Callable[[str], Example]) -> None:
    shop = example("sage")

    shop.run([sys.executable, "session.py"])

    assert shop.pushes == [("Sage", "the rank is 80", 0)]
