"""axe-core in a page: what it finds, a line for each element."""

from collections.abc import Sequence

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

# All default rules, among them best practices, and the one of WCAG 2.2 AA that is off by default.
# Of drawings and formulas axe can't tell the contrast: `DRAWN` does.
CONFIGURE = """axe.configure({rules: [
  {id: "color-contrast", selector: "*:not(svg *, math, math *)"},
  {id: "target-size", enabled: true},
]})"""
RUN = """async ([kept, only, without]) => {
  const rules = Object.fromEntries(without.map((id) => [id, {enabled: false}]));
  const chosen = only.length ? {runOnly: only} : {rules};
  const options = {resultTypes: ["violations", "incomplete"], ...chosen};
  const {violations, incomplete} = await axe.run(kept ?? document, options);
  window.unsure = incomplete.filter(({id}) => id === "color-contrast").flatMap(({nodes}) =>
    nodes.map(({html, any}) => `${any[0].message} | ${html.slice(0, 80)}`));
  return violations.flatMap(({id, nodes}) =>
    nodes.map(({target, html, any, all, none}) =>
      [id, target.join(" "), html.slice(0, 120), [...any, ...all, ...none][0]?.message]
        .join(" | ")));
}"""
# What depends on the theme alone.
COLOURS = ("color-contrast", "link-in-text-block")

# Letters in drawings and formulas, and what they stand on: paper, unless the style sheet puts a
# box of another colour there. Text with a contrast below 4.5, in pairs with it.
DRAWN = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const channels = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (colour) => channels(colour)
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const paper = getComputedStyle(document.documentElement).backgroundColor;
  const lit = getComputedStyle(document.querySelector(".network .lit") ?? document.body).fill;
  const low = new Set();
  for (const text of document.querySelectorAll("svg text, svg tspan, math mi, math mn, math mo")) {
    const drawn = text.closest("svg") !== null;
    if (!text.checkVisibility() || text.closest(":disabled, button")) continue;
    const style = getComputedStyle(text);
    const behind = text.matches(".on-lit") ? lit : paper;
    const both = [light(drawn ? style.fill : style.color), light(behind)];
    const contrast = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
    if (contrast < 4.5) low.add(`${text.outerHTML.slice(0, 60)} ${contrast.toFixed(2)}`);
  }
  return [...low];
}"""


def violations(
    page: Page,
    within: str | None = None,
    *,
    only: Sequence[str] = (),
    without: Sequence[str] = (),
) -> list[str]:
    """What axe finds in the page, or in the element `within`; `only` by these rules, or by all
    `without` those.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
        page.evaluate(CONFIGURE)
    found: list[str] = page.evaluate(RUN, [within, list(only), list(without)])
    low: list[str] = page.evaluate(DRAWN)
    return found + low


def violations_in_both_themes(page: Page, within: str | None = None) -> list[str]:
    """The same, and in the dark what depends on colours."""
    page.emulate_media(color_scheme="light")
    found = violations(page, within)
    page.emulate_media(color_scheme="dark")
    return found + violations(page, within, only=COLOURS)


def unsure(page: Page) -> list[str]:
    """Where axe could not tell the contrast last time, single signs aside."""
    told: list[str] = page.evaluate("unsure")
    return [each for each in told if "too short" not in each]


def keep_only(page: Page, selector: str) -> None:
    """Takes everything else out of the article's sections: what is left is soon looked through."""
    page.evaluate(
        """(selector) => {
          for (const element of document.querySelectorAll("main section > *"))
            if (!element.matches(selector) && !element.querySelector(selector)) element.remove();
        }""",
        selector,
    )
