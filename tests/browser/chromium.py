"""A Chromium to drive: an installed one, else one from the system's packages, else Playwright's."""

import shutil
import sys
from pathlib import Path

from tests.packages import install, runs

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
ADVICE = (
    "The browser tests need Chromium or Chrome. None is installed, and none could be: "
    "install one (for example: apt-get install chromium) and run the tests again."
)


class NoBrowser(Exception):
    """There is no browser, and none can be installed. One line, with what to do."""


def find_or_install() -> str | None:
    """The path of an installed browser, or None where Playwright has its own. Raises NoBrowser."""
    found = _installed()
    if found is None and install("chromium"):
        found = _installed()
    if found is None and not runs(sys.executable, "-m", "playwright", "install", "chromium"):
        raise NoBrowser(ADVICE)
    return found


def _installed() -> str | None:
    paths = (shutil.which(name) for name in NAMES)
    return next((path for path in paths if path), str(MAC) if MAC.exists() else None)
