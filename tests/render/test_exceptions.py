"""Exceptions are written with what matters first: the application's own call next to them."""

from __future__ import annotations

import linecache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.notice import Frame, SnapshotError
from pushover_logging.render.exceptions import (
    fitted,
    plain_text,
    sections,
    short_path,
    without_copy,
)
from pushover_logging.render.html import MARKUP, PLAIN

OWN = Frame("/srv/shop/cart.py", 17, "load", True)
MAIN = Frame("/srv/shop/main.py", 3, "main", True)
LIBRARY = Frame("/v/lib/python3.12/site-packages/urllib3/connection.py", 174, "connect")


def error(text="ValueError: bad", *frames, relation="", cut=0, omitted=0):
    return SnapshotError(relation, text, cut, frames, omitted)


def written(*exceptions, ink=PLAIN, room=None, tidy=str):
    return fitted(sections(exceptions, ink, tidy), room)


def test_the_calls_follow_the_exception_the_innermost_first():
    assert written(error("ValueError: bad", OWN, MAIN)).splitlines() == [
        "ValueError: bad",
        "at load, shop/cart.py:17",
        "at main, shop/main.py:3",
    ]


def test_the_applications_innermost_call_stands_before_the_library_that_raised():
    assert written(error("OSError: refused", LIBRARY, LIBRARY, OWN, MAIN)).splitlines() == [
        "OSError: refused",
        "at load, shop/cart.py:17",
        "raised at connect, urllib3/connection.py:174 (2 times)",
        "at main, shop/main.py:3",
    ]


def test_the_applications_innermost_call_is_shown_where_little_fits():
    frames = [Frame(f"/usr/lib/python3.12/x{n}.py", n, "call") for n in range(20)]

    shown = written(error("OSError: refused", *frames, OWN), room=100)

    assert shown.splitlines()[1] == "at load, shop/cart.py:17"


def test_without_a_call_of_the_application_the_innermost_stands_first():
    lines = written(error("OSError: refused", LIBRARY, Frame("x.py", 1, "run"))).splitlines()

    assert lines[1:] == ["at connect, urllib3/connection.py:174", "at run, x.py:1"]


def test_the_line_of_source_stands_under_the_call():
    here = Frame(
        __file__, test_the_line_of_source_stands_under_the_call.__code__.co_firstlineno, "f"
    )
    linecache.clearcache()

    assert written(error("E", here)).splitlines()[2] == (
        "  def test_the_line_of_source_stands_under_the_call():"
    )


def test_a_file_that_changed_is_read_again(tmp_path: Path):
    file = tmp_path / "shop.py"
    file.write_text("old\n")
    written(error("E", Frame(str(file), 1, "f")))

    file.write_text("newer\n")

    assert "  newer" in written(error("E", Frame(str(file), 1, "f")))


def test_a_relation_stands_before_the_exception():
    lines = written(error(), error("KeyError: 'a'", relation="caused by")).splitlines()

    assert lines == ["ValueError: bad", "caused by KeyError: 'a'"]


def test_the_same_call_many_times_over_is_written_once():
    lines = written(error("RecursionError", *[OWN] * 30, omitted=970)).splitlines()

    assert lines[1:] == ["at load, shop/cart.py:17 (30 times)", "… 970 more calls"]


def test_every_exception_is_named_before_its_calls_are_listed():
    chain = [
        error(f"Error{n}", *[Frame(f"f{n}.py", line, "g") for line in range(9)], relation="by")
        for n in range(5)
    ]

    shown = written(*chain, room=230)

    assert len(shown) <= 230
    assert all(f"Error{n}" in shown for n in range(5))
    assert "f0.py:0" in shown
    assert "f4.py:0" in shown


def test_every_text_is_tidied_before_it_is_cut():
    secret = "AKIA" + "X" * 16
    exceptions = [error("E: " + "x" * 395 + secret * 9, OWN)]

    shown = written(*exceptions, tidy=lambda text: text.replace(secret, "***"))

    assert "AKI" not in shown
    assert "XX" not in shown


def test_markup_is_bold_and_escaped():
    assert written(error("E: <b>", OWN), ink=MARKUP).startswith("<b>E: &lt;b&gt;</b>\nat load")


FRAMES = st.builds(Frame, st.text(max_size=60), st.integers(), st.text(max_size=60), st.booleans())
ERRORS = st.builds(
    SnapshotError,
    st.sampled_from(["", "caused by", "1."]),
    st.text(max_size=2000),
    st.integers(0, 10**6),
    st.lists(FRAMES, max_size=12).map(tuple),
    st.integers(0, 10**4),
)


@given(
    st.lists(ERRORS, min_size=1, max_size=6), st.integers(0, 1024), st.sampled_from([PLAIN, MARKUP])
)
def test_whatever_the_exceptions_they_fit(exceptions, room, ink):
    assert len(fitted(sections(exceptions, ink, str), room)) <= room


def test_plain_text_has_all_of_it():
    text = plain_text([error("ValueError: bad", LIBRARY, OWN), error("E", relation="caused by")])

    assert text.splitlines() == [
        "ValueError: bad",
        "at load, shop/cart.py:17",
        "raised at connect, urllib3/connection.py:174",
        "caused by E",
    ]


TRACEBACK = """Traceback (most recent call last):
  File "cart.py", line 17, in load
    raise ValueError("bad")
ValueError: bad"""


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"failed\n{TRACEBACK}\n", "failed"),
        (TRACEBACK, ""),
        (f"failed\n{TRACEBACK}\nretrying", "failed\nretrying"),
        (TRACEBACK.replace("bad", "other"), TRACEBACK.replace("bad", "other")),
        ("failed: ValueError: bad", "failed: ValueError: bad"),
    ],
)
def test_a_traceback_in_the_text_of_the_same_exception_is_taken_out(text, left):
    assert without_copy(text, "ValueError: bad") == left


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
