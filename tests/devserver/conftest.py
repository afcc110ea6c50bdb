"""The dev server twice: as answers without HTTP under a fixed clock, and running on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from tls import Certificate, make_certificate

from pushover_logging.devserver import DevServer
from pushover_logging.devserver.account import Account, Person
from pushover_logging.devserver.answers import Answer
from pushover_logging.devserver.calls import answer
from pushover_logging.devserver.parameters import Attachment, Parameters

TOKEN = "aTokenOfAnApplication123456789"
USER = "uKeyOfSomePersonWithAPhone1234"
TEAM_TOKEN = "tTokenOfTheTeam123456789012345"
NOW = 1_800_000_000.0


class Service:
    """The answers for one account, without HTTP, at the time ``now``."""

    def __init__(self) -> None:
        self.now = NOW
        self.account = Account(TOKEN, TEAM_TOKEN, clock=lambda: self.now)
        self.account.people[USER] = Person(USER, ("phone", "desk"))

    def ask(
        self,
        method: str,
        call: str,
        fields: dict[str, object] | None = None,
        *,
        path: dict[str, str] | None = None,
        attachment: Attachment | None = None,
    ) -> Answer:
        texts = {name: str(value) for name, value in (fields or {}).items()}
        parameters = Parameters({"token": TOKEN, **texts}, attachment)
        return answer(method, call, self.account, parameters, path)

    def send(self, image: Attachment | None = None, /, **fields: object) -> Answer:
        """Send one message, valid unless ``fields`` change it; None leaves a field out."""
        whole = {"user": USER, "message": "Hello", **fields}
        given = {name: value for name, value in whole.items() if value is not None}
        return self.ask("POST", "messages.json", given, attachment=image)

    def ring(self, **fields: object) -> str:
        """Send one emergency; returns its receipt."""
        given = {"priority": 2, "retry": 60, "expire": 600, **fields}
        return str(self.send(**given).body["receipt"])

    def receipt(self, receipt: str) -> dict[str, Any]:
        path = {"receipt": receipt}
        return dict(self.ask("GET", "receipts/{receipt}.json", path=path).body)


class Client:
    """A plain HTTP client of a running server."""

    def __init__(self, server: DevServer) -> None:
        self.server = server
        self.session = requests.Session()

    def post(self, call: str, **fields: object) -> requests.Response:
        form = {"token": self.server.token, **fields}
        return self.session.post(self.server.url + call, data=form, timeout=10)

    def get(self, call: str, **query: object) -> requests.Response:
        given = {"token": self.server.token, **query}
        return self.session.get(self.server.url + call, params=given, timeout=10)

    def send(self, message: str = "Hello", **fields: object) -> requests.Response:
        return self.post("messages.json", user=self.server.user, message=message, **fields)

    def control(self, method: str, path: str, options: object = None) -> requests.Response:
        return self.session.request(
            method, f"{self.server.base_url}/dev/{path}", json=options, timeout=10
        )


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def server() -> Iterator[DevServer]:
    with DevServer() as running:
        yield running


@pytest.fixture
def client(server: DevServer) -> Iterator[Client]:
    client = Client(server)
    with client.session:
        yield client


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder: Path = tmp_path_factory.mktemp("tls")
    return make_certificate(folder)


@pytest.fixture
def tls_server(certificate: Certificate) -> Iterator[DevServer]:
    with DevServer(tls=certificate.pair) as running:
        yield running
