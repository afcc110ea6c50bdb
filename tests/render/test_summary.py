"""What a push says that stands for many records: how many, since when, and which most."""

from __future__ import annotations

import logging
import re
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.alerts import Priority
from pushover_logging.groups import Group, glimpse_of, tag_of
from pushover_logging.parcels import Share
from pushover_logging.quota import Allowance
from pushover_logging.redaction import Redaction
from pushover_logging.rendering import Capture, Renderer, Style
from pushover_logging.summaries import Writer, let_go

from .bench import TODAY, record, records_in

HIGH, NORMAL, LOW, EMERGENCY = Priority.HIGH, Priority.NORMAL, Priority.LOW, Priority.EMERGENCY
TEXTS = st.text(max_size=1500)


class Desk:
    """A writer with the renderer its captures come from."""

    def __init__(self, **style: object) -> None:
        chosen = Style(**style)  # type: ignore[arg-type]
        self.formatter: logging.Formatter | None = None
        self.renderer = Renderer(chosen, redact=Redaction())
        self.writer = Writer(chosen, self.renderer, lambda: self.formatter)

    def share(
        self,
        text: str = "disk is full",
        *,
        records: int = 1,
        first: bool = True,
        priority: Priority = HIGH,
        key: str | None = None,
        level: int = logging.ERROR,
    ) -> Share[Capture]:
        """A group's share: with its first record, or of repeats alone."""
        made = record(text, level=level)
        noted = self.renderer.capture(made)
        group = Group(text, made.name, level, None, priority, noted, key)
        group.last = None if first else glimpse_of(made)
        return Share(group, records, group.noted if first else None)


def test_one_record_is_its_own_push() -> None:
    desk = Desk()

    alert = desk.writer.write([desk.share()], HIGH)

    assert (alert.title, alert.message) == ("ERROR shop", "disk is full")


def test_a_summary_says_how_many_when_and_the_last_text() -> None:
    desk = Desk()
    share = desk.share("user 1 failed", records=41, first=False)
    share.group.noted.record.created = 1_700_000_000.0
    last = record("user %s failed", "42")
    last.created = 1_700_000_090.0
    share.group.last = glimpse_of(last)

    alert = desk.writer.write([share], NORMAL)

    assert alert.title == "ERROR shop \N{MULTIPLICATION SIGN}41"
    assert re.fullmatch(
        r"41 more times, \d\d:\d\d:\d\d to \d\d:\d\d:\d\d\. The last:\nuser 42 failed",
        alert.message,
    )
    assert alert.priority is NORMAL


def test_one_repeat_is_summed_up_in_the_singular_and_unnumbered() -> None:
    desk = Desk()

    alert = desk.writer.write([desk.share(first=False)], NORMAL)

    assert alert.title == "ERROR shop"
    assert alert.message.startswith("1 more time, ")


def test_a_record_of_no_time_at_all_is_summed_up_all_the_same() -> None:
    desk = Desk()
    share = desk.share(records=2, first=False)
    share.group.noted.record.created = float("nan")

    alert = desk.writer.write([share], NORMAL)

    assert alert.message.startswith("2 more times, at a time that no clock shows. ")


