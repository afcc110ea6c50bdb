"""Passes over the lines that are no alert, many at once, on bytes.

Two ways that are both sure never to pass over an alert. Lines that begin exactly like one that was
read, and was below WARNING, are the same to the reader, whatever they say further on. And a line
with none of the words, letters and numbers that a level of WARNING or above is written as, and none
of those that a crash begins with, is no alert in any format.
"""

from __future__ import annotations

import logging
import re
from typing import Final, NamedTuple

from .entry import Entry
from .envelopes import Unwrapped
from .formats import BY_NAME
from .headers import Header, entry_at, find_header, is_logger
from .levels import COMMON, WORDS
from .structured import PLAIN_LEVEL

_SHAPES: Final = 24
"""Kinds of beginnings that are remembered for one file."""
_LONGEST: Final = 300
_DOCKER: Final = (
    r'[^"\\\n]*(?:\\[^\n][^"\\\n]*)*(?<=\\n)","stream":"std(?:out|err)","time":"[^"\\\n]*"\}(?=\n)'
)
"""The rest of a whole line of docker's, not a part of one."""
_LOGGER_NEXT: Final = r"(?:(?<= )([A-Za-z_][\w.]{0,100}): (?=\S))?"
"""The commonest thing behind a level, in the form that ``entry_at`` reads the same way."""
_ALERT_SEVERITIES: Final = "|".join(str(pri) for pri in range(192) if pri % 8 <= 4)
_WORDS: Final = re.compile(
    rb"warn|wrn|err|crit|fatal|ftl|fata|sever|emerg|alert|panic|pani|pnc|except|fail|traceback"
    rb"|deprecat|abort|kill|fault|bug:|oops|oom|out of mem|flooding|smash|overflow|terminat"
    rb"|timed out|illegal|interrupt|throwable|unhandled|uncaught|rejection|stall|blocked for"
    rb"|repeated|watchdog|exceeds|sigsegv|sigbus|sigfpe|sigabrt"
    rb"|sigquit|  file \"|:in `|:in \'|mce: "
)
_LETTERS: Final = re.compile(
    rb"[ \[/(|}\"\t](?:[EWFACX](?:[ ,/]|\d{4})|[#] )|\*\* \(|<(?:"
    + _ALERT_SEVERITIES.encode()
    + rb")>"
)
_FIRST: Final = re.compile(rb"[EWFACX](?:[ ,/]|\d{4})|[A-Z]\w{1,60}(?:::\w{1,60}){1,6} \(")
_NUMBER_WORDS: Final = re.compile(rb"level|lvl|severity|priority|number|@l\"|\"s\"")
_NUMBERS: Final = re.compile(
    rb"(?:level|levelno|level_no|lvl|severity|priority|number|level_value|@l)\\?\"?\s?[:=]\s?\\?\"?"
    rb"(?!(?:10|20|30),\"time\":\d{13})\d|\"s\"\s?:\s?\"[ewf]"
)
_TOKEN: Final = re.compile(r"\d+|[A-Za-z_][\w.$]*|\s+|.")
_JSON_PAIR: Final = re.compile(
    r'\s*"(?P<key>[^"\\]{1,60})"(?P<colon>\s?:\s?)(?P<value>"[^"\\]*"|-?\d+(?:\.\d+)?|true|false|null)'
    r"(?P<comma>\s?,\s?)"
)
_AFTER_PINO: Final = re.compile(r',"time":1\d{12}[,}]')
_WORD_SIGNS: Final = frozenset("0123456789-+.:T")
_ANY_LEVEL: Final = "|".join(sorted(WORDS, key=len, reverse=True))


def may_be_alert(line: bytes) -> bool:
    """Whether a line may be an alert, or the first of a crash; False is sure."""
    lower = line.lower()
    if _WORDS.search(lower) or _LETTERS.search(line) or _FIRST.match(line):
        return True
    return _NUMBER_WORDS.search(lower) is not None and _NUMBERS.search(lower) is not None


class _Shape(NamedTuple):
    """How the lines of one kind begin, up to the level."""

    pattern: re.Pattern[str]
    """Its groups are the time, the tokens before the level, and the level."""
    since_time: int
    time_group: int | None

    def read(self, line: str) -> Entry | None:
        """The line, if it begins so, as ``read_header`` reads it."""
        found = self.pattern.match(line)
        if found is None:
            return None
        *before, word, logger = found.groups()
        time = before.pop(self.time_group) if self.time_group is not None else None
        start, stop = found.span(found.re.groups - 1)
        if logger is not None and not before and is_logger(logger):
            level = WORDS[word.lower()]
            message = line[found.end() :].strip()
            name = "level" if time is None else "time and level"
            return Entry(message, level, logger, time, None, name, (start, stop))
        return entry_at(line, start, stop, time, before, self.since_time)


