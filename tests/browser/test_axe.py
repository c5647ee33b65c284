"""axe-core finds nothing: on the whole page, and in every state of a figure."""

import pytest
from playwright.sync_api import expect

from tests.browser.axe import (
    COLOURS,
    keep_only,
    unsure,
    violations,
    violations_in_both_themes,
)
from tests.browser.conftest import NewReader
from tests.browser.reader import Reader
from tests.browser.staged import ENDS, FAILS, LINGERS
from tests.support.processes import Server

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
# With maps of a sweep, with surfaces, with histograms.
PICTURED = ("survival", "loss-surface", "covariate-shift")


def test_axe_finds_nothing_on_the_whole_page(reader: Reader) -> None:
    page = reader.page
    # The drawing clips these lines; to axe their boxes hide the text around it.
    page.evaluate("document.querySelectorAll('.contour').forEach((line) => line.remove())")
    assert violations_in_both_themes(page) == []
    assert unsure(page) == []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert violations(page, without=COLOURS) == []


@pytest.mark.parametrize("width", [1280, pytest.param(390, marks=pytest.mark.long)])
def test_axe_finds_nothing_in_any_state_of_a_figure(
    width: int, new_reader: NewReader, staged: str
) -> None:
    reader = new_reader(staged, width=width)
    page, figure = reader.page, "#figure-learning-rates"
    keep_only(page, figure)
    reader.look(details=True)
    reader.expect_state("recorded")
    page.locator(f"{figure} .settings summary").click()
    assert violations_in_both_themes(page) == []

    reader.train(seed=LINGERS, steps=400, seeds=10)
    expect(reader.figure.locator("[data-error]")).to_contain_text("at most 5")
    assert violations_in_both_themes(page, figure) == []
    reader.errors.clear()  # the browser reports the refusal on its console

    other = new_reader(staged)
    other.slug = "sigmoid"
    other.train(seed=LINGERS)
    other.expect_state("running")
    reader.train(seed=LINGERS, steps=10, seeds=1)
    reader.expect_state("queued")
    assert violations_in_both_themes(page, figure) == []
    other.button("Stop").click()
    reader.expect_state("running")
    assert violations_in_both_themes(page, figure) == []
    reader.button("Stop").click()
    reader.expect_state("stopped")
    assert violations_in_both_themes(page, figure) == []

    reader.train(seed=FAILS, seeds=1)
    reader.expect_state("failed")
    assert violations_in_both_themes(page, figure) == []
    reader.train(seed=ENDS, seeds=2)
    reader.expect_state("finished")
    page.locator(f"{figure} .receipt summary").click()
    assert violations_in_both_themes(page, figure) == []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert violations_in_both_themes(page, figure) == []


def test_axe_finds_nothing_in_maps_surfaces_and_histograms(reader: Reader) -> None:
    page = reader.page
    keep_only(page, ", ".join(f"#figure-{slug}" for slug in PICTURED))
    for slug in PICTURED:
        reader.slug = slug
        reader.wait_for_points(2)
    assert violations_in_both_themes(page) == []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert violations(page, without=COLOURS) == []


def test_axe_finds_nothing_among_the_comments(new_reader: NewReader, server: Server) -> None:
    page = new_reader(f"{server.url}/comments").page
    assert violations_in_both_themes(page) == []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert violations_in_both_themes(page) == []
