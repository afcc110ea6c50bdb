"""Which part may import which, and which owns an outside library, checked by reading the code."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import pushover_logging

PACKAGE = Path(pushover_logging.__file__).parent
PROJECT = "pushover_logging"

# The table: what a folder, or a module at the top, may import of this package besides itself.
# A folder's name stands for all that is in it. Imports for type checkers alone count too.
MAY_IMPORT = {
    "cli": (
        *("forward", "devserver", "handler", "client", "stores", "config", "render"),
        *("delivery.retry", "delivery.operators", "delivery.shared", "delivery.state"),
        "delivery.worker",
    ),
    "forward": ("handler", "config", "delivery.worker"),
    "handler": ("ingest", "config", "delivery", "notice", "render.redact"),
    "delivery": ("ingest", "render", "stores", "config", "client", "notice"),
    "ingest": ("notice", "values", "config"),  # of config: placeholders, and the type of an option
    "render": ("notice", "config", "client.constants"),
    "config": ("client.constants", "client.address", "notice", "values"),
    "stores": ("notice", "ingest.spool"),
    "notice": ("values",),
    "values": (),
    "client": (),
    "devserver": ("client.constants",),
}
# The doors: they put the rows above together, and nothing of the package imports them.
DOORS = {
    "": ("client", "config", "delivery", "handler", "hooks", "oneshot"),
    "__main__": ("cli",),
    "hooks": ("delivery", "handler", "oneshot", "client.constants", "render.redact", "values"),
    "oneshot": ("client", "config"),
    "pytest_plugin": ("delivery.retry", "devserver", "handler"),
}

# Each outside library and machine resource has one owner.
OWNERS: dict[str, str | tuple[str, ...]] = {
    "requests": "client/transport.py",
    "urllib3": "client/transport.py",
    "tenacity": "delivery/retry.py",
    "cryptography": "client/encryption.py",
    "redis": "stores/",
    "sqlite3": ("stores/", "devserver/"),
    "starlette": "devserver/",
    "uvicorn": "devserver/",
    "sse_starlette": "devserver/",
    "python_multipart": "devserver/",
    "nh3": "devserver/",
    "argparse": "cli/",
}
STARTS_A_THREAD = {"Thread", "Timer", "ThreadPoolExecutor", "start_new_thread"}
MAY_START_A_THREAD = ("delivery/worker.py", "devserver/")


class Module(NamedTuple):
    path: Path
    tree: ast.Module
    source: str

    @property
    def file(self) -> str:
        return self.path.relative_to(PACKAGE).as_posix()

    @property
    def name(self) -> str:
        parts = self.path.relative_to(PACKAGE).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def imports(self) -> Iterator[str]:
        """The full names of all modules it imports, wherever in the file."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                origin = self._origin(node)
                for alias in node.names:
                    name = f"{origin}.{alias.name}"
                    if is_our_module(name):
                        yield name
                    elif name != f"{PROJECT}.__version__":
                        yield origin

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        here = self.path.relative_to(PACKAGE.parent).with_suffix("").parts
        package = here[: len(here) - node.level]
        return ".".join((*package, *((node.module,) if node.module else ())))


def is_our_module(name: str) -> bool:
    place = PACKAGE.parent.joinpath(*name.split("."))
    return is_within(name, PROJECT) and (
        place.with_suffix(".py").exists() or (place / "__init__.py").exists()
    )


def is_within(name: str, place: str) -> bool:
    return name == place or name.startswith(f"{place}.")


def read(path: Path) -> Module:
    source = path.read_text("utf-8")
    return Module(path, ast.parse(source), source)


MODULES = [read(path) for path in sorted(PACKAGE.rglob("*.py"))]
every_module = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.file)


@every_module
def test_imports_only_what_the_table_allows(module: Module) -> None:
    home = module.name.split(".")[0]
    allowed = (MAY_IMPORT | DOORS)[home]  # KeyError: it has no row in the table

    ours = {
        name.removeprefix(PROJECT).removeprefix(".")
        for name in module.imports()
        if is_within(name, PROJECT)
    }
    foreign = {name for name in ours if not (home and is_within(name, home))}

    assert {
        name for name in foreign if not any(is_within(name, place) for place in allowed)
    } == set()


