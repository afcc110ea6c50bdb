"""The same trouble is one group, different troubles are not, and no count is lost."""

from __future__ import annotations

import logging
import socket
import time
import uuid
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pushover_logging.alerts import Priority
from pushover_logging.defaults import Terms
from pushover_logging.grouping import Grouping, Groups, keyed_by
from pushover_logging.groups import Group, glimpse_of, tag_of, template_of
from pushover_logging.intake import Intake
from pushover_logging.notices import NOTICES

from pushover_logging import PushoverHandler

from .bench import record
from .test_intake import THREADS, in_threads

HIGH = Priority.HIGH


def intake_for(policy: Grouping | None = None) -> Intake:
    most_groups = (policy or Grouping()).most_groups
    return Intake(Terms(most_groups=most_groups), freeze=lambda made: made)


def group_of(
    intake: Intake, made: logging.LogRecord, priority: Priority = HIGH, key: str | None = None
) -> Group:
    """The group that a record was put into: it is the one that changed."""
    before = {group: group.last for group in intake.groups()}
    intake.sort(made, priority, key)
    found = [g for g in intake.groups() if g not in before or g.last is not before[g]]
    assert len(found) == 1
    return found[0]


def own_key(made: logging.LogRecord, key: object) -> object:
    find = keyed_by(Grouping(key=key))  # type: ignore[arg-type]
    assert find is not None
    return find(made)


def a_group() -> Group:
    return Group("key", "shop", logging.ERROR, None, HIGH)


class NoHash:
    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return "disk is full"


class NoText:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def same(first: logging.LogRecord, second: logging.LogRecord) -> bool:
    intake = intake_for()
    return group_of(intake, first) is group_of(intake, second)


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
def test_any_text_has_a_template_that_hashes(text: str, with_arguments: bool) -> None:
    made = record(text, *(("x",) if with_arguments else ()))

    hash(template_of(made))


# One group.


def test_one_of_many_threads_reopens_a_group() -> None:
    group = a_group()
    opened: list[int] = []

    for _ in range(50):
        group.close()
        in_threads(lambda number: opened.append(number) if group.reopen() else None)
        assert len(opened) == 1
        opened.clear()


def test_closing_twice_lets_one_open() -> None:
    group = a_group()

    group.close()
    group.close()

    assert [group.reopen(), group.reopen()] == [True, False]


def test_a_groups_count_is_exact_from_any_number_of_threads() -> None:
    group = a_group()
    glimpse = glimpse_of(record())
    claimed = []

    def count_many(number: int) -> None:
        for turn in range(20_000):
            group.count(glimpse)
            if number == 0 and turn % 1000 == 0:  # one reader, as the delivery's lock sees to
                claimed.append(group.claim())

    in_threads(count_many)

    assert sum(claimed) + group.claim() == THREADS * 20_000
    assert group.unclaimed() == 0


# All groups.


def test_records_of_one_trouble_find_one_group() -> None:
    intake = intake_for()

    first = group_of(intake, record())

    assert group_of(intake, record()) is first
    assert group_of(intake, record(), Priority.LOW) is not first
    assert group_of(intake, record(), HIGH) is first


def test_one_message_from_many_places_is_a_group_for_each() -> None:
    intake = intake_for()
    places = [record(), record(name="mail"), record(level=30), record(exc_info=raised(OSError()))]

    groups = [group_of(intake, made) for made in places]
    again = [group_of(intake, made) for made in places]

    assert len(set(groups)) == 4
    assert again == groups


def test_a_place_keeps_its_group_when_the_first_with_its_message_is_forgotten() -> None:
    intake = intake_for()
    first, second = group_of(intake, record()), group_of(intake, record(name="mail"))

    intake.forget(first)

    assert group_of(intake, record(name="mail")) is second
    assert group_of(intake, record()) is not first


def test_a_records_own_key_is_stronger_than_its_text() -> None:
    intake = intake_for()

    first = group_of(intake, record("a"), HIGH, "payments")

    assert group_of(intake, record("b", level=logging.INFO), HIGH, "payments") is first
    assert group_of(intake, record("a")) is not first
    assert first.tag == tag_of("payments")


def test_too_many_groups_are_counted_together_by_level() -> None:
    intake = intake_for(Grouping(max_groups=3))
    for text in "abc":
        group_of(intake, record(text))

    errors = {group_of(intake, record(f"more {text}")) for text in "defg"}
    warnings = {group_of(intake, record(text, level=logging.WARNING)) for text in "defg"}

    assert len(errors) == len(warnings) == 1
    assert errors != warnings
    assert len(intake.groups()) == 5


def test_what_is_counted_together_carries_no_ones_tag() -> None:
    intake = intake_for(Grouping(max_groups=1))
    group_of(intake, record("a"))

    shared = group_of(intake, record("b"), HIGH, "payments")

    assert group_of(intake, record("c"), HIGH, "mail") is shared
    assert shared.tag is None


