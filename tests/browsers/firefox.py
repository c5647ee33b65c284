"""Firefox over WebDriver BiDi, which it speaks itself: no geckodriver stands between."""

import base64
import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket

from tests.browsers.browser import KEYS, PATIENCE, Point
from tests.browsers.programs import find_program
from tests.support.processes import killing_on_exit

# No traffic besides ours, and no page besides ours.
PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
    "extensions.update.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "remote.prefs.recommended": True,
    "services.settings.server": "http://127.0.0.1:9/",
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}


class Firefox:
    """One window of Firefox."""

    name = "firefox"

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(
            f"{address}/session", timeout=PATIENCE, suppress_origin=True
        )
        self._last_id = 0
        self._complaints: list[str] = []
        session = self._send("session.new", capabilities={})
        self.version = str(session["capabilities"]["browserVersion"])
        self._send("session.subscribe", events=["log.entryAdded"])
        # A tab that is opened has the focus; the first one never gets it without a screen, and
        # keys press no button there.
        self._context = self._send("browsingContext.create", type="tab")["context"]

    def close(self) -> None:
        """Ends the browser."""
        try:
            self._send("browser.close")
        finally:
            self._socket.close()

    def resize(self, width: int, height: int) -> None:
        self._send("browsingContext.setViewport", viewport={"width": width, "height": height})

    def goto(self, url: str) -> None:
        self._send("browsingContext.navigate", url=url, wait="complete")

    def reload(self) -> None:
        self._send("browsingContext.reload", wait="complete")

    def back(self) -> None:
        self._send("browsingContext.traverseHistory", delta=-1)

    def forward(self) -> None:
        self._send("browsingContext.traverseHistory", delta=1)

    def evaluate(self, function: str, *arguments: object) -> Any:
        answer = self._send(
            "script.callFunction",
            functionDeclaration="async (text) => JSON.stringify((await "
            f"({function})(...JSON.parse(text))) ?? null)",
            arguments=[{"type": "string", "value": json.dumps(arguments)}],
            target={"context": self._context},
            awaitPromise=True,
        )
        assert answer["type"] == "success", answer["exceptionDetails"]["text"]
        return json.loads(answer["result"]["value"])

    def press(self, key: str) -> None:
        value = KEYS.get(key, key)
        strokes = [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        self._act({"type": "key", "id": "keyboard", "actions": strokes})

    def drag(self, *path: Point) -> None:
        moves = [{"type": "pointerMove", "x": round(x), "y": round(y)} for x, y in path]
        down, up = ({"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp"))
        self._act({"type": "pointer", "id": "mouse", "actions": [moves[0], down, *moves[1:], up]})

    def screenshot(self) -> bytes:
        return base64.b64decode(self._send("browsingContext.captureScreenshot")["data"])

    def complaints(self) -> list[str]:
        self.evaluate("() => null")  # what was logged before this has arrived with its answer
        return list(self._complaints)

    def _act(self, source: dict[str, Any]) -> None:
        self._send("input.performActions", actions=[source])

    def _send(self, method: str, **parameters: object) -> dict[str, Any]:
        """The result of a command. Those about a page concern this window's."""
        module = method.partition(".")[0]
        if module in ("browsingContext", "input") and method != "browsingContext.create":
            parameters["context"] = self._context
        self._last_id += 1
        self._socket.send(json.dumps({"id": self._last_id, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message["type"] == "event":
                self._note(message["params"])
            elif message["id"] == self._last_id:
                assert message["type"] == "success", f"{method}: {message['message']}"
                result: dict[str, Any] = message["result"]
                return result

    def _note(self, entry: dict[str, Any]) -> None:
        if entry["level"] in ("error", "warn"):
            self._complaints.append(f"{entry['type']}: {entry['text']}")


@contextmanager
def firefox() -> Iterator[Firefox]:
    """A Firefox without windows and with a new profile, which ends with the body.

    Raises MissingProgram.
    """
    program = find_program("firefox-esr")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items())
        Path(folder, "user.js").write_text("\n".join(lines))
        command = [str(program), "--headless", "--no-remote", "--profile", folder]
        with (
            subprocess.Popen(
                [*command, "--remote-debugging-port", "0"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            ) as process,
            killing_on_exit(process.pid),
        ):
            browser = Firefox(_address(process))
            try:
                yield browser
            finally:
                browser.close()
            process.wait(PATIENCE)


def _address(process: subprocess.Popen[str]) -> str:
    """Where Firefox says that it listens."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if address := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
            return address[1]
    raise AssertionError(f"Firefox ended; it said {said!r}")
