"""A chart's name says what it shows."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.functions import call
from tests.browser.reader import Reader

pytestmark = pytest.mark.browser

Line = list[tuple[float, float | None]]

COURSES: list[tuple[Line, str]] = [
    (
        [(0, 2.31), (2, 2.404), (4, 0.3), (6, 0.5)],
        "first 2.31 at 0, greatest 2.4 at 2, least 0.3 at 4, last 0.5 at 6",
    ),
    ([(0, 2.0), (2, 1.0)], "first and greatest 2 at 0, least and last 1 at 2"),
    ([(0, 1.0), (2, 1.0), (4, 2.0)], "first and least 1 at 0, greatest and last 2 at 4"),
    ([(0, 2.0), (2, 2.0), (4, 2.0001)], "2 from 0 to 4"),
    ([(8, 2.5e6)], "2.5·10⁶ at 8"),
    (
        [(0, 2.0), (2, 3.0), (4, None), (6, float("inf"))],
        "first and least 2 at 0, greatest and last 3 at 2, not finite from 4 on",
    ),
    (
        [(0, None), (2, 3.0), (4, 2.0)],
        "first and greatest 3 at 2, least and last 2 at 4, not finite at 1 of 3 places",
    ),
    ([(0, None)], "not finite from 0 on"),
]
# value, digits, as it is written
NUMERALS: list[tuple[float, int, str]] = [
    (0, 3, "0"),
    (-0.0, 3, "0"),
    (1.125, 3, "1.13"),  # a tie
    (-1.125, 3, "−1.13"),
    (9999, 3, "9,999"),
    (0.0009996, 3, "10⁻³"),
    (-1e6, 3, "−10⁶"),
    (-7.5e8, 3, "−7.5·10⁸"),
    (1234.5678, 3, "1,235"),
    (-1234.5678, 6, "−1,234.57"),
    (999.96, 3, "1,000"),
    (0.1 + 0.2, 6, "0.3"),
]


def told(page: Page, line: Line, more: str = "") -> object:
    # JSON has no infinity; on the wire it is null, too.
    points = [{"x": x, "value": None if value == float("inf") else value} for x, value in line]
    lines = json.dumps([{"label": "A", "points": points}])
    given = (
        f'title: "Test loss", unit: "nats", share: false, xTitle: "step", lines: {lines}, {more}'
    )
    return call(page, "charts/summary.js", f"m.summary({{{given}}})")


def test_a_line_is_told_by_its_ends_and_its_extremes(plain_page: Page) -> None:
    said = [told(plain_page, line) for line, _ in COURSES]
    assert said == [f"Test loss (nats) over the step. A: {text}." for _, text in COURSES]


@pytest.mark.parametrize(("value", "digits", "text"), NUMERALS)
def test_a_number_has_few_digits(plain_page: Page, value: float, digits: int, text: str) -> None:
    assert call(plain_page, "text/numbers.js", f"m.numeral({value!r}, {digits})") == text


def test_a_share_is_told_in_percent(plain_page: Page) -> None:
    said = told(plain_page, [(0, 0.0625), (2, -0.0004), (4, -0.01)], "share: true")
    assert str(said).endswith("A: first and greatest 6.3% at 0, least and last −1.0% at 4.")


def test_names_stand_for_places_and_levels_are_told(plain_page: Page) -> None:
    levels = '[{label: "2/rate", value: 20}, {label: "decay", value: 20, until: 1e-4}]'
    more = f'names: [[-2, "¼"], [0, "1"]], levels: {levels}'
    assert told(plain_page, [(-2, 2), (0, 1)], more) == (
        "Test loss (nats) over the step. A: first and greatest 2 at ¼, least and last 1 at 1. "
        "Dotted line, 2/rate: 20. Dotted line, decay: from 20 to 10⁻⁴."
    )


def test_nothing_measured_is_told_too(plain_page: Page) -> None:
    assert told(plain_page, []) == "Test loss (nats) over the step: nothing measured yet."


def test_a_live_chart_is_named_by_what_its_run_measured(reader: Reader) -> None:
    reader.train(steps=10, seed=1)
    reader.expect_state("finished")
    line = reader.curves()["test_accuracy"]["Plain, rate 0.1"]
    canvas = reader.figure.locator("[data-chart=test_accuracy] canvas")
    first, last = (f"{value:.1%}" for value in (line[0][1], line[-1][1]))
    expect(canvas).to_have_attribute(
        "aria-label", re.compile(rf"Plain, rate 0.1: first .*{first} at 0")
    )
    expect(canvas).to_have_attribute("aria-label", re.compile(rf"last {last} at 10"))
