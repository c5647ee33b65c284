"""Histograms of a layer's inputs, in their figure and in the section that looks at its run."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NewReader
from tests.browser.functions import call
from tests.browser.reader import Reader
from tests.support.processes import Server

pytestmark = pytest.mark.browser

OUTLOOK = "#internal-covariate-shift .outlook"


def seen(page: Page) -> Locator:
    view = page.locator(OUTLOOK)
    view.scroll_into_view_if_needed()
    expect(view.locator("[data-view=histogram]")).to_have_attribute("data-live", "")
    return view


@pytest.fixture
def outlook(reader: Reader) -> Locator:
    """The histograms outside their figure, drawn from the recording, and their scrubber."""
    view = seen(reader.page)
    expect(view.locator("[data-number]")).to_have_text("100")
    return view


def bars(view: Locator) -> list[str | None]:
    return [path.get_attribute("d") for path in view.locator("[data-bars]").all()]


def test_the_steps_are_scrubbed_by_keyboard(outlook: Locator, reader: Reader) -> None:
    expect(outlook.locator("[data-at]").first).to_have_text("step 100")
    last = bars(outlook)
    scrubber = outlook.get_by_role("slider", name="training step")
    scrubber.focus()
    reader.page.keyboard.press("Home")
    expect(outlook.locator("[data-number]")).to_have_text("0")
    expect(outlook.locator("[data-at]").first).to_have_text("step 0")
    first = bars(outlook)
    assert all(a != b for a, b in zip(first, last, strict=True))
    outlines = [path.get_attribute("d") for path in outlook.locator("[data-first]").all()]
    assert outlines == first
    reader.page.keyboard.press("ArrowRight")
    expect(outlook.locator("[data-number]")).to_have_text("2")
    assert scrubber.get_attribute("aria-valuetext") == "step 2"
    summary = outlook.locator("[data-answer]")
    expect(summary).to_contain_text("Plain, step 2: mean")
    expect(summary).to_contain_text("standard deviation")


def test_a_replay_begins_on_a_press_and_only_for_who_likes_motion(
    outlook: Locator, new_reader: NewReader, server: Server
) -> None:
    outlook.get_by_role("button", name="Play").click()
    outlook.get_by_role("button", name="Pause").wait_for()
    expect(outlook.locator("[data-number]")).not_to_have_text("100")
    outlook.get_by_role("button", name="Pause").click()
    outlook.get_by_role("button", name="Play").wait_for()

    calm = seen(new_reader(server.url, reduced_motion="reduce").page)
    expect(calm.locator("[data-play]")).to_be_hidden()


def test_a_run_of_the_figure_is_shown_elsewhere_too(outlook: Locator, reader: Reader) -> None:
    source = reader.page.locator(".source [data-shown-of=covariate-shift]")
    expect(source).to_contain_text("the recorded run")
    before = bars(outlook)
    reader.slug = "covariate-shift"
    reader.train(steps=10, seed=5)
    reader.expect_state("finished")
    expect(source).to_have_text("the run of seed 5")
    expect(outlook.locator("[data-number]")).to_have_text("10")
    inside = reader.figure.locator("[data-view=histogram]")
    for at in [*outlook.locator("[data-at]").all(), *inside.locator("[data-at]").all()]:
        expect(at).to_have_text("step 10")
    assert all(a != b for a, b in zip(bars(outlook), before, strict=True))
    assert bars(inside)[:2] == bars(outlook)
    assert len(bars(inside)) == 4


# A slider through the steps of a run that is under way: drawn at step 70, when 72 has come already.
PRESSED_AT_ITS_END = """async () => {
  const article = document.querySelector("[type=module]").src;
  const { Look } = await import(new URL("figure/selection.js", article));
  const element = document.createElement("div");
  const slider = Object.assign(document.createElement("input"), { type: "range" });
  slider.dataset.scrub = "";
  const [number, button] = [document.createElement("output"), document.createElement("button")];
  [number.dataset.number, button.dataset.play] = ["", ""];
  element.append(slider, number, button);
  const look = new Look();
  const life = { signal: new AbortController().signal };
  const scrubber = new m.View(element, new Map(), look, life);
  const points = (step) =>
    scrubber.append({ event: "points", data: { arm: "bn", seed: 1, step, values: {} } });
  scrubber.reset({ steps: 100 });
  points([0, 10, 20, 30, 40, 50, 60, 70]);
  while (number.textContent !== "70") await new Promise((go) => requestAnimationFrame(go));
  const drawn = number.textContent;
  points([80]);
  const choose = (value) => {
    slider.value = value;
    slider.dispatchEvent(new Event("input"));
    return look.step.held;
  };
  return [drawn, choose(70), choose(30)];
}"""


def test_a_press_on_the_end_of_the_slider_of_a_running_run_follows_it(plain_page: Page) -> None:
    """And doesn't hold the step that was the newest when the slider was drawn, beyond the end."""
    held = call(plain_page, "charts/scrubber.js", f"await ({PRESSED_AT_ITS_END})()")
    assert held == ["70", None, 30]


def test_another_run_is_shown_at_its_newest_step_wherever_the_pointer_rests(reader: Reader) -> None:
    reader.wait_for_points(51)
    canvas = reader.figure.locator("[data-chart=test_loss] canvas")
    canvas.hover(position={"x": 200, "y": 60})
    at = reader.figure.locator("[data-chart=test_accuracy] [data-at]")
    expect(at).not_to_have_text("step 100")
    reader.figure.locator("[data-main]").focus()
    reader.page.keyboard.press("Enter")
    reader.expect_state("finished")
    expect(at).to_have_text("step 100")
