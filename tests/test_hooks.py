"""Hooks for uncaught exceptions are chained and removable; ``notify`` reports how work ended."""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MethodType, SimpleNamespace
from typing import Any

import pytest

import pushover_logging
from pushover_logging import PushoverHandler, hooks, notify
from pushover_logging.devserver import DevServer


class Records(logging.Handler):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.all.append(record)

    @property
    def uncaught(self) -> list[tuple[int, str, str]]:
        """Level, message and exception of each uncaught exception."""
        return [
            (r.levelno, r.getMessage(), str(r.exc_info and r.exc_info[1]))
            for r in self.all
            if r.name == "pushover.uncaught"
        ]


@contextmanager
def collected(name: str) -> Iterator[Records]:
    logger, handler = logging.getLogger(name), Records()
    logger.addHandler(handler)
    try:
        yield handler
    finally:
        logger.removeHandler(handler)


@pytest.fixture
def records() -> Iterator[Records]:
    with collected("") as handler:
        yield handler


@pytest.fixture
def passed_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Hooks of the program that were there before ours, and what they were called with."""
    calls: list[str] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, _: calls.append(f"main {error}"))
    monkeypatch.setattr(
        threading, "excepthook", lambda args: calls.append(f"thread {args.exc_value}")
    )
    monkeypatch.setattr(
        sys, "unraisablehook", lambda args: calls.append(f"unraisable {args.exc_value}")
    )
    yield calls
    hooks.remove_hooks()


@pytest.fixture
def _pushing() -> Iterator[None]:
    """A PushoverHandler exists, so that ``notify`` logs; nothing is attached to it."""
    handler = PushoverHandler("a" * 30, "u" * 30, api_url="http://127.0.0.1:9/1/")
    yield
    handler.close()


def raised(error: BaseException) -> BaseException:
    """The exception with a traceback."""
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


# Uncaught exceptions.


def test_an_uncaught_exception_is_logged_and_goes_to_the_hook_from_before(
    records: Records, passed_on: list[str]
) -> None:
    pushover_logging.install_hooks(sigterm=False)
    error = raised(RuntimeError("disk is full"))

    sys.excepthook(RuntimeError, error, error.__traceback__)

    assert records.uncaught == [(logging.CRITICAL, "uncaught exception", "disk is full")]
    assert records.all[0].exc_info is not None
    assert records.all[0].exc_info[2] is error.__traceback__
    assert passed_on == ["main disk is full"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interruption_is_passed_on_and_not_logged(
    records: Records, passed_on: list[str], kind: type[BaseException]
) -> None:
    pushover_logging.install_hooks(sigterm=False)

    sys.excepthook(kind, kind("now"), None)

    assert records.all == []
    assert passed_on == ["main now"]


def test_an_exception_in_a_thread_is_logged_with_the_name_of_the_thread(
    records: Records, passed_on: list[str]
) -> None:
    def work() -> None:
        raise RuntimeError("disk is full")

    pushover_logging.install_hooks(sigterm=False)
    thread = threading.Thread(target=work, name="importer")
    thread.start()
    thread.join()

    text = "uncaught exception in the thread importer"
    assert records.uncaught == [(logging.CRITICAL, text, "disk is full")]
    assert passed_on == ["thread disk is full"]


def test_an_exception_in_a_thread_without_a_readable_name_is_logged(
    records: Records, passed_on: list[str]
) -> None:
    class Nameless(threading.Thread):
        name = property(lambda _: 1 / 0)  # type: ignore[assignment]

    pushover_logging.install_hooks(sigterm=False)
    error, thread = RuntimeError("disk is full"), Nameless.__new__(Nameless)
    threading.excepthook(threading.ExceptHookArgs((RuntimeError, error, None, thread)))

    text = "uncaught exception in an unknown thread"
    assert records.uncaught == [(logging.CRITICAL, text, "disk is full")]
    assert passed_on == ["thread disk is full"]


def test_an_exception_that_python_cannot_raise_is_logged(
    records: Records, passed_on: list[str]
) -> None:
    class Resource:
        def __del__(self) -> None:
            raise RuntimeError("cannot close")

    pushover_logging.install_hooks(sigterm=False)
    Resource()
    gc.collect()

    [(level, text, error)] = records.uncaught
    assert (level, error) == (logging.CRITICAL, "cannot close")
    assert text.endswith("Resource.__del__")
    assert passed_on == ["unraisable cannot close"]


class RaisingType(type):
    def __getattribute__(cls, name: str) -> object:
        raise RuntimeError("half destroyed")


class HalfDestroyed(metaclass=RaisingType):
    def __getattribute__(self, name: str) -> object:
        raise RuntimeError("half destroyed")

    def __call__(self) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (object.__new__(HalfDestroyed), "HalfDestroyed"),
        (HalfDestroyed, "HalfDestroyed"),
        (MethodType(object.__new__(HalfDestroyed), 1), "HalfDestroyed"),
        (functools.partial(int), "partial"),
        (Records().emit, "Records.emit"),
        ([].append, "append"),
        (None, "NoneType"),
    ],
    ids=["object", "class", "method of an object", "partial", "method", "builtin", "nothing"],
)
def test_an_exception_that_python_cannot_raise_is_logged_whatever_raised_it(
    records: Records, passed_on: list[str], source: object, name: str
) -> None:
    error = RuntimeError("cannot close")
    args = SimpleNamespace(
        exc_type=RuntimeError, exc_value=error, exc_traceback=None, err_msg=None, object=source
    )

    pushover_logging.install_hooks(sigterm=False)
    sys.unraisablehook(args)  # type: ignore[arg-type]

    text = f"exception ignored in {name}"
    assert records.uncaught == [(logging.CRITICAL, text, "cannot close")]
    assert passed_on == ["unraisable cannot close"]


def test_the_hook_from_before_runs_though_logging_fails(
    passed_on: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise ZeroDivisionError

    pushover_logging.install_hooks(sigterm=False)
    logger, broken = logging.getLogger("pushover.uncaught"), Broken()
    logger.addFilter(broken)
    try:
        with collected("pushover.uncaught"):
            sys.excepthook(RuntimeError, RuntimeError("disk is full"), None)
    finally:
        logger.removeFilter(broken)

    assert passed_on == ["main disk is full"]
    assert "could not be logged: ZeroDivisionError" in capsys.readouterr().err


def test_installing_twice_logs_once(records: Records, passed_on: list[str]) -> None:
    pushover_logging.install_hooks(sigterm=False)
    pushover_logging.install_hooks(sigterm=False)

    sys.excepthook(RuntimeError, RuntimeError("disk is full"), None)

    assert len(records.uncaught) == len(passed_on) == 1


def test_a_hook_on_top_of_ours_and_ours_again_log_once(
    records: Records, passed_on: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pushover_logging.install_hooks(sigterm=False)
    ours = sys.excepthook
    monkeypatch.setattr(sys, "excepthook", lambda *args: ours(*args))
    pushover_logging.install_hooks(sigterm=False)

    sys.excepthook(RuntimeError, RuntimeError("disk is full"), None)

    assert len(records.uncaught) == len(passed_on) == 1


def test_hooks_that_are_removed_leave_no_trace(passed_on: list[str]) -> None:
    def installed() -> tuple[object, ...]:
        loop_hook = asyncio.BaseEventLoop.call_exception_handler
        return sys.excepthook, threading.excepthook, sys.unraisablehook, loop_hook

    before = installed()
    pushover_logging.install_hooks(sigterm=False)
    during = installed()
    pushover_logging.remove_hooks()

    assert installed() == before
    assert not {*map(id, before)} & {*map(id, during)}


# asyncio.


async def lose(error: BaseException) -> None:
    """Let a task end with an exception that nobody retrieves."""

    async def fail() -> None:
        raise error

    task = asyncio.ensure_future(fail())
    await asyncio.wait([task])
    del task
    gc.collect()


def test_an_exception_of_a_task_is_logged_in_loops_that_start_later(
    records: Records, passed_on: list[str]
) -> None:
    pushover_logging.install_hooks(sigterm=False)

    asyncio.run(lose(RuntimeError("disk is full")))

    text = "asyncio: Task exception was never retrieved"
    assert records.uncaught == [(logging.CRITICAL, text, "disk is full")]


def test_an_exception_of_a_task_is_logged_in_the_running_loop(
    records: Records, passed_on: list[str]
) -> None:
    async def main() -> None:
        pushover_logging.install_hooks(sigterm=False)
        await lose(RuntimeError("disk is full"))

    asyncio.run(main())

    assert len(records.uncaught) == 1


def test_the_exception_handler_of_a_loop_still_runs(records: Records, passed_on: list[str]) -> None:
    handled: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: handled.append(context))
        await lose(RuntimeError("disk is full"))

    pushover_logging.install_hooks(sigterm=False)
    asyncio.run(main())

    assert len(records.uncaught) == len(handled) == 1


def test_the_record_that_asyncio_logs_itself_makes_no_second_push(
    records: Records, passed_on: list[str]
) -> None:
    pushover_logging.install_hooks(sigterm=False)

    asyncio.run(lose(RuntimeError("disk is full")))

    own = [record for record in records.all if record.name == "asyncio"]
    assert [record.__dict__["pushover"] for record in own] == [False]


def test_what_a_loop_reports_without_an_exception_is_left_to_asyncio(
    records: Records, passed_on: list[str]
) -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_exception_handler({"message": "something odd"})

    pushover_logging.install_hooks(sigterm=False)
    asyncio.run(main())

    [record] = [record for record in records.all if record.levelno >= logging.ERROR]
    assert record.name == "asyncio"
    assert "pushover" not in record.__dict__


# SIGTERM; its effect is tested with processes of its own.


def test_sigterm_outside_the_main_thread_is_left_out_and_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    install = functools.partial(pushover_logging.install_hooks, exceptions=False)
    thread = threading.Thread(target=install, name="autoreload")
    thread.start()
    thread.join()

    assert signal.getsignal(signal.SIGTERM) == before
    assert "in the thread autoreload" in capsys.readouterr().err


FORKED_WHILE_IT_ENDS = """
import os, signal, threading, time
from pushover_logging import hooks, install_hooks

