"""Calls the command line in this process, where no interpreter starts and nothing is imported."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from subprocess import CompletedProcess

import pytest

from pushover_logging.cli import main


def command(*words: str) -> CompletedProcess[str]:
    """What the command prints, and its exit code; its standard input is empty."""
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.StringIO())
        try:
            code = main(words)
        except SystemExit as ending:  # argparse ends by one
            code = int(ending.code or 0)
    return CompletedProcess(words, code, output.getvalue(), errors.getvalue())
