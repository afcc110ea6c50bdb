"""What is logged and timed: bursts of calls, told apart as the handler tells records apart."""

from __future__ import annotations

import gc
import itertools
import logging
import time
from collections.abc import Callable, Iterator
from itertools import islice

__all__ = ["BURSTS", "Burst", "logger", "timed", "words"]

Burst = Callable[[int], float]
"""Logs so many records; the seconds it took."""

logger = logging.getLogger("shop.checkout")
logger.propagate = False

_LETTERS = "bcdfghjklm"
_numbers = itertools.count()


def words() -> Iterator[str]:
    """Different words without a digit, for ever."""
    for number in _numbers:
        yield "".join(_LETTERS[int(digit)] + "a" for digit in str(number))


def new_template(count: int) -> float:
    """Records with an argument, each of a template that was not seen before."""
    templates = [f"order {word} could not be shipped: %s" for word in islice(words(), count)]
    error = logger.error
    started = time.perf_counter()
    for template in templates:
        error(template, 17)
    return time.perf_counter() - started


def new_text(count: int) -> float:
    """Records without arguments, each of a text that was not seen before."""
    texts = [f"order of {word} could not be shipped" for word in islice(words(), count)]
    return _texts(texts)


def f_string(count: int) -> float:
    """Texts that differ in a number only, as an f-string in a loop makes them: one group."""
    texts = [f"order {number} could not be shipped" for number in islice(_numbers, count)]
    return _texts(texts)


def repeat(count: int) -> float:
    """The same record again and again."""
    error = logger.error
    started = time.perf_counter()
    for number in range(count):
        error("order %d could not be shipped", number)
    return time.perf_counter() - started


def repeat_with_traceback(count: int) -> float:
    """The same error, ten frames deep, again and again."""
    return _deep(10, count)


def repeat_with_long_traceback(count: int) -> float:
    """The same error, thirty frames deep, again and again."""
    return _deep(30, count)


def _deep(frames: int, count: int) -> float:
    if frames:
        return _deep(frames - 1, count)
    try:
        return float("no number")
    except ValueError:
        error = logger.error
        started = time.perf_counter()
        for number in range(count):
            error("order %d could not be shipped", number, exc_info=True)
        return time.perf_counter() - started


def _texts(texts: list[str]) -> float:
    error = logger.error
    started = time.perf_counter()
    for text in texts:
        error(text)
    return time.perf_counter() - started


BURSTS: dict[str, Burst] = {
    "new template": new_template,
    "new text": new_text,
    "f-string": f_string,
    "repeat": repeat,
    "repeat with exc_info, 10 frames": repeat_with_traceback,
    "repeat with exc_info, 30 frames": repeat_with_long_traceback,
}


def timed(burst: Burst, count: int, handler: logging.Handler) -> float:
    """Seconds for a burst that goes to this handler, the collector of garbage being still."""
    logger.handlers = [handler]
    gc.collect()
    gc.disable()
    try:
        return burst(count)
    finally:
        gc.enable()
