"""The error tree: pickles, retryable errors, and texts without secrets."""

from __future__ import annotations

import copy
import pickle
import traceback
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.client.errors import (
    APIError,
    PushoverError,
    RateLimitError,
    ServerError,
    TransportError,
)
from pushover_logging.client.masking import mask, scrub

TOKEN = "azGDORePK8gMaC0QOYAMyEEuzJnyUi"
USERS = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG,gznej3rKEVAvPUxu9vvNnqpmZpokzF"
WHEN = datetime(2026, 10, 13, tzinfo=timezone.utc)
REQUEST = {"token": TOKEN, "user": USERS, "message": "hello"}
RESPONSE: dict[str, object] = {
    "user": "invalid",
    "errors": [f"no such user {USERS[:30]}"],
    "status": 0,
    "request": "id",
}


def error_of(kind: type[APIError]) -> APIError:
    return kind("https://api.pushover.net/1/messages.json", REQUEST, RESPONSE, WHEN)


@pytest.mark.parametrize("kind", [APIError, RateLimitError, ServerError])
def test_refusals_pickle_and_copy_without_their_secrets(kind: type[APIError]) -> None:
    error = error_of(kind)
    error.__dict__["__notes__"] = [f"sent with {TOKEN}"]  # as add_note does since Python 3.11
    pickled = pickle.dumps(error)

    for twin in (pickle.loads(pickled), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is kind
        assert str(twin) == str(error)
        assert repr(twin) == repr(error)
        assert twin.request == {"token": "azG…", "user": "uQi…,gzn…", "message": "hello"}
        assert twin.errors == ["no such user uQi…"]
        assert twin.bad_inputs == error.bad_inputs
        assert twin.timestamp == error.timestamp
        assert (twin.id, twin.status, twin.http_status) == ("id", 0, error.http_status)
    for secret in (TOKEN, *USERS.split(",")):
        assert secret.encode() not in pickled


@pytest.mark.parametrize("kind", [APIError, RateLimitError, ServerError])
def test_no_text_of_a_refusal_shows_a_whole_secret(kind: type[APIError]) -> None:
    error = error_of(kind)

    trace = "".join(traceback.format_exception(type(error), error, None))
    texts = [str(error), repr(error), repr(error.request), str(error.request), trace]

    for secret in (TOKEN, *USERS.split(",")):
        assert not any(secret in text for text in texts)
    assert "azG…" in repr(error)
    assert "uQi…,gzn…" in repr(error)


@pytest.mark.parametrize("rest", [".json", "/add_user.json"])
def test_the_key_of_a_group_is_masked_in_the_address(rest: str) -> None:
    error = APIError(f"https://api.pushover.net/1/groups/{TOKEN}{rest}", {}, {}, WHEN)

    assert error.url == f"https://api.pushover.net/1/groups/azG…{rest}"
    assert TOKEN not in repr(error)


def test_request_holds_the_real_parameters() -> None:
    assert error_of(APIError).request == REQUEST


def test_constructor_takes_the_arguments_of_chump() -> None:
    error = APIError("url", {"token": TOKEN}, {"request": "id", "status": 0, "errors": ["a"]}, WHEN)

    assert (error.url, error.id, error.status, error.errors) == ("url", "id", 0, ["a"])
    assert (error.bad_inputs, error.receipt, error.timestamp) == ({}, None, WHEN)


def test_only_errors_that_may_pass_are_retryable() -> None:
    retryable = {kind for kind in (APIError, RateLimitError, ServerError) if kind.retryable}

    assert retryable == {ServerError}
    assert TransportError.retryable
    assert not PushoverError.retryable


@given(st.text(alphabet=st.characters(categories=["Lu", "Ll", "Nd"]), min_size=9, max_size=64))
def test_mask_shows_three_characters_and_no_more(secret: str) -> None:
    assert mask(secret) == secret[:3] + "…"


@given(st.text(max_size=8).filter(lambda text: "," not in text))
def test_mask_shows_nothing_of_a_short_secret(secret: str) -> None:
    assert mask(secret) == "…"


def test_scrub_masks_secrets_wherever_they_stand() -> None:
    assert scrub(f"a{TOKEN}b {TOKEN}", [TOKEN, ""]) == "aazG…b azG…"
