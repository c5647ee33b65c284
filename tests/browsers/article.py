"""What a reader does with the article, in the verbs that all engines share."""

import csv
import io
from dataclasses import dataclass
from typing import Any

from tests.browser.pictures import FOLDER
from tests.browser.reader import CURVES, Curves
from tests.browsers.browser import Browser, wait_for

# Where an element is in the window, once it is there and at rest: null as long as it is not.
PLACE = """async (selector) => {
  const element = document.querySelector(selector);
  element.scrollIntoView({block: "center", behavior: "instant"});
  const frame = () => new Promise((go) => requestAnimationFrame(go));
  await frame();
  const before = element.getBoundingClientRect();
  await frame();
  await frame();
  const {x, y, width, height} = element.getBoundingClientRect();
  if (x !== before.x || y !== before.y || !width) return null;
  const hit = document.elementFromPoint(x + width / 2, y + height / 2);
  return hit && (element.contains(hit) || hit.contains(element))
    ? [x + width / 2, y + height / 2]
    : null;
}"""

# By metric, of the charts that a reader sees: the share of pixels that are drawn on.
INK = """(slug) => Object.fromEntries([...document.querySelectorAll(
    `[data-of="${slug}"][data-view=chart]`)]
  .filter((element) => element.checkVisibility())
  .map((element) => {
    const canvas = element.querySelector("canvas");
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let drawn = 0;
    for (let at = 3; at < data.length; at += 4) if (data[at] > 0) drawn += 1;
    return [element.dataset.chart, drawn / (canvas.width * canvas.height)];
  }))"""

# The next view of a figure that a reader would see but that was not yet near the window.
UNDRAWN = """(slug) => {
  const views = [...document.querySelectorAll(`[data-of="${slug}"]`)]
    .filter((element) => element.checkVisibility())
    .filter(({dataset}) => dataset.view !== "scrubber");
  const undrawn = views.find((element) => element.dataset.view === "chart"
    ? !(window.Chart && Chart.getChart(element.querySelector("canvas")))
    : !("live" in element.dataset));
  undrawn?.scrollIntoView({block: "center", behavior: "instant"});
  return !undrawn;
}"""

# By arm, what the drawings that are not charts show: a histogram's step, a map's outlines.
DRAWINGS = """(slug) => [...document.querySelectorAll(`[data-of="${slug}"] [data-arm]`)]
  .filter((element) => element.checkVisibility() && !element.closest(".legend"))
  .map((element) => [element.dataset.arm, element.querySelector("[data-at]")?.textContent
    ?? [...element.querySelectorAll(".contour")].map((path) => path.getAttribute("d")).join()])"""


