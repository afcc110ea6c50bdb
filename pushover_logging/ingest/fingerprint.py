"""Fingerprints: which records are about the same problem.

A record with a traceback is compared by its call path, any other record by its template, or by its
text without the parts that vary. Each comparison has a cheap key and a full form. The caller looks
up `text_key` or `exact_path` first and computes `identity` only for a key that is new, because
records with the same logger, level and cheap key have the same identity.

Everything but `digest` runs inside the logging call: it imports nothing that `logging` has not
loaded, takes no lock and does not raise.
"""

from __future__ import annotations

import builtins
import re
import sys
from collections import deque
from collections.abc import Mapping
from functools import cache
from types import TracebackType

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from types import CodeType
    from typing import TypeAlias

    ExcInfo: TypeAlias = tuple[
        type[BaseException] | None, BaseException | None, TracebackType | None
    ]
    Frame: TypeAlias = tuple[str, str, int]
    """Module, function, and line relative to the function's first line."""

__all__ = [
    "call_path",
    "code_objects",
    "digest",
    "exact_path",
    "has_words",
    "identity",
    "normalize",
    "text_key",
]

_DIGITS_TO_ZERO = bytes(0x30 if 0x31 <= byte <= 0x39 else byte for byte in range(256))

# A pattern is compiled when the first text needs it, because compiling takes longer than importing
# this module. All patterns take linear time, on Python 3.10 too, which has no possessive
# quantifiers: an attempt that may read far starts only where no earlier attempt has read.
#
# `re` searches fastest for a pattern that begins with a set of characters. So each pattern matches
# its first character and then asserts what stands before it: in `(?<!\w.)` the dot is that first
# character. `[^\W_]` is a letter or a digit, and every digit is `0` here.

_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_DAYS = "Mon|Tue|Wed|Thu|Fri|Sat|Sun"
_NAME_END = "(?:uary|ruary|ch|il|e|y|ust|tember|ober|ember|(?:s|nes|rs|ur)?day)?"
_DATE_NAMES = (
    rf"(?:(?:{_DAYS}){_NAME_END},?[ /-]{{1,2}})?(?:(?:{_MONTHS}){_NAME_END},?[ /-]{{1,2}})?"
)
_WORD_END = r"(?![^\W_])"
_PARTS = "(?:[eETdhms][-+]?0+)*"
"""Exponents, the time after a date, and durations such as 1h3m5s."""
_UNIT = "(?:[nuµm]?s|[dhmwZ]|sec|min|[kKMGTP]?i?[Bb]|[AaPp][Mm])"
_UNIT_WORDS = (
    "(?: (?:[nuµm]?s|secs?|seconds?|mins?|minutes?|hrs?|hours?|days?|weeks?"
    rf"|(?:milli|micro)seconds?|[kKMGTP]i?[Bb]|bytes?|[AP]M){_WORD_END})*"
)
_UUID_REST = rf"(?:-[0a-fA-F]{{4}}){{3}}-[0a-fA-F]{{12}}{_WORD_END}"
"""The rest after the first 8 digits."""
_HEX_NUMBER = rf"x[0a-fA-F]+{_WORD_END}"
_HEX_WORD = rf"(?=[^\W_]{{6}})[a-fA-F]*0[0a-fA-F]*{_WORD_END}"
_NUMBER = rf"0+(?:{_HEX_NUMBER}|{_PARTS}{_UNIT}?{_WORD_END}(?:%+{_WORD_END})?){_UNIT_WORDS}"
_JOINT = rf"(?:[.:/_+-][-+]?|, ?[-+]?|(?<=[g-zG-Z%µ]),? |[ /-](?:{_MONTHS})[ /-])"
"""Stands between two numbers that are parts of a whole; the third kind follows a unit."""

