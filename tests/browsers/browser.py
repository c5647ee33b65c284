"""What every browser engine here can do: the few verbs that a reader's actions are written in."""

import time
from typing import Any, Protocol

# A run of few steps takes some seconds; only a hang meets this.
PATIENCE = 120.0

Point = tuple[float, float]

# The names of keys that are not a character, as `KeyboardEvent.key` has them → in WebDriver.
KEYS = {
    "Tab": "\ue004",
    "Enter": "\ue006",
    "Space": " ",
    "ArrowLeft": "\ue012",
    "ArrowUp": "\ue013",
    "ArrowRight": "\ue014",
    "ArrowDown": "\ue015",
}


class Browser(Protocol):
    """One window of one engine, with a profile of its own."""

    name: str
    version: str

    def resize(self, width: int, height: int) -> None:
        """Gives the page an inner size, in CSS pixels."""

    def goto(self, url: str) -> None:
        """Opens an address and waits for its load event."""

    def reload(self) -> None: ...

    def back(self) -> None: ...

    def forward(self) -> None: ...

    def evaluate(self, function: str, *arguments: object) -> Any:
        """Calls a function, which may be asynchronous, with plain values; its plain value."""

    def press(self, key: str) -> None:
        """Presses and releases a key: a character or a name in `KEYS`."""

    def drag(self, *path: Point) -> None:
        """Presses the mouse at the first point of the window, moves along and releases it.

        With one point this is a click.
        """

    def screenshot(self) -> bytes:
        """A PNG of the window's page."""

    def complaints(self) -> list[str]:
        """Errors and warnings of the console since the browser started, uncaught exceptions,
        unhandled rejections and violations of the content policy among them.
        """


def wait_for(browser: Browser, function: str, *arguments: object, what: str) -> Any:
    """Asks the page until the function's value is true, and returns the value.

    Fails with `what` after `PATIENCE` seconds.
    """
    deadline = time.monotonic() + PATIENCE
    while not (value := browser.evaluate(function, *arguments)):
        assert time.monotonic() < deadline, f"{browser.name}: waited in vain: {what}"
        time.sleep(0.1)
    return value
