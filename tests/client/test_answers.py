"""Reading answers: accepted, refused, at quota, broken, and with headers of any kind."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushover_logging.client.answers import Allowance, Answer, moment, read_allowance, understand
from pushover_logging.client.errors import (
    APIError,
    PushoverError,
    RateLimitError,
    ServerError,
    TransportError,
)
from pushover_logging.client.transport import Reply, Request

URL = "https://api.pushover.net/1/messages.json"
ID = "647d2300-702c-4b38-8b2f-d56326ae460b"
RECEIPT = "rLqVuqTRh62UzxtmqiaLzQmVcPgiCy"
DATE = {"Date": "Tue, 13 Oct 2026 10:00:00 GMT"}


def understood(status: int, body: object, headers: dict[str, str] = DATE) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    allowance = read_allowance(headers)
    request = Request("POST", "messages.json", {"token": "a" * 30})
    return understand(Reply(URL, status, headers, content), request, allowance)


def refused(status: int, body: object, headers: dict[str, str] = DATE) -> PushoverError:
    with pytest.raises(PushoverError) as caught:
        understood(status, body, headers)
    return caught.value


def test_accepted_message_gives_all_values_of_the_answer() -> None:
    headers = {**DATE, "X-Limit-App-Limit": "10000", "X-Limit-App-Remaining": "7496"}
    body = {"status": 1, "request": ID, "receipt": RECEIPT, "info": "no active devices to send to"}

    answer = understood(200, body, {**headers, "X-Limit-App-Reset": "1793509200"})

    assert answer == Answer(
        id=ID,
        receipt=RECEIPT,
        info="no active devices to send to",
        limit=10000,
        remaining=7496,
        reset=datetime(2026, 11, 1, 5, tzinfo=timezone.utc),
        answered_at=datetime(2026, 10, 13, 10, tzinfo=timezone.utc),
        body=body,
    )


def test_refusal_gives_the_reasons_of_the_service() -> None:
    body = {"user": "invalid", "errors": ["user is invalid"], "status": 0, "request": ID}

    error = refused(400, body)

    assert type(error) is APIError
    assert str(error) == f"({ID}) user is invalid"
    assert (error.id, error.status, error.http_status) == (ID, 0, 400)
    assert error.errors == ["user is invalid"]
    assert error.bad_inputs == {"user": "invalid"}
    assert error.timestamp == datetime(2026, 10, 13, 10, tzinfo=timezone.utc)
    assert not error.retryable


def test_reasons_may_be_an_object_of_lists() -> None:
    body = {"errors": {"name": ["has already been taken"]}, "status": 0, "request": ID}

    error = refused(400, body)

    assert isinstance(error, APIError)
    assert error.errors == ["name has already been taken"]
    assert error.bad_inputs == {"name": "has already been taken"}


def test_refusal_without_reasons_names_the_bad_parameters() -> None:
    error = refused(400, {"message": "cannot be blank", "status": 0})

    assert isinstance(error, APIError)
    assert error.errors == ["message cannot be blank"]


def test_other_keys_of_a_refusal_are_no_bad_parameters() -> None:
    body = {"user": "invalid", "group": 0, "licenses": ["iOS"], "errors": [], "status": 0}

    error = refused(400, body)

    assert isinstance(error, APIError)
    assert error.bad_inputs == {"user": "invalid"}


def test_unknown_receipt_is_a_bad_parameter_and_a_real_one_is_not() -> None:
    unknown = refused(404, {"receipt": "not found", "status": 0})
    real = refused(400, {"receipt": RECEIPT, "status": 0})

    assert isinstance(unknown, APIError)
    assert isinstance(real, APIError)
    assert (unknown.receipt, unknown.bad_inputs) == (None, {"receipt": "not found"})
    assert (real.receipt, real.bad_inputs) == (RECEIPT, {})


def test_a_spent_quota_is_not_a_bad_token() -> None:
    body = {"token": "invalid", "errors": ["application has exceeded current limit"], "status": 0}

    error = refused(429, body, {**DATE, "X-Limit-App-Reset": "1793509200"})

    assert type(error) is RateLimitError
    assert error.bad_inputs == {}
    assert error.response == body
    assert error.reset == datetime(2026, 11, 1, 5, tzinfo=timezone.utc)
    assert not error.retryable


@pytest.mark.parametrize("body", [b"<html>429 Too Many Requests</html>", b"", {"status": 429}])
def test_a_429_of_a_proxy_is_retried_and_not_taken_for_a_spent_quota(body: object) -> None:
    error = refused(429, body, {**DATE, "X-Limit-App-Remaining": "9999"})

    assert type(error) is TransportError
    assert str(error) == "HTTP 429 did not come from Pushover: a proxy limits requests"
    assert error.retryable


def test_a_429_without_json_is_a_spent_quota_if_no_messages_remain() -> None:
    error = refused(429, b"", {**DATE, "X-Limit-App-Remaining": "0"})

    assert type(error) is RateLimitError


@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b"", b'{"status":0}'])
def test_a_5xx_is_a_server_error_with_any_body(body: bytes) -> None:
    error = refused(502, body)

    assert type(error) is ServerError
    assert error.http_status == 502
    assert error.retryable
    assert error.errors == ["the service answered HTTP 502 and gave no reason"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 407, 413, 425, 499])
@pytest.mark.parametrize(
    "body",
    [b"<html>blocked by the proxy</html>", b"", b"[0]", {"status": 403, "error": "Forbidden"}, {}],
)
def test_a_4xx_in_another_form_than_the_services_is_no_answer(status: int, body: object) -> None:
    error = refused(status, body)

    assert type(error) is TransportError
    assert str(error) == (
        f"HTTP {status} did not come from Pushover: a proxy or another server answered"
    )
    assert error.retryable


def test_a_refusal_without_an_id_begins_with_its_reason() -> None:
    error = refused(400, {"errors": ["user is invalid"], "status": 0})

    assert str(error) == "user is invalid"


@pytest.mark.parametrize(
    "body", [b"<html>welcome to the hotel</html>", b"", b"[1]", b"\xff\xfe", b"[" * 100_000]
)
def test_success_without_a_json_object_is_no_answer(body: bytes) -> None:
    assert type(refused(200, body)) is TransportError


@pytest.mark.parametrize("status", [204, 301, 307, 600])
def test_status_that_the_service_never_gives_is_no_answer(status: int) -> None:
    assert type(refused(status, {"status": 1})) is TransportError


@pytest.mark.parametrize("body", [{"status": 0}, {"status": "1"}, {}])
def test_200_without_status_1_is_a_refusal(body: object) -> None:
    error = refused(200, body)

    assert type(error) is APIError
    assert error.http_status == 200


@given(st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(timezone.utc)))
def test_the_time_of_an_answer_is_the_services(then: datetime) -> None:
    answer = understood(200, {"status": 1}, {"Date": format_datetime(then, usegmt=True)})

    assert answer.answered_at == then.replace(microsecond=0)


def test_date_that_is_none_is_now() -> None:
    before = datetime.now(timezone.utc)

    answer = understood(200, {"status": 1}, {"Date": "yesterday"})

    assert before <= answer.answered_at <= datetime.now(timezone.utc)


@given(st.dictionaries(st.sampled_from(["Limit", "Remaining", "Reset"]), st.text(max_size=40)))
def test_any_limit_headers_can_be_read(values: dict[str, str]) -> None:
    allowance = read_allowance({f"X-Limit-App-{name}": text for name, text in values.items()})

    assert allowance.limit is None or allowance.limit >= 0
    assert allowance.remaining is None or allowance.remaining >= 0
    assert allowance.reset is None or allowance.reset.tzinfo is timezone.utc


@pytest.mark.parametrize("text", ["", "-1", "1.5", "²", "٣", "1e3", "9" * 5000, "soon"])
def test_a_header_that_is_no_number_is_none(text: str) -> None:
    headers = {f"X-Limit-App-{name}": text for name in ("Limit", "Remaining", "Reset")}

    assert read_allowance(headers) == Allowance(None, None, None)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, 4 * 10**9))
def test_limit_headers_are_read(limit: int, remaining: int, reset: int) -> None:
    headers = {
        "X-Limit-App-Limit": str(limit),
        "X-Limit-App-Remaining": f" {remaining} ",
        "X-Limit-App-Reset": str(reset),
    }

    allowance = read_allowance(headers)

    assert allowance == Allowance(limit, remaining, datetime.fromtimestamp(reset, timezone.utc))


@given(st.one_of(st.integers(), st.text(), st.floats(), st.none(), st.booleans()))
def test_any_moment_is_a_time_or_none(value: object) -> None:
    found = moment(value)

    assert found is None or found.tzinfo is timezone.utc


@given(st.integers(100, 699), st.one_of(st.binary(max_size=80), st.just(b'{"status":1}')))
def test_any_reply_is_an_answer_or_one_of_our_errors(status: int, body: bytes) -> None:
    try:
        answer = understood(status, body)
    except PushoverError:
        return

    assert (status, answer.body) == (200, {"status": 1})
