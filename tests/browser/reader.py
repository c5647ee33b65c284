"""What a reader does with a figure, and what there is to see."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page

# A run of the full figure takes some 5 to 20 s here; only a hang meets this.
PATIENCE_MS = 120_000

# Charts are made when they come near the window; those in a closed <details> aren't there yet.
CURVES = """(figure) => Object.fromEntries(
  [...figure.querySelectorAll("[data-chart]")]
    .map((element) => [
      element.dataset.chart,
      window.Chart && Chart.getChart(element.querySelector("canvas")),
    ])
    .filter(([, chart]) => chart)
    .map(([name, chart]) => [name, Object.fromEntries(chart.data.datasets
      .filter((dataset) => !dataset.band)
      .map((dataset) => [dataset.label, dataset.data.map(({x, value}) => [x, value])]))]))"""

# Whether each chart that is near the window is made and drawn, or says that it can't be: its script
# may load after the run has ended. 800 pixels: near.js's 900 has an edge that one can't tell. Of a
# run that has finished, its lines reach the last step, too: a panel may come before the points.
ALL_DRAWN = """(figure) => {
  const diverged = new Set([...figure.querySelectorAll(".legend [data-arm]")]
    .filter((item) => item.querySelector("[data-arm-state]").textContent)
    .map((item) => item.querySelector("span").textContent));
  const last = figure.dataset.state === "finished"
    ? Number(figure.querySelector(".run").dataset.steps) : 0;
  const isWhole = ({label, data}) => diverged.has(label) || data.at(-1)?.x >= last;
  const isNear = (element) => {
    const { top, bottom, width } = element.getBoundingClientRect();
    return width && bottom > -800 && top < innerHeight + 800
      && !element.closest("details:not([open])");
  };
  const isDrawn = (element) => {
    if (!element.querySelector(".plot[data-live]")) return false;
    if (element.dataset.place) return true;  // over something else than steps
    const { datasets } = Chart.getChart(element.querySelector("canvas")).data;
    return datasets.filter(({label}) => label).every(isWhole);
  };
  return [...figure.querySelectorAll("[data-chart]")].filter(isNear)
    .every((element) => "failed" in element.dataset || isDrawn(element));
}"""

# Of one chart: the edges of its bands, or each seed's line, as they are drawn under the medians.
BANDS = """(canvas) => Chart.getChart(canvas).data.datasets
  .filter((dataset) => dataset.band)
  .map((dataset) => dataset.data.map(({x, value}) => [x, value]))"""

Line = list[list[float]]
Curves = dict[str, dict[str, Line]]


@dataclass
class Reader:
    """One page, and the figure with that slug. `errors` is what the page has complained of."""

    page: Page
    errors: list[str]
    slug: str = "learning-rates"

    @property
    def figure(self) -> Locator:
        """The figure element."""
        return self.page.locator(f"[data-figure={self.slug}]")

    def button(self, name: str) -> Locator:
        """A button of the figure by the beginning of its accessible name."""
        return self.figure.get_by_role("button", name=name)

    def look(self, details: bool = False) -> None:
        """Scrolls to the figure, so that it is drawn; opens what is shown on demand."""
        self.figure.evaluate("figure => figure.scrollIntoView()")
        if details:
            self.figure.locator(".more-charts > summary").click()

    def train(self, **settings: object) -> None:
        """Sets what is given and presses the Train button."""
        if settings:
            details = self.figure.locator("details.settings")
            if details.get_attribute("open") is None:
                details.locator("summary").click()
            for name, value in settings.items():
                field = self.figure.locator(f"[name={name}]")
                if field.evaluate("element => element.tagName") == "SELECT":
                    field.select_option(str(value))
                else:
                    field.fill(str(value))
        self.button("Train").first.click()

    def expect_state(self, *states: str) -> None:
        """Waits until the figure is in one of these states."""
        any_of = ", ".join(f"[data-figure={self.slug}][data-state={state}]" for state in states)
        # `expect` would dump the whole accessibility tree, half a second of the page's own time,
        # at every look that finds nothing.
        self.page.locator(any_of).wait_for(state="attached", timeout=PATIENCE_MS)

    def wait_for_points(self, at_least: int) -> None:
        """Looks at the figure until some curve of its first chart has that many points."""
        self.look()
        self.page.wait_for_function(
            "([figure, least]) => Math.max(0, ...Object.values(Object.values("
            f"({CURVES})(figure))[0] ?? {{}}).map((line) => line.length)) >= least",
            arg=[self.figure.element_handle(), at_least],
            timeout=PATIENCE_MS,
        )

    def curves(self) -> Curves:
        """Chart → arm's label → its points, as they are drawn once all charts nearby are."""
        self.page.wait_for_function(ALL_DRAWN, arg=self.figure.element_handle())
        # A frame, so that what came before is drawn.
        self.page.evaluate("() => new Promise((go) => requestAnimationFrame(() => setTimeout(go)))")
        drawn: Curves = self.figure.evaluate(CURVES)
        return drawn

    def bands(self, metric: str) -> list[Line]:
        """What is drawn under the medians of a chart, arm by arm."""
        self.curves()
        canvas = self.figure.locator(f"[data-chart={metric}] canvas")
        drawn: list[Line] = canvas.evaluate(BANDS)
        return drawn

    def run_id(self) -> str:
        """The run that the panel names."""
        return str(self.figure.locator("[data-run]").get_attribute("data-run"))

    def fetch(self, path: str, **options: Any) -> dict[str, Any]:
        """A request of this browser session: its status and, where it is JSON, its body."""
        result: dict[str, Any] = self.page.evaluate(
            """async ([path, options]) => {
              const response = await fetch(path, options);
              const text = await response.text();
              let body = null;
              try { body = JSON.parse(text); } catch {}
              return {status: response.status, text, body};
            }""",
            [path, options],
        )
        return result
