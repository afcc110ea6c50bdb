"""Which records have the same fingerprint, and that computing it never fails or takes long."""

from __future__ import annotations

import builtins
import gc
import itertools
import logging
import os
import random
import subprocess
import sys
import textwrap
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pushover_logging.ingest import fingerprint
from pushover_logging.ingest.fingerprint import (
    call_path,
    code_objects,
    digest,
    exact_path,
    has_words,
    identity,
    normalize,
    text_key,
)

from .message_pairs import PAIRS, Pair

LONGEST = 8192

words = st.sampled_from(
    [
        *["disk", "order", "user", "payment", "worker", "failed", "timed", "out", "on", "at"],
        *["Error", "café", "北京", "can't", "Maybe", "HTTP2", "db", "cafe", "session_id"],
    ]
)
numbers = st.one_of(
    st.integers(-(10**12), 10**12).map(str),
    st.integers(0, 10**9).map("{:,}".format),
    st.floats(-1e6, 1e6).map("{:.3f}".format),
)
units = st.sampled_from(["", "ms", "s", "KB", "%", " MiB", " seconds", " items", "rd"])
kinds = [
    st.tuples(numbers, st.sampled_from(["", "ms", "s", "%", " MiB", " seconds"])).map("".join),
    st.uuids().map(str),
    st.datetimes().map(str),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.datetimes().map("{:%a, %d %b %Y %H:%M:%S +0000}".format),
    st.timedeltas(timedelta(0)).map(str),
    st.ip_addresses().map(str).filter(lambda address: any(c.isdigit() for c in address)),
    st.ip_addresses(v=4).map("{}:8080".format),
    st.binary(min_size=20, max_size=20).map(bytes.hex),
    st.integers(2**40, 2**47).map(hex),
    st.sampled_from(["ada@example.com", "bob.b+x@mail.example.org", "celery@web-1"]),
    st.sampled_from(["'a b'", '"ada"', "`x`", "'it's'", '"a \\" b"']),
    st.sampled_from(["https://x.example/?user=ada&n=3", "https://x.example/?user=&n=bob%204"]),
]
variable_parts = st.one_of(kinds)
separators = st.sampled_from([" ", ": ", ", ", " - ", " (", ") ", "\n"])
messages = st.lists(st.tuples(st.one_of(words, variable_parts), separators), max_size=8).map(
    lambda parts: "".join(itertools.chain.from_iterable(parts))
)


def record_of(msg: object, *args: object, name: str = "shop", level: int = 40) -> logging.LogRecord:
    return logging.LogRecord(name, level, "shop.py", 1, msg, args, None)


def caught(function: Callable[..., object], *args: object) -> BaseException:
    try:
        function(*args)
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def triple(error: BaseException) -> tuple[Any, BaseException, Any]:
    return type(error), error, error.__traceback__


def path_of(error: BaseException) -> tuple[object, ...] | None:
    return exact_path(error, error.__traceback__)


def defined(source: str, name: str, first_line: int = 1) -> Callable[..., Any]:
    """Compile a function as part of a module, below so many other lines."""
    namespace: dict[str, Any] = {"__name__": "shop.orders"}
    code = "\n" * (first_line - 1) + textwrap.dedent(source).lstrip("\n")
    exec(compile(code, "/srv/shop/orders.py", "exec"), namespace)
    function: Callable[..., Any] = namespace[name]
    return function


# Texts


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.source for pair in PAIRS])
def test_real_messages_are_grouped_as_people_expect(pair: Pair) -> None:
    first = identity(record_of(pair.first), pair.first, None)
    second = identity(record_of(pair.second), pair.second, None)

    assert (first == second) == (pair.verdict == "same")


def test_there_are_enough_pairs_of_either_verdict() -> None:
    verdicts = [pair.verdict for pair in PAIRS]

    assert verdicts.count("same") >= 40
    assert verdicts.count("different") >= 20


