"""Storms of records: their time beside `Pass`, their memory, and whether all are counted."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
import tracemalloc
from typing import Any

from .calls import logger
from .contenders import CONTENDERS, Contender, Pass, ours
from .server import arrivals

_CHUNKS = 40
_STANDS_FOR = re.compile("\N{MULTIPLICATION SIGN}(\\d+)$")


def storm(templates: int, records: int) -> dict[str, Any]:
    """One storm through us and through `Pass`, in turns; then one more, to see its memory."""
    contender, nothing = ours(), Pass()
    arrivals(_api_url())
    _burst(contender.handler, ["warming up"], 1)
    contender.handler.flush()
    texts = [f"shelf {_letters(number)} is empty: %d" for number in range(templates)]
    each = records // templates // _CHUNKS
    chunks = [
        (_burst(contender.handler, texts, each), _burst(nothing, texts, each))
        for _ in range(_CHUNKS)
    ]
    contender.close()
    counted = sum(_stands_for(message["title"]) for message in arrivals(_api_url()))
    return {
        "ratios": [mine / reference for mine, reference in chunks],
        "total": sum(mine for mine, _ in chunks) / sum(reference for _, reference in chunks),
        "lost": each * _CHUNKS * templates + 1 - counted,
        "peak": _peak(texts, each),
    }


def _peak(texts: list[str], each: int) -> float:
    """Megabytes that a storm needs at most, the handler being under way."""
    contender = ours()
    _burst(contender.handler, ["warming up"], 1)
    contender.handler.flush()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(_CHUNKS):
        _burst(contender.handler, texts, each)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    contender.close()
    return (peak - before) / 1e6


def lost(name: str, records: int) -> int:
    """Of a burst of records of 1,000 templates, how many never came out at the other end."""
    contender: Contender = CONTENDERS[name][0]()
    texts = [f"shelf {_letters(number)} is empty: %d" for number in range(1000)]
    _burst(contender.handler, texts, records // 1000)
    contender.close()
    return records // 1000 * 1000 - contender.arrived


def _burst(handler: logging.Handler, texts: list[str], each: int) -> float:
    logger.handlers = [handler]
    error = logger.error
    started = time.perf_counter()
    for number in range(each):
        for text in texts:
            error(text, number)
    return time.perf_counter() - started


def _letters(number: int) -> str:
    return "".join("bcdfghjklm"[int(digit)] for digit in str(number))


def _stands_for(title: str) -> int:
    found = _STANDS_FOR.search(title)
    return int(found[1]) if found else 1


def _api_url() -> str:
    return os.environ["PUSHOVER_API_URL"]


if __name__ == "__main__":
    what, number = sys.argv[1], int(sys.argv[2])
    if what in CONTENDERS:
        print(json.dumps(lost(what, number)), flush=True)
    else:
        print(json.dumps(storm(int(what), number)), flush=True)
