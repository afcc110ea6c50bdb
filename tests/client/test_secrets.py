"""No text of any public object of the client shows a whole token, key or encryption key."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest

import pushover_logging
from pushover_logging import client
from pushover_logging.client import (
    Acknowledgement,
    Application,
    Team,
    TeamDevice,
    TeamState,
    TeamUser,
    Transport,
)
from pushover_logging.client.encryption import Cipher
from pushover_logging.client.errors import APIError, PushoverError
from pushover_logging.devserver import DevServer

TOKEN = "azGDORePK8gMaC0QOYAMyEEuzJnyUi"
USER = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG"
ENCRYPTION_KEY = "5eC2e7" + "0" * 52 + "5eC2e7"
ENCRYPTION_KEY = ENCRYPTION_KEY.lower()
WHEN = datetime(2026, 10, 13, tzinfo=timezone.utc)

WITHOUT_SECRETS = {"Allowance", "Priority", "Retries", "Validation"}
"""Classes whose objects never hold one."""


@pytest.fixture(scope="module")
def objects() -> Iterator[list[object]]:
    """Objects of every public class, with real secrets in them."""
    with DevServer(port=0, token=TOKEN, user=USER) as server:
        app = Application(TOKEN, api_url=server.url)
        user = app.get_user(USER)
        sent = user.send_message("hi", encryption_key=ENCRYPTION_KEY)
        emergency = user.send_message("hi", priority=2)
        server.acknowledge(emergency.receipt)  # type: ignore[attr-defined]
        group = app.create_group("ops")
        group.add(USER)
        yield [
            *(app, user, sent, emergency, group, *group.users, Transport(server.url)),
            app.receipt(emergency.receipt),  # type: ignore[attr-defined]
            app.get(f"groups/{group.key}.json"),
            Acknowledgement.from_form({"receipt": "r" * 30, "acknowledged_by": USER}),
            Cipher(ENCRYPTION_KEY),
            Team(TOKEN, api_url=server.url),
            TeamUser(1, "Ada", USER, devices=(TeamDevice("phone"),)),
            TeamDevice("phone"),
            TeamState("Operations", (TeamUser(1, "Ada", USER),)),
            *errors(),
        ]


def errors() -> list[PushoverError]:
    request = {"token": TOKEN, "user": f"{USER},{'o' * 30}", "encryption_key": ENCRYPTION_KEY}
    response = {"errors": [f"{TOKEN} and {USER} are bad"], "user": USER, "request": "id"}
    kinds = [APIError, client.RateLimitError, client.ServerError]
    with pytest.raises(PushoverError) as caught:
        Application(TOKEN, api_url="http://127.0.0.1:1/1/").get("sounds.json", {"user": USER})
    return [caught.value, *(kind("https://a", request, response, WHEN) for kind in kinds)]


def texts_of(value: object) -> list[str]:
    shown = [repr(value), str(value), f"{value}", repr([value])]
    if isinstance(value, BaseException):
        shown += traceback.format_exception(type(value), value, None)
    return shown


def test_no_text_shows_a_secret(objects: list[object]) -> None:
    shown = {
        type(value).__name__: text
        for value in objects
        for text in texts_of(value)
        for secret in (TOKEN, USER, ENCRYPTION_KEY, "o" * 30)
        if secret in text
    }

    assert shown == {}


def test_every_public_class_is_checked(objects: list[object]) -> None:
    faces = (client, pushover_logging)
    names = {name for face in faces for name in face.__all__}
    public = {
        name
        for name in names
        for face in faces
        if inspect.isclass(found := getattr(face, name, None))
        and found.__module__.startswith("pushover_logging.client")
    }

    seen = {kind.__name__ for value in objects for kind in type(value).__mro__}

    assert public - seen == WITHOUT_SECRETS


@pytest.mark.parametrize("wrong", [TOKEN + "x", TOKEN[:-1] + "!"])
def test_refused_key_is_not_shown(wrong: str) -> None:
    for attempt in (Application, Application(TOKEN).get_user):
        with pytest.raises(ValueError, match="must be 30 letters and digits") as caught:
            attempt(wrong)

        assert wrong not in str(caught.value)
