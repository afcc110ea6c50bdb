"""Records of a known problem are only counted, exactly, and found without a second look."""

from __future__ import annotations

import gc
import itertools
import logging
import socket
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import record

from pushover_logging import PushoverHandler
from pushover_logging.delivery.diagnostics import DIAGNOSTICS
from pushover_logging.delivery.worker import WORKER
from pushover_logging.ingest.groups import Group, Groups

from .test_queue import THREADS, in_threads

HIGH, EMERGENCY, LOW = 1, 2, -1


class NoHash:
    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return "disk is full"


class NoText:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def find(
    groups: Groups, made: logging.LogRecord, priority: int = HIGH, key: str | None = None
) -> tuple[Group, bool]:
    """The group of a record, in which a repeat is counted, as a handler does it."""
    group, is_new = groups.find(made, priority, key, is_common=key is None)
    if not is_new:
        group.count(made)
    return group, is_new


def raised(error: Exception) -> tuple[type, Exception, object]:
    try:
        fail(error)
    except Exception:
        return sys.exc_info()  # type: ignore[return-value]
    raise AssertionError("it did not raise")


def fail(error: Exception) -> None:
    raise error


_MADE: list[PushoverHandler] = []


def new_handler(**options: object) -> PushoverHandler:
    """A handler for which nobody wakes the worker."""
    handler = PushoverHandler("a" * 30, "u" * 30, exit_timeout=0, **options)  # type: ignore[arg-type]
    handler._pipeline.quiet = False
    _MADE.append(handler)
    return handler


@pytest.fixture
def handler() -> PushoverHandler:
    return new_handler()


@pytest.fixture(autouse=True)
def _nothing_is_left_for_the_end_of_the_process() -> Iterator[None]:
    yield
    for handler in _MADE:
        handler._queue.clear()
        handler._groups.clear()
    _MADE.clear()
    DIAGNOSTICS.waiting.clear()


def counts(handler: PushoverHandler) -> dict[str, int]:
    """The repeats of each group, by the text of its first record."""
    entries = []
    while (entry := handler._queue.take()) is not None:
        entries.append(entry)
    for entry in entries:
        handler._queue.lanes[entry[0].priority].append(entry)
    return {
        str(snapshot.text): group.unclaimed()
        for group, snapshot, _, _ in entries
        if handler._groups.of_priority(group.priority).get(group.identity) is group
    }


# A group.


def test_a_groups_count_is_exact_from_any_number_of_threads() -> None:
    group = Group(("text",), record(), HIGH)
    ticks = itertools.count(1)
    claimed = []

    def count_many(number: int) -> None:
        for turn in range(20_000):
            made = logging.makeLogRecord({"created": next(ticks)})
            group.count(made)
            if number == 0 and turn % 1000 == 0:  # in a single thread
                repeats = group.unclaimed()
                group.claimed += repeats
                claimed.append(repeats)

    in_threads(count_many)

    assert sum(claimed) + group.unclaimed() == THREADS * 20_000


def test_the_very_same_record_is_counted_once() -> None:
    group, made = Group(("text",), record(), HIGH), record()

    assert [group.count(made), group.count(made), group.count(record())] == [True, False, True]
    assert group.unclaimed() == 2


def test_the_record_that_made_the_group_is_no_repeat_of_itself() -> None:
    made = record()

    assert not Group(("text",), made, HIGH).count(made)


@pytest.mark.parametrize(
    ("msg", "takes_a_number"),
    [("lost connection to %s", True), ("disk is full", False), (ValueError("no number"), False)],
)
def test_records_that_a_coarse_clock_gives_the_same_time_are_all_counted(
    handler: PushoverHandler,
    monkeypatch: pytest.MonkeyPatch,
    msg: object,
    takes_a_number: bool,
) -> None:
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now)
    monkeypatch.setattr(time, "time", lambda: now / 1e9)
    logger = logging.Logger("coarse")
    logger.addHandler(handler)

    for number in range(1000):
        logger.error(msg, *[number] * takes_a_number)

    assert handler.stats().accepted == 1000


class LargeError(Exception):
    """An object that should not outlive its logging call."""


LARGE = {
    "message": lambda large: (large,),
    "argument": lambda large: ("order %s", large),
    "second argument": lambda large: ("order %s of %s", 1, large),
    "named argument": lambda large: ("order %(large)s", {"large": large}),
    "list": lambda large: ("orders %s", [large]),
}


