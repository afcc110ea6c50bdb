"""Marks that every test folder may use."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "scenario(name): a situation that must be survived")
    config.addinivalue_line("markers", "slow: takes more than three seconds")