_NUMBERS = (
    "[-+0a-fA-FJMNOSTW](?:"
    # UUIDs, and hex words of at least 6 digits
    r"(?<=[0a-fA-F])(?<![^\W_].)(?:"
    rf"[0a-fA-F]{{7}}{_UUID_REST}"
    rf"|(?=[^\W_]{{5}})(?:(?<=0)0*[a-fA-F]|(?<!0)[a-fA-F]*0)[0a-fA-F]*{_WORD_END})"
    # Numbers, with a sign or with the names of day and month before them
    r"|(?:(?<=0)|(?<=[-+])(?<![\w+-].)0"
    rf"|(?<=[ADFJMNOSTW])(?<!\w.)[a-z]{{2}}(?<={_DAYS}|{_MONTHS}){_NAME_END},?[ /-]{{1,2}}"
    rf"(?:(?:{_MONTHS})[ -]{{1,2}})?0)"
    rf"0*(?:{_HEX_NUMBER}|{_PARTS}(?:{_UNIT}{_WORD_END})?(?:%+{_WORD_END})?){_UNIT_WORDS}"
    # Further parts of the same whole
    rf")(?:{_JOINT}(?:[0a-fA-F]{{8}}{_UUID_REST}|{_NUMBER}|{_HEX_WORD}"
    rf"|(?=[ADFJMNOSTW]){_DATE_NAMES}{_NUMBER})|[.,]0+)*"
)
_SINGLE_QUOTED = r"[^'\n]*(?:(?<=\w)(?<!\W[bu])'(?=\w)[^'\n]*)*'(?!\w)"
"""The rest after the opening quote; an apostrophe between letters is part of the value."""
_QUOTED = (
    "[\"'`](?:"
    r'(?<=")(?<!\\.)[^"\\\n]*(?:\\.[^"\\\n]*)*"'
    rf"|(?<=')(?:(?<!\w.)|(?<=[bu]')(?<![\w']..)){_SINGLE_QUOTED}"
    r"|(?<=`)[^`\n]*`)"
)
_EMAIL = r"(?<![\w.+%-])[\w.+%-]+(?:@[\w-]+(?:\.[\w-]+)*)+"
_QUERY_VALUE = r"([?&][\w.~\[\]%-]*=)[^&\s#\"'<>]*"
_IPV6 = (
    r"[0a-fA-F:](?<![\w:].)(?:(?<=0)|(?=[a-fA-F:]*0))"
    r"(?:(?<=:)(?=:)|[0a-fA-F]{0,3}:[0a-fA-F]{0,4})(?::[0a-fA-F]{0,4})+(?![\w:])"
)
_TWO_LETTERS = r"[^\W\d_]{2}"
_PLACEHOLDER = (
    r"%(?:\([^()%]*\))?[#0\- +]{0,5}[\d*]{0,6}(?:\.[\d*]{0,6})?[hlL]?[diouxXeEfFgGcrsa%]"
    r"|\{[\w.\[\]]*(?:![rsa])?(?::[^{}\"'\s]*)?\}"
)

_compiled = cache(re.compile)

_GROUP: type[BaseException] | None = getattr(builtins, "BaseExceptionGroup", None)
"""The built-in class of exception groups, new in Python 3.11."""

_ENDS = 200
"""Of a longer traceback, this many frames are read from either end."""
_ENDS_COMPARED = 20
"""Of more distinct frames, this many from either end are compared."""
_LINKS = 10
"""This many causes and contexts of an exception are compared."""
_LEAVES = 5
"""This many leaves of an exception group are compared."""
_MEMBERS = 50
"""This many members of nested exception groups are read to find the leaves."""
_COMPREHENSIONS = ("<listcomp>", "<dictcomp>", "<setcomp>")
_NO_FRAME: Frame = ("", "", 0)


def text_key(text: str) -> bytes:
    """Return the cheap key of a text: its bytes, with each digit replaced by ``0``."""
    return text.encode("utf-8", "surrogatepass").translate(_DIGITS_TO_ZERO)


