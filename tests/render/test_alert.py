"""An alert is always something the service accepts, and its texts something a person can read."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.client.constants import Priority
from pushover_logging.render.alert import Alert, clean, cut, is_blank, trim

TIMES = "\N{MULTIPLICATION SIGN}"
ANY_TEXT = st.text(st.characters(exclude_categories=()))


def alert(**changes: object) -> Alert:
    fields = {"message": "m", "title": "t", "priority": Priority.NORMAL, "timestamp": 1, **changes}
    return Alert(**fields)


class TestParameters:
    def test_of_a_plain_push_are_those_it_needs(self):
        parameters = alert().parameters()

        assert parameters == {"message": "m", "title": "t", "priority": "0", "timestamp": "1"}

    def test_carry_everything_that_is_set(self):
        push = alert(
            html=True,
            url="https://x",
            url_title="X",
            device="phone,tablet",
            sound="siren",
            ttl=60,
            params={"new": "1"},
        )

        assert push.parameters() == {
            "message": "m",
            "title": "t",
            "priority": "0",
            "timestamp": "1",
            "html": "1",
            "url": "https://x",
            "url_title": "X",
            "device": "phone,tablet",
            "sound": "siren",
            "ttl": "60",
            "new": "1",
        }

    def test_of_an_emergency_ring_and_never_fade(self):
        push = alert(
            priority=Priority.EMERGENCY, ttl=60, callback="https://c", tags=("a", "b"), retry=45
        )

        assert push.parameters() == {
            "message": "m",
            "title": "t",
            "priority": "2",
            "timestamp": "1",
            "retry": "45",
            "expire": "3600",
            "callback": "https://c",
            "tags": "a,b",
        }

    @pytest.mark.parametrize("priority", [p for p in Priority if p is not Priority.EMERGENCY])
    def test_ring_at_emergency_only(self, priority):
        parameters = alert(priority=priority, callback="https://c", tags=("a",)).parameters()

        assert not parameters.keys() & {"retry", "expire", "callback", "tags"}

    def test_keep_the_bounds_the_service_sets(self):
        parameters = alert(priority=Priority.EMERGENCY, retry=1, expire=86400).parameters()

        assert (parameters["retry"], parameters["expire"]) == ("30", "10800")

    def test_never_ask_for_html_and_monospace_at_once(self):
        parameters = alert(html=True, monospace=True).parameters()

        assert "monospace" not in parameters

    def test_leave_out_the_name_of_a_link_that_is_not_there(self):
        assert "url_title" not in alert(url_title="X").parameters()

    def test_leave_a_blank_title_to_the_service(self):
        assert "title" not in alert(title="").parameters()

    def test_are_valid_utf8_whatever_is_passed_through(self):
        parameters = alert(params={"new": "a\udcff"}, sound="\ud800").parameters()

        assert parameters["new"] == "a\\udcff"
        assert parameters["sound"] == "\\ud800"

    def test_cannot_be_overruled_by_what_is_passed_through(self):
        parameters = alert(params={"priority": "2", "message": ""}).parameters()

        assert (parameters["priority"], parameters["message"]) == ("0", "m")


class TestCounted:
    def test_title_ends_in_the_count(self):
        assert alert().counted(12).title == f"t {TIMES}12"

    def test_one_record_is_not_counted(self):
        assert alert().counted(1).title == "t"

    def test_count_stays_when_the_title_is_full(self):
        title = alert(title="x" * 250).counted(1_000_000).title

        assert len(title) <= 250
        assert title.endswith(f" {TIMES}1000000")

    def test_count_stands_alone_without_a_title(self):
        assert alert(title="").counted(3).title == f"{TIMES}3"


class TestCut:
    @given(ANY_TEXT, st.integers(0, 300), st.floats(0, 1))
    def test_never_goes_over_the_limit(self, text, limit, tail):
        assert len(cut(text * 9, limit, tail=tail)) <= limit

    @given(st.text(), st.integers(0, 300))
    def test_leaves_a_text_that_fits_alone(self, text, spare):
        assert cut(text, len(text) + spare) == text

    @given(st.text("abc", min_size=101, max_size=3000), st.integers(60, 100))
    def test_keeps_both_ends_and_says_how_much_is_gone(self, text, limit):
        head, middle, tail = cut(text, limit).split(" … ")

        assert text.startswith(head)
        assert text.endswith(tail)
        assert middle == f"{len(text) - len(head) - len(tail)} characters"
        assert len(head) > len(tail) > 0

    def test_counts_what_was_taken_out_before(self):
        shown = cut("x" * 2000, 85, missing=5000)

        assert f" … {7000 - shown.count('x')} characters … " in shown

    def test_keeps_more_of_the_tail_if_told(self):
        head, _, tail = cut("x" * 500, 100, tail=2 / 3).split(" … ")

        assert len(tail) > len(head)

    def test_keeps_a_little_where_there_is_room_for_little(self):
        assert cut("abcdefghij", 4) == "abc…"
        assert cut("abcdefghij", 1) == "…"
        assert cut("abcdefghij", 0) == ""

    def test_ten_megabytes_take_no_longer_than_a_page(self):
        text = "x" * 10_000_000
        started = time.thread_time()

        for _ in range(1000):
            cut(text, 1024)

        assert time.thread_time() - started < 1


class TestTrim:
    @given(st.text())
    def test_leaves_all_that_could_be_shown(self, text):
        assert trim(text) == (text, 0)

    def test_keeps_both_ends_of_an_endless_text(self):
        text, gone = trim("a" * 5_000_000 + "b" * 5_000_000)

        assert text == "a" * 4095 + "…" + "b" * 4095
        assert gone == 10_000_000 - 2 * 4095
        assert trim(text) == (text, 0)


class TestClean:
    @given(ANY_TEXT)
    def test_gives_valid_utf8_without_controls(self, text):
        cleaned = clean(text)

        cleaned.encode("utf-8")
        assert not [c for c in cleaned if c not in "\n\t" and (c < " " or "\x7f" <= c < "\xa0")]

    @given(ANY_TEXT)
    def test_is_done_once_and_for_all(self, text):
        assert clean(clean(text)) == clean(text)

    @given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs", "M"))))
    def test_leaves_readable_text_alone(self, text):
        assert clean(text) == text

    @pytest.mark.parametrize(
        ("dirty", "readable"),
        [
            ("a\x00b", "a\\x00b"),
            ("caf\udce9", "caf\\xe9"),
            ("\ud83d\ude00", "😀"),
            ("\ud83d alone", "\\ud83d alone"),
            ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
            ("\tindented\n", "\tindented\n"),
            ("\x1b[1;31mred\x1b[0m", "red"),
            ("\x1b]0;title\x07text", "text"),
            ("\x1bc reset", "\\x1bc reset"),
            ("invoice\u202egpj.exe", "invoice\\u202egpj.exe"),
            ("\u2067אבג\u2069 \u200fok", "אבג \u200fok"),
            ("👩\u200d💻", "👩\u200d💻"),
        ],
    )
    def test_shows_what_cannot_be_seen(self, dirty, readable):
        assert clean(dirty) == readable


class TestIsBlank:
    @pytest.mark.parametrize("text", ["", "  \n\t", "\u200b", "\u2029\ufeff"])
    def test_nothing_to_see_is_blank(self, text):
        assert is_blank(text)

    @pytest.mark.parametrize("text", [".", " 0 ", "…", "é"])
    def test_a_single_sign_is_not(self, text):
        assert not is_blank(text)