def test_a_summary_over_midnight_says_the_days() -> None:
    desk = Desk()
    share = desk.share(records=2, first=False)
    share.group.last = glimpse_of(record("disk is full"))
    share.group.noted.record.created -= 2 * 86_400

    alert = desk.writer.write([share], NORMAL)

    assert len(re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", alert.message)) == 2


def test_the_last_repeat_keeps_its_own_text_though_its_frames_are_gone() -> None:
    desk = Desk()
    share = desk.share(records=3, first=False)
    try:
        int("bad")
    except ValueError as error:
        trouble = (type(error), error, error.__traceback__)
    share.group.noted = desk.renderer.capture(record("order %s failed", 1, exc_info=trouble))
    share.group.last = glimpse_of(record("order %s failed", 17, exc_info=trouble))

    alert = desk.writer.write([share], HIGH)

    assert "order 17 failed" in alert.message
    assert "ValueError: invalid literal" in alert.message


def test_a_digest_names_the_most_urgent_and_the_largest_and_how_many_more() -> None:
    desk = Desk()
    shares = [desk.share(f"small {'x' * n}") for n in range(200)]
    shares += [desk.share("large", records=50), desk.share("fire", priority=EMERGENCY)]

    alert = desk.writer.write(shares, EMERGENCY)

    lines = alert.message.split("\n")
    assert lines[0] == "ERROR shop: fire"
    assert lines[1] == "ERROR shop \N{MULTIPLICATION SIGN}50: large"
    assert lines[-1] == f"… and {202 - (len(lines) - 1)} more"
    assert len(lines) > 5
    assert alert.title == "202 different messages \N{MULTIPLICATION SIGN}251"
    assert alert.priority is EMERGENCY


def test_a_small_digest_names_everything() -> None:
    desk = Desk()

    alert = desk.writer.write([desk.share("a"), desk.share("b", records=2)], HIGH)

    assert alert.message == "ERROR shop \N{MULTIPLICATION SIGN}2: b\nERROR shop: a"
    assert alert.title == "2 different messages \N{MULTIPLICATION SIGN}3"


@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize("text", ["x" * 5000, "<&>" * 2000, "word " * 400])
def test_the_longest_texts_fit_and_are_cut_nowhere_in_markup(text: str, html: bool) -> None:
    desk = Desk(html=html)

    summary = desk.writer.write([desk.share(text, records=2, first=False)], HIGH)
    digest = desk.writer.write([desk.share(f"{number:x}{text}") for number in range(40)], HIGH)

    for alert in (summary, digest):
        assert 900 < len(alert.message) <= 1024
        assert not alert.html or re.search(r"&(?!amp;|lt;|gt;)", alert.message) is None


@given(st.lists(st.tuples(TEXTS, st.integers(1, 10**6)), min_size=1, max_size=40), st.booleans())
def test_whatever_is_written_fits_and_counts(given: list[tuple[str, int]], html: bool) -> None:
    desk = Desk(html=html)
    shares = [desk.share(text, records=n, first=n == 1) for text, n in given]

    alert = desk.writer.write(shares, HIGH)

    assert 0 < len(alert.message) <= 1024
    assert len(alert.title) <= 250
    assert records_in(alert.title) == sum(records for _, records in given)


@given(st.text(alphabet="ab<>&;\"' \n", max_size=1200))
def test_a_html_styles_summary_and_digest_show_the_text_itself(text: str) -> None:
    desk = Desk(html=True)

    digest = desk.writer.write([desk.share("<b>&amp; " + text), desk.share("other")], HIGH)
    summary = desk.writer.write([desk.share("<i>" + text, records=2, first=False)], HIGH)

    assert not digest.html
    assert "<b>&amp;" in digest.message
    assert summary.html
    assert "&lt;i&gt;" in summary.message
    assert "<" not in re.sub(r"</?[biu]>", "", summary.message)


def test_a_digest_carries_the_tags_of_its_groups_and_the_handlers_own() -> None:
    desk = Desk(tags=("shop",))
    shares = [desk.share("a", key="payments"), desk.share("b"), desk.share("c", key="mail")]

    alert = desk.writer.write(shares, EMERGENCY)

    assert alert.tags == ("shop", tag_of("payments"), tag_of("mail"))


def test_a_digest_of_thousands_has_a_bounded_number_of_tags() -> None:
    desk = Desk()
    shares = [desk.share(str(n), key=str(n)) for n in range(500)]

    assert len(desk.writer.write(shares, EMERGENCY).tags) <= 50


def test_summaries_and_digests_show_no_credentials() -> None:
    desk = Desk()
    text = "login with password=hunter2 failed"

    written = [
        desk.writer.write([desk.share(text, records=2, first=False)], HIGH),
        desk.writer.write([desk.share(text), desk.share("other")], HIGH),
    ]

    assert all("hunter2" not in alert.message for alert in written)
    assert all("password=***" in alert.message for alert in written)


class Request:
    """What a web framework hangs on its records."""


def test_arguments_that_may_have_changed_since_are_not_shown() -> None:
    desk = Desk()
    share = desk.share(records=2, first=False)
    cart = ["apple"]
    share.group.noted = desk.renderer.capture(record("cart is %s", cart))
    last = record("cart is %s", cart)
    last.created += 60
    share.group.last = glimpse_of(last)
    cart[:] = ["pear"]

    alert = desk.writer.write([share], HIGH)

    assert alert.message.endswith(". The first:\ncart is ['apple']")
    assert alert.timestamp == int(last.created)


def test_a_formatter_or_title_that_shows_extras_is_shown_the_first_alone() -> None:
    formatter = logging.Formatter("[%(order)s] %(message)s")
    for style, chosen in (({"title": "{order}"}, None), ({}, formatter)):
        desk = Desk(**style)
        desk.formatter = chosen
        first, last = (record("order %s failed", n, order=n) for n in (1, 2))
        share = desk.share(records=2, first=False)
        share.group.noted = desk.renderer.capture(first, desk.formatter)
        share.group.last = glimpse_of(last)
        let_go(share)

        alert = desk.writer.write([share], HIGH)

        assert ". The first:\n" in alert.message
        assert "order 1 failed" in alert.message
        assert "1" in alert.title + alert.message.split("\n")[1].split(" ")[0]


def test_the_last_of_many_loggers_is_named_in_the_title() -> None:
    desk = Desk()
    share = desk.share(records=2, first=False)
    share.group.last = glimpse_of(record("late", name="mail", level=logging.CRITICAL))

    alert = desk.writer.write([share], HIGH)

    assert alert.title == "CRITICAL mail \N{MULTIPLICATION SIGN}2"


def test_no_group_keeps_alive_what_hung_on_a_record_that_was_written_of() -> None:
    desk = Desk()
    share = desk.share()
    requests = [Request() for _ in range(2)]
    alive = [weakref.ref(request) for request in requests]
    share.item = share.group.noted = desk.renderer.capture(record("bad", request=requests[0]))
    share.group.last = glimpse_of(record("bad %s", requests[1], request=requests[0]))

    share.item = None
    let_go(share)
    requests.clear()

    assert [ref() for ref in alive] == [None, None]


def test_what_is_kept_of_a_repeat_holds_neither_frames_nor_extras() -> None:
    request = Request()
    alive = weakref.ref(request)
    kept = glimpse_of(record(ValueError(request), request=request))

    del request

    assert kept[3] == "shop"
    assert alive() is None


class Masking(logging.Formatter):
    """A user's own, that takes out what is not for a phone."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("4111", "****")


def test_the_last_text_goes_through_the_formatter_that_is_set_by_then() -> None:
    desk = Desk()
    shares = [desk.share("card 4111 declined", records=2, first=False) for _ in range(2)]
    desk.formatter = Masking("[shop] %(message)s")

    summary = desk.writer.write(shares[:1], HIGH)
    digest = desk.writer.write(shares, HIGH)

    assert summary.message.endswith("The last:\n[shop] card **** declined")
    assert digest.message.count("[shop] card **** declined") == 2
    assert "4111" not in summary.message + digest.message


def test_the_report_of_losses_counts_by_level_the_gravest_first() -> None:
    alert = Desk().writer.losses({20: 5, 40: 2, 25: 1}, 1000)

    assert alert.title == "8 log records were dropped"
    assert alert.message.startswith("2 ERROR, 1 Level 25, 5 INFO: not pushed, for 1000 more urgent")
    assert alert.priority is NORMAL
    assert records_in(alert.title) == 1  # it never ends in a count of its own


@pytest.mark.parametrize("reset", [TODAY, None])
def test_the_report_of_the_month_says_what_is_left_and_until_when(reset: object) -> None:
    alert = Desk().writer.allowance(Allowance(10_000, 499, reset), 500)  # type: ignore[arg-type]

    assert "499 of 10000 messages are left" in alert.message
    assert ("until 2026-03-10 12:00 UTC" in alert.message) == (reset is not None)
    assert alert.priority is HIGH


def test_reports_and_digests_ring_and_sound_as_the_style_says() -> None:
    desk = Desk(device="phone", sound="siren", retry=90, expire=600)

    for alert in (
        desk.writer.losses({40: 1}, 10),
        desk.writer.write([desk.share("a"), desk.share("b")], EMERGENCY),
    ):
        assert (alert.device, alert.sound) == ("phone", "siren")
        assert (alert.retry, alert.expire) == (90, 600)


def test_the_handlers_own_title_stands_in_summaries_and_digest_lines() -> None:
    desk = Desk(title="shop on {name}")

    summary = desk.writer.write([desk.share(records=9, first=False)], LOW)
    digest = desk.writer.write([desk.share("a"), desk.share("b")], LOW)

    assert summary.title == "shop on shop \N{MULTIPLICATION SIGN}9"
    assert digest.message.startswith("shop on shop: a")
