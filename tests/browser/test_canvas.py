"""A canvas that the browser has thrown away, as in a tab long away or after a GPU's reset."""

import pytest

from tests.browser.conftest import NewReader

pytestmark = pytest.mark.browser

# Chromium without a GPU loses no canvas: what a loss does is done by hand. It empties the canvas
# and resets its state, as setting its width does, and sends the two events.
LOSE = """() => document.querySelectorAll("canvas").forEach((canvas) => {
  canvas.dispatchEvent(new Event("contextlost", { cancelable: true }));
  canvas.width = canvas.width;
  canvas.dispatchEvent(new Event("contextrestored"));
})"""
LOSE_UNSAID = """() => {
  document.querySelectorAll("canvas").forEach((canvas) => (canvas.width = canvas.width));
  document.dispatchEvent(new Event("visibilitychange"));
}"""
# Of each canvas that is drawn on: its picture.
PICTURES = """async () => {
  await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
  return [...document.querySelectorAll("[data-live] canvas")].map((canvas) => canvas.toDataURL());
}"""


@pytest.mark.parametrize("lose", [LOSE, LOSE_UNSAID], ids=["said", "unsaid"])
def test_every_canvas_that_was_thrown_away_is_drawn_again(
    lose: str, staged: str, new_reader: NewReader
) -> None:
    reader = new_reader(staged)
    reader.wait_for_points(51)
    # A function: the page's policy lets no text be evaluated, which a second look would do.
    reader.page.wait_for_function(
        """() => document.querySelectorAll("#figure-learning-rates > .charts [data-live]")
          .length === 2"""
    )
    before = reader.page.evaluate(PICTURES)
    assert len(set(before)) >= 2
    reader.page.evaluate(lose)
    assert reader.page.evaluate(PICTURES) == before
