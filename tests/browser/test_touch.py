"""Fingers: on a point they drag it, beside it and on charts they scroll the page."""

import pytest
from playwright.sync_api import CDPSession, Page

from tests.browser.conftest import NewReader
from tests.support.processes import Server

pytestmark = pytest.mark.browser

FRAMES = "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"


@pytest.fixture
def page(new_reader: NewReader, server: Server) -> Page:
    touching = {"has_touch": True, "is_mobile": True, "reduced_motion": "reduce"}
    return new_reader(server.url, width=390, **touching).page


@pytest.fixture
def fingers(page: Page) -> CDPSession:
    return page.context.new_cdp_session(page)


def touch(fingers: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    at = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})


def swipe(
    page: Page, fingers: CDPSession, at: tuple[float, float], by: tuple[float, float]
) -> float:
    """Moves a finger by so many pixels, in ten steps; how far the page has scrolled."""
    before = page.evaluate("scrollY")
    touch(fingers, "touchStart", at)
    for tenth in range(1, 11):
        touch(fingers, "touchMove", (at[0] + by[0] * tenth / 10, at[1] + by[1] * tenth / 10))
        page.evaluate(FRAMES)
    touch(fingers, "touchEnd")
    page.evaluate(FRAMES)
    scrolled: float = page.evaluate("scrollY") - before
    return scrolled


def middle_of(page: Page, selector: str) -> tuple[float, float]:
    page.locator(selector).first.evaluate("element => element.scrollIntoView({block: 'center'})")
    box = page.locator(selector).first.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("by", [(0, -60), (0, 60), (-40, 40), (50, 0)])
def test_a_finger_on_a_point_drags_it_and_the_page_stays(
    by: tuple[float, float], page: Page, fingers: CDPSession
) -> None:
    # Another point may lie over this one.
    at = middle_of(page, "#widget-batch [data-point='0']")
    held = page.evaluate("([x, y]) => document.elementFromPoint(x, y).dataset.point", list(at))
    before = middle_of(page, f"#widget-batch [data-point='{held}']")
    assert swipe(page, fingers, before, by) == 0
    after = page.locator(f"#widget-batch [data-point='{held}']").bounding_box()
    assert after is not None
    moved = (after["x"] + after["width"] / 2, after["y"] + after["height"] / 2)
    assert moved == pytest.approx((before[0] + by[0], before[1] + by[1]), abs=2)
    assert page.locator("#widget-batch [data-held]").count() == 0


def test_beside_the_points_and_on_charts_a_finger_scrolls_the_page(
    page: Page, fingers: CDPSession
) -> None:
    middle_of(page, "#widget-batch .stage svg")
    corner = page.locator("#widget-batch .stage svg .field").bounding_box()
    assert corner is not None
    beside = (corner["x"] + corner["width"] - 12, corner["y"] + corner["height"] - 12)
    assert swipe(page, fingers, beside, (0, -80)) > 40
    for place in ("#drawing-lipschitz svg", "#figure-learning-rates canvas", "#figure-survival td"):
        middle_of(page, place)
        page.evaluate(FRAMES)
        assert swipe(page, fingers, middle_of(page, place), (0, -80)) > 40, place


def test_a_drag_that_the_browser_takes_away_ends_cleanly(page: Page, fingers: CDPSession) -> None:
    at = middle_of(page, "#widget-batch [data-point='0']")
    touch(fingers, "touchStart", at)
    touch(fingers, "touchMove", (at[0] + 10, at[1]))
    page.locator("#widget-batch [data-held]").wait_for(state="attached")
    touch(fingers, "touchCancel")
    page.locator("#widget-batch [data-held]").wait_for(state="detached")
    assert swipe(page, fingers, middle_of(page, "#widget-batch [data-point='0']"), (0, 30)) == 0


@pytest.mark.parametrize("place", ["#widget-batch .stage svg", "#figure-learning-rates canvas"])
def test_two_fingers_zoom(place: str, page: Page, fingers: CDPSession) -> None:
    x, y = middle_of(page, place)
    scale = page.evaluate("visualViewport.scale")
    touch(fingers, "touchStart", (x - 10, y), (x + 10, y))
    for apart in range(20, 120, 10):
        touch(fingers, "touchMove", (x - apart, y), (x + apart, y))
        page.evaluate(FRAMES)
    touch(fingers, "touchEnd")
    page.wait_for_function("scale => visualViewport.scale > 1.5 * scale", arg=scale)
