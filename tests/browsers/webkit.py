"""WebKitGTK, the engine of Safari, through its own WebDriver, on a screen that nobody sees."""

import base64
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import Remote
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service

from tests.browsers.browser import KEYS, PATIENCE, Point
from tests.browsers.programs import find_program
from tests.support.processes import killing_on_exit

# The browser's own buttons would keep the window wider than a phone.
NARROW = "* { border-width: 0; font-size: 1px; margin: 0; min-width: 0; padding: 0; }"

# Pictures follow each other by this many frames until two are alike, or for so many seconds.
FRAMES = """async () => {
  for (let left = 15; left > 0; left -= 1) await new Promise((go) => requestAnimationFrame(go));
}"""
SETTLING = 5.0

# What a window has around its page is narrower, in pixels.
WIDEST_FRAME = 200


class WebKit:
    """One window of WebKitGTK. Its driver has no log of the console: collector.js keeps one."""

    name = "webkit"

    def __init__(self, driver: Remote) -> None:
        self._driver = driver
        self.version = str(driver.capabilities["browserVersion"])
        driver.set_script_timeout(PATIENCE)

    def resize(self, width: int, height: int) -> None:
        """The page learns of a new size of the window some time after the window has it."""
        self._driver.set_window_rect(width=width, height=height)
        deadline = time.monotonic() + PATIENCE
        while (inner := self.evaluate("() => [innerWidth, innerHeight]")) != [width, height]:
            assert time.monotonic() < deadline, f"the page is {inner}, not {[width, height]}"
            rect = self._driver.get_window_rect()
            frame = rect["width"] - inner[0], rect["height"] - inner[1]
            if all(0 <= edge < WIDEST_FRAME for edge in frame):
                self._driver.set_window_rect(width=width + frame[0], height=height + frame[1])
            time.sleep(0.05)

    def goto(self, url: str) -> None:
        self._driver.get(url)

    def reload(self) -> None:
        self._driver.refresh()

    def back(self) -> None:
        self._driver.back()

    def forward(self) -> None:
        self._driver.forward()

    def evaluate(self, function: str, *arguments: object) -> Any:
        state, value = self._driver.execute_async_script(
            f"""const [given, done] = arguments;
            (async () => ({function})(...given))()
              .then((value) => done(["value", value ?? null]))
              .catch((error) => done(["error", String(error)]));""",
            list(arguments),
        )
        assert state == "value", value
        return value

    def press(self, key: str) -> None:
        actions = ActionBuilder(self._driver, duration=0)
        actions.key_action.key_down(KEYS.get(key, key))
        actions.key_action.key_up(KEYS.get(key, key))
        actions.perform()

    def drag(self, *path: Point) -> None:
        actions = ActionBuilder(self._driver, duration=0)
        pointer: Any = actions.pointer_action  # selenium leaves its methods untyped
        first, *rest = path
        pointer.move_to_location(*map(round, first))
        pointer.pointer_down()
        for point in rest:
            pointer.move_to_location(*map(round, point))
        pointer.pointer_up()
        actions.perform()

    def screenshot(self) -> bytes:
        # A canvas is blank in a picture until the window has shown it, which no event tells.
        deadline = time.monotonic() + SETTLING
        last, shown = "", self._frame()
        while shown != last and time.monotonic() < deadline:
            self.evaluate(FRAMES)
            last, shown = shown, self._frame()
        return base64.b64decode(shown)

    def _frame(self) -> str:
        return str(self._driver.get_screenshot_as_base64())

    def complaints(self) -> list[str]:
        kept = self.evaluate("() => JSON.parse(sessionStorage.getItem('complaints') ?? '[]')")
        return [str(text) for text in kept]


@contextmanager
def webkit() -> Iterator[WebKit]:
    """A WebKitGTK with a new profile, which ends with the body. Raises MissingProgram."""
    program, screen = find_program("WebKitWebDriver"), find_program("Xvfb")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        display = stack.enter_context(_display(screen))
        style = folder / "gtk-3.0" / "gtk.css"
        style.parent.mkdir()
        style.write_text(NARROW)
        service = Service(
            str(program),
            log_output=subprocess.DEVNULL,
            env={
                **os.environ,
                **{f"XDG_{name}_HOME": str(folder) for name in ("CACHE", "CONFIG", "DATA")},
                "DISPLAY": display,
                "GDK_BACKEND": "x11",
                "NO_AT_BRIDGE": "1",  # no accessibility bus is searched for
            },
            # The driver, the browser and its processes are one group, which ends as a whole.
            popen_kw={"start_new_session": True},
        )
        options = Options()
        options.binary_location = str(_mini_browser())
        options.add_argument("--automation")
        # The service is started here, by its path, so that Selenium searches for no driver.
        service.start()
        stack.enter_context(killing_on_exit(service.process.pid))
        stack.callback(service.stop)
        connection = RemoteConnection(client_config=ClientConfig(service.service_url))
        driver = Remote(connection, options=options)
        stack.callback(driver.quit)
        yield WebKit(driver)


def _mini_browser() -> Path:
    """The window that WebKitGTK's own packages have for tests."""
    return next(Path("/usr").glob("lib*/**/webkit2gtk-4.*/MiniBrowser"))


@contextmanager
def _display(program: Path) -> Iterator[str]:
    """A screen of its own, by the name that DISPLAY wants; Xvfb looks for a free one."""
    read, write = os.pipe()
    with (
        os.fdopen(read) as chosen,
        subprocess.Popen(
            [program, "-displayfd", str(write), "-screen", "0", "1600x1400x24", "-nolisten", "tcp"],
            pass_fds=[write],
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process,
        killing_on_exit(process.pid),
    ):
        os.close(write)
        yield f":{chosen.readline().strip()}"