@given(st.lists(st.text(alphabet="abcdef12", max_size=4)), st.integers(1, 5))
def test_never_more_groups_than_allowed_and_one_for_the_rest(texts: list[str], most: int) -> None:
    intake = intake_for(Grouping(max_groups=most))
    intake.plain_names.add("shop")

    for text in texts * 3:
        if intake.note(record(text)) is None:
            intake.sort(record(text), HIGH)

    assert len(intake.groups()) <= most + 1
    assert len(intake.known) <= 3 * (most + 1)  # by its latest look, too


def test_idle_groups_are_forgotten_once_half_the_room_is_taken() -> None:
    policy = Grouping(max_groups=4)
    intake = intake_for(policy)
    groups = Groups(policy, intake)
    known = [group_of(intake, record(text)) for text in "abcd"]
    for group in known:
        groups.close(group, now=100.0)

    groups.forget_idle(now=159.0)
    assert len(groups.everyone()) == 4
    groups.forget_idle(now=160.0)

    assert groups.everyone() == known[2:]


def test_open_groups_and_those_with_counts_are_not_forgotten() -> None:
    policy = Grouping(max_groups=2)
    intake = intake_for(policy)
    groups = Groups(policy, intake)
    reopened, counted = (group_of(intake, record(text)) for text in "ab")
    for group in (reopened, counted):
        groups.close(group, now=100.0)
    reopened.reopen()
    counted.count(glimpse_of(record("b")))

    groups.forget_idle(now=1000.0)

    assert groups.everyone() == [reopened, counted]
    assert groups.due(1000.0) == [counted]


def test_forgetting_a_group_leaves_a_newer_one_of_its_name() -> None:
    policy = Grouping(max_groups=1)
    intake = intake_for(policy)
    groups = Groups(policy, intake)
    old = group_of(intake, record())
    for now in (100.0, 101.0):  # closed twice: twice in line to be forgotten
        old.reopen()
        groups.close(old, now)
    groups.forget_idle(161.5)
    new = group_of(intake, record())
    assert new is not old

    groups.forget_idle(1000.0)

    assert groups.everyone() == [new]


def test_an_interval_of_0_makes_a_group_of_each_record() -> None:
    intake = intake_for(Grouping(interval=0))

    for _ in range(2):
        intake.sort(record(), HIGH)

    taken = [intake.take(Priority.LOWEST), intake.take(Priority.LOWEST)]
    assert len({entry[1][0] for entry in taken if entry}) == 2
    assert intake.groups() == []


def test_a_group_is_due_once_when_its_latest_interval_ends() -> None:
    policy = Grouping(interval=60)
    intake = intake_for(policy)
    groups = Groups(policy, intake)
    group = group_of(intake, record())
    groups.rest(group, 0.0)
    groups.rest(group, 30.0)

    assert groups.due(89.0) == []
    assert groups.due(90.0) == [group]
    assert groups.due(1000.0) == []


def test_a_text_with_digits_is_found_by_itself_once_it_comes_again() -> None:
    intake = intake_for()
    for _ in range(3):
        group = group_of(intake, record("error 500"))

    assert intake.known.get("error 500") is group
    assert group.unclaimed() == 2


def test_a_message_of_two_places_is_found_by_its_whole_look_once_it_comes_again() -> None:
    intake = intake_for()
    group_of(intake, record())
    for _ in range(3):
        group = group_of(intake, record(name="mail"))

    assert intake.known.get(("mail", logging.ERROR, "hello", None)) is group


def test_looks_take_one_place_for_each_group() -> None:
    intake = intake_for()

    for number in range(1000):
        for _ in range(3):
            intake.sort(record(f"order {number} failed"), HIGH)

    assert len(intake.groups()) == 1
    assert len(intake.known) == 2


# A record that stands for its group.


def noted(intake: Intake, made: logging.LogRecord) -> logging.LogRecord:
    intake.plain_names.add(made.name)
    assert intake.note(made)
    return made


def test_a_plain_record_stands_for_its_group_until_it_is_taken() -> None:
    intake = intake_for()
    made = noted(intake, record("disk is full", level=logging.WARNING))
    assert intake.groups() == []

    taken = intake.take(Priority.LOWEST)

    assert taken is not None
    priority, (group, item) = taken
    assert (priority, item) == (Priority.NORMAL, group.noted)
    assert item[2] is made
    assert intake.groups() == [group]
    assert group.is_of("shop", logging.WARNING, None, Priority.NORMAL)


def test_a_repeat_makes_the_group_for_which_a_record_stood() -> None:
    intake = intake_for()
    made = noted(intake, record("disk is full"))

    repeated = intake.sort(record("disk is full"), Priority.EMERGENCY)

    taken = intake.take(Priority.LOWEST)
    assert not repeated
    assert taken is not None
    group = taken[1][0]
    assert group.noted[2] is made
    assert group.unclaimed() == 1


def test_one_record_that_comes_twice_is_a_repeat_of_itself() -> None:
    intake = intake_for()
    made = noted(intake, record("disk is full"))

    again = intake.note(made)
    assert again is None
    intake.sort(made, Priority.EMERGENCY)

    assert len(intake) == 1
    assert [group.unclaimed() for group in intake.groups()] == [1]


