"""A function that may be frozen after each call, as on AWS Lambda."""

from __future__ import annotations

import sys
from collections.abc import Callable

from running import Example

RUNTIME = """
import os, time, function
for order in range(3):
    started = time.monotonic()
    assert function.lambda_handler({"order": order}, None) == {"statusCode": 200}
    assert time.monotonic() - started < 3
try:
    function.lambda_handler({}, None)
except KeyError:
    pass
function.log.critical("closing")
function.lambda_handler({"order": 4}, None)
os._exit(0)
"""


def test_each_call_sends_its_alerts_before_it_ends(example: Callable[[str], Example]) -> None:
    shop = example("serverless")

    shop.run([sys.executable, "-c", RUNTIME])

    assert [(push.title, push.text) for push in shop.pushes] == [
        ("ERROR shop", "order 0 is not paid"),
        ("CRITICAL shop", "closing"),
    ]


def test_drain_sends_the_counts_too(example: Callable[[str], Example]) -> None:
    shop = example("serverless")
    path = shop.folder / "function.py"
    path.write_text(path.read_text().replace("flush(", "drain("))

    shop.run([sys.executable, "-c", RUNTIME])

    assert shop.records("ERROR shop") == 4
    assert shop.records() == 5
