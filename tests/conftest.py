"""Marks that every test folder may use, how hypothesis searches, and how tests are run."""

import gc
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no defect: no example fails for having taken long.
settings.register_profile("any clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any clock")


def pytest_xdist_auto_num_workers() -> int:
    """``-n auto``: more than there are processors, because most tests wait for something."""
    return (os.cpu_count() or 1) + 4


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "scenario(name): a situation that must be survived")
    config.addinivalue_line("markers", "slow: takes more than three seconds, so it runs early")
    config.addinivalue_line("markers", "soak: left out unless ``-m soak`` asks for it")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give the slow tests to half of the workers to begin with, and quick ones to the others.

    A long test at the end is waited for. Slow tests mostly wait, so they leave the processors to
    the quick ones. ``--dist worksteal`` gives each worker a part of the list, and later lets idle
    workers take tests from the others.
    """
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    slow = [item for item in items if item.get_closest_marker("slow")]
    if workers == 1 or len(slow) * workers > len(items):
        return
    quick = [item for item in items if not item.get_closest_marker("slow")]
    first = (workers + 1) // 2
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        size = (len(items) - len(ordered)) // (workers - worker)
        share = slow[worker::first] if worker < first else []
        ordered += share
        ordered += quick[: size - len(share)]
        del quick[: size - len(share)]
    items[:] = ordered


def pytest_collection_finish() -> None:
    # What was collected lives to the end, and takes a second each time that it is looked through.
    gc.collect()
    gc.freeze()


_IGNORED_BY_PYTHON = {getattr(signal, name, None) for name in ("SIGPIPE", "SIGXFSZ")}


@pytest.fixture(autouse=True, scope="session")
def _programs_get_signals() -> Iterator[None]:
    """Let programs that tests start get the signals that this process ignores or holds back.

    ``nohup`` and shells that run a command in the background ignore signals for it, and programs
    inherit that. They do not inherit a handler: it is the default again in a new program.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    held_back = signal.pthread_sigmask(signal.SIG_SETMASK, ())
    ignored = [
        number
        for number in signal.valid_signals() - _IGNORED_BY_PYTHON
        if signal.getsignal(number) is signal.SIG_IGN
    ]
    for number in ignored:
        signal.signal(number, lambda *_: None)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, held_back)


@pytest.fixture(autouse=True, scope="session")
def _programs_keep_bytecode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let programs that tests start compile the package once, and not a thousand times.

    Where PYTHONDONTWRITEBYTECODE forbids bytecode beside the source, the workers share a folder.
    """
    if "PYTHONDONTWRITEBYTECODE" not in os.environ:
        yield
        return
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONDONTWRITEBYTECODE")
        patch.setenv("PYTHONPYCACHEPREFIX", str(folder / "bytecode"))
        yield
