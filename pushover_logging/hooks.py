"""What a whole program can ask for: alerts for uncaught exceptions, for SIGTERM, for a job's end.

``install_hooks`` logs the exceptions that nobody catches, and sends everything at SIGTERM.
``notify`` reports the end of a long piece of work. ``drain`` sends everything of all handlers.
"""

from __future__ import annotations

import functools
import inspect
import logging
import os
import signal
import sys
import threading
import time
import traceback
from contextlib import contextmanager
from types import BuiltinFunctionType, FunctionType, MethodType

from .client.constants import MESSAGE_LIMIT, TITLE_LIMIT
from .delivery.diagnostics import say
from .delivery.worker import WORKER, is_configuring_logging
from .values import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator
    from types import FrameType, TracebackType
    from typing import Any, Literal, TypeVar

    Function = TypeVar("Function", bound=Callable[..., Any])
    SignalHandler = Callable[[int, FrameType | None], Any] | int

__all__ = ["drain", "install_hooks", "notify", "remove_hooks"]

UNCAUGHT = "pushover.uncaught"
"""The logger of ``install_hooks``."""
NOTIFY = "pushover.notify"
"""The logger of ``notify``."""


def drain(timeout: float | None = None) -> bool:
    """Have every handler send everything that waits and everything that was counted.

    Returns whether all of it is sent. Waits at most ``timeout`` seconds for all handlers together,
    by default the longest ``exit_timeout``. Call it where the process ends without Python's own
    exit: in the shutdown hook of a server that a signal ends, or before ``os._exit``.
    """
    return WORKER.drain(WORKER.pipelines(), timeout)


# Hooks.


def install_hooks(exceptions: bool = True, sigterm: bool = True) -> None:
    """Log uncaught exceptions at CRITICAL, and send everything that waits when SIGTERM arrives.

    ``exceptions``: those of the main program, of threads, of asyncio's event loops, and those that
    Python cannot raise (as in ``__del__``) go to the logger ``pushover.uncaught`` with their
    traceback. Then the hook that was installed before runs. KeyboardInterrupt and SystemExit are
    not logged.

    ``sigterm``: at SIGTERM every handler is drained. Then the signal does what it did before: it
    calls the handler that was installed before, or ends the process. A process that ignores SIGTERM
    goes on ignoring it. Only the main thread can install this; in any other thread, the function
    leaves it out and writes a line to stderr.

    Calling it again installs a hook only where another hook has taken its place.
    """
    if exceptions:
        import asyncio

        if not isinstance(sys.excepthook, _MainHook):
            sys.excepthook = _MainHook(sys.excepthook)
        if not isinstance(threading.excepthook, _ThreadHook):
            threading.excepthook = _ThreadHook(threading.excepthook)
        if not isinstance(sys.unraisablehook, _UnraisableHook):
            sys.unraisablehook = _UnraisableHook(sys.unraisablehook)
        # Every loop calls this before the handler that ``loop.set_exception_handler`` has set.
        loop_hook: Any = asyncio.BaseEventLoop.call_exception_handler
        if not hasattr(loop_hook, "previous"):
            loops: Any = asyncio.BaseEventLoop
            loops.call_exception_handler = _loop_hook(loop_hook)
            logging.getLogger("asyncio").addFilter(_is_no_second_alert)
    if sigterm:
        _install_sigterm()


def remove_hooks() -> None:
    """Undo ``install_hooks``, where no other hook was installed on top."""
    asyncio = sys.modules.get("asyncio")
    if isinstance(sys.excepthook, _MainHook):
        sys.excepthook = sys.excepthook.previous
    if isinstance(threading.excepthook, _ThreadHook):
        threading.excepthook = threading.excepthook.previous
    if isinstance(sys.unraisablehook, _UnraisableHook):
        sys.unraisablehook = sys.unraisablehook.previous
    if asyncio is not None:
        loop_hook = asyncio.BaseEventLoop.call_exception_handler
        if hasattr(loop_hook, "previous"):
            asyncio.BaseEventLoop.call_exception_handler = loop_hook.previous
            logging.getLogger("asyncio").removeFilter(_is_no_second_alert)
    sigterm = signal.getsignal(signal.SIGTERM)
    if isinstance(sigterm, _SigtermHook) and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, sigterm.previous)


_being_logged: set[int] = set()
"""Ids of the exceptions whose hooks run: hooks may be installed on top of each other."""


@contextmanager
def _logged(
    kind: type[BaseException] | None,
    error: BaseException | None,
    trace: TracebackType | None,
    text: str,
    *args: object,
) -> Iterator[None]:
    """Log an uncaught exception, and know it until the hook that was there before has run."""
    is_interruption = isinstance(error, KeyboardInterrupt | SystemExit)
    if error is None or is_interruption or id(error) in _being_logged:
        yield
        return
    _being_logged.add(id(error))
    try:
        try:
            logger = logging.getLogger(UNCAUGHT)
            if logger.hasHandlers():  # without a handler the traceback would be printed twice
                logger.critical(text, *args, exc_info=(kind or type(error), error, trace))
        except Exception as broken:  # noqa: BLE001 - the hook that was there before must run
            say("hooks", f"an uncaught exception could not be logged: {type(broken).__name__}")
        yield
    finally:
        _being_logged.discard(id(error))


