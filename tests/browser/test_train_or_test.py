"""Widget train-or-test: what the mates decide, and what the running averages do."""

import math
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.reader import Reader

pytestmark = pytest.mark.browser

EPSILON = 1e-5


@dataclass
class Layer:
    """Widget train-or-test as a reader handles it."""

    page: Page

    @property
    def element(self) -> Locator:
        return self.page.locator("[data-widget=train-or-test]")

    def number(self, name: str) -> float:
        return float(str(self.element.get_attribute(f"data-{name}")))

    def swap(self) -> float:
        """Swaps the mates; the example's output."""
        self.element.get_by_role("button", name="Swap").click()
        return self.number("output")

    def enter(self, mode: str) -> None:
        self.element.get_by_label(mode, exact=True).check()

    def slide(self, name: str, value: float) -> None:
        self.element.get_by_label(name).fill(str(value))


@pytest.fixture
def layer(reader: Reader) -> Layer:
    return Layer(reader.page)


def test_in_training_other_mates_make_another_output(layer: Layer) -> None:
    outputs = {layer.swap() for _ in range(6)}
    assert len(outputs) == 6
    expected = (6.5 - layer.number("batch-mean")) / math.sqrt(
        layer.number("batch-variance") + EPSILON
    ) + 0.5
    assert layer.number("output") == pytest.approx(expected)


def test_in_testing_other_mates_make_no_difference(layer: Layer) -> None:
    layer.enter("Testing")
    batches = set()
    outputs = set()
    for _ in range(6):
        outputs.add(layer.swap())
        batches.add(layer.number("batch-mean"))
    assert len(batches) == 6
    assert len(outputs) == 1
    running = layer.number("running-mean"), layer.number("running-variance")
    assert outputs.pop() == pytest.approx(
        (6.5 - running[0]) / math.sqrt(running[1] + EPSILON) + 0.5
    )


def test_training_moves_the_running_averages_and_testing_does_not(layer: Layer) -> None:
    before = layer.number("running-mean"), layer.number("running-variance")
    layer.swap()
    size, rate = 8, 0.1
    unbiased = layer.number("batch-variance") * size / (size - 1)
    expected = (
        (1 - rate) * before[0] + rate * layer.number("batch-mean"),
        (1 - rate) * before[1] + rate * unbiased,
    )
    after = layer.number("running-mean"), layer.number("running-variance")
    assert after == pytest.approx(expected)
    layer.enter("Testing")
    layer.swap()
    assert (layer.number("running-mean"), layer.number("running-variance")) == after


def test_momentum_decides_how_far_back_the_averages_reach(layer: Layer) -> None:
    layer.swap()
    layer.slide("momentum", 1)
    assert layer.number("running-mean") == pytest.approx(layer.number("batch-mean"))
    layer.slide("momentum", 0)
    assert layer.number("running-mean") == 0
    assert layer.number("running-variance") == 1


def test_a_batch_of_one_becomes_beta(layer: Layer) -> None:
    layer.slide("batch size", 1)
    assert layer.number("output") == 0.5
    assert layer.number("batch-variance") == 0
    expect(layer.element.locator("[data-status]")).to_contain_text("everything becomes β")
    trained = layer.number("trained")
    assert layer.swap() == 0.5
    assert layer.number("trained") == trained
    layer.enter("Testing")
    assert layer.number("output") != 0.5


def test_the_layer_goes_by_keyboard_alone(layer: Layer) -> None:
    keyboard = layer.page.keyboard
    layer.element.get_by_label("Training", exact=True).focus()
    first = layer.number("output")
    keyboard.press("Tab")
    keyboard.press("Enter")
    assert layer.number("output") != first
    keyboard.press("Shift+Tab")
    keyboard.press("ArrowRight")
    assert layer.element.get_attribute("data-mode") == "test"
    for _ in range(3):
        keyboard.press("Tab")
    keyboard.press("ArrowRight")
    assert layer.number("batch-size") == 9
    keyboard.press("Tab")
    keyboard.press("ArrowRight")
    assert layer.number("momentum") == pytest.approx(0.11)
