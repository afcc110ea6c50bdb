"""Measures the whole table and prints it line by line, in some minutes of a quiet machine."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from . import durable, forward, stores
from .calls import BURSTS
from .children import measure
from .contenders import CONTENDERS, OURS, missing
from .endings import ending, starting
from .report import Row, at_most, fact, print_rows
from .server import arrivals, serving
from .storms import stood_for

_BOUNDS = {
    "new template": 1.35,
    "new text": 1.35,
    "f-string": 1.15,
    "repeat": 1.0,
    "repeat with exc_info, 10 frames": 1.35,
    "repeat with exc_info, 30 frames": 2.0,
}


@dataclass(frozen=True)
class Size:
    """How long to measure."""

    processes: int = 5
    """Each measures anew: where things lie in memory is part of what a call costs."""
    rounds: int = 30
    slow_rounds: int = 6
    """Of those who deliver every record."""
    calls: int = 20_000
    storm: int = 1_000_000
    burst: int = 20_000
    messages: int = 200
    starts: int = 40
    ends: int = 10
    waiting: tuple[int, ...] = (1, 3, 20, 900)


_QUICK = Size(1, 2, 1, 200, 40_000, 1000, 10, 2, 1, (20,))


def table(size: Size) -> Iterator[Row]:
    """All rows, as they are measured."""
    with serving(delay=0.02) as url:
        for number, case in enumerate(BURSTS):
            # The quick table shows that each contender can be measured, and each burst.
            contenders = [OURS] if number and size is _QUICK else list(CONTENDERS)
            yield from logging_calls(case, contenders, size, url)
        yield from threads(size, url)
    with serving() as url:
        yield from storms(size, url)
        yield from losses(size, url)
        yield from one_push(size, url)
    yield from starting(size.starts)
    yield from ending(size.ends, size.waiting)
    yield from durable.rows(size.rounds, size.calls // 10, size.messages // 4, size.storm // 10)
    yield from stores.rows(quick=size is _QUICK)
    yield from forward.rows(quick=size is _QUICK)


def logging_calls(case: str, contenders: Sequence[str], size: Size, url: str) -> Iterator[Row]:
    """The calling thread's cost, for everyone."""
    yield Row(f"a logging call, {case}; beside emit: pass", "")
    for name in contenders:
        if module := missing(name):
            yield Row(f"  {name}", "-", f"{module} not installed")
            continue
        ours = name == OURS
        rounds = size.rounds if ours else size.slow_rounds
        samples: list[float] = []
        for _ in range(size.processes if ours else 1):
            samples += measure("logging_call", name, case, rounds, api_url=url)
        yield at_most(f"  {name}", samples, _BOUNDS.get(case) if ours else None)
        if ours and case.startswith("new"):
            grown = measure("logging_call", name, case, size.slow_rounds, "grows", api_url=url)
            yield at_most("    where the heap must grow for it", grown, None)


def threads(size: Size, url: str) -> Iterator[Row]:
    """Eight threads at once."""
    found = measure("threads", size.slow_rounds, size.calls, api_url=url)
    yield Row("8 threads at once", "")
    yield at_most("  a call, beside one thread", found["scaling"], 1.15)
    yield at_most("  the slowest call in 100, beside emit: pass", found["p99"], 0.1)
    yield at_most("  the slowest in 1,000, beside emit: pass", found["p99.9"], None)


def storms(size: Size, url: str) -> Iterator[Row]:
    """A storm of one record, and one of a thousand."""
    for templates, time_bound, memory_bound in ((1, 1.05, 1.0), (1000, 1.10, 3.0)):
        yield Row(f"{size.storm:,} records of {templates:,} templates", "")
        total, *ratios = measure("storms", "time", templates, size.storm, api_url=url)
        missed = size.storm + 1 - stood_for(arrivals(url))
        peak = measure("storms", "memory", templates, size.storm, api_url=url)
        arrivals(url)
        yield at_most("  time, beside emit: pass", ratios, time_bound)
        yield at_most("  time, the whole storm", [total], time_bound)
        yield at_most("  memory at the peak", [peak], memory_bound, "MB")
        yield fact("  records no push stands for", str(missed), "0")


def losses(size: Size, url: str) -> Iterator[Row]:
    """What a burst loses: ours by what its pushes say, the others by what they hand over."""
    yield Row(f"of {size.burst:,} records in a burst, lost", "")
    for name in CONTENDERS:
        if module := missing(name):
            yield Row(f"  {name}", "-", f"{module} not installed")
            continue
        lost = measure("storms", "lost", name, size.burst, api_url=url)
        seen = arrivals(url)
        if name == OURS:
            yield fact(f"  {name}", f"{size.burst - stood_for(seen):,}", "0")
        else:
            yield Row(f"  {name}", f"{lost:,}")


def one_push(size: Size, url: str) -> Iterator[Row]:
    """One push's way to the server, and its cost."""
    yield Row("one push", "")
    waits = measure("one_push", "latency", size.messages, api_url=url)
    yield at_most("  from the logging call to the server, idle", waits, 5.0, "ms")
    shares = measure("one_push", "processor", size.rounds, size.messages, api_url=url)
    yield at_most("  processor's time, beside urllib3's PoolManager", shares, 1.5)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="see that it runs; the numbers say nothing"
    )
    size = _QUICK if parser.parse_args().quick else Size()
    print(f"Python {platform.python_version()} on {sys.platform}, {platform.machine()}")
    print_rows([Row("what", "measured", "quartiles", "bound", "verdict")])
    print_rows(table(size))


if __name__ == "__main__":
    main()
