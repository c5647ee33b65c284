"""Widget bowl by pointer and keyboard: what the inputs do to the shape of the error."""

import math
import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NewReader
from tests.browser.reader import Reader
from tests.support.processes import Server

pytestmark = pytest.mark.browser

MINIMUM = (1, 1)
START = (-0.4, 3.4)
GOAL = 0.01
# As they come, the inputs have mean 2.5, and deviations 1 and 0.5: their mean squared error has the
# Hessian 2·E[x xᵀ].
RAW = ((14.5, 12.5), (12.5, 13.0))

Places = list[tuple[float, float]]


@dataclass
class BowlWidget:
    """Widget bowl as a reader handles it."""

    page: Page

    @property
    def element(self) -> Locator:
        return self.page.locator("[data-widget=bowl]")

    def button(self, name: str) -> Locator:
        return self.element.get_by_role("button", name=name)

    def rest(self) -> None:
        self.page.locator("[data-widget=bowl]:not([data-moving])").wait_for(state="attached")

    def slide(self, name: str, value: float) -> None:
        self.element.locator(f"[data-slide={name}]").fill(str(value))

    def number(self, name: str) -> float:
        return float(self.word(name))

    def word(self, name: str) -> str:
        return str(self.element.get_attribute(f"data-{name}"))

    def places(self, kind: str) -> Places:
        """Where the dots of one kind are drawn, in the units of their plane."""
        path = str(self.element.locator(f".stage .{kind}").first.get_attribute("d"))
        return [(float(x), float(y)) for x, y in re.findall(r"M(\S+) (\S+)h0", path)]

    def error(self, *places: tuple[float, float]) -> list[float]:
        """The mean squared error at two weights, by its definition, of the inputs as drawn."""
        dots = self.places("dots")
        steps = [(w1 - MINIMUM[0], w2 - MINIMUM[1]) for w1, w2 in places]
        return [math.fsum((d1 * x1 + d2 * x2) ** 2 for x1, x2 in dots) / 60 for d1, d2 in steps]

    def on_contour(self, index: int, *degrees: float) -> Places:
        """Places on a drawn contour line."""
        line = self.element.locator(".stage .contour").nth(index)
        rx, ry = (float(str(line.get_attribute(name))) for name in ("rx", "ry"))
        turn = str(line.locator("..").get_attribute("transform"))
        tilt = math.radians(float(turn.partition("rotate(")[2].rstrip(")")))
        axes = [
            (rx * math.cos(turned), ry * math.sin(turned)) for turned in map(math.radians, degrees)
        ]
        return [
            (
                MINIMUM[0] + along * math.cos(tilt) - across * math.sin(tilt),
                MINIMUM[1] + along * math.sin(tilt) + across * math.cos(tilt),
            )
            for along, across in axes
        ]


@pytest.fixture
def bowl(still_page: Page) -> BowlWidget:
    bowl = BowlWidget(still_page)
    bowl.button("Start over").click()
    return bowl


@pytest.mark.parametrize("correlation", [0, 0.6, -0.95])
def test_the_lines_are_contours_of_the_error_of_the_points_that_are_shown(
    bowl: BowlWidget, correlation: float
) -> None:
    bowl.slide("correlation", correlation)
    for index, level in ((0, 2**6), (6, 1), (11, 2**-5)):
        first, *others = bowl.error(START, *bowl.on_contour(index, 0, 50, 90, 200))
        assert others == pytest.approx([level * first] * 4)


def test_the_widget_opens_with_the_bowl_of_its_inputs(bowl: BowlWidget) -> None:
    (a, b), (_, c) = RAW
    middle, radius = (a + c) / 2, math.hypot((a - c) / 2, b)
    assert bowl.number("condition") == pytest.approx((middle + radius) / (middle - radius))
    assert bowl.number("steps") == 25
    bowl.button("Normalise the inputs").click()
    assert bowl.number("condition") == pytest.approx(1, abs=1e-3)
    assert bowl.number("steps") == 1


def test_the_steps_counted_are_those_that_lead_to_one_percent(bowl: BowlWidget) -> None:
    bowl.slide("rate", 0.6)
    path = bowl.places("stops")
    assert len(path) - 1 == bowl.number("steps")
    assert path[0] == START
    first, last_but_one, last = bowl.error(START, *path[-2:])
    assert last <= GOAL * first < last_but_one
    expect(bowl.element.locator("[data-show=steps]")).to_have_text(f"{len(path) - 1}")


def test_offset_and_scale_stretch_the_bowl(bowl: BowlWidget) -> None:
    bowl.slide("offset", 0)
    bowl.slide("scale", 1)
    assert bowl.number("condition") == pytest.approx(1)
    bowl.slide("scale", 0.5)
    assert bowl.number("condition") == pytest.approx(4)
    bowl.slide("scale", 1)
    bowl.slide("offset", 2)
    assert bowl.number("condition") == pytest.approx(1 + 2 * 2**2)


def test_normalised_the_bowl_is_round_whatever_offset_and_scale(bowl: BowlWidget) -> None:
    bowl.button("Normalise the inputs").click()
    for offset, scale in ((2.5, 0.5), (0, 0.2), (3, 1.5)):
        bowl.slide("offset", offset)
        bowl.slide("scale", scale)
        assert bowl.number("condition") == pytest.approx(1, abs=1e-3)
        assert bowl.number("steps") == 1
        x1, x2 = zip(*bowl.places("dots"), strict=True)
        for values in (x1, x2):
            assert math.fsum(values) / 60 == pytest.approx(0, abs=1e-9)
            assert math.fsum(value**2 for value in values) / 60 == pytest.approx(1, abs=1e-3)
    expect(bowl.element.locator("[data-status]")).to_contain_text("Round")


