"""Holds docs/design.rst by reading the code: who imports whom, who owns what, how long it gets."""

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

# What a module, or every module of a folder, may import of this package besides its own folder.
# A folder's name stands for all that is in it.
VALUES = ("alerts", "client.errors", "client.constants", "defaults")
SPELLING = ("client.constants", "converters", "credentials", "defaults", "priorities", "templates")
WRITING = (
    *VALUES,
    "markup",
    "templates",
    "tracebacks",
    "overrides",
    "capturing",
    "layout",
    "noting",
)
DECIDING = ("quota", "retrying", "groups", "grouping", "incidents", "gate")
CARRYING = (
    *VALUES,
    *DECIDING,
    "notices",
    "noting",
    "intake",
    "parcels",
    "books",
    "room",
    "watch",
    "stores",
    "losses",
)
MAY_IMPORT = {
    "client": (),
    "devserver": ("client.constants",),
    "alerts": ("client.constants", "noting"),
    # What options and overrides may be written as.
    "converters": ("client.constants",),
    "credentials": ("client.constants", "converters"),
    "defaults": (),
    "priorities": ("client.constants", "converters", "defaults"),
    "templates": VALUES,
    "options": (*VALUES, *SPELLING, "client.address"),
    "overrides": (*VALUES, "converters", "options"),
    # In the logging call.
    "noting": ("capturing",),
    "groups": ("incidents",),
    "intake": ("defaults", "groups", "noting"),
    # From a record to an alert.
    "markup": VALUES,
    "tracebacks": VALUES,
    "capturing": WRITING,
    "layout": WRITING,
    "rendering": WRITING,
    # From an alert to the service; decisions know neither logging nor HTTP.
    "notices": (),
    "redaction": (),
    "quota": VALUES,
    "retrying": VALUES,
    "grouping": (*VALUES, "groups", "intake", "notices", "templates"),
    "incidents": (*VALUES, "groups"),
    "gate": (*VALUES, "quota", "retrying", "stores"),
    "parcels": (*VALUES, "groups", "incidents", "noting", "quota", "retrying"),
    "books": (*VALUES, "incidents", "quota"),
    "room": (*VALUES, "gate", "intake", "parcels"),
    "losses": (*VALUES, "grouping", "intake", "notices", "parcels", "room"),
    "watch": (*VALUES, "groups", "grouping", "incidents", "notices", "parcels", "stores"),
    "stores": (*VALUES, "groups", "incidents", "noting", "parcels", "quota"),
    "delivery": CARRYING,
    "courier": ("notices", "rounds"),
    "rounds": ("courier", "notices"),
    # Where they meet, and what stands before them.
    "summaries": (*WRITING, "rendering", "parcels", "quota"),
    "phone": (*CARRYING, "client", "options", "rendering", "summaries"),
    "dispatch": ("courier", "delivery", "intake", "notices"),
    "assembly": (
        *(*CARRYING, *SPELLING, "options", "redaction", "rendering", "summaries"),
        *("client", "delivery", "phone"),
    ),
    "handler": (
        *(*CARRYING, *SPELLING, "assembly", "capturing", "courier", "delivery", "dispatch"),
        *("options",),
    ),
    "oneshot": ("client", "credentials"),
    "forward": ("converters", "courier", "handler"),
    "cli": (*VALUES, *SPELLING, "client", "devserver", "forward", "handler", "markup"),
    "pytest_plugin": ("devserver", "handler", "retrying"),
    "__main__": ("cli",),
}

# Each outside library and machine resource has one owner.
OWNERS = {
    "requests": "client/transport.py",
    "urllib3": "client/transport.py",
    "tenacity": "retrying.py",
    "cryptography": "client/encryption.py",
    "redis": "stores/",
    "sqlite3": ("stores/", "devserver/database.py"),
    "starlette": "devserver/",
    "uvicorn": "devserver/",
    "python_multipart": "devserver/",
    "sse_starlette": "devserver/",
    "nh3": "devserver/",
    "argparse": "cli/",
}
STARTS_A_THREAD = {"Thread", "Timer", "ThreadPoolExecutor", "start_new_thread"}


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
def test_imports_only_what_the_design_allows(module: Module) -> None:
    home = module.name.split(".")[0]
    if not home:
        return  # the public face may import everything
    assert home in MAY_IMPORT, f"{home} has no line in the table of who may import whom"

    ours = {
        name.removeprefix(PROJECT).removeprefix(".")
        for name in module.imports()
        if is_within(name, PROJECT)
    }
    foreign = {name for name in ours if not is_within(name, home)}
    allowed = MAY_IMPORT[home]

    assert {
        name for name in foreign if not any(is_within(name, place) for place in allowed)
    } == set()


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
def test_only_the_courier_starts_threads(module: Module) -> None:
    if module.file == "courier.py" or module.file.startswith("devserver/"):
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


def test_the_courier_knows_neither_logging_nor_http() -> None:
    courier = [module for module in MODULES if module.file == "courier.py"]

    imported = {name for module in courier for name in module.imports()}

    assert {
        name for name in imported if name.split(".")[0] in {"logging", "http", "urllib"}
    } == set()


@pytest.mark.parametrize("name", ["intake", "grouping", "incidents", "gate", "quota", "room"])
def test_decisions_are_given_their_clock_and_take_no_lock(name: str) -> None:
    (decisions,) = (module for module in MODULES if module.name == name)

    imported = {module.split(".")[0] for module in decisions.imports()}

    assert imported & {"time", "threading", "os", "sys", "socket", "queue", "random"} == set()


@every_module
def test_modules_are_short_and_say_why_they_exist(module: Module) -> None:
    assert len(module.source.splitlines()) < 420
    assert ast.get_docstring(module.tree)


@every_module
def test_no_function_is_longer_than_60_lines(module: Module) -> None:
    too_long = {
        node.name: length
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := lines_of_code(node)) > 60
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
