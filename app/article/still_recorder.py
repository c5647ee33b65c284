"""Draws the pictures that stand still, in Chromium: the page's own scripts are the only painter.

Needs Playwright and Chromium, as the browser's tests do; a server needs neither.
"""

import mimetypes
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.errors import BrowserNotFound
from app.experiments import EXPERIMENTS
from app.reproducibility import stills
from app.reproducibility.stills import Still, Stills
from app.settings import ENGLISH

# No server answers there: the files come from memory.
ORIGIN = "http://article.test/"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "chromium-headless-shell")
ADVICE = "the pictures are drawn by Chromium: pip install playwright, and install chromium"
# Wide enough for the charts to stand side by side, as on a laptop.
WIDTH, HEIGHT = 1280, 900
PATIENCE_MS = 60_000

# Calls an export of stills.js.
CALL = """async ([name, ...given]) => {
  const url = new URL("export/stills.js", document.querySelector("[type=module]").src);
  const found = (await import(url))[name];
  return typeof found === "function" ? found(...given) : found;
}"""
OPEN_ALL = (
    "() => document.querySelectorAll('details.more-charts').forEach((one) => (one.open = true))"
)
# How many of a figure's pictures are not drawn yet. A chart's last act is its name.
WAITING = """(slug) => [...document.querySelectorAll(`[data-of="${slug}"] [data-picture]`)].filter(
  (place) => !place.closest("[data-live]")
    || place.querySelector("canvas")?.ariaLabel.endsWith("each network")
).length"""


def record(slugs: Collection[str] = (), folder: Path = stills.FOLDER) -> Stills:
    """Draws the pictures of these figures' recordings; without `slugs`, of all and of the widgets.

    Returns what it added to `folder`. Raises BrowserNotFound.
    """
    drawings: dict[str, str] = {}
    pictures: dict[str, Mapping[str, Still]] = {}
    with _article() as page:
        for slug in slugs or EXPERIMENTS:
            _show(page, slug)
            pictures[slug] = _kept(slug, page.evaluate(CALL, ["viewsOf", slug]), drawings)
        for widget in () if slugs else page.evaluate(CALL, ["widgets"]):
            pictures[widget] = _kept(widget, page.evaluate(CALL, ["stagesOf", widget]), drawings)
    drawn = Stills(pictures)
    stills.save(drawn, drawings, folder)
    return drawn


def _show(page: Any, slug: str) -> None:
    """Brings all views of a figure near the window, one by one, until each is drawn."""
    for view in page.locator(f"[data-of='{slug}']").all():
        view.evaluate("(view) => view.scrollIntoView({ block: 'center' })")
        page.wait_for_timeout(50)
    page.wait_for_function(f"(slug) => ({WAITING})(slug) === 0", arg=slug, timeout=PATIENCE_MS)


def _kept(owner: str, drawn: list[dict[str, Any]], drawings: dict[str, str]) -> dict[str, Still]:
    """The pictures of one figure or widget by name; their files are added to `drawings`."""
    kept = {}
    for picture in drawn:
        name, text = picture.pop("name"), picture.pop("svg")
        file = f"{owner}-{name}.svg".replace(" ", "-").replace("@", "-at-").replace("+", "-and-")
        drawings[file] = text + "\n"
        kept[name] = Still(file=file, **picture)
    return kept


@contextmanager
def _article() -> Iterator[Any]:
    """The article as plain files, open in a browser in which nothing moves by itself."""
    try:
        from playwright.sync_api import Error, Route, sync_playwright
    except ImportError:
        raise BrowserNotFound(ADVICE) from None
    from app.article import static_site  # it imports what draws nothing

    files = dict(static_site.files(ENGLISH))

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN).split("?")[0] or "index.html"
        kind, _ = mimetypes.guess_type(path)
        if path in files:
            route.fulfill(body=files[path], content_type=kind or "application/octet-stream")
        else:
            route.fulfill(status=404)

    with sync_playwright() as playwright:
        found = next((path for path in map(shutil.which, BROWSERS) if path), None)
        try:
            browser = playwright.chromium.launch(
                executable_path=found, args=["--no-sandbox", "--disable-background-networking"]
            )
        except Error:
            raise BrowserNotFound(ADVICE) from None
        page = browser.new_page(color_scheme="light", reduced_motion="reduce")
        page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        page.route(f"{ORIGIN}**", answer)
        page.goto(ORIGIN)
        page.evaluate(OPEN_ALL)
        yield page
        browser.close()
