"""Any record gives a push that the service accepts and a person can read."""

from __future__ import annotations

import copy
import gc
import logging
import re
import sys
import time
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pushover_logging.alerts import is_blank
from pushover_logging.rendering import Renderer, Style

from pushover_logging.client.constants import Priority

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=1500)


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def record(msg="hello", *args, exc_info=None, level=logging.ERROR, **extra):
    made = logging.getLogger("shop").makeRecord(
        "shop", level, "/srv/shop/cart.py", 7, msg, args, exc_info, "add", extra or None
    )
    if "stack_info" in extra or "exc_text" in extra:
        raise AssertionError("set them on the record")
    return made


def push(made, style=None, formatter=None, priority=Priority.HIGH, **options):
    renderer = Renderer(style or Style(), **options)
    return renderer.render(renderer.capture(made, formatter), priority)


def caught(function, *args):
    try:
        function(*args)
    except Exception:
        return sys.exc_info()
    raise AssertionError("it did not raise")


def fail(text="bad"):
    raise ValueError(text)


def nested(depth, function=fail):
    if depth:
        return nested_too(depth - 1, function)
    return function()


def nested_too(depth, function):
    return nested(depth, function)


def assert_valid(alert):
    parameters = alert.parameters()
    assert 1 <= len(parameters["message"]) <= 1024
    assert not is_blank(parameters["message"])
    assert len(parameters.get("title", "")) <= 250
    assert len(parameters.get("url", "")) <= 512
    assert len(parameters.get("url_title", "")) <= 100
    assert all(isinstance(value, str) for value in parameters.values())
    assert "".join(parameters.values()).encode()
    assert ("retry" in parameters) == ("expire" in parameters) == (parameters["priority"] == "2")
    assert not {"html", "monospace"} <= parameters.keys()
    assert not {"token", "user"} & parameters.keys()


class TestAnAlert:
    def test_says_what_the_record_says(self):
        made = record("order %d of %s", 7, "Ann")
        made.created = 1_700_000_000.9

        alert = push(made)

        assert alert.message == "order 7 of Ann"
        assert alert.title == "ERROR shop"
        assert alert.timestamp == 1_700_000_000
        assert alert.levelno == logging.ERROR
        assert alert.priority is Priority.HIGH
        assert alert.complaints == ()

    def test_has_the_style_of_its_handler(self):
        style = Style(
            title="{hostname} {levelname}",
            url="https://x/{lineno}",
            url_title="{name}",
            device="phone",
            sound="siren",
            ttl=60,
            params={"new": "1"},
        )

        alert = push(record(), style, hostname="web1")

        assert (
            alert.parameters().items()
            >= {
                "title": "web1 ERROR",
                "url": "https://x/7",
                "url_title": "shop",
                "device": "phone",
                "sound": "siren",
                "ttl": "60",
                "new": "1",
            }.items()
        )

    def test_has_a_title_of_one_line_within_the_limit(self):
        alert = push(record("a\nb" * 400), Style(title="{message}"))

        assert "\n" not in alert.title
        assert 200 < len(alert.title) <= 250

    def test_of_a_dictionary_of_arguments(self):
        assert push(record("%(a)s is %(b)d", {"a": "x", "b": 2})).message == "x is 2"

    def test_of_a_record_class_of_its_own_is_formatted_by_it(self):
        class BraceRecord(logging.LogRecord):
            def getMessage(self) -> str:  # noqa: N802
                return self.msg.format(*self.args)

        made = BraceRecord("shop", 40, "p", 1, "{} + {}", (1, 2), None)

        assert push(made).message == "1 + 2"

    def test_carries_a_time_even_if_the_record_has_none(self):
        made = record()
        made.created = float("nan")

        assert push(made).timestamp >= 1_700_000_000

    @settings(max_examples=300)
    @given(
        msg=ANY_TEXT | st.none() | st.integers() | st.binary() | st.builds(Broken),
        args=st.lists(ANY_TEXT | st.integers() | st.floats() | st.builds(Broken), max_size=3),
        error=st.none() | ANY_TEXT,
        title=st.sampled_from(["", "{levelname} {name}", "{message}", "{thing}", "{lineno:d}"]),
        html=st.booleans(),
        formatter=st.none() | st.sampled_from(["%(message)s", "<b>%(thing)s</b>", "%(missing)s"]),
        overrides=st.dictionaries(
            st.sampled_from(["message", "title", "url", "url_title", "html", "monospace", "retry",
                             "expire", "tags", "sound", "new"]),
            ANY_TEXT | st.integers() | st.booleans() | st.lists(st.text(), max_size=3),
        ),
        priority=st.sampled_from(Priority),
    )  # fmt: skip
    def test_of_any_record_is_valid(
        self, msg, args, error, title, html, formatter, overrides, priority
    ):
        exc_info = None if error is None else caught(fail, error)
        made = record(msg, *args, exc_info=exc_info, thing=Broken(), pushover=overrides)
        style = Style(title=title, html=html, url="https://x/{thing}")

        alert = push(made, style, formatter and logging.Formatter(formatter), priority)

        assert_valid(alert)
        assert not any("could not be laid out" in complaint for complaint in alert.complaints)


