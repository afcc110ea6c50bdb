"""The two processes of the demo: a server to send to, and an application that only logs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_HOME = Path(__file__).resolve().parents[2]
"""Where the package lies: a clone, or site-packages."""
_STOP_SECONDS = 5.0


@contextmanager
def server() -> Iterator[dict[str, str]]:
    """Run a local Pushover server in a process; yield the environment variables that lead to it."""
    import pushover_logging.devserver  # noqa: F401 - says here, in one line, what is not installed

    command = [sys.executable, "-m", "pushover_logging", "serve", "--port", "0"]
    with subprocess.Popen(
        command, env=_environment({}), stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        try:
            yield _introduction(process)
        finally:
            process.terminate()
            process.wait(_STOP_SECONDS)


def _introduction(process: subprocess.Popen[str]) -> dict[str, str]:
    account = {}
    for line in process.stdout or ():
        name, _, value = line.removeprefix("export ").strip().partition("=")
        if line.startswith("export "):
            account[name] = value
        if len(account) == 3:
            return account
    raise ChildProcessError("the local server did not start")


class Application:
    """An unchanged example in its own process, with its log file and the counts of its handlers."""

    def __init__(
        self, example: Path, folder: Path, account: Mapping[str, str], **options: object
    ) -> None:
        """Start it in ``folder``; the options are added to those of its Pushover handler."""
        self._folder = folder
        folder.mkdir()
        config = folder / "logging.json"
        config.write_text(_configured(example.with_name("logging.json"), options), "utf-8")
        command = [sys.executable, "-m", "pushover_logging.cli.demo_application", "counts.json"]
        with (folder / "stderr").open("wb") as stderr:
            self._process = subprocess.Popen(
                [*command, str(example), str(config)],
                cwd=folder,
                env=_environment(account),
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
            )

    def is_running(self, wait: float) -> bool:
        """Whether it still runs, after at most ``wait`` seconds."""
        try:
            self._process.wait(wait)
        except subprocess.TimeoutExpired:
            return True
        return False

    def end(self) -> None:
        """End it, if it has not ended by itself."""
        self._process.kill()
        self._process.wait()

    def log(self) -> list[str]:
        """The lines of its log file so far."""
        path = self._folder / "shop.log"
        return path.read_text("utf-8").splitlines() if path.exists() else []

    def complaints(self) -> str:
        """What the application and its handlers wrote to stderr."""
        return (self._folder / "stderr").read_text("utf-8", "replace").strip()

    def counts(self) -> Counter[str]:
        """The sums over its handlers, once it has ended."""
        path = self._folder / "counts.json"
        if not path.exists():
            raise ChildProcessError(f"the application failed: {self.complaints()[-500:]}")
        return Counter[str](json.loads(path.read_text("utf-8")))


def find_example(name: str = "shop.py") -> Path:
    """One of the examples: installed with the package, or beside it in a clone."""
    import importlib.metadata  # only the demo needs it, and every command loads this module

    try:
        installed = importlib.metadata.files("pushover-logging") or []
    except importlib.metadata.PackageNotFoundError:
        installed = []
    found = [Path(str(file.locate())) for file in installed if file.name == name]
    found.append(_HOME / "examples" / name)
    for path in found:
        if path.exists():
            return path.resolve()
    raise FileNotFoundError(f"an example application is missing: {found[-1]}")


def _configured(config: Path, options: Mapping[str, object]) -> str:
    configuration = json.loads(config.read_text("utf-8"))
    for handler in configuration["handlers"].values():
        if handler["class"] == "pushover_logging.PushoverHandler":
            handler.update(options)
    return json.dumps(configuration, indent=2)


def _environment(account: Mapping[str, str]) -> dict[str, str]:
    # The package that runs now is the one to show, installed or not. No proxy leads to loopback.
    paths = [str(_HOME), os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join(filter(None, paths))
    return {**os.environ, "NO_PROXY": "127.0.0.1", "PYTHONPATH": path, **account}
