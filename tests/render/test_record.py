"""Any Snapshot gives a push that the service accepts and a person can read."""

from __future__ import annotations

import logging
import math
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushover_logging.client.constants import Priority
from pushover_logging.config.fields import Style
from pushover_logging.notice import TEXT_BOUND, Frame, Snapshot, SnapshotError
from pushover_logging.render.alert import is_blank, trim
from pushover_logging.render.record import Renderer, replay
from pushover_logging.render.redact import Redactor

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=1500)
ERROR = SnapshotError("", "ValueError: bad", 0, (Frame("/srv/shop/cart.py", 17, "fail", True),), 0)
NESTED = tuple(Frame("/srv/shop/cart.py", n, "nested", True) for n in range(30))


def record(text="hello", *args, level=logging.ERROR, **more):
    fields = {"created": 1_700_000_000.9, "pathname": "/srv/shop/cart.py", "lineno": 7, **more}
    name = logging.getLevelName(level)
    return Snapshot(
        name="shop", levelno=level, levelname=name, text=text, args=args or None, **fields
    )


def error(text="ValueError: bad", relation="", frames=ERROR.frames, cut=0, omitted=0):
    return SnapshotError(relation, text, cut, tuple(frames), omitted)


def push(snapshot, style=None, priority=Priority.HIGH, redact=None):
    return Renderer(redact or Redactor()).render(snapshot, style or Style(), priority)


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
        alert = push(record("order %d of %s", 7, "Ann"))

        assert alert.message == "order 7 of Ann"
        assert alert.title == "ERROR shop"
        assert alert.timestamp == 1_700_000_000
        assert alert.levelno == logging.ERROR
        assert alert.priority is Priority.HIGH
        assert alert.complaints == ()

    def test_has_the_style_of_its_handler(self):
        style = Style(
            title="{funcName} {levelname}",
            url="https://x/{lineno}",
            url_title="{name}",
            device="phone",
            sound="siren",
            ttl=60,
            params={"new": "1"},
        )

        alert = push(record(function="add"), style)

        assert (
            alert.parameters().items()
            >= {
                "title": "add ERROR",
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

    def test_has_the_default_title_if_nothing_is_left_of_its_own(self):
        assert push(record(), Style(title="{request_id}")).title == "ERROR shop"
        assert push(record(), Style(title="{broken")).title == "ERROR shop"

    def test_has_no_title_if_that_is_wanted(self):
        assert push(record(), Style(title="")).title == ""

    def test_has_no_link_that_lacks_a_part(self):
        alert = push(record(), Style(url="https://x/{request_id}", url_title="Log"))

        assert not {"url", "url_title"} & alert.parameters().keys()

    @pytest.mark.parametrize("created", [math.nan, math.inf, -1.0, 1e300, -1e300, 1.7e12])
    def test_carries_a_time_of_now_if_the_record_has_none_that_can_be(self, created):
        alert = push(record("hello", created=created), Style(title="{asctime} {msecs}"))

        assert abs(alert.timestamp - time.time()) < 60
        assert alert.message == "hello"
        assert alert.complaints == ()

    @pytest.mark.parametrize("limit", [400, 1024])
    def test_keeps_to_the_limit_it_is_given(self, limit):
        snapshot = record("m" * 3000, exceptions=(error("E: " + "x" * 3000, frames=NESTED),))

        alert = Renderer(Redactor()).render(snapshot, Style(), 1, limit=limit)

        assert limit - 60 < len(alert.message) <= limit

    @settings(max_examples=300)
    @given(
        text=ANY_TEXT,
        args=st.none() | st.lists(ANY_TEXT | st.integers() | st.floats(), max_size=3).map(tuple),
        error=st.none() | ANY_TEXT,
        title=st.sampled_from(["", "{levelname}", "{message}", "{thing}", "{lineno:d}", "{"]),
        html=st.booleans(),
        markup=st.booleans(),
        thing=ANY_TEXT,
        overrides=st.fixed_dictionaries({}, optional={
            "message": ANY_TEXT, "title": ANY_TEXT, "url": ANY_TEXT, "url_title": ANY_TEXT,
            "html": st.booleans(), "retry": st.integers(), "expire": st.integers(),
            "tags": st.lists(ANY_TEXT, max_size=3).map(tuple), "sound": ANY_TEXT,
            "params": st.dictionaries(st.sampled_from(["new", "newer"]), ANY_TEXT),
            "timestamp": st.integers(0, 10**10), "callback": ANY_TEXT,
        }),
        priority=st.sampled_from(Priority),
        created=st.floats(),
    )  # fmt: skip
    def test_of_any_snapshot_is_valid(
        self, text, args, error, title, html, markup, thing, overrides, priority, created
    ):
        snapshot = record(text, created=created)._replace(
            args=args,
            exceptions=() if error is None else (SnapshotError("", error, 0, NESTED, 1),),
            fields={"thing": thing},
            overrides=overrides,
            is_markup=markup,
        )
        style = Style(title=title, html=html, url="https://x/{thing}")

        alert = push(snapshot, style, priority)

        assert_valid(alert)
        assert not any("could not be laid out" in complaint for complaint in alert.complaints)

    ANYTHING = st.none() | st.integers() | st.binary() | ANY_TEXT | st.lists(st.integers())

    @given(st.lists(ANYTHING, min_size=15, max_size=15), st.sampled_from(Priority))
    def test_is_made_of_a_snapshot_that_holds_anything_at_all(self, fields, priority):
        assert_valid(push(Snapshot(*fields), priority=priority))


@pytest.mark.parametrize(
    ("text", "args", "parts"),
    [
        ("%d items", ("x",), ["%d items", "ERROR shop", "not be filled in", "'x'", "TypeError"]),
        ("%s and %s", ("x",), ["%s and %s", "not enough arguments"]),
        ("100%", ("x",), ["100%", "incomplete format"]),
        ("%s items", (), ["%s items"]),
    ],
)  # fmt: skip
def test_g1_a_text_that_cannot_be_made_is_named_with_what_was_wrong(text, args, parts):
    alert = push(record(text, *args))

    assert all(part in alert.message for part in parts), alert.message


def test_an_argument_that_does_not_fit_is_not_shown_where_it_may_be_a_credential():
    alert = push(record("password=%s attempt %d", "hunter2", "one"))

    assert "hunter2" not in alert.message
    assert "with str, str: TypeError" in alert.message


def test_g2_what_no_screen_shows_is_made_readable():
    alert = push(record("nul \x00, byte \udcff, %s", "\x1b[31mred\x1b[0m"))

    assert alert.message == "nul \\x00, byte \\xff, red"


@pytest.mark.parametrize("blank", ["", "  \n ", "\u200b"])
@pytest.mark.parametrize("html", [False, True])
def test_g3_a_blank_message_says_where_it_was_logged(blank, html):
    alert = push(record(blank), Style(html=html))

    assert alert.message == "(blank message, logged at cart.py:7)"


def test_g3_a_blank_message_with_an_exception_is_the_exception():
    assert push(record("", exceptions=(ERROR,))).message.startswith("ValueError: bad\nat fail")


class TestG6ATraceback:
    def test_follows_the_message_the_exception_first_then_the_innermost_call(self):
        lines = push(record("failed", exceptions=(ERROR,))).message.splitlines()

        assert lines == ["failed", "ValueError: bad", "at fail, shop/cart.py:17"]

    def test_of_thirty_kilobytes_keeps_message_exception_and_innermost_calls(self):
        text, taken = trim("m" * 30_000)
        snapshot = record(text, cut=taken, exceptions=(error(frames=(*ERROR.frames, *NESTED)),))

        message = push(snapshot).message

        assert 900 < len(message) <= 1024
        assert 300 < len(message.splitlines()[0]) <= 1024 * 2 / 5
        assert message.startswith("m" * 200)
        assert "\nValueError: bad\nat fail, " in message
        assert "at nested, shop/cart.py:" in message
        assert message.splitlines()[-1].endswith("more calls")

    def test_leaves_a_long_message_the_room_it_does_not_need(self):
        message = push(record("m" * 8000, exceptions=(ERROR,))).message

        assert 1000 < len(message) <= 1024
        assert "more call" not in message

    def test_with_an_endless_text_keeps_both_its_ends_and_the_innermost_calls(self):
        text, taken = trim(f"ValueError: begin {'x ' * 15_000} end")

        message = push(record("failed", exceptions=(error(text, cut=taken),))).message

        assert "ValueError: begin x" in message
        assert "x  end\nat fail" in message

    def test_chained_names_every_exception(self):
        chain = (error("KeyError: 'outer'", frames=NESTED), error(relation="caused by"))

        message = push(record("failed", exceptions=chain)).message

        assert "\nKeyError: 'outer'\nat nested" in message
        assert "\ncaused by ValueError: bad\nat fail" in message
        assert len(message) <= 1024

    def test_of_a_group_names_its_members(self):
        members = [error(f"ValueError: no. {n}", f"{n + 1}.", ()) for n in range(10)]

        message = push(record("failed", exceptions=(error("Group: many"), *members))).message

        assert "\nGroup: many\nat fail" in message
        assert "\n1. ValueError: no. 0" in message
        assert "\n10. ValueError: no. 9" in message

    def test_that_came_as_text_keeps_its_end(self):
        calls = '  File "cart.py", line 17, in load\n    raise ValueError("bad")\n' * 40
        text = f"failed\nTraceback (most recent call last):\n{calls}ValueError: bad"

        message = push(record(text)).message

        assert message.startswith("failed\nTraceback (most recent call last)")
        assert message.endswith("ValueError: bad")
        assert len(message) <= 1024
        assert message.index(" characters … ") < 500

    def test_and_a_stack_fit_together(self):
        stack = "Stack (most recent call last):\n" + '  File "x.py", line 1\n' * 90 + "END"

        message = push(record(f"failed\n{stack}", exceptions=(ERROR,))).message

        assert message.startswith("failed\nStack (most recent")
        assert "END\nValueError: bad\nat fail" in message

    def test_is_not_shown_twice_if_the_text_holds_it_too(self):
        text = 'failed\nTraceback (most recent call last):\n  File "x.py"\nValueError: bad\n'

        message = push(record(text, exceptions=(ERROR,))).message

        assert message == "failed\nValueError: bad\nat fail, shop/cart.py:17"


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
        snapshot = record("failed", exceptions=(error("ValueError: a < b"),))

        assert "\n<b>ValueError: a &lt; b</b>\nat fail" in push(snapshot, self.STYLE).message

    def test_keeps_the_markup_of_a_formatter(self):
        snapshot = record("<b>&lt;lambda&gt;</b> &lt;i&gt;", is_markup=True)

        assert push(snapshot, self.STYLE).message == "<b>&lt;lambda&gt;</b> &lt;i&gt;"

    def test_keeps_the_markup_of_a_message_the_record_asks_for(self):
        given = {"html": True, "message": "<b>done</b> <script>"}

        assert push(record("x", overrides=given)).message == "<b>done</b> &lt;script&gt;"

    def test_of_endless_markup_is_closed(self):
        message = push(record(f"<b>{'x' * 5000}</b>", is_markup=True), self.STYLE).message

        assert message.startswith("<b>xxx")
        assert message.endswith("xxx</b>")
        assert len(message) <= 1024

    def test_gives_way_to_a_record_that_asks_for_monospace(self):
        alert = push(record("<x>", overrides={"monospace": True}), self.STYLE)

        assert (alert.message, alert.html, alert.monospace) == ("<x>", False, True)


class TestOverrides:
    def test_stand_in_for_the_handlers_own(self):
        given = {
            "message": "m", "title": "{t}", "url": "https://y", "url_title": "Y",
            "timestamp": 5, "sound": "none", "params": {"b": "2"},
        }  # fmt: skip
        style = Style(title="T", url="https://x", url_title="X", sound="siren", params={"a": "1"})

        alert = push(record("secret", overrides=given), style)

        assert alert.parameters().items() >= {
            "message": "m", "title": "{t}", "url": "https://y", "url_title": "Y",
            "timestamp": "5", "sound": "none", "a": "1", "b": "2",
        }.items()  # fmt: skip

    def test_that_were_wrong_are_complained_of(self):
        alert = push(record(complaints=("sound is 7; left out",)), Style(sound="siren"))

        assert alert.sound == "siren"
        assert alert.complaints == ("sound is 7; left out",)

    def test_an_address_over_the_limit_is_left_out_and_complained_of(self):
        given = {"url": "https://x/" + "y" * 600, "url_title": "Y"}

        alert = push(record(overrides=given))

        assert not {"url", "url_title"} & alert.parameters().keys()
        assert alert.complaints == ("url is 610 characters; at most 512 fit; left out",)


class TestRedaction:
    PATTERN = Redactor([re.compile("hunter2"), re.compile("a<b"), re.compile("[0-9a-f]{64}")])
    KEY = "0123456789abcdef" * 4

    def test_sees_every_text_of_a_push(self):
        snapshot = record(
            "m hunter2",
            exceptions=(error("ValueError: e hunter2", frames=(Frame("hunter2", 1, "hunter2"),)),),
            fields={"thing": "hunter2"},
            overrides={"sound": "hunter2"},
            complaints=("sound is hunter2",),
        )
        style = Style(
            title="{thing} hunter2",
            url="https://x/{thing}",
            url_title="{thing}",
            device="hunter2",
            callback="https://x/?p=hunter2",
            tags=("a", "hunter2"),
            params={"new": "hunter2"},
        )

        alert = push(snapshot, style, Priority.EMERGENCY, self.PATTERN)

        assert "hunter2" not in str(alert)
        assert alert.tags == ("a", "***")
        assert "ValueError: e ***" in alert.message

    def test_of_tags_and_callback_of_a_single_record(self):
        given = {"tags": ("password=hunter2",), "callback": "https://ann:hunter2@x/"}

        alert = push(record(overrides=given), priority=Priority.EMERGENCY)

        assert alert.tags == ("password=***",)
        assert alert.callback == "https://ann:***@x/"

    def test_uses_the_patterns_of_the_style(self):
        assert push(record("hunter2"), Style(redact=(("hunter2", 0),))).message == "***"

    def test_finds_what_is_escaped_in_markup(self):
        snapshot = record("<b>key a&lt;b</b> password=&quot;x y&quot;", is_markup=True)

        alert = push(snapshot, Style(html=True), redact=self.PATTERN)

        assert alert.message == "<b>key ***</b> password=***"

    def test_comes_before_any_cut(self):
        style = Style(title="{message}", url_title="{message}", url="https://x/?q={name}")
        for length in (*range(130, 170), *range(610, 680)):
            text = "x" * length + " " + self.KEY * 20

            alert = push(record(text), style, redact=self.PATTERN)

            assert not re.search("[0-9a-f]{4}", alert.message + alert.title + alert.url_title)

    @pytest.mark.parametrize("length", [4070, 4095, 4100, 5000, 95_925])
    def test_leaves_no_half_of_a_credential_where_an_endless_text_was_cut(self, length):
        text = f"{'a ' * (length // 2)}{self.KEY} {'b ' * (TEXT_BOUND * 6)}"[:100_000]
        snapshot = record(trim(text)[0], exceptions=(error(trim(text)[0]),))
        style = Style(title="{thing}", url="https://x/{thing}", url_title="{thing}")

        alert = push(snapshot._replace(fields={"thing": text}), style, redact=self.PATTERN)

        shown = f"{alert.message}\n{alert.title}\n{alert.url_title}"
        assert not re.search("[0-9][a-f]|[a-f]{2}[0-9]|[0-9]{5}|cdef", shown)

    def test_of_a_value_comes_before_it_is_quoted_in_a_link(self):
        alert = push(record("login password=hunter2 ok"), Style(url="https://x/?q={message}"))

        assert alert.url == "https://x/?q=login%20password%3D***%20ok"

    def test_of_a_link_sees_a_value_with_the_name_before_it(self):
        snapshot = record(fields={"pw": "hun ter2"})

        assert (
            push(snapshot, Style(url="https://x/?password={pw}")).url == "https://x/?password=***"
        )

    def test_that_raises_lets_no_text_out(self):
        class Broken(Redactor):
            def __call__(self, text: str) -> str:
                raise ValueError(text)

        alert = push(record("hunter2"), redact=Broken([re.compile("x")]))

        assert_valid(alert)
        assert alert.message == "(withheld: redact raised ValueError)"
        assert "hunter2" not in str(alert)

    def test_by_a_pattern_that_is_none_lets_no_text_out(self):
        alert = push(record("hunter2"), Style(redact=(("(", 0),)))

        assert_valid(alert)
        assert alert.message.startswith("(withheld: redact raised ")
        assert "hunter2" not in str(alert)

    def test_leaves_an_attachment_alone(self):
        params = {"attachment_base64": "AKIA" + "A" * 100_000}

        assert push(record(), Style(params=params)).params == params


def test_ten_megabytes_are_cut_at_once():
    started = time.thread_time()  # of the processor: others may use it too

    alert = push(record("\x00<&>" * 2_500_000), Style(html=True))

    assert time.thread_time() - started < 2
    assert len(alert.message) <= 1024
    [missing] = re.findall(r" … (\d+) characters … ", alert.message)
    assert int(missing) == pytest.approx(10_000_000, rel=0.01)


class TestReplay:
    def test_is_a_record_for_another_handler(self):
        snapshot = record("%s of %d", "a", 2, exceptions=(ERROR,), fields={"order": "7"})

        replayed = replay(snapshot)

        text = logging.Formatter("%(levelname)s %(name)s %(order)s %(message)s").format(replayed)
        assert text.startswith("ERROR shop 7 a of 2\nValueError: bad\nat fail")
        assert replayed.module == "cart"

    def test_has_every_attribute_of_a_record(self):
        assert replay(record()).__dict__.keys() >= logging.makeLogRecord({}).__dict__.keys()

    def test_calls_no_record_factory(self):
        def refuse(*args, **kwds):
            raise AssertionError("called")

        factory = logging.getLogRecordFactory()
        logging.setLogRecordFactory(refuse)
        try:
            assert replay(record("hi")).getMessage() == "hi"
        finally:
            logging.setLogRecordFactory(factory)

    def test_of_arguments_that_do_not_fit_says_so(self):
        assert "could not be filled in" in replay(record("%d", "x")).getMessage()

    def test_leaves_a_percent_sign_alone(self):
        assert replay(record("100 %s")).getMessage() == "100 %s"