@pytest.mark.parametrize(
    ("msg", "args", "parts"),
    [
        ("%d items", ("x",), ["%d items", "ERROR shop", "not be filled in", "'x'", "TypeError"]),
        ("%s items", (), ["%s items"]),
        ("%s and %s", ("x",), ["%s and %s", "not enough arguments"]),
        ("100%", ("x",), ["100%", "incomplete format"]),
        ("is %s", (Broken(),), ["is %s", "ERROR shop", "<Broken>", "RuntimeError: no text"]),
        (Broken(), (), ["<Broken>", "ERROR shop", "RuntimeError: no text"]),
        ({"a": 1}, (), ["{'a': 1}"]),
        (ValueError("bad"), (), ["bad"]),
        (ValueError(), (), ["ValueError"]),
        (b"bytes", (), ["bytes"]),
        (None, (), ["None"]),
        (7, (), ["7"]),
    ],
)  # fmt: skip
def test_g1_a_text_that_cannot_be_made_is_named_with_what_was_wrong(msg, args, parts):
    alert = push(record(msg, *args))

    assert all(part in alert.message for part in parts), alert.message


def test_g2_what_no_screen_shows_is_made_readable():
    alert = push(record("nul \x00, byte \udcff, %s", "\x1b[31mred\x1b[0m"))

    assert alert.message == "nul \\x00, byte \\xff, red"


@pytest.mark.parametrize("blank", ["", "  \n ", "\u200b"])
@pytest.mark.parametrize("html", [False, True])
def test_g3_a_blank_message_says_where_it_was_logged(blank, html):
    alert = push(record(blank), Style(html=html))

    assert alert.message == "(blank message, logged at cart.py:7)"


def test_g3_a_blank_message_with_an_exception_is_the_exception():
    assert push(record("", exc_info=caught(fail))).message.startswith("ValueError: bad\nat fail")


def test_g4_the_text_is_as_at_the_call():
    items = ["a"]
    renderer = Renderer(Style(title="{thing}"))
    captured = renderer.capture(record("%s", items, thing=items))

    items.append("b")
    alert = renderer.render(captured, Priority.HIGH)

    assert (alert.title, alert.message) == ("['a']", "['a']")


def test_g4_a_handler_that_rewrites_the_record_comes_too_late():
    renderer = Renderer(Style())
    made = record("order %d", 7)
    captured = renderer.capture(made)

    made.msg, made.args = "[RED]", ()

    assert renderer.render(captured, Priority.HIGH).message == "order 7"


@pytest.mark.parametrize("formatter", [None, logging.Formatter("%(asctime)s %(message)s")])
@pytest.mark.parametrize("html", [False, True])
def test_g5_the_record_is_left_untouched(formatter, html):
    made = record("%s", "x", exc_info=caught(fail), pushover={"tags": ["a"]})
    before = copy.copy(made.__dict__)

    push(made, Style(html=html), formatter)

    assert made.__dict__ == before