signal.signal(signal.SIGTERM, lambda *_: None)
install_hooks(exceptions=False)
main, drained = os.getpid(), []

def fork():
    child = os.fork()
    if child == 0:
        os.kill(os.getpid(), signal.SIGTERM)  # the child's main thread is this one
        for _ in range(1000):
            if len(drained) == 2:
                os._exit(0)
            time.sleep(0.01)
        os._exit(1)
    drained.append(os.waitpid(child, 0)[1])

def drain():
    drained.append(None)
    if os.getpid() == main:
        thread = threading.Thread(target=fork)
        thread.start()
        thread.join()

hooks.drain = drain
os.kill(os.getpid(), signal.SIGTERM)
print(drained)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_that_is_forked_while_sigterm_is_handled_handles_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKED_WHILE_IT_ENDS],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.stdout == "[None, 0]\n", done.stderr


# notify.


def finish() -> str:
    return "result"


def fail() -> str:
    raise ValueError("bad weights")


def with_statement(work: Callable[[], str]) -> str:
    with notify("training"):
        return work()


def decorated(work: Callable[[], str]) -> str:
    return notify("training")(work)()


def async_with(work: Callable[[], str]) -> str:
    async def main() -> str:
        async with notify("training"):
            return work()

    return asyncio.run(main())


