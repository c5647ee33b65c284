"""A chart's name says what it shows: by the server and by the script in the same words."""

import json

import pytest
from playwright.sync_api import Page, expect

from app.experiments.metrics import ACCURACY
from app.web.plots import OVER_STEPS
from app.web.summary import Line, summary
from tests.browser.functions import call
from tests.browser.reader import Reader
from tests.courses import COURSES, NUMERALS

pytestmark = pytest.mark.browser

# What the drawing of the recorded run is called, and what the chart that took its place is.
NAMES = """(view) => [view.querySelector(".plot > svg").getAttribute("aria-label"),
  view.querySelector("canvas").getAttribute("aria-label")]"""
# With shares, bands, levels, and lines over something else than steps, their places named or not.
VARIED = ("learning-rates", "smoothness", "depth", "weight-scale")
NAMED = "(view) => !view.querySelector('canvas').ariaLabel.endsWith('each network')"


def test_a_line_is_told_as_the_server_tells_it(plain_page: Page) -> None:
    told = [_told(plain_page, line) for line, _ in COURSES]
    assert told == [f"Test loss (nats) over the step. A: {text}." for _, text in COURSES]


def _told(page: Page, line: Line) -> object:
    # JSON has no infinity; on the wire it is null, too.
    points = [{"x": x, "value": None if value == float("inf") else value} for x, value in line]
    lines = json.dumps([{"label": "A", "points": points}])
    given = f'title: "Test loss", unit: "nats", share: false, xTitle: "step", lines: {lines}'
    return call(page, "summary.js", f"m.summary({{{given}}})")


@pytest.mark.parametrize(("value", "digits", "text"), NUMERALS)
def test_a_number_is_written_as_the_server_writes_it(
    plain_page: Page, value: float, digits: int, text: str
) -> None:
    assert call(plain_page, "numbers.js", f"m.numeral({value!r}, {digits})") == text


def test_every_chart_has_the_name_of_the_drawing_whose_place_it_takes(reader: Reader) -> None:
    page = reader.page
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    charts = page.locator(", ".join(f"[data-view=chart][data-of={slug}]" for slug in VARIED))
    assert charts.count() > 3 * len(VARIED)
    for chart in charts.all():
        chart.evaluate("(view) => view.scrollIntoView()")
        live = "(view) => view.querySelector('[data-live]')"
        page.wait_for_function(live, arg=chart.element_handle())
    for chart in charts.all():
        page.wait_for_function(NAMED, arg=chart.element_handle())
        drawn, live = chart.evaluate(NAMES)
        assert live == drawn


def test_a_live_chart_is_named_by_what_its_run_measured(reader: Reader) -> None:
    reader.train(steps=10, seed=1)
    reader.expect_state("finished")
    lines = reader.curves()["test_accuracy"]
    points = [(label, [(x, y) for x, y in line]) for label, line in lines.items()]
    canvas = reader.figure.locator("[data-chart=test_accuracy] canvas")
    expect(canvas).to_have_attribute("aria-label", summary(ACCURACY, OVER_STEPS, points))
