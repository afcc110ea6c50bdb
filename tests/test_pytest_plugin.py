"""The fixtures that users test their alerting with, in a pytest run as a user starts it."""

from __future__ import annotations

import configparser
import os
import re
import textwrap
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

PROJECT = Path(__file__).parent.parent


@pytest.fixture
def users_tests(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A place with tests of a user's, where this package is installed."""
    config = configparser.ConfigParser()
    config.read(PROJECT / "setup.cfg", encoding="utf-8")
    installed = pytester.mkdir("installed")
    metadata = installed / "pushover_logging-0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: pushover-logging\n", "utf-8")
    (metadata / "entry_points.txt").write_text(
        f"[pytest11]\n{config['options.entry_points']['pytest11']}\n", "utf-8"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(PROJECT), str(installed)]))
    for name in ("PUSHOVER_API_URL", "PUSHOVER_TOKEN", "PUSHOVER_USER"):
        monkeypatch.delenv(name, raising=False)
    return pytester


def run(users_tests: pytest.Pytester, *words: str) -> pytest.RunResult:
    return users_tests.runpytest_subprocess("-p", "no:cacheprovider", *words, timeout=60)


USERS_TESTS = {
    "test_records_of_the_code_under_test_arrive": """
        import logging

        def test_alert(pushover_server, pushover_handler):
            logger = logging.getLogger("shop")
            logger.addHandler(pushover_handler)
            logger.error("Payment failed")
            [message] = pushover_server.wait_for(1)
            assert message.params["title"] == "ERROR shop"
            assert message.params["priority"] == "2"

        def test_next_starts_clean(pushover_server):
            assert pushover_server.messages == []
            assert not logging.getLogger("shop").handlers
    """,
    "test_outage_is_outlived_without_long_waits": """
        import logging, time

        def test_outage(pushover_server, pushover_handler):
            pushover_server.fail_next(2, status=503)
            logger = logging.getLogger("shop")
            logger.addHandler(pushover_handler)
            started = time.monotonic()
            logger.warning("Late, but there")
            pushover_server.wait_for(1)
            assert [request.status for request in pushover_server.requests][:2] == [503, 503]
            assert len(pushover_server.requests) == 3
            assert time.monotonic() - started < 9  # by default it would take 10 s at least
    """,
    "test_emergency_is_acknowledged_and_quota_is_set": """
        import logging, pytest
        from pushover_logging import Application

        def test_acknowledge(pushover_server):
            with pytest.raises(LookupError, match="no emergency has arrived"):
                pushover_server.acknowledge()
            application = Application(pushover_server.token, api_url=pushover_server.url)
            message = application.get_user(pushover_server.user).send_message("Fire", priority=2)
            pushover_server.acknowledge(device="phone")
            assert application.receipt(message.receipt).acknowledged_by == pushover_server.user

        def test_quota(pushover_server):
            pushover_server.set_quota(limit=10, remaining=3)
            application = Application(pushover_server.token, api_url=pushover_server.url)
            assert application.limits().remaining == 3
    """,
    "test_factory_takes_options_and_closes_what_it_made": """
        import logging

        def test_counts(pushover_server, make_pushover_handler):
            global server
            server = pushover_server
            handler = make_pushover_handler(priorities={"WARNING": "HIGH"}, title="{name}")
            logging.getLogger("shop").addHandler(handler)
            for _ in range(3):
                logging.getLogger("shop").warning("Again")
            first = pushover_server.wait_for(1)[0]
            assert (first.params["title"], first.params["priority"]) == ("shop", "1")

        def test_what_was_counted_was_summed_up_at_the_end():
            assert server.messages[-1].params["title"] == "shop \\N{MULTIPLICATION SIGN}2"
    """,
}


def test_fixtures_do_what_their_users_expect(users_tests: pytest.Pytester) -> None:
    users_tests.makepyfile(**USERS_TESTS)

    result = run(users_tests)

    result.assert_outcomes(passed=sum(code.count("def test_") for code in USERS_TESTS.values()))


def test_dictconfig_without_keys_leads_to_the_server(users_tests: pytest.Pytester) -> None:
    users_tests.makepyfile(
        """
        import logging.config

        def test_alert(pushover_server):
            logging.config.dictConfig({
                "version": 1,
                "handlers": {"phone": {"class": "pushover_logging.PushoverHandler"}},
                "root": {"handlers": ["phone"]},
            })
            logging.warning("Disk is full")
            assert pushover_server.wait_for(1)[0].params["message"] == "Disk is full"
        """
    )

    run(users_tests).assert_outcomes(passed=1)


def test_pytest_starts_without_what_only_the_fixtures_need(users_tests: pytest.Pytester) -> None:
    users_tests.makepyfile(
        """
        import sys

        def test_light():
            ours = {name for name in sys.modules if name.startswith("pushover_logging")}
            assert ours == {"pushover_logging", "pushover_logging.pytest_plugin"}
            assert not {"starlette", "uvicorn", "tenacity"} & sys.modules.keys()
        """
    )

    run(users_tests).assert_outcomes(passed=1)


def test_missing_extra_is_named(users_tests: pytest.Pytester) -> None:
    users_tests.makepyfile(starlette="raise ModuleNotFoundError(name='starlette')")
    users_tests.makepyfile(test_it="def test_alert(pushover_server): pass")

    result = run(users_tests, "-p", "no:xdist")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*pip install 'pushover-logging[[]devserver]'*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_fixtures_are_described_to_who_asks_for_them(users_tests: pytest.Pytester) -> None:
    result = run(users_tests, "--fixtures")

    result.stdout.fnmatch_lines(["pushover_server -- *", "pushover_handler -- *"])


def test_page_about_testing_holds_what_it_shows(users_tests: pytest.Pytester) -> None:
    page = (PROJECT / "docs" / "testing-your-alerts.rst").read_text("utf-8")
    code = [
        textwrap.dedent(block)
        for block in re.findall(r"code-block:: python\n((?:(?: +.*)?\n)+)", page)
    ]
    shown = "\n".join(
        line for text in code for line in text.splitlines() if ":caption:" not in line
    )
    users_tests.makepyfile(test_shown=shown)

    run(users_tests).assert_outcomes(passed=shown.count("def test_"))
