"""Django: requests, management commands and tests, with Django's own handlers in place."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from running import Example

pytest.importorskip("django")


def test_a_failed_request_rings_and_is_mailed(example: Callable[[str], Example]) -> None:
    shop = example("django")
    visit = (
        "import shop.wsgi; from django.test import Client;"
        "client = Client(raise_request_exception=False);"
        "print([client.get(f'/order/{n}').status_code for n in range(1, 6)])"
    )

    output = shop.run([sys.executable, "-c", visit])
    shop.drain_store()

    assert "[200, 200, 500, 500, 500]" in output
    first = shop.pushes[0]
    assert (first.title, first.priority) == ("ERROR django.request", 2)
    assert first.text.startswith("Internal Server Error: /order/3\nKeyError: 3\nat order, ")
    assert shop.rings == 1
    assert shop.records() == 3
    assert output.count("Subject: [Django] ERROR") == 3, "Django's own handler mails as before"


def test_a_management_command_pushes(example: Callable[[str], Example]) -> None:
    shop = example("django")

    shop.run(shop.command("python manage.py stocktaking"))
    shop.drain_store()

    first = shop.pushes[0]
    assert first == ("ERROR shop.management.commands.stocktaking", "tea is missing", 2)
    assert shop.rings == 1
    assert shop.records() == 3


@pytest.mark.parametrize("env", [{}, {"PUSHOVER_TOKEN": None}], ids=["token", "no token"])
def test_tests_push_nothing(example: Callable[[str], Example], env: dict[str, str | None]) -> None:
    shop = example("django")

    output = shop.run(shop.command("python manage.py test"), env=env)

    assert "\nOK" in output
    assert shop.server.requests == []


@pytest.mark.parametrize("env", [{"DEBUG": "1"}, {"PUSHOVER_TOKEN": None}], ids=str)
def test_development_pushes_nothing(
    example: Callable[[str], Example], env: dict[str, str | None]
) -> None:
    shop = example("django")

    output = shop.run(shop.command("python manage.py stocktaking"), env=env)

    assert "tea is missing" in output
    assert shop.server.requests == []
