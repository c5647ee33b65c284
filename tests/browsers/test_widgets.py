"""The three widgets in three engines, by pointer and by keyboard."""

import pytest

from tests.browsers.article import Article

pytestmark = pytest.mark.browsers

BUTTON = """(widget, name) => {
  document.querySelectorAll("[data-test]").forEach((other) => other.removeAttribute("data-test"));
  [...document.querySelectorAll(`[data-widget="${widget}"] button`)]
    .find((button) => button.textContent.trim().startsWith(name)).setAttribute("data-test", "");
}"""
POINT = """() => ["cx", "cy"].map((name) => Number(
  document.querySelector("[data-widget=batch] [data-point='0']").getAttribute(name)))"""


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
    x, y = article.place("[data-widget=batch] [data-point='0']")
    before = article.do(POINT)
    article.browser.drag((x, y), (x - 10, y + 20), (x - 30, y + 40))
    after = article.do(POINT)
    assert after[0] < before[0]
    assert after[1] != before[1]
    article.keep_picture("widget-batch-1280")


def test_the_batch_goes_by_keyboard(article: Article) -> None:
    article.open()
    article.focus(named(article, "batch", "Subtract"))
    article.browser.press("Enter")
    assert article.word("batch", "step") == "1"
    article.browser.press("Space")  # the focus moved on to the next step's button
    assert article.word("batch", "step") == "2"
    assert article.number("batch", "variance-x") == pytest.approx(1, abs=1e-4)
    article.click(named(article, "batch", "Start over"))
    assert article.word("batch", "step") == "0"
    article.focus("[data-widget=batch] [data-point='0']")
    before = article.do(POINT)
    article.browser.press("ArrowLeft")
    assert article.do(POINT)[0] == pytest.approx(before[0] - 0.1)


def test_mates_are_swapped_by_pointer_and_by_keyboard(article: Article) -> None:
    article.open()
    outputs = [article.number("train-or-test", "output")]
    article.click(named(article, "train-or-test", "Swap"))
    outputs.append(article.number("train-or-test", "output"))
    article.focus(named(article, "train-or-test", "Swap"))
    article.browser.press("Enter")
    outputs.append(article.number("train-or-test", "output"))
    assert len(set(outputs)) == 3
    article.focus("[data-widget=train-or-test] input[type=radio]:checked")
    article.browser.press("ArrowRight")
    assert article.word("train-or-test", "mode") == "test"
    article.keep_picture("widget-train-or-test-1280")


def test_the_bowl_becomes_round_by_pointer_and_its_sliders_go_by_keyboard(article: Article) -> None:
    article.open()
    narrow = article.number("bowl", "condition")
    article.click(named(article, "bowl", "Normalise"))
    assert article.number("bowl", "condition") == pytest.approx(1, abs=1e-3)
    article.focus(named(article, "bowl", "Undo"))
    article.browser.press("Enter")
    assert article.number("bowl", "condition") == narrow
    article.focus("[data-widget=bowl] [data-slide]")
    article.browser.press("ArrowLeft")
    assert article.number("bowl", "condition") < narrow
    article.keep_picture("widget-bowl-1280")
