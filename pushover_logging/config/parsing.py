"""Readers convert an option, as it is spelled in Python, JSON, YAML or ini, into a typed value.

Every reader takes the value and the name of the option, and raises ``TypeError`` for a value of
the wrong type and ``ValueError`` for a wrong value. The error is one line that names the option,
the value and the bound. Anything that looks like a key is masked.

The module is loaded whenever a handler is configured, so it loads only modules that ``logging``
has loaded, and compiles a regular expression at its first use.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping

from ..client.constants import DEVICE_PATTERN, URL_LIMIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_AMOUNT = r"(?a)(\d+(?:\.\d+)?)(ms|[dhms])"
_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
"""Seconds in each unit, in the order in which a duration names them."""
_LOOKS_SECRET = "(?a)[A-Za-z0-9]{24,}"
_SHOWN_LIMIT = 60
_OWNED_PARAMETERS = frozenset(
    (
        *("token", "user", "message", "priority", "timestamp", "encrypted", "title", "device"),
        *("sound", "url", "url_title", "html", "monospace", "ttl", "retry", "expire", "callback"),
        *("tags", "params"),
    )
)
DAY = 86_400.0
MILLISECOND = 0.001


def deep_plain(value: object) -> object:
    """Return ``value`` with its mappings, lists and tuples made plain, at any depth.

    The mappings and lists that ``dictConfig`` passes on give raw ``ext://`` and ``cfg://`` strings
    from ``items()`` and from iteration. Only access by key or index resolves them.
    """
    if isinstance(value, Mapping):
        return {key: deep_plain(value[key]) for key in value}
    if isinstance(value, list):
        return [deep_plain(value[index]) for index in range(len(value))]
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple(deep_plain(value[index]) for index in range(len(value)))
    return value


def masked(text: str) -> str:
    """Return ``text`` on one line, with ``***`` in place of anything that looks like a key."""
    return re.sub(_LOOKS_SECRET, "***", " ".join(text.splitlines()))


def shown(value: object) -> str:
    """Return how an error may quote ``value``: masked and short."""
    try:
        text = masked(repr(value))
    except Exception:  # noqa: BLE001 - an object of the application, or a number of 5,000 digits
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= _SHOWN_LIMIT else f"{text[:_SHOWN_LIMIT]}..."


def kind_of(value: object) -> str:
    """Return a description of the type of ``value``, to be used in a sentence."""
    return "None" if value is None else f"of type {type(value).__name__}"


def nearest(name: str, names: Iterable[str]) -> str:
    """Return ``; did you mean ...?`` with the member of ``names`` most like ``name``, or ``""``."""
    from difflib import get_close_matches  # needed only after a mistake

    by_lower = {candidate.lower(): candidate for candidate in names}
    match = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean {by_lower[match[0]]}?" if match else ""


def reject_unknown(
    given: Iterable[object], known: Iterable[str], owner: str = "PushoverHandler"
) -> None:
    """Raise TypeError if ``given`` holds a name that is not in ``known``, and suggest the nearest.

    Values are never printed, because a misspelt ``token`` holds a secret.
    """
    known = sorted(known)
    for name in given:
        if name not in known:
            # No single quotes: dictConfig treats a TypeError with 'stream' in quotes as its own.
            hint = nearest(str(name), known) or f"; its options are {', '.join(known)}"
            raise TypeError(f"{owner} has no option {masked(str(name))}{hint}")


def to_text(value: object, option: str) -> str:
    """Return a string unchanged; an instance of a subclass becomes a plain string."""
    if not isinstance(value, str):
        raise TypeError(f"{option} is {kind_of(value)}; expected a string")
    return str.__str__(value)


def to_name(value: object, option: str) -> str:
    """Return a string without surrounding blanks; a string of blanks is refused."""
    text = to_text(value, option).strip()
    if not text:
        raise ValueError(f"{option} is blank; expected a name")
    return text


def to_bool(value: object, option: str) -> bool:
    """Return the truth value of a boolean, 0, 1 or a word such as ``"yes"`` or ``"off"``."""
    if not isinstance(value, int | str):
        raise TypeError(f"{option} is {kind_of(value)}; expected true or false")
    word = str(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError(f"{option} is {shown(value)}; expected true, yes, on, 1, false, no, off or 0")


def to_enabled(value: object, option: str) -> bool | str:
    """Return a boolean as ``to_bool`` reads it, or ``"auto"``."""
    if isinstance(value, str) and value.strip().lower() == "auto":
        return "auto"
    try:
        return to_bool(value, option)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{error}, or auto") from None


def to_int(value: object, option: str, *, at_least: int | None = None) -> int:
    """Return a whole number, given as an int or as digits."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"{option} is {kind_of(value)}; expected a whole number")
    try:
        number = int(value)
    except ValueError:
        raise ValueError(f"{option} is {shown(value)}; expected a whole number") from None
    if at_least is not None and number < at_least:
        raise ValueError(f"{option} is {shown(number)}; expected at least {at_least}")
    return number


