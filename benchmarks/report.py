"""What was measured, beside its bound, as a table for a terminal."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Row", "among", "at_most", "fact", "print_rows"]


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    measured: str
    spread: str = ""
    """The first and the third quartile of what single rounds gave."""
    bound: str = ""
    verdict: str = ""


def at_most(what: str, samples: Sequence[float], bound: float | None, unit: str = "x") -> Row:
    """A row for the median of the samples; without a bound it is only reported."""
    middle = statistics.median(samples)
    low, high = _quartiles(samples)
    spread = f"{_shown(low, unit)} to {_shown(high, unit)}" if len(samples) > 1 else ""
    if bound is None:
        return Row(what, _shown(middle, unit), spread)
    verdict = "ok" if round(middle, 2) <= bound else "MISSED"
    return Row(what, _shown(middle, unit), spread, f"<= {_shown(bound, unit)}", verdict)


def fact(what: str, measured: str, wanted: str) -> Row:
    """A row for what is exactly as it should be, or not."""
    return Row(what, measured, "", wanted, "ok" if measured == wanted else "MISSED")


def among(title: str, rows: Iterable[Row]) -> list[Row]:
    """The rows under a title of their own."""
    return [Row(title, ""), *rows]


def print_rows(rows: Iterable[Row]) -> None:
    """Print the rows as they come, for a run takes minutes."""
    for row in rows:
        cells = (f"{row.what:<58}", f"{row.measured:>12}", f"{row.spread:>22}")
        print(*cells, f"{row.bound:>12}", f" {row.verdict}".rstrip(), flush=True)


def _quartiles(samples: Sequence[float]) -> tuple[float, float]:
    if len(samples) < 2:
        return samples[0], samples[0]
    low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
    return low, high


def _shown(value: float, unit: str) -> str:
    return f"{value:.2f} {unit}"
