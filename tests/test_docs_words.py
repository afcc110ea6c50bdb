"""The documentation, help texts and public docstrings are free of words that slow a reader down."""

from __future__ import annotations

import argparse
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import pushover_logging
from pushover_logging.cli import build_parser

PROJECT = Path(__file__).parent.parent
PAGES = [
    *(PROJECT / name for name in ("README.rst", "CHANGELOG.rst", "CONTRIBUTING.rst")),
    *sorted((PROJECT / "docs").rglob("*.rst")),
]
DOCUMENTED_MODULES = (
    "pushover_logging.client",
    "pushover_logging.devserver",
    "pushover_logging.pytest_plugin",
)

QUAINT = (
    r"couriers?|parcels?|rooms?|gates?|books|losses|noting|intake|troubles?|glimpse\w*|heed\w*"
    r"|mourn\w*|errands?|gone|watch(?:es|ing|ed)?|looks?|rounds|so many (?:pushes|groups)"
)
PERSONIFIED = r"speaking|speaks|knows nothing|outlive[sd]?|lives? (?:on|behind)|said (?:once|so)"
ROUNDABOUT = (
    r"of one's own|Pushover of [\w' ]{1,20} own|made right|whom it may concern|for ever|all else"
)
FOR_AS_BECAUSE = (
    r"(?<=[,;] )for (?:it|they|he|she|this|these|that|there|nobody|nothing|(?:each|an?|the) \w+)"
    r" (?:is|are|was|were|may|must|could|can|would|will|has|have|does|do)"
)
FORBIDDEN = re.compile(
    rf"\b(?:{QUAINT}|{PERSONIFIED}|{ROUNDABOUT}|{FOR_AS_BECAUSE})\b", re.IGNORECASE
)
HONEST = re.compile(
    r"\b(?:looked up|looks? up|looks? (?:at|for|like|the same)|look (?:at|for) (?:it|them)"
    r"|speaks? HTTPS?)\b",
    re.IGNORECASE,
)
"""Uses of these words in their plain meaning."""


class Text(NamedTuple):
    place: str
    words: str


def pages() -> Iterator[Text]:
    for page in PAGES:
        for number, line in enumerate(prose_of(page.read_text("utf-8")).splitlines(), 1):
            yield Text(f"{page.relative_to(PROJECT)}:{number}", line)


def prose_of(page: str) -> str:
    """The page with the same lines, but without its code blocks and literals."""
    lines = []
    block: int | None = None
    for line in page.splitlines():
        indent = len(line) - len(line.lstrip())
        if block is not None and (not line.strip() or indent > block):
            lines.append("")
            continue
        block = None
        if re.match(r" *\.\. (?:code-block|literalinclude|auto\w+|toctree|image)::", line):
            block = indent
        lines.append("" if block is not None else re.sub(r"``.*?``|`[^`]*<", " ", line))
    return "\n".join(lines)


def help_texts(parser: argparse.ArgumentParser) -> Iterator[Text]:
    yield Text(f"{parser.prog} --help", parser.description or "")
    yield Text(f"{parser.prog} --help", (parser.epilog or "").partition("example:")[0])
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from help_texts(command)
        else:
            name = action.option_strings[0] if action.option_strings else action.dest
            yield Text(f"{parser.prog} {name}", action.help or "")


def public_objects() -> Iterator[tuple[str, object]]:
    for name in pushover_logging.__all__:
        yield f"pushover_logging.{name}", getattr(pushover_logging, name)
    for module_name in DOCUMENTED_MODULES:
        module = importlib.import_module(module_name)
        for name in module.__all__:
            yield f"{module_name}.{name}", getattr(module, name)


def docstrings() -> Iterator[Text]:
    for place, value in public_objects():
        if not inspect.isclass(value) and not inspect.isfunction(value):
            continue
        yield from lines_of(place, value.__doc__)
        if not inspect.isclass(value):
            continue
        yield from attribute_docs(place, value)
        for name, member in vars(value).items():
            if name.startswith("_") and name != "__init__":
                continue
            function = getattr(member, "fget", None) or getattr(member, "__func__", member)
            if inspect.isfunction(function):
                yield from lines_of(f"{place}.{name}", function.__doc__)


def attribute_docs(place: str, value: type) -> Iterator[Text]:
    """The texts below the fields of a class, which Sphinx shows."""
    try:
        source = inspect.getsource(value)
    except (OSError, TypeError):
        return
    for text in re.findall(r'^    """(.*?)"""', source, re.MULTILINE | re.DOTALL)[1:]:
        yield from lines_of(f"{place} (a field)", text)


def lines_of(place: str, text: str | None) -> Iterator[Text]:
    for line in prose_of(inspect.cleandoc(text or "")).splitlines():
        yield Text(place, line)


def findings(texts: Iterator[Text]) -> list[str]:
    return [
        f"{text.place}: {found[0]!r} in {text.words.strip()!r}"
        for text in texts
        for found in FORBIDDEN.finditer(HONEST.sub(" ", text.words))
    ]


def test_pages_are_in_plain_words() -> None:
    assert findings(pages()) == []


def test_help_texts_are_in_plain_words() -> None:
    assert findings(help_texts(build_parser())) == []


def test_public_docstrings_are_in_plain_words() -> None:
    assert findings(docstrings()) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "The courier takes it to the phone.",
        "It finds no room.",
        "A Pushover of one's own on loopback.",
        "It is refused, for it must be a number.",
        "As chump, made right.",
        "It may have trouble.",
        "A receipt that is gone.",
    ],
)
def test_quaint_sentence_is_found(sentence: str) -> None:
    assert findings(iter([Text("page", sentence)]))


@pytest.mark.parametrize(
    "sentence",
    [
        "It rings on your phone.",
        "The name is looked up when it is needed.",
        "Wait for it.",
        "A smartwatch shows it.",
        "This holds for the memory store, which is the default.",
    ],
)
def test_plain_sentence_is_not_found(sentence: str) -> None:
    assert findings(iter([Text("page", sentence)])) == []


def test_code_is_not_read_as_prose() -> None:
    page = "Text\n\n.. code-block:: python\n\n   room = watch\n\nUse ``books``.\n"

    assert findings(Text("page", line) for line in prose_of(page).splitlines()) == []
