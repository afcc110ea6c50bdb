"""Whatever a record holds, the push that comes of it can be read."""

from __future__ import annotations

import re
import sys

import pytest
from harness import Scenario, each_once


@pytest.mark.scenario("G1")
def test_a_record_that_cannot_be_formatted_still_says_what_it_is(scenario: Scenario) -> None:
    """G1: the push names level, logger, template and what was wrong."""
    program = """
import logging, stage
phone = stage.attach()

class Rude:
    def __str__(self):
        raise RuntimeError("no text for you")
    __repr__ = __str__

def log(name, *args):
    logging.getLogger(name).error(*args)

log("argument.type", "%d apples", "many")
log("argument.count", "%s and %s", "one")
log("argument.rude", "from %s", Rude())
log("message.rude", Rude())
phone.flush(10)
"""

    outcome = scenario.run(program)

    pushes = {
        name: f"{message.params['title']}\n{message.params['message']}"
        for message in outcome.messages
        for name in re.findall(r"(?:argument|message)\.\w+", str(message.params))
    }
    assert outcome.records == 4
    assert all("ERROR" in push for push in pushes.values())
    assert all(word in pushes["argument.type"] for word in ("%d apples", "many", "TypeError"))
    assert all(word in pushes["argument.count"] for word in ("%s and %s", "one", "TypeError"))
    assert all(word in pushes["argument.rude"] for word in ("from %s", "RuntimeError"))
    assert all(word in pushes["message.rude"] for word in ("Rude", "RuntimeError"))


@pytest.mark.scenario("G1")
def test_a_message_need_not_be_a_string(scenario: Scenario) -> None:
    """G1: a dict, an exception, bytes and None are pushed as they would be printed."""
    program = """
import logging, stage
phone = stage.attach()
for name, message in {
    "dict": {"order": "lost"}, "error": OSError("disk full"), "bytes": b"\\xff raw", "none": None,
}.items():
    logging.getLogger(name).error(message)
phone.flush(10)
"""

    outcome = scenario.run(program)

    assert sorted(outcome.texts) == sorted(
        ["{'order': 'lost'}", "disk full", r"b'\xff raw'", "None"]
    )


@pytest.mark.scenario("G2")
def test_characters_that_no_phone_shows_are_made_readable(scenario: Scenario) -> None:
    """G2: lone surrogates, NULs and control characters go; the words between them stay."""
    program = r"""
import logging, stage
phone = stage.attach()
logging.getLogger("sur\udcffrogate").error("one \udcff two \x00 three \x1b[31m four \x07 five")
phone.flush(10)
"""

    outcome = scenario.run(program)

    (message,) = outcome.messages
    said = message.params["title"] + message.params["message"]
    assert said.encode("utf-8")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", said)
    assert re.findall(r"one|two|three|four|five", said) == ["one", "two", "three", "four", "five"]


@pytest.mark.scenario("G3")
@pytest.mark.parametrize("text", ["", " ", "\n\t ", "\u200b", "\x00"])
def test_a_blank_record_gets_a_placeholder(scenario: Scenario, text: str) -> None:
    """G3: the service refuses blank messages, so that something has to stand for them."""
    program = f"""
import logging, stage
phone = stage.attach()
logging.getLogger("shop").error({text!r})
phone.flush(10)
"""

    outcome = scenario.run(program)

    assert re.search(r"\w", outcome.texts[0])


@pytest.mark.scenario("G4")
def test_arguments_changed_after_the_call_do_not_change_the_text(scenario: Scenario) -> None:
    """G4: the text is that of the moment of the call."""
    program = """
import logging, stage
phone = stage.attach()
for number in range(20):
    basket = {"apples": [stage.mark(number)]}
    logging.getLogger(f"shop.{stage.mark(100 + number)}").error("sold %s of %(none)s"[:7], basket)
    basket["apples"][0] = "changed"
    basket["pears"] = "changed"
phone.flush(10)
"""

    outcome = scenario.run(program)

    assert "changed" not in str(outcome.texts)
    assert outcome.marks == each_once(20)


