"""The drawing of two losses: one point slides along both, with the cone and the parabola there."""

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NewReader
from tests.browser.losses import CEILING, FLOOR, LOW, ROUGH, SMOOTH, TOUCH, Loss
from tests.browser.reader import Reader
from tests.support.processes import Server

pytestmark = pytest.mark.browser


@dataclass
class Drawing:
    """The drawing as a reader handles it."""

    page: Page

    @property
    def element(self) -> Locator:
        return self.page.locator("[data-drawing=lipschitz]")

    @property
    def slider(self) -> Locator:
        return self.element.get_by_label("touching point")

    def at(self) -> float:
        return float(str(self.element.get_attribute("data-touch")))

    def panel(self, loss: Loss) -> Locator:
        return self.element.locator(".loss").filter(has_text=loss.title)

    def part(self, loss: Loss, name: str) -> list[float]:
        """The numbers in a part's path."""
        path = str(self.panel(loss).locator(f"[data-part={name}]").get_attribute("d"))
        return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", path)]


@pytest.fixture
def drawing(reader: Reader) -> Drawing:
    return Drawing(reader.page)


def assert_touches_at(drawing: Drawing, x: float) -> None:
    """All parts are where the loss, its slope and its curvature put them."""
    assert drawing.at() == pytest.approx(x)
    for loss in (ROUGH, SMOOTH):
        y, slope, beta = loss.value(x), loss.slope(x), loss.smoothness
        bottom, depth = x - slope / beta, y - slope**2 / (2 * beta)
        assert drawing.part(loss, "touch")[:2] == pytest.approx([x, y], abs=1e-3)
        assert drawing.part(loss, "vertex")[:2] == pytest.approx([bottom, depth], abs=1e-3)
        # The cone: on either side of the point its edges rise or fall by K for each unit.
        cone = drawing.part(loss, "cone")
        for half, edge in ((cone[:5], CEILING), (cone[5:], FLOOR)):
            left, right = half[2], half[4]
            assert half[3] == edge
            assert [x - left, right - x] == pytest.approx([abs(edge - y) / loss.lipschitz] * 2)
        # The parabola: a quadratic Bézier curve from edge to edge, of curvature β everywhere.
        left, top, middle, control, right, _ = drawing.part(loss, "parabola")
        assert top == CEILING
        assert middle == pytest.approx(bottom)
        assert top - control == pytest.approx(2 * (top - depth))
        assert 2 * (top - depth) / (right - middle) ** 2 == pytest.approx(beta)
        step = float(str(drawing.panel(loss).get_attribute("data-step")))
        assert step == pytest.approx(-slope / beta)
        expect(drawing.panel(loss)).to_contain_text(f"step {abs(step):.2f}")


def test_the_point_lies_where_the_slider_has_it_at_first(drawing: Drawing) -> None:
    assert_touches_at(drawing, TOUCH)


def test_the_constants_shown_are_those_of_the_curves_shown(drawing: Drawing) -> None:
    for loss in (ROUGH, SMOOTH):
        panel = drawing.panel(loss)
        for name, constant in (("lipschitz", loss.lipschitz), ("smoothness", loss.smoothness)):
            assert float(str(panel.get_attribute(f"data-{name}"))) == pytest.approx(constant)
            expect(panel).to_contain_text(f"= {constant:.2f}")


def test_the_point_goes_by_keyboard_alone(drawing: Drawing) -> None:
    drawing.slider.focus()
    drawing.page.keyboard.press("ArrowRight")
    assert_touches_at(drawing, TOUCH + 0.02)
    drawing.page.keyboard.press("Home")
    assert_touches_at(drawing, LOW)


@pytest.mark.parametrize("loss", [ROUGH, SMOOTH], ids=lambda loss: str(loss.title))
def test_a_pointer_drags_the_point_in_either_panel(drawing: Drawing, loss: Loss) -> None:
    svg = drawing.panel(loss).locator("svg")
    svg.scroll_into_view_if_needed()
    box = svg.bounding_box()
    assert box
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    drawing.page.mouse.move(*middle)
    assert drawing.at() == TOUCH  # to hover is not to drag
    drawing.page.mouse.down()
    assert_touches_at(drawing, 0)
    drawing.page.mouse.move(box["x"] + box["width"] * 3 / 4, middle[1], steps=3)
    held = drawing.at()
    assert held == pytest.approx(1.5, abs=0.05)
    drawing.page.mouse.up()
    drawing.page.mouse.move(*middle)
    assert drawing.at() == held
    expect(drawing.slider).to_have_value(f"{held:g}")


def test_without_scripts_both_losses_stand_still_and_the_slider_is_gone(
    new_reader: NewReader, server: Server
) -> None:
    element = Drawing(new_reader(server.url, java_script_enabled=False).page).element
    expect(element.locator("img:visible")).to_have_count(2)
    for loss in (ROUGH, SMOOTH):
        said = element.locator(".still p").filter(has_text=loss.title)
        expect(said).to_contain_text(f"{loss.lipschitz:.2f}")
        expect(said).to_contain_text(f"{loss.smoothness:.2f}")
    expect(element.locator("input")).to_be_hidden()