def test_the_table_has_no_circle_and_no_row_for_nothing() -> None:
    rows = {row: {place.split(".")[0] for place in allowed} for row, allowed in MAY_IMPORT.items()}
    # Single modules that import less than the folder that they are in.
    rows["stores"].discard("ingest")  # ingest.spool
    rows["ingest"].discard("config")  # config.templates
    order: list[str] = []
    while rest := [row for row in rows if row not in order]:
        ready = [row for row in rest if rows[row] <= set(order)]
        assert ready, f"{rest} import each other"
        order += ready

    assert {module.name.split(".")[0] for module in MODULES} == {*MAY_IMPORT, *DOORS}


@every_module
def test_each_library_is_imported_by_its_owner_only(module: Module) -> None:
    libraries = {name.split(".")[0] for name in module.imports()}

    strangers = {
        library: OWNERS[library]
        for library in libraries & OWNERS.keys()
        if not module.file.startswith(OWNERS[library])
    }

    assert strangers == {}


@every_module
def test_only_the_worker_and_the_dev_server_start_threads(module: Module) -> None:
    if module.file.startswith(MAY_START_A_THREAD):
        return

    named = {node.attr for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)}
    named |= {node.id for node in ast.walk(module.tree) if isinstance(node, ast.Name)}

    assert named & STARTS_A_THREAD == set()


@every_module
def test_only_the_command_line_prints(module: Module) -> None:
    if module.file.startswith("cli/"):
        return

    calls = [node.func for node in ast.walk(module.tree) if isinstance(node, ast.Call)]

    assert "print" not in {call.id for call in calls if isinstance(call, ast.Name)}


@pytest.mark.parametrize("name", ["grouping", "incidents", "limits", "outbox"])
def test_decisions_are_given_their_clock_and_take_no_lock(name: str) -> None:
    (decisions,) = (module for module in MODULES if module.name == f"delivery.{name}")

    imported = {module.split(".")[0] for module in decisions.imports()}

    assert imported & {"time", "threading", "os", "sys", "socket", "queue", "random"} == set()


@pytest.mark.parametrize("folder", ["ingest", "render"])
def test_no_module_of_these_folders_does_input_or_output_or_starts_anything(folder: str) -> None:
    modules = [m for m in MODULES if is_within(m.name, folder) and m.name != "ingest.spool"]

    imported = {name.split(".")[0] for module in modules for name in module.imports()}

    assert imported & {"threading", "queue", "subprocess", "http", "urllib", "requests"} == set()


@every_module
def test_modules_say_why_they_exist(module: Module) -> None:
    assert ast.get_docstring(module.tree)


@every_module
def test_no_function_is_longer_than_90_lines(module: Module) -> None:
    too_long = {
        node.name: length
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := lines_of_code(node)) > 90
    }

    assert too_long == {}


def lines_of_code(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Its lines from the first statement on: neither the signature nor the docstring counts."""
    statements = function.body[1:] if ast.get_docstring(function) else function.body
    if not statements:
        return 0
    last = statements[-1]
    return (last.end_lineno or last.lineno) - statements[0].lineno + 1


def test_importing_the_package_loads_neither_requests_nor_tenacity() -> None:
    heavy = "{'requests', 'urllib3', 'tenacity', 'argparse', 'starlette', 'uvicorn', 'asyncio'}"
    script = f"import pushover_logging, sys; print(*{heavy} & sys.modules.keys())"

    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True
    )

    assert run.stdout.split() == []


def test_importing_the_handler_loads_neither_requests_nor_tenacity() -> None:
    script = (
        "import sys; from pushover_logging import PushoverHandler;"
        "print(*{'requests', 'urllib3', 'tenacity', 'asyncio'} & sys.modules.keys())"
    )

    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True
    )

    assert run.stdout.split() == []