@dataclass(frozen=True)
class Article:
    """The article in a browser."""

    browser: Browser
    url: str

    def open(self, width: int = 1280, height: int = 900) -> None:
        """Opens it in a window of that size."""
        self.browser.goto(self.url)
        self.browser.resize(width, height)

    def click(self, selector: str) -> None:
        """Clicks the middle of the first such element with the mouse, once it is at rest."""
        self.browser.drag(self.place(selector))

    def place(self, selector: str) -> tuple[float, float]:
        """Scrolls to the first such element; its middle in the window."""
        x, y = wait_for(self.browser, PLACE, selector, what=f"{selector} can be clicked")
        return x, y

    def focus(self, selector: str) -> None:
        self.browser.evaluate("(selector) => document.querySelector(selector).focus()", selector)

    def train(self, slug: str, **settings: object) -> None:
        """Sets a figure's settings and clicks its Train button."""
        figure = f'[data-figure="{slug}"]'
        if self.browser.evaluate(f"() => !document.querySelector('{figure} .settings').open"):
            self.click(f"{figure} .settings > summary")
        for name, value in settings.items():
            self.browser.evaluate(
                """(selector, value) => {
                  const field = document.querySelector(selector);
                  field.value = value;
                  for (const name of ["input", "change"]) {
                    field.dispatchEvent(new Event(name, {bubbles: true}));
                  }
                }""",
                f"{figure} [name={name}]",
                str(value),
            )
        self.browser.evaluate(
            """(figure) => [...document.querySelectorAll(`${figure} button`)]
              .find((button) => button.textContent.trim().startsWith("Train"))
              .setAttribute("data-test-train", "")""",
            figure,
        )
        self.click(f"{figure} [data-test-train]")

    def expect_state(self, slug: str, *states: str) -> None:
        """Waits until the figure is in one of these states."""
        wait_for(
            self.browser,
            "(slug, states) => states.includes("
            "document.querySelector(`[data-figure='${slug}']`).dataset.state)",
            slug,
            list(states),
            what=f"{slug} is {' or '.join(states)}",
        )

    def see_all(self, slug: str) -> None:
        """Scrolls along a figure until every view of it that is not folded away is drawn."""
        wait_for(self.browser, UNDRAWN, slug, what=f"every view of {slug} is drawn")

    def curves(self, slug: str) -> Curves:
        """By metric and arm's label, the points that the figure's charts draw now."""
        drawn: Curves = self.browser.evaluate(
            f"""async (slug) => {{
              await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
              return ({CURVES})(document.querySelector(`[data-figure="${{slug}}"]`));
            }}""",
            slug,
        )
        return drawn

    def ink(self, slug: str) -> dict[str, float]:
        """By metric, the share of each visible chart's pixels that are drawn on."""
        shares: dict[str, float] = self.browser.evaluate(INK, slug)
        return shares

    def drawings(self, slug: str) -> list[list[str]]:
        """What the histograms and maps of a figure's run show, with their arms."""
        shown: list[list[str]] = self.browser.evaluate(DRAWINGS, slug)
        return shown

    def measured(self, slug: str) -> dict[tuple[str, str], list[list[float]]]:
        """By metric and arm, from the CSV of the figure's run: steps and finite values."""
        text = self.browser.evaluate(
            """async (slug) => {
              const {run} = document.querySelector(`[data-figure="${slug}"] [data-run]`).dataset;
              return (await fetch(`/runs/${run}/metrics.csv`)).text();
            }""",
            slug,
        )
        lines: dict[tuple[str, str], list[list[float]]] = {}
        for row in csv.DictReader(io.StringIO(text)):
            if row["value"]:
                line = lines.setdefault((row["metric"], row["arm"]), [])
                line.append([float(row["step"]), float(row["value"])])
        return lines

    def number(self, widget: str, name: str) -> float:
        """A number that a widget shows, from its data attribute."""
        return float(self.word(widget, name))

    def word(self, widget: str, name: str) -> str:
        """A data attribute of a widget at rest."""
        return str(
            wait_for(
                self.browser,
                """(widget, name) => {
                  const element = document.querySelector(`[data-widget="${widget}"]`);
                  return !("moving" in element.dataset) && element.getAttribute(`data-${name}`);
                }""",
                widget,
                name,
                what=f"the widget {widget} is at rest",
            )
        )

    def wait_for_change(self, widget: str, name: str, before: float) -> float:
        """Waits until a number of a widget is another one: a key may take its time to arrive."""
        wait_for(
            self.browser,
            """(widget, name, before) => {
              const element = document.querySelector(`[data-widget="${widget}"]`);
              return !("moving" in element.dataset)
                && Number(element.getAttribute(`data-${name}`)) !== before;
            }""",
            widget,
            name,
            before,
            what=f"{name} of {widget} changes",
        )
        return self.number(widget, name)

    def keep_picture(self, name: str) -> None:
        """Writes artefacts/browsers/<engine>/<name>.png, for people to look at."""
        path = FOLDER / "browsers" / self.browser.name / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.browser.screenshot())

    def do(self, function: str, *arguments: object) -> Any:
        """Evaluates a function in the page."""
        return self.browser.evaluate(function, *arguments)