class _MainHook:
    """In place of ``sys.excepthook``."""

    def __init__(self, previous: Callable[..., Any]) -> None:
        self.previous = previous

    def __call__(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        with _logged(kind, error, trace, "uncaught exception"):
            self.previous(kind, error, trace)


class _ThreadHook:
    """In place of ``threading.excepthook``."""

    def __init__(self, previous: Callable[..., Any]) -> None:
        self.previous = previous

    def __call__(self, args: threading.ExceptHookArgs, /) -> None:
        name = "an unknown thread"
        try:
            name = name if args.thread is None else f"the thread {args.thread.name}"
        except Exception:  # noqa: BLE001, S110 - a property of the program's own class
            pass
        text = "uncaught exception in %s"
        with _logged(args.exc_type, args.exc_value, args.exc_traceback, text, name):
            self.previous(args)


class _UnraisableHook:
    """In place of ``sys.unraisablehook``."""

    def __init__(self, previous: Callable[..., Any]) -> None:
        self.previous = previous

    def __call__(self, unraisable: sys.UnraisableHookArgs, /) -> None:
        with _logged(
            unraisable.exc_type,
            unraisable.exc_value,
            unraisable.exc_traceback,
            "exception ignored in %s",
            _name_of(unraisable.object),
        ):
            self.previous(unraisable)


_name_of_type: Callable[[type], str] = type.__dict__["__qualname__"].__get__
"""Reads it without a metaclass, which may have its own ``__getattribute__``."""


def _name_of(source: object) -> str:
    """The name of a function or class, else the name of the object's class.

    The object may be half destroyed, so this runs no code of its own and does not keep it.
    """
    kind = type(source)
    if kind is MethodType:
        source = source.__func__  # type: ignore[attr-defined]
        kind = type(source)
    if kind is FunctionType:
        return source.__qualname__  # type: ignore[attr-defined, no-any-return]
    if kind is BuiltinFunctionType:
        return source.__name__  # type: ignore[attr-defined, no-any-return]
    return _name_of_type(source if issubclass(kind, type) else kind)  # type: ignore[arg-type]


def _loop_hook(previous: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(previous)
    def call_exception_handler(self: asyncio.BaseEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        trace = None if error is None else error.__traceback__
        message = str(context.get("message") or "uncaught exception")
        with _logged(None, error, trace, "asyncio: %s", message):
            previous(self, context)

    call_exception_handler.previous = previous  # type: ignore[attr-defined]
    return call_exception_handler


def _is_no_second_alert(record: logging.LogRecord) -> bool:
    """Keep asyncio's own record of an exception that was just logged from making another push.

    Other handlers get it as ever.
    """
    exc_info = record.exc_info
    if exc_info and id(exc_info[1]) in _being_logged:
        record.__dict__.setdefault("pushover", False)
    return True


# SIGTERM.

_ending_process = 0
"""Id of the process in which a hook for SIGTERM is running; a fork copies it to the child, where
none is."""


def _install_sigterm() -> None:
    if threading.current_thread() is not threading.main_thread():
        name = threading.current_thread().name
        say(
            "sigterm",
            f"install_hooks was called in the thread {name}, and only the main thread can handle"
            " signals; SIGTERM does not send what waits",
        )
        return
    previous = signal.getsignal(signal.SIGTERM)
    if isinstance(previous, _SigtermHook) or previous is signal.SIG_IGN:
        return  # child processes inherit that SIGTERM is ignored; they would not inherit a handler
    if previous is None:
        say(
            "sigterm",
            "a handler that was not installed from Python handles SIGTERM; it is left alone, and"
            " SIGTERM does not send what waits",
        )
        return
    signal.signal(signal.SIGTERM, _SigtermHook(previous))


class _SigtermHook:
    """Handles SIGTERM; a second signal that comes meanwhile does not wait any more."""

    def __init__(self, previous: SignalHandler) -> None:
        self.previous = previous

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        global _ending_process
        if _ending_process != os.getpid():
            if is_configuring_logging():
                # The interrupted code holds logging's lock, which delivery may need. Let it go on.
                WORKER.send_signal_later(signum)
                return
            _ending_process = os.getpid()
            try:
                drain()
            finally:
                _ending_process = 0
        if callable(self.previous):
            self.previous(signum, frame)
        else:
            signal.signal(signum, signal.SIG_DFL)
            os.kill(os.getpid(), signum)
            # Still here: the kernel does not end the first process of a container this way.
            signal.signal(signum, self)


# The end of a long piece of work.


class notify:  # noqa: N801 - a decorator
    """Reports the end of a long piece of work, with its duration and outcome.

    A decorator for functions and coroutine functions, and a context manager for ``with`` and
    ``async with``::

        @notify("training")
        def train(): ...

        with notify("upload"):
            ...

    Success is logged at INFO and an exception at ERROR, with its traceback, to the logger
    ``pushover.notify`` or to ``logger``; the handlers there decide whether that is pushed. The
    exception is raised again. An interruption, as by Ctrl-C or by the end of a task, is logged at
    WARNING.
    In a program without any ``PushoverHandler``, the report goes out with ``pushover()`` instead,
    which needs ``PUSHOVER_TOKEN`` and ``PUSHOVER_USER``.

    Raises TypeError for a generator function, which only ends when its caller has read it.
    """

    def __init__(self, name: str, *, logger: str | logging.Logger = NOTIFY) -> None:
        if not isinstance(name, str):
            raise TypeError(
                f'notify needs a name, as in @notify("training"); it is {type(name).__name__}'
            )
        self._name = name
        self._logger = logger
        self._began = 0.0
        self._stacklevel = 3

    def __call__(self, function: Function) -> Function:
        target: Any = function
        while isinstance(target, functools.partial):
            target = target.func
        if not callable(target) or isinstance(target, type):
            kind = "a class" if isinstance(target, type) else "no function"
            raise TypeError(f"notify decorates functions; {target!r} is {kind}")
        if not inspect.isroutine(target):
            target = type(target).__call__
        if inspect.isgeneratorfunction(target) or inspect.isasyncgenfunction(target):
            raise TypeError(
                f"notify cannot decorate {target.__qualname__}, which is a generator function and"
                f' ends when its caller has read it; use "with notify({self._name!r}):" inside it'
            )
        wrapper: Any
        if inspect.iscoroutinefunction(target):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                async with self._again():
                    return await function(*args, **kwargs)

        else:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self._again():
                    return function(*args, **kwargs)

        return wrapper  # type: ignore[no-any-return]

    def _again(self) -> notify:
        """Another for one call of a function, which may be called by several threads at a time."""
        fresh = notify(self._name, logger=self._logger)
        fresh._stacklevel += 1  # the record is to show who called the function
        return fresh

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Literal[False]:
        outcome = self._outcome(error)
        if WORKER.pipelines():
            self._log(outcome)
        else:
            self._send(outcome)
        return False

    async def __aenter__(self) -> None:
        self._began = time.monotonic()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Literal[False]:
        outcome = self._outcome(error)
        if WORKER.pipelines():
            self._log(outcome)
        else:
            import asyncio

            await asyncio.to_thread(self._send, outcome)
        return False

    def _outcome(self, error: BaseException | None) -> _Outcome:
        duration = _duration(time.monotonic() - self._began)
        if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
            return _Outcome(logging.INFO, f"{self._name} finished", duration, None)
        if isinstance(error, Exception | SystemExit):
            return _Outcome(logging.ERROR, f"{self._name} failed", duration, error)
        return _Outcome(logging.WARNING, f"{self._name} was interrupted", duration, error)

    def _log(self, outcome: _Outcome) -> None:
        given = self._logger
        logger = given if isinstance(given, logging.Logger) else logging.getLogger(given)
        if logger.name == NOTIFY and logger.level == logging.NOTSET:
            logger.setLevel(logging.INFO)  # the level of the root logger is WARNING by default
        # The exception's type is in the key, because the key comes before the traceback.
        kind = "" if outcome.error is None else f" by {type(outcome.error).__qualname__}"
        options = {"key": f"{outcome.title}{kind}", "title": outcome.title}
        try:
            logger.log(
                outcome.level,
                "%s after %s",
                outcome.title,
                outcome.duration,
                exc_info=outcome.error,
                extra={"pushover": options},
                stacklevel=self._stacklevel,
            )
        except Exception as broken:  # noqa: BLE001 - the work's own outcome is what counts
            say("notify", f"the end of a piece of work was not logged: {type(broken).__name__}")

    def _send(self, outcome: _Outcome) -> None:
        from .oneshot import pushover
        from .render.redact import Redactor

        redact = Redactor()
        message = f"{outcome.title} after {outcome.duration}\n"
        if outcome.error is not None:
            message += "".join(traceback.format_exception_only(outcome.error))
        pushover(redact(message.strip())[:MESSAGE_LIMIT], title=redact(outcome.title)[:TITLE_LIMIT])


class _Outcome(NamedTuple):
    """How a piece of work ended."""

    level: int
    title: str
    duration: str
    error: BaseException | None


def _duration(seconds: float) -> str:
    """The two largest units of a time span, such as ``3 h 12 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min {rest} s"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if days else f"{hours} h {minutes} min"
