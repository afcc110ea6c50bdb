"""Storms of records: their time beside `Pass`, their memory, and whether all are counted."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from .calls import logger, words
from .contenders import CONTENDERS, Contender, Pass, ours

__all__ = ["stood_for"]

_CHUNKS = 40
_STANDS_FOR = re.compile("\N{MULTIPLICATION SIGN}(\\d+)$")


def storm(templates: int, records: int) -> list[float]:
    """One storm through us and through `Pass`, in turns: for each turn our time through its."""
    contender, nothing, texts = _opened(), Pass(), _texts(templates)
    each = records // templates // _CHUNKS
    chunks = [
        (_burst(contender.handler, texts, each), _burst(nothing, texts, each))
        for _ in range(_CHUNKS)
    ]
    ratios = [mine / reference for mine, reference in chunks]
    total = sum(mine for mine, _ in chunks) / sum(reference for _, reference in chunks)
    return [total, *ratios]


def peak(templates: int, records: int) -> float:
    """Megabytes that a storm needs at most, the handler being under way."""
    contender, texts = _opened(), _texts(templates)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    _burst(contender.handler, texts, records // templates)
    _, most = tracemalloc.get_traced_memory()
    return (most - before) / 1e6


def lost(name: str, records: int) -> int:
    """Of a burst of records of 1,000 templates, how many never came out at the other end."""
    contender = CONTENDERS[name][0]()
    _burst(contender.handler, _texts(1000), records // 1000)
    contender.close()
    return records // 1000 * 1000 - contender.arrived


def stood_for(seen: Iterable[Mapping[str, Any]]) -> int:
    """How many records these pushes stand for, by the counts in their titles."""
    counted = (_STANDS_FOR.search(push["title"]) for push in seen)
    return sum(int(found[1]) if found else 1 for found in counted)


def _opened() -> Contender:
    """Our handler under way: its first record, which loads and starts things, is past."""
    contender = ours()
    _burst(contender.handler, ["warming up"], 1)
    contender.handler.flush()
    return contender


def _texts(templates: int) -> list[str]:
    return [f"shelf {word} is empty: %d" for word in islice(words(), templates)]


def _burst(handler: logging.Handler, texts: list[str], each: int) -> float:
    logger.handlers = [handler]
    error = logger.error
    started = time.perf_counter()
    for number in range(each):
        for text in texts:
            error(text, number)
    return time.perf_counter() - started


_MEASURES: dict[str, Callable[[Any, int], object]] = {
    "time": lambda templates, records: storm(int(templates), records),
    "memory": lambda templates, records: peak(int(templates), records),
    "lost": lost,
}

if __name__ == "__main__":
    what, subject, number = sys.argv[1:]
    print(json.dumps(_MEASURES[what](subject, int(number))), flush=True)