def decorated_coroutine(work: Callable[[], str]) -> str:
    @notify("training")
    async def main() -> str:
        await asyncio.sleep(0)
        return work()

    return asyncio.run(main())


FORMS = pytest.mark.parametrize(
    "form", [with_statement, decorated, async_with, decorated_coroutine]
)


@FORMS
@pytest.mark.usefixtures("_pushing")
def test_success_is_logged_at_info_with_the_duration(
    records: Records, form: Callable[[Callable[[], str]], str]
) -> None:
    result = form(finish)

    [record] = [r for r in records.all if r.name == "pushover.notify"]
    assert result == "result"
    assert record.levelno == logging.INFO
    assert record.getMessage() == "training finished after 0.0 s"
    assert record.exc_info is None
    assert record.__dict__["pushover"]["title"] == "training finished"


@FORMS
@pytest.mark.usefixtures("_pushing")
def test_failure_is_logged_at_error_and_raised_again(
    records: Records, form: Callable[[Callable[[], str]], str]
) -> None:
    with pytest.raises(ValueError, match="bad weights") as caught:
        form(fail)

    [record] = [r for r in records.all if r.name == "pushover.notify"]
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "training failed after 0.0 s"
    assert record.exc_info is not None
    assert record.exc_info[1] is caught.value


