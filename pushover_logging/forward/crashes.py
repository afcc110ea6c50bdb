"""Tells what a crash prints: the line it begins with, and the lines that go on with it; pure."""

from __future__ import annotations

import enum
import re
from typing import Final, NamedTuple

from .levels import WORDS


class Trace(enum.Enum):
    """Where in a stack trace the lines of a record are."""

    NONE = enum.auto()
    PYTHON = enum.auto()
    """Among the calls; the exception's line is still to come."""
    PYTHON_DONE = enum.auto()
    PYTHON_CHAINED = enum.auto()
    """It was said that one more traceback follows."""
    FILE = enum.auto()
    """Python's ``File`` line without a heading, as of a SyntaxError in the main program."""
    GROUP = enum.auto()
    """Python's ExceptionGroup, all of whose lines are indented."""
    RICH = enum.auto()
    GO = enum.auto()
    RUST_MESSAGE = enum.auto()
    """The panic's text is on the next line."""
    RUST = enum.auto()
    STACK = enum.auto()
    """A Java, JavaScript, .NET, PHP or Ruby trace."""


class Headline(NamedTuple):
    """The first line of a crash."""

    name: str
    pattern: re.Pattern[str]
    trace: Trace
    is_sure: bool
    """The line alone tells; otherwise the next one has to be a call."""
    samples: tuple[str, ...]


def _headline(name: str, pattern: str, trace: Trace, sure: bool, *samples: str) -> Headline:
    return Headline(name, re.compile(pattern), trace, sure, samples)


