"""Records the still pictures of figures and widgets, as the page's own scripts draw them.

It needs Playwright and Chromium, like the browser tests. The server needs neither.
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

# No server listens there; Playwright serves the files from memory.
ORIGIN = "http://article.test/"
BROWSER_COMMANDS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "chrome",
    "chromium-headless-shell",
)
INSTALL_ADVICE = "the pictures are drawn by Chromium: pip install playwright, and install chromium"
# The size of a laptop's window, in which charts are side by side.
VIEWPORT_WIDTH, VIEWPORT_HEIGHT = 1280, 900
DRAWING_TIMEOUT_MS = 60_000

# Calls an export of stills.js.
CALL_EXPORT = """async ([name, ...given]) => {
  const url = new URL("export/stills.js", document.querySelector("[type=module]").src);
  const found = (await import(url))[name];
  return typeof found === "function" ? found(...given) : found;
}"""
OPEN_MORE_CHARTS = (
    "() => document.querySelectorAll('details.more-charts').forEach((one) => (one.open = true))"
)
# Whether a view has been drawn by its script.
IS_LIVE = "(view) => view.matches('[data-live]') || view.querySelector('[data-live]') !== null"
# Counts a figure's undrawn pictures. A chart sets its label after it has been drawn.
UNDRAWN = """(slug) => [...document.querySelectorAll(`[data-of="${slug}"] [data-picture]`)].filter(
  (place) => !place.closest("[data-live]")
    || place.querySelector("canvas")?.ariaLabel.endsWith("each network")
).length"""


def record_stills(slugs: Collection[str] = (), folder: Path = stills.FOLDER) -> Stills:
    """Records the stills of these figures; without `slugs`, of all figures and widgets.

    Returns the stills that it saved in `folder`. Raises BrowserNotFound.
    """
    drawings: dict[str, str] = {}
    pictures: dict[str, Mapping[str, Still]] = {}
    with _open_article() as page:
        for slug in slugs or EXPERIMENTS:
            _draw_all_views(page, slug)
            pictures[slug] = _collect_stills(
                slug, page.evaluate(CALL_EXPORT, ["viewsOf", slug]), drawings
            )
        for widget in () if slugs else page.evaluate(CALL_EXPORT, ["widgets"]):
            pictures[widget] = _collect_stills(
                widget, page.evaluate(CALL_EXPORT, ["stagesOf", widget]), drawings
            )
    drawn = Stills(pictures)
    stills.save(drawn, drawings, folder)
    return drawn


def _draw_all_views(page: Any, slug: str) -> None:
    """Scrolls to each view of a figure and waits until all are drawn."""
    for view in page.locator(f"[data-of='{slug}']").all():
        view.evaluate("(view) => view.scrollIntoView({ block: 'center' })")
        page.wait_for_function(IS_LIVE, arg=view.element_handle(), timeout=DRAWING_TIMEOUT_MS)
    page.wait_for_function(
        f"(slug) => ({UNDRAWN})(slug) === 0", arg=slug, timeout=DRAWING_TIMEOUT_MS
    )


def _collect_stills(
    owner: str, drawn: list[dict[str, Any]], drawings: dict[str, str]
) -> dict[str, Still]:
    """Returns the stills of one figure or widget by name; adds their files to `drawings`."""
    recorded = {}
    for picture in drawn:
        name, text = picture.pop("name"), picture.pop("svg")
        file = f"{owner}-{name}.svg".replace(" ", "-").replace("@", "-at-").replace("+", "-and-")
        drawings[file] = text + "\n"
        recorded[name] = Still(file=file, **picture)
    return recorded


@contextmanager
def _open_article() -> Iterator[Any]:
    """Opens the static site in a browser with animations disabled."""
    try:
        from playwright.sync_api import Error, Route, sync_playwright
    except ImportError:
        raise BrowserNotFound(INSTALL_ADVICE) from None
    from app.article import static_site  # a late import: nothing else here needs the renderer

    files = dict(static_site.site_files(ENGLISH))

    def serve_file(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN).split("?")[0] or "index.html"
        kind, _ = mimetypes.guess_type(path)
        if path in files:
            route.fulfill(body=files[path], content_type=kind or "application/octet-stream")
        else:
            route.fulfill(status=404)

    with sync_playwright() as playwright:
        found = next((path for path in map(shutil.which, BROWSER_COMMANDS) if path), None)
        try:
            browser = playwright.chromium.launch(
                executable_path=found, args=["--no-sandbox", "--disable-background-networking"]
            )
        except Error:
            raise BrowserNotFound(INSTALL_ADVICE) from None
        page = browser.new_page(color_scheme="light", reduced_motion="reduce")
        page.set_viewport_size({"width": VIEWPORT_WIDTH, "height": VIEWPORT_HEIGHT})
        page.route(f"{ORIGIN}**", serve_file)
        page.goto(ORIGIN)
        page.evaluate(OPEN_MORE_CHARTS)
        yield page
        browser.close()