@pytest.mark.parametrize(
    ("error", "level", "title"),
    [
        (SystemExit(), logging.INFO, "training finished"),
        (SystemExit(0), logging.INFO, "training finished"),
        (SystemExit(3), logging.ERROR, "training failed"),
        (KeyboardInterrupt(), logging.WARNING, "training was interrupted"),
        (asyncio.CancelledError(), logging.WARNING, "training was interrupted"),
    ],
    ids=["exit", "exit 0", "exit 3", "Ctrl-C", "cancelled"],
)
@pytest.mark.usefixtures("_pushing")
def test_an_exit_or_interruption_is_told_from_a_failure(
    records: Records, error: BaseException, level: int, title: str
) -> None:
    with pytest.raises(type(error)), notify("training"):
        raise error

    [record] = [r for r in records.all if r.name == "pushover.notify"]
    assert (record.levelno, record.__dict__["pushover"]["title"]) == (level, title)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (59.9, "59.9 s"),
        (60, "1 min 0 s"),
        (3599.6, "1 h 0 min"),
        (11520, "3 h 12 min"),
        (183600, "2 d 3 h"),
    ],
)
@pytest.mark.usefixtures("_pushing")
def test_the_duration_has_two_units(
    records: Records, monkeypatch: pytest.MonkeyPatch, seconds: float, text: str
) -> None:
    moments = iter([100.0, 100.0 + seconds])
    monkeypatch.setattr(hooks.time, "monotonic", lambda: next(moments, 100.0 + seconds))

    with notify("training"):
        pass

    assert records.all[0].getMessage() == f"training finished after {text}"


@pytest.mark.usefixtures("_pushing")
def test_the_record_names_the_place_of_the_work(records: Records) -> None:
    with notify("training"):
        pass
    notify("training")(finish)()

    places = {(r.filename, r.funcName) for r in records.all}
    assert places == {("test_hooks.py", "test_the_record_names_the_place_of_the_work")}


@pytest.mark.usefixtures("_pushing")
def test_another_logger_may_be_named() -> None:
    with collected("lab") as lab, notify("training", logger=logging.getLogger("lab")):
        logging.getLogger("lab").setLevel(logging.INFO)
    with collected("lab.night") as night, notify("training", logger="lab.night"):
        pass

    assert [r.name for r in lab.all + night.all] == ["lab", "lab.night"]


@pytest.mark.usefixtures("_pushing")
def test_jobs_and_outcomes_are_problems_of_their_own(records: Records) -> None:
    for name in ("training", "upload"):
        with notify(name):
            pass
        for error in (ValueError("bad"), OSError("bad")):
            with pytest.raises(type(error)), notify(name):
                raise error

    assert len({r.__dict__["pushover"]["key"] for r in records.all}) == 6


@pytest.mark.usefixtures("_pushing")
def test_a_decorated_function_may_call_itself(records: Records) -> None:
    @notify("walk")
    def walk(depth: int) -> int:
        return depth and walk(depth - 1) + 1

    assert walk(2) == 2
    assert len(records.all) == 3
    assert walk.__name__ == "walk"


def test_a_generator_function_is_refused() -> None:
    def numbers() -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match=r'numbers, which is a generator function .* use "with'):
        notify("training")(numbers)


def test_an_async_generator_function_is_refused() -> None:
    async def numbers() -> Any:
        yield 1

    with pytest.raises(TypeError, match="numbers, which is a generator function"):
        notify("training")(numbers)


def test_a_class_is_refused() -> None:
    with pytest.raises(TypeError, match=r"notify decorates functions; .*Records.* is a class"):
        notify("training")(Records)


def test_a_decorator_without_a_name_is_refused() -> None:
    with pytest.raises(TypeError, match=r'notify needs a name, as in @notify\("training"\)'):
        notify(finish)  # type: ignore[arg-type]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[DevServer]:
    """A service that the environment names, while there is no PushoverHandler."""
    monkeypatch.setattr(hooks.WORKER, "pipelines", list)
    with DevServer(port=0) as server:
        monkeypatch.setenv("PUSHOVER_API_URL", server.url)
        monkeypatch.setenv("PUSHOVER_TOKEN", server.token)
        monkeypatch.setenv("PUSHOVER_USER", server.user)
        yield server


@FORMS
def test_without_a_handler_the_end_is_pushed_at_once(
    server: DevServer, form: Callable[[Callable[[], str]], str]
) -> None:
    form(finish)
    with pytest.raises(ValueError, match="bad weights"):
        form(fail)

    assert [(m.params["title"], m.params["message"]) for m in server.messages] == [
        ("training finished", "training finished after 0.0 s"),
        ("training failed", "training failed after 0.0 s\nValueError: bad weights"),
    ]


def test_without_a_handler_no_credential_is_pushed(server: DevServer) -> None:
    with pytest.raises(ValueError, match="password"), notify("upload"):
        raise ValueError(
            "cannot reach https://ada:hunter2secret@example.org password=hunter2secret"
        )

    assert "hunter2secret" not in server.messages[0].params["message"]


def test_without_a_handler_or_token_the_work_goes_on(
    server: DevServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("PUSHOVER_TOKEN")

    result = with_statement(finish)

    assert result == "result"
    assert "push not sent" in caplog.text
