"""The option ``encryption_key`` where the library that encrypts is missing."""

from __future__ import annotations

import sys

import pytest

from pushover_logging import PushoverHandler


def test_encryption_without_its_library_is_refused_while_logging_is_configured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)

    with pytest.raises(ImportError, match=r"encryption_key needs the cryptography library") as said:
        PushoverHandler(token="a" * 30, user="u" * 30, encryption_key="0123456789abcdef" * 4)

    assert "0123456789abcdef" not in str(said.value)
