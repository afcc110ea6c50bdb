"""A record is frozen in its logging call: without I/O, without raising, with nothing kept alive."""

from __future__ import annotations

import builtins
import copy
import gc
import json
import linecache
import logging
import os
import sys
import weakref
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import record

from pushover_logging.config import HandlerConfig, read_config
from pushover_logging.ingest.snapshot import freeze_exceptions, message_of, take, trim
from pushover_logging.notice import TEXT_BOUND, Notice, Snapshot, decode, encode

needs_groups = pytest.mark.skipif(sys.version_info < (3, 11), reason="no ExceptionGroup before")
KEYS = {"token": "t" * 30, "user": "u" * 30}
CONFIG = read_config(KEYS)


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def frozen(
    made: logging.LogRecord,
    formatter: object = None,
    config: HandlerConfig = CONFIG,
    **overrides: object,
) -> Snapshot:
    return take(made, config, formatter, overrides, ())  # type: ignore[arg-type]


def caught(function: Any, *args: object) -> Any:
    try:
        function(*args)
    except BaseException:
        return sys.exc_info()
    raise AssertionError("it did not raise")


def fail(text: str = "bad") -> None:
    raise ValueError(text)


def through(function: Any, *args: object) -> None:
    return function(*args)


def recurse() -> None:
    recurse()


def said(exc_info: object) -> list[str]:
    """The relation and text of each exception, as a heading shows them."""
    return [f"{e.relation} {e.text}".strip() for e in freeze_exceptions(exc_info)]


# The text.


def test_the_text_is_as_it_was_at_the_call() -> None:
    items = ["a"]

    snapshot = frozen(record("%s", items))
    items.append("b")

    assert snapshot.text == "['a']"
    assert not snapshot.args


@pytest.mark.parametrize("formatter", [None, logging.Formatter("%(asctime)s %(message)s")])
@pytest.mark.parametrize("html", [False, True])
def test_the_record_is_left_untouched(formatter: logging.Formatter | None, html: bool) -> None:
    made = record("%s", "x", exc_info=caught(fail), pushover={"tags": ["a"]})
    made.stack_info = "Stack"
    before = copy.copy(made.__dict__)

    frozen(made, formatter, html=html)

    assert made.__dict__ == before


def test_a_message_that_is_no_text_is_shown_with_the_reason() -> None:
    assert message_of(record(Broken())).startswith("<Broken>\n(ERROR shop: this text is no text: ")


def test_arguments_that_do_not_fit_the_template_are_shown() -> None:
    text = message_of(record("user %d failed", "ann"))

    assert text.startswith("user %d failed\n(ERROR shop: ")
    assert "could not be filled in with 'ann'" in text


@given(st.text(st.characters(exclude_categories=())), st.lists(st.integers() | st.text()))
def test_any_template_and_arguments_give_a_text(msg: str, args: list[object]) -> None:
    made = record(msg, *args)

    assert isinstance(message_of(made), str)
    assert isinstance(frozen(made).text, str)


def test_an_exception_as_the_message_is_named() -> None:
    assert message_of(record(ValueError())) == "ValueError"


def test_a_record_of_a_class_of_its_own_makes_its_text() -> None:
    class BraceRecord(logging.LogRecord):
        def getMessage(self) -> str:  # noqa: N802
            return str(self.msg).format(*self.args)  # type: ignore[misc]

    made = BraceRecord("shop", 40, "p", 1, "{} + {}", (1, 2), None)

    assert frozen(made).text == "1 + 2"


@pytest.mark.parametrize("big", [("x" * 10_000_000,), ("%s", "x" * 10_000_000)])
def test_megabytes_are_not_kept(big: tuple[str, ...]) -> None:
    snapshot = frozen(record(*big))

    assert len(snapshot.text) <= TEXT_BOUND
    assert snapshot.cut == 10_000_000 - (len(snapshot.text) - 1)
    assert snapshot.text[0] == snapshot.text[-1] == "x"


