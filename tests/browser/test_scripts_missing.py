"""Scripts on, but some can't be had, or can't run in this browser: the page as without scripts, and
a sentence that says why. Where one part of the page fails alone, that part says so.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, Route, expect

from app.experiments import EXPERIMENTS
from tests.browser.conftest import HANG_MS
from tests.browser.pictures import keep_picture
from tests.browser.reader import Reader
from tests.browser.staged import ENDS
from tests.browser.test_without_scripts import WIDGETS, offered
from tests.conftest import Site
from tests.support.processes import ROOT, Server

pytestmark = pytest.mark.browser

SCRIPTS = ROOT / "static" / "js"
NEEDED = re.findall(
    r'"([A-Za-z.]+)"',
    re.search(r"NEEDED = \[(.*?)\];", (SCRIPTS / "fallback.js").read_text(), re.DOTALL)[1],  # type: ignore[index]
)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that may complain: of scripts that it can't have."""
    with browser.new_context(reduced_motion="reduce") as context:
        context.set_default_timeout(HANG_MS)
        yield context.new_page()


def expect_stillness(page: Page) -> None:
    """The sentence, every figure and widget as a drawing, and nothing to press in vain."""
    expect(page.locator(".unscripted")).to_be_visible()
    for slug in EXPERIMENTS:
        drawings = page.locator(f"#figure-{slug} img:visible")
        assert drawings.count() > 0, slug
        expect(page.locator(f"#figure-{slug} .verdict")).to_be_visible()
    for name, count in WIDGETS.items():
        expect(page.locator(f"#{name} img:visible")).to_have_count(count)
    assert offered(page) == []


def test_a_site_opened_from_a_disk_stands_still_and_says_how_to_serve_it(
    page: Page, site: Site
) -> None:
    page.goto((site.folder / "index.html").as_uri())
    expect_stillness(page)
    expect(page.locator(".unscripted")).to_contain_text("python -m http.server")
    expect(page.locator("h1")).to_have_css("font-weight", "650")
    page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = false)")
    page.evaluate("scrollTo(0, 0)")
    keep_picture(page, "from-a-disk")


MISSING: dict[str, tuple[str, Callable[[Route], None]]] = {
    "missing": ("**/js/text/numbers.js", lambda route: route.fulfill(status=404)),
    "blocked": ("**/js/article.js", lambda route: route.abort()),
    "of the wrong type": (
        "**/js/figure/live.js",
        lambda route: route.fulfill(response=route.fetch(), content_type="text/plain"),
    ),
    "in a syntax that the browser can't read": (
        "**/js/figure/figure.js",
        lambda route: route.fulfill(body="export class {", content_type="text/javascript"),
    ),
    "failing as it starts": (
        "**/js/text/words/en.js",
        lambda route: route.fulfill(body="missing();", content_type="text/javascript"),
    ),
    "htmx, and missing": ("**/vendor/htmx-*.js", lambda route: route.abort()),
    "htmx, and a login page": (
        "**/vendor/htmx-*.js",
        lambda route: route.fulfill(body="", content_type="text/javascript"),
    ),
    "missing, as all others": ("**/*.js", lambda route: route.abort()),
}


@pytest.mark.parametrize("how", MISSING)
def test_a_page_one_of_whose_modules_is(how: str, page: Page, server: Server) -> None:
    page.route(*MISSING[how])
    page.goto(server.url)
    expect_stillness(page)
    expect(page.locator(".unscripted")).to_contain_text("Reload the page")


def test_a_copy_that_was_saved_from_a_living_page_stands_still_as_well(
    page: Page, server: Server, site: Site, tmp_path: Path
) -> None:
    page.goto(server.url)
    page.locator("#figure-learning-rates").scroll_into_view_if_needed()
    page.locator("#figure-learning-rates .plot[data-live]").first.wait_for()
    page.locator("[data-widget=batch]").get_by_role("button", name="Subtract the mean").click()
    copy = tmp_path / "saved"
    shutil.copytree(site.folder, copy)
    (copy / "index.html").write_text(page.content())
    page.goto((copy / "index.html").as_uri())
    expect(page.locator(".unscripted")).to_be_visible()
    expect(page.locator("#figure-learning-rates .plot img").first).to_be_visible()
    for name, count in WIDGETS.items():
        expect(page.locator(f"#{name} img:visible")).to_have_count(count)
    assert not [one for one in offered(page) if "data-main" in one or "range" in one]


def test_a_page_whose_scripts_run_has_no_such_sentence(page: Page, server: Server) -> None:
    page.goto(server.url)
    page.locator("html[data-started]").wait_for(state="attached")
    expect(page.locator(".unscripted")).to_be_hidden()
    expect(page.locator("#widget-batch .bench")).to_be_visible()


def test_a_page_that_waits_long_for_a_script_does_not_give_up(page: Page, server: Server) -> None:
    """The load event comes after all scripts have run, and with it what fallback.js does."""
    held: list[Route] = []
    page.route("**/js/text/words/en.js", lambda route: held.append(route))  # noqa: PLW0108
    page.add_init_script("addEventListener('load', () => (window.hasLoaded = true))")
    page.goto(server.url, wait_until="commit")
    expect(page.locator("#references")).to_be_attached()
    assert not page.evaluate("window.hasLoaded")
    expect(page.locator(".unscripted")).to_be_hidden()
    for route in held:
        route.continue_()
    page.locator("html[data-started]").wait_for(state="attached")
    page.wait_for_function("window.hasLoaded")
    expect(page.locator(".unscripted")).to_be_hidden()
    assert offered(page)


