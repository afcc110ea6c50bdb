"""Markup is never cut inside a tag or an entity, and a record can never add any of its own."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.render.html import bold, cut, escape, strip

PIECE = r"""<(?:/?[biu]|/font|/a|font color="[^"<>]*"|a href="[^"<>]*")>|&(?:[a-z]+|#\d+);|[^<>&]"""
PIECES = ["<b>", "</b>", "<i>", "</i>", '<a href="https://x/?a&b">', "</a>", "&lt;", "&", "<", "x"]
PIECES += ["<script>", '<font color="red">', "</font>", "&#39;", '"', "word ", "<b", "</", "é"]
MARKUP = st.lists(st.sampled_from(PIECES), max_size=200).map("".join)


def seen(markup: str) -> str:
    return html.unescape(strip(markup))


def assert_well_formed(markup: str) -> None:
    assert re.fullmatch(f"(?s:{PIECE})*", markup), markup
    open_tags: list[str] = []
    for closing, name in re.findall(r"<(/?)([a-z]+)[^>]*>", markup):
        if closing:
            assert open_tags.pop() == name
        else:
            open_tags.append(name)
    assert not open_tags


@given(st.text())
def test_escaped_text_shows_exactly_itself(text):
    assert html.unescape(escape(text)) == text
    assert not set("<>\"'") & set(escape(text))


@given(st.text(alphabet="<>&\"'abc ", max_size=600), st.integers(60, 300))
def test_escaped_text_keeps_both_its_ends(text, limit):
    shown = seen(cut(escape(text), limit))

    assert len(cut(escape(text), limit)) <= limit
    if shown != text:
        head, gone, tail = shown.split(" … ")
        assert text.startswith(head)
        assert text.endswith(tail)
        assert gone == f"{len(text) - len(head) - len(tail)} characters"


@given(MARKUP, st.integers(0, 300), st.floats(0, 1))
def test_whatever_is_cut_stays_well_formed(markup, limit, tail):
    shown = cut(markup, limit, tail=tail)

    assert len(shown) <= limit
    assert_well_formed(shown)


@given(MARKUP)
def test_what_fits_shows_the_same_text(markup):
    assert seen(cut(markup, 10_000)) == seen(markup)


def test_known_tags_stay():
    markup = '<b>a</b><i>b</i><u>c</u><font color="#f00">d</font><a href="https://x/?a=1&b">e</a>'

    assert cut(markup, 1024) == markup


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
        ("<b onclick='x'>y", "&lt;b onclick=&#39;x&#39;&gt;y"),
        ("a < b && c", "a &lt; b &amp;&amp; c"),
        ("<b>never closed", "<b>never closed</b>"),
        ("never opened</b>", "never opened"),
        ("<b>one <i>two</b> three", "<b>one <i>two</i></b> three"),
        ("<B>loud</B>", "<B>loud</b>"),
    ],
)
def test_what_is_no_markup_is_made_text_or_mended(markup, shown):
    assert cut(markup, 1024).lower() == shown.lower()


def test_a_tag_around_the_cut_is_closed_and_opened_again():
    shown = cut(bold("x" * 100), 60)

    assert re.fullmatch(r"<b>x+</b> … \d+ characters … <b>x+</b>", shown)


def test_an_address_is_kept_whole_or_not_at_all():
    markup = f'{"x" * 100}<a href="https://example.com/{"y" * 50}">link</a>'

    assert "https" not in cut(markup, 90)
    assert_well_formed(cut(markup, 90))