@given(st.text(max_size=3).map(lambda text: text * 4000))
def test_a_text_within_the_bound_is_kept_and_a_longer_one_keeps_both_ends(text: str) -> None:
    kept, cut = trim(text)

    assert len(kept) <= TEXT_BOUND
    assert (cut == 0) == (kept == text)
    assert text.startswith(kept[:1000])
    assert text.endswith(kept[-1000:])


def test_a_stack_follows_the_message() -> None:
    made = record("failed")
    made.stack_info = "Stack (most recent call last):\n  here"

    assert frozen(made).text == "failed\nStack (most recent call last):\n  here"


def test_a_traceback_that_came_as_text_follows_the_message() -> None:
    made = record("failed")
    made.exc_text = "Traceback\nValueError: bad"

    assert frozen(made).text == "failed\nTraceback\nValueError: bad"


def test_a_traceback_is_not_there_twice() -> None:
    made = record("failed", exc_info=caught(fail))
    made.exc_text = "Traceback\nValueError: bad"
    in_message = record("failed\nTraceback\nValueError: bad")
    in_message.exc_text = made.exc_text

    assert frozen(made).text == "failed"
    assert len(frozen(made).exceptions) == 1
    assert frozen(in_message).text.count("Traceback") == 1


# A formatter.


def test_a_formatter_makes_the_text() -> None:
    formatter = logging.Formatter("%(levelname)s: %(message)s")

    snapshot = frozen(record("hi %s", "ann", exc_info=caught(fail)), formatter)

    assert snapshot.text == "ERROR: hi ann"
    assert [error.text for error in snapshot.exceptions] == ["ValueError: bad"]


def test_a_formatter_with_tracebacks_of_its_own_keeps_them() -> None:
    class OneLine(logging.Formatter):
        def formatException(self, ei: Any) -> str:  # noqa: N802
            return f"!! {ei[1]}"

    snapshot = frozen(record("hi", exc_info=caught(fail)), OneLine())

    assert snapshot.text == "hi\n!! bad"
    assert snapshot.exceptions == ()


@pytest.mark.parametrize("formatter", [logging.Formatter("%(missing)s"), object()])
def test_a_formatter_that_fails_is_named_and_the_message_goes_out(formatter: object) -> None:
    snapshot = frozen(record("hello %s", "x", exc_info=caught(fail)), formatter)

    assert snapshot.text.startswith("hello ")
    assert "(ERROR shop: this text could not be formatted: " in snapshot.text
    assert not snapshot.is_markup
    assert [error.text for error in snapshot.exceptions] == ["ValueError: bad"]


def test_a_formatters_markup_is_kept_and_the_values_of_the_record_are_escaped() -> None:
    formatter = logging.Formatter("<b>%(funcName)s</b> %(message)s %(user)s %(lineno)03d")
    made = record("%s", "<i>", user="<u>")
    made.funcName = "<lambda>"

    snapshot = frozen(made, formatter, html=True)

    assert snapshot.text == "<b>&lt;lambda&gt;</b> &lt;i&gt; &lt;u&gt; 007"
    assert snapshot.is_markup


def test_values_are_redacted_before_they_are_escaped() -> None:
    formatter = logging.Formatter("<b>%(message)s %(thing)s</b>")

    snapshot = take(
        record("key a<b", thing="a<b"),
        CONFIG,
        formatter,
        {"html": True},
        (),
        lambda text: text.replace("a<b", "***"),
    )

    assert snapshot.text == "<b>key *** ***</b>"


# Fields and the wire.


def test_fields_that_templates_name_are_kept_as_texts() -> None:
    config = read_config({**KEYS, "title": "{tenant} {data[name]!r:>5}"})

    snapshot = frozen(record(tenant=["a"], data={"name": "x"}), config=config)

    assert snapshot.fields == {"tenant": "['a']", "data[name]!r:>5": "  'x'"}


