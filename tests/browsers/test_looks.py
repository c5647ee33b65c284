"""What a screen shows in three engines, where the page's own account of it would not tell."""

import io
from collections import Counter

import pytest
from PIL import Image

from tests.browsers.article import Article

pytestmark = pytest.mark.browsers

# Scrolls the n-th chart of a figure that is not folded away into the window; its box there.
SCROLLED = """async (slug, index) => {
  const plots = [...document.querySelectorAll(`[data-of="${slug}"][data-view=chart] .plot`)]
    .filter((plot) => plot.checkVisibility() && !plot.closest("details:not([open])"));
  if (index >= plots.length) return null;
  plots[index].scrollIntoView({block: "center", behavior: "instant"});
  await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
  const {x, y, right, bottom} = plots[index].getBoundingClientRect();
  return [x, y, right, bottom];
}"""


def test_charts_that_were_scrolled_past_are_on_the_screen_when_the_reader_comes_back(
    article: Article,
) -> None:
    """On a phone: there a figure's charts stand one below the other."""
    article.open(390)
    article.see_all("covariate-shift")
    seen: list[float] = []
    while box := article.do(SCROLLED, "covariate-shift", len(seen)):
        picture = Image.open(io.BytesIO(article.browser.screenshot())).convert("RGB")
        left, top, right, bottom = map(int, box)
        pixels = list(picture.crop((left, top, right, bottom)).get_flattened_data())
        seen.append(1 - Counter(pixels).most_common(1)[0][1] / len(pixels))  # all but the paper
    assert len(seen) == 4
    assert all(share > 0.03 for share in seen), seen


def test_the_names_of_curves_in_the_prose_are_underlined_in_their_colours(article: Article) -> None:
    article.open()
    line, colour, text = article.do(
        """() => {
          const {textDecorationLine, textDecorationColor, color}
            = getComputedStyle(document.querySelector(".names"));
          return [textDecorationLine, textDecorationColor, color];
        }"""
    )
    assert line == "underline"
    assert colour != text


def test_a_reference_begins_on_the_line_of_its_number(article: Article) -> None:
    article.open()
    above = article.do(
        """() => [...document.querySelectorAll(".references li")].map((item) =>
          item.querySelector("cite").getClientRects()[0].top - item.getBoundingClientRect().top)"""
    )
    assert len(above) > 10
    assert max(above) < 12  # a line has 25
