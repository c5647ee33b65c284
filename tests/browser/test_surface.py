"""The maps of the loss around trained weights."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import NewReader
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