@pytest.mark.parametrize("of", LARGE.values(), ids=LARGE)
@pytest.mark.parametrize("is_failure", [False, True])
@pytest.mark.parametrize("options", [{}, {"grouping": {"key": "{name}"}}])
def test_a_repeat_keeps_no_object_of_the_program_alive(
    of: Callable[[LargeError], tuple[Any, ...]], is_failure: bool, options: dict[str, Any]
) -> None:
    handler = new_handler(**options)
    kept = []
    for _ in range(3):
        large = LargeError("pallet")
        kept.append(weakref.ref(large))
        handler.handle(record(*of(large), exc_info=raised(ValueError()) if is_failure else None))

    del large
    gc.collect()

    assert [each() for each in kept] == [None, None, None]
    assert handler.stats().accepted == 3


def test_a_record_that_comes_through_two_loggers_is_counted_once(handler: PushoverHandler) -> None:
    outer, inner = logging.Logger("outer"), logging.Logger("inner")
    inner.parent = outer
    outer.addHandler(handler)
    inner.addHandler(handler)

    for number in range(10):
        inner.error("lost connection to %s", number)
        inner.error("disk is full")
        inner.error(ValueError("no number"))

    assert handler.stats().accepted == 30


# All groups.


def test_records_of_a_problem_find_its_group() -> None:
    groups = Groups(100)

    first, is_new = find(groups, record())

    assert is_new
    assert find(groups, record()) == (first, False)
    assert first.unclaimed() == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (record("order 17 failed"), record("order 99 failed")),
        (record("user %s", "ann"), record("user %s", "bob")),
        (record(NoHash()), record(NoHash())),
        (record({"event": "down", "n": 1}), record({"event": "down", "n": 2})),
        (record(NoText()), record(NoText())),
    ],
    ids=["digits", "arguments", "no hash", "mapping", "no text"],
)
def test_the_varying_parts_of_a_record_make_no_new_group(
    one: logging.LogRecord, other: logging.LogRecord
) -> None:
    groups = Groups(100)

    first, _ = find(groups, one)

    assert find(groups, other) == (first, False)


@pytest.mark.parametrize(
    "other",
    [
        record(level=logging.WARNING),
        record(name="shop.cart"),
        record(exc_info=raised(ValueError())),
        record("hello there"),
        record("hello %s", "there"),
    ],
    ids=["level", "logger", "exception", "text", "template"],
)
def test_different_levels_loggers_exceptions_and_texts_are_different_groups(
    other: logging.LogRecord,
) -> None:
    groups = Groups(100)
    find(groups, record())

    assert find(groups, other)[1]
    assert not find(groups, record())[1]
    assert not find(groups, other)[1]


def test_a_message_from_many_loggers_is_a_group_for_each() -> None:
    groups = Groups(100)
    makers = [
        lambda: record(),
        lambda: record(name="mail"),
        lambda: record(level=30),
        lambda: record(name="mail", level=30),
    ]

    made = [find(groups, make())[0] for make in makers]
    again = [find(groups, make()) for make in makers]

    assert len({id(group) for group in made}) == 4
    assert again == [(group, False) for group in made]


def test_a_logger_keeps_its_group_when_the_first_with_its_message_is_forgotten() -> None:
    groups = Groups(100)
    first, second = find(groups, record())[0], find(groups, record(name="mail"))[0]

    groups.forget(first)

    assert find(groups, record(name="mail")) == (second, False)
    again, is_new = find(groups, record())
    assert is_new
    assert again is not first


def test_a_records_own_key_is_stronger_than_its_text() -> None:
    groups = Groups(100)

    first, _ = find(groups, record("a"), HIGH, "payments")

    assert find(groups, record("b", level=logging.INFO), HIGH, "payments") == (first, False)
    assert find(groups, record("a"))[1]
    assert first.key == "payments"


def test_too_many_groups_are_counted_together_by_level() -> None:
    groups = Groups(3)
    for text in ("disk", "mail", "cart"):
        find(groups, record(text))

    errors = {id(find(groups, record(f"more {text}"))[0]) for text in ("up", "it", "on", "go")}
    warnings = {
        id(find(groups, record(f"more {text}", level=logging.WARNING))[0])
        for text in ("up", "it", "on", "go")
    }

    assert len(errors) == len(warnings) == 1
    assert errors != warnings
    assert len(groups.open()) == 5


def test_a_problem_that_is_counted_together_with_others_carries_no_key() -> None:
    groups = Groups(1)
    find(groups, record("a"))

    shared, _ = find(groups, record("b"), HIGH, "payments")

    assert find(groups, record("c"), HIGH, "mail") == (shared, False)
    assert shared.key is None


@given(st.lists(st.text(alphabet="ghijkl12", max_size=4)), st.integers(1, 5))
def test_never_more_groups_than_allowed_and_a_single_one_for_the_rest(
    texts: list[str], most: int
) -> None:
    groups = Groups(most)

    for text in texts * 3:
        find(groups, record(text))

    assert len(groups.open()) <= most + 1
    assert len(groups.known) <= 4 * most + 4


