"""Exceptions are frozen without I/O or anything kept alive, and written with what matters first."""

from __future__ import annotations

import builtins
import gc
import linecache
import os
import sys
import weakref

import pytest
from pushover_logging.tracebacks import calls, freeze, heading, plain_text, short_path

needs_groups = pytest.mark.skipif(sys.version_info < (3, 11), reason="no ExceptionGroup before")


def caught(function, *args):
    try:
        function(*args)
    except BaseException:
        return sys.exc_info()
    raise AssertionError("it did not raise")


def fail(text="bad"):
    raise ValueError(text)


def through(function, *args):
    return function(*args)


def recurse():
    recurse()


def headings(exc_info):
    return [heading(block) for block in freeze(exc_info)]


def test_the_calls_begin_with_the_innermost():
    [block] = freeze(caught(through, fail))

    written = calls(block)

    assert heading(block) == "ValueError: bad"
    assert [call.where.split(",")[0] for call in written] == ["at fail", "at through", "at caught"]
    assert written[0].source == "raise ValueError(text)"
    assert f"tests/test_tracebacks.py:{fail.__code__.co_firstlineno + 1}" in written[0].where


def test_what_led_to_it_follows():
    def chained():
        try:
            fail("first")
        except ValueError as error:
            raise KeyError("second") from error

    assert headings(caught(chained)) == ["KeyError: 'second'", "caused by ValueError: first"]


def test_what_it_interrupted_follows():
    def interrupted():
        try:
            fail("first")
        except ValueError:
            fail("second")

    assert headings(caught(interrupted)) == [
        "ValueError: second",
        "while handling ValueError: first",
    ]


def test_what_was_suppressed_does_not():
    def suppressed():
        try:
            fail("first")
        except ValueError:
            raise KeyError("second") from None

    assert headings(caught(suppressed)) == ["KeyError: 'second'"]


@needs_groups
def test_a_group_is_followed_by_its_members():
    def grouped():
        inner = ExceptionGroup("inner", [OSError("three")])  # noqa: F821
        raise ExceptionGroup("many", [ValueError("one"), TypeError("two"), inner])  # noqa: F821

    assert headings(caught(grouped)) == [
        "ExceptionGroup: many (3 sub-exceptions)",
        "1. ValueError: one",
        "2. TypeError: two",
        "3. ExceptionGroup: inner (1 sub-exception)",
        "3.1. OSError: three",
    ]


@needs_groups
def test_notes_stand_under_the_exception():
    error = ValueError("bad")
    error.add_note("while reading row 7")

    assert headings((ValueError, error, None)) == ["ValueError: bad\nwhile reading row 7"]


def test_an_endless_recursion_is_one_call():
    [block] = freeze(caught(recurse))

    [call] = calls(block)

    assert "(30 times)" in call.where
    assert block.outer > 500


def test_a_long_chain_keeps_its_root():
    def chain(length):
        try:
            if length:
                chain(length - 1)
            fail("root")
        except ValueError as error:
            raise ValueError(f"link {length}") from error

    found = headings(caught(chain, 50))

    assert len(found) == 10
    assert found[0] == "ValueError: link 50"
    assert found[-1] == "caused by ValueError: root"


def test_a_chain_that_bites_its_tail_ends():
    error, other = ValueError("a"), ValueError("b")
    error.__cause__, other.__cause__ = other, error

    assert len(freeze(error)) == 2


def test_an_exception_whose_text_cannot_be_made_is_named():
    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    [found] = headings(BrokenError())

    assert found.endswith("BrokenError: (its text could not be made: RuntimeError)")


def test_an_exception_that_breaks_everything_is_named():
    class HostileError(Exception):
        def __getattribute__(self, name: str) -> object:
            raise RuntimeError

    assert headings((HostileError, HostileError(), None)) == ["HostileError"]


@pytest.mark.parametrize("nothing", [None, True, 1, (), (None, None, None), ("a", "b", "c"), "x"])
def test_what_is_no_exception_is_no_trouble(nothing):
    assert freeze(nothing) == ()


def test_an_exceptions_module_is_named_unless_built_in():
    import json

    assert headings(caught(json.loads, "{"))[0].startswith("json.decoder.JSONDecodeError: ")


def test_no_frame_local_or_exception_is_kept_alive():
    class Local:
        pass

    def fail_holding():
        local = Local()
        seen.append(weakref.ref(local))
        fail()

    seen = []
    trouble = freeze(caught(fail_holding))
    gc.collect()

    assert trouble
    assert seen[0]() is None


@pytest.mark.parametrize("prepare", [linecache.getlines, linecache.checkcache])
def test_freezing_touches_no_file(monkeypatch, prepare):
    exc_info = caught(fail)
    linecache.clearcache()
    prepare(__file__)

    def refuse(*args, **kwds):
        raise AssertionError("touched a file")

    monkeypatch.setattr(builtins, "open", refuse)
    monkeypatch.setattr(os, "stat", refuse)
    trouble = freeze(exc_info)

    assert len(trouble[0].frames) == 2


def test_freezing_imports_nothing():
    [found] = headings(ImportError("no", name="no_such_module_of_ours"))

    assert found == "ImportError: no"


def test_source_that_is_not_there_is_left_out():
    [block] = freeze(caught(exec, "raise ValueError"))

    assert calls(block)[0] == ("at <module>, <string>:1", "")


def test_plain_text_has_all_of_it():
    text = plain_text(freeze(caught(fail)))

    assert text.splitlines()[0] == "ValueError: bad"
    assert text.splitlines()[2] == "  raise ValueError(text)"


@pytest.mark.parametrize(
    ("path", "short"),
    [
        ("/srv/app/shop/payments.py", "shop/payments.py"),
        ("/v/lib/python3.11/site-packages/sqlalchemy/engine/base.py", "sqlalchemy/engine/base.py"),
        ("/usr/lib/python3.11/json/decoder.py", "json/decoder.py"),
        (r"C:\app\shop\payments.py", "shop/payments.py"),
        ("/app.py", "app.py"),
        ("app.py", "app.py"),
        ("<string>", "<string>"),
        ("<frozen importlib._bootstrap>", "<frozen importlib._bootstrap>"),
        ("", ""),
    ],
)
def test_a_path_is_shortened_to_what_tells_the_file(path, short):
    assert short_path(path) == short
