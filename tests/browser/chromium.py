"""A Chromium to drive: an installed one, else one from the system's packages, else Playwright's."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.support.packages import apt_install, machine_lock, succeeds

# Chromium without what makes windows: a new page takes a fifth of the processor time (0.2 s against
# 1 s, measured on two cores, n = 15), and a test run opens hundreds.
SHELL = "chromium-headless-shell"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
# A reader's own traffic stays quiet: the browser makes none besides ours.
ARGUMENTS = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
ADVICE = (
    "The browser tests need Chromium or Chrome. None is installed, and none could be: "
    "install one (for example: apt-get install chromium) and run the tests again."
)


class NoBrowser(Exception):
    """There is no browser, and none can be installed. One line, with what to do."""


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """A browser, open while the body runs; `arguments` are for Chromium. Raises NoBrowser."""
    path = find_or_install()
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        sandbox = ["--no-sandbox"] if as_root else []
        browser = playwright.chromium.launch(
            executable_path=path, args=[*ARGUMENTS, *sandbox, *arguments]
        )
        yield browser
        browser.close()


def find_or_install() -> str | None:
    """The path of an installed browser, or None where Playwright has its own. Raises NoBrowser."""
    with machine_lock("chromium"):
        found = shutil.which(SHELL)
        if found is None and apt_install(SHELL):
            found = shutil.which(SHELL)
        found = found or whole_browser()
        if found is None and apt_install("chromium"):
            found = whole_browser()
        if found is None and not succeeds(
            sys.executable, "-m", "playwright", "install", "chromium"
        ):
            raise NoBrowser(ADVICE)
        return found


def whole_browser() -> str | None:
    """An installed one that makes windows, too; None where there is none."""
    paths = (shutil.which(name) for name in NAMES)
    return next((path for path in paths if path), str(MAC) if MAC.exists() else None)
