"""A stand-in for the service by requests-mock, for tests of the requests that are sent."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partialmethod

import pytest
import requests
from requests_mock import Adapter

from .sides import LocalService, start_service


class Wire(Adapter):
    """Answers as registered and keeps every request that came."""

    get = partialmethod(Adapter.register_uri, "GET")
    post = partialmethod(Adapter.register_uri, "POST")


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire()
    monkeypatch.setattr(requests.Session, "get_adapter", lambda session, url: wire)
    return wire


@pytest.fixture(autouse=True)
def _no_service_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_URL", "TOKEN", "USER", "TOKEN_FILE", "USER_FILE"):
        monkeypatch.delenv(f"PUSHOVER_{name}", raising=False)
    proxies = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
    for name in (*proxies, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalService]:
    """A dev server behind TLS, for comparing with chump."""
    service = start_service(tmp_path_factory.mktemp("tls"))
    with service.server:
        service.server.add_user("o" * 30)
        service.server.add_user("d" * 30, devices=())
        yield service