def normalize(text: str) -> str:
    """Return the text with each part that varies between occurrences replaced by ``0``.

    These parts are numbers with their units, UUIDs, hex numbers and hex words of at least 6 digits,
    IP addresses and ports, e-mail addresses, values in a URL's query, dates, times, durations and
    quoted values. Texts with the same `text_key` have the same result. A text that consists of
    quoted values only keeps them. The time is linear in the length; the caller bounds it.
    """
    text = text_key(text).decode("utf-8", "surrogatepass")
    if '"' in text or "'" in text or "`" in text:
        quoted = _compiled(_QUOTED, re.DOTALL)
        structured = text.startswith("{")
        if structured or "event" in text or "msg" in text or "message=" in text:
            unquoted = quoted.sub(_kept_or_zero, text)
        else:
            unquoted = quoted.sub("0", text)
        bare = _without_values(unquoted)
        if unquoted is text or _compiled(_TWO_LETTERS).search(bare):
            return bare
    return _without_values(text)


def _kept_or_zero(match: re.Match[str]) -> str:
    """Keep what names a problem in JSON, a printed mapping or logfmt: its keys and its event."""
    text, start, end = match.string, match.start(), match.end()
    if text[0] == "{" and text[end : end + 1] == ":":
        return match[0]
    before = text[max(start - 12, 0) : start]
    name = before.rstrip("\"':= ")
    sign = before[len(name) :]
    is_event = name.endswith(("event", "msg", "message")) and ("=" in sign or ":" in sign)
    return match[0] if is_event else "0"


def _without_values(text: str) -> str:
    """Replace the values that are not quoted; each digit of the text is a ``0`` already."""
    if "@" in text:
        text = _compiled(_EMAIL).sub("0", text)
    if "=" in text and ("?" in text or "&" in text):
        text = _compiled(_QUERY_VALUE).sub(r"\g<1>0", text)
    if "::" in text or text.count(":") > 4:
        text = _compiled(_IPV6, re.DOTALL).sub("0", text)
    return _compiled(_NUMBERS, re.DOTALL).sub("0", text) if "0" in text else text


def has_words(template: str) -> bool:
    """Tell whether a template says something without its arguments, as ``"%s: %s"`` does not."""
    return bool(_compiled(_TWO_LETTERS).search(_compiled(_PLACEHOLDER).sub(" ", template)))


def exact_path(exc: BaseException | None, tb: TracebackType | None) -> tuple[object, ...] | None:
    """Return the cheap key of an exception with a traceback, or None if there is none to make.

    The key identifies code objects by their address. Whoever keeps the key must keep the
    `code_objects` too. It holds no frames and no exceptions.
    """
    if tb is None or exc is None:
        return None
    try:
        path: list[object] = [type(exc)]
        push = path.append
        address = id
        while tb is not None:
            push(address(tb.tb_frame.f_code))
            push(tb.tb_lasti)
            tb = tb.tb_next
        if len(path) > 4 * _ENDS + 1:
            path = path[: 2 * _ENDS + 1] + path[-2 * _ENDS :]
        if exc.__cause__ is not None or exc.__context__ is not None:
            for relation, linked in _linked(exc):
                path += (relation, *_exact_end(linked))
        if isinstance(exc, _GROUP or _backport()):
            for leaf in _leaves(exc):
                path += ("leaf", *_exact_end(leaf))
        return tuple(path)
    except Exception:  # noqa: BLE001 - a user's exception class may override any attribute
        return None


def code_objects(
    source: BaseException | TracebackType | None, tb: TracebackType | None = None
) -> tuple[CodeType, ...]:
    """Return the code objects that an `exact_path` names by address.

    ``source`` is a traceback, or an exception. ``tb`` is the exception's traceback, by default its
    own.
    """
    entries: list[TracebackType] = []
    try:
        if isinstance(source, TracebackType):
            entries = _entries(source)
        elif source is not None:
            entries = _entries(source.__traceback__ if tb is None else tb)
            others = [linked for _, linked in _linked(source)] + _leaves(source)
            entries += [end for end in map(_innermost, others) if end is not None]
    except Exception:  # noqa: BLE001, S110 - exact_path made no key of this exception either
        pass
    return tuple({id(entry.tb_frame.f_code): entry.tb_frame.f_code for entry in entries}.values())


