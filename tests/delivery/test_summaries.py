"""A summary shows text and exception of one and the same record, and a digest every group once."""

from __future__ import annotations

import logging
import sys

import pytest

from pushover_logging import Grouping
from pushover_logging.client.constants import Priority
from pushover_logging.delivery.grouping import tag_of

from .bench import Bench, Push, record

HIGH, EMERGENCY = Priority.HIGH, Priority.EMERGENCY


def fail(value: str) -> None:
    raise ValueError(f"bad {value}")


def failing(value: str) -> object:
    try:
        fail(value)
    except ValueError:
        return sys.exc_info()
    raise AssertionError("it did not raise")


def log(bench: Bench, msg: object, *args: object, **options: object) -> None:
    bench.handler.handle(record(msg, *args, **options))  # type: ignore[arg-type]
    bench.logged += 1


def summary_of(bench: Bench) -> Push:
    """The push for the repeats, when there has been one for the first record."""
    bench.run(1)
    bench.drain()
    bench.run()
    assert bench.balances()
    return bench.pushes[-1]


def test_a_summary_shows_the_last_text_and_says_so() -> None:
    bench = Bench()
    log(bench, "user %s failed", "ann")
    bench.run()
    for user in ("bob", "cid", "dan"):
        log(bench, "user %s failed", user)

    push = summary_of(bench)

    assert push.title == "ERROR shop \N{MULTIPLICATION SIGN}3"
    assert push.message.startswith("3 more times, ")
    assert push.message.endswith("The last:\nuser dan failed")


def test_a_summary_of_exceptions_shows_text_and_exception_of_the_first() -> None:
    bench = Bench()
    for user in ("ann", "bob", "cid"):
        log(bench, "user %s failed", user, exc_info=failing(user))

    push = summary_of(bench)

    assert ". The first:\nuser ann failed\nValueError: bad ann" in push.message
    assert "bob" not in push.message
    assert "cid" not in push.message


@pytest.mark.parametrize("options", [{"title": "{order}"}, {"url": "https://e.org/{order}"}])
def test_a_template_that_shows_extras_is_filled_from_the_record_that_is_shown(
    options: dict[str, str],
) -> None:
    bench = Bench(**options)
    for order in ("one", "two"):
        log(bench, "order %s failed", order, order=order)

    push = summary_of(bench)

    assert ". The first:\norder one failed" in push.message
    if "title" in options:
        assert push.title == "one"


def test_a_formatters_text_of_the_first_record_is_shown() -> None:
    bench = Bench()
    bench.handler.setFormatter(logging.Formatter("[shop] %(message)s"))
    for user in ("ann", "bob"):
        log(bench, "user %s failed", user)

    push = summary_of(bench)

    assert push.message.endswith(". The first:\n[shop] user ann failed")


def test_arguments_that_may_have_changed_since_are_not_shown() -> None:
    bench = Bench()
    cart = ["apple"]
    for _ in range(2):
        log(bench, "cart is %s", cart)
    cart[:] = ["pear"]

    push = summary_of(bench)

    assert push.message.endswith(". The first:\ncart is ['apple']")


def test_the_overrides_of_the_first_record_hold_for_the_summary() -> None:
    bench = Bench()
    for _ in range(2):
        log(bench, "disk is full", pushover={"title": "Storage", "key": "disk"})

    push = summary_of(bench)

    assert push.title == "Storage"
    assert push.tags == (tag_of("disk"),)


def test_a_summary_shows_no_credentials() -> None:
    bench = Bench()
    for _ in range(3):
        log(bench, "login with password=hunter2 failed")

    push = summary_of(bench)

    assert push.message.endswith("login with password=*** failed")


def test_a_digest_names_every_group_once_with_its_count_and_exception() -> None:
    bench = Bench(grouping=Grouping(max_per_minute=1))
    for _ in range(4):
        log(bench, "disk is full")
        log(bench, "payment failed", exc_info=failing("card"))
    log(bench, "on fire", level=logging.CRITICAL)

    bench.run(1)

    (push,) = bench.pushes
    assert push.priority is EMERGENCY
    assert push.title == "3 different messages \N{MULTIPLICATION SIGN}9"
    assert push.message.startswith("CRITICAL shop: on fire\n")
    assert push.message.count("disk is full") == 1
    assert "payment failed (ValueError: bad card)" in push.message
    assert bench.balances()


def test_a_digest_carries_the_tags_of_its_groups() -> None:
    bench = Bench(grouping=Grouping(max_per_minute=1))
    for key in ("payments", "mail"):
        bench.log(f"{key} broken", EMERGENCY, key=key)

    bench.run(1)

    assert bench.pushes[0].tags == (tag_of("payments"), tag_of("mail"))


def test_a_digest_of_thousands_has_a_bounded_number_of_tags() -> None:
    bench = Bench(grouping=Grouping(max_per_minute=1))
    for number in range(500):
        bench.log("broken", EMERGENCY, key=f"key {number}")

    bench.run(1)

    assert len(bench.pushes[0].tags) <= 50
    assert bench.pushes[0].records == 500
