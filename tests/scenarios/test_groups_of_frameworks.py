"""Which records of real frameworks are the same problem, from the logging call to the push."""

from __future__ import annotations

import pytest
from harness import Outcome, Scenario, mark, stands_for

DJANGO = """
import logging, stage
import django
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import path

def charge(request, name):
    raise ValueError("no funds for " + name)

def pack(request, name):
    raise KeyError(name)

settings.configure(
    DEBUG=False, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="of a test",
    LOGGING_CONFIG=None,
)
urlpatterns = [path("charge/<name>", charge), path("pack/<name>", pack)]
django.setup()
handler = stage.attach("django")
client = Client(raise_request_exception=False)
for name in ("ada", "bob", "cyd"):
    client.get("/charge/" + name)
    client.get("/pack/" + name)
handler.drain(10)
stage.accounts(handler)
"""

FLASK = """
import stage
from flask import Flask
application = Flask("shop")

@application.route("/user/<name>")
def user(name):
    raise ValueError("no funds for " + name)

@application.route("/order/<name>")
def order(name):
    return {}[name]

handler = stage.attach("shop")
client = application.test_client()
for name in ("ada", "bob", "cyd", "42"):
    client.get("/user/" + name)
client.get("/order/ada")
handler.drain(10)
stage.accounts(handler)
"""

STRUCTLOG = """
import logging, stage, structlog
handler = stage.attach("shop")
structlog.configure(
    processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)
{formatter}
log = structlog.get_logger("shop")
for name in ("ada", "bob"):
    log.error("order is not paid", user=name, order={{"id": name}})
    log.error("order is not packed", user=name)
handler.drain(10)
stage.accounts(handler)
"""

TEMPLATES = """
import logging, stage
handler = stage.attach("shop")
log = logging.getLogger("shop")
for number in range(3):
    log.error("%s", f"order {number} is not paid")
    log.error("%s: %s", "the disk is full", number)
    log.error("%s", OSError(number, "the network is down"))
    log.error("order %s is not packed", "abc"[number])
handler.drain(10)
stage.accounts(handler)
"""

LONG = """
import logging, stage
handler = stage.attach("shop")
log = logging.getLogger("shop")
for number in range(3):
    log.error("%s order %d is not paid %s" % ("before " * n, number, "after " * n))
    log.error(f"{'before ' * n}order {number} is not packed{' after' * n}")
handler.drain(10)
stage.accounts(handler)
"""

SCHEDULER = """
import logging, stage
handler = stage.attach("apscheduler")
log = logging.getLogger("apscheduler.executors.default")

def job_a(): raise ValueError("no funds")
def job_b(): raise ValueError("no funds")

for number in range(3):
    for job in (job_a, job_b):
        try:
            job()
        except BaseException:
            log.exception('Job "%s" raised an exception', job.__name__)
handler.drain(10)
stage.accounts(handler)
"""


def problems(outcome: Outcome) -> list[int]:
    """How many records each alert stands for together with the summary of its group."""
    alerts = [push for push in outcome.messages if push.params["priority"] == "2"]
    summaries = [stands_for(push) for push in outcome.messages if push.params["priority"] != "2"]
    assert all(stands_for(push) == 1 for push in alerts)
    repeats = sorted(summaries, reverse=True) + [0] * len(alerts)
    return [1 + count for count in repeats[: len(alerts)]]


@pytest.mark.scenario("U3")
def test_two_views_through_one_template_of_django_are_two_problems(scenario: Scenario) -> None:
    """U3: django.request has one template for every view; the stack tells them apart."""
    pytest.importorskip("django")

    outcome = scenario.run(DJANGO)

    assert problems(outcome) == [3, 3]
    assert sum("ValueError: no funds for ada" in text for text in outcome.texts) >= 1
    assert sum("KeyError: 'ada'" in text for text in outcome.texts) >= 1
    assert outcome.records == outcome.notes["accepted"] == 6


@pytest.mark.scenario("U3")
def test_one_bug_of_flask_under_many_paths_is_one_problem(scenario: Scenario) -> None:
    """U3: Flask writes the path into the text; the same bug is behind all of them."""
    pytest.importorskip("flask")

    outcome = scenario.run(FLASK)

    assert problems(outcome) == [4, 1]
    assert outcome.records == 5


@pytest.mark.scenario("U3")
@pytest.mark.parametrize(
    "formatter",
    [
        "",
        "handler.setFormatter(structlog.stdlib.ProcessorFormatter("
        "processor=structlog.processors.JSONRenderer()))",
        "handler.setFormatter(structlog.stdlib.ProcessorFormatter("
        "processor=structlog.dev.ConsoleRenderer(colors=True)))",
    ],
    ids=["no formatter", "JSON", "console"],
)
def test_structlog_is_grouped_by_its_event(scenario: Scenario, formatter: str) -> None:
    """U3: the message is a mapping; its event says what happened, all else is context."""
    pytest.importorskip("structlog")

    outcome = scenario.run(STRUCTLOG.format(formatter=formatter))

    assert problems(outcome) == [2, 2]
    assert all("order is not pa" in text for text in outcome.texts)


@pytest.mark.scenario("U3")
def test_a_template_without_words_is_compared_by_its_text(scenario: Scenario) -> None:
    """U3: everything that is logged as "%s" would be one problem otherwise."""
    outcome = scenario.run(TEMPLATES)

    assert problems(outcome) == [3, 3, 3, 3]
    assert outcome.records == 12


@pytest.mark.scenario("U3")
@pytest.mark.parametrize("words", [10, 60, 200])
def test_a_long_text_is_compared_without_the_id_in_it(scenario: Scenario, words: int) -> None:
    """U3: nothing is cut before what varies is taken out."""
    outcome = scenario.run(LONG.replace("* n", f"* {words}"))

    assert problems(outcome) == [3, 3]
    assert outcome.records == 6


@pytest.mark.scenario("U3")
def test_two_jobs_through_one_template_of_a_scheduler_are_two_problems(scenario: Scenario) -> None:
    """U3: the same exception class and text, raised by two functions."""
    outcome = scenario.run(SCHEDULER)

    assert problems(outcome) == [3, 3]
    assert outcome.records == 6


@pytest.mark.scenario("U3")
def test_an_explicit_key_comes_first_and_none_has_no_opinion(scenario: Scenario) -> None:
    """U3: a key function that returns None leaves the record to its fingerprint."""
    program = """
import logging, stage

def key(record):
    return "orders" if "order" in record.msg else None

handler = stage.attach("shop", grouping={"key": key, "max_per_minute": 1000})
log = logging.getLogger("shop")
for number in range(2):
    log.error("order %d is not paid", number)
    log.error("order %d is not packed", number)
    log.error("the disk is full")
    log.error("the network is down")
handler.drain(10)
"""

    outcome = scenario.run(program)

    assert problems(outcome) == [4, 2, 2]
    assert outcome.records == 8


@pytest.mark.scenario("U3")
def test_marks_that_differ_in_words_are_different(scenario: Scenario) -> None:
    """U3: the counterpart: other words are another problem, in any place of a text."""
    program = """
import logging, stage
handler = stage.attach("shop")
for number in range(5):
    logging.getLogger("shop").error(f"order {stage.mark(number)} is not paid")
    logging.getLogger("shop").error("%s", "before " * 100 + stage.mark(10 + number))
handler.drain(10)
"""

    outcome = scenario.run(program)

    assert problems(outcome) == [1] * 10
    assert {mark(number) for number in range(5)} <= set(outcome.marks)