class Skipper:
    """Remembers how lines begin in one file."""

    def __init__(self) -> None:
        self._low: dict[str, bool] = {}
        """Regular expressions for lines below WARNING, and whether the lines are unwrapped."""
        self._patterns: dict[bool, re.Pattern[bytes] | None] = {True: None, False: None}
        self._any: list[_Shape] = []

    def learn(self, line: str, known: Unwrapped, entry: Entry) -> None:
        """Remember how a line begins, if the reader reads all of its kind alike."""
        text = known.text
        if entry.level is None or len(self._low) >= _SHAPES or not line[:_LONGEST].isascii():
            return
        if entry.level >= logging.WARNING and known.format:
            return
        inner = self._inner_shape(text, entry)
        if inner is None:
            return
        low, whole = inner
        if not known.format and line == text:
            if whole is not None and low not in self._low:
                self._any.insert(0, whole)
        elif (wrapped := _wrapped(line, text, low, entry)) is not None:
            low = wrapped
        else:
            return
        if low in self._low:
            return
        self._low[low] = not known.format
        for unwrapped in {False, not known.format}:
            chosen = [each for each in self._low if self._low[each] or not unwrapped]
            joined = "|".join(chosen).replace("(?P<time>", "(?:").encode()
            self._patterns[unwrapped] = re.compile(rb"\n(?!" + joined + rb"|\Z)")

    def _inner_shape(self, text: str, entry: Entry) -> tuple[str, _Shape | None] | None:
        """How unwrapped lines below WARNING begin that are like this one, and all that are."""
        name = entry.format.partition(" in ")[0]
        if entry.level_at is not None and entry.level_at[1] <= _LONGEST:
            start, end = entry.level_at
            by_header = text[0] not in "{ \t" and "=" not in text[:start]
            header = find_header(text) if by_header else None
            if isinstance(header, Header) and header.level.span() == (start, end):
                shape = _shape(text, header)
                if shape is None:
                    return None
                low = shape + _level_pattern(text[start:end], below=logging.WARNING)
                compiled = re.compile(
                    f"{shape}({_level_pattern(text[start:end])}){_after(text, end)}{_LOGGER_NEXT}"
                )
                time_at = compiled.groupindex.get("time")
                group = None if time_at is None else time_at - 1
                return low + _after(text, end), _Shape(compiled, header.since_time, group)
        if (entry.level or 0) >= logging.WARNING:
            return None
        if text[0] == "{":
            low_json = _json_shape(text, *entry.level_at) if entry.level_at else None
            return None if low_json is None else (low_json, None)
        quiet = BY_NAME[name].quiet(entry) if name in BY_NAME else None
        return None if quiet is None else (quiet, None)

    def next(self, data: bytes, pos: int, *, unwrapped: bool = False) -> int:
        """The beginning of the next line that is to be read, or the end of the data.

        With ``unwrapped`` only lines without a wrapping are passed over, which end the record of
        the program before them.
        ``data[pos - 1]`` is the end of a line, and so is the last byte.
        """
        pattern = self._patterns[unwrapped]
        if pattern is None:
            return pos
        found = pattern.search(data, pos - 1)
        return found.end() if found else len(data)

    def read(self, line: str) -> Entry | None:
        """A line that begins like one that was read before, read in a shorter way."""
        for index, shape in enumerate(self._any):
            entry = shape.read(line)
            if entry is not None:
                if index:
                    self._any.insert(0, self._any.pop(index))
                return entry
        return None


def _wrapped(line: str, text: str, low: str, entry: Entry) -> str | None:
    """The same for lines in a wrapping of which the beginning alone decides, or docker's."""
    if line.endswith(text) and line[0] not in "{<":
        before = line[: len(line) - len(text)]
        return re.sub(r"[0-9]", "[0-9]", re.escape(before)) + low
    end = (entry.level_at or (0, 0))[1] + 12
    if not line.startswith('{"log":"') or line[8 : 8 + end] != text[:end] or "(?=" in low:
        return None
    return rf'\{{"log":"{low}{_DOCKER}'