@pytest.mark.parametrize("wire", ["marshal", "json"])
def test_a_snapshot_is_of_plain_types_that_every_wire_carries(wire: Any) -> None:
    made = record("%s %s", [1], Broken(), exc_info=caught(through, fail), thing=object())
    snapshot = frozen(made, config=read_config({**KEYS, "title": "{thing}"}), sound="siren")
    notice = Notice("new", 1, made.created, ("text", "shop", 40), 1, None, snapshot)

    assert decode(encode(notice, wire)) == notice


def test_odd_fields_of_a_record_do_no_harm() -> None:
    made = record("hello")
    made.lineno, made.funcName, made.pathname = None, None, SimpleNamespace()  # type: ignore[assignment]
    made.levelname, made.name = 7, None  # type: ignore[assignment]

    snapshot = frozen(made)

    assert (snapshot.lineno, snapshot.function, snapshot.levelname) == (0, "", "7")
    encode(Notice("new", 1, 1.0, snapshot=snapshot))


# Exceptions.


def test_the_frames_begin_with_the_innermost() -> None:
    (error,) = freeze_exceptions(caught(through, fail))

    assert error.text == "ValueError: bad"
    assert [frame.function for frame in error.frames] == ["fail", "through", "caught"]
    assert error.frames[0].path == __file__
    assert error.frames[0].line == fail.__code__.co_firstlineno + 1


def test_what_led_to_it_follows() -> None:
    def chained() -> None:
        try:
            fail("first")
        except ValueError as error:
            raise KeyError("second") from error

    assert said(caught(chained)) == ["KeyError: 'second'", "caused by ValueError: first"]


def test_what_it_interrupted_follows() -> None:
    def interrupted() -> None:
        try:
            fail("first")
        except ValueError:
            fail("second")

    assert said(caught(interrupted)) == ["ValueError: second", "while handling ValueError: first"]


def test_a_suppressed_context_is_left_out() -> None:
    def suppressed() -> None:
        try:
            fail("first")
        except ValueError:
            raise KeyError("second") from None

    assert said(caught(suppressed)) == ["KeyError: 'second'"]


@needs_groups
def test_a_group_is_followed_by_its_members() -> None:
    def grouped() -> None:
        inner = ExceptionGroup("inner", [OSError("three")])  # noqa: F821
        raise ExceptionGroup("many", [ValueError("one"), TypeError("two"), inner])  # noqa: F821

    assert said(caught(grouped)) == [
        "ExceptionGroup: many (3 sub-exceptions)",
        "1. ValueError: one",
        "2. TypeError: two",
        "3. ExceptionGroup: inner (1 sub-exception)",
        "3.1. OSError: three",
    ]


@needs_groups
def test_notes_stand_under_the_exception() -> None:
    error = ValueError("bad")
    error.add_note("while reading row 7")

    assert said((ValueError, error, None)) == ["ValueError: bad\nwhile reading row 7"]


def test_an_endless_recursion_keeps_the_innermost_calls_and_counts_the_others() -> None:
    (error,) = freeze_exceptions(caught(recurse))

    assert len(error.frames) == 30
    assert error.omitted > 500


def test_a_long_chain_keeps_its_root() -> None:
    def chain(length: int) -> None:
        try:
            if length:
                chain(length - 1)
            fail("root")
        except ValueError as error:
            raise ValueError(f"link {length}") from error

    found = said(caught(chain, 50))

    assert len(found) == 10
    assert found[0] == "ValueError: link 50"
    assert found[-1] == "caused by ValueError: root"


def test_a_chain_that_returns_to_its_beginning_ends() -> None:
    error, other = ValueError("a"), ValueError("b")
    error.__cause__, other.__cause__ = other, error

    assert len(freeze_exceptions(error)) == 2


def test_an_exception_whose_text_cannot_be_made_is_named() -> None:
    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    (found,) = said(BrokenError())

    assert found.endswith("BrokenError: (its text could not be made: RuntimeError)")