class TestG6ATraceback:
    def test_follows_the_message_the_exception_first_then_the_innermost_call(self):
        lines = push(record("failed", exc_info=caught(fail))).message.splitlines()

        assert lines[:2] == ["failed", "ValueError: bad"]
        assert lines[2].startswith("at fail, tests/test_rendering.py:")
        assert lines[3] == "  raise ValueError(text)"

    def test_of_thirty_kilobytes_keeps_message_exception_and_innermost_calls(self):
        made = record("m" * 30_000, exc_info=caught(nested, 100))

        message = push(made).message

        assert 900 < len(message) <= 1024
        assert 300 < len(message.splitlines()[0]) <= 1024 * 2 / 5
        assert message.startswith("m" * 200)
        assert "\nValueError: bad\nat fail, " in message
        assert "at nested, tests/test_rendering.py:" in message
        assert message.splitlines()[-1].endswith("more calls")

    def test_leaves_a_long_message_the_room_it_does_not_need(self):
        made = record("m" * 30_000, exc_info=caught(fail))

        message = push(made).message

        assert 1000 < len(message) <= 1024
        assert "more call" not in message

    def test_with_an_endless_text_keeps_both_its_ends_and_the_innermost_calls(self):
        text = f"begin {'x' * 30_000} end"

        message = push(record("failed", exc_info=caught(fail, text))).message

        assert "ValueError: begin xxx" in message
        assert "xxx end\nat fail" in message

    def test_chained_names_every_exception(self):
        def chained():
            try:
                nested(60)
            except ValueError as error:
                raise KeyError("outer") from error

        message = push(record("failed", exc_info=caught(nested, 60, chained))).message

        assert "\nKeyError: 'outer'\nat chained" in message
        assert "\ncaused by ValueError: bad\nat fail" in message
        assert len(message) <= 1024

    @pytest.mark.skipif(sys.version_info < (3, 11), reason="no ExceptionGroup before")
    def test_of_a_group_names_its_members(self):
        def grouped():
            raise ExceptionGroup("many", [ValueError(f"no. {n}") for n in range(50)])  # noqa: F821

        message = push(record("failed", exc_info=caught(grouped))).message

        assert "\nExceptionGroup: many (50 sub-exceptions)\nat grouped" in message
        assert "\n1. ValueError: no. 0" in message
        assert "\n50. ValueError: no. 49" in message

    def test_of_a_recursion_is_short(self):
        def recurse():
            recurse()

        message = push(record("failed", exc_info=caught(recurse))).message

        assert "\nRecursionError: maximum recursion depth exceeded" in message
        assert "(30 times)" in message

    @pytest.mark.parametrize("nothing", [(None, None, None), True])
    def test_that_is_none_leaves_the_message(self, nothing):
        made = record("hello")
        made.exc_info = nothing

        assert push(made).message == "hello"

    def test_that_came_as_text_keeps_its_end(self):
        made = record("failed")
        made.exc_text = logging.Formatter().formatException(caught(nested, 100))

        message = push(made).message

        assert message.startswith("failed\nTraceback (most recent call last)")
        assert message.endswith("ValueError: bad")
        assert len(message) <= 1024

    def test_and_a_stack_fit_together(self):
        made = record("failed", exc_info=caught(fail))
        made.stack_info = (
            "Stack (most recent call last):\n" + '  File "x.py", line 1\n' * 90 + "END"
        )

        message = push(made).message

        assert message.startswith("failed\nStack (most recent")
        assert "END\nValueError: bad\nat fail" in message

    def test_keeps_no_frame_alive_while_it_waits(self):
        class Local:
            pass

        def fail_holding():
            local = Local()
            seen.append(weakref.ref(local))
            raise ValueError(local)

        seen = []
        captured = Renderer(Style()).capture(
            record("%s", caught(fail_holding)[1], exc_info=caught(fail_holding))
        )
        gc.collect()

        assert captured.trouble
        assert [ref() for ref in seen] == [None, None]

    def test_at_the_end_of_the_stack_still_gives_a_push(self):
        def recurse():
            try:
                recurse()
            except RecursionError:
                captured.append(renderer.capture(record_like(sys.exc_info())))
                raise

        def record_like(exc_info):
            made = copy_of_dict(made_before)
            made.exc_info = exc_info
            return made

        def copy_of_dict(other):
            made = object.__new__(logging.LogRecord)
            made.__dict__.update(other.__dict__)
            return made

        captured = []
        renderer = Renderer(Style())
        made_before = record("%s", [1])
        error = caught(recurse)[1]

        assert captured
        where = error.__traceback__
        while where.tb_next:
            where = where.tb_next
        assert "pushover_logging" not in where.tb_frame.f_code.co_filename
        assert renderer.render(captured[0], Priority.HIGH).message.startswith("[1]")


