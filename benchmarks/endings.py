"""How long a process takes to begin with the handler, and to end with it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping

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
_CONFIGURE_MORE = """
logging.config.dictConfig({
    "version": 1,
    "handlers": {
        "phone": {
            "class": "pushover_logging.PushoverHandler",
            "priorities": {"WARNING": "HIGH"},
            "grouping": {"interval": "10m"},
        }
    },
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
    env = _as_in_production()
    configure, configure_more = _BARE + _CONFIGURE, _BARE + _CONFIGURE_MORE
    loads = not _runs(f"{configure}\n{_LOADED}", env)
    more = _beside_bare(configure_more, rounds, env)
    folder = tempfile.mkdtemp()
    stored = _BARE + _CONFIGURE.replace(
        '"level"', f'"store": "sqlite:///{folder}/store.sqlite", "level"'
    )
    yield from among(
        "a process with a handler configured",
        [
            at_most(
                "  whole process, beside import logging, logging.config",
                _beside_bare(configure, rounds, env),
                1.10,
            ),
            at_most("  the same, with options", more, 1.3),
            at_most("  the same, with a sqlite store", _beside_bare(stored, rounds, env), 1.6),
            fact("  requests or tenacity loaded", "yes" if loads else "no", "no"),
        ],
    )


def _beside_bare(program: str, rounds: int, env: Mapping[str, str]) -> list[float]:
    """The time of a whole process through that of a bare one, for each round of both, in turns."""
    ratios = []
    for number in range(rounds + 1):
        order = [program, _BARE] if number % 2 else [_BARE, program]
        seconds = {each: seconds_to_run(each, env) for each in order}
        ratios.append(seconds[program] / seconds[_BARE])
    return ratios[1:]


def ending(rounds: int, counts: tuple[int, ...]) -> Iterator[Row]:
    """The end of a process, beside that of one without the handler."""
    yield Row("the end of a process", "")
    with serving() as url:
        nothing = _more_than_bare(_BARE + _CONFIGURE, rounds, _as_in_production())
        sent = _more_than_bare(_SENT, rounds, environment(url))
    yield at_most("  nothing sent", nothing, 5.0, "ms")
    yield at_most("  sent and idle", sent, 20.0, "ms")
    with serving(delay=0.05) as url:
        for count in counts:
            program = _WAITING.format(count=count)
            seconds = [seconds_to_end(program, environment(url)) for _ in range(rounds)]
            # More than three are sent one by one, each with its own exception, which takes longer.
            bound = 0.2 if count <= 3 else None
            yield at_most(f"  {count:,} waiting, server at 50 ms", seconds, bound, "s")
    with serving(mute=True) as url:
        seconds = [seconds_to_end(_UNANSWERED, environment(url)) for _ in range(min(rounds, 3))]
        yield at_most("  server mute, exit_timeout 1 s", seconds, 1.1, "s")


def _as_in_production() -> dict[str, str]:
    """Without another address than the service's own, which is an option to be read."""
    return {name: value for name, value in environment().items() if name != "PUSHOVER_API_URL"}


def _more_than_bare(program: str, rounds: int, env: Mapping[str, str]) -> list[float]:
    """Milliseconds more than a program that only logs, for each round of both."""
    return [
        (seconds_to_end(program, env) - seconds_to_end(_BARE, env)) * 1e3 for _ in range(rounds)
    ]


def _runs(program: str, env: Mapping[str, str]) -> bool:
    import subprocess
    import sys

    run = subprocess.run([sys.executable, "-c", program], env=env, check=False)
    return run.returncode == 0