def _shape(line: str, header: Header) -> str | None:
    """A regular expression for the beginnings that are the same to the reader of headers."""
    start = header.level.start()
    tokens = list(_TOKEN.finditer(line, 0, start))
    loose = sum(found.group()[0].isalpha() and line[found.end()].isspace() for found in tokens)
    timed = range(*header.time.span()) if header.time is not None else range(0)
    opening = {each.start: "(" for each in header.before}
    closing = {each.start + len(each.text) for each in header.before}
    if header.time is not None and header.time.start() < start:
        opening[header.time.start()] = "(?P<time>"
        closing.add(header.time.end())
    ends = {found.end() for found in tokens}
    if not (opening.keys() <= {found.start() for found in tokens} and closing <= ends):
        return None  # what the reader takes for one part ends in the middle of another
    parts: list[str] = []
    for found in tokens:
        token = found.group()
        if found.start() in closing:
            parts.append(")")
        parts.append(opening.get(found.start(), ""))
        if token.isdigit():
            parts.append("[0-9]" * len(token) if len(token) < 7 else f"[0-9]{{{len(token)}}}")
        elif token.isspace():
            parts.append(" +" if token.strip(" ") == "" and len(token) > 1 else re.escape(token))
        elif token[0].isalpha() or token[0] == "_":
            is_part = found.start() > 0 and line[found.start() - 1] in _WORD_SIGNS
            if (
                len(token) < 3
                or is_part
                or loose > 1
                or not found.start()
                or found.start() in timed
            ):
                parts.append(re.escape(token))
            else:
                parts.append(rf"(?!(?i:{_ANY_LEVEL})\b)[A-Za-z_][A-Za-z0-9_.$]{{2,60}}")
        else:
            parts.append(re.escape(token))
    if start in closing:
        parts.append(")")
    return "".join(parts)


def _level_pattern(word: str, below: int = logging.CRITICAL + 1) -> str:
    """The word for a level, and the others below a level that are written like it."""
    if word.lower() not in COMMON:
        return re.escape(word) if WORDS[word.lower()] < below else r"(?!)"
    low = [each for each in COMMON if WORDS[each] < below]
    style = str.upper if word.isupper() else str.lower if word.islower() else str.capitalize
    words = sorted(map(style, low), key=lambda each: (each != word, -len(each)))
    return f"(?:{'|'.join(words)})"


def _after(line: str, end: int) -> str:
    """What makes the word before it a level: the next sign, behind blanks or not."""
    rest = line[end : end + 12]
    blanks = len(rest) - len(rest.lstrip(" "))
    sign = rest[blanks : blanks + 1]
    if not sign:
        return r"(?=\s)" if blanks or not rest else re.escape(rest[0])
    if sign in "])>}|-:/,":
        more = rest[blanks + 1 : blanks + 2] if sign in "-:" else ""
        more = r"(?=\w)" if more.isalnum() else re.escape(more)
        return (" +" if blanks > 1 else " " * blanks) + re.escape(sign) + more
    return re.escape(rest[0])


def _json_shape(line: str, start: int, end: int) -> str | None:
    """The same for an object whose first keys hold plain values, up to the level."""
    pos = 1
    parts = [r"\{"]
    while found := _JSON_PAIR.match(line, pos):
        if found.end() > start:
            break
        value = found["value"]
        plain = r'"[^"\\\n]*"' if value[0] == '"' else r"[0-9.eE+-]+|true|false|null"
        if found["key"] in PLAIN_LEVEL:
            return None
        parts.append(re.escape(line[pos : found.start("value")]) + f"(?:{plain})")
        parts.append(re.escape(found["comma"]))
        pos = found.end()
    number = re.fullmatch(r'\s*"level"\s?:\s?', line[pos:start])
    if number and line[start:end] in ("10", "20", "30") and _AFTER_PINO.match(line, end):
        return "".join(parts) + re.escape(number[0]) + r'(?:10|20|30),"time":1[0-9]{12}[,}]'
    between = re.fullmatch(r'(\s*"([^"\\]{1,60})"\s?:\s?")', line[pos:start])
    if between is None or between[2] not in PLAIN_LEVEL or line[end : end + 1] != '"':
        return None
    low = sorted({each for each in WORDS if WORDS[each] < logging.WARNING}, key=len, reverse=True)
    return "".join(parts) + re.escape(between[1]) + f'(?i:{"|".join(low)})"'
