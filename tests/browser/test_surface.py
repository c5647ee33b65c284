"""The maps of the loss around trained weights."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NewReader
from tests.browser.functions import call
from tests.browser.reader import PATIENCE_MS, Reader
from tests.support.processes import Server

pytestmark = pytest.mark.browser


@pytest.fixture
def reader(new_reader: NewReader, server: Server) -> Reader:
    """A reader in front of the figure, whose recording is drawn."""
    reader = new_reader(server.url)
    reader.slug = "loss-surface"
    reader.look()
    expect(maps(reader)).to_have_attribute("data-live", "")
    maps(reader).locator(".contour").first.wait_for(state="attached")
    return reader


def maps(reader: Reader) -> Locator:
    return reader.figure.locator("[data-view=surface]")


def test_both_maps_share_one_scale(reader: Reader) -> None:
    rects = maps(reader).locator("[data-scale] rect")
    on_scale = {rect.get_attribute("class") for rect in rects.all()}
    assert len(on_scale) == rects.count() > 3
    for arm in ("cnn", "bn"):
        contours = maps(reader).locator(f"[data-arm={arm}] .contour").all()
        used = [str(path.get_attribute("class")).removesuffix(" contour") for path in contours]
        assert set(used) == on_scale  # a band that a map lacks is there, and empty


def test_the_loss_is_read_in_both_maps_at_one_place(reader: Reader) -> None:
    reading = maps(reader).locator("[data-reading]")
    frame = maps(reader).locator("[data-map]").first
    frame.focus()
    expect(reading).to_have_text(
        re.compile(r"At 0\.00 along .* 0\.00 along .*: Plain 0\.\d+, BatchNorm 0\.\d+\.")
    )
    reader.page.keyboard.press("ArrowRight")
    expect(reading).to_contain_text(re.compile(r"At 0\.1[0-9] along"))
    reader.page.keyboard.press("ArrowDown")
    expect(reading).to_contain_text(re.compile(r"−0\.1[0-9] along the second"))
    for _ in range(20):
        reader.page.keyboard.press("ArrowUp")
    expect(reading).to_contain_text("1.00 along the second")
    reader.figure.locator("[data-arm=bn] .frame").hover(position={"x": 2, "y": 2})
    expect(reading).to_contain_text("At −1.00 along the first and 1.00")


def test_the_maps_fill_row_by_row_while_the_run_is_going(reader: Reader) -> None:
    reader.train(steps=10, resolution=15)
    reader.expect_state("running")
    status = reader.figure.locator("[data-status]")
    expect(status).to_contain_text(
        re.compile(r"Mapping the loss: row \d+ of \d+"), timeout=PATIENCE_MS
    )
    contour = maps(reader).locator(".contour")
    contour.first.wait_for(state="attached", timeout=PATIENCE_MS)
    height = "field => Number(field.querySelector('svg').getAttribute('height'))"
    field = maps(reader).locator("[data-field]:has(.contour)").first
    early = field.evaluate(height)
    assert reader.figure.get_attribute("data-state") == "running"
    reader.expect_state("finished")
    assert field.evaluate(height) > early
    for arm in ("cnn", "bn"):
        assert maps(reader).locator(f"[data-arm={arm}] .contour").count() > 0
    lines = reader.curves()["line"]
    assert set(lines) == {"Plain", "BatchNorm"}
    for line in lines.values():
        places = [place for place, _ in line]
        assert places == pytest.approx([-0.5 + 0.05 * k for k in range(41)])


@pytest.mark.parametrize(
    ("low", "high", "edges"),
    [
        (0.37, 2.4, [0.32, 0.4, 0.5, 0.63, 0.8, 1, 1.25, 1.6, 2, 2.5]),
        (0.9, 1.0, [0.8, 1]),
        (1, 1, [1, 1.25]),
        (0.1, 20, [0.1, 0.16, 0.25, 0.4, 0.63, 1, 1.6, 2.5, 4, 6.3, 10, 16, 25]),
        (0.02, 40, [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]),
    ],
)
def test_the_edges_are_round_and_lie_around_the_losses(
    low: float, high: float, edges: list[float], plain_page: Page
) -> None:
    assert call(plain_page, "charts/shades.js", f"m.lossEdges({low}, {high})") == pytest.approx(
        edges
    )


def test_there_are_never_more_bands_than_shades(plain_page: Page) -> None:
    for low, high in ((1e-9, 1e9), (1e-3, 1e3), (0.2, 3.5), (2, 2)):
        assert 2 <= len(call(plain_page, "charts/shades.js", f"m.lossEdges({low}, {high})")) <= 13
    for bands in range(1, 13):
        of_all = f"Array.from({{length: {bands}}}, (_, band) => m.shadeOf(band, {bands}))"
        shades = call(plain_page, "charts/shades.js", of_all)
        assert shades[0] == 0
        assert len(set(shades)) == bands
        assert shades[-1] == (11 if bands > 1 else 0)
