"""The inbox page in a real browser: what a person sees there, and what hostile texts cannot do."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from pushover_logging import PushoverHandler
from pushover_logging.devserver import DevServer

from .looking import Phone, picture, poll, ring, send

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


def test_a_push_appears_without_reload(phone: Phone, server: DevServer) -> None:
    assert "Nothing has arrived yet" in phone.find("#empty").text

    send(server, "cups are sold out", title="WARNING stock", priority=1)

    phone.await_push("cups are sold out")
    assert phone.text(".push .title") == "WARNING stock"
    assert phone.find(".push .priority").text == "High"
    assert not phone.find("#empty").is_displayed()
    assert phone.text("#announce").startswith("High: WARNING stock")


def test_the_newest_push_is_the_first(phone: Phone, server: DevServer) -> None:
    for number in range(3):
        send(server, "x", title=str(number))

    poll(lambda: phone.titles() == ["2", "1", "0"], "three pushes, newest first")


def test_everything_of_a_push_is_drawn(phone: Phone, server: DevServer) -> None:
    image = {"attachment": ("plot.png", picture(), "image/png")}
    send(server, "a\n  b", image, monospace=1, sound="tugboat", url="https://e.org/1", ttl=90)
    phone.await_push("a\n  b")

    card = phone.find(".push")

    assert "monospace" in phone.find(".push .text").get_attribute("class")
    assert phone.find(".push .link a").get_attribute("href") == "https://e.org/1"
    assert phone.find(".push .link a").get_attribute("rel") == "noopener noreferrer"
    assert all(word in card.text for word in ("Shop", "Tug Boat", "phone", "plot.png", "90 s"))
    poll(
        lambda: phone.run("return document.querySelector('.image img').naturalWidth") == 24,
        "the image",
    )


@pytest.mark.slow
def test_an_acknowledging_click_reaches_the_handler(phone: Phone, server: DevServer) -> None:
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
    poll(lambda: phone.all("[data-state=ringing]"), "a push that rings")
    phone.settle()
    assert phone.text("#alarm-text") == "1 emergency rings"

    phone.find(".push .acknowledge").click()

    poll(lambda: phone.all("[data-state=acknowledged]"), "the push is acknowledged")
    phone.settle()
    assert heard.wait(30)
    [incident] = handler.stats().incidents
    handler.close()
    assert incident.acknowledged_at is not None
    assert not phone.find("#alarm").is_displayed()
    assert not phone.find(".push .acknowledge").is_displayed()


def test_what_stops_an_emergency_elsewhere_is_seen_here(phone: Phone, server: DevServer) -> None:
    expired, acknowledged = ring(server, "one"), ring(server, "two")
    poll(lambda: len(phone.all("[data-state=ringing]")) == 2, "two that ring")

    server.expire(expired)
    server.acknowledge(acknowledged, device="watch")

    poll(lambda: phone.all("[data-state=expired]"), "one has expired")
    done = poll(lambda: phone.all("[data-state=acknowledged]"), "one is acknowledged")
    assert "on watch" in done[0].find_element(By.CSS_SELECTOR, ".fate").text


def test_it_stops_ringing_by_itself_when_it_expires(phone: Phone, server: DevServer) -> None:
    ring(server, expire=2)

    poll(lambda: phone.all("[data-state=ringing]"), "it rings")
    poll(lambda: phone.all("[data-state=expired]"), "it has expired")
    assert "Expired unacknowledged" in phone.text(".fate p")


@pytest.mark.parametrize("html", [0, 1])
def test_hostile_texts_do_nothing(phone: Phone, server: DevServer, html: int) -> None:
    scripts = phone.run("return document.scripts.length")
    for text in HOSTILE:
        shown = {"title": text[:250], "url": "javascript:alert(1)", "url_title": text[:100]}
        send(server, f"{text} end", html=html, **shown)
    send(server, "last")

    phone.await_push("last")

    assert phone.run("return document.scripts.length") == scripts
    assert phone.all(".push script, .push iframe, .push style, .push svg[onload]") == []
    assert phone.all(".push [onerror], .push [onclick], .push [style*=url]") == []
    assert phone.all("a[href^='javascript']") == []
    assert phone.driver.title == "Inbox"
    assert [url for url in phone.asked_for() if not url.startswith(server.base_url)] == []
    assert phone.complaints() == []  # not even a policy had to step in


def test_hostile_text_is_shown_as_text(phone: Phone, server: DevServer) -> None:
    send(server, HOSTILE[0], title=HOSTILE[1])

    phone.await_push(HOSTILE[0])

    assert phone.titles() == [HOSTILE[1]]


def test_long_words_and_right_to_left_marks_stay_in_their_push(
    phone: Phone, server: DevServer
) -> None:
    send(server, "before")
    send(server, "W" * 1024, title="W" * 250)
    send(server, "\u202e" * 1023 + "x", title="\u202eevil", url="x:1", url_title="\u202e")
    poll(lambda: len(phone.all(".push")) == 3, "the pushes")
    phone.settle()

    left = phone.run("return [...document.querySelectorAll('.tile')].map(e => e.offsetLeft)")
    width = phone.run("return document.documentElement.scrollWidth <= window.innerWidth")

    texts = "[...document.querySelectorAll('.push .title, .push .text')]"
    assert len(set(left)) == 1
    assert width
    assert phone.run(f"return {texts}.every(e => e.scrollWidth <= e.clientWidth)")
    assert phone.text(".push .link bdi + bdi") == " (x:1)"  # apart, so that it can't be turned


def test_encrypted_pushes_open_with_the_key_and_close_without(
    phone: Phone, server: DevServer
) -> None:
    send(server, SECRET, title=SECRET, encrypted=1)
    poll(lambda: phone.titles() == ["Encrypted"], "a closed push")

    phone.find("#key").send_keys(ENCRYPTION_KEY, Keys.ENTER)

    poll(lambda: phone.titles() == ["secret"], "the push is open")
    send(server, SECRET, title=SECRET, encrypted=1)
    poll(lambda: phone.titles() == ["secret", "secret"], "the next one opens by itself")
    assert phone.find("#key").get_attribute("value") == ""
    assert not any(ENCRYPTION_KEY in url for url in phone.asked_for())
    assert ENCRYPTION_KEY not in phone.run("return JSON.stringify({...localStorage})")
    phone.find("#forget-key").click()
    poll(lambda: phone.titles() == ["Encrypted", "Encrypted"], "the pushes are closed")


def test_a_wrong_key_is_said(phone: Phone, server: DevServer) -> None:
    send(server, SECRET, title=SECRET, encrypted=1)
    poll(lambda: phone.titles() == ["Encrypted"], "a closed push")

    phone.find("#key").send_keys("no key", Keys.ENTER)
    poll(lambda: phone.text("#key-note") == "The key must be 64 hex digits.", "the rule")
    phone.find("#key").clear()
    phone.find("#key").send_keys("11" * 32, Keys.ENTER)

    poll(lambda: "another key" in phone.text(".push .text"), "why it stays closed")


def test_it_is_used_by_keyboard(phone: Phone, server: DevServer) -> None:
    for number in range(3):
        send(server, str(number))
    ring(server, "fire")
    phone.await_push("fire")

    phone.press("jj")
    second = phone.focused()
    phone.press("k")
    first = phone.focused()
    phone.press("a")

    assert (second, first) == ("push-3", "push-4")
    poll(lambda: phone.all("[data-state=acknowledged]"), "acknowledged by a key")
    assert phone.focused() == "push-4"


def test_search_and_help_have_their_keys(phone: Phone, server: DevServer) -> None:
    send(server, "tea")
    send(server, "cups")
    phone.await_push("cups")

    phone.press("/")
    assert phone.focused() == "search"
    phone.press("tea ja?")
    poll(lambda: not phone.all(".push"), "nothing matches")
    poll(lambda: phone.find("#no-match").is_displayed(), "that nothing matches")
    phone.escape()
    poll(lambda: len(phone.all(".push")) == 2, "all are back")
    phone.press("?")
    assert phone.find("#help").is_displayed()
    phone.escape()
    assert not phone.find("#help").is_displayed()


def test_the_order_of_focus_is_the_order_of_reading(phone: Phone, server: DevServer) -> None:
    ring(server, "fire", url="https://e.org")
    phone.await_push("fire")
    visited: list[str] = []

    phone.run("document.querySelector('#state').focus()")
    for _ in range(5):
        phone.press(Keys.TAB)
        visited.append(
            phone.run("const e = document.activeElement; return e.id || e.className || e.tagName")
        )

    assert visited == ["push-1", "A", "expire", "acknowledge", *visited[4:]]
    assert phone.run("return document.activeElement.closest('#tools') !== null")


def test_pushes_are_filtered_by_priority_text_and_state(phone: Phone, server: DevServer) -> None:
    send(server, "low tea", priority=-1, title="A")
    send(server, "high tea", priority=1, title="B")
    server.acknowledge(ring(server, "fire", title="C"))
    poll(lambda: phone.titles() == ["C", "B", "A"], "three pushes")
    phone.settle()

    phone.find(".chip[data-priority='1']").click()
    by_priority = phone.titles()
    phone.find(".chip[data-priority='-1']").click()
    by_two = phone.titles()
    phone.find("#search").send_keys("HIGH")
    by_text = phone.titles()
    phone.escape()
    phone.find("#state option[value=acknowledged]").click()
    by_state = phone.titles()

    assert (by_priority, by_two, by_text, by_state) == (["B"], ["B", "A"], ["B"], ["C"])
    poll(lambda: phone.text("#count") == "1 of 3 pushes", "how many match")


def test_new_pushes_keep_to_the_filter(phone: Phone, server: DevServer) -> None:
    phone.find("#search").send_keys("tea")

    send(server, "cups", title="A")
    send(server, "tea", title="B")

    poll(lambda: phone.titles() == ["B"], "only what matches")


def test_trouble_is_made_and_ended_from_the_page(phone: Phone, server: DevServer) -> None:
    phone.find("#trouble-form [name=status]").clear()
    phone.find("#trouble-form [name=status]").send_keys("503")
    phone.find("#trouble-form button").click()
    poll(lambda: "status, 1 time" in phone.text("#faults"), "the trouble is listed")
    phone.settle()
    assert phone.find("#misbehaving").is_displayed()

    with pytest.raises(AssertionError, match="503"):
        send(server)

    poll(lambda: phone.text("#faults") == "", "the trouble is used up")
    assert not phone.find("#misbehaving").is_displayed()


def test_the_quota_is_a_bar_and_can_be_used_up(phone: Phone, server: DevServer) -> None:
    send(server)
    poll(lambda: phone.text("#remaining") == "9,999", "one message less")

    phone.find("#quota-form button").click()

    poll(lambda: phone.text("#remaining") == "0", "nothing is left")
    assert phone.find("#quota-bar").get_attribute("aria-valuenow") == "0"
    bar = "return document.getElementById('quota-left').offsetWidth"
    poll(lambda: phone.run(bar) == 0, "the bar is empty")


def test_a_reset_is_asked_for_twice(phone: Phone, server: DevServer) -> None:
    send(server, "gone soon")
    phone.await_push("gone soon")

    phone.find("#reset").click()
    phone.find("#keep").click()
    assert len(server.messages) == 1
    phone.find("#reset").click()
    phone.find("#forget").click()

    poll(lambda: phone.find("#empty").is_displayed(), "the page is empty")
    assert server.messages == []


def test_what_cannot_be_done_is_said(phone: Phone, server: DevServer) -> None:
    receipt = ring(server)
    poll(lambda: phone.all("[data-state=ringing]"), "it rings")
    with server.changed:
        server.account.emergencies.pop(receipt)

    phone.find(".push .acknowledge").click()

    poll(lambda: "no emergency has the receipt" in phone.text("#complaint"), "the reason")


def test_five_thousand_pushes_are_quickly_there(phone: Phone, server: DevServer) -> None:
    fill(server, 5_000)
    phone.look()

    shown = len(phone.all(".push"))
    phone.find("#search").send_keys("1717")

    assert shown <= 120
    assert phone.run("return performance.now()") < 10_000
    poll(lambda: len(phone.titles()) == 1, "the one that is searched for, of all")
    assert phone.text(".push .text") == "number 1717 of many"


def test_scrolling_down_draws_older_pushes(phone: Phone, server: DevServer) -> None:
    fill(server, 300)
    phone.look()

    def at_the_end() -> bool:
        phone.run("window.scrollTo(0, document.body.scrollHeight)")
        return len(phone.all(".push")) == 300

    poll(at_the_end, "all 300 are drawn")
    assert phone.all(".push")[-1].get_attribute("aria-posinset") == "300"


def test_the_page_finds_the_server_again(phone: Phone, server: DevServer) -> None:
    send(server, "before")
    phone.await_push("before")
    server.stop()
    poll(lambda: phone.text("#connection") == "reconnecting", "the page misses the server")

    server.start()
    send(server, "after")

    phone.await_push("after")
    poll(lambda: len(phone.all(".push")) == 2, "and knows all again")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "width", "height"), [("wide", 1180, 900), ("phone", 390, 844)])
@pytest.mark.parametrize("pushes", [0, 1, 5_000])
def test_it_fits_and_is_kept_as_a_picture(
    phone: Phone,
    server: DevServer,
    artefacts: Path,
    scheme: str,
    name: str,
    width: int,
    height: int,
    pushes: int,
) -> None:
    phone.shape(width, height)
    phone.prefer(scheme)
    fill(server, max(0, pushes - 1))
    if pushes:
        ring(server, "PaymentError: the card reader does not answer", title="ERROR payment")
    phone.look()

    fits = phone.run("return document.documentElement.scrollWidth <= window.innerWidth")
    ground = phone.run("return getComputedStyle(document.body).backgroundColor")
    picture = artefacts / f"inbox-{pushes}-{name}-{scheme}.png"
    phone.driver.save_screenshot(str(picture))

    assert fits
    assert ground == {"light": "rgb(243, 244, 247)", "dark": "rgb(16, 19, 24)"}[scheme]
    assert picture.stat().st_size > 5_000


def test_on_a_phone_the_panels_are_a_button_away(phone: Phone) -> None:
    phone.shape(390, 844)
    assert not phone.find("#tools").is_displayed()

    phone.find("#show-tools").click()

    assert phone.find("#tools").is_displayed()
    assert phone.find("#show-tools").get_attribute("aria-expanded") == "true"


def test_everything_to_be_used_has_a_name_and_is_told_apart(
    phone: Phone, server: DevServer
) -> None:
    ring(server, "fire", files=None, url="https://e.org")
    phone.await_push("fire")

    names = [
        (element.tag_name, element.accessible_name)
        for element in phone.all("button, input, select, [role=feed], [role=img], .push")
        if element.is_displayed()
    ]

    assert [tag for tag, name in names if not name.strip()] == []
    assert phone.text("#announce-alarm").startswith("Emergency: Shop")
    assert "1 emergency" in phone.find("#chart").get_attribute("aria-label")


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
