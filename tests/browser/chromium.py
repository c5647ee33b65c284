"""A Chromium to drive: an installed one, else one from the system's packages, else Playwright's."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

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
    if found is None and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        _runs("apt-get", "update", "--quiet") and _runs(
            "apt-get", "install", "--quiet", "--yes", "--no-install-recommends", "chromium"
        )
        found = _installed()
    if found is None and not _runs(sys.executable, "-m", "playwright", "install", "chromium"):
        raise NoBrowser(ADVICE)
    return found


def _installed() -> str | None:
    paths = (shutil.which(name) for name in NAMES)
    return next((path for path in paths if path), str(MAC) if MAC.exists() else None)


def _runs(*command: str) -> bool:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment, check=False).returncode == 0