_PACKAGES = r"(?:[A-Za-z_$][\w$]{0,80}[.\\:]{1,2})"
_CLASS = rf"(?:{_PACKAGES}{{1,12}}(?:[A-Z][\w$]{{0,80}})?|[A-Z][\w$]{{0,80}})"
"""The beginning of a class's name; a bare ``Error`` is no class but a level."""
HEADLINES: Final = (
    _headline(
        "python",
        r"Traceback \((?:most recent call last|innermost last)\):",
        *(Trace.PYTHON, True),
        "Traceback (most recent call last):",
    ),
    _headline(
        "python, group",
        r" {0,8}\+ Exception Group Traceback \(most recent call last\):",
        *(Trace.GROUP, True),
        "  + Exception Group Traceback (most recent call last):",
    ),
    _headline(
        "python, rich",
        r"╭─{2,200} Traceback \(most recent call last\) ─{2,200}╮",
        *(Trace.RICH, True),
        "╭───────────── Traceback (most recent call last) ─────────────╮",
    ),
    _headline(
        "python, thread or finalizer",
        r"(?:Exception in thread [^\"]|Exception ignored (?:in|on|while)|Fatal Python error: "
        r"|Exception in (?:default exception handler|callback ))",
        *(Trace.PYTHON_CHAINED, True),
        "Exception in thread Thread-1 (work):",
        "Exception ignored in: <function Stock.__del__ at 0x7f00>",
        "Fatal Python error: Segmentation fault",
    ),
    _headline(
        "python, syntax",
        r'  File "[^"\n]{1,400}", line \d+',
        *(Trace.FILE, False),
        '  File "shop.py", line 3',
    ),
    _headline(
        "go",
        r"(?:panic: |fatal error: |unexpected fault address |SIG(?:SEGV|BUS|FPE|ABRT|QUIT): "
        r"|runtime: goroutine stack exceeds)",
        *(Trace.GO, True),
        "panic: runtime error: index out of range [5] with length 3",
        "fatal error: all goroutines are asleep - deadlock!",
    ),
    _headline(
        "rust",
        r"thread '[^']{1,100}'(?: \(\d+\))? panicked at .*:\Z",
        *(Trace.RUST_MESSAGE, True),
        "thread 'main' panicked at src/main.rs:3:5:",
        "thread 'tokio-runtime-worker' (4711) panicked at src/main.rs:3:5:",
    ),
    _headline(
        "rust, before 1.73",
        r"(?:thread '[^']{1,100}' panicked at |fatal runtime error: )",
        *(Trace.RUST, True),
        "thread 'main' panicked at 'sold out', src/main.rs:3:5",
    ),
    _headline(
        "java",
        r'Exception in thread "',
        *(Trace.STACK, True),
        'Exception in thread "main" java.lang.IllegalStateException: stock is negative',
    ),
    _headline(
        ".net",
        r"(?:Unhandled [Ee]xception[.:] |Process terminated\. )",
        *(Trace.STACK, True),
        "Unhandled exception. System.InvalidOperationException: sold out",
    ),
    _headline(
        "node",
        r"(?:Uncaught (?:[A-Z]\w*(?:Error|Exception)\b|exception)|Unhandled [Rr]ejection"
        r"|Unhandled promise rejection|\[UnhandledPromiseRejection: |triggerUncaughtException"
        r"|\(node:\d+\) UnhandledPromiseRejectionWarning: |\(Use `node --trace-uncaught )",
        *(Trace.STACK, True),
        "Uncaught TypeError: stock is undefined",
        "(node:71) UnhandledPromiseRejectionWarning: Error: sold out",
    ),
    _headline(
        "php",
        r"(?:PHP )?Fatal error:  ?Uncaught ",
        *(Trace.STACK, True),
        "PHP Fatal error:  Uncaught Exception: sold out in /srv/shop/a.php:3",
    ),
    _headline(
        "ruby",
        r"[\w./@-]{1,200}:\d+:in [`'].{0,300}\([A-Z][\w:]{0,80}\)\s*\Z",
        *(Trace.STACK, True),
        "shop.rb:3:in `sell': sold out (RuntimeError)",
    ),
    _headline(
        "elixir", r"\*\* \((?:EXIT|[A-Z]\w)", Trace.STACK, True, "** (RuntimeError) sold out"
    ),
    _headline(
        "killed",
        r"(?:Segmentation fault|Bus error|Aborted|Illegal instruction|Killed)"
        r"(?: \(core dumped\))?\Z"
        r"|\*\*\* (?:stack smashing|buffer overflow) detected"
        r"|terminate called (?:after throwing|without)",
        *(Trace.STACK, True),
        "Segmentation fault (core dumped)",
        "terminate called after throwing an instance of 'std::runtime_error'",
    ),
    _headline(
        "a class that sounds like an error",
        rf"(?:Caused by: )?{_CLASS}(?:Exception|Error|Throwable|Failure|Fault|Interrupt)"
        r"(?:\$\w{1,60})?(?: \[[\w.-]{1,60}\])?(?::|\s*\Z| \()",
        *(Trace.STACK, False),
        "java.lang.IllegalStateException: stock is negative",
        "TypeError: Cannot read properties of undefined (reading 'stock')",
        "AssertionError [ERR_ASSERTION]: sold out",
    ),
)
_FIRST_CHARACTERS: Final = frozenset(
    char for char in map(chr, range(128)) if char.isalpha() or char in "_$*[( +./@"
) | {"╭"}
_EXCEPTION: Final = re.compile(
    r"(?P<name>[A-Za-z_][\w.<>]{0,200})(?: \[[^\]\n]{1,60}\])?(?::(?:\s|\Z)|\s*\Z)"
)
_CHAIN: Final = (
    "During handling of the above exception",
    "The above exception was the direct cause",
)
_PYTHON_MORE: Final = re.compile(
    r'(?:> )?File "|\[Previous line repeated|\[SQL: |\[parameters: |\(Background on this error'
    r"|(?:Current thread|Thread) 0x|Extension modules: |Python runtime state: |object address"
    r"|\(Pdb\)|future: <"
)
_STACK_MORE: Final = re.compile(
    r"Caused by: |Suppressed: |Wrapped by: |\.\.\. \d+ (?:more|common frames|lines? )"
    r"|at [\w.$<>/]+\("
    r"|Stack trace:|PHP Stack trace:|PHP {1,4}\d+\. |#\d+ |thrown in |\[stacktrace\]"
    r"|\[previous exception\]"
    r'|"\}|--- End of |from .{1,200}:\d+:in |--> |-->|[\])}]+[,;]?\s*\Z|\[cause\]|Next [A-Z]\w+'
    r"|what\(\):|npm ERR!\s*\Z"
)
_GO_MORE: Final = re.compile(
    r"goroutine \d+ |\[signal |\[recovered|created by |exit status \d+|runtime stack:"
    r"|panic: .*\[recovered"
    r"|r(?:[a-d]x|[sd]i|[bs]p|\d{1,2}|ip|flags) +0x|[cfg]s +0x|PC=|goroutine running on"
    r"|[\w./~@%-]{1,200}(?:\.[\w.()*\[\]{}…-]{1,200})?\(.{0,400}\)\s*\Z|\.\.\.additional frames"
)
_GO_NAME: Final = re.compile(r"[A-Za-z_][\w./~@%-]{0,200}\.[\w.()*\[\]…{}-]{1,200}\s*\Z")
_RUST_MORE: Final = re.compile(r"note: |stack backtrace:|\s*\d+: ")
_BOX: Final = frozenset("╭│╰─┃┏┗┡├└╷╵━┌")
_CALL: Final = re.compile(
    r"\s+at [\w$.<>/\[*(]|\s+at async |\tat |\s+from .{1,200}:\d+:in |\s*#\d+ |\s+\.\.\. \d+ more"
    r"|\s+File \"|\s+\([\w.-]+ [\d.]+\) |\s+\d+: "
)


