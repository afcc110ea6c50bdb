"""Thresholds and the options of single loggers, from the logging call to the push."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Scenario, mark

STORES = pytest.mark.parametrize("store", ["memory", "sqlite"])


def options(scenario: Scenario, store: str) -> str:
    """The option ``store`` for a program."""
    if store == "memory":
        return ""
    (scenario.folder / "spool").mkdir()
    return f"store='sqlite:///{scenario.folder}/store?spool={scenario.folder}/spool',"


@STORES
def test_only_what_happens_often_enough_is_pushed(scenario: Scenario, store: str) -> None:
    """``grouping.after``: the push of the nth record counts those before it."""
    program = f"""
import logging, stage
handler = stage.attach(
    "shop",
    {options(scenario, store)}
    grouping={{"after": 3, "interval": "5m", "max_per_minute": 99}},
)
log = logging.getLogger("shop")
for number in range(20):
    log.error(stage.mark(number))
for _ in range(2):
    log.error(stage.mark(5))
    log.error(stage.mark(7))
stage.note(pushed=stage.until(lambda: handler.stats().pushes == 2))
stage.note(drained=handler.drain())
stage.accounts(handler)
stage.main_ends()
"""

    outcome = scenario.run(program)

    assert outcome.notes["pushed"]
    assert outcome.notes["drained"]
    assert outcome.notes["accepted"] == 24
    assert outcome.marks == {mark(5): 1, mark(7): 1}
    assert outcome.records == 6
    assert outcome.stderr == "" or store == "sqlite"
    assert outcome.ending < 4
    if store == "memory":
        assert (outcome.notes["delivered"], outcome.notes["pending"]) == (6, 18)


@STORES
def test_what_stays_below_the_threshold_is_dropped_and_counted(
    scenario: Scenario, store: str
) -> None:
    """``grouping.within``: the reason is below_after."""
    program = f"""
import logging, stage
handler = stage.attach(
    "shop", {options(scenario, store)} grouping={{"after": 3, "within": "300ms"}}
)
log = logging.getLogger("shop")
log.error(stage.mark(0))
log.error(stage.mark(0))
stats = lambda: handler._pipeline._sender.active.dropped if handler._pipeline._sender else {{}}
stage.note(dropped_in_time=stage.until(lambda: stats().get("below_after") == 2))
stage.note(drained=handler.drain())
stage.accounts(handler)
"""

    outcome = scenario.run(program)

    assert outcome.notes["dropped_in_time"]
    assert outcome.notes["drained"]
    assert outcome.messages == []
    if store == "memory":
        assert outcome.notes["dropped"] == {"below_after": 2}
        assert outcome.notes["pending"] == 0


@STORES
def test_a_noisy_logger_has_rules_of_its_own(scenario: Scenario, store: str) -> None:
    """``loggers``: priority, threshold, sound and title, without a second handler."""
    program = f"""
import logging, logging.config, stage
logging.config.dictConfig({{
    "version": 1,
    "handlers": {{"phone": {{
        "()": stage.handler,
        {"'store': " + repr(options(scenario, store)[7:-2]) + "," if store == "sqlite" else ""}
        "loggers": {{
            "noisy.lib": {{"priority": "LOW", "after": "3", "within": "5m", "sound": "none",
                          "title": "{{name}}: {{data[kind]}}"}},
        }},
    }}}},
    "root": {{"handlers": ["phone"]}},
}})
for _ in range(3):
    logging.getLogger("noisy.lib.part").error(stage.mark(0), extra={{"data": {{"kind": "cache"}}}})
logging.getLogger("noisy.lib").error(stage.mark(1))
logging.getLogger("shop").error(stage.mark(2))
phone = logging.getLogger().handlers[0]
stage.note(delivered=stage.until(lambda: phone.stats().pushes == 2))
"""

    outcome = scenario.run(program)

    assert outcome.notes["delivered"]
    pushes = {m.params["title"]: m.params for m in outcome.messages}
    noisy = pushes.pop("noisy.lib.part: cache \N{MULTIPLICATION SIGN}3")
    assert (noisy["priority"], noisy["sound"]) == ("-1", "none")
    assert {title: push["priority"] for title, push in pushes.items()} == {"ERROR shop": "2"}
    assert outcome.records == 4


def test_titles_and_keys_reach_items_of_mappings(scenario: Scenario) -> None:
    """As Celery puts them on a record: ``data[name]`` names the task."""
    program = """
import logging, stage
handler = stage.attach(
    "celery",
    title="{levelname} {data[name]}",
    grouping={"key": "{data[name]}", "max_per_minute": 99},
)
log = logging.getLogger("celery")
for number, task in enumerate(["shop.pay", "shop.mail", "shop.pay"]):
    log.error(stage.mark(number), extra={"data": {"name": task}})
log.error(stage.mark(3))
log.error(stage.mark(4), extra={"data": object()})
handler.flush()
"""

    outcome = scenario.run(program)

    assert {m.params["title"]: m.params["message"] for m in outcome.messages[:2]} == {
        "ERROR shop.pay": mark(0),
        "ERROR shop.mail": mark(1),
    }
    assert {mark(3), mark(4)} < {*outcome.marks}
    assert outcome.records == 5


def test_escalation_has_a_least_time_and_a_bound(scenario: Scenario, server: Any) -> None:
    """``escalate_after``: an emergency that has expired by then could never be escalated."""
    program = """
import stage
for after in ("59s", "1h"):
    try:
        stage.handler(escalate_to="o" * 30, escalate_after=after)
    except ValueError as error:
        print(error)
"""

    outcome = scenario.run(program)

    assert outcome.stdout.splitlines() == [
        "escalate_after is 59 seconds; expected at least 60",
        "escalate_after is 3600 seconds and expire 3600; expected escalate_after to be below"
        " expire, because an expired emergency is over",
    ]
