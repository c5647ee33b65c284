"""What is read below a figure stays where it is while the figure trains, by whatever browser; and
the keys that scroll neither stop a run nor begin one.
"""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewReader
from tests.browser.reader import Reader
from tests.browser.staged import ENDS, LINGERS

pytestmark = pytest.mark.browser

# As in browsers that have no scroll anchoring.
NO_ANCHORING = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("* { overflow-anchor: none !important }");
  document.adoptedStyleSheets = [sheet];
}"""
# In every frame: where the text behind the figure stands in the window, and the panel's height.
WATCH = """(figure) => {
  const text = figure.nextElementSibling ?? figure.closest("section").nextElementSibling;
  const panel = figure.querySelector("[data-panel]");
  scrollTo(0, scrollY + text.getBoundingClientRect().top - 100);
  const places = [];
  const heights = [];
  const seen = (window.seen = {places, heights});
  const look = () => {
    if (window.seen !== seen) return;
    places.push(text.getBoundingClientRect().top);
    heights.push(panel.offsetHeight);
    requestAnimationFrame(look);
  };
  look();
}"""
# Holds back what the server says of a run, by method, until `held[method]()`.
HOLD = """
  window.held = {};
  const answered = window.fetch;
  window.fetch = async (address, options = {}) => {
    const answer = await answered(address, options);
    const { pathname } = new URL(answer.url);
    if (/runs\\/[^/]+$/.test(pathname)) await new Promise((go) => (held[options.method] = go));
    return answer;
  };
"""
LET_GO = """(method) => new Promise((taken) => {
  document.addEventListener("htmx:finally:request", () => requestAnimationFrame(taken));
  held[method]();
})"""
FRAMES = "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"


@pytest.mark.parametrize("width", [1280, 390])
def test_without_scroll_anchoring_the_text_below_a_figure_stays_through_a_whole_run(
    width: int, new_reader: NewReader, staged: str
) -> None:
    reader = new_reader(staged, width=width, reduced_motion="reduce")
    page = reader.page
    page.evaluate(NO_ANCHORING)
    # A short verdict, the longest, one beside maps; with settings shut and open.
    for slug, settings in (("learning-rates", True), ("weight-scale", False), ("survival", False)):
        reader.slug = slug
        reader.wait_for_points(2)
        panel = reader.figure.locator("[data-panel]")
        if settings:
            panel.locator(".settings > summary").click()
        panel.locator("[name=seed]").evaluate(f"(field) => (field.value = {ENDS})")
        reader.figure.evaluate(WATCH)
        page.evaluate(FRAMES)
        # Pressed without a pointer, which would scroll there.
        panel.locator("[data-main]").evaluate("(button) => button.click()")
        reader.expect_state("finished")
        page.evaluate(FRAMES)
        seen = page.evaluate("seen")
        assert max(seen["places"]) - min(seen["places"]) <= 2, slug
        # Nothing shrinks on a press, to grow again at the end.
        assert seen["heights"] == sorted(seen["heights"]), slug
        assert panel.locator(".settings").evaluate("(element) => element.open") == settings


def test_a_panel_that_is_kept_high_shrinks_when_its_settings_are_closed(
    new_reader: NewReader, staged: str
) -> None:
    reader = new_reader(staged, width=390)
    panel = reader.figure.locator("[data-panel]")
    panel.locator(".settings > summary").click()
    reader.train(seed=ENDS)
    reader.expect_state("finished")
    high = panel.evaluate("(element) => element.offsetHeight")
    panel.locator(".settings > summary").click()
    assert panel.evaluate("(element) => element.offsetHeight") < high - 200


@pytest.mark.parametrize("key", ["Space", "Enter"])
def test_after_train_the_keys_that_scroll_leave_the_run_alone(
    key: str, new_reader: NewReader, staged: str
) -> None:
    reader = new_reader(staged, reduced_motion="reduce")
    reader.figure.locator("[name=seed]").evaluate(f"(field) => (field.value = {LINGERS})")
    reader.button("Train").focus()
    reader.page.keyboard.press(key)
    reader.expect_state("running")
    run = reader.figure.locator(".run")
    expect(run).to_be_focused()
    _scrolls_without_pressing(reader, key)
    expect(reader.figure).to_have_attribute("data-state", "running")

    run_id = reader.run_id()
    reader.page.keyboard.press("Tab")
    expect(reader.button("Stop")).to_be_focused()
    reader.page.keyboard.press(key)
    reader.expect_state("stopped")
    expect(run).to_be_focused()
    _scrolls_without_pressing(reader, key)
    expect(reader.figure).to_have_attribute("data-state", "stopped")
    assert reader.run_id() == run_id
    reader.page.keyboard.press("Tab")
    expect(reader.button("Train again")).to_be_focused()


@pytest.mark.parametrize(("first", "second"), [("DELETE", "GET"), ("GET", "DELETE")])
def test_a_reader_who_stops_a_run_and_goes_on_keeps_their_place(
    first: str, second: str, new_reader: NewReader, staged: str
) -> None:
    """The panel comes twice, as the answer to Stop and for the stream's end, in either order."""
    reader = new_reader("about:blank")
    reader.page.add_init_script(HOLD)
    reader.page.goto(staged)
    reader.train(seed=LINGERS, steps=10)
    reader.expect_state("running")
    reader.button("Stop").focus()
    reader.page.keyboard.press("Enter")
    reader.page.wait_for_function("() => held.DELETE && held.GET")
    reader.page.evaluate(LET_GO, first)
    reader.expect_state("stopped")
    expect(reader.figure.locator(".run")).to_be_focused()
    reader.page.keyboard.press("Tab")
    expect(reader.button("Train again")).to_be_focused()
    reader.page.evaluate(LET_GO, second)
    expect(reader.figure).to_have_attribute("data-state", "stopped")
    expect(reader.button("Train again")).to_be_focused()


def test_a_reader_whose_settings_are_refused_stays_in_the_field(
    new_reader: NewReader, staged: str
) -> None:
    reader = new_reader(staged)
    reader.figure.locator(".settings > summary").click()
    reader.figure.locator("[name=steps]").fill("400")
    seeds = reader.figure.locator("[name=seeds]")
    seeds.fill("10")
    seeds.press("Enter")
    expect(reader.figure.locator("[data-error]")).to_contain_text("seeds: should be at most")
    reader.page.evaluate(FRAMES)
    expect(seeds).to_be_focused()
    assert [error for error in reader.errors if "422" not in error] == []
    reader.errors.clear()


def _scrolls_without_pressing(reader: Reader, key: str) -> None:
    """Presses the key; Space scrolls by it. No request leaves the page."""
    asked: list[str] = []
    reader.page.on("request", lambda request: asked.append(request.method))
    before = reader.page.evaluate("scrollY")
    reader.page.keyboard.press(key)
    if key == "Space":
        reader.page.wait_for_function("before => scrollY > before + 100", arg=before)
    reader.page.evaluate(FRAMES)
    assert set(asked) <= {"GET"}
