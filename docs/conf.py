"""How Sphinx builds these pages: ``sphinx-build -W docs docs/_build``."""

from __future__ import annotations

import pushover_logging

project = "pushover_logging"
author = "The pushover_logging developers"
project_copyright = author
version = release = pushover_logging.__version__

extensions = ["sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
nitpicky = False

html_theme = "alabaster"
html_theme_options = {
    "description": "Python logging to your phone",
    "fixed_sidebar": True,
    "show_powered_by": False,
}

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
