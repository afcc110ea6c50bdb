"""Tokens and keys are found wherever they are configured, and are never printed."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from logging.config import BaseConfigurator
from pathlib import Path

import pytest

from pushover_logging.config.secrets import (
    MissingSecretError,
    resolve_encryption_key,
    resolve_token,
    resolve_users,
)

TOKEN = "azGDORePK8gMaC0QOYAMyEEuzJnyUi"
USER = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG"
OTHER = "gznej3rKEVAvPUxu9vvNnqpmZpokzF"
BAD = "azGDORePK8gMaC0QOYAMyEEuzJnyU!x"
HEX = "00ff" * 16


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOKEN", "TOKEN_FILE", "USER", "USER_FILE"):
        monkeypatch.delenv(f"PUSHOVER_{name}", raising=False)


def written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_argument_is_taken_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSHOVER_TOKEN", BAD)

    assert resolve_token(TOKEN) == TOKEN
    assert resolve_token(f" {TOKEN}\n") == TOKEN


def test_the_environment_is_taken_next(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PUSHOVER_TOKEN", TOKEN)
    monkeypatch.setenv("PUSHOVER_TOKEN_FILE", str(tmp_path / "not there"))

    assert resolve_token() == TOKEN


def test_the_file_that_the_environment_names_is_taken_last(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PUSHOVER_TOKEN_FILE", written(tmp_path / "token", f"{TOKEN}\n"))
    monkeypatch.setenv("PUSHOVER_USER_FILE", written(tmp_path / "user", f"{USER}\n{OTHER}\n"))

    assert resolve_token() == TOKEN
    assert resolve_users() == (USER, OTHER)


def test_a_blank_variable_counts_as_not_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PUSHOVER_TOKEN", " ")
    monkeypatch.setenv("PUSHOVER_TOKEN_FILE", written(tmp_path / "token", TOKEN))

    assert resolve_token() == TOKEN


def test_env_and_file_are_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MY_TOKEN", TOKEN)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    path = written(tmp_path / "token", f"\ufeff  {TOKEN}\r\n")

    assert resolve_token("env:MY_TOKEN") == TOKEN
    assert resolve_token(f"file:{path}") == TOKEN
    assert resolve_token("file:~/token") == TOKEN


@pytest.mark.parametrize(
    "spelled",
    [
        f"{USER},{OTHER}",
        f"{USER}, {OTHER}",
        [USER, OTHER],
        (USER, OTHER, USER),
        [f"{USER},{OTHER}"],
        [USER, "env:ON_CALL"],
    ],
)
def test_several_users_are_understood(spelled: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ON_CALL", OTHER)

    assert resolve_users(spelled) == (USER, OTHER)


def test_users_in_dictconfig_may_be_references() -> None:
    """L1: iteration over the lists that dictConfig passes gives raw strings."""
    configured = BaseConfigurator({"on_call": OTHER}).convert([USER, "cfg://on_call"])

    assert resolve_users(configured) == (USER, OTHER)


def test_more_users_than_the_service_takes_are_refused() -> None:
    keys = [f"{n:030}" for n in range(51)]

    assert len(resolve_users(keys[:50])) == 50
    with pytest.raises(ValueError, match=r"^user holds 51 keys; at most 50 fit$"):
        resolve_users(keys)


def test_the_error_for_a_missing_key_lists_all_ways_to_give_it() -> None:
    """L2: one sentence that names the option and the ways to give it."""
    with pytest.raises(ValueError, match=r"^token is missing; ") as caught:
        resolve_token()

    for way in ("token=...", "env:NAME", "file:PATH", "PUSHOVER_TOKEN ", "PUSHOVER_TOKEN_FILE"):
        assert way in str(caught.value)
    with pytest.raises(
        ValueError, match=r"^user is missing; .*PUSHOVER_USER or PUSHOVER_USER_FILE"
    ):
        resolve_users()


def test_an_empty_variable_or_file_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EMPTY", "")
    empty = written(tmp_path / "empty", "\n")

    with pytest.raises(ValueError, match=r"environment variable EMPTY, which is empty$"):
        resolve_token("env:EMPTY")
    with pytest.raises(ValueError, match=r"environment variable ABSENT, which is not set$"):
        resolve_token("env:ABSENT")
    with pytest.raises(ValueError, match=r"/empty, which is empty$"):
        resolve_token(f"file:{empty}")
    with pytest.raises(
        ValueError, match=r"/absent, which can't be read: No such file or directory"
    ):
        resolve_token(f"file:{tmp_path}/absent")
    with pytest.raises(ValueError, match=r"can't be read: "):
        resolve_token("file:a\0b")


def test_the_error_for_a_malformed_key_names_its_source_and_length(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PUSHOVER_TOKEN", BAD)
    path = written(tmp_path / "user", f"{USER},{BAD}")

    with pytest.raises(ValueError, match=r"^token from the environment variable PUSHOVER_TOKEN is"):
        resolve_token()
    with pytest.raises(
        ValueError, match=r"^user from the file .*user is of length 31; expected 30"
    ):
        resolve_users(f"file:{path}")
    with pytest.raises(ValueError, match=r"^user\[1\] is of length 1; expected 30 letters"):
        resolve_users([USER, "x"])
    with pytest.raises(ValueError, match=r"^token holds other characters; expected 30 letters"):
        resolve_token(TOKEN[:-1] + "é")


@pytest.mark.parametrize("value", [1, b"x" * 30, {"a": 1}, True])
def test_keys_of_another_type_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match=r"^token is of type .*; expected a string$"):
        resolve_token(value)
    with pytest.raises(TypeError, match=r"^user is of type .*; expected a string$"):
        resolve_users(value)


def test_an_empty_list_of_users_or_none_in_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSHOVER_USER", USER)

    with pytest.raises(ValueError, match=r"^user is an empty list; expected at least one"):
        resolve_users([])
    with pytest.raises(TypeError, match=r"^user\[0\] is None; expected a string$"):
        resolve_users([None])


@pytest.mark.parametrize(
    "resolve", [resolve_token, resolve_users, resolve_encryption_key], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("prefix", ["", "env:", "file:"])
def test_no_secret_is_printed(resolve: Callable[[object], object], prefix: str) -> None:
    """K1: not even if it is written in the wrong place."""
    secret = f"{TOKEN}{TOKEN[:5]}"

    with pytest.raises(ValueError, match=r".") as caught:
        resolve(f"{prefix}{secret}")

    assert TOKEN not in "".join(traceback.format_exception_only(caught.value))
    assert caught.value.__cause__ is None


def test_the_encryption_key_is_read_from_hex_digits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("E2E", HEX.upper())
    path = written(tmp_path / "key", f"{HEX}\n")

    keys = [resolve_encryption_key(key) for key in (HEX, "env:E2E", f"file:{path}", b"\0\xff" * 16)]

    assert keys == [b"\0\xff" * 16] * 4
    assert resolve_encryption_key() is None


def test_a_malformed_encryption_key_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^encryption_key is of length 2; expected 64 hex digits"):
        resolve_encryption_key("ab")
    with pytest.raises(
        ValueError, match=r"^encryption_key holds other characters; expected 64 hex"
    ):
        resolve_encryption_key("z" * 64)
    with pytest.raises(TypeError, match=r"^encryption_key is of type bytes; expected"):
        resolve_encryption_key(b"short")


def test_a_secret_that_is_not_there_is_told_from_a_wrong_one(tmp_path: Path) -> None:
    for missing in (None, "env:ABSENT", f"file:{tmp_path}/absent"):
        with pytest.raises(MissingSecretError):
            resolve_token(missing)
    for wrong in ("short", f"file:{tmp_path}", f"file:{written(tmp_path / 'blank', ' ')}"):
        with pytest.raises(ValueError, match="token") as caught:
            resolve_token(wrong)
        assert not isinstance(caught.value, MissingSecretError)


def test_a_line_break_in_the_name_of_a_file_or_variable_is_not_printed() -> None:
    for source in ("file:a\nb", "env:a\nb"):
        with pytest.raises(ValueError, match=r"^token is read from the .* a b, which ") as caught:
            resolve_token(source)
        assert "\n" not in str(caught.value)
