"""A certificate for loopback and an authority to trust, for tests that need real TLS."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NamedTuple

import trustme


class Certificate(NamedTuple):
    """PEM files: the server's certificate and key, and the authority that signed them."""

    cert_file: Path
    key_file: Path
    ca_file: Path

    @property
    def pair(self) -> tuple[Path, Path]:
        """What a server needs."""
        return self.cert_file, self.key_file

    def client_context(self) -> ssl.SSLContext:
        """What a client needs."""
        return ssl.create_default_context(cafile=str(self.ca_file))


def make_certificate(folder: Path) -> Certificate:
    """A fresh certificate for loopback names and api.pushover.net, written to a folder."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1", "::1", "api.pushover.net")
    files = Certificate(folder / "server.pem", folder / "server.key", folder / "authority.pem")
    issued.cert_chain_pems[0].write_to_path(str(files.cert_file))
    issued.private_key_pem.write_to_path(str(files.key_file))
    authority.cert_pem.write_to_path(str(files.ca_file))
    return files
