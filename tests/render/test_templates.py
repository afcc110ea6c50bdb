"""A template never loses an alert, and shows no value before it is redacted."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.notice import Snapshot
from pushover_logging.render.redact import Redactor
from pushover_logging.render.templates import fill, local_time

SHOP = Snapshot(86_400.5 * 365, "shop", 40, "ERROR", "hello", None, "/srv/shop/cart.py", 42, "add")


def filled(option: str, text: str, message: str = "hello", **fields: str) -> str:
    return fill(option, text, SHOP._replace(fields=fields), message, Redactor())[0]


def title(text: str, **fields: str) -> str:
    return filled("title", text, **fields)


def url(text: str, **fields: str) -> str:
    return filled("url", text, **fields)


@given(st.text())
def test_any_text_is_filled_or_counts_as_incomplete(text):
    shown, is_complete = fill("title", text, SHOP, "hello", str)

    assert isinstance(shown, str)
    assert is_complete in (True, False)


def test_fields_are_those_of_the_snapshot_and_those_that_it_carries():
    assert title("{levelname} {name} {request_id}", request_id="7") == "ERROR shop 7"


def test_every_standard_field_is_known():
    shown = title(
        "{levelno} {levelname} {name} {message} {pathname} {filename} {module} {lineno} {funcName}"
    )

    assert shown == "40 ERROR shop hello /srv/shop/cart.py cart.py cart 42 add"
    assert title("{created:.0f} {msecs:.0f}") == "31536182 500"


def test_message_and_hostname_are_fields_too():
    assert title("{hostname}: {message}") == f"{socket.gethostname()}: hello"


def test_a_field_that_the_snapshot_carries_is_used_before_one_made_here():
    assert title("{hostname}", hostname="web1") == "web1"


def test_asctime_is_written_as_by_logging():
    assert title("{asctime:.4}").startswith("197")
    assert title("{asctime}").endswith(",500")


def test_formats_and_conversions_are_understood():
    assert title("{lineno:>5}|{name!r}|{{}}") == "   42|'shop'|{}"


def test_items_of_a_mapping_are_found_by_their_source():
    assert title("{data[user]}", **{"data[user]": "ann"}) == "ann"


def test_a_missing_field_leaves_nothing_behind():
    assert fill("title", "{levelname}{request_id}", SHOP, "", str) == ("ERROR", False)


def test_a_format_that_does_not_suit_the_value_is_no_error():
    assert title("{name:d}") == "<str>"


@pytest.mark.parametrize("created", [float("nan"), 1e300, -1e300, float("inf")])
def test_a_time_that_no_clock_shows_is_no_error(created):
    snapshot = SHOP._replace(created=created)

    assert fill("title", "{asctime}", snapshot, "", str)[0] == "(no valid time)"
    assert local_time(created, "%Y") == "(no valid time)"
    assert fill("title", "{name} {msecs}", snapshot, "", str)[0].startswith("shop ")


def test_values_in_an_address_are_quoted():
    assert url("https://x/{id}?q={message}", id="a b/ü&c") == "https://x/a%20b/%C3%BC%26c?q=hello"
    assert url("https://x/{id}", id="\udcff") == "https://x/%5Cxff"


def test_an_address_may_begin_with_a_value():
    assert url("{base}/orders", base="https://x?a=1") == "https://x?a=1/orders"


def test_an_address_that_lacks_a_part_is_incomplete():
    assert not fill("url", "https://x/{request_id}", SHOP, "", str)[1]


def test_a_value_is_redacted_before_it_is_quoted():
    text = "login with password=hunter2 failed"

    shown = filled("url", "https://x/?q={message}", text)

    assert shown == "https://x/?q=login%20with%20password%3D***%20failed"


def test_a_value_is_redacted_before_a_format_cuts_it():
    key = "AKIAIOSFODNN7EXAMPLE"

    assert filled("title", "{message:.10}", f"{key} denied") == "*** denied"
    assert filled("title", "{message!r:.10}", f"{key} denied") == "'*** denie"


def test_a_value_that_the_snapshot_carries_is_redacted_before_a_format_cuts_it():
    key = "AKIAIOSFODNN7EXAMPLE"

    assert title("{data[key]:.10}", **{"data[key]:.10": f"{key} denied"}) == "*** denied"
    assert title("{data[id]:.8}", **{"data[id]:.8": "a1b2c3d4e5f6"}) == "a1b2c3d4"
    assert title("{took:.3}|{n:.2f}", **{"took:.3": "3.14", "n:.2f": "2.50"}) == "3.14|2.50"


def test_the_error_of_a_template_leaves_no_text_behind():
    assert fill("title", "hunter2 {", SHOP, "", str) == ("", False)
