"""A view that can't be loaded, made or drawn says so in its place, and nothing of an older run
stands under a newer one's verdict.
"""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import NewReader
from tests.browser.reader import CURVES, Reader
from tests.browser.staged import ENDS

pytestmark = pytest.mark.browser

# Kind of view → its module, and a figure that has one.
KINDS = {
    "chart": ("charts/chart.js", "covariate-shift"),
    "histogram": ("charts/histogram.js", "covariate-shift"),
    "scrubber": ("charts/scrubber.js", "covariate-shift"),
    "surface": ("charts/surface.js", "loss-surface"),
}
# What of the first figure is not in a closed group.
OPEN = "[data-figure=learning-rates] > .charts"
METHOD = re.compile(r"^  (constructor|reset|append|#draw)\((.*)\) \{$", re.MULTILINE)
# Each method throws while its name is in `window.broken`.
BREAKS = r"""  \1(\2) {
    if (window.broken?.includes("\1")) throw new Error("broken for a test");"""

# Of each of a figure's views that could show something older than the run: its kind.
STALE = """(slug) => [...document.querySelectorAll(`[data-of="${slug}"]`)]
  .filter((view) => view.dataset.drawn !== "run")
  .filter((view) => [...view.children].some((part) => !part.matches(".name, .trouble")
    && part.checkVisibility({ visibilityProperty: true })))
  .map((view) => view.dataset.view)"""
LAST_VALUES = f"""(figure) => [...new Set(Object.values(({CURVES})(figure))
  .flatMap((lines) => Object.values(lines).filter((line) => line.length))
  .map((line) => line.at(-1)[1]))]"""


def forgive(reader: Reader, *expected: str) -> None:
    """Of all that the page complained of, nothing was unexpected."""
    assert [e for e in reader.errors if not any(text in e for text in expected)] == []
    reader.errors.clear()


def broken(reader: Reader, *methods: str) -> None:
    reader.page.evaluate("(methods) => (window.broken = methods)", list(methods))


def finish(reader: Reader) -> None:
    """Trains a run to its end; nothing older than it is to be seen then."""
    panel = reader.figure.locator("[data-panel] > .run")
    earlier = panel.get_attribute("data-run") or ""
    reader.train(seed=ENDS, steps=10)
    newer = f".run[data-run-state=finished]:not([data-run='{earlier}'])"
    reader.figure.locator(newer).wait_for(state="attached")
    reader.expect_state("finished")
    expect(reader.figure.locator(".verdict")).not_to_be_empty()
    reader.curves()
    assert reader.page.evaluate(STALE, reader.slug) == []
    for value in reader.figure.evaluate(LAST_VALUES):
        assert value == pytest.approx(1 / 11)


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_that_fails_says_so_and_is_drawn_when_it_is_tried_again(
    kind: str, staged: str, new_reader: NewReader
) -> None:
    module, slug = KINDS[kind]
    reader = new_reader("about:blank")
    reader.slug = slug
    lost = True

    def serve(route: Route) -> None:
        if lost:
            route.abort()
            return
        answer = route.fetch()
        route.fulfill(response=answer, body=METHOD.sub(BREAKS, answer.text()))

    reader.page.route(f"**/js/{module}*", serve)
    reader.page.clock.install()  # nothing is tried again by itself
    reader.page.goto(staged)
    view = reader.figure.locator(f"[data-view={kind}]").first
    said = view.locator("[data-trouble]")
    again = said.get_by_role("button", name="Try again")
    reader.look()
    expect(said).to_contain_text("did not load")
    finish(reader)
    expect(said).to_contain_text("did not load")
    lost = False
    again.click()
    expect(said).to_have_count(0)
    expect(view).to_have_attribute("data-drawn", "run")
    assert reader.page.evaluate(STALE, slug) == []

    for method in ("append", "reset", "#draw"):
        broken(reader, method)
        finish(reader)
        expect(said).to_contain_text("could not be drawn")
        broken(reader, "constructor")
        again.click()
        expect(said.get_by_role("button", name="Try again")).to_be_enabled()
        expect(said).to_contain_text("could not be drawn")
        broken(reader)
        again.click()
        expect(said).to_have_count(0)
        expect(view).to_have_attribute("data-drawn", "run")
    finish(reader)
    forgive(reader, "broken for a test", "ERR_FAILED")


