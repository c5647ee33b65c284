"""The formulas of the page in three engines: as tall as in Chromium, roots as tall as they need."""

import pytest

from tests.browsers.article import Article
from tests.browsers.browser import Browser
from tests.browsers.conftest import OpenBrowser
from tests.support.processes import Server

pytestmark = pytest.mark.browsers

# Text of each formula that is shown, and its height in the font's size.
HEIGHTS = """async () => {
  await document.fonts.ready;
  return [...document.querySelectorAll("math")]
    .filter((math) => math.checkVisibility())
    .map((math) => [math.textContent.trim(), math.getBoundingClientRect().height
      / parseFloat(getComputedStyle(math).fontSize)]);
}"""
# Of each root: its height and that of what is under it, in the font's size.
ROOTS = """async () => {
  await document.fonts.ready;
  return [...document.querySelectorAll("math msqrt")]
    .filter((root) => root.checkVisibility())
    .map((root) => {
      const rects = [...root.querySelectorAll("*")].map((part) => part.getBoundingClientRect());
      const tall = Math.max(...rects.map(({bottom}) => bottom))
        - Math.min(...rects.map(({top}) => top));
      const size = parseFloat(getComputedStyle(root).fontSize);
      return [root.textContent.trim(), root.getBoundingClientRect().height / size, tall / size];
    });
}"""


def test_every_formula_is_about_as_tall_as_in_chromium(
    browser: Browser, open_browser: OpenBrowser, watched_server: Server
) -> None:
    ours, chromium = (
        opened(each, watched_server).do(HEIGHTS) for each in (browser, open_browser("chromium"))
    )
    assert len(ours) > 50
    assert [text for text, _ in ours] == [text for text, _ in chromium]
    different = [
        (text, round(height, 2), round(other, 2))
        for (text, height), (_, other) in zip(ours, chromium, strict=True)
        # Firefox gives a formula the height of a line, Chromium that of its ink.
        if not -0.5 < height - other < 1
    ]
    assert different == []


def test_a_root_is_little_taller_than_what_is_under_it(
    browser: Browser, watched_server: Server
) -> None:
    roots = opened(browser, watched_server).do(ROOTS)
    assert len(roots) >= 3
    # Between sizes of the root sign lie 0.25 em, over it a line, and a gap between.
    assert [
        (text, round(height, 2), round(inner, 2))
        for text, height, inner in roots
        if height > max(inner, 1.19) + 0.6
    ] == []


def opened(browser: Browser, server: Server) -> Article:
    article = Article(browser, server.url)
    article.open()
    return article
