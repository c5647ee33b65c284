"""Pictures of the page, kept for who looks: what CI may keep as its artefacts, and git ignores."""

import re

from playwright.sync_api import Locator, Page

from tests.support.processes import ROOT

FOLDER = ROOT / "artefacts"
# A picture is for looking at, and a window full is enough of a page that a test left behind.
QUALITY = 70


def keep_picture(of: Page | Locator, name: str) -> None:
    """Writes artefacts/<name>.jpeg, whose folder is made where there is none."""
    path = FOLDER / f"{re.sub(r'[^A-Za-z0-9/_-]+', '-', name)}.jpeg"
    path.parent.mkdir(parents=True, exist_ok=True)
    of.screenshot(path=path, type="jpeg", quality=QUALITY)
