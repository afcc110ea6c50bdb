"""A notebook, run by a kernel."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest
from running import Example

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

RUN = """
import nbclient, nbformat, sys
from nbformat.v4 import new_code_cell, new_notebook

cells = open("notebook.py").read().split("# %%\\n")[1:]
notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
client = nbclient.NotebookClient(notebook, kernel_name="this", allow_errors=True, timeout=30)
client.execute()
nbformat.write(notebook, "done.ipynb")
"""


@pytest.mark.slow
def test_the_end_of_a_cell_is_pushed(example: Callable[[str], Example]) -> None:
    shop = example("jupyter")
    kernel = shop.folder / "kernels" / "this"
    kernel.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(
        json.dumps({"argv": command, "display_name": "this", "language": "python"})
    )
    shop.extra_environment = {"JUPYTER_PATH": str(shop.folder), "JUPYTER_PLATFORM_DIRS": "1"}

    shop.run([sys.executable, "-c", RUN])

    trained, failed = shop.push("training finished after"), shop.push("evaluation failed")
    assert len(shop.pushes) == 2
    assert (trained.title, trained.priority) == ("training finished", -1)
    assert trained.text.startswith("training finished after ")
    assert (failed.title, failed.priority) == ("evaluation failed", 2)
    assert "IndexError: list index out of range" in failed.text