@given(
    st.lists(st.tuples(words, units), min_size=1),
    st.lists(numbers, min_size=1),
    st.lists(numbers, min_size=1),
)
def test_same_text_with_other_numbers_is_the_same(
    said: list[tuple[str, str]], first: list[str], second: list[str]
) -> None:
    def written(values: list[str]) -> str:
        pairs = zip(said, itertools.cycle(values))
        return ", ".join(f"{word} {value}{unit}" for (word, unit), value in pairs)

    assert normalize(written(first)) == normalize(written(second))


@given(
    st.lists(words, min_size=1),
    st.sampled_from(kinds).flatmap(lambda kind: st.tuples(kind, kind)),
    separators,
)
def test_same_text_with_another_value_of_the_kind_is_the_same(
    said: list[str], values: tuple[str, str], separator: str
) -> None:
    first, second = (" ".join(said) + separator + value for value in values)

    assert normalize(first) == normalize(second)


@given(st.lists(words, min_size=1), variable_parts, st.data())
def test_different_words_are_different(said: list[str], value: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(said) - 1))
    other = data.draw(words.filter(lambda word: word != said[place]))
    changed = [*said[:place], other, *said[place + 1 :]]

    assert normalize(" ".join([*said, value])) != normalize(" ".join([*changed, value]))


@given(messages, st.randoms(use_true_random=False))
def test_normalizing_depends_on_the_text_key_only(text: str, chance: random.Random) -> None:
    other = "".join(chance.choice("0123456789") if c in "0123456789" else c for c in text)

    assert text_key(other) == text_key(text)
    assert normalize(other) == normalize(text)


@given(messages)
def test_normalizing_twice_changes_nothing(text: str) -> None:
    once = normalize(text)

    assert normalize(once) == once


@given(st.text(st.characters(), max_size=200))
@example("\ud800 7")
@example("\0")
@example("")
@example("'")
@example("{")
def test_any_text_has_a_key_and_a_normal_form(text: str) -> None:
    assert isinstance(text_key(text), bytes)
    assert isinstance(normalize(text), str)
    assert isinstance(has_words(text), bool)


@given(st.text(st.characters(), max_size=50), st.text(st.characters(), max_size=50))
def test_the_text_key_tells_texts_apart_that_differ_in_more_than_digits(
    first: str, second: str
) -> None:
    digits = str.maketrans("123456789", "000000000")

    assert (text_key(first) == text_key(second)) == (
        first.translate(digits) == second.translate(digits)
    )


def test_nothing_is_cut_before_normalizing() -> None:
    start = "word " * 1600

    assert normalize(f"{start} 123 disk") == normalize(f"{start} 4 disk")
    assert normalize(f"{start} 123 disk") != normalize(f"{start} 123 network")


UNITS = [
    *["0", "a", "-", "'", '"', "`", "@", ".", ":", "/", "?", "&", "=", "{", "%", "_", "J"],
    "0 ",
    "0s",
    "0.",
    "0, ",
    "0 s ",
    "a0",
    "-0",
    "a.",
    "a@",
    "'a ",
    "a'b",
    "{b'x",
    "b'x",
    '"\\"',
    "?a=",
    "a:",
    "0:",
    "::",
    "Jan ",
    "Mon 0",
    "abcdef0",
    "abcdef0-",
    "00000000-0000-",
    "%(",
    "{a",
    "0x",
    "event='",
]


def took(function: Callable[[str], object], text: str) -> float:
    """Return the best processor time of several calls."""
    times = []
    for _ in range(5):
        start = time.thread_time()
        function(text)
        times.append(time.thread_time() - start)
    return min(times)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("function", [normalize, has_words])