def to_seconds(
    value: object, option: str, *, at_least: float = 0.0, at_most: float | None = None
) -> float:
    """Return the seconds in a number, ``timedelta``, or a text such as ``"30s"`` or ``"1h30m"``."""
    total_seconds = getattr(value, "total_seconds", None)  # a timedelta, without loading datetime
    number = total_seconds() if callable(total_seconds) else value
    if isinstance(number, bool) or not isinstance(number, int | float | str):
        raise TypeError(f"{option} is {kind_of(value)}; expected seconds or a text such as 5m")
    try:
        seconds: float = float(number)
    except OverflowError:
        seconds = math.inf
    except ValueError:
        text = "".join(str(number).lower().split())
        amounts: list[tuple[str, str]] = re.findall(_AMOUNT, text)
        units = [unit for _, unit in amounts]
        is_whole = "".join(map("".join, amounts)) == text
        is_ordered = units == [unit for unit in _UNITS if unit in units]
        seconds = math.nan
        if text and is_whole and is_ordered:
            seconds = sum(float(amount) * _UNITS[unit] for amount, unit in amounts)
    if not math.isfinite(seconds):
        raise ValueError(
            f"{option} is {shown(value)}; expected seconds or a duration such as 30s, 5m or 1h30m"
        )
    if seconds < at_least:
        raise ValueError(f"{option} is {seconds:g} seconds; expected at least {at_least:g}")
    if at_most is not None and seconds > at_most:
        raise ValueError(f"{option} is {seconds:g} seconds; expected at most {at_most:g}")
    return seconds


def to_whole_seconds(
    value: object, option: str, *, at_least: int = 1, at_most: int | None = None
) -> int:
    """Return seconds as ``to_seconds`` reads them; a fraction is refused, as the service does."""
    seconds = to_seconds(value, option, at_least=at_least, at_most=at_most)
    if not seconds.is_integer():
        raise ValueError(f"{option} is {seconds:g} seconds; expected whole seconds")
    return int(seconds)


def to_timeout(
    value: object, option: str, *, at_least: float, at_most: float
) -> tuple[float, float]:
    """Return the seconds to wait for a connection and for an answer: a pair, or both in a value."""
    parts = value.split(",") if isinstance(value, str) else deep_plain(value)
    pair = list(parts) if isinstance(parts, list | tuple) else [parts]
    if len(pair) not in (1, 2):
        raise ValueError(f"{option} holds {len(pair)} values; expected 1 or 2")
    seconds = [to_seconds(part, option, at_least=at_least, at_most=at_most) for part in pair]
    return seconds[0], seconds[-1]


def to_names(value: object, option: str) -> tuple[str, ...]:
    """Return the names in a list, or in a text where commas separate them, without duplicates."""
    names = deep_plain(value)
    if isinstance(names, str):
        names = [part for part in names.split(",") if part.strip()]
    if not isinstance(names, list | tuple | set | frozenset):
        raise TypeError(f"{option} is {kind_of(value)}; expected a list or a comma-separated text")
    return tuple(dict.fromkeys(to_name(name, f"{option}[{n}]") for n, name in enumerate(names)))


def to_tags(value: object, option: str) -> tuple[str, ...]:
    """Return tags, which must not contain commas, because commas separate them in a request."""
    tags = to_names(value, option)
    for tag in tags:
        if "," in tag:
            raise ValueError(f"{option} holds {shown(tag)}; expected tags without commas")
    return tags


def to_device(value: object, option: str) -> str:
    """Return device names with commas between them, as the service takes them."""
    names = to_names(value, option)
    for name in names:
        if not DEVICE_PATTERN.fullmatch(name):
            raise ValueError(
                f"{option} is {shown(name)}; expected 1 to 25 letters, digits, _ and -"
            )
    if not names:
        raise ValueError(
            f"{option} names no device; expected at least 1, or None to reach all devices"
        )
    return ",".join(names)