def test_no_script_awaits_at_its_top_level(page: Page) -> None:
    """WebKit runs whatever imports such a module late, and some of it twice at a time."""
    without_modules = """(source) => new Function(source
      .replace(/^import [^;]+;$/gm, "")
      .replace(/^export (default )?/gm, (_, value) => (value ? "0, " : ""))
      .replaceAll("import.meta", "({})"))"""
    scripts = sorted(SCRIPTS.rglob("*.js"))
    assert len(scripts) > 50
    for script in scripts:
        page.evaluate(without_modules, script.read_text())  # raises where it has an await
    with pytest.raises(Error, match="await is only valid"):
        page.evaluate(without_modules, "export const late = await Promise.resolve();")


@pytest.mark.parametrize("feature", NEEDED)
def test_a_browser_that_lacks_a_feature_is_told_which(
    feature: str, page: Page, staged: str
) -> None:
    owner, _, name = f"window.{feature}".rpartition(".")
    page.add_init_script(f"Object.defineProperty({owner}, '{name}', {{ value: undefined }});")
    page.goto(staged)
    expect(page.locator(".unscripted")).to_be_visible()
    expect(page.locator(".lacking")).to_contain_text(f"({feature})")
    expect(page.locator(".not-loaded")).to_be_hidden()
    expect(page.locator("#widget-batch div.still")).to_be_visible()
    assert offered(page) == []


# Of what browsers have had for years, and what hardened ones refuse: nothing here needs it.
NOT_NEEDED = """
  const refuse = () => { throw new DOMException("refused", "SecurityError"); };
  for (const name of ["structuredClone", "requestIdleCallback", "BroadcastChannel", "Path2D",
      "OffscreenCanvas", "visualViewport", "WeakRef", "FinalizationRegistry", "TextEncoder"]) {
    delete window[name];
  }
  for (const name of ["clipboard", "sendBeacon", "onLine", "language", "storage", "connection"]) {
    Object.defineProperty(navigator, name, { value: undefined });
  }
  for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches"]) {
    Object.defineProperty(window, name, { get: refuse });
  }
  Object.defineProperty(Document.prototype, "cookie", { get: refuse, set: refuse });
  Object.defineProperty(Document.prototype, "fonts", { value: undefined });
  delete CSS.supports;
  History.prototype.replaceState = History.prototype.pushState = refuse;
  Element.prototype.setPointerCapture = Element.prototype.releasePointerCapture = refuse;
  CanvasRenderingContext2D.prototype.getImageData = refuse;
  Document.prototype.elementFromPoint = () => null;
  window.getSelection = () => null;
"""


def test_what_the_page_does_not_need_may_be_missing_or_refused(page: Page, staged: str) -> None:
    errors: list[Error] = []
    page.on("pageerror", lambda error: errors.append(error))  # noqa: PLW0108
    page.add_init_script(NOT_NEEDED)
    page.goto(staged)
    reader = Reader(page, [])
    reader.look()
    reader.train(seed=ENDS, steps=10)
    reader.expect_state("finished")
    reader.wait_for_points(11)
    page.locator("[data-theme-switch]").click()
    page.locator("[data-copy-button]").click()
    expect(page.locator("[data-copy-status]")).not_to_be_empty()
    page.locator("[data-widget=batch]").get_by_role("button", name="Subtract the mean").click()
    expect(page.locator("[data-widget=batch]")).to_have_attribute("data-step", "1")
    expect(page.locator(".trouble")).to_have_count(0)
    assert not errors, errors


PARTS = {
    "a figure": ("#figure-norms", "[data-singles]", ".plot img"),
    "a widget": ("#widget-batch", "[data-seed-field]", "div.still img"),
    "a drawing that is dragged": ("#drawing-lipschitz", "input", "div.still img"),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_does_not_start_says_so_in_its_place_and_the_others_start(
    part: str, page: Page, staged: str
) -> None:
    place, taken, drawing = PARTS[part]
    errors: list[Error] = []
    page.on("pageerror", lambda error: errors.append(error))  # noqa: PLW0108
    # Just before the scripts run.
    page.add_init_script(
        f"""document.addEventListener("readystatechange",
          () => document.querySelectorAll("{place} :is({taken})").forEach((one) => one.remove()),
          {{ once: true }})"""
    )
    page.goto(staged)
    failed = page.locator(place)
    failed.scroll_into_view_if_needed()
    expect(failed.locator("> .trouble")).to_contain_text("did not start")
    expect(failed.get_by_role("button", name="Reload the page")).to_be_visible()
    expect(failed.locator(drawing).first).to_be_visible()
    expect(failed.get_by_role("button", name="Train")).to_have_count(0)
    assert len(errors) == 1
    expect(page.locator(".unscripted")).to_be_hidden()
    expect(page.locator(".trouble")).to_have_count(1)
    reader = Reader(page, [])
    reader.look()
    reader.train(seed=ENDS, steps=10)
    reader.expect_state("finished")
    expect(page.locator("[data-widget=bowl] [data-status]")).not_to_be_empty()
