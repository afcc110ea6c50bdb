"""Files written in pieces, rotated, truncated and replaced: every record once, in order."""

from __future__ import annotations

import logging
import logging.handlers
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushover_logging.forward import following, joining
from pushover_logging.forward.files import OpenFile, Place, is_rotated
from pushover_logging.forward.following import Follower
from pushover_logging.forward.places import Places

NOW = 1_790_000_000.0


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record is whole as soon as nothing follows it."""
    monkeypatch.setattr(joining, "HOLD", -1.0)


def follow(log: Path, *places: Place, at_end: bool = False) -> Follower:
    return Follower(log, places, at_end=at_end)


def messages(follower: Follower) -> list[str]:
    return [entry.message for entry in follower.read()]


def append(log: Path, *marks: object) -> None:
    with log.open("a") as file:
        file.writelines(f"ERROR:shop:mark {mark}\n" for mark in marks)


def marks(*numbers: object) -> list[str]:
    return [f"mark {number}" for number in numbers]


def test_log_is_read_from_its_end_or_its_start(log: Path, patient: None) -> None:
    append(log, 1)
    late, early = follow(log, at_end=True), follow(log)

    append(log, 2)

    assert messages(late) == marks(2)
    assert messages(early) == marks(1, 2)


@settings(max_examples=60)
@given(
    lines=st.lists(st.text("ab\u00e9\U0001f600 ", max_size=30), max_size=20),
    cuts=st.lists(st.integers(min_value=1, max_value=17), min_size=1, max_size=60),
)
def test_however_it_is_cut_into_pieces_the_lines_are_the_same(
    lines: list[str], cuts: list[int]
) -> None:
    text = "".join(f"{line}\n" for line in lines)
    content = text.encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "app.log")
        path.touch()
        file = OpenFile(path)

        seen = []
        with path.open("ab", buffering=0) as writer:
            while content:
                cut = cuts[len(content) % len(cuts)]
                writer.write(content[:cut])
                content = content[cut:]
                seen += file.read()
        file.close()

        assert b"".join(piece.data for piece in seen).decode() == text
        assert not seen or seen[-1].end == path.stat().st_size


def test_record_waits_for_its_traceback(log: Path) -> None:
    append(log, 1)
    follower = follow(log)

    before = messages(follower)
    with log.open("a") as file:
        file.write("Traceback (most recent call last):\nValueError: no\nINFO:shop:next\n")
    after = list(follower.read())

    assert before == []
    assert [entry.message for entry in after] == marks(1)
    assert (after[0].traceback or "").endswith("ValueError: no")


def test_rotation_loses_neither_the_old_files_end_nor_the_new_ones_start(
    log: Path, patient: None
) -> None:
    append(log, 1)
    follower = follow(log)
    seen = messages(follower)

    append(log, 2)
    log.rename(log.with_name("app.log.1"))
    append(log, 3)
    seen += messages(follower)
    append(log.with_name("app.log.1"), "late")
    append(log, 4)
    seen += messages(follower)

    assert sorted(seen) == marks(1, 2, 3, 4, "late")


def test_files_that_came_and_went_between_two_reads_are_read(log: Path, patient: None) -> None:
    handler = logging.handlers.RotatingFileHandler(log, maxBytes=200, backupCount=50)
    handler.setFormatter(logging.Formatter("%(levelname)s:%(name)s:%(message)s"))
    logger = logging.Logger("shop")
    logger.addHandler(handler)
    logger.error("mark 0")
    follower = follow(log)
    seen = messages(follower)

    for number in range(1, 300):
        logger.error("mark %d", number)
        if number % 70 == 0:
            seen += messages(follower)
    seen += messages(follower)
    handler.close()

    assert seen == marks(*range(300))


def test_rotated_file_is_closed_after_its_last_line(
    log: Path, patient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write_text("ERROR:shop:mark 1\nERROR:shop:mark without end")
    follower = follow(log)
    log.rename(log.with_name("app.log.1"))
    append(log, 3)
    seen = messages(follower)
    monkeypatch.setattr(following, "_LINGER", -1.0)

    seen += messages(follower)

    assert seen == ["mark 1", "mark 3", "mark without end"]
    assert len(follower.places()) == 1


def test_truncated_log_is_read_from_its_new_start(log: Path, patient: None) -> None:
    append(log, *range(10))
    follower = follow(log)
    seen = messages(follower)

    os.truncate(log, 0)
    append(log, 10)

    assert seen + messages(follower) == marks(*range(11))


def test_log_truncated_and_filled_beyond_its_old_size_is_read(log: Path, patient: None) -> None:
    append(log, 1)
    follower = follow(log)
    seen = messages(follower)

    os.truncate(log, 0)
    append(log, *range(2, 20))

    assert seen + messages(follower) == marks(*range(1, 20))


def replace_file(log: Path) -> None:
    fresh = log.with_name("fresh")
    fresh.write_text("ERROR:shop:mark 2\n")
    fresh.replace(log)


def delete_and_make(log: Path) -> None:
    log.unlink()
    append(log, 2)


@pytest.mark.parametrize("way", [replace_file, delete_and_make])
def test_replaced_log_is_read_anew(log: Path, patient: None, way: Callable[[Path], None]) -> None:
    append(log, 1)
    follower = follow(log)
    seen = messages(follower)

    way(log)

    assert seen + messages(follower) == marks(1, 2)


def test_log_that_is_made_later_is_read_from_its_start(log: Path, patient: None) -> None:
    follower = follow(log, at_end=True)
    assert messages(follower) == []

    append(log, 1)

    assert messages(follower) == marks(1)


def test_next_run_goes_on_where_the_last_one_was(log: Path, patient: None) -> None:
    append(log, 1)
    first = follow(log)
    seen = messages(first)
    places = first.places()

    append(log, 2)

    assert seen + messages(follow(log, *places)) == marks(1, 2)


def test_record_that_was_not_whole_is_read_again_by_the_next_run(log: Path) -> None:
    append(log, 1, 2)
    first = follow(log)
    seen = messages(first)

    second = follow(log, *first.places())

    assert seen == marks(1)
    assert [entry.message for entry in second.finish(last_line=True)] == []
    assert messages(second) == []
    assert [entry.message for entry in second.finish(last_line=True)] == marks(2)


def test_next_run_finds_what_was_rotated_meanwhile(log: Path, patient: None) -> None:
    append(log, 1)
    first = follow(log)
    seen = messages(first)
    places = first.places()

    append(log, 2)
    log.rename(log.with_name("app.log.2"))
    os.utime(log.with_name("app.log.2"), (NOW, NOW))
    log.with_name("app.log.1").write_text("ERROR:shop:mark 3\n")
    os.utime(log.with_name("app.log.1"), (NOW, NOW))
    append(log, 4)
    second = follow(log, *places)

    assert seen + messages(second) == marks(1, 2, 3, 4)
    assert not second.behind


@pytest.mark.parametrize("way", [replace_file, delete_and_make])
def test_next_run_reads_another_file_from_its_start_and_says_so(
    log: Path, patient: None, way: Callable[[Path], None]
) -> None:
    append(log, 1)
    first = follow(log)
    messages(first)
    places = first.places()
    first.close()

    way(log)
    second = follow(log, *places)

    assert second.behind
    assert messages(second) == marks(2)


def test_other_files_beside_the_log_are_not_read(log: Path, patient: None) -> None:
    append(log, 1)
    follower = follow(log)
    seen = messages(follower)
    log.rename(log.with_name("app.log.1"))
    for name in ("app.log.bak", "app.log.1.gz", "app.logs", "other.log", "app.log~"):
        append(log.with_name(name), "stranger")
    append(log, 2)

    assert seen + messages(follower) == marks(1, 2)


def test_too_long_a_line_is_said_and_the_next_one_is_whole(log: Path, patient: None) -> None:
    log.write_bytes(b"ERROR:shop:" + b"x" * 3_000_000 + b"\nERROR:shop:mark 1\n")
    said: list[str] = []
    follower = Follower(log, say=said.append)

    seen = [message for _ in range(5) for message in messages(follower)]

    assert len(seen[0]) < 1_500_000
    assert seen[1:] == marks(1)
    assert said == ["app.log has a line longer than 1,048,576 bytes; its beginning is read"]


def test_places_come_back_and_others_stay(tmp_path: Path, log: Path) -> None:
    place = Place(1, 2, 3, 4, "5")
    places = Places(tmp_path / "state")
    places.save({log: [place]})
    places.save({log.with_name("other.log"): []})
    places.close()

    again = Places(tmp_path / "state")

    assert list(again.of(log)) == [place]
    assert sorted(os.listdir(tmp_path)) == ["state", "state.lock"]
    again.close()


def test_places_are_one_processes_at_a_time(tmp_path: Path) -> None:
    places = Places(tmp_path / "state")

    with pytest.raises(BlockingIOError, match="in use by another forward"):
        Places(tmp_path / "state")

    places.close()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 2, "files": {}}', '{"version": 1}'])
def test_file_of_another_kind_is_refused_as_a_state(tmp_path: Path, text: str) -> None:
    (tmp_path / "state").write_text(text)

    with pytest.raises(ValueError, match="holds no places that this version wrote"):
        Places(tmp_path / "state")

    assert (tmp_path / "state").read_text() == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_read_and_has_places(log: Path, patient: None, encoding: str) -> None:
    lines = [
        "INFO:shop:caf\u00e9\r\n",
        "ERROR:shop:gr\u00f6\u00dfer\r\n",
        "ERROR:shop:\U0001f600\n",
    ]
    log.write_bytes("".join(["\ufeff", *lines[:2]]).encode(encoding))
    follower = follow(log)
    seen = messages(follower)
    places = follower.places()

    with log.open("ab") as file:
        file.write(lines[2].encode(encoding))

    assert seen == ["gr\u00f6\u00dfer"]
    assert messages(follow(log, *places)) == ["\U0001f600"]
    assert places[0].offset == len("".join(["\ufeff", *lines[:2]]).encode(encoding))


def test_log_that_cannot_be_read_after_rotation_is_said_and_waited_for(
    log: Path, patient: None
) -> None:
    append(log, 1)
    said: list[str] = []
    follower = Follower(log, say=said.append)
    seen = messages(follower)
    log.rename(log.with_name("app.log.1"))
    log.mkdir()

    seen += messages(follower) + messages(follower)
    log.rmdir()
    append(log, 2)
    seen += messages(follower)

    assert seen == marks(1, 2)
    assert said == [
        f"{log} cannot be read: Is a directory; waiting for it",
        f"{log} can be read again",
    ]


def test_log_that_cannot_be_read_at_first_is_read_from_its_start_later(
    log: Path, patient: None
) -> None:
    log.mkdir()
    follower = follow(log, at_end=True)
    assert messages(follower) == []

    log.rmdir()
    append(log, 1)

    assert messages(follower) == marks(1)


def test_rotated_file_that_is_named_is_not_read_again_under_its_name(
    log: Path, patient: None
) -> None:
    old = log.with_name("app.log.1")
    append(old, 1)
    follower = Follower(old, is_static=True)
    seen = messages(follower)

    old.rename(log.with_name("app.log.2"))
    append(old, 2)

    assert seen + messages(follower) == marks(1)


@pytest.mark.parametrize(
    ("name", "rotated"),
    [
        *(("app.log.1", True), ("app.log-20260131", True), ("app.log.2.gz", True)),
        *(("app.log", False), ("app.log.bak", False), ("other.log.1", False)),
    ],
)
def test_rotated_files_are_known_by_their_names(log: Path, name: str, *, rotated: bool) -> None:
    assert is_rotated(log.with_name(name), log) == rotated


def test_state_that_cannot_be_saved_stays_as_it_was_and_leaves_no_file(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = Places(tmp_path / "state")
    places.save({log: [Place(1, 2, 3)]})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        places.save({log: [Place(1, 2, 30)]})
    places.close()
    again = Places(tmp_path / "state")

    assert list(again.of(log)) == [Place(1, 2, 3)]
    assert sorted(os.listdir(tmp_path)) == ["state", "state.lock"]
    again.close()