def to_template(value: object, option: str) -> str:
    """Return the text of a template after checking that it can be parsed."""
    from .templates import Template  # the default title needs no check

    return Template(option, to_text(value, option)).text


def to_url(value: object, option: str) -> str:
    """Return the template of a link; the length is checked here only if it has no placeholders."""
    from .templates import Template

    template = Template(option, to_text(value, option), address=True)
    if not template.placeholders and len(template.text) > URL_LIMIT:
        raise ValueError(f"{option} is {len(template.text)} characters; at most {URL_LIMIT} fit")
    return template.text


def to_callback(value: object, option: str) -> str:
    """Return an http or https address. An error doesn't show it, because it may be a secret."""
    callback = to_name(value, option)
    if not re.match(r"(?i)https?://[^/\s]", callback):
        raise ValueError(f"{option} is no address; expected an address that begins with https://")
    return callback


def to_params(value: object, option: str) -> dict[str, str]:
    """Return request parameters; those that the handler sets itself are refused."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{option} is {kind_of(value)}; expected a mapping of names to values")
    params = {}
    for key in value:
        name = to_name(key, f"a name in {option}")
        if name in _OWNED_PARAMETERS:
            raise ValueError(f"{option} holds {name}, which the handler sets itself")
        given = value[key]
        if isinstance(given, bool) or not isinstance(given, str | int | float):
            kind = kind_of(given)
            raise TypeError(f"{option}.{masked(name)} is {kind}; expected a string or a number")
        params[name] = str.__str__(given) if isinstance(given, str) else str(given)
    return params


def to_patterns(value: object, option: str) -> tuple[re.Pattern[str], ...]:
    """Return the regular expressions in a list of them or of their texts, or a single one.

    An error shows neither a pattern nor the text it holds, because it may spell out a secret.
    """
    given = [value] if isinstance(value, str | re.Pattern) else deep_plain(value)
    if not isinstance(given, list | tuple):
        raise TypeError(f"{option} is {kind_of(value)}; expected a list of regular expressions")
    patterns = []
    for n, item in enumerate(given):
        text = item.pattern if isinstance(item, re.Pattern) else item
        if not isinstance(text, str):
            raise TypeError(
                f"{option}[{n}] is {kind_of(text)}; expected a regular expression over text"
            )
        try:
            patterns.append(item if isinstance(item, re.Pattern) else re.compile(text))
        except re.error as error:
            reason = f"{error.msg} at position {error.pos}"
            raise ValueError(f"{option}[{n}] is no regular expression: {reason}") from None
    return tuple(patterns)


def to_callable(value: object, option: str) -> Callable[..., object]:
    """Return a callable, imported if its dotted name is given."""
    if isinstance(value, str):
        from pkgutil import resolve_name  # only a dotted name needs it

        name = value.strip().removeprefix("ext://")
        try:
            value = resolve_name(name)
        except (ImportError, AttributeError, ValueError) as error:
            raise ValueError(
                f"{option} is {shown(name)}, which cannot be imported: {masked(str(error))}"
            ) from error
    if not callable(value):
        raise TypeError(f"{option} is {kind_of(value)}; expected a callable or its dotted name")
    return value


def to_handler(value: object, option: str) -> logging.Handler | str:
    """Return a handler, or the name of a handler, which may not exist yet."""
    if isinstance(value, logging.Handler):
        return value
    if isinstance(value, Mapping):
        raise TypeError(
            f"{option} is a handler that dictConfig has not made yet; expected its name"
            " in place of cfg://"
        )
    if not isinstance(value, str):
        raise TypeError(f"{option} is {kind_of(value)}; expected a handler or its name")
    return to_name(value, option)


def to_store(value: object, option: str) -> str:
    """Return the URL of a store, also from ``env:NAME`` or ``file:PATH``.

    Only its kind is checked here. An error doesn't show the URL, because it may hold a password.
    """
    from .secrets import secret_text  # only a configured store needs it

    text, source = secret_text(value, option)
    is_known = (
        text.partition("?")[0] == "local"
        or text.startswith(("redis://", "rediss://"))
        or (text.startswith("sqlite:///") and text.partition("?")[0] != "sqlite:///")
    )
    if not is_known or re.search(r"[\x00-\x1f]", text):
        raise ValueError(
            f"{source} is of an unknown kind; expected local, sqlite:///PATH, redis://HOST"
            " or rediss://HOST"
        )
    return text