@pytest.mark.scenario("G5")
def test_handlers_beside_it_see_the_record_untouched(scenario: Scenario) -> None:
    """G5: nothing is added to the record or taken away, no exc_text either."""
    program = """
import logging, stage
seen = []

class Witness(logging.Handler):
    def handle(self, record):
        seen.append(dict(record.__dict__))

log = logging.getLogger("shop")
log.addHandler(Witness())
phone = stage.attach("shop")
log.addHandler(Witness())
log.error("sold %s", "apples")
log.error("blank %d", "x")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("sold %(what)s", {"what": "pears"}, stack_info=True)
phone.flush(10)
before, after = seen[::2], seen[1::2]
stage.note(same=[a == b for a, b in zip(before, after)], exc_text=str(after[2]["exc_text"]))
"""

    outcome = scenario.run(program)

    assert outcome.notes["same"] == [True, True, True]
    assert outcome.notes["exc_text"] == "None"
    assert outcome.records == 3


TRACEBACKS = {
    "30 kB": """
def innermost_frame():
    raise KeyError("the last word")
def frame(depth):
    a_name_that_makes_the_line_long = innermost_frame() if depth == 0 else another(depth)
def another(depth):
    a_name_that_makes_the_line_long = frame(depth - 1)
def fail():
    frame(150)
""",
    "chained": """
def innermost_frame():
    raise KeyError("the last word")
def fail():
    try:
        int("no number " * 500)
    except ValueError as error:
        try:
            raise RuntimeError("between") from error
        except RuntimeError:
            innermost_frame()
""",
    "RecursionError": """
def innermost_frame():
    innermost_frame()
def fail():
    innermost_frame()
""",
    "ExceptionGroup": """
def innermost_frame():
    return [KeyError("%s is gone" % number) for number in range(200)]
def fail():
    raise ExceptionGroup("the last word", innermost_frame())
""",
}


@pytest.mark.scenario("G6")
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("30 kB", ["KeyError: 'the last word'", "innermost_frame", "another"]),
        ("chained", ["KeyError: 'the last word'", "innermost_frame"]),
        ("RecursionError", ["RecursionError: maximum recursion depth", "innermost_frame"]),
        pytest.param(
            "ExceptionGroup",
            ["ExceptionGroup: the last word", "fail", "KeyError: '0 is gone'"],
            marks=pytest.mark.skipif(sys.version_info < (3, 11), reason="new in Python 3.11"),
        ),
    ],
)
def test_a_huge_traceback_keeps_its_end(scenario: Scenario, kind: str, words: list[str]) -> None:
    """G6: it is cut to 1024 characters that hold the exception line and the innermost frames."""
    program = f"""
import logging, stage
phone = stage.attach()
{TRACEBACKS[kind]}
try:
    fail()
except Exception:
    logging.getLogger("shop").exception("order %s lost", 42)
phone.flush(10)
"""

    outcome = scenario.run(program)

    (text,) = outcome.texts
    assert len(text) <= 1024
    assert all(word in text for word in ["order 42 lost", *words])


@pytest.mark.scenario("G7")
def test_html_escapes_what_the_record_says_and_cuts_between_characters(scenario: Scenario) -> None:
    """G7: no tag of the record's works, and no tag or entity is cut in the middle."""
    program = """
import logging, stage
phone = stage.attach(html=True)
logging.getLogger("short").error("<script>alert('&')</script>")
for lead in range(8):
    logging.getLogger("long." + "x" * lead).error("y" * lead + "<&" * 1000)
try:
    raise ValueError("<b>&" * 1000)
except ValueError:
    logging.getLogger("raised").exception("<i>")
phone.flush(10)
"""

    outcome = scenario.run(program)

    texts = outcome.texts
    assert len(texts) == 10
    assert outcome.text("script").startswith("&lt;script&gt;alert(")
    for text in texts:
        plain = re.sub(r"</?(b|i|u|a|font)( [^<>]*)?>", "", text)
        assert not re.search(r"[<>]", plain)
        assert not re.search(r"&(?!(lt|gt|amp|quot|#x27|#39);)", plain)