def test_a_library_that_is_missing_leaves_no_chart_and_is_asked_for_again(
    staged: str, new_reader: NewReader
) -> None:
    reader = new_reader("about:blank")
    reader.page.route(
        "**/vendor/chart-*", lambda route: route.fulfill(body="<p>Log in", content_type="text/html")
    )
    reader.page.goto(staged)
    reader.look()
    finish(reader)
    charts = reader.page.locator(f"{OPEN} [data-view=chart]")
    expect(charts.first.locator("[data-trouble]")).to_contain_text("did not load")
    reader.page.unroute("**/vendor/chart-*")
    # Without a press: what did not load is asked for again.
    for chart in charts.all():
        expect(chart).to_have_attribute("data-drawn", "run")
        expect(chart.locator("[data-trouble]")).to_have_count(0)
    assert reader.figure.evaluate(LAST_VALUES) == [pytest.approx(1 / 11)]


def test_a_canvas_that_nothing_can_be_drawn_on_is_a_failure(
    staged: str, new_reader: NewReader
) -> None:
    reader = new_reader("about:blank")
    reader.page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    reader.page.goto(staged)
    reader.look()
    finish(reader)
    expect(reader.figure.locator("[data-trouble]").first).to_contain_text("could not be drawn")
    forgive(reader, "canvas context", "can't acquire context")


@pytest.mark.parametrize(
    "what", ["js/charts/chart.js", "js/charts/axes.js", "vendor/chart-*", "recordings/*"]
)
def test_a_page_from_before_an_upgrade_asks_to_be_reloaded(
    what: str, staged: str, new_reader: NewReader
) -> None:
    reader = new_reader("about:blank")
    reader.page.route(f"**/{what}", lambda route: route.fulfill(status=404))
    reader.page.goto(staged)
    reader.look()
    said = reader.figure.locator("[data-trouble]").first
    expect(said).to_contain_text("This page has been updated")
    # The recorded picture stands until a run begins, and says what it is.
    expect(reader.figure.locator(".recorded").first).to_be_visible()
    expect(reader.figure.locator(".plot img").first).to_be_visible()
    finish(reader)
    if "recordings" not in what:
        expect(said).to_contain_text("This page has been updated")
    reader.page.unroute(f"**/{what}")
    if "recordings" not in what:
        said.get_by_role("button", name="Reload").click()
        reader.expect_state("finished")
        expect(reader.figure.locator("[data-view=chart]").first).to_have_attribute(
            "data-drawn", "run"
        )
    expect(reader.figure.locator("[data-trouble]")).to_have_count(0)
    forgive(reader, "404")


def test_a_recording_that_does_not_come_is_said_to_be_missing_and_asked_for_again(
    staged: str, new_reader: NewReader
) -> None:
    reader = new_reader("about:blank")
    reader.page.route("**/recordings/*", lambda route: route.fulfill(body="<p>Log in"))
    reader.page.goto(staged)
    reader.look()
    said = reader.figure.locator("[data-trouble]")
    expect(said).to_contain_text("The numbers of the recorded run did not load")
    expect(reader.figure.locator(".plot img").first).to_be_visible()
    expect(reader.figure.locator(".recorded").first).to_be_visible()
    reader.page.unroute("**/recordings/*")
    said.get_by_role("button", name="Try again").click()
    reader.wait_for_points(51)
    expect(said).to_have_count(0)


def test_the_recorded_run_is_called_recorded_as_long_as_it_stands(
    staged: str, new_reader: NewReader
) -> None:
    reader = new_reader(f"{staged}/?figure=learning-rates&seed={ENDS}&steps=10")
    reader.wait_for_points(51)
    labels = reader.page.locator(f"{OPEN} .recorded")
    for label in labels.all():
        expect(label).to_be_visible()
    reader.button("Train").first.click()
    reader.expect_state("finished")
    for label in labels.all():
        expect(label).to_be_hidden()
