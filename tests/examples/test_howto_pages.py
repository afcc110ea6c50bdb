"""The how-to pages and the examples belong together."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest
from running import PAGES, PROJECT

NAMES = sorted(page.stem for page in PAGES.glob("*.rst") if page.stem != "index")
EXAMPLES = PROJECT / "examples"


def emphasized(options: str) -> list[str]:
    return re.findall(r":emphasize-lines: (.*)", options)


def included(name: str) -> list[Path]:
    text = (PAGES / f"{name}.rst").read_text("utf-8")
    return [(PAGES / path).resolve() for path in re.findall(r"literalinclude:: (\S+)", text)]


def test_each_example_has_a_page_and_a_test() -> None:
    folders = sorted(folder.name for folder in EXAMPLES.iterdir() if folder.is_dir())
    folders.remove(
        "relay"
    )  # docs/stores.rst shows it, and tests/cli/test_relay_examples.py runs it
    tests = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}

    assert folders == NAMES
    assert set(NAMES) <= tests


@pytest.mark.parametrize("name", NAMES)
def test_a_page_shows_files_of_its_example(name: str) -> None:
    paths = included(name)

    assert paths
    assert [path for path in paths if path.parent != EXAMPLES / name and name != "django"] == []
    assert [path for path in paths if not path.is_file()] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_page_tells_what_a_hurried_reader_asks(name: str) -> None:
    text = (PAGES / f"{name}.rst").read_text("utf-8")

    assert "**You will see**" in text
    assert "**How it stops.**" in text
    assert "**Good to know.**" in text


@pytest.mark.parametrize("name", NAMES)
def test_lines_that_a_page_emphasizes_are_not_blank(name: str) -> None:
    text = (PAGES / f"{name}.rst").read_text("utf-8")

    for path, options in re.findall(r"literalinclude:: (\S+)\n((?: +:.*\n)*)", text):
        lines = (PAGES / path).read_text("utf-8").splitlines()
        for first, last in re.findall(r"(\d+)(?:-(\d+))?", "".join(emphasized(options))):
            shown = lines[int(first) - 1 : int(last or first)]
            assert len(shown) == int(last or first) - int(first) + 1, path
            assert all(line.strip() for line in shown), path


def test_the_index_lists_every_page() -> None:
    listed = re.findall(r"^   ([a-z]+)$", (PAGES / "index.rst").read_text("utf-8"), re.MULTILINE)

    assert sorted(listed) == NAMES


def test_a_shared_store_says_what_happens_without_it() -> None:
    for name in NAMES:
        sources = [path.read_text("utf-8") for path in included(name)]
        if any('"store"' in source or "store=" in source for source in sources):
            page = (PAGES / f"{name}.rst").read_text("utf-8").lower()
            assert "without it" in page or "without the store" in page, name


def test_the_extra_names_every_framework() -> None:
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.read(PROJECT / "setup.cfg", "utf-8")
    extra = metadata["options.extras_require"]["frameworks"].lower()
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    imports = set(re.findall(r'importorskip\("([\w.]+)"\)', tests))
    packages = {"yaml": "pyyaml", "opentelemetry.sdk": "opentelemetry-sdk"}

    missing = {
        name
        for name in imports
        if packages.get(name, name).replace("_", "-") not in extra.replace("_", "-")
    }
    assert missing == set()
