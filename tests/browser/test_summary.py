"""A chart's name says what it shows."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.reader import Reader

pytestmark = pytest.mark.browser


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
