"""The two sides of a comparison: chump and this client, at the same local TLS server."""

from __future__ import annotations

import re
import ssl
import types
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import chump  # type: ignore[import-untyped]
import chump.connection_pool  # type: ignore[import-untyped]
import pytest
import trustme

import pushover_logging
from pushover_logging.devserver import DevServer

Observed = Any
Program = Callable[["Side"], Observed]

_KEY = re.compile(r"(?<=/)[A-Za-z0-9]{30}(?=[/.])")


@dataclass
class Side:
    """What a program needs to run with one of the two packages."""

    package: types.ModuleType
    server: DevServer
    monkeypatch: pytest.MonkeyPatch

    @property
    def app(self) -> Any:
        return self.package.Application(self.server.token)

    @property
    def user(self) -> Any:
        return self.app.get_user(self.server.user)

    @property
    def requests(self) -> list[tuple[str, str, dict[str, str]]]:
        """Method, path and parameters of each request; keys in paths are not compared."""
        return [
            (each.method, _KEY.sub("{key}", each.path), dict(each.params))
            for each in self.server.requests
        ]


@dataclass
class LocalService:
    """A dev server behind TLS, and both packages led to it."""

    server: DevServer
    ca_file: Path
    context: ssl.SSLContext

    def side(self, package: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> Side:
        self.server.reset()
        self.server.set_quota_headers("normal")
        monkeypatch.setenv("PUSHOVER_API_URL", self.server.url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(self.ca_file))
        monkeypatch.setattr("pushover_logging.client.messages.POLL_INTERVAL", 0.0)
        host = self.server.base_url.removeprefix("https://")
        monkeypatch.setattr(chump.connection_pool, "HOST", host)
        opener = urllib.request.build_opener(FormHandler(context=self.context))
        monkeypatch.setattr(chump, "pool", opener)
        return Side(package, self.server, monkeypatch)


class FormHandler(chump.connection_pool.PushoverPooledConnectionHandler):  # type: ignore[misc]
    """Says what kind of body chump sends; chump leaves that to the service to guess."""

    def make_request(self, connection: Any, request: urllib.request.Request) -> Any:
        if request.data is not None:
            request.add_header("Content-Type", "application/x-www-form-urlencoded")
        return super().make_request(connection, request)


def start_service(folder: Path) -> LocalService:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    chain, key, ca_file = folder / "chain.pem", folder / "key.pem", folder / "ca.pem"
    certificate.private_key_and_cert_chain_pem.write_to_path(str(chain))
    certificate.private_key_pem.write_to_path(str(key))
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    server = DevServer(port=0, tls=(str(chain), str(key)))
    return LocalService(server, ca_file, context)


BOTH = (chump, pushover_logging)


def outcome_of(call: Callable[[], Observed]) -> Observed:
    """What a call returns, or the type of what it raises."""
    try:
        return call()
    except Exception as error:
        return type(error)


def is_aware(value: object) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None
