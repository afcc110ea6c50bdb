"""What every test of delivery starts from."""

import pytest

from .bench import say_everything


@pytest.fixture(autouse=True)
def _each_test_has_its_own_minute() -> None:
    say_everything()
