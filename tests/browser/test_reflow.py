"""Narrow, zoomed, spaced out, in forced colours, without motion: nothing is cut or confused."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewReader
from tests.browser.reader import Reader
from tests.browser.staged import ENDS
from tests.support.processes import Server

pytestmark = pytest.mark.browser

# WCAG 2.2, 1.4.12.
SPACED = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }`);
  document.adoptedStyleSheets = [sheet];
}"""
# What is wider than the window, or cut by its own box. Tables and formulas scroll by themselves.
CUT = """() => {
  const wide = document.documentElement.clientWidth;
  const scrolls = (element) => element.closest(".scroll, .cells-of, .equations dt");
  const MAIN = ".primary, .secondary:not(.scrubber *), .step, .console .plain, .facts .quiet";
  return [...document.querySelectorAll("body *:not(svg *, math *, .visually-hidden, .skip)")]
    .filter((element) => element.checkVisibility() && !scrolls(element))
    .filter((element) => {
      const {left, right} = element.getBoundingClientRect();
      const style = getComputedStyle(element);
      const clips = style.overflowX !== "visible" || style.contain.includes("content");
      const hides = clips && !element.matches("input, select, textarea");
      const cut = hides && element.scrollWidth > element.clientWidth + 1;
      return right > wide + 1 || left < -1 || cut;
    })
    .map((element) => element.outerHTML.slice(0, 90));
}"""
# Each thing to press with its size in CSS pixels, what stands in running text and points aside: a
# point has a wide border that can't be seen, and the keyboard besides.
TARGETS = """() => {
  const inText = (element) => getComputedStyle(element).display === "inline";
  const MAIN = ".primary, .secondary:not(.scrubber *), .step, .console .plain, .facts .quiet";
  return [...document.querySelectorAll(
    "a[href], button, select, textarea, summary, input, [tabindex='0']")]
  .filter((element) => element.checkVisibility() && !element.closest("svg, .skip"))
  .filter((element) => !element.matches(".scroll"))
  .filter((element) => !(element.matches("a, [role=button]") && inText(element)))
  .map((element) => {
    const box = element.matches("[type=checkbox], [type=radio]") ? element.labels[0] : element;
    const {width, height} = box.getBoundingClientRect();
    const main = element.matches(MAIN);
    return [element.outerHTML.slice(0, 80), width, height, main];
  });
}"""


def small(page: Page) -> list[str]:
    return [
        f"{what} {width:.0f}×{height:.0f}"
        for what, width, height, main in page.evaluate(TARGETS)
        if min(width, height) < 23.9 or (main and height < 43.9)
    ]


@pytest.mark.parametrize(("width", "scale"), [(320, 1), (640, 2)])
def test_nothing_is_cut_on_a_narrow_or_zoomed_page_even_spaced_out(
    width: int, scale: int, new_reader: NewReader, staged: str
) -> None:
    reader = new_reader(staged, width=width, device_scale_factor=scale)
    page = reader.page
    reader.train(seed=ENDS, seeds=2)
    reader.expect_state("finished")
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    for _ in ("as it is", "spaced out"):
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(CUT) == []
        assert small(page) == []
        page.evaluate(SPACED)


def test_everything_to_press_is_large_enough_on_a_wide_page(
    reader: Reader, new_reader: NewReader, server: Server
) -> None:
    reader.page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert small(reader.page) == []
    assert small(new_reader(f"{server.url}/comments", width=390).page) == []


def test_in_forced_colours_arms_states_and_focus_are_told_apart(
    new_reader: NewReader, server: Server
) -> None:
    reader = new_reader(server.url, forced_colors="active")
    page = reader.page
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    reader.slug = "survival"
    reader.look()
    colours = "all => all.map((one) => getComputedStyle(one).backgroundColor)"
    swatches = reader.figure.locator(".swatch").evaluate_all(colours)
    assert len(set(swatches)) == 2
    lines = reader.figure.locator(".legend path.line")
    strokes = lines.evaluate_all("all => all.map((one) => getComputedStyle(one).stroke)")
    assert len(set(strokes)) == 2
    cell = reader.figure.locator("[data-map] td button").first
    cell.focus()
    outlined = "(one) => [getComputedStyle(one).outlineStyle, getComputedStyle(one).outlineWidth]"
    assert cell.evaluate(outlined) == ["solid", "3px"]
    assert cell.locator("..").evaluate(outlined) == ["solid", "3px"]  # the one that is read
    modes = page.locator(".modes span").evaluate_all(colours)
    assert len(set(modes)) == 2
    reader.button("Train").first.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert reader.button("Train").first.evaluate(outlined) == ["solid", "3px"]


def test_nothing_moves_for_who_wants_no_motion_and_nothing_by_itself(
    new_reader: NewReader, server: Server
) -> None:
    page = new_reader(server.url).page
    running = "document.getAnimations().filter((one) => one.playState === 'running').length"
    assert page.evaluate(running) == 0
    expect(page.locator("[data-moving]")).to_have_count(0)
    page.emulate_media(reduced_motion="reduce")
    for name in ("Subtract the mean", "Normalise the inputs", "Swap the mates"):
        page.get_by_role("button", name=name).click()
        moving = f"[{running}, document.querySelectorAll('[data-moving]').length]"
        assert page.evaluate(moving) == [0, 0], name
    page.locator(".cite").first.focus()
    assert page.evaluate(running) == 0
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
