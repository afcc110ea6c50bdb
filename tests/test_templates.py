"""Templates are refused while configuring or else never lose an alert."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.templates import Template, Templates


def record(**attributes: object) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "shop", "levelname": "ERROR", **attributes})


def title(template: str, **attributes: object) -> str:
    return Templates(template, None, None, "web1").fill(record(**attributes), "hello").title


def url(template: str, **attributes: object) -> str:
    return Templates("t", template, None, "web1").fill(record(**attributes), "hello").url


@pytest.mark.parametrize(
    "template",
    ["{", "}", "{name", "{}", "{0}", "{name.__class__}", "{args[0]}", "{a b}", "{name!x}",
     "{lineno:{levelno}}"],
)  # fmt: skip
def test_a_broken_template_is_refused_by_the_name_of_its_option(template):
    with pytest.raises(ValueError, match="url_title is "):
        Templates("t", None, template)


@given(st.text())
def test_any_text_is_a_template_or_a_value_error(text):
    try:
        template = Template("title", text)
    except ValueError:
        return

    template.fill({})


def test_fields_are_the_records_attributes():
    assert title("{levelname} {name} {request_id}", request_id=7) == "ERROR shop 7"


def test_message_and_hostname_are_fields_too():
    assert title("{hostname}: {message}") == "web1: hello"


def test_asctime_is_a_field_though_no_formatter_ran():
    assert title("{asctime:.4}", created=86400.0 * 365).startswith("197")


def test_formats_and_conversions_are_understood():
    assert title("{lineno:>5}|{name!r}|{{}}", lineno=42) == "   42|'shop'|{}"


def test_a_missing_field_leaves_nothing_behind():
    assert title("{levelname}{request_id}") == "ERROR"


def test_a_title_of_missing_fields_alone_becomes_the_default():
    assert title("{request_id}") == "ERROR shop"


def test_a_title_that_was_meant_to_be_blank_stays_blank():
    assert title("") == ""


def test_a_value_that_cannot_be_shown_is_named_by_its_type():
    class Broken:
        def __format__(self, spec: str) -> str:
            raise RuntimeError

    assert title("{levelname} {thing}", thing=Broken()) == "ERROR <Broken>"


def test_a_format_that_does_not_suit_the_value_is_no_error():
    assert title("{name:d}") == "<str>"


def test_values_in_an_address_are_quoted():
    assert url("https://x/{id}?q={message}", id="a b/ü&c") == "https://x/a%20b/%C3%BC%26c?q=hello"
    assert url("https://x/{id}", id="\udcff") == "https://x/%3F"


def test_an_address_may_begin_with_a_value():
    assert url("{base}/orders", base="https://x?a=1") == "https://x?a=1/orders"


def test_an_address_that_lacks_a_part_is_left_out():
    assert url("https://x/{request_id}") == ""


def test_only_what_cannot_change_may_wait():
    assert Templates(
        "{levelname} {name} {lineno} {message} {hostname} {asctime}", None, None
    ).can_wait
    assert not Templates("{request_id}", None, None).can_wait
    assert not Templates("t", "https://x/{request_id}", None).can_wait


def test_the_machines_name_is_looked_up_if_shown():
    import socket

    templates = Templates("{hostname}", None, None)

    assert templates.fill(record(), "").title == socket.gethostname()