def test_an_exception_that_breaks_everything_is_named() -> None:
    class HostileError(Exception):
        def __getattribute__(self, name: str) -> object:
            raise RuntimeError

    assert said((HostileError, HostileError(), None)) == ["HostileError"]


@pytest.mark.parametrize("nothing", [None, True, 1, (), (None, None, None), ("a", "b", "c"), "x"])
def test_anything_else_than_an_exception_is_ignored(nothing: object) -> None:
    assert freeze_exceptions(nothing) == ()


def test_an_exceptions_module_is_named_unless_built_in() -> None:
    assert said(caught(json.loads, "{"))[0].startswith("json.decoder.JSONDecodeError: ")


def test_a_long_text_of_an_exception_keeps_both_ends() -> None:
    (error,) = freeze_exceptions(caught(fail, f"begin {'x' * 30_000} end"))

    assert error.text.startswith("ValueError: begin xxx")
    assert error.text.endswith("xxx end")
    assert len(error.text) <= TEXT_BOUND
    assert error.cut > 20_000


def test_the_applications_innermost_frame_is_kept_below_any_number_of_library_calls() -> None:
    library = "def deeper(n):\n    return deeper(n - 1) if n else 1 / 0\n"
    names: dict[str, Any] = {}
    exec(compile(library, "/usr/lib/python3/site-packages/lib.py", "exec"), names)

    (error,) = freeze_exceptions(caught(through, names["deeper"], 60))

    own = [frame for frame in error.frames if frame.is_application]
    assert len(error.frames) == 30
    assert [frame.function for frame in own] == ["through"]
    assert error.frames[0].function == "deeper"
    assert error.omitted == 61 + 2 - 30


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/srv/shop/cart.py", True),
        ("/v/lib/python3.11/site-packages/sqlalchemy/engine.py", False),
        ("/usr/lib/python3/dist-packages/apt.py", False),
        (json.__file__, False),
        ("<string>", False),
        ("<frozen importlib._bootstrap>", False),
    ],
)
def test_a_frame_is_the_applications_outside_the_library_and_installed_packages(
    path: str, expected: bool
) -> None:
    code = compile("1 / 0", path, "exec")

    (error,) = freeze_exceptions(caught(exec, code))

    assert error.frames[0].is_application is expected


def test_no_frame_local_or_exception_is_kept_alive() -> None:
    class Local:
        pass

    def fail_holding() -> None:
        local = Local()
        seen.append(weakref.ref(local))
        raise ValueError(local)

    seen: list[weakref.ref[Local]] = []
    snapshot = frozen(record("%s", caught(fail_holding)[1], exc_info=caught(fail_holding)))
    gc.collect()

    assert snapshot.exceptions
    assert [ref() for ref in seen] == [None, None]


@pytest.mark.parametrize("prepare", [linecache.getlines, linecache.checkcache])
def test_freezing_touches_no_file(monkeypatch: pytest.MonkeyPatch, prepare: Any) -> None:
    exc_info = caught(fail)
    linecache.clearcache()
    prepare(__file__)

    def refuse(*args: object, **kwds: object) -> None:
        raise AssertionError("touched a file")

    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", refuse)
        patch.setattr(os, "stat", refuse)
        errors = freeze_exceptions(exc_info)

    assert len(errors[0].frames) == 2


def test_freezing_imports_nothing() -> None:
    assert said(ImportError("no", name="no_such_module_of_ours")) == ["ImportError: no"]


def test_at_the_end_of_the_stack_freezing_raises_at_most_a_recursion_error() -> None:
    made = record("%s", [1])
    found: list[Snapshot] = []

    def to_the_end() -> None:
        try:
            to_the_end()
        except RecursionError:
            made.exc_info = sys.exc_info()
            found.append(frozen(made))
            raise

    caught(to_the_end)

    assert found
    assert found[0].text.startswith("[1]")
