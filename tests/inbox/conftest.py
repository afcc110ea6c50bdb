"""The inbox page in a real browser, if one is installed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from pushover_logging.devserver import DevServer

from .browser_page import InboxPage

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")


@pytest.fixture
def server() -> Iterator[DevServer]:
    with DevServer(name="Shop") as running:
        yield running


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    if BROWSER is None or DRIVER is None:
        missing = "chromium" if BROWSER is None else "chromedriver"
        pytest.skip(f"{missing} is not installed (on Debian: chromium and chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    profile = tmp_path_factory.mktemp("profile")
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def page(server: DevServer, browser: webdriver.Chrome) -> Iterator[InboxPage]:
    page = InboxPage(browser, server)
    page.restore_defaults()
    page.open()
    yield page
    browser.get("about:blank")


@pytest.fixture
def artefacts(tmp_path: Path) -> Path:
    """Where screenshots stay: the folder that INBOX_SCREENSHOTS names, else a passing one."""
    folder = Path(os.environ.get("INBOX_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
