"""The same trouble is one group, different troubles are not, and no count is lost."""

from __future__ import annotations

import logging
import socket
import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.alerts import Priority
from pushover_logging.grouping import Group, Grouping, Groups, fingerprint_of, tag_of
from pushover_logging.notices import NOTICES

from .bench import record
from .test_intake import THREADS, in_threads

HIGH = Priority.HIGH


class NoHash:
    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return "disk is full"


class NoText:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def same(first: logging.LogRecord, second: logging.LogRecord) -> bool:
    return fingerprint_of(first) == fingerprint_of(second)


def raised(error: Exception) -> tuple[type, Exception, None]:
    return type(error), error, None


# Fingerprints.


@given(st.integers(0), st.integers(0))
def test_a_number_in_an_f_string_makes_no_new_group(one: int, other: int) -> None:
    assert same(record(f"order {one} failed"), record(f"order {other} failed"))


@given(st.uuids(), st.uuids())
def test_a_uuid_in_an_f_string_makes_no_new_group(one: uuid.UUID, other: uuid.UUID) -> None:
    assert same(record(f"order {one} failed"), record(f"order {other} failed"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("job a1b2c3 lost", "job d4e5f6 lost"),
        ("took 1.25 s", "took 97.5 s"),
        ("10.0.0.1 is gone", "192.168.17.1 is gone"),
        ("at 0x7f3a00 in 3", "at 0x1234ab in 55"),
        ("order_17 failed", "order_99 failed"),
    ],
)
def test_ids_of_many_kinds_make_no_new_group(one: str, other: str) -> None:
    assert same(record(one), record(other))


def test_two_texts_through_one_function_are_two_groups() -> None:
    assert not same(record("disk is full"), record("mail is down"))


def test_the_arguments_of_a_template_make_no_new_group() -> None:
    assert same(record("user %s", "ann"), record("user %s", "bob"))


def test_a_templates_own_digits_do_count() -> None:
    assert not same(record("step 1 of %s", "x"), record("step 2 of %s", "x"))


@pytest.mark.parametrize(
    "other",
    [
        record(level=logging.WARNING),
        record(name="shop.cart"),
        record(exc_info=raised(ValueError())),
        record("hello there"),
    ],
    ids=["level", "logger", "exception", "text"],
)
def test_different_levels_loggers_exceptions_and_texts_are_different(
    other: logging.LogRecord,
) -> None:
    assert not same(record(), other)


def test_exceptions_of_one_type_are_one_group_and_of_two_are_two() -> None:
    first = record(exc_info=raised(ValueError("a")))

    assert same(first, record(exc_info=raised(ValueError("b"))))
    assert not same(first, record(exc_info=raised(KeyError("a"))))


def test_messages_that_cannot_be_hashed_or_shown_are_grouped_all_the_same() -> None:
    assert same(record(NoHash()), record(NoHash()))
    assert same(record({"a": 1}), record({"a": 2}))
    assert same(record(NoText()), record(NoText()))
    assert not same(record(NoHash()), record("disk is full"))


@given(st.text(max_size=2000), st.booleans())
def test_any_text_has_a_fingerprint_that_hashes(text: str, with_arguments: bool) -> None:
    made = record(text, *(("x",) if with_arguments else ()))

    hash(fingerprint_of(made))


# One group.


def test_one_of_many_threads_opens_a_group() -> None:
    group = Group("key", logging.ERROR, HIGH)
    opened: list[int] = []

    for _ in range(50):
        in_threads(lambda number: opened.append(number) if group.open() else None)
        assert len(opened) == 1
        opened.clear()
        group.close()


def test_closing_twice_lets_one_open() -> None:
    group = Group("key", logging.ERROR, HIGH)
    group.open()

    group.close()
    group.close()

    assert [group.open(), group.open()] == [True, False]


def test_a_groups_count_is_exact_from_any_number_of_threads() -> None:
    group = Group("key", logging.ERROR, HIGH)
    claimed = []

    def count_many(number: int) -> None:
        for turn in range(20_000):
            group.count()
            if number == 0 and turn % 1000 == 0:  # one reader, as the delivery's lock sees to
                claimed.append(group.claim())

    in_threads(count_many)

    assert sum(claimed) + group.claim() == THREADS * 20_000
    assert group.unclaimed() == 0


# All groups.


def test_records_of_one_trouble_find_one_group() -> None:
    groups = Groups(Grouping())

    assert groups.find(record(), HIGH) is groups.find(record(), HIGH)
    assert groups.find(record(), HIGH) is not groups.find(record(), Priority.LOW)


def test_a_records_own_key_is_stronger_than_its_text() -> None:
    groups = Groups(Grouping())

    first = groups.find(record("a"), HIGH, "payments")

    assert groups.find(record("b", level=logging.INFO), HIGH, "payments") is first
    assert groups.find(record("a"), HIGH) is not first
    assert first.tag == tag_of("payments")


def test_too_many_groups_are_counted_together_by_level() -> None:
    groups = Groups(Grouping(max_groups=3))
    for text in "abc":
        groups.find(record(text), HIGH)

    errors = {groups.find(record(f"more {text}"), HIGH) for text in "defg"}
    warnings = {groups.find(record(text, level=logging.WARNING), HIGH) for text in "defg"}

    assert len(errors) == len(warnings) == 1
    assert errors != warnings
    assert len(groups.everyone()) == 5


