"""The push for many records says how many there were, since when, and which matters most."""

from __future__ import annotations

import logging
import re
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.client.constants import Priority
from pushover_logging.config.fields import Style
from pushover_logging.notice import Frame, Snapshot, SnapshotError
from pushover_logging.render.alert import Alert
from pushover_logging.render.record import Renderer
from pushover_logging.render.redact import Redactor
from pushover_logging.render.summary import Part, digest, dropped_report, quota_report, summary

HIGH, NORMAL, LOW, EMERGENCY = Priority.HIGH, Priority.NORMAL, Priority.LOW, Priority.EMERGENCY
TEXTS = st.text(max_size=1500)
TIMES = "\N{MULTIPLICATION SIGN}"
RENDERER = Renderer(Redactor())
BAD = SnapshotError("", "ValueError: bad", 0, (Frame("/srv/shop/cart.py", 17, "fail", True),), 0)


def record(text: str = "disk is full", *args: object, **more: object) -> Snapshot:
    fields: dict = {"created": 1_700_000_000.0, "name": "shop", "level": logging.ERROR, **more}
    level = fields.pop("level")
    return Snapshot(
        levelno=level,
        levelname=logging.getLevelName(level),
        text=text,
        args=args or None,
        **fields,
    )


def summed_up(
    first: Snapshot,
    shown: Snapshot | None = None,
    records: int = 2,
    priority: Priority = HIGH,
    began: float = 1_700_000_000.0,
    ended: float = 1_700_000_090.0,
    renderer: Renderer = RENDERER,
    **style: object,
) -> Alert:
    return summary(
        renderer,
        first,
        first if shown is None else shown,
        shown is not None,
        Style(**style),  # type: ignore[arg-type]
        priority,
        records,
        began,
        ended,
    )


def part(text: str = "disk is full", records: int = 1, priority: Priority = HIGH, **more) -> Part:
    style = more.pop("style", {})
    return Part(record(text, **more), Style(**style), priority, records)


def digested(*parts: Part, priority: Priority = HIGH, renderer: Renderer = RENDERER) -> Alert:
    return digest(renderer, parts, priority)


def counted(title: str) -> int:
    """The number of records that a title says a push stands for."""
    found = re.search(rf" ?{TIMES}(\d+)\Z", title)
    return int(found[1]) if found else 1