def headline(line: str) -> Headline | None:
    """The kind of crash that a line begins; None for a line that begins none."""
    if line[0] not in _FIRST_CHARACTERS:
        return None
    for each in HEADLINES:
        if each.pattern.match(line):
            return each
    return None


def is_call(line: str) -> bool:
    """Whether an indented line is one of the calls of a stack trace."""
    return _CALL.match(line) is not None


def is_exception(line: str) -> bool:
    """Whether a line is the last of a Python traceback: the class, and what it says."""
    found = _EXCEPTION.match(line)
    if found is None:
        return False
    name = found["name"]
    return not (name.lower() in WORDS and (name.isupper() or name.islower()))


def goes_on(trace: Trace, line: str, *, is_alert: bool) -> Trace | None:
    """Where in the trace a line at column 0 leads that continues a record; None if it ends it."""
    if trace in (Trace.PYTHON, Trace.FILE):
        if _PYTHON_MORE.match(line):
            return Trace.PYTHON
        if is_exception(line):
            return Trace.PYTHON_DONE
    if line.startswith(_CHAIN) and trace is not Trace.NONE:
        return Trace.PYTHON_CHAINED
    if line[0] in _BOX and (is_alert or trace is Trace.RICH):
        return Trace.RICH
    if trace is Trace.RICH and is_exception(line):
        return Trace.PYTHON_DONE
    if trace in (Trace.PYTHON_DONE, Trace.PYTHON_CHAINED) and _PYTHON_MORE.match(line):
        return Trace.PYTHON if trace is Trace.PYTHON_CHAINED else trace
    if trace is Trace.RUST_MESSAGE:
        return Trace.RUST
    if trace is Trace.RUST and _RUST_MORE.match(line):
        return trace
    if trace is Trace.GO and (_GO_MORE.match(line) or _GO_NAME.match(line)):
        return trace
    if (is_alert or trace is Trace.STACK) and _STACK_MORE.match(line):
        return Trace.STACK
    if is_alert and trace is Trace.NONE and (line.startswith("goroutine ") or _GO_NAME.match(line)):
        return Trace.GO
    found = headline(line) if is_alert or trace is Trace.PYTHON_CHAINED else None
    if found is None:
        return None
    if trace is Trace.PYTHON_CHAINED and found.trace in (Trace.PYTHON, Trace.GROUP, Trace.RICH):
        return found.trace
    is_trace = found.trace in (Trace.PYTHON, Trace.RICH) or found.name == "elixir"
    is_trace = is_trace or not found.is_sure
    return found.trace if trace is Trace.NONE and is_trace else None