def call_path(source: ExcInfo | BaseException) -> tuple[object, ...]:
    """Return what identifies the problem behind an exception: type, frames, causes and leaves.

    ``source`` is an exception or the triple of ``exc_info``. The result has plain strings, integers
    and tuples only, and is the same in each process that runs the same code. The text of the
    exception is not part of it.
    """
    causes: list[tuple[object, ...]] = []
    leaves: set[tuple[str, str, str, int]] = set()
    kind, exc, tb = source if isinstance(source, tuple) else (type(source), source, None)
    try:
        if exc is not None:
            if exc is source:
                tb = exc.__traceback__
            for relation, linked in _linked(exc):
                causes.append((relation, *_end(linked)))
            leaves = {_end(leaf) for leaf in _leaves(exc)}
    except Exception:  # noqa: BLE001, S110 - a user's class may override them; type and frames do
        pass
    distinct = list(dict.fromkeys(_frames(tb)))
    if len(distinct) > 2 * _ENDS_COMPARED:
        distinct = distinct[:_ENDS_COMPARED] + distinct[-_ENDS_COMPARED:]
    name = _name_of(kind if kind is not None else type(exc))
    # Tasks of one group fail in any order, and any number of them fail in the same way.
    return name, tuple(distinct), tuple(causes), tuple(sorted(leaves))


def identity(record: logging.LogRecord, text: str, exception: ExcInfo | None) -> tuple[object, ...]:
    """Return the fingerprint of a record without an explicit key, in plain strings and integers.

    ``text`` is the formatted message, ``exception`` the triple of ``exc_info``.
    """
    name, levelno = record.name, record.levelno
    if type(name) is not str or type(levelno) is not int:
        name, levelno = _plain(name), levelno if type(levelno) is int else 0
    kind: object = None
    if isinstance(exception, tuple) and len(exception) == 3:
        if isinstance(exception[2], TracebackType):
            return ("stack", name, levelno, *call_path(exception))
        kind = exception[0] or (None if exception[1] is None else type(exception[1]))
    return "text", name, levelno, "" if kind is None else _name_of(kind), _subject(record, text)


def digest(identity: tuple[object, ...]) -> str:
    """Return a fingerprint as 16 hex digits that are the same in each process and on each host.

    Not for the logging call: it loads `hashlib`.
    """
    import hashlib

    # repr() depends on the Unicode version of the Python that runs, ascii() does not.
    return hashlib.sha256(ascii(identity).encode("ascii")).hexdigest()[:16]


def _subject(record: logging.LogRecord, text: str) -> str:
    """Return what the message is about: its template, its event, or its text."""
    msg: object = record.msg
    if isinstance(msg, str):
        template = str.__str__(msg)
        return template if record.args and has_words(template) else normalize(text)
    try:
        event: object = msg.get("event") if isinstance(msg, Mapping) else None
    except Exception:  # noqa: BLE001 - the user's mapping; its text still identifies it
        event = None
    if isinstance(event, str):
        return normalize(str.__str__(event))
    return f"{_name_of(type(msg))} {normalize(text)}"


def _plain(value: object) -> str:
    try:
        return str.__str__(value if isinstance(value, str) else str(value))
    except Exception:  # noqa: BLE001 - the user's object; its type still identifies it
        return _name_of(type(value))


def _name_of(kind: object) -> str:
    """Return the qualified name of a class, whatever its metaclass makes of the attributes."""
    try:
        return f"{kind.__module__}.{kind.__qualname__}"  # type: ignore[attr-defined]
    except Exception:  # noqa: BLE001 - an object that is no class, or a class that hides its name
        return f"{type(kind).__module__}.{type(kind).__qualname__}"