class TestG7Html:
    STYLE = Style(html=True)

    def test_shows_a_records_text_as_it_is(self):
        alert = push(record("<script>alert(1)</script> & %s", '"<b>"'), self.STYLE)

        assert alert.message == (
            "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;&lt;b&gt;&quot;"
        )

    def test_is_never_cut_inside_an_entity(self):
        alert = push(record("&<>" * 1000), self.STYLE)

        assert 1000 < len(alert.message) <= 1024
        head, _, tail = alert.message.split(" … ")
        assert head.endswith(";")
        assert tail.startswith("&")

    def test_has_the_exception_in_bold(self):
        alert = push(record("failed", exc_info=caught(fail, "a < b")), self.STYLE)

        assert "\n<b>ValueError: a &lt; b</b>\nat fail" in alert.message

    def test_keeps_a_formatters_markup_and_escapes_what_it_shows(self):
        formatter = logging.Formatter("<b>%(funcName)s</b> %(message)s %(user)s %(lineno)03d")
        made = record("%s", "<i>", user="<u>")
        made.funcName = "<lambda>"

        alert = push(made, self.STYLE, formatter)

        assert alert.message == "<b>&lt;lambda&gt;</b> &lt;i&gt; &lt;u&gt; 007"

    def test_keeps_the_markup_of_a_message_the_record_asks_for(self):
        made = record("x", pushover={"html": True, "message": "<b>done</b> <script>"})

        assert push(made).message == "<b>done</b> &lt;script&gt;"

    def test_of_endless_markup_is_closed(self):
        formatter = logging.Formatter("<b>%(message)s</b>")

        message = push(record("x" * 5000), self.STYLE, formatter).message

        assert message.startswith("<b>xxx")
        assert message.endswith("xxx</b>")
        assert len(message) <= 1024

    def test_gives_way_to_a_record_that_asks_for_monospace(self):
        alert = push(record("<x>", pushover={"monospace": True, "html": False}), self.STYLE)

        assert (alert.message, alert.html, alert.monospace) == ("<x>", False, True)


class TestAFormatter:
    def test_makes_the_text(self):
        formatter = logging.Formatter("%(levelname)s: %(message)s")

        assert push(record("hi"), formatter=formatter).message == "ERROR: hi"

    def test_of_the_stock_kind_leaves_the_traceback_to_the_layout(self):
        formatter = logging.Formatter("%(levelname)s: %(message)s")

        message = push(record("hi", exc_info=caught(fail)), formatter=formatter).message

        assert message.startswith("ERROR: hi\nValueError: bad\nat fail")
        assert "Traceback" not in message

    def test_with_tracebacks_of_its_own_keeps_them(self):
        class OneLine(logging.Formatter):
            def formatException(self, ei) -> str:  # noqa: N802
                return f"!! {ei[1]}"

        assert (
            push(record("hi", exc_info=caught(fail)), formatter=OneLine()).message == "hi\n!! bad"
        )

    def test_that_raises_is_named_and_the_message_goes_out(self):
        formatter = logging.Formatter("%(missing)s")

        message = push(record("hello %s", "x", exc_info=caught(fail)), formatter=formatter).message

        assert message.startswith("hello x\n(ERROR shop: this text could not be formatted: ")
        assert "missing" in message
        assert "\nValueError: bad\nat fail" in message

    def test_that_is_none_at_all_is_survived(self):
        assert "AttributeError" in push(record("hello"), formatter=object()).message


