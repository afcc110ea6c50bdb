"""How Sphinx builds these pages: ``sphinx-build -W docs docs/_build``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pushover_logging

sys.path.insert(0, str(Path(__file__).parent))
import command_reference

project = "pushover_logging"
author = "The pushover_logging developers"
project_copyright = author
version = release = pushover_logging.__version__

extensions = ["sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
nitpicky = False

html_theme = "alabaster"
html_theme_options = {
    "description": "Python logging on your phone",
    "fixed_sidebar": True,
    "show_powered_by": False,
}

autodoc_member_order = "bysource"
autodoc_typehints = "signature"


def fill_in(_app: Any, page: str, source: list[str]) -> None:
    """Put the reference of the commands into its page."""
    if page == "command-reference":
        place = command_reference.PLACE
        source[0] = source[0].replace(place, command_reference.command_reference())


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("source-read", fill_in)
