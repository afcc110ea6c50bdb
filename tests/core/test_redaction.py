"""Credentials that a text spells out stay on the machine; all else leaves as it is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.redaction import Redaction

WORDS = st.lists(st.text(alphabet="abcdefghij ÄÖ.,!?()", max_size=20), max_size=10).map(" ".join)
SECRETS = st.text(alphabet="abcdefghijkXYZ0123456789-_.", min_size=8, max_size=40)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abcDEF123.xyz-9", "Authorization: Bearer ***"),
        ("authorization: basic dXNlcjpwYXNz", "authorization: basic ***"),
        ("password=hunter2", "password=***"),
        ("password = hunter2, user=ann", "password = ***, user=ann"),
        ("PASSWORD: hunter2", "PASSWORD: ***"),
        ("db_password=hunter2", "db_password=***"),
        ('{"api_key": "abc def", "n": 1}', '{"api_key": ***, "n": 1}'),
        ("{'secret': 'abc'}", "{'secret': ***}"),
        ("?api_key=abc123&page=2", "?api_key=***&page=2"),
        ("?access_token=abc123&page=2", "?access_token=***&page=2"),
        ("apikey=abc", "apikey=***"),
        ("access_key=abc private-key=d", "access_key=*** private-key=***"),
        ("signature=abc&credential=d", "signature=***&credential=***"),
        ("API-KEY: abc", "API-KEY: ***"),
        ("postgres://ann:hunter2@db/shop", "postgres://ann:***@db/shop"),
        ("redis://:hunter2@cache:6379/0", "redis://:***@cache:6379/0"),
        ('"Authorization": "Token abcdefgh"', '"Authorization": "Token ***"'),
        ("sent Bearer abcDEFghiJKLmnoPQR to it", "sent Bearer *** to it"),
        ("sent token 9944b09199c62bcf", "sent token ***"),
        ("password: letmein was refused", "password: *** was refused"),
        ("password=must", "password=***"),
        ("secret: 'none of these'", "secret: ***"),
        ("passwd=a pwd=b passphrase=c", "passwd=*** pwd=*** passphrase=***"),
    ],
)
def test_what_looks_like_a_credential_is_blanked(text: str, shown: str) -> None:
    assert Redaction()(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "the password was wrong",
        "token expired",
        "bearer of bad news",
        "basic authentication failed for bob",
        "Basic configuration loaded",
        "Invalid token encountered at line 3",
        "token validation failed",
        "Bearer certificate/key mismatch",
        "Token authentication/authorization refused",
        "password: must not be blank",
        "password: Required.",
        "secret: none configured",
        "api_key: isn't known",
        "see https://example.org/a:b",
        "mail ann@example.org: it is late",
        "at 12:30:05 user 17 left",
        "",
    ],
)
def test_what_holds_no_credential_is_left_alone(text: str) -> None:
    assert Redaction()(text) == text


@given(WORDS)
def test_plain_words_are_never_changed(text: str) -> None:
    assert Redaction()(text) == text


@given(
    WORDS,
    st.sampled_from(["password=", "api_key: ", "Authorization: Bearer ", "secret="]),
    SECRETS,
    WORDS,
)
def test_no_credential_survives_and_its_surroundings_do(
    before: str, name: str, secret: str, after: str
) -> None:
    shown = Redaction()(f"{before} {name}{secret} {after}")

    assert shown == f"{before} {name}*** {after}"


@given(WORDS, st.sampled_from(["Bearer ", "basic ", "Token "]), SECRETS, WORDS)
def test_no_credential_with_a_digit_survives_its_scheme(
    before: str, scheme: str, secret: str, after: str
) -> None:
    shown = Redaction()(f"{before} {scheme}{secret}7 {after}")

    assert shown == f"{before} {scheme}*** {after}"


@given(st.text(max_size=300))
def test_blanking_twice_is_blanking_once(text: str) -> None:
    redact = Redaction()

    assert redact(redact(text)) == redact(text)


def test_given_patterns_are_blanked_whole_beside_the_usual() -> None:
    redact = Redaction([re.compile(r"\d{4}-\d{4}"), re.compile("Ann")])

    assert redact("Ann paid with 1234-5678, password=x") == "*** paid with ***, password=***"