class TestOverrides:
    def test_stand_in_for_the_handlers_own(self):
        made = record(
            "secret",
            pushover={
                "message": "m", "title": "{t}", "url": "https://y", "url_title": "Y",
                "timestamp": 5, "sound": "none", "params": {"b": "2"},
            },
        )  # fmt: skip
        style = Style(title="T", url="https://x", url_title="X", sound="siren", params={"a": "1"})

        alert = push(made, style)

        assert alert.parameters().items() >= {
            "message": "m", "title": "{t}", "url": "https://y", "url_title": "Y",
            "timestamp": "5", "sound": "none", "a": "1", "b": "2",
        }.items()  # fmt: skip

    def test_that_are_wrong_leave_the_handlers_own_and_a_complaint(self):
        alert = push(record(pushover={"sound": 7, "retry": 1}), Style(sound="siren"))

        assert alert.sound == "siren"
        assert [complaint.split()[0] for complaint in alert.complaints] == ["sound", "retry"]

    def test_an_address_over_the_limit_is_left_out_and_complained_of(self):
        alert = push(record(pushover={"url": "https://x/" + "y" * 600, "url_title": "Y"}))

        assert "url" not in alert.parameters()
        assert "url_title" not in alert.parameters()
        assert alert.complaints == ("url is 610 characters; at most 512 fit; left out",)


class TestRedact:
    @staticmethod
    def redact(text):
        return text.replace("hunter2", "***")

    def test_sees_every_text_of_a_record(self):
        made = record("m hunter2", exc_info=caught(fail, "e hunter2"), thing="hunter2")
        style = Style(title="{thing} hunter2", url="https://x/{thing}", url_title="{thing}")

        alert = push(made, style, redact=self.redact)

        assert "hunter2" not in str(alert.parameters())
        assert "ValueError: e ***" in alert.message

    def test_sees_what_a_formatter_shows_before_it_is_escaped(self):
        formatter = logging.Formatter("<b>%(message)s %(thing)s</b>")

        alert = push(
            record("key a<b", thing="a<b"),
            Style(html=True),
            formatter,
            redact=lambda text: text.replace("a<b", "***"),
        )

        assert alert.message == "<b>key *** ***</b>"

    def test_comes_before_cutting(self):
        alert = push(record("x" * 662 + "hunter2" * 200), redact=self.redact)

        assert "hunt" not in alert.message
        assert "er2" not in alert.message

    def test_that_raises_lets_no_text_out(self):
        def broken(text):
            raise ValueError(text)

        alert = push(record("hunter2"), redact=broken)

        assert_valid(alert)
        assert alert.message == "(withheld: redact raised ValueError)"
        assert "hunter2" not in str(alert)


class TestCapturing:
    def test_plain_arguments_are_not_formatted_in_the_call(self):
        captured = Renderer(Style()).capture(record("%s %d", "a", 1))

        assert (captured.msg, captured.args) == ("%s %d", ("a", 1))

    @pytest.mark.parametrize("big", [("x" * 10_000_000,), ("%s", "x" * 10_000_000)])
    def test_megabytes_are_not_kept(self, big):
        captured = Renderer(Style()).capture(record(*big))

        assert len(captured.msg) < 20_000
        assert len(captured.record.getMessage()) < 20_000

    def test_ten_megabytes_are_cut_at_once(self):
        renderer = Renderer(Style(html=True))
        made = record("\x00<&>" * 2_500_000)
        started = time.perf_counter()

        alert = renderer.render(renderer.capture(made), Priority.HIGH)

        assert time.perf_counter() - started < 0.5
        assert len(alert.message) <= 1024
        [gone] = re.findall(r" … (\d+) characters … ", alert.message)
        assert int(gone) == pytest.approx(10_000_000, rel=0.01)

    def test_replay_is_a_record_for_another_handler(self):
        items = ["a"]
        captured = Renderer(Style()).capture(record("%s", items, exc_info=caught(fail)))
        items.append("b")

        text = logging.Formatter("%(levelname)s %(name)s %(message)s").format(captured.replay())

        assert text.startswith("ERROR shop ['a']\nValueError: bad\nat fail")

    def test_replay_of_a_plain_record_leaves_the_record_alone(self):
        made = record("%s", "a")

        replayed = Renderer(Style()).capture(made).replay()

        assert replayed is not made
        assert replayed.getMessage() == "a"
        assert made.args == ("a",)


def test_a_template_that_is_none_is_refused_at_construction():
    with pytest.raises(ValueError, match="title is "):
        Renderer(Style(title="{levelname"))