def test_normalising_each_input_alone_leaves_what_correlation_does(bowl: BowlWidget) -> None:
    bowl.button("Normalise the inputs").click()
    for correlation in (0.6, -0.6):
        bowl.slide("correlation", correlation)
        assert bowl.number("condition") == pytest.approx(4, rel=1e-3)
    expect(bowl.element.locator("[data-status]")).to_contain_text("(1 + 0.60) / (1 − 0.60)")


def test_beyond_its_limit_the_rate_makes_the_descent_diverge(bowl: BowlWidget) -> None:
    kappa = bowl.number("condition")
    limit = 1 + 1 / kappa  # as a share of the best rate
    bowl.slide("rate", math.floor(limit * 100) / 100)
    assert bowl.word("outcome") == "arrived"
    bowl.slide("rate", math.ceil(limit * 100 + 1) / 100)
    assert bowl.word("outcome") == "diverged"
    expect(bowl.element.locator("[data-show=steps]")).to_have_text("diverges")
    bowl.button("Normalise the inputs").click()
    assert bowl.word("outcome") == "arrived"


def test_every_bowl_and_rate_within_the_sliders_has_an_outcome(bowl: BowlWidget) -> None:
    """Also the narrowest: the best rate arrives; the slowest may be capped, and says so."""
    bowl.slide("offset", 3)
    bowl.slide("scale", 0.2)
    for correlation in (-0.95, 0, 0.95):
        bowl.slide("correlation", correlation)
        bowl.slide("rate", 1)
        assert bowl.word("outcome") == "arrived"
        bowl.slide("rate", 0.05)
        assert bowl.word("outcome") == "capped"
        expect(bowl.element.locator("[data-show=steps]")).to_have_text("over 500")
        bowl.slide("rate", 2.1)
        assert bowl.word("outcome") == "diverged"


def test_start_over_brings_everything_back(bowl: BowlWidget) -> None:
    before = bowl.number("condition"), bowl.places("dots"), bowl.places("stops")
    for name, value in (("offset", 1), ("scale", 1.2), ("correlation", 0.5), ("rate", 0.5)):
        bowl.slide(name, value)
    bowl.button("Normalise the inputs").click()
    bowl.button("Start over").click()
    assert bowl.word("stage") == "raw"
    assert (bowl.number("condition"), bowl.places("dots"), bowl.places("stops")) == before


def test_the_bowl_goes_by_keyboard_alone(reader: Reader) -> None:
    bowl, keyboard = BowlWidget(reader.page), reader.page.keyboard  # here the bowl takes its time
    narrow = bowl.number("condition")
    bowl.button("Normalise the inputs").focus()
    keyboard.press("Enter")
    bowl.rest()
    assert bowl.number("condition") == pytest.approx(1, abs=1e-3)
    expect(bowl.button("Undo the normalisation")).to_be_focused()
    keyboard.press("Enter")
    bowl.rest()
    assert bowl.number("condition") == narrow
    for _ in range(2):
        keyboard.press("Tab")
    keyboard.press("ArrowLeft")
    assert bowl.number("condition") < narrow
    keyboard.press("Tab")
    keyboard.press("End")
    keyboard.press("Tab")
    keyboard.press("ArrowRight")
    keyboard.press("Tab")
    keyboard.press("End")
    values = [bowl.element.locator("[data-slide]").nth(index).input_value() for index in range(4)]
    assert list(map(float, values)) == [2.45, 1.5, 0.05, 2.1]
    assert bowl.word("outcome") == "diverged"


def test_a_move_can_be_cut_short_by_the_next(reader: Reader) -> None:
    bowl = BowlWidget(reader.page)
    narrow = bowl.number("condition")
    bowl.button("Normalise the inputs").click()
    bowl.slide("correlation", 0.6)
    assert bowl.number("condition") == pytest.approx(4, rel=1e-3)
    bowl.button("Undo").click()
    bowl.button("Start over").click()
    bowl.rest()
    assert bowl.number("condition") == narrow


@pytest.mark.parametrize("width", [390, 1280])
def test_playing_with_the_bowl_moves_nothing_below_it(
    width: int, new_reader: NewReader, server: Server
) -> None:
    bowl = BowlWidget(new_reader(server.url, width=width, reduced_motion="reduce").page)
    height = "element => element.offsetHeight"
    before = bowl.element.evaluate(height)
    for press, slides in (
        ("Normalise the inputs", {"correlation": -0.95}),
        ("Undo", {"rate": 2.1}),
        ("Start over", {"offset": 0, "scale": 1, "rate": 0.05}),
    ):
        bowl.button(press).click()
        assert bowl.element.evaluate(height) == before
        for name, value in slides.items():
            bowl.slide(name, value)
            assert bowl.element.evaluate(height) == before, (name, value)


def test_without_scripts_both_bowls_stand_side_by_side(
    new_reader: NewReader, server: Server
) -> None:
    page = new_reader(server.url, java_script_enabled=False).page
    still = page.locator("#widget-bowl .still")
    expect(still.locator("img:visible")).to_have_count(2)
    expect(still).to_contain_text("steps: 25.")
    expect(still).to_contain_text("steps: 1.")
    for slider in page.locator("#widget-bowl input").all():
        expect(slider).to_be_hidden()
