"""A logging call's cost beside a handler that does nothing: rounds of both, in turns."""

from __future__ import annotations

import json
import logging
import sys

from .calls import BURSTS, logger, timed
from .contenders import CONTENDERS, OURS, Contender, Pass

_NEW = 750
"""So many new records a round: well within what the handler knows and lets wait at a time."""
_REPEATS = 2500


def room_in_the_heap() -> list[bytes]:
    """Memory to be had without asking the system, as in a program that has run for a while.

    Of many blocks a few stay, one here and one there, so that none of it goes back to the system.
    """
    blocks = [bytes(400) for _ in range(50_000)]
    return blocks[::500]


def ratios(name: str, case: str, rounds: int, *, grows: bool = False) -> list[float]:
    """The contender's time through that of `Pass`, for each round.

    ``grows``: without room in the heap, so that whoever keeps records waits for memory too.
    """
    reopened = case.startswith("new") and name == OURS
    contender = _opened(name)
    found = []
    _kept = [] if grows else room_in_the_heap()
    for number in range(rounds):
        if reopened and number:
            contender.close()
            contender = _opened(name)
        found.append(_ratio(contender.handler, case, swapped=bool(number % 2)))
    return found


def _opened(name: str) -> Contender:
    """A contender that is under way: its first record, which loads and starts things, is past."""
    contender = CONTENDERS[name][0]()
    logger.handlers = [contender.handler]
    logger.error("order %d could not be shipped", 0)
    contender.handler.flush()
    return contender


def _ratio(handler: logging.Handler, case: str, *, swapped: bool) -> float:
    burst, count = BURSTS[case], _NEW if case.startswith("new") else _REPEATS
    nothing = Pass()
    order = [handler, nothing] if swapped else [nothing, handler]
    timed(burst, 10, nothing)
    times = {id(each): timed(burst, count, each) for each in order}
    return times[id(handler)] / times[id(nothing)]


if __name__ == "__main__":
    contender, burst, number, *more = sys.argv[1:]
    print(json.dumps(ratios(contender, burst, int(number), grows=bool(more))), flush=True)
