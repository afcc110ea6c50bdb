"""The inbox page in a real browser: what a user sees, and that hostile texts are harmless."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from pushover_logging import PushoverHandler
from pushover_logging.devserver import DevServer

from .browser_page import InboxPage, picture, poll, ring, send

ENCRYPTION_KEY = "00" * 32
SECRET = (
    "AQEBAQEBAQEBAQEBAQEBAU0FqlkYIHEPzHs0NklFY9QT8ZekMQAM/J6iku1rmOJcEcm1SgT5ASVxoQW5SUFLnyWhe0y1"
    "Tp7q0YmS2iTpk4k="
)
"""The word "secret", encrypted with that key."""

HOSTILE = (
    "<script>document.title = 'owned'; alert(1)</script>",
    "<img src='http://127.0.0.1:9/stolen' onerror='alert(1)'>",
    "<a href='javascript:alert(1)'>click</a>",
    "<svg onload=alert(1)>",
    "<iframe src='http://127.0.0.1:9/stolen'></iframe>",
    "<font color=\"red;background:url('http://127.0.0.1:9/stolen')\">red</font>",
    "<style>*{background:url(http://127.0.0.1:9/stolen)}</style>",
    "</p></article><script src='http://127.0.0.1:9/stolen'></script>",
)


def test_a_push_appears_without_reload(page: InboxPage, server: DevServer) -> None:
    assert "Nothing has arrived yet" in page.find("#empty").text

    send(server, "cups are sold out", title="WARNING stock", priority=1)

    page.await_push("cups are sold out")
    assert page.text(".push .title") == "WARNING stock"
    assert page.find(".push .priority").text == "High"
    assert not page.find("#empty").is_displayed()
    assert page.text("#announce").startswith("High: WARNING stock")


def test_the_newest_push_is_the_first(page: InboxPage, server: DevServer) -> None:
    for number in range(3):
        send(server, "x", title=str(number))

    poll(lambda: page.titles() == ["2", "1", "0"], "three pushes, newest first")


def test_everything_of_a_push_is_drawn(page: InboxPage, server: DevServer) -> None:
    image = {"attachment": ("plot.png", picture(), "image/png")}
    send(server, "a\n  b", image, monospace=1, sound="tugboat", url="https://e.org/1", ttl=90)
    page.await_push("a\n  b")

    card = page.find(".push")

    assert "monospace" in page.find(".push .text").get_attribute("class")
    assert page.find(".push .link a").get_attribute("href") == "https://e.org/1"
    assert page.find(".push .link a").get_attribute("rel") == "noopener noreferrer"
    assert all(word in card.text for word in ("Shop", "Tug Boat", "phone", "plot.png", "90 s"))
    poll(
        lambda: page.run("return document.querySelector('.image img').naturalWidth") == 24,
        "the image",
    )


def test_an_acknowledging_click_reaches_the_handler(page: InboxPage, server: DevServer) -> None:
    heard = threading.Event()
    handler = PushoverHandler(
        server.token,
        server.user,
        api_url=server.url,
        on_acknowledged=lambda _news: heard.set(),
    )
    logger = logging.Logger("shop")
    logger.addHandler(handler)
    logger.error("order 1047 is not paid")
    poll(lambda: page.all("[data-state=ringing]"), "a push that rings")
    page.settle()
    assert page.text("#alarm-text") == "1 emergency rings"

    page.find(".push .acknowledge").click()

    poll(lambda: page.all("[data-state=acknowledged]"), "the push is acknowledged")
    page.settle()
    assert heard.wait(30)
    [incident] = handler.stats().incidents
    handler.close()
    assert incident.acknowledged_at is not None
    assert not page.find("#alarm").is_displayed()
    assert not page.find(".push .acknowledge").is_displayed()


def test_what_stops_an_emergency_elsewhere_is_seen_here(page: InboxPage, server: DevServer) -> None:
    expired, acknowledged = ring(server, "one"), ring(server, "two")
    poll(lambda: len(page.all("[data-state=ringing]")) == 2, "two that ring")

    server.expire(expired)
    server.acknowledge(acknowledged, device="watch")

    poll(lambda: page.all("[data-state=expired]"), "one has expired")
    done = poll(lambda: page.all("[data-state=acknowledged]"), "one is acknowledged")
    assert "on watch" in done[0].find_element(By.CSS_SELECTOR, ".emergency").text


def test_it_stops_ringing_by_itself_when_it_expires(page: InboxPage, server: DevServer) -> None:
    ring(server, expire=2)

    poll(lambda: page.all("[data-state=ringing]"), "it rings")
    poll(lambda: page.all("[data-state=expired]"), "it has expired")
    assert "Expired unacknowledged" in page.text(".emergency p")


@pytest.mark.parametrize("html", [0, 1])
def test_hostile_texts_do_nothing(page: InboxPage, server: DevServer, html: int) -> None:
    scripts = page.run("return document.scripts.length")
    for text in HOSTILE:
        shown = {"title": text[:250], "url": "javascript:alert(1)", "url_title": text[:100]}
        send(server, f"{text} end", html=html, **shown)
    send(server, "last")

    page.await_push("last")

    assert page.run("return document.scripts.length") == scripts
    assert page.all(".push script, .push iframe, .push style, .push svg[onload]") == []
    assert page.all(".push [onerror], .push [onclick], .push [style*=url]") == []
    assert page.all("a[href^='javascript']") == []
    assert page.driver.title == "Local Pushover server"
    assert [url for url in page.asked_for() if not url.startswith(server.base_url)] == []
    assert page.complaints() == []  # not even a policy had to step in


def test_hostile_text_is_shown_as_text(page: InboxPage, server: DevServer) -> None:
    send(server, HOSTILE[0], title=HOSTILE[1])

    page.await_push(HOSTILE[0])

    assert page.titles() == [HOSTILE[1]]


def test_long_words_and_right_to_left_marks_stay_in_their_push(
    page: InboxPage, server: DevServer
) -> None:
    send(server, "before")
    send(server, "W" * 1024, title="W" * 250)
    send(server, "\u202e" * 1023 + "x", title="\u202eevil", url="x:1", url_title="\u202e")
    poll(lambda: len(page.all(".push")) == 3, "the pushes")
    page.settle()

    left = page.run("return [...document.querySelectorAll('.tile')].map(e => e.offsetLeft)")
    width = page.run("return document.documentElement.scrollWidth <= window.innerWidth")

    texts = "[...document.querySelectorAll('.push .title, .push .text')]"
    assert len(set(left)) == 1
    assert width
    assert page.run(f"return {texts}.every(e => e.scrollWidth <= e.clientWidth)")
    assert page.text(".push .link bdi + bdi") == " (x:1)"  # apart, so that it can't be turned


def test_encrypted_pushes_open_with_the_key_and_close_without(
    page: InboxPage, server: DevServer
) -> None:
    send(server, SECRET, title=SECRET, encrypted=1)
    poll(lambda: page.titles() == ["Encrypted"], "a closed push")

    page.find("#key").send_keys(ENCRYPTION_KEY, Keys.ENTER)

    poll(lambda: page.titles() == ["secret"], "the push is open")
    send(server, SECRET, title=SECRET, encrypted=1)
    poll(lambda: page.titles() == ["secret", "secret"], "the next one opens by itself")
    assert page.find("#key").get_attribute("value") == ""
    assert not any(ENCRYPTION_KEY in url for url in page.asked_for())
    assert ENCRYPTION_KEY not in page.run("return JSON.stringify({...localStorage})")
    page.find("#remove-key").click()
    poll(lambda: page.titles() == ["Encrypted", "Encrypted"], "the pushes are closed")


def test_a_wrong_key_is_said(page: InboxPage, server: DevServer) -> None:
    send(server, SECRET, title=SECRET, encrypted=1)
    poll(lambda: page.titles() == ["Encrypted"], "a closed push")

    page.find("#key").send_keys("no key", Keys.ENTER)
    poll(lambda: page.text("#key-note") == "The key must be 64 hex digits.", "the rule")
    page.find("#key").clear()
    page.find("#key").send_keys("11" * 32, Keys.ENTER)

    poll(lambda: "another key" in page.text(".push .text"), "why it stays closed")


def test_it_is_used_by_keyboard(page: InboxPage, server: DevServer) -> None:
    for number in range(3):
        send(server, str(number))
    ring(server, "fire")
    page.await_push("fire")

    page.press("jj")
    second = page.focused()
    page.press("k")
    first = page.focused()
    page.press("a")

    assert (second, first) == ("push-3", "push-4")
    poll(lambda: page.all("[data-state=acknowledged]"), "acknowledged by a key")
    assert page.focused() == "push-4"


def test_search_and_help_have_their_keys(page: InboxPage, server: DevServer) -> None:
    send(server, "tea")
    send(server, "cups")
    page.await_push("cups")

    page.press("/")
    assert page.focused() == "search"
    page.press("tea ja?")
    poll(lambda: not page.all(".push"), "nothing matches")
    poll(lambda: page.find("#no-match").is_displayed(), "that nothing matches")
    page.escape()
    poll(lambda: len(page.all(".push")) == 2, "all are back")
    page.press("?")
    assert page.find("#help").is_displayed()
    page.escape()
    assert not page.find("#help").is_displayed()


def test_the_order_of_focus_is_the_order_of_reading(page: InboxPage, server: DevServer) -> None:
    ring(server, "fire", url="https://e.org")
    page.await_push("fire")
    visited: list[str] = []

    page.run("document.querySelector('#state').focus()")
    for _ in range(5):
        page.press(Keys.TAB)
        visited.append(
            page.run("const e = document.activeElement; return e.id || e.className || e.tagName")
        )

    assert visited == ["push-1", "A", "expire", "acknowledge", *visited[4:]]
    assert page.run("return document.activeElement.closest('#tools') !== null")


def test_pushes_are_filtered_by_priority_text_and_state(page: InboxPage, server: DevServer) -> None:
    send(server, "low tea", priority=-1, title="A")
    send(server, "high tea", priority=1, title="B")
    server.acknowledge(ring(server, "fire", title="C"))
    poll(lambda: page.titles() == ["C", "B", "A"], "three pushes")
    page.settle()

    page.find(".chip[data-priority='1']").click()
    by_priority = page.titles()
    page.find(".chip[data-priority='-1']").click()
    by_two = page.titles()
    page.find("#search").send_keys("HIGH")
    by_text = page.titles()
    page.escape()
    page.find("#state option[value=acknowledged]").click()
    by_state = page.titles()

    assert (by_priority, by_two, by_text, by_state) == (["B"], ["B", "A"], ["B"], ["C"])
    poll(lambda: page.text("#count") == "1 of 3 pushes", "how many match")


def test_new_pushes_keep_to_the_filter(page: InboxPage, server: DevServer) -> None:
    page.find("#search").send_keys("tea")

    send(server, "cups", title="A")
    send(server, "tea", title="B")

    poll(lambda: page.titles() == ["B"], "only what matches")


def test_a_fault_is_simulated_from_the_page(page: InboxPage, server: DevServer) -> None:
    page.find("#fault-form [name=status]").clear()
    page.find("#fault-form [name=status]").send_keys("503")
    page.find("#fault-form button").click()
    poll(lambda: "status: 1 request" in page.text("#faults"), "the fault is listed")
    page.settle()
    assert page.find("#faults-banner").is_displayed()

    with pytest.raises(AssertionError, match="503"):
        send(server)

    poll(lambda: page.text("#faults") == "", "the fault is used up")
    assert not page.find("#faults-banner").is_displayed()


def test_the_quota_is_a_bar_and_can_be_used_up(page: InboxPage, server: DevServer) -> None:
    send(server)
    poll(lambda: page.text("#remaining") == "9,999", "one message less")

    page.find("#quota-form button").click()

    poll(lambda: page.text("#remaining") == "0", "nothing is left")
    assert page.find("#quota-bar").get_attribute("aria-valuenow") == "0"
    bar = "return document.getElementById('quota-left').offsetWidth"
    poll(lambda: page.run(bar) == 0, "the bar is empty")


def test_clearing_the_inbox_needs_a_confirmation(page: InboxPage, server: DevServer) -> None:
    send(server, "deleted soon")
    page.await_push("deleted soon")

    page.find("#clear-inbox").click()
    page.find("#cancel-clear").click()
    assert len(server.messages) == 1
    page.find("#clear-inbox").click()
    page.find("#confirm-clear").click()

    poll(lambda: page.find("#empty").is_displayed(), "the page is empty")
    assert server.messages == []


def test_an_error_of_a_control_is_shown(page: InboxPage, server: DevServer) -> None:
    receipt = ring(server)
    poll(lambda: page.all("[data-state=ringing]"), "it rings")
    with server.changed:
        server.account.emergencies.pop(receipt)

    page.find(".push .acknowledge").click()

    poll(lambda: "no emergency has the receipt" in page.text("#message"), "the reason")


def test_a_rejected_request_is_listed_with_its_cause(page: InboxPage, server: DevServer) -> None:
    for title in ("x" * 251, "y" * 251):
        with pytest.raises(AssertionError, match="Title is too long"):
            send(server, "hello", title=title)

    poll(lambda: page.text("#rejections-count") == "2", "two rejected requests")
    page.settle()
    page.find("#rejections-list summary").click()
    shown = page.find("#rejections-list li").text

    assert "Title is too long (maximum is 250 characters)" in shown
    assert "POST /1/messages.json" in shown
    assert "yyy" in shown
    assert page.text("#announce").startswith("Rejected with 400: Title is too long")
    assert server.token not in page.driver.page_source
    assert server.user not in page.driver.page_source


def test_five_thousand_pushes_are_quickly_there(page: InboxPage, server: DevServer) -> None:
    fill(server, 5_000)
    page.open()

    shown = len(page.all(".push"))
    page.find("#search").send_keys("1717")

    assert shown <= 120
    assert page.run("return performance.now()") < 10_000
    poll(lambda: len(page.titles()) == 1, "the one that is searched for, of all")
    assert page.text(".push .text") == "number 1717 of many"


def test_scrolling_down_draws_older_pushes(page: InboxPage, server: DevServer) -> None:
    fill(server, 300)
    page.open()

    def at_the_end() -> bool:
        page.run("window.scrollTo(0, document.body.scrollHeight)")
        return len(page.all(".push")) == 300

    poll(at_the_end, "all 300 are drawn")
    assert page.all(".push")[-1].get_attribute("aria-posinset") == "300"


def test_the_page_finds_the_server_again(page: InboxPage, server: DevServer) -> None:
    send(server, "before")
    page.await_push("before")
    server.stop()
    poll(lambda: page.text("#connection") == "reconnecting", "the page misses the server")

    server.start()
    send(server, "after")

    page.await_push("after")
    poll(lambda: len(page.all(".push")) == 2, "and knows all again")


@pytest.mark.parametrize(("name", "width", "height"), [("wide", 1180, 900), ("phone", 390, 844)])
@pytest.mark.parametrize("pushes", [0, 1, 5_000])
def test_it_fits_and_is_kept_as_a_picture(
    page: InboxPage,
    server: DevServer,
    artefacts: Path,
    name: str,
    width: int,
    height: int,
    pushes: int,
) -> None:
    page.shape(width, height)
    fill(server, max(0, pushes - 1))
    if pushes:
        ring(server, "PaymentError: the card reader does not answer", title="ERROR payment")
    page.open()

    for scheme, colour in (("light", "rgb(243, 244, 247)"), ("dark", "rgb(16, 19, 24)")):
        page.prefer(scheme)
        page.settle()
        fits = page.run("return document.documentElement.scrollWidth <= window.innerWidth")
        ground = page.run("return getComputedStyle(document.body).backgroundColor")
        picture = artefacts / f"inbox-{pushes}-{name}-{scheme}.png"
        page.driver.save_screenshot(str(picture))

        assert fits
        assert ground == colour
        assert picture.stat().st_size > 5_000


def test_on_a_narrow_screen_the_panels_are_a_button_away(page: InboxPage) -> None:
    page.shape(390, 844)
    assert not page.find("#tools").is_displayed()

    page.find("#show-tools").click()

    assert page.find("#tools").is_displayed()
    assert page.find("#show-tools").get_attribute("aria-expanded") == "true"


def test_everything_to_be_used_has_a_name_and_is_told_apart(
    page: InboxPage, server: DevServer
) -> None:
    ring(server, "fire", files=None, url="https://e.org")
    page.await_push("fire")

    names = [
        (element.tag_name, element.accessible_name)
        for element in page.all("button, input, select, [role=feed], [role=img], .push")
        if element.is_displayed()
    ]

    assert [tag for tag, name in names if not name.strip()] == []
    assert page.text("#announce-alarm").startswith("Emergency: Shop")
    assert "1 emergency" in page.find("#chart").get_attribute("aria-label")


def fill(server: DevServer, count: int) -> None:
    """Let that many pushes have arrived, without the time it takes to send them."""
    if not count:
        return
    send(server, "number 0 of many")
    pattern = server.messages[-1]
    with server.changed:
        for number in range(1, count):
            params = {**pattern.params, "message": f"number {number} of many"}
            params["priority"] = str(number % 4 - 2)
            message = type(pattern)(
                **{**vars(pattern), "number": pattern.number + number, "params": params}
            )
            server.account.keep(message)
        server.changed.notify_all()