def test_what_is_counted_together_carries_no_ones_tag() -> None:
    groups = Groups(Grouping(max_groups=1))
    groups.find(record("a"), HIGH)

    shared = groups.find(record("b"), HIGH, "payments")

    assert groups.find(record("c"), HIGH, "mail") is shared
    assert shared.tag is None


@given(st.lists(st.text(alphabet="abcdef", max_size=4)), st.integers(1, 5))
def test_never_more_groups_than_allowed_and_one_for_the_rest(texts: list[str], most: int) -> None:
    groups = Groups(Grouping(max_groups=most))

    for text in texts:
        groups.find(record(text), HIGH)

    assert len(groups.everyone()) <= most + 1


def test_idle_groups_are_forgotten_once_half_the_room_is_taken() -> None:
    groups = Groups(Grouping(max_groups=4))
    known = [groups.find(record(text), HIGH) for text in "abcd"]
    for group in known:
        group.open()
        groups.close(group, now=100.0)

    groups.forget_idle(now=159.0)
    assert len(groups.everyone()) == 4
    groups.forget_idle(now=160.0)

    assert groups.everyone() == known[2:]


def test_open_groups_and_those_with_counts_are_not_forgotten() -> None:
    groups = Groups(Grouping(max_groups=2))
    reopened, counted = (groups.find(record(text), HIGH) for text in "ab")
    for group in (reopened, counted):
        group.open()
        groups.close(group, now=100.0)
    reopened.open()
    counted.count()

    groups.forget_idle(now=1000.0)

    assert groups.everyone() == [reopened, counted]
    assert groups.due(1000.0) == [counted]


def test_forgetting_a_group_leaves_a_newer_one_of_its_name() -> None:
    groups = Groups(Grouping(max_groups=1))
    old = groups.find(record(), HIGH)
    for now in (100.0, 101.0):  # closed twice: twice in line to be forgotten
        old.open()
        groups.close(old, now)
    groups.forget_idle(161.5)
    new = groups.find(record(), HIGH)
    assert new is not old

    groups.forget_idle(1000.0)

    assert groups.everyone() == [new]


def test_an_interval_of_0_makes_a_group_of_each_record() -> None:
    groups = Groups(Grouping(interval=0))

    assert groups.find(record(), HIGH) is not groups.find(record(), HIGH)
    assert groups.everyone() == []


def test_a_group_is_due_once_when_its_latest_interval_ends() -> None:
    groups = Groups(Grouping(interval=60))
    group = groups.find(record(), HIGH)
    groups.rest(group, 0.0)
    groups.rest(group, 30.0)

    assert groups.due(89.0) == []
    assert groups.due(90.0) == [group]
    assert groups.due(1000.0) == []


def test_looks_are_remembered_within_a_bound() -> None:
    groups = Groups(Grouping(max_groups=10))
    group = groups.find(record(), HIGH)

    for number in range(1000):
        groups.remember(number, group)

    assert len(groups.quick) <= 40


# The policy.


def test_a_key_of_the_users_is_a_template_or_a_function() -> None:
    made = record(name="shop.cart")

    assert Groups(Grouping(key="{name} {funcName}")).key_of(made) == "shop.cart add"
    assert Groups(Grouping(key=lambda r: r.lineno)).key_of(made) == "7"
    assert Groups(Grouping()).key_of(made) is None


def test_a_key_may_have_all_the_fields_of_a_title() -> None:
    made = record("order %s failed", 7)

    fields = ("{message}", "{hostname}", "{asctime:.4}", "{levelno:>4}")
    keys = [Groups(Grouping(key=field)).key_of(made) for field in fields]

    assert keys == ["order 7 failed", socket.gethostname(), time.strftime("%Y"), "  40"]
    assert not hasattr(made, "message")


@pytest.mark.parametrize("key", ["{args[0].secret}", "{name", "{0}"])
def test_a_key_that_is_no_template_is_refused_however_it_was_given(key: str) -> None:
    with pytest.raises(ValueError, match=r"grouping\.key is "):
        Grouping(key=key)


@pytest.mark.parametrize("key", ["{nothing_like_it}", lambda r: 1 / 0])
def test_a_key_that_fails_falls_back_to_the_fingerprint(
    key: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(NOTICES, "leave", lambda kind, text: said.append(text))

    assert Groups(Grouping(key=key)).key_of(record()) is None  # type: ignore[arg-type]
    assert len(said) == 1


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"interval": -1.0}, "grouping.interval is -1.0; expected 0 or more seconds"),
        ({"interval": float("nan")}, "grouping.interval is nan"),
        ({"max_per_minute": 0}, "grouping.max_per_minute is 0; expected 1 or more"),
        ({"max_groups": 0}, "grouping.max_groups is 0; expected 1 or more"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(options: dict[str, float], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Grouping(**options)  # type: ignore[arg-type]


@given(st.text())
def test_a_tag_is_made_of_characters_any_tag_may_have(key: str) -> None:
    assert tag_of(key).replace("-", "").isalnum()
    assert len(tag_of(key)) == 24
