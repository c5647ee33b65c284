"""The three widgets in three engines, by pointer and by keyboard."""

import io

import pytest
from PIL import Image

from tests.browsers.article import Article
from tests.browsers.browser import wait_for

pytestmark = pytest.mark.browsers

BUTTON = """(widget, name) => {
  document.querySelectorAll("[data-test]").forEach((other) => other.removeAttribute("data-test"));
  [...document.querySelectorAll(`[data-widget="${widget}"] button`)]
    .find((button) => button.textContent.trim().startsWith(name)).setAttribute("data-test", "");
}"""
# The point that lies farthest to the right, which no other covers.
POINT = "[data-test-point]"
OUTERMOST = """() => {
  document.querySelector("[data-test-point]")?.removeAttribute("data-test-point");
  const at = (point) => Number(point.getAttribute("cx"));
  [...document.querySelectorAll("[data-widget=batch] [data-point]")]
    .reduce((a, b) => (at(b) > at(a) ? b : a)).setAttribute("data-test-point", "");
}"""
# The point that the Tab key reaches.
FIRST = """() => {
  document.querySelector("[data-test-point]")?.removeAttribute("data-test-point");
  document.querySelector("[data-widget=batch] [data-point='0']")
    .setAttribute("data-test-point", "");
}"""
AT = """() => ["cx", "cy"].map((name) => Number(
  document.querySelector("[data-test-point]").getAttribute(name)))"""


def named(article: Article, widget: str, name: str) -> str:
    """The selector of a widget's button, by the beginning of its text."""
    article.do(BUTTON, widget, name)
    return "[data-test]"


def test_the_batch_is_normalised_and_its_points_are_dragged_by_pointer(article: Article) -> None:
    article.open()
    article.click(named(article, "batch", "Subtract"))
    assert article.word("batch", "step") == "1"
    assert abs(article.number("batch", "mean-x")) < 1e-9
    article.click(named(article, "batch", "Start over"))
    assert article.word("batch", "step") == "0"
    article.do(OUTERMOST)
    x, y = article.place(POINT)
    before = article.do(AT)
    article.browser.drag((x, y), (x - 10, y + 20), (x - 30, y + 40))
    after = article.do(AT)
    assert after[0] < before[0]
    assert after[1] != before[1]
    article.keep_picture("widget-batch-1280")


def test_the_batch_goes_by_keyboard(article: Article) -> None:
    article.open()
    article.focus(named(article, "batch", "Subtract"))
    article.browser.press("Enter")
    assert article.wait_for_change("batch", "step", 0) == 1
    article.browser.press("Space")  # the focus moved on to the next step's button
    assert article.wait_for_change("batch", "step", 1) == 2
    assert article.number("batch", "variance-x") == pytest.approx(1, abs=1e-4)
    article.click(named(article, "batch", "Start over"))
    assert article.word("batch", "step") == "0"
    article.do(FIRST)
    article.focus(POINT)
    x, _ = article.do(AT)
    article.browser.press("ArrowLeft")
    moved = f"(x) => ({AT})()[0] !== x"
    wait_for(article.browser, moved, x, what="the point moves")
    assert article.do(AT)[0] == pytest.approx(x - 0.1)


def test_mates_are_swapped_by_pointer_and_by_keyboard(article: Article) -> None:
    article.open()
    outputs = [article.number("train-or-test", "output")]
    article.click(named(article, "train-or-test", "Swap"))
    outputs.append(article.number("train-or-test", "output"))
    article.focus(named(article, "train-or-test", "Swap"))
    article.browser.press("Enter")
    outputs.append(article.wait_for_change("train-or-test", "output", outputs[-1]))
    assert len(set(outputs)) == 3
    article.focus("[data-widget=train-or-test] input[type=radio]:checked")
    article.browser.press("ArrowRight")
    in_test = "() => document.querySelector('[data-widget=train-or-test][data-mode=test]') !== null"
    wait_for(article.browser, in_test, what="the layer is in testing")
    article.keep_picture("widget-train-or-test-1280")


def test_the_bowl_becomes_round_by_pointer_and_its_sliders_go_by_keyboard(article: Article) -> None:
    article.open()
    narrow = article.number("bowl", "condition")
    article.click(named(article, "bowl", "Normalise"))
    assert article.number("bowl", "condition") == pytest.approx(1, abs=1e-3)
    article.focus(named(article, "bowl", "Undo"))
    article.browser.press("Enter")
    wait_for(
        article.browser,
        "(narrow) => Number("
        "document.querySelector('[data-widget=bowl]').dataset.condition) === narrow",
        narrow,
        what="the bowl is narrow again",
    )
    assert article.number("bowl", "condition") == narrow
    article.focus("[data-widget=bowl] [data-slide]")
    article.browser.press("ArrowLeft")
    assert article.wait_for_change("bowl", "condition", narrow) < narrow
    article.keep_picture("widget-bowl-1280")


@pytest.mark.parametrize("drawing", ["[data-widget=bowl] .stage", "[data-drawing=lipschitz] svg"])
def test_dots_that_are_lines_without_a_length_cover_little_of_a_drawing(
    article: Article, drawing: str
) -> None:
    article.open()
    article.do(
        """async (selector) => {
          document.querySelector(selector)
            .scrollIntoView({block: "center", behavior: "instant"});
          await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
        }""",
        drawing,
    )
    left, top, width, height = article.do(
        """(selector) => {
          const {x, y, width, height} = document.querySelector(selector).getBoundingClientRect();
          return [x, y, width, height];
        }""",
        drawing,
    )
    picture = Image.open(io.BytesIO(article.browser.screenshot())).convert("RGB")
    part = picture.crop((int(left), int(top), int(left + width), int(top + height)))
    pixels: list[tuple[int, int, int]] = list(part.get_flattened_data())  # type: ignore[arg-type]
    strong = [rgb for rgb in pixels if max(rgb) - min(rgb) > 80]  # the ink of dots, no grey
    assert 0 < len(strong) < 0.15 * len(pixels)
