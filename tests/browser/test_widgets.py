"""Widget batch by pointer, finger and keyboard; and what all widgets have in common."""

import math
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NewReader
from tests.support.processes import Server

pytestmark = pytest.mark.browser

EPSILON = 1e-5
Values = list[list[float]]  # all x₁, all x₂


@dataclass
class BatchWidget:
    """Widget batch as a reader handles it."""

    page: Page

    @property
    def element(self) -> Locator:
        return self.page.locator("[data-widget=batch]")

    def press(self, name: str) -> None:
        """A button; returns when the points have come to rest."""
        self.element.get_by_role("button", name=name).click()
        self.rest()

    def rest(self) -> None:
        self.page.locator("[data-widget=batch]:not([data-moving])").wait_for(state="attached")

    def number(self, name: str) -> float:
        return float(str(self.element.get_attribute(f"data-{name}")))

    def points(self, kind: str = "points") -> Values:
        """Where the points (or the `ghosts`) are drawn."""
        drawn: Values = self.element.evaluate(
            """(element, kind) => ["cx", "cy"].map((name) =>
              [...element.querySelectorAll(`.bench .${kind} circle`)]
                .map((circle) => Number(circle.getAttribute(name))))""",
            kind,
        )
        return drawn

    def axes(self) -> object:
        """Everything about the axes that a move could change."""
        return self.element.evaluate(
            """(element) => [element.querySelector(".grid-lines").outerHTML,
              element.querySelector("[data-plane]").getAttribute("transform"),
              element.querySelector("svg").getAttribute("viewBox")]"""
        )


@pytest.fixture
def batch(still_page: Page) -> BatchWidget:
    batch = BatchWidget(still_page)
    batch.press("Start over")
    seed = batch.element.get_by_label("seed")
    seed.fill("1")
    seed.press("Enter")
    return batch


def mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def variance(values: list[float]) -> float:
    return mean([(value - mean(values)) ** 2 for value in values])


def flat(values: Values) -> list[float]:
    return [value for dimension in values for value in dimension]


def test_the_batch_lies_far_from_the_origin_correlated_and_stretched(batch: BatchWidget) -> None:
    x, y = batch.points()
    assert len(x) == len(y) == 100
    assert mean(x) > 3 * math.sqrt(variance(x))
    assert mean(y) > 3 * math.sqrt(variance(y))
    covariance = mean([a * b for a, b in zip(x, y, strict=True)]) - mean(x) * mean(y)
    assert covariance / math.sqrt(variance(x) * variance(y)) > 0.5


def test_subtracting_the_mean_makes_it_zero_and_leaves_axes_and_shape(batch: BatchWidget) -> None:
    axes, before = batch.axes(), batch.points()
    batch.press("Subtract the mean")
    assert batch.axes() == axes
    assert abs(batch.number("mean-x")) < 1e-9
    assert abs(batch.number("mean-y")) < 1e-9
    for was, now in zip(before, batch.points(), strict=True):
        assert now == pytest.approx([value - mean(was) for value in was])
    assert batch.points("ghosts") == before
    expect(batch.element.locator("[data-moments='0'] td").nth(2)).to_have_text("0.000")


def test_normalising_makes_the_variance_one_up_to_epsilon(batch: BatchWidget) -> None:
    axes, before = batch.axes(), batch.points()
    batch.press("Subtract the mean")
    batch.press("Normalise the variance")
    assert batch.axes() == axes
    for axis, was in zip("xy", before, strict=True):
        expected = variance(was) / (variance(was) + EPSILON)
        assert batch.number(f"variance-{axis}") == pytest.approx(expected, abs=1e-12)
        assert abs(batch.number(f"mean-{axis}")) < 1e-9


def test_undo_gives_the_original_points_back(batch: BatchWidget) -> None:
    before = batch.points()
    batch.press("Subtract the mean")
    batch.press("Normalise the variance")
    batch.press("Undo BatchNorm")
    assert flat(batch.points()) == pytest.approx(flat(before), abs=1e-9)


def test_the_steps_keep_their_order(batch: BatchWidget) -> None:
    subtract, normalise, undo = (
        batch.element.get_by_role("button", name=name) for name in ("Subtract", "Normalise", "Undo")
    )
    for button, enabled in ((subtract, True), (normalise, False), (undo, False)):
        assert button.is_enabled() is enabled
    batch.press("Subtract the mean")
    assert (subtract.is_enabled(), normalise.is_enabled()) == (False, True)
    batch.press("Start over")
    assert batch.number("step") == 0
    assert batch.points() == batch.points("ghosts")


