"""Marks that every test folder may use, and how hypothesis is to search."""

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no defect: no example fails for having taken long.
settings.register_profile("any clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any clock")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "scenario(name): a situation that must be survived")
    config.addinivalue_line("markers", "slow: takes more than three seconds")