def test_no_groups_at_all_make_each_record_an_alert() -> None:
    groups = Groups(0)

    assert [find(groups, record())[1] for _ in range(3)] == [True] * 3
    assert [groups.find_plain(record(), HIGH)[1] for _ in range(3)] == [True] * 3
    assert groups.open() == []


def test_aliases_take_a_bounded_place_for_each_group() -> None:
    groups = Groups(100)

    for number in range(1000):
        find(groups, record(f"order {number} failed"))

    assert len(groups.open()) == 1
    assert len(groups.known) <= 8


def test_a_forgotten_group_is_in_no_lookup() -> None:
    groups = Groups(100)
    for number in range(100):
        group, _ = find(groups, record(f"order {number} failed"))
    find(groups, record("order 7 failed", name="mail"))

    groups.forget(group)

    assert group not in groups.open()
    assert group not in groups.known.values()


def test_late_repeats_of_a_forgotten_group_are_not_lost() -> None:
    groups = Groups(100)
    group, _ = find(groups, record())
    groups.forget(group)

    group.count(record())  # by a thread that had found it before

    now = time.monotonic()
    assert groups.with_unclaimed() == [(group, 1)]
    groups.read(now)
    assert groups.with_unclaimed() == [(group, 1)]
    groups.read(now + 60)
    assert groups.with_unclaimed() == []


class Interrupted(dict[Any, Group]):
    """Open groups, where another thread comes between two steps of this one."""

    between: Callable[[], object] | None = None

    def get(self, identity: Any, default: Any = None) -> Any:
        found = super().get(identity, default)
        if self.between is not None:
            between, self.between = self.between, None
            between()
        return found


def test_a_group_that_two_threads_forget_is_counted_once_and_so_is_its_successor() -> None:
    groups = Groups(100)
    open_groups = groups.urgent = Interrupted()
    first, _ = find(groups, record())
    first.count(record())
    successors: list[Group] = []

    def meanwhile() -> None:
        groups.forget(first)
        successors.append(find(groups, record())[0])

    open_groups.between = meanwhile
    groups.forget(first)
    successors[0].count(record())

    assert sorted(id(group) for group, _ in groups.with_unclaimed()) == sorted(
        [id(first), id(successors[0])]
    )
    assert [repeats for _, repeats in groups.with_unclaimed()] == [1, 1]


def test_of_threads_with_a_new_record_one_makes_the_alert() -> None:
    for turn in range(50):
        groups = Groups(100 if turn % 2 else 1)
        find(groups, record("another"))
        new: list[bool] = []

        def log(_: int, groups: Groups = groups, new: list[bool] = new) -> None:
            new.append(find(groups, record("disk is full"))[1])

        in_threads(log)

        assert sum(new) == 1
        assert sum(repeats for _, repeats in groups.with_unclaimed()) == THREADS - 1


def test_threads_leave_no_aliases_behind() -> None:
    groups = Groups(100)

    def log(number: int) -> None:
        for turn in range(2000):
            find(groups, record(f"order {turn % 7 + number} failed"))

    in_threads(log)
    (group,) = groups.open()
    groups.forget(group)

    assert groups.known == {}


# Groups of a handler.


def test_repeats_are_counted_by_the_handler(handler: PushoverHandler) -> None:
    for _ in range(5):
        handler.handle(record("disk is full"))
        handler.handle(record("order %d failed", 7))

    assert counts(handler) == {"disk is full": 4, "order %d failed": 4}
    assert handler.stats().accepted == 10
    assert len(handler._queue) == 2


def test_an_interval_of_0_queues_every_record() -> None:
    handler = new_handler(grouping={"interval": 0})

    for _ in range(5):
        handler.handle(record("disk is full"))

    assert len(handler._queue) == 5
    assert counts(handler) == {}


def test_no_extra_of_a_record_passes_for_a_groups(handler: PushoverHandler) -> None:
    forged = {"group": None, "counting": True, "ticks": iter(range(99)), "last": 1}

    for _ in range(5):
        handler.handle(record("job failed", **forged))

    assert counts(handler) == {"job failed": 4}


def test_no_object_is_asked_whether_it_equals_another(handler: PushoverHandler) -> None:
    class Vague:
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            raise RuntimeError("neither true nor false")

        def __str__(self) -> str:
            return "an array"

    for _ in range(5):
        handler.handle(record(Vague()))

    assert counts(handler) == {"an array": 4}