def test_the_same_seed_gives_the_same_points(batch: BatchWidget) -> None:
    first = batch.points()
    batch.press("Randomise")
    drawn, seed = batch.points(), batch.number("seed")
    assert drawn != first
    field = batch.element.get_by_label("seed")
    expect(field).to_have_value(f"{seed:g}")
    for value, expected in (("1", first), (f"{seed:g}", drawn)):
        field.fill(value)
        field.press("Enter")
        assert batch.number("seed") == float(value)
        assert batch.points() == expected
    field.fill("-3")
    field.press("Enter")
    expect(field).to_have_value(f"{seed:g}")


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_dragged_point_stays_under_the_pointer_and_the_rest_follows(
    steps: int, batch: BatchWidget
) -> None:
    for name in ["Subtract the mean", "Normalise the variance"][:steps]:
        batch.press(name)
    before = batch.points()
    outermost = before[0].index(max(before[0]))
    point = batch.element.locator(f"[data-point='{outermost}']")
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    batch.page.mouse.move(x, y)
    batch.page.mouse.down()
    batch.page.mouse.move(x - 30, y + 50, steps=4)
    batch.page.mouse.up()
    after = batch.points()
    held = point.bounding_box()
    assert held
    assert held["x"] - box["x"] == pytest.approx(-30, abs=1)
    assert held["y"] - box["y"] == pytest.approx(50, abs=1)
    others = [index for index in range(100) if index != outermost]
    moved = [after[0][index] != before[0][index] for index in others]
    assert all(moved) if steps else not any(moved)
    if steps:
        assert abs(batch.number("mean-x")) < 1e-9


def test_a_finger_drags_a_point_too(new_reader: NewReader, server: Server) -> None:
    reader = new_reader(server.url, width=390, has_touch=True, reduced_motion="reduce")
    batch = BatchWidget(reader.page)
    point = batch.element.locator("[data-point='0']")
    point.scroll_into_view_if_needed()
    before, box = batch.points(), point.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = reader.page.context.new_cdp_session(reader.page)
    for kind, touches in (
        ("touchStart", [{"x": x, "y": y}]),
        ("touchMove", [{"x": x, "y": y + 10}]),
        ("touchMove", [{"x": x, "y": y + 40}]),
        ("touchEnd", []),
    ):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    after = batch.points()
    assert [i for i in range(100) if before[1][i] != after[1][i]] != []
    assert min(now - was for was, now in zip(before[1], after[1], strict=True)) < -1


def test_all_of_it_goes_by_keyboard_alone(new_reader: NewReader, server: Server) -> None:
    page = new_reader(server.url).page  # its points take their time to move
    batch = BatchWidget(page)
    original = batch.points()
    batch.element.get_by_role("button", name="Subtract").focus()
    page.keyboard.press("Enter")
    batch.rest()
    assert abs(batch.number("mean-x")) < 1e-9
    expect(batch.element.get_by_role("button", name="Normalise")).to_be_focused()
    page.keyboard.press("Enter")
    batch.rest()
    assert batch.number("variance-x") == pytest.approx(1, abs=1e-4)
    gamma = batch.element.get_by_label("γ, scale of dimension 1")
    expect(gamma).to_be_focused()
    page.keyboard.press("ArrowRight")
    assert batch.number("variance-x") == pytest.approx(1.05**2, abs=1e-4)
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    assert batch.number("mean-y") == pytest.approx(-0.05)
    page.keyboard.press("Tab")
    expect(batch.element.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    batch.rest()
    assert flat(batch.points()) == pytest.approx(flat(original), abs=1e-9)

    for _ in range(20):  # back to the points, which are one stop
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.dataset.point") is not None:
            break
    page.keyboard.press("PageDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowLeft")
    expect(batch.element.locator("[data-point='1']")).to_be_focused()
    now = batch.points()
    assert now[0][1] == pytest.approx(original[0][1] - 1)
    assert now[1][1] == pytest.approx(original[1][1] + 0.1)

    seed = batch.element.get_by_label("seed")
    seed.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    batch.rest()
    assert batch.number("seed") == 2
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Start over":
            break
    page.keyboard.press("Enter")
    batch.rest()
    assert batch.points() == batch.points("ghosts")


def test_a_scale_of_zero_leaves_nothing_but_beta(batch: BatchWidget) -> None:
    batch.press("Subtract the mean")
    batch.press("Normalise the variance")
    batch.element.get_by_label("γ, scale of dimension 2").fill("0")
    batch.element.get_by_label("β, shift of dimension 2").fill("2")
    assert set(batch.points()[1]) == {2}
    before = batch.points()
    batch.element.locator("[data-point='0']").focus()
    batch.page.keyboard.press("ArrowUp")  # where nothing can be moved, nothing breaks
    assert batch.points() == before


def test_without_scripts_no_widget_offers_a_dead_button(
    new_reader: NewReader, server: Server
) -> None:
    page = new_reader(server.url, java_script_enabled=False).page
    for widget in page.locator("[data-widget]").all():
        expect(widget.locator("button").first).to_be_hidden()
        expect(widget.locator(".still")).to_be_visible()
    expect(page.locator("#widget-batch .still img")).to_have_count(3)


def test_playing_moves_nothing_else_on_the_page(batch: BatchWidget) -> None:
    heights = "() => [...document.querySelectorAll('.widget')].map((widget) => widget.offsetHeight)"
    before = batch.page.evaluate(heights)
    for name in ("Subtract the mean", "Normalise the variance", "Undo BatchNorm", "Randomise"):
        batch.press(name)
        assert batch.page.evaluate(heights) == before
    layer = batch.page.locator("[data-widget=train-or-test]")
    layer.get_by_role("button", name="Swap").click()
    assert batch.page.evaluate(heights) == before
    layer.get_by_label("batch size").fill("1")
    assert batch.page.evaluate(heights) == before