def test_threads_agree_on_the_group_for_which_a_record_stood() -> None:
    def repeat(intake: Intake) -> None:
        intake.sort(record("disk is full"), Priority.EMERGENCY)

    for _ in range(50):
        intake = intake_for()
        noted(intake, record("disk is full"))

        in_threads(lambda _, intake=intake: repeat(intake))

        assert [group.unclaimed() for group in intake.groups()] == [THREADS]


def test_of_threads_with_a_new_record_one_is_the_first() -> None:
    def log(intake: Intake) -> None:
        made = record("disk is full")
        if intake.note(made) is None:
            intake.sort(made, Priority.EMERGENCY)

    for _ in range(50):
        intake = intake_for()
        intake.plain_names.add("shop")

        in_threads(lambda _, intake=intake: log(intake))

        assert len(intake) == 1
        taken = intake.take(Priority.LOWEST)
        assert taken is not None
        assert taken[1][0].unclaimed() == THREADS - 1


@pytest.mark.parametrize("msg", ["blanked", {"json": "now"}, None])
def test_what_another_handler_makes_of_a_record_changes_no_group(msg: object) -> None:
    intake = intake_for()
    made = noted(intake, record("card %s declined", "4111"))

    made.msg, made.args, made.name, made.levelno = msg, (), "elsewhere", logging.DEBUG
    intake.sort(record("card %s declined", "4242"), Priority.EMERGENCY)

    taken = intake.take(Priority.LOWEST)
    assert taken is not None
    group, item = taken[1]
    assert item[:2] == ("card %s declined", ("4111",))
    assert intake.groups() == [group]
    assert group.unclaimed() == 1
    assert group.is_of("shop", logging.ERROR, None, Priority.EMERGENCY)


def test_no_extra_of_a_record_passes_for_a_groups() -> None:
    handler = PushoverHandler("a" * 30, "u" * 30)
    handler._dispatch.quiet = False  # nobody is to deliver it
    forged = {"trouble": None, "counting": True, "ticks": iter(range(99)), "last": 1}

    for _ in range(5):
        handler.handle(record("job failed", **forged))

    assert [group.unclaimed() for group in handler._intake.groups()] == [4]


def test_no_object_is_asked_whether_it_equals_another() -> None:
    class Vague:
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            raise RuntimeError("neither true nor false")

        def __str__(self) -> str:
            return "an array"

    intake = intake_for()
    for _ in range(5):
        intake.sort(record(Vague()), HIGH)

    assert [group.unclaimed() for group in intake.groups()] == [4]


def test_messages_of_many_places_are_remembered_within_a_bound() -> None:
    intake = intake_for(Grouping(max_groups=20))
    common, other = record("disk is full"), record("disk is full", name="mail")
    groups = [group_of(intake, common), group_of(intake, other)]
    intake.forget(groups[0])
    for number in range(1000):
        intake.sort(record("x" * number), HIGH, common=False)

    assert group_of(intake, record("disk is full", name="mail")) is groups[1]
    assert len(intake._shared) <= 4 * 20


def test_an_interrupt_in_the_middle_silences_no_trouble() -> None:
    intake = intake_for()
    intake.plain_names.add("shop")

    class Interrupted(deque):  # type: ignore[type-arg]
        def append(self, entry: object) -> None:
            raise KeyboardInterrupt

    lanes = intake._lanes
    intake._lanes = [Interrupted() for _ in lanes]
    with pytest.raises(KeyboardInterrupt):
        intake.note(record("disk is full"))
    intake._lanes = lanes

    assert intake.note(record("disk is full"))


def test_threads_leave_no_looks_behind() -> None:
    intake = intake_for()

    def log(number: int) -> None:
        for turn in range(2000):
            text = f"order {turn % 7 + number} failed"
            intake.sort(record(text), HIGH)
            intake.sort(record(text), HIGH)

    in_threads(log)

    assert len(intake.known) == 2


@pytest.mark.parametrize(
    "made",
    [
        record("order 17 failed"),
        record("%s", [1]),
        record("%s", "x" * 10_000),
        record("x" * 600),
        record(["no text"]),
        record(exc_info=raised(ValueError())),
        record(pushover={"sound": "none"}),
        record(name="another"),
    ],
    ids=["digits", "list", "long argument", "long", "no text", "exception", "wishes", "logger"],
)
def test_what_is_not_plain_takes_a_closer_look(made: logging.LogRecord) -> None:
    intake = intake_for()
    intake.plain_names.add("shop")

    assert intake.note(made) is None
    assert len(intake) == 0


# The policy.


def test_a_key_of_the_users_is_a_template_or_a_function() -> None:
    made = record(name="shop.cart")

    assert own_key(made, "{name} {funcName}") == "shop.cart add"
    assert own_key(made, lambda r: r.lineno) == "7"
    assert keyed_by(Grouping()) is None


def test_a_key_may_have_all_the_fields_of_a_title() -> None:
    made = record("order %s failed", 7)

    fields = ("{message}", "{hostname}", "{asctime:.4}", "{levelno:>4}")
    keys = [own_key(made, field) for field in fields]

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

    assert own_key(record(), key) is None
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