class TestASummary:
    def test_says_how_many_when_and_the_last_text(self) -> None:
        alert = summed_up(
            record("user %s failed", "1"), record("user %s failed", "42"), 41, priority=NORMAL
        )

        assert alert.title == f"ERROR shop {TIMES}41"
        assert re.fullmatch(
            r"41 more times, \d\d:\d\d:\d\d to \d\d:\d\d:\d\d\. The last:\nuser 42 failed",
            alert.message,
        )
        assert alert.priority is NORMAL
        assert alert.timestamp == 1_700_000_090

    def test_says_so_if_it_shows_the_first_record(self) -> None:
        assert summed_up(record("user 1 failed")).message.endswith(". The first:\nuser 1 failed")

    def test_shows_text_and_exception_of_the_same_record(self) -> None:
        worse = BAD._replace(text="OSError: worse")
        first = record("order 1 failed", exceptions=(BAD,))
        last = record("order 17 failed", exceptions=(worse,))

        shown = summed_up(first, last).message
        without = summed_up(first, last._replace(exceptions=())).message

        assert shown.endswith("order 17 failed\nOSError: worse\nat fail, shop/cart.py:17")
        assert without.endswith("order 17 failed")

    def test_of_one_repeat_is_singular_and_unnumbered(self) -> None:
        alert = summed_up(record(), records=1)

        assert alert.title == "ERROR shop"
        assert alert.message.startswith("1 more time, at ")

    @pytest.mark.parametrize("began", [float("nan"), 1e300, -1e300])
    def test_of_a_time_that_no_clock_shows_is_made_all_the_same(self, began: float) -> None:
        alert = summed_up(record(), began=began)

        assert alert.message.startswith("2 more times, at an unknown time. ")

    def test_over_midnight_says_the_days(self) -> None:
        alert = summed_up(record(), began=1_700_000_000.0 - 2 * 86_400)

        assert len(re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", alert.message)) == 2

    def test_names_the_last_of_many_loggers_in_the_title(self) -> None:
        alert = summed_up(record(), record("late", name="mail", level=logging.CRITICAL))

        assert alert.title == f"CRITICAL mail {TIMES}2"

    def test_keeps_the_overrides_of_the_first_record_unless_the_last_has_its_own(self) -> None:
        first = record(overrides={"title": "Backup", "sound": "none", "timestamp": 5})

        kept = summed_up(first, record("late"))
        own = summed_up(first, record("late", overrides={"sound": "siren"}))

        assert (kept.title, kept.sound) == (f"Backup {TIMES}2", "none")
        assert kept.timestamp == 1_700_000_090
        assert (own.title, own.sound) == (f"ERROR shop {TIMES}2", "siren")

    def test_has_the_handlers_own_title(self) -> None:
        assert summed_up(record(), title="on {name}", records=9).title == f"on shop {TIMES}9"

    def test_in_html_shows_the_text_itself(self) -> None:
        alert = summed_up(record("<i>", exceptions=(BAD,)), html=True)

        assert alert.html
        assert alert.message.endswith("&lt;i&gt;\n<b>ValueError: bad</b>\nat fail, shop/cart.py:17")


class TestADigest:
    def test_names_the_most_urgent_and_the_largest_and_how_many_more(self) -> None:
        parts = [part(f"small {'x' * n}") for n in range(200)]
        parts += [part("large", records=50), part("fire", priority=EMERGENCY)]

        alert = digested(*parts, priority=EMERGENCY)

        lines = alert.message.split("\n")
        assert lines[0] == "ERROR shop: fire"
        assert lines[1] == f"ERROR shop {TIMES}50: large"
        assert lines[-1] == f"… and {202 - (len(lines) - 1)} more"
        assert len(lines) > 5
        assert alert.title == f"202 different messages {TIMES}251"
        assert alert.priority is EMERGENCY

    def test_that_is_small_names_everything(self) -> None:
        alert = digested(part("a"), part("b", records=2))

        assert alert.message == f"ERROR shop {TIMES}2: b\nERROR shop: a"
        assert alert.title == f"2 different messages {TIMES}3"

    def test_shows_the_most_urgent_alert_whole(self) -> None:
        alert = digested(
            part("a", records=9), part("fire", priority=EMERGENCY, exceptions=(BAD, BAD))
        )

        assert alert.message.split("\n") == [
            "ERROR shop: fire",
            *("ValueError: bad", "at fail, shop/cart.py:17") * 2,
            f"ERROR shop {TIMES}9: a",
        ]

    def test_gives_the_most_urgent_sixty_percent_if_the_others_need_the_rest(self) -> None:
        others = [part(f"{n} {'word ' * 50}") for n in range(40)]

        alert = digested(part("x" * 3000, priority=EMERGENCY), *others)

        first, *rest = alert.message.split("\n")
        assert 550 < len(first) <= 1024 * 0.6
        assert len(rest) >= 2
        assert len(alert.message) <= 1024

    def test_gives_the_most_urgent_the_room_that_the_others_leave(self) -> None:
        alert = digested(part("x" * 3000, priority=EMERGENCY), part("a"))

        assert 1000 < len(alert.message) <= 1024

    def test_names_the_exception_of_every_group(self) -> None:
        named = BAD._replace(text="json.JSONDecodeError: bad\nnote")
        alert = digested(
            part("fire", priority=EMERGENCY),
            part("order failed", records=4, exceptions=(BAD,)),
            part("order failed: bad", records=3, exceptions=(named,)),
            part("", records=2, exceptions=(BAD,)),
            part("y" * 500, exceptions=(BAD,)),
        )

        lines = alert.message.split("\n")
        assert lines[1] == f"ERROR shop {TIMES}4: order failed (ValueError: bad)"
        assert lines[2] == f"ERROR shop {TIMES}3: order failed: bad (json.JSONDecodeError)"
        assert lines[3] == f"ERROR shop {TIMES}2: ValueError: bad"
        assert lines[4].endswith("yy (ValueError: bad)")
        assert len(lines[4]) <= 200

    def test_rings_as_the_first_in_rank_and_goes_where_the_style_says(self) -> None:
        overrides = {
            "sound": "siren",
            "device": "ann",
            "ttl": 5,
            "url": "https://x",
            "tags": ("a",),
        }
        style = {"device": "phone", "retry": 90, "expire": 600}

        alert = digested(
            part("fire", priority=EMERGENCY, overrides=overrides, style=style), part("a")
        )

        assert (alert.sound, alert.retry, alert.expire, alert.tags) == ("siren", 90, 600, ("a",))
        assert (alert.device, alert.ttl, alert.url) == ("phone", None, None)

    def test_is_never_html_and_shows_the_text_itself(self) -> None:
        parts = [part(f"<b>&amp; {n}", style={"html": True}) for n in "ab"]

        alert = digested(*parts)

        assert not alert.html
        assert alert.message == "ERROR shop: <b>&amp; a\nERROR shop: <b>&amp; b"

    def test_has_the_handlers_own_titles(self) -> None:
        parts = [part(text, style={"title": "shop on {name}"}) for text in "ab"]

        assert digested(*parts).message == "shop on shop: a\nshop on shop: b"

    def test_of_a_single_group_is_the_alert(self) -> None:
        alert = digested(part("a", records=3))

        assert (alert.title, alert.message) == (f"ERROR shop {TIMES}3", "a")


@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize("text", ["x" * 5000, "<&>" * 2000, "word " * 400])
def test_the_longest_texts_fit_and_are_cut_nowhere_in_markup(text: str, html: bool) -> None:
    repeated = summed_up(record(text), html=html)
    many = digested(*(part(f"{n:x}{text}", style={"html": html}) for n in range(40)))

    for alert in (repeated, many):
        assert 800 < len(alert.message) <= 1024
        assert not alert.html or re.search(r"&(?!amp;|lt;|gt;)", alert.message) is None


@given(
    st.lists(st.tuples(TEXTS, st.integers(1, 10**6), st.booleans()), min_size=1, max_size=40),
    st.booleans(),
)
def test_whatever_is_written_fits_and_counts(
    given: list[tuple[str, int, bool]], html: bool
) -> None:
    parts = [
        part(text, n, exceptions=(BAD._replace(text=text),) * fails, style={"html": html})
        for text, n, fails in given
    ]
    text, records, _ = given[0]

    many = digested(*parts)
    repeated = summed_up(record(text), records=records, html=html)

    assert counted(many.title) == sum(records for _, records, _ in given)
    assert counted(repeated.title) == records
    for alert in (many, repeated):
        assert 0 < len(alert.message) <= 1024
        assert len(alert.title) <= 250


ANYTHING = st.none() | st.integers() | st.binary() | st.text() | st.lists(st.integers())


@given(st.lists(ANYTHING, min_size=15, max_size=15))
def test_they_are_made_of_snapshots_that_hold_anything_at_all(fields: list[object]) -> None:
    odd = Snapshot(*fields)  # type: ignore[arg-type]

    alerts = [
        digested(part("a"), Part(odd, Style(), HIGH, 2), Part(odd, Style(), LOW, 2)),
        summed_up(odd, odd),
        summed_up(record(), odd, began=fields[0], ended=fields[1]),  # type: ignore[arg-type]
    ]

    assert all(0 < len(alert.message) <= 1024 for alert in alerts)


def test_summaries_and_digests_show_no_credentials() -> None:
    key = "0123456789abcdef" * 4
    renderer = Renderer(Redactor([re.compile("[0-9a-f]{64}")]))
    for text in (
        "login with password=hunter2 failed",
        *("x" * n + f" {key} z" for n in range(250)),
    ):
        style = {"tags": ("password=hunter2",), "callback": "https://a:hunter2@x/"}
        failed = (BAD._replace(text=f"E: {text}"),)

        written = [
            summed_up(record(text, exceptions=failed), renderer=renderer, **style),
            digested(
                part(text, style=style),
                part(text, exceptions=failed),
                part("", exceptions=failed),
                renderer=renderer,
            ),
        ]

        assert all("hunter2" not in str(alert) for alert in written)
        assert not any(re.search("[0-9a-f]{6}", alert.message) for alert in written)


class TestReports:
    def test_of_dropped_records_count_by_level_the_gravest_first(self) -> None:
        alert = dropped_report(RENDERER, {20: 5, 40: 2, 25: 1}, 1000, Style())

        assert alert.title == "8 log records were dropped"
        assert alert.message.startswith(
            "2 ERROR, 1 Level 25, 5 INFO: not pushed, because 1000 more"
        )
        assert alert.priority is NORMAL
        assert counted(alert.title) == 1

    @pytest.mark.parametrize("reset", [datetime(2026, 3, 10, 12, tzinfo=timezone.utc), None])
    def test_of_the_quota_say_what_is_left_and_until_when(self, reset: datetime | None) -> None:
        alert = quota_report(RENDERER, 10_000, 499, reset, 500, Style())

        assert "499 of 10000 messages are left" in alert.message
        assert ("until 2026-03-10 12:00 UTC" in alert.message) == (reset is not None)
        assert alert.priority is HIGH

    def test_sound_as_the_style_says(self) -> None:
        style = Style(title="T", url="https://x", html=True, device="phone", sound="siren")

        alert = dropped_report(RENDERER, {40: 1}, 10, style)

        assert (alert.device, alert.sound, alert.url, alert.html) == ("phone", "siren", None, False)
        assert alert.title == "1 log record was dropped"
