"""Templates are checked when the handler is configured, and never fail in the logging call."""

from __future__ import annotations

import logging
import socket
import time
from collections import UserDict
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.config import read_config
from pushover_logging.config.templates import (
    STANDARD,
    Placeholder,
    Template,
    formatted,
    placeholder_text,
    record_reader,
)
from pushover_logging.notice import TEXT_BOUND

KEYS = {"token": "t" * 30, "user": "u" * 30}


class Hostile(Mapping[str, object]):
    def __getitem__(self, name: str) -> object:
        raise RuntimeError("secret")

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("secret")

    def __len__(self) -> int:
        raise RuntimeError("secret")


class Broken:
    def __format__(self, spec: str) -> str:
        raise RuntimeError

    def __repr__(self) -> str:
        raise RuntimeError


def record(**attributes: object) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "shop", "levelname": "ERROR", **attributes})


def text_of(placeholder: str, **attributes: object) -> str | None:
    (parsed,) = Template("title", f"{{{placeholder}}}").placeholders
    return placeholder_text(parsed, record(**attributes))


@pytest.mark.parametrize(
    "text",
    ["{", "}", "{name", "{}", "{0}", "{name.__class__}", "{data[a].b}", "{data[}", "{data[]}",
     "{data]}", "{data[a]b}", "{data[a}", "{[a]}", "{a b}", "{name!x}", "{name!}",
     "{lineno:{levelno}}", "{message[a]}", "{x:>10000}", "{x:.99999f}"],
)  # fmt: skip
def test_a_broken_template_is_refused_by_the_name_of_its_option(text: str) -> None:
    with pytest.raises(ValueError, match=r"^url_title is ") as caught:
        Template("url_title", text)

    assert len(str(caught.value).splitlines()) == 1


@given(st.text())
def test_any_text_is_a_template_or_a_value_error(text: str) -> None:
    message = ""
    try:
        for placeholder in Template("title", text).placeholders:
            placeholder_text(placeholder, record())
    except ValueError as error:
        message = str(error)

    assert len(message.splitlines()) <= 1


def test_a_template_is_taken_apart() -> None:
    template = Template("title", "{levelname:>8} {{{data[user][name]!r:.5}}}!")

    assert template.parts == (
        ("", Placeholder("levelname:>8", "levelname", (), None, ">8")),
        (" {", None),
        ("", Placeholder("data[user][name]!r:.5", "data", ("user", "name"), "r", ".5")),
        ("}", None),
        ("!", None),
    )
    assert [placeholder.field for placeholder in template.placeholders] == ["levelname", "data"]


@pytest.mark.parametrize(
    ("placeholder", "text"),
    [
        ("request_id", "7"),
        ("request_id:>3", "  7"),
        ("user!r", "'ann'"),
        ("data[name]", "tasks.add"),
        ("data[deep][er]", "found"),
        ("data[3]", "three"),
        ("other[name]", "from a UserDict"),
        ("broken", "<Broken>"),
        ("broken!r", "<Broken>"),
        ("user:d", "<str>"),
    ],
)
def test_fields_and_items_of_mappings_are_reached(placeholder: str, text: str) -> None:
    """Celery puts what it knows of a task into a mapping on the record."""
    data = {"name": "tasks.add", "deep": {"er": "found"}, 3: "three"}
    other: Mapping[str, str] = UserDict({"name": "from a UserDict"})

    assert (
        text_of(placeholder, request_id=7, user="ann", data=data, other=other, broken=Broken())
        == text
    )


@pytest.mark.parametrize(
    "placeholder",
    ["absent", "absent[a]", "data[absent]", "user[0]", "rows[0]", "hostile[a]", "data[4]"],
)
def test_a_field_or_item_that_is_not_there_has_no_text(placeholder: str) -> None:
    assert text_of(placeholder, data={}, user="ann", rows=[1], hostile=Hostile()) is None


def test_the_text_of_a_value_is_bounded() -> None:
    assert text_of("x", x="a" * 10**6) == "a" * TEXT_BOUND
    assert len(formatted(list(range(10**5)), Placeholder("x", "x"))) == TEXT_BOUND


def test_fields_that_a_snapshot_carries_are_not_formatted_in_the_logging_call() -> None:
    config = read_config(
        {
            **KEYS,
            "title": "{levelname} {name} {lineno} {message} {hostname} {asctime} {tenant}",
            "url": "https://x/{data[id]}/{tenant}",
            "url_title": "{data[id]}",
            "loggers": {"a": {"title": "{tenant!r}"}},
            "grouping": {"key": "{only_in_the_key}"},
        }
    )

    sources = [placeholder.source for placeholder in config.placeholders]

    assert sorted(sources) == ["data[id]", "tenant", "tenant!r"]
    assert read_config(KEYS).placeholders == ()
    assert "levelname" in STANDARD


def test_a_key_is_read_from_the_record_in_the_logging_call() -> None:
    made = logging.LogRecord("shop", 40, "/cart.py", 7, "order %s failed", (7,), None, "add")
    made.data = {"id": 5}
    fields = ("{message}", "{hostname}", "{asctime:.4}", "{levelno:>4}", "{name} {funcName}",
              "{data[id]}", "{{}}")  # fmt: skip

    keys = [record_reader(Template("grouping.key", text))(made) for text in fields]

    assert keys == [
        *("order 7 failed", socket.gethostname(), time.strftime("%Y"), "  40", "shop add"),
        *("5", "{}"),
    ]
    assert not hasattr(made, "message")


def test_a_key_that_lacks_a_field_is_no_key() -> None:
    assert record_reader(Template("grouping.key", "{name} {absent}"))(record()) is None
