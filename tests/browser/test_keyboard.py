"""The whole page by keyboard alone, once from its beginning to its end: every widget, every figure.

The focus is always to be seen and never lost. What an arrow key does in a widget, and what follows,
is told in the widgets' own tests.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from app.experiments import EXPERIMENTS
from tests.browser.conftest import NewReader
from tests.browser.reader import PATIENCE_MS
from tests.browser.staged import ENDS

pytestmark = pytest.mark.browser

# More than the page has places to tab to.
MOST_TABS = 900

WHERE = """() => {
  const at = document.activeElement;
  if (at === document.body) return null;
  const shown = at.closest(".modes") ? at.nextElementSibling
    : at.closest(".points") ? at.closest("svg").querySelector(".halo") : at;
  const style = getComputedStyle(shown);
  const ring = shown.matches(".halo") ? style.visibility === "visible"
    : style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const box = shown.getBoundingClientRect();
  return {
    name: at.ariaLabel ?? at.labels?.[0]?.textContent.trim() ?? at.textContent.trim(),
    kind: at.matches("input") ? at.type : at.localName,
    figure: at.closest("[data-figure]")?.dataset.figure ?? "",
    widget: at.closest("figure[id^=widget], figure[id^=drawing]")?.id ?? "",
    main: at.matches("[data-main]"),
    seen: ring && box.bottom > 0 && box.top < innerHeight && box.right > 0,
  };
}"""


@dataclass(frozen=True)
class Place:
    """What has the focus; `seen`: with a ring, inside the window."""

    name: str
    kind: str
    figure: str
    widget: str
    main: bool
    seen: bool


@dataclass
class Keys:
    """A keyboard at a page."""

    page: Page

    def press(self, key: str) -> Place | None:
        """Where the focus is after that key; it must be somewhere, and seen."""
        self.page.keyboard.press(key)
        return self.where()

    def where(self) -> Place | None:
        found = self.page.evaluate(WHERE)
        return Place(**found) if found else None

    def tab_to_main(self, name: str, state: str, slug: str) -> None:
        """Waits until that figure is in that state, with the focus on its panel; its main button of
        that name is the next place.
        """
        figure = self.page.locator(f"[data-figure={slug}][data-state={state}]")
        figure.wait_for(state="attached", timeout=PATIENCE_MS)
        expect(figure.locator(".run")).to_be_focused()
        place = self.press("Tab")
        assert place is not None
        assert place.seen, place
        assert (place.name, place.main) == (name, True)


def test_the_page_goes_by_keyboard_alone_from_its_beginning_to_its_end(
    new_reader: NewReader, staged: str
) -> None:
    page = new_reader(staged, reduced_motion="reduce").page
    keys = Keys(page)
    done: set[str] = set()
    seen: list[Place] = []
    while (place := keys.press("Tab")) is not None:
        assert len(seen) < MOST_TABS
        assert place.seen, place
        seen.append(place)
        if place.main and place.figure not in done:
            if not done & EXPERIMENTS.keys():
                _stop(keys, place.figure)
            done.add(place.figure)
            _run(keys, place.figure)
        elif place.widget or place.kind == "range":
            _play(keys, place, done)
        elif place.name == "Dark page":
            after = keys.press("Enter")
            assert after is not None
            assert after.name == "Light page"
        elif place.name.endswith("arrow keys read the loss from place to place"):
            page.keyboard.press("ArrowRight")
            expect(page.locator("[data-reading]").first).to_contain_text("At 0.")
        elif place.name.startswith("Read the comments"):
            # A quick reader is here before them; they take this link's place.
            page.locator("textarea").wait_for()
        elif place.kind == "textarea":
            done.add("comments")
    assert seen[-1].name == "Post the comment", seen[-1]
    assert done >= {*EXPERIMENTS, *PLAYED, "comments"}
    cites = [place for place in seen if place.name.startswith("[")]
    assert len(cites) > 20
    assert any(place.name.startswith("arXiv") and place.figure == "" for place in seen)  # a card


def _stop(keys: Keys, slug: str) -> None:
    """Begins a run and stops it."""
    keys.page.keyboard.press("Enter")
    keys.tab_to_main("Stop", "running", slug)
    keys.page.keyboard.press("Enter")
    keys.tab_to_main("Train again", "stopped", slug)


def _run(keys: Keys, slug: str) -> None:
    """Sets a seed and sees its run to the end."""
    _tab_to(keys, "Settings")
    keys.page.keyboard.press("Enter")
    _tab_to(keys, "seed")
    keys.page.keyboard.type(f"{ENDS}")
    keys.page.keyboard.press("Enter")
    keys.tab_to_main("Train again", "finished", slug)


def _tab_to(keys: Keys, name: str) -> None:
    """Goes on to what has that name, which is a few places away."""
    passed = [keys.press("Tab")]
    while passed[-1] is None or not passed[-1].name.startswith(name):
        assert len(passed) < 20, passed
        passed.append(keys.press("Tab"))


def _play(keys: Keys, place: Place, done: set[str]) -> None:
    """Does once what can be done there: a button is pressed, a slider moved, a point moved."""
    what = f"{place.widget}: {place.name.partition(' of 100')[0]}"
    if what in done or place.figure:
        return
    done.add(what)
    read: Callable[[], object] = lambda: keys.page.evaluate(  # noqa: E731
        "id => id && document.getElementById(id).innerHTML", place.widget
    )
    before = read()
    if place.kind == "button":
        after = keys.press("Enter")
    elif place.kind in ("range", "circle", "radio"):
        after = keys.press("ArrowRight")
    else:
        return
    assert after is not None, f"{what}: the focus is lost"
    assert after.seen, what
    assert after.widget == place.widget, what
    if place.widget and place.name != "Start over":
        assert read() != before, f"{what}: nothing happened"


PLAYED = {
    "widget-batch: Point 1",
    "widget-batch: Subtract the mean",
    "widget-batch: Randomise",
    "widget-batch: Start over",
    "widget-train-or-test: Training",
    "widget-train-or-test: Swap the mates",
    "widget-train-or-test: Start over",
    "widget-bowl: Normalise the inputs",
    "widget-bowl: Start over",
}
