"""The oldest browsers that the README names have none of what is taken away here: a run is trained,
drawn, and has its colours all the same.
"""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import NewReader
from tests.browser.staged import ENDS
from tests.support.processes import ROOT

pytestmark = pytest.mark.browser

# Newer than Chrome 119, Firefox 120 or Safari 17.0; and a few that are not, for good measure.
TAKE_AWAY = """
  const taken = [
    [Element.prototype, "checkVisibility", "moveBefore", "ariaNotify", "setHTML"],
    [Element.prototype, "ariaDescription", "ariaLabel", "role"],
    [HTMLElement.prototype, "popover", "showPopover", "hidePopover", "togglePopover"],
    [Array.prototype, "with", "toSpliced", "toSorted", "toReversed"],
    [Array, "fromAsync"],
    [Promise, "withResolvers", "try"],
    [Object, "groupBy"],
    [Map, "groupBy"],
    [URL, "parse", "canParse"],
    [Set.prototype, "union", "intersection", "difference", "isSubsetOf", "isDisjointFrom"],
    [Iterator.prototype, "map", "filter", "reduce", "toArray", "some", "find", "flatMap", "take"],
    [document, "startViewTransition"],
    [AbortSignal, "any", "timeout"],
    [RegExp, "escape"],
    [Math, "sumPrecise"],
    [window, "Iterator", "scheduler", "requestIdleCallback", "CSSScopeRule", "Temporal"],
  ];
  for (const [owner, ...names] of taken) {
    for (const name of names) {
      for (let from = owner; from; from = Object.getPrototypeOf(from)) delete from[name];
    }
  }
"""
# In style sheets, likewise; a browser drops what it doesn't know.
NEWER_CSS = re.compile(
    r"light-dark\(|:has\(|text-wrap:|content-visibility:|overflow-clip-margin:|@starting-style"
    r"|hanging-punctuation:|:target-current|scroll-target-group:|field-sizing:|anchor\("
    r"|\(scripting|interpolate-size|@scope"
)


def older(route: Route) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, body=NEWER_CSS.sub(lambda found: f"x-{found[0]}", answer.text()))


COLOURS = """(figure) => {
  const { backgroundColor, color } = getComputedStyle(document.documentElement);
  const line = Chart.getChart(figure.querySelector("canvas")).data.datasets[0].borderColor;
  return [backgroundColor, color, line];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("switched", [False, True])
def test_an_older_browser_draws_the_run_in_its_colours(
    scheme: str, switched: bool, staged: str, new_reader: NewReader
) -> None:
    reader = new_reader("about:blank", color_scheme=scheme)
    reader.page.add_init_script(TAKE_AWAY)
    reader.page.route("**/*.css", older)
    reader.page.goto(staged)
    if switched:
        reader.page.locator("[data-theme-switch]").click()
    reader.look()
    reader.train(seed=ENDS, steps=10)
    reader.expect_state("finished")
    for line in reader.curves()["test_accuracy"].values():
        assert len(line) == 11
    light = ["rgb(255, 255, 255)", "rgb(27, 29, 34)", "rgb(179, 71, 0)"]
    dark = ["rgb(21, 23, 27)", "rgb(231, 230, 226)", "rgb(245, 154, 82)"]
    assert reader.figure.evaluate(COLOURS) == (light if (scheme == "light") != switched else dark)
    # Charts in a closed group are drawn once it is opened.
    reader.look(details=True)
    expect(reader.figure.locator(".more-charts [data-view=chart]").first).to_have_attribute(
        "data-drawn", "run"
    )
    assert set(reader.curves()) == {"test_loss", "test_accuracy", "dead_units"}


def test_no_script_or_style_sheet_needs_what_the_oldest_browsers_lack() -> None:
    newer = re.compile(
        r"\.(?:with|toSpliced|toSorted|toReversed|groupBy|withResolvers|fromAsync|moveBefore)\("
        r"|\b(?:URL\.(?:parse|canParse)|AbortSignal\.(?:any|timeout)|Iterator\.|light-dark\()"
    )
    found = {
        f"{path.name}: {match[0]}"
        for kind in ("js", "css")
        for path in (ROOT / "static" / kind).rglob(f"*.{kind}")
        for match in newer.finditer(re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL))
    }
    assert found == set()