def test_time_grows_linearly_with_the_text(function: Callable[[str], object], unit: str) -> None:
    function(unit)  # compiles the patterns

    for end in "", "!", "x":
        short = took(function, (unit * LONGEST)[: LONGEST // 8] + end)
        long = took(function, (unit * LONGEST)[:LONGEST] + end)

        assert long < 24 * short + 0.002  # 64 times if it were quadratic


# Templates and other messages


@pytest.mark.parametrize(
    "template",
    ["", "%s", "%s: %s", "[%s] %s", "%(name)s - %d", "%5.2f%%", "{}", "{0} {name!r:>5}", "%-8s|%s"],
)
def test_a_bare_template_has_no_words(template: str) -> None:
    assert not has_words(template)


@pytest.mark.parametrize(
    "template", ["disk %s", "%s failed", "took %.1f ms", "{} lost", "%s: 失败"]
)
def test_a_template_with_text_has_words(template: str) -> None:
    assert has_words(template)


def test_a_template_with_words_is_the_same_whatever_its_arguments() -> None:
    ada = identity(record_of("no user %s", "ada"), "no user ada", None)
    bob = identity(record_of("no user %s", "bob"), "no user bob", None)

    assert ada == bob == ("text", "shop", 40, "", "no user %s")


def test_bare_templates_are_compared_by_their_text() -> None:
    full = identity(record_of("%s", "disk 9 full"), "disk 9 full", None)
    also_full = identity(record_of("%s", "disk 10 full"), "disk 10 full", None)
    slow = identity(record_of("%s", "disk 9 slow"), "disk 9 slow", None)

    assert full == also_full
    assert full != slow


@pytest.mark.parametrize("other", [{"name": "bank"}, {"level": 30}])
def test_loggers_and_levels_are_kept_apart(other: dict[str, Any]) -> None:
    assert identity(record_of("disk full"), "disk full", None) != identity(
        record_of("disk full", **other), "disk full", None
    )


def test_mappings_are_compared_by_their_event() -> None:
    def of(event: Mapping[str, object]) -> tuple[object, ...]:
        return identity(record_of(event), str(event), None)

    assert of({"event": "order 7 lost", "user": "ada"}) == of({"event": "order 12 lost", "n": 1})
    assert of({"event": "order 7 lost"}) != of({"event": "order 7 paid"})


def test_mappings_without_an_event_are_compared_by_their_text() -> None:
    def of(message: Mapping[str, object]) -> tuple[object, ...]:
        return identity(record_of(message), str(message), None)

    assert of({"order": 7, "user": "ada"}) == of({"order": 12, "user": "bob"})
    assert of({"order": 7}) != of({"customer": 7})


def test_other_objects_are_compared_by_type_and_text() -> None:
    def of(message: object) -> tuple[object, ...]:
        return identity(record_of(message), str(message), None)

    assert of(ValueError("order 7 lost")) == of(ValueError("order 12 lost"))
    assert of(ValueError("order 7 lost")) != of(RuntimeError("order 7 lost"))
    assert of(b"disk full") != of(b"login failed")


def test_an_exception_without_a_traceback_counts_by_its_type() -> None:
    value, key = ValueError("x"), KeyError("x")

    assert identity(record_of("lost"), "lost", (ValueError, value, None)) == (
        "text",
        "shop",
        40,
        "builtins.ValueError",
        "lost",
    )
    assert identity(record_of("lost"), "lost", (KeyError, key, None))[3] == "builtins.KeyError"


class Refuses:
    """An object that raises whatever is asked of it."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __format__ = __str__  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise RuntimeError("no")


class RefusingMapping(dict[str, object]):
    def get(self, key: str, default: object = None) -> object:
        raise RuntimeError("no")


class RefusingMeta(type):
    def __getattribute__(cls, name: str) -> object:
        if name in ("__module__", "__qualname__", "__name__"):
            raise RuntimeError("no")
        return super().__getattribute__(name)


class HiddenError(Exception, metaclass=RefusingMeta):
    @property
    def __cause__(self) -> None:  # type: ignore[override]
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "message", [Refuses(), RefusingMapping(a=1), None, 5, b"x", [1], HiddenError()], ids=range(7)
)
def test_any_message_has_an_identity(message: object) -> None:
    made = identity(record_of(message), "the text", None)

    assert is_plain(made)


@pytest.mark.parametrize(
    "exception",
    [
        (None, None, None),
        (None, Refuses(), None),
        (Refuses, None, None),
        (ValueError, None, caught(int, "x").__traceback__),
        (None, None, caught(int, "x").__traceback__),
        (HiddenError, HiddenError(), caught(int, "x").__traceback__),
        (1, 2, 3),
        (),
        True,
    ],
    ids=range(9),
)
def test_any_exc_info_has_an_identity(exception: Any) -> None:
    assert is_plain(identity(record_of("text"), "text", exception))


def test_odd_names_and_levels_have_an_identity() -> None:
    record = record_of("text")
    record.name, record.levelno = Refuses(), Refuses()  # type: ignore[assignment]

    assert is_plain(identity(record, "text", None))


def test_subclasses_of_str_leave_no_object_in_the_identity() -> None:
    class Lazy(str):
        pass

    made = identity(record_of(Lazy("no user %s"), "ada", name=Lazy("shop")), "no user ada", None)

    assert is_plain(made)
    assert is_plain(identity(record_of({"event": Lazy("lost")}), "lost", None))


def is_plain(value: object) -> bool:
    if type(value) is tuple:
        return all(is_plain(item) for item in value)
    return type(value) in (str, int)


# Exceptions

VIEWS = """
    def view(path):
        load(path)

    def load(path):
        if path.startswith("/user"):
            raise LookupError(f"nothing at {path}")
        raise LookupError(f"nothing at {path}")
"""


def stack_identity(error: BaseException, template: str, *args: object) -> tuple[object, ...]:
    return identity(record_of(template, *args), template % args, triple(error))


def test_one_bug_under_many_paths_is_one_group() -> None:
    view = defined(VIEWS, "view")
    ada, bob = caught(view, "/user/ada"), caught(view, "/user/bob")

    assert stack_identity(ada, "Internal Server Error: /user/ada") == stack_identity(
        bob, "Internal Server Error: /user/bob"
    )
    assert path_of(ada) == path_of(bob)


def test_two_bugs_through_one_template_are_two_groups() -> None:
    view = defined(VIEWS, "view")
    user, order = caught(view, "/user/ada"), caught(view, "/order/1")

    assert stack_identity(user, "Internal Server Error: %s", "/user/ada") != stack_identity(
        order, "Internal Server Error: %s", "/order/1"
    )
    assert path_of(user) != path_of(order)


def test_two_types_raised_at_one_line_are_two_groups() -> None:
    fail = defined("def fail(error):\n    raise error", "fail")

    assert call_path(caught(fail, ValueError())) != call_path(caught(fail, KeyError()))


def test_the_call_path_names_module_function_and_relative_line() -> None:
    error = caught(defined(VIEWS, "view"), "/user/ada")

    kind, frames, causes, leaves = call_path(error)

    assert kind == "builtins.LookupError"
    assert isinstance(frames, tuple)
    assert frames[-2:] == (("shop.orders", "view", 1), ("shop.orders", "load", 2))
    assert (causes, leaves) == ((), ())


def test_an_edit_above_the_function_changes_nothing() -> None:
    before = caught(defined(VIEWS, "view", first_line=1), "/user/ada")
    after = caught(defined(VIEWS, "view", first_line=120), "/user/ada")

    assert call_path(before) == call_path(after)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="code has no qualified name before 3.11")
def test_methods_of_two_classes_are_told_apart() -> None:
    source = "class {}:\n    def pay(self):\n        raise ValueError\ndef run():\n    {}().pay()"
    card = caught(defined(source.format("Card", "Card"), "run"))
    cash = caught(defined(source.format("Cash", "Cash"), "run"))

    assert call_path(card) != call_path(cash)


def test_a_module_without_a_name_is_named_by_its_file() -> None:
    namespace: dict[str, Any] = {"__name__": None}
    exec(compile("def fail():\n    raise ValueError", "/srv/app/jobs.py", "exec"), namespace)

    assert call_path(caught(namespace["fail"]))[1][-1] == ("jobs.py", "fail", 1)  # type: ignore[index]


def descend(depth: int) -> None:
    if depth == 0:
        raise ValueError
    descend(depth - 1)


def test_recursion_depth_does_not_matter() -> None:
    paths = {call_path(caught(descend, depth)) for depth in (2, 50, 500)}

    assert len(paths) == 1


def test_long_tracebacks_have_bounded_keys() -> None:
    def forever() -> None:
        forever()

    error = caught(forever)
    key = path_of(error)

    assert key is not None
    assert len(key) <= 2 * 400 + 1
    assert len(code_objects(error)) == 2


def test_distinct_frames_are_bounded_from_either_end() -> None:
    source = "\n".join(f"def f{n}():\n    f{n + 1}()" for n in range(100))
    first = defined(source + "\ndef f100():\n    raise ValueError", "f0")

    frames = call_path(caught(first))[1]

    assert isinstance(frames, tuple)
    assert len(frames) == 40
    assert frames[-1] == ("shop.orders", "f100", 1)
    assert frames[19][1] in ("f17", "f18")


def test_comprehensions_make_no_frame_on_any_python() -> None:
    source = """
        def total(rows):
            return [
                int(row)
                for row in rows
            ]
    """
    error = caught(defined(source, "total"), ["1", "x"])

    frames = call_path(error)[1]

    assert isinstance(frames, tuple)
    assert frames[-1] == ("shop.orders", "total", 2)
    assert not any("comp>" in frame[1] for frame in frames)


def test_a_generator_expression_keeps_its_frame() -> None:
    error = caught(
        defined("def total(rows):\n    return sum(int(r) for r in rows)", "total"), ["x"]
    )

    assert "<genexpr>" in call_path(error)[1][-1][1]  # type: ignore[index]


CHAIN = """
    def fetch(error):
        raise error

    def pay(error, relation):
        try:
            fetch(error)
        except Exception as first:
            if relation == "cause":
                raise RuntimeError("payment failed") from first
            if relation == "none":
                raise RuntimeError("payment failed") from None
            raise RuntimeError("payment failed")
"""


def test_causes_and_contexts_count_by_type_and_innermost_frame() -> None:
    pay = defined(CHAIN, "pay")
    by_key = caught(pay, KeyError(1), "cause")
    by_other_key = caught(pay, KeyError(2), "cause")
    by_value = caught(pay, ValueError(), "cause")

    assert call_path(by_key) == call_path(by_other_key)
    assert call_path(by_key) != call_path(by_value)
    assert call_path(by_key)[2] == (("cause", "builtins.KeyError", "shop.orders", "fetch", 1),)
    assert path_of(by_key) == path_of(by_other_key)
    assert path_of(by_key) != path_of(by_value)


def test_a_context_is_no_cause_and_a_suppressed_context_is_nothing() -> None:
    pay = defined(CHAIN, "pay")

    context, none = caught(pay, KeyError(), "context"), caught(pay, KeyError(), "none")

    assert call_path(context)[2] == (("context", "builtins.KeyError", "shop.orders", "fetch", 1),)
    assert call_path(none)[2] == ()


def test_circular_causes_end() -> None:
    first, second = caught(int, "x"), caught(int, "y")
    first.__cause__, second.__cause__ = second, first

    assert len(call_path(first)[2]) == 1  # type: ignore[arg-type]
    assert path_of(first) is not None


def test_endless_causes_are_bounded() -> None:
    first = error = caught(int, "x")
    for _ in range(500):
        error.__cause__ = ValueError()
        error = error.__cause__

    assert len(call_path(first)[2]) == 10  # type: ignore[arg-type]


def group_of(message: str, errors: list[Exception]) -> Exception:
    if sys.version_info >= (3, 11):
        kind = builtins.ExceptionGroup
    else:
        kind = pytest.importorskip("exceptiongroup").ExceptionGroup
    group: Exception = kind(message, errors)
    return group


def raised_group(*errors: Exception) -> BaseException:
    def fail(error: Exception) -> None:
        raise error

    return caught(fail, group_of("tasks", [caught(fail, error) for error in errors]))  # type: ignore[misc]


def test_groups_count_by_their_leaves() -> None:
    keys = raised_group(KeyError(1), KeyError(2))
    key = raised_group(KeyError(3))
    mixed = raised_group(KeyError(1), ValueError())
    turned = raised_group(ValueError(), KeyError(1))
    nested = raised_group(group_of("inner", [KeyError(1), ValueError()]))

    assert call_path(keys) == call_path(key)
    assert call_path(mixed) != call_path(keys)
    assert call_path(mixed) == call_path(turned)
    assert [leaf[0] for leaf in call_path(nested)[3]] == [  # type: ignore[attr-defined]
        "builtins.KeyError",
        "builtins.ValueError",
    ]
    assert path_of(mixed) != path_of(keys)


def test_only_the_first_five_leaves_count() -> None:
    five: list[Exception] = [KeyError(n) for n in range(5)]

    assert call_path(raised_group(*five)) == call_path(raised_group(*five, ValueError()))


def test_an_exception_without_a_traceback_has_no_frames() -> None:
    assert call_path(ValueError("x")) == ("builtins.ValueError", (), (), ())
    assert exact_path(ValueError("x"), None) is None
    assert exact_path(None, None) is None
    assert code_objects(ValueError("x")) == ()
    assert code_objects(None) == ()


def test_the_code_objects_are_those_of_the_key() -> None:
    error = caught(defined(CHAIN, "pay"), KeyError(), "cause")
    key = path_of(error)
    assert key is not None

    codes = code_objects(error, error.__traceback__)

    named = {id(code) for code in codes}
    assert named == named & set(key)
    assert {code.co_name for code in codes} == {"caught", "pay", "fetch"}
    assert {code.co_name for code in code_objects(error.__traceback__)} == {"caught", "pay"}


def test_keys_keep_no_frames_alive() -> None:
    class Large:
        pass

    alive: list[weakref.ref[Large]] = []

    def fail() -> None:
        large = Large()
        alive.append(weakref.ref(large))
        raise ValueError

    error: BaseException | None = caught(fail)
    assert error is not None
    kept = [path_of(error), code_objects(error), identity(record_of(""), "", triple(error))]

    error = None
    gc.collect()

    assert kept
    assert alive[0]() is None


def test_the_same_key_always_means_the_same_call_path() -> None:
    pay = defined(CHAIN, "pay")
    errors: Iterator[BaseException] = (
        caught(pay, kind(), relation)
        for kind in (KeyError, ValueError)
        for relation in ("cause", "context", "none")
        for _ in range(2)
    )
    paths: dict[object, set[object]] = {}
    for error in list(errors):
        paths.setdefault(path_of(error), set()).add(call_path(error))

    assert len(paths) == 5  # a suppressed context does not count
    assert all(len(found) == 1 for found in paths.values())


# Processes


def test_the_digest_is_the_same_in_every_process() -> None:
    error = caught(defined(VIEWS, "view"), "/user/ada")
    made = identity(record_of("lost", name="café"), "lost", triple(error))
    script = "import sys; from pushover_logging.ingest.fingerprint import digest; " + (
        "print(digest(eval(sys.argv[1])))"
    )

    answers = {
        subprocess.run(
            [sys.executable, "-c", script, ascii(made)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.strip()
        for seed in ("1", "2")
    }

    assert answers == {digest(made)}
    assert len(digest(made)) == 16
    assert int(digest(made), 16) >= 0


def test_digests_of_different_problems_differ() -> None:
    assert digest(("text", "shop", 40, "", "lost")) != digest(("text", "shop", 40, "", "paid"))


def test_importing_loads_nothing_and_compiles_nothing() -> None:
    script = """
        import logging, re, sys

        def refuse(*args, **kwds):
            raise AssertionError("a pattern was compiled")

        before, re.compile = set(sys.modules), refuse
        exec(compile(open(sys.argv[1], encoding="utf-8").read(), "fingerprint", "exec"))
        text_key("disk 5")
        print(sorted(set(sys.modules) - before - {"__future__"}))
    """

    answer = subprocess.run(
        [sys.executable, "-S", "-c", textwrap.dedent(script), str(Path(fingerprint.__file__))],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (answer.stdout.strip(), answer.stderr) == ("[]", "")
