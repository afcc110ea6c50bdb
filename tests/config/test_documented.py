"""The page about configuration has an entry for every option, with its default and its bounds."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from pushover_logging.config import Grouping
from pushover_logging.config.fields import FIELDS, OPTIONS, RETRY_POLICY, STYLE_OPTIONS

PAGE = Path(__file__).parent.parent.parent / "docs" / "configuration.rst"
IN_WORDS = {
    "token": "``PUSHOVER_TOKEN``",
    "user": "``PUSHOVER_USER``",
    "api_url": "``PUSHOVER_API_URL``",
    "priorities": "ERROR and above emergency",
    "level": f"``{logging.getLevelName(0)}``",
    "ignore": ", ".join(f"``{name}``" for name in FIELDS["ignore"].default),  # type: ignore[attr-defined]
    "grouping": "``Grouping()``",
    "retry_policy": "``RetryPolicy()``",
}
"""Defaults that the page does not show as a value."""


def rows() -> Iterator[tuple[str, str, str]]:
    """The rows of all tables of three columns: name, meaning, default."""
    for part in PAGE.read_text("utf-8").split("\n   * - ")[1:]:
        name, meaning, default = part.split("\n\n")[0].split("\n     - ")
        yield name.strip("`"), " ".join(meaning.split()), " ".join(default.split())


ROWS = {name: (meaning, default) for name, meaning, default in rows()}


def test_options_are_the_rows_of_the_page() -> None:
    names = [name for name, _, _ in rows() if name not in ("Option", "Field")]

    assert sorted(names) == sorted([*OPTIONS, *Grouping.__annotations__, *RETRY_POLICY])


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_documented_with_its_default(name: str) -> None:
    default = FIELDS[name].default

    shown = ROWS[name][1]

    if name in IN_WORDS:
        assert IN_WORDS[name] in shown
    elif default is None:
        assert shown
        assert "``" not in shown
    else:
        assert shown == f"``{default}``"


@pytest.mark.parametrize("name", [name for name in OPTIONS if FIELDS[name].bounds])
def test_every_bound_is_documented(name: str) -> None:
    words = ROWS[name][0].replace(",", " ").replace(".", " ").replace("0 001", "0.001").split()

    bounds = [f"{bound:g}" for bound in FIELDS[name].bounds.values()]

    assert [bound for bound in bounds if bound not in words] == []


@pytest.mark.parametrize("name", [*Grouping.__annotations__, *RETRY_POLICY])
def test_every_field_of_a_nested_option_is_documented_with_its_default(name: str) -> None:
    default = RETRY_POLICY[name] if name in RETRY_POLICY else getattr(Grouping(), name)

    assert ROWS[name][1] == (f"``{default}``" if default is not None else ROWS[name][1].strip("`"))


def test_the_options_of_a_logger_are_those_of_a_push() -> None:
    page = PAGE.read_text("utf-8")
    section = page.split("\nContent of a push\n")[1].split("\nTemplates\n")[0]

    documented = [name for name, _, _ in rows() if f"* - ``{name}``\n" in section]

    assert sorted(documented) == sorted([*STYLE_OPTIONS, "encryption_key", "redact"])


def test_a_grouping_has_its_defaults_in_its_signature() -> None:
    parameters = inspect.signature(Grouping).parameters

    assert {name: parameter.default for name, parameter in parameters.items()} == {
        name: getattr(Grouping(), name) for name in Grouping.__annotations__
    }
