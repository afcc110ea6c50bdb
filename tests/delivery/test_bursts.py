"""How much of a burst one step of the worker reads, and in which order the sender is told of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from pushover_logging import Grouping
from pushover_logging.notice import Notice

from .bench import Bench, no_answer

TEXTS = ["x" * number for number in range(1, 61)]


def told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[list[Notice]]:
    """The notices that each step hands over, from now on."""
    steps: list[list[Notice]] = []
    append = bench.sender.append

    def spying(new: Iterable[Any]) -> None:
        steps.append([notice for notice, _, _ in new])
        append(list(new))

    monkeypatch.setattr(bench.sender, "append", spying)
    return steps


def test_the_first_alerts_of_a_burst_are_sent_before_the_rest_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(grouping=Grouping(max_per_minute=1000))
    steps = told(bench, monkeypatch)
    for text in TEXTS:
        bench.log(text)

    bench.step()

    assert len(bench.pushes) == 1
    assert len(steps[0]) < len(TEXTS)
    bench.run(5)
    assert sum(push.records for push in bench.pushes) == len(TEXTS)


@pytest.mark.parametrize("because", ["a group ends", "a problem is over", "of a drain"])
def test_counts_come_after_the_first_record_of_their_group(
    because: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(grouping=Grouping(interval=60, max_per_minute=1000))
    bench.target.outcomes.append(no_answer())  # so that its summary is due after its group ends
    began = bench.clock.now
    bench.log("an old problem", key="old")
    bench.run(20)
    steps = told(bench, monkeypatch)
    if because == "a group ends":
        bench.clock.pass_to(began + 61)
    for text in TEXTS:
        bench.log(text, times=2)
    if because == "a problem is over":
        bench.resolve("old")
    elif because == "of a drain":
        bench.drain()

    bench.step()

    notices = [notice for step in steps for notice in step]
    kinds = [(notice.kind, notice.identity) for notice in notices if notice.kind != "resolved"]
    counted = [identity for kind, identity in kinds if kind == "counted"]
    assert len(counted) == len(TEXTS)
    assert all(kinds.index(("new", i)) < kinds.index(("counted", i)) for i in counted)