@pytest.mark.parametrize("msg", ["blanked", {"json": "now"}, None])
def test_another_handler_that_changes_a_record_changes_no_group(
    handler: PushoverHandler, msg: object
) -> None:
    made = record("card %s declined", "4111")
    handler.handle(made)

    made.msg, made.args, made.name, made.levelno = msg, (), "elsewhere", logging.DEBUG
    handler.handle(record("card %s declined", "4242"))

    entry = handler._queue.take()
    assert entry is not None
    group, snapshot, _, _ = entry
    assert [group] == [*handler._groups.open()]
    assert (group.name, group.levelno) == ("shop", logging.ERROR)
    assert snapshot.text % (snapshot.args or ()) == "card 4111 declined"
    assert group.unclaimed() == 1


def test_a_record_with_a_priority_of_its_own_does_not_count_for_others(
    handler: PushoverHandler,
) -> None:
    handler.handle(record("db down", pushover={"priority": "LOW"}))
    handler.handle(record("db down"))

    assert len(handler._queue) == 2


def test_an_interrupt_in_the_middle_silences_no_problem(
    handler: PushoverHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(handler._queue, "put", interrupted)
        with pytest.raises(KeyboardInterrupt):
            handler.handle(record("disk is full"))
    handler.handle(record("disk is full"))

    assert len(handler._queue) == 1


def test_a_record_without_a_level_is_no_reason_to_raise(
    handler: PushoverHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WORKER, "wake", lambda pipeline: None)

    handler.handle(logging.makeLogRecord({"msg": "disk is full"}))

    assert len(handler._queue) + len(handler._queue.set_aside) == 1


class IntoLogging:
    """A stderr that leads into logging, as some frameworks set it up."""

    def __init__(self, logger: logging.Logger) -> None:
        self.logger = logger
        self.others: list[Callable[[], None]] = []

    def write(self, text: str) -> None:
        if text.strip():
            self.logger.warning(text.strip())
        for other in self.others:
            thread = threading.Thread(target=other)
            thread.start()
            thread.join(30)

    def flush(self) -> None:
        pass


def test_our_own_lines_on_a_stderr_that_leads_into_logging_are_no_records(
    handler: PushoverHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = logging.Logger("stderr")
    logger.addHandler(handler)
    monkeypatch.setattr(sys, "stderr", IntoLogging(logger))
    logger.warning("disk is full")

    for kind in "abc":
        DIAGNOSTICS.say(f"test {kind}", f"cannot deliver now, {kind * 3}")

    assert counts(handler) == {"disk is full": 0}


def test_records_of_other_threads_are_taken_in_while_a_line_of_ours_is_written(
    handler: PushoverHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = logging.Logger("stderr")
    logger.addHandler(handler)
    shop = logging.Logger("shop")
    shop.addHandler(handler)
    stderr = IntoLogging(logger)
    stderr.others.append(lambda: shop.error("disk is full"))
    monkeypatch.setattr(sys, "stderr", stderr)

    DIAGNOSTICS.say("test d", "cannot deliver now")

    assert counts(handler) == {"disk is full": 0}


# A key of the user's.


def test_a_key_of_the_users_is_a_template_or_a_function() -> None:
    for key, expected in [("{name} {funcName}", "shop.cart add"), (lambda r: r.lineno, "7")]:
        handler = new_handler(grouping={"key": key})
        handler.handle(record(name="shop.cart"))

        assert [group.key for group in handler._groups.open()] == [expected]


def test_a_key_may_have_all_the_fields_of_a_title() -> None:
    made = record("order %s failed", 7)

    fields = {
        "{message}": "order 7 failed",
        "{hostname}": socket.gethostname(),
        "{asctime:.4}": time.strftime("%Y"),
        "{levelno:>4}": "  40",
    }
    for field, expected in fields.items():
        handler = new_handler(grouping={"key": field})
        handler.handle(made)
        assert [group.key for group in handler._groups.open()] == [expected]
    assert not hasattr(made, "message")


def test_a_key_that_is_none_leaves_the_record_to_its_fingerprint() -> None:
    handler = new_handler(grouping={"key": lambda record: None})

    for text in ("disk is full", "disk is full", "mail is down"):
        handler.handle(record(text))

    assert counts(handler) == {"disk is full": 1, "mail is down": 0}


def test_a_key_that_fails_leaves_the_record_to_its_fingerprint() -> None:
    handler = new_handler(grouping={"key": lambda record: 1 / 0})

    handler.handle(record("disk is full"))
    handler.handle(record("mail is down"))

    assert counts(handler) == {"disk is full": 0, "mail is down": 0}
    assert DIAGNOSTICS.waiting[0][0] == "key"


def test_a_key_that_failed_once_is_asked_for_the_next_record() -> None:
    handler = new_handler(grouping={"key": lambda record: record.tenant})
    for _ in range(2):
        handler.handle(record("payment failed"))

    for tenant in "abcab":
        handler.handle(record("payment failed", tenant=tenant))

    assert [group.unclaimed() for group in handler._groups.open()] == [1, 1, 1, 0]