def _last_entries(tb: TracebackType) -> deque[TracebackType]:
    """Return the innermost entries of a traceback."""
    last = deque((tb,), _ENDS)
    while tb.tb_next is not None:
        tb = tb.tb_next
        last.append(tb)
    return last


def _entries(tb: TracebackType | None) -> list[TracebackType]:
    """Return the entries of a traceback that `exact_path` reads."""
    entries: list[TracebackType] = []
    while tb is not None and len(entries) < _ENDS:
        entries.append(tb)
        tb = tb.tb_next
    if tb is not None:
        entries += _last_entries(tb)
    return entries


def _innermost(exc: BaseException) -> TracebackType | None:
    tb = exc.__traceback__
    while tb is not None and tb.tb_next is not None:
        tb = tb.tb_next
    return tb


def _exact_end(exc: BaseException) -> tuple[object, ...]:
    """Return type and innermost frame in the form of `exact_path`."""
    end = _innermost(exc)
    return (type(exc),) if end is None else (type(exc), id(end.tb_frame.f_code), end.tb_lasti)


def _end(exc: BaseException) -> tuple[str, str, str, int]:
    """Return type and innermost frame in the form of `call_path`."""
    frames = _frames(exc.__traceback__)
    return (_name_of(type(exc)), *(frames[-1] if frames else _NO_FRAME))


def _frames(tb: TracebackType | None) -> list[Frame]:
    """Return the frames of a traceback, without those of comprehensions.

    Python 3.12 runs a comprehension in the frame around it, at the line of its part that failed.
    For the same result before 3.12, that line replaces the line of the frame around it.
    """
    frames: list[Frame] = []
    first = 0
    for entry in _entries(tb):
        code = entry.tb_frame.f_code
        if code.co_name in _COMPREHENSIONS:
            if frames:
                module, function, line = frames[-1]
                frames[-1] = module, function, (entry.tb_lineno or first + line) - first
            continue
        name = dict.get(entry.tb_frame.f_globals, "__name__")
        if type(name) is not str:
            name = code.co_filename.replace("\\", "/").rpartition("/")[2]
        first = code.co_firstlineno
        function = getattr(code, "co_qualname", code.co_name)  # new in Python 3.11
        frames.append((name, function, (entry.tb_lineno or first) - first))
    return frames


def _linked(exc: BaseException) -> list[tuple[str, BaseException]]:
    """Return what led to an exception, as a traceback shows it, up to where it repeats."""
    links: list[tuple[str, BaseException]] = []
    seen = {id(exc)}
    while len(links) < _LINKS:
        linked, relation = exc.__cause__, "cause"
        if linked is None and not exc.__suppress_context__:
            linked, relation = exc.__context__, "context"
        if linked is None or id(linked) in seen:
            break
        seen.add(id(linked))
        links.append((relation, linked))
        exc = linked
    return links


def _backport() -> type[BaseException] | tuple[()]:
    """Return the class of exception groups before Python 3.11, if the backport is loaded."""
    kind: type[BaseException] | None
    kind = getattr(sys.modules.get("exceptiongroup"), "BaseExceptionGroup", None)
    return kind or ()


def _leaves(exc: BaseException) -> list[BaseException]:
    """Return the first leaves of an exception group, from the outside in."""
    groups = _GROUP or _backport()
    leaves: list[BaseException] = []
    waiting = deque((exc,) if isinstance(exc, groups) else ())
    for _ in range(_MEMBERS):
        if not waiting or len(leaves) == _LEAVES:
            break
        member = waiting.popleft()
        if isinstance(member, groups):
            waiting.extend(member.exceptions[:_MEMBERS])  # type: ignore[attr-defined]
        else:
            leaves.append(member)
    return leaves
