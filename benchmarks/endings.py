"""How long a process takes to begin with the handler, and to end with it."""

from __future__ import annotations

from collections.abc import Iterator

from .children import environment, seconds_to_end, seconds_to_run
from .report import Row, among, at_most, fact
from .server import serving

__all__ = ["ending", "starting"]

_BARE = "import logging, logging.config"
_CONFIGURE = """
logging.config.dictConfig({
    "version": 1,
    "handlers": {"phone": {"class": "pushover_logging.PushoverHandler", "level": "ERROR"}},
    "root": {"handlers": ["phone"]},
})
"""
_LOADED = "import sys; raise SystemExit('requests' in sys.modules or 'tenacity' in sys.modules)"
_HANDLER = """
import logging
from pushover_logging import PushoverHandler
phone = PushoverHandler(exit_timeout=1.0)
logging.getLogger().addHandler(phone)
"""
_SENT = f"""{_HANDLER}
logging.error("the first")
phone.flush(10)
"""
_WAITING = (
    _SENT
    + """
for number in range({count}):
    logging.error("order of " + "x" * number + " could not be shipped")
"""
)
_UNANSWERED = (
    _HANDLER
    + """
logging.error("nobody hears this")
"""
)


def starting(rounds: int) -> Iterator[Row]:
    """Importing and configuring, beside what every program that configures logging imports."""
    env = environment()
    configure = _BARE + _CONFIGURE
    ratios = [
        seconds_to_run(configure, env) / seconds_to_run(_BARE, env) for _ in range(rounds + 1)
    ]
    loads = not _runs(f"{configure}\n{_LOADED}")
    yield from among(
        "a process with a handler configured",
        [
            at_most("  whole process, beside import logging, logging.config", ratios[1:], 1.05),
            fact("  requests or tenacity loaded", "yes" if loads else "no", "no"),
        ],
    )


def ending(rounds: int, counts: tuple[int, ...]) -> Iterator[Row]:
    """The end of a process, beside that of one without the handler."""
    yield Row("the end of a process", "")
    with serving() as url:
        yield at_most("  nothing sent", _more_than_bare(_HANDLER, url, rounds), 5.0, "ms")
        yield at_most("  sent and idle", _more_than_bare(_SENT, url, rounds), 20.0, "ms")
    with serving(delay=0.05) as url:
        for count in counts:
            program = _WAITING.format(count=count)
            seconds = [seconds_to_end(program, environment(url)) for _ in range(rounds)]
            yield at_most(f"  {count:,} waiting, server at 50 ms", seconds, 0.2, "s")
    with serving(mute=True) as url:
        seconds = [seconds_to_end(_UNANSWERED, environment(url)) for _ in range(min(rounds, 3))]
        yield at_most("  server mute, exit_timeout 1 s", seconds, 1.1, "s")


def _more_than_bare(program: str, url: str, rounds: int) -> list[float]:
    """Milliseconds more than a program that only logs, for each round of both."""
    env = environment(url)
    return [
        (seconds_to_end(program, env) - seconds_to_end(_BARE, env)) * 1e3 for _ in range(rounds)
    ]


def _runs(program: str) -> bool:
    import subprocess
    import sys

    run = subprocess.run([sys.executable, "-c", program], env=environment(), check=False)
    return run.returncode == 0
