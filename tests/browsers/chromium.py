"""Chromium as the other browser tests drive it, behind the verbs that all engines share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import ConsoleMessage, Page

from tests.browser.chromium import chromium as any_chromium
from tests.browser.conftest import REPORT_VIOLATIONS
from tests.browsers.browser import PATIENCE, Point


class Chromium:
    """One window of Chromium."""

    name = "chromium"

    def __init__(self, page: Page, version: str) -> None:
        self._page = page
        self._complaints: list[str] = []
        self.version = version
        page.add_init_script(REPORT_VIOLATIONS)
        page.on("pageerror", lambda error: self._complaints.append(f"exception: {error}"))
        page.on("console", self._note)

    def resize(self, width: int, height: int) -> None:
        self._page.set_viewport_size({"width": width, "height": height})

    def goto(self, url: str) -> None:
        self._page.goto(url)

    def reload(self) -> None:
        self._page.reload()

    def back(self) -> None:
        self._page.go_back()

    def forward(self) -> None:
        self._page.go_forward()

    def evaluate(self, function: str, *arguments: object) -> Any:
        return self._page.evaluate(f"(given) => ({function})(...given)", list(arguments))

    def press(self, key: str) -> None:
        self._page.keyboard.press(key)

    def drag(self, *path: Point) -> None:
        first, *rest = path
        self._page.mouse.move(*first)
        self._page.mouse.down()
        for point in rest:
            self._page.mouse.move(*point)
        self._page.mouse.up()

    def screenshot(self) -> bytes:
        return self._page.screenshot()

    def complaints(self) -> list[str]:
        self.evaluate("() => null")  # what was logged before this has arrived with its answer
        return list(self._complaints)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complaints.append(f"console: {message.text}")


@contextmanager
def chromium() -> Iterator[Chromium]:
    """A Chromium with a new profile, which ends with the body. Raises NoBrowser."""
    with any_chromium() as browser, browser.new_context() as context:
        context.set_default_timeout(PATIENCE * 1000)
        yield Chromium(context.new_page(), browser.version)
